//! MCP over Streamable HTTP, as a tower service that another crate mounts, and what that crate
//! needs to know about a message before it is served.
//!
//! It knows no token, no OAuth and no socket: whoever mounts the service has decided who calls,
//! and says so with an `Arc<`[`Caller`]`>` in the extensions of the HTTP request.

mod account;
mod message;
#[cfg(test)]
mod tests;
mod views;

use std::{convert::Infallible, sync::Arc, time::Duration};

use http_body_util::combinators::BoxBody;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tokio_util::sync::CancellationToken;
use tower::Service;

pub use self::{
    account::{Account, FenceError, Sentry},
    message::{Asked, BadMessage, MAX_DEPTH, StepUp},
    views::{LevelView, ScopeView},
};
pub use crate::handler::Caller;
use crate::handler::McpServer;

/// The body of a request, read completely.
pub type RequestBody = http_body_util::Full<bytes::Bytes>;

/// The body of an answer: JSON at once, or a stream of events.
pub type ResponseBody = BoxBody<bytes::Bytes, Infallible>;

/// How the service is mounted.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The hosts, with or without a port, that a request may be addressed to.
    pub allowed_hosts: Vec<String>,
    /// The origins of web pages that may call; `:*` stands for any port.
    pub allowed_origins: Vec<String>,
    /// The largest body in bytes.
    pub max_body: usize,
    /// Ends what is still being answered. Cancel it when the time for a graceful end is over.
    pub stop: CancellationToken,
}

/// How often a stream without events says that it is alive: often enough for the proxies that
/// close a silent connection after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The service. Stateless: no sessions, each request stands alone, in both eras of the protocol.
/// A request that is dropped cancels its call.
pub fn service(
    server: McpServer,
    options: HttpOptions,
) -> impl Service<
    http::Request<RequestBody>,
    Response = http::Response<ResponseBody>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ Sync
+ 'static {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(Some(KEEP_ALIVE))
        .with_allowed_hosts(options.allowed_hosts)
        .with_allowed_origins(options.allowed_origins)
        .enforce_origin_validation()
        .with_max_request_body_bytes(options.max_body)
        .with_cancellation_token(options.stop);
    let sessions = Arc::new(NeverSessionManager::default());
    StreamableHttpService::new(move || Ok(server.clone()), sessions, config)
}
