//! The page for people at `/`, and the files for robots and models. All of it is fixed when the
//! server starts; nothing of a request gets into it.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use crate::app::App;

const INDEX: &str = include_str!("pages/index.html");
const STYLE: &str = include_str!("pages/style.css");

/// Nothing but the style sheet beside it may be loaded, and nobody may frame it.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// `/`: the endpoint, and what to paste into which client.
pub(crate) async fn index(State(app): State<Arc<App>>) -> Response {
    let page = INDEX.replace("{endpoint}", &app.endpoint());
    let mut response = page.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// `/style.css`
pub(crate) async fn style() -> ([(HeaderName, &'static str); 2], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, STYLE)
}

/// `/llms.txt`: the same for a model, <https://llmstxt.org>.
pub(crate) async fn llms(State(app): State<Arc<App>>) -> String {
    let endpoint = app.endpoint();
    format!(
        "# Sentry MCP server\n\n\
         > A Model Context Protocol server for Sentry: issues, events, traces, releases, projects \
         and teams. A person logs in at Sentry and picks what the client may do.\n\n\
         - Endpoint (Streamable HTTP, OAuth 2.1): {endpoint}\n\
         - Limited to one organization: {endpoint}/{{organization}}\n\
         - Limited to one project: {endpoint}/{{organization}}/{{project}}\n"
    )
}

/// `/robots.txt`: there is one page to index (RFC 9309).
pub(crate) async fn robots() -> &'static str {
    "User-agent: *\nAllow: /$\nAllow: /llms.txt\nDisallow: /\n"
}
