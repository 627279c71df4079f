//! What clients and machines ask a server about itself: the metadata of the protected resource
//! (RFC 9728), whether it lives, and the files for robots and models.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use oauth::resource::Resource;
use serde_json::json;
use server::McpServer;

use crate::{app::App, challenge::refuse};

/// Where the metadata of a resource is: before its path (RFC 9728 §3.1).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// `/.well-known/oauth-protected-resource[/mcp[/{org}[/{project}]]]`. Public, for every origin.
///
/// Without a path it answers for `/mcp`, because clients fall back to it (MCP 2026-07-28,
/// "Protected Resource Metadata Discovery Requirements").
pub(crate) async fn protected_resource(State(app): State<Arc<App>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return only("GET, HEAD");
    }
    let path = request.uri().path().strip_prefix(WELL_KNOWN).unwrap_or_default();
    let path = if path.is_empty() { "/mcp" } else { path };
    let Some(resource) = Resource::at_path(&app.issuer, path) else {
        return refuse(StatusCode::NOT_FOUND, "there is no resource at this path");
    };
    let body = json!({
        "resource": resource.as_str(),
        "authorization_servers": [app.origin],
        "scopes_supported": McpServer::default_scopes(),
        "bearer_methods_supported": ["header"],
        "resource_name": "Sentry MCP server",
    });
    let mut response = Json(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// 405 with the methods that there are (RFC 9110 §15.5.6).
pub(crate) fn only(methods: &'static str) -> Response {
    let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "this method is not supported here");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

/// `/livez`: the process answers.
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// `/readyz`: requests can be answered. Not while the server stops, and not without its store.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    if app.end.draining.is_cancelled() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    match app.oauth.ready().await {
        Ok(()) => "ok\n".into_response(),
        Err(err) => {
            tracing::warn!(%err, "the store cannot be reached");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be reached")
        }
    }
}
