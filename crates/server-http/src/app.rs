//! The HTTP application: what its parts share, and which path leads where.

use std::{convert::Infallible, sync::Arc};

use axum::{Router, middleware, routing::any};
use axum::{
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use oauth::{
    AuthorizationServer,
    limits::{AddressKey, Limiter, Rate},
};
use server::{
    McpServer,
    config::{HttpSettings, StepUp},
    http::{HttpOptions, RequestBody, ResponseBody, Sentry},
};
use tower::util::BoxCloneSyncService;
use url::Url;

use crate::{
    address::Proxies,
    challenge::refuse,
    front::front,
    hosts::Hosts,
    listen::End,
    login::{Busy, Logins},
    mcp::{self, MAX_BODY},
    metadata, pages,
};

/// The MCP service behind everything that is checked here.
pub(crate) type McpService = BoxCloneSyncService<
    axum::http::Request<RequestBody>,
    axum::http::Response<ResponseBody>,
    Infallible,
>;

/// What all requests share.
pub(crate) struct App {
    pub(crate) issuer: Url,
    /// The issuer as it is written in documents: without a slash at its end.
    pub(crate) origin: String,
    pub(crate) secure: bool,
    pub(crate) hosts: Hosts,
    pub(crate) proxies: Proxies,
    pub(crate) addresses: Limiter<AddressKey>,
    pub(crate) failures: Limiter<AddressKey>,
    pub(crate) callers: Limiter<String>,
    pub(crate) busy: Busy<String>,
    pub(crate) step_up: StepUp,
    /// The scopes of a challenge that nothing more specific is known for.
    pub(crate) scopes: String,
    pub(crate) server: McpServer,
    pub(crate) service: McpService,
    pub(crate) logins: Logins,
    pub(crate) oauth: Arc<AuthorizationServer>,
    pub(crate) end: End,
}

/// What an [`App`] is made of.
pub(crate) struct Parts<'a> {
    pub(crate) issuer: Url,
    /// The port, if other machines cannot reach it.
    pub(crate) loopback_port: Option<u16>,
    pub(crate) settings: &'a HttpSettings,
    pub(crate) server: McpServer,
    pub(crate) sentry: Sentry,
    pub(crate) oauth: Arc<AuthorizationServer>,
    pub(crate) end: End,
}

impl App {
    pub(crate) fn new(parts: Parts<'_>) -> App {
        let Parts { issuer, loopback_port, settings, server, sentry, oauth, end } = parts;
        let hosts = Hosts::new(&issuer, &settings.allowed_origins, loopback_port);
        let service = server::http::service(
            server.clone(),
            HttpOptions {
                allowed_hosts: hosts.hosts().to_vec(),
                allowed_origins: hosts.origins(),
                max_body: MAX_BODY,
                stop: end.now.clone(),
            },
        );
        App {
            origin: issuer.origin().ascii_serialization(),
            secure: issuer.scheme() == "https",
            issuer,
            hosts,
            proxies: Proxies::new(settings.behind_proxy.clone()),
            addresses: Limiter::new(Rate::per_minute(settings.address_rate)),
            failures: Limiter::new(Rate::per_minute((settings.address_rate / 2).max(1))),
            callers: Limiter::new(Rate::per_minute(settings.caller_rate)),
            busy: Busy::new(settings.max_concurrent_calls),
            step_up: settings.step_up,
            scopes: McpServer::default_scopes().join(" "),
            server,
            service: BoxCloneSyncService::new(service),
            logins: Logins::new(sentry),
            oauth,
            end,
        }
    }

    /// The address of the MCP endpoint.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}/mcp", self.origin)
    }
}

/// All routes, behind the first layer.
pub(crate) fn router(app: Arc<App>) -> Router {
    let oauth = app.oauth.router();
    let own = Router::new()
        .route("/mcp", any(mcp::endpoint))
        .route("/mcp/{*path}", any(mcp::endpoint))
        .route(metadata::WELL_KNOWN, any(metadata::protected_resource))
        .route("/.well-known/oauth-protected-resource/{*path}", any(metadata::protected_resource))
        .route("/livez", get(metadata::livez))
        .route("/readyz", get(metadata::readyz))
        .route("/", get(pages::index))
        .route("/style.css", get(pages::style))
        .route("/llms.txt", get(pages::llms))
        .route("/robots.txt", get(pages::robots))
        .with_state(Arc::clone(&app));
    own.merge(oauth).fallback(nothing_here).layer(middleware::from_fn_with_state(app, front))
}

async fn nothing_here(request: Request) -> Response {
    // `/mcp/` is not `/mcp`: a token is for one exact path.
    let mut response = refuse(axum::http::StatusCode::NOT_FOUND, "there is nothing at this path");
    if request.uri().path() == "/sse" {
        response = (
            axum::http::StatusCode::GONE,
            "the transport of 2024-11-05 is not served; connect to /mcp (Streamable HTTP)\n",
        )
            .into_response();
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
