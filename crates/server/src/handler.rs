//! One MCP server: who is calling, what is listed, and how a call runs and ends.
//!
//! It decides nothing about permissions, which the registry does, and knows no transport.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest,
        CustomResult, DiscoverResult, ErrorCode, Implementation, InitializeRequestParams,
        InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
        ServerConfig, Tool,
    },
    service::RequestContext,
};
use scopes::ScopeSet;
use sentry_client::Client;
use serde_json::{Map, Value};
use tokio::{sync::OnceCell, time::timeout};
use tools::{
    gate::{self, Grant},
    registry::{Call, Catalog, ToolRegistry},
    tool::Progress,
};

use crate::{
    config::{Loaded, Probe},
    instructions::instructions,
    progress, wire,
};

/// How long a client may keep a list of tools that changes only when the server restarts. Where
/// callers log in, it may be longer by a tool at any time: after the next approval.
const LIST_TTL: Duration = Duration::from_mins(5);

/// How long the first list of tools waits for what the token may do.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// How much longer than its own time a call may take before it is stopped from outside.
const CALL_GRACE: Duration = Duration::from_secs(2);

/// On whose behalf a request is made.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What the caller may do.
    pub grant: Grant,
    /// Sentry, with the caller's credential and fence.
    pub sentry: Client,
}

/// Serves a registry. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    shared: Arc<Shared>,
}

struct Shared {
    registry: Box<dyn ToolRegistry>,
    /// Who calls when a request does not say so: over stdio, everybody.
    caller: Option<Arc<Caller>>,
    probe: Probe,
    /// What the token of `caller` may do, `None` inside if that could not be found out.
    probed: OnceCell<Option<ScopeSet>>,
}

impl McpServer {
    /// A server whose every request is made on behalf of `caller`.
    pub fn new(registry: impl ToolRegistry + 'static, caller: Caller, probe: Probe) -> McpServer {
        let caller = Some(Arc::new(caller));
        let probed = OnceCell::new();
        let shared = Shared { registry: Box::new(registry), caller, probe, probed };
        McpServer { shared: Arc::new(shared) }
    }

    /// A server whose every request says by itself on whose behalf it is made; see [`crate::http`].
    pub fn without_caller(registry: impl ToolRegistry + 'static) -> McpServer {
        let shared = Shared {
            registry: Box::new(registry),
            caller: None,
            probe: Probe::Lazy,
            probed: OnceCell::new(),
        };
        McpServer { shared: Arc::new(shared) }
    }

    /// The server that the settings describe. No I/O, and no schema is built.
    pub fn of(loaded: &Loaded) -> McpServer {
        let sentry = Client::new(loaded.settings(), loaded.token()).with_fence(loaded.fence());
        let grant = Grant { fence: loaded.fence(), ..Grant::new(loaded.granted()) };
        let registry = Catalog::new(loaded.installation());
        McpServer::new(registry, Caller { grant, sentry }, loaded.config.probe)
    }

    pub(crate) fn registry(&self) -> &dyn ToolRegistry {
        self.shared.registry.as_ref()
    }

    /// The caller of every request that does not name one.
    pub(crate) fn own_caller(&self) -> Option<&Arc<Caller>> {
        self.shared.caller.as_ref()
    }

    /// Who made a request. A transport with several callers puts an `Arc<Caller>` into the
    /// extensions of the request, over HTTP into those of the HTTP request; without any caller
    /// the request fails.
    fn caller(&self, cx: &RequestContext<RoleServer>) -> Result<Arc<Caller>, ErrorData> {
        let of_http =
            || cx.extensions.get::<http::request::Parts>()?.extensions.get::<Arc<Caller>>();
        let named = cx.extensions.get::<Arc<Caller>>().or_else(of_http).cloned();
        named
            .or_else(|| self.shared.caller.clone())
            .ok_or_else(|| ErrorData::internal_error("the request has no caller", None))
    }

    /// Asks Sentry what the token may do, if the settings want that before the first list.
    ///
    /// It is asked once: a list must not change because something else did. Without an answer in
    /// time nothing is known, which neither adds nor removes a tool.
    pub(crate) async fn probe(&self) -> Option<ScopeSet> {
        let caller = self.shared.caller.as_ref()?;
        if self.shared.probe == Probe::Lazy || caller.grant.token.is_some() {
            return caller.grant.token;
        }
        let ask = || async {
            let sentry = caller.sentry.for_call_within(PROBE_LIMIT);
            match timeout(PROBE_LIMIT, sentry.token_scopes()).await {
                Ok(Ok(names)) => Some(gate::token_scopes(names.iter().map(String::as_str))),
                Ok(Err(err)) => {
                    tracing::warn!(%err, reason = %err.kind(), "could not ask Sentry what the token may do");
                    None
                }
                Err(_) => {
                    tracing::warn!("Sentry did not say in time what the token may do");
                    None
                }
            }
        };
        *self.shared.probed.get_or_init(ask).await
    }

    /// What a caller may see, with what is known about the token.
    pub(crate) async fn grant_for_list(&self, caller: &Arc<Caller>) -> Grant {
        let own = self.shared.caller.as_ref().is_some_and(|own| Arc::ptr_eq(own, caller));
        let token = if own { self.probe().await } else { caller.grant.token };
        Grant { token, ..caller.grant.clone() }
    }

    pub(crate) async fn list(&self, caller: &Arc<Caller>) -> ListToolsResult {
        let grant = self.grant_for_list(caller).await;
        let visible = self.registry().visible(&grant);
        let tools = visible.iter().map(|spec| wire::tool(spec)).collect();
        let mut list = ListToolsResult::with_all_items(tools);
        let ttl = if self.shared.caller.is_some() { LIST_TTL } else { Duration::ZERO };
        list.ttl_ms = u64::try_from(ttl.as_millis()).ok();
        list.cache_scope = Some(CacheScope::Private);
        list
    }

    /// Runs one call, which ends in time and cannot take the server with it.
    pub(crate) async fn call(
        &self,
        caller: &Caller,
        name: &str,
        args: Map<String, Value>,
        progress: &dyn Progress,
    ) -> Result<CallToolResult, ErrorData> {
        let started = Instant::now();
        let sentry = &caller.sentry.for_call();
        let usual = sentry.settings().call_timeout;
        let limit =
            self.registry().takes(name).map_or(usual, |takes| takes.max(usual)) + CALL_GRACE;
        let call = Call { sentry, grant: &caller.grant, name, args, progress };
        let call = self.registry().call(call);
        let ended = timeout(limit, AssertUnwindSafe(call).catch_unwind()).await;
        let elapsed = started.elapsed().as_millis();
        let result = match ended {
            Ok(Ok(outcome)) => wire::outcome(outcome),
            Ok(Err(_panic)) => {
                let reference = format!("{:08x}", fastrand::u32(..));
                // The message of the panic may hold arguments, so only its place is logged.
                tracing::error!(tool = short(name), reference, "a tool call panicked");
                let text = format!(
                    "internal error; nothing is known about the outcome. This is a bug of \
                     sentry-mcp: report it with the reference {reference}"
                );
                Err(ErrorData::internal_error(text, None))
            }
            Err(_elapsed) => Ok(wire::failure(format!(
                "the call was stopped after {} s; a change that it had begun may have happened. \
                 Try again later, or ask for less",
                limit.as_secs()
            ))),
        };
        let failed = !matches!(&result, Ok(result) if result.is_error != Some(true));
        tracing::info!(tool = short(name), failed, elapsed, "tool call");
        result
    }
}

/// A name from a client, fit for a log.
fn short(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServer").field("caller", &self.shared.caller).finish_non_exhaustive()
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let about =
            Implementation::new("sentry-mcp", env!("CARGO_PKG_VERSION")).with_title("Sentry");
        let config = ServerConfig::new(capabilities).with_server_info(about);
        match &self.shared.caller {
            Some(caller) => config.with_instructions(instructions(&caller.grant)),
            None => config,
        }
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let mut result = self.negotiate_initialize(&request)?;
        result.instructions = Some(instructions(&self.caller(&cx)?.grant));
        // Later requests are answered in the version that was agreed on, not the one asked for.
        let mut peer = request;
        peer.protocol_version = result.protocol_version.clone();
        cx.peer.set_peer_info(peer);
        Ok(result)
    }

    async fn discover(&self, cx: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let mut result = DiscoverResult::from_server_info(versions, self.get_info());
        result.instructions = Some(instructions(&self.caller(&cx)?.grant));
        Ok(result)
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        // There is one page, so no cursor of ours can have come back.
        if page.is_some_and(|page| page.cursor.is_some()) {
            return Err(ErrorData::invalid_params("unknown cursor: the list has one page", None));
        }
        let caller = self.caller(&cx)?;
        Ok(self.list(&caller).await)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.registry().all().into_iter().find(|spec| spec.meta.name == name).map(wire::tool)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&cx)?;
        let args = request.arguments.unwrap_or_default();
        let name = &request.name;
        let call = async {
            let Some(token) = cx.meta.get_progress_token() else {
                return self.call(&caller, name, args, &()).await;
            };
            let (reporter, forwarder) = progress::channel(cx.peer.clone(), token);
            let mut forwarding = pin!(forwarder.run());
            let result = tokio::select! {
                biased;
                result = self.call(&caller, name, args, &reporter) => result,
                // It ends with its reporter, which is still there.
                () = &mut forwarding => Err(ErrorData::internal_error("the call was lost", None)),
            };
            drop(reporter);
            // What was reported last still comes before the answer.
            forwarding.await;
            result
        };
        // Whoever cancels wants the work to stop: the call is dropped where it stands.
        tokio::select! {
            biased;
            () = cx.ct.cancelled() => Err(ErrorData::internal_error("cancelled", None)),
            result = call => Ok(result?.into()),
        }
    }

    /// A request that fits no type: either no such method, or parameters that it does not take.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        cx: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // The first two went with the handshake (2026-07-28).
        const METHODS: [&str; 5] =
            ["initialize", "ping", "server/discover", "tools/call", "tools/list"];
        let stateless = cx.protocol_version().is_some_and(|version| !version.has_initialize());
        let mut methods = METHODS.iter().skip(if stateless { 2 } else { 0 });
        Err(match methods.find(|method| **method == request.method) {
            Some(method) => {
                ErrorData::invalid_params(format!("cannot read the parameters of {method}"), None)
            }
            None => ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "there is no such method", None),
        })
    }
}
