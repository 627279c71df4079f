//! `/.well-known/oauth-authorization-server` (RFC 8414). What a client may rely on; it reads
//! nothing but the configuration.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use scopes::Scope;
use serde_json::{Value, json};

use crate::{clients::registration, config::Config, resource::Resource, server::Inner};

/// Where the document is (RFC 8414 §3).
pub(super) const PATH: &str = "/.well-known/oauth-authorization-server";

/// How a client may authenticate (RFC 6749 §2.3.1).
const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

pub(super) async fn show(State(server): State<Arc<Inner>>) -> Response {
    answer(&server.config)
}

/// The same document below the path of a resource, where some clients look. Its issuer stays
/// the real one: what a client compares it with is for the client (RFC 8414 §3.3).
pub(super) async fn show_for(State(server): State<Arc<Inner>>, uri: Uri) -> Response {
    // As it came over the wire: nothing is decoded, here as everywhere.
    let resource = uri.path().strip_prefix(PATH).unwrap_or_default();
    if Resource::at_path(&server.config.issuer, resource).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    answer(&server.config)
}

fn answer(config: &Config) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document(config))).into_response()
}

/// The document.
fn document(config: &Config) -> Value {
    let scopes: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
    json!({
        "issuer": config.issuer_id(),
        "authorization_endpoint": config.own_url("/oauth/authorize"),
        "token_endpoint": config.own_url("/oauth/token"),
        "registration_endpoint": config.own_url(registration::PATH),
        "revocation_endpoint": config.own_url("/oauth/revoke"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    #[test]
    fn the_document_says_what_the_server_does() {
        insta::assert_json_snapshot!(document(&config("https://mcp.example.test")));
    }
}
