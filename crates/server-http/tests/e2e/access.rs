//! Who gets in: challenges, metadata, and what ends a login.

use serde_json::json;

use crate::harness::{Era, Server, message, start};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
const SCOPES: &str = "org:read project:read team:read event:read";

fn challenge(server: &Server, path: &str, error: &str) -> String {
    let origin = server.endpoint.trim_end_matches("/mcp");
    format!(
        "Bearer {error}scope=\"{SCOPES}\", \
         resource_metadata=\"{origin}/.well-known/oauth-protected-resource{path}\""
    )
}

#[tokio::test]
async fn without_a_token_the_one_challenge_names_the_metadata_and_the_scopes() {
    let (_sentry, server) = start(&[]).await;
    for path in ["/mcp", "/mcp/aurora-labs", "/mcp/aurora-labs/checkout-api"] {
        let answer = server.post(path, None, LIST).await;
        assert_eq!(answer.status, 401);
        let expected = challenge(&server, path, "");
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_token_that_nobody_issued_is_invalid_and_never_repeated() {
    let (_sentry, server) = start(&[]).await;
    for token in ["sntryu_secret", "a", &"a".repeat(43), "..", "null"] {
        let answer = server.post("/mcp", Some(token), LIST).await;
        assert_eq!(answer.status, 401, "{token}");
        let told = answer.header("www-authenticate").unwrap();
        assert!(told.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{told}");
        assert!(token.len() < 4 || !format!("{answer:?}").contains(token), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_counts_only_in_the_one_header() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let bearer = format!("Bearer {token}");
    let json = ("Content-Type", "application/json");
    let accept = ("Accept", "application/json, text/event-stream");
    let post = async |path: &str, headers: &[(&str, &str)]| {
        let headers = [&[json, accept], headers].concat();
        server.send("POST", path, &headers, LIST).await
    };
    assert_eq!(post("/mcp", &[("Authorization", &bearer)]).await.status, 200);
    assert_eq!(post(&format!("/mcp?access_token={token}"), &[]).await.status, 401);
    assert_eq!(post("/mcp", &[("Cookie", &format!("access_token={token}"))]).await.status, 401);
    assert_eq!(post("/mcp", &[("X-Authorization", &bearer)]).await.status, 401);
    for headers in [
        &[("Authorization", bearer.as_str()), ("Authorization", bearer.as_str())][..],
        &[("Authorization", "Basic YTpi"), ("Authorization", bearer.as_str())],
    ] {
        let answer = post("/mcp", headers).await;
        assert_eq!(answer.status, 400, "{headers:?}");
        let told = answer.header("www-authenticate").unwrap();
        assert!(told.contains("error=\"invalid_request\""), "{told}");
    }
    for (value, error) in [
        ("Basic YTpi", None),
        (token.as_str(), None),
        ("", None),
        ("Bearer", Some("error=\"invalid_token\"")),
        (&format!("{bearer} x"), Some("error=\"invalid_token\"")),
        (&format!("{bearer}, x"), Some("error=\"invalid_token\"")),
    ] {
        let answer = post("/mcp", &[("Authorization", value)]).await;
        assert_eq!(answer.status, 401, "{value}");
        let told = answer.header("www-authenticate").unwrap();
        assert!(error.map_or(!told.contains("error="), |error| told.contains(error)), "{told}");
    }
}

#[tokio::test]
async fn the_metadata_of_each_resource_is_public() {
    let (_sentry, server) = start(&[]).await;
    let origin = server.endpoint.trim_end_matches("/mcp");
    for (path, resource) in [
        ("", "/mcp"),
        ("/mcp", "/mcp"),
        ("/mcp/aurora-labs", "/mcp/aurora-labs"),
        ("/mcp/aurora-labs/checkout-api", "/mcp/aurora-labs/checkout-api"),
    ] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let answer = server.send("GET", &path, &[], "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            answer.json(),
            json!({
                "resource": format!("{origin}{resource}"),
                "authorization_servers": [origin],
                "scopes_supported": SCOPES.split(' ').collect::<Vec<_>>(),
                "bearer_methods_supported": ["header"],
                "resource_name": "Sentry MCP server",
            }),
        );
    }
    for path in ["/mcp/", "/mcp/a/b/c", "/mcp-x", "/mcp/%61cme", "/mcp/..", "/other"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(server.send("GET", &path, &[], "").await.status, 404, "{path}");
    }
    let metadata = server.send("GET", "/.well-known/oauth-authorization-server", &[], "").await;
    assert_eq!(metadata.json()["issuer"], origin);
    assert_eq!(metadata.json()["scopes_supported"].as_array().unwrap().len(), 16);
}

#[tokio::test]
async fn a_revoked_login_is_refused_at_once() {
    let (_sentry, server) = start(&[]).await;
    let tokens = server.log_in("/mcp", &[]).await;
    assert_eq!(server.post("/mcp", Some(&tokens.access), LIST).await.status, 200);
    assert_eq!(server.revoke(&tokens).await.status, 200);
    let answer = server.post("/mcp", Some(&tokens.access), LIST).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"), "{answer:?}");
}

#[tokio::test]
async fn a_token_of_sentry_that_expired_is_renewed_during_the_session() {
    let (sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    assert!(server.call(("/mcp", &token), "whoami", json!({})).await.is_ok());
    sentry.expire_oauth_tokens();
    // The first call may find out; from then on there is another token.
    let _found_out = server.call(("/mcp", &token), "whoami", json!({})).await;
    assert!(server.call(("/mcp", &token), "whoami", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_login_that_ended_at_sentry_ends_here_with_a_reason_and_alone() {
    let (sentry, server) = start(&[]).await;
    let ended = server.log_in("/mcp", &[]).await.access;
    let at = ("/mcp", ended.as_str());
    assert!(server.call(at, "whoami", json!({})).await.is_ok());
    sentry.revoke_oauth_tokens();
    let other = server.log_in("/mcp", &[]).await.access;
    let told = server.call(at, "whoami", json!({})).await.unwrap_err();
    assert!(told.contains("token"), "{told}");
    let body = message(Era::Handshake, "tools/list", json!({})).to_string();
    let answer = server.post("/mcp", Some(&ended), &body).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().contains("log in again"), "{answer:?}");
    assert!(server.call(("/mcp", &other), "whoami", json!({})).await.is_ok());
}
