//! The endpoints that clients call by themselves, and how browsers may call them from other
//! sites. The pages for people are in `flow`.

mod metadata;
mod revoke;
mod token;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Request, rejection::BytesRejection},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{
    clients::registration, config::ClientAddress, error::OAuthError, limits::AddressKey,
    server::Inner,
};

/// The endpoints, below the root of the server.
pub(crate) fn router(server: &Arc<Inner>) -> Router<Arc<Inner>> {
    Router::new()
        .route(metadata::PATH, get(metadata::show))
        .route(&format!("{}/{{*resource}}", metadata::PATH), get(metadata::show_for))
        .route("/oauth/token", post(token::answer))
        .route("/oauth/revoke", post(revoke::answer))
        .merge(registration::routes(Arc::clone(&server.clients)).with_state(()))
        .layer(middleware::from_fn(cors))
}

/// Lets pages of any site call these endpoints and read the answers (Fetch §3.2).
///
/// A client may be a page, the MCP inspector is one. It is safe for any site, because nothing
/// here looks at a cookie: whoever calls needs a code and its verifier, a token, or a secret,
/// and a page that has one could send it from anywhere else. The answer says `*`, with which a
/// browser sends no credentials. The dialog and its form are not among these endpoints.
async fn cors(request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    if preflight {
        set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
        set(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, MCP-Protocol-Version",
        );
        set(header::ACCESS_CONTROL_MAX_AGE, "3600");
    } else {
        set(header::ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, Retry-After");
    }
    response
}

/// The body, or the answer to one that is too large.
fn body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, OAuthError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => OAuthError::too_large(),
        _ => OAuthError::invalid_request("the body could not be read"),
    })
}

/// Takes one request out of an address's allowance.
fn admit(server: &Inner, address: Option<ClientAddress>) -> Result<(), OAuthError> {
    server
        .token_limit
        .check(&AddressKey::of(address.map(|ClientAddress(address)| address)))
        .map_err(OAuthError::from)
}
