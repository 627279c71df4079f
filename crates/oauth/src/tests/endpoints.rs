//! The endpoints that clients call: hostile requests, and calls from pages of other sites.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use super::{Browser, Rig, VERIFIER, exchange, form_request};

#[tokio::test]
async fn a_wrong_token_request_has_the_error_of_the_standard() {
    let rig = Rig::new().await;
    let code = rig.code(&mut Browser::default(), "").await;
    let good = exchange(&code);
    for (form, status, error) in [
        (String::new(), 400, "invalid_request"),
        (good.replace("client_id=desk&", ""), 400, "invalid_request"),
        (good.replace("client_id=desk", "client_id=nobody"), 401, "invalid_client"),
        (good.replace("client_id=desk", "client_id=vault"), 401, "invalid_client"),
        (format!("{good}&client_secret=x"), 401, "invalid_client"),
        (good.replace("authorization_code", "password"), 400, "unsupported_grant_type"),
        (good.replace("authorization_code", "client_credentials"), 400, "unsupported_grant_type"),
        (good.replace("grant_type=authorization_code&", ""), 400, "invalid_request"),
        (good.replace(&code, ""), 400, "invalid_request"),
        (good.replace(&code, "x"), 400, "invalid_grant"),
        (good.replace(VERIFIER, &VERIFIER.replace('d', "e")), 400, "invalid_grant"),
        (good.replace(VERIFIER, "short"), 400, "invalid_request"),
        (good.replace("%2Fcb", "%2Fother"), 400, "invalid_grant"),
        (good.replace("client_id=desk", "client_id=other"), 400, "invalid_grant"),
        (format!("{good}&code={code}"), 400, "invalid_request"),
        (format!("{good}&client_id=desk"), 400, "invalid_request"),
        (format!("{good}&x=1&x=1"), 400, "invalid_request"),
        (format!("{good}&resource=https://other.example.test/mcp"), 400, "invalid_target"),
        (format!("{good}&resource=https://mcp.example.test/"), 400, "invalid_target"),
        (format!("{good}&x={}", "x".repeat(20_000)), 413, "invalid_request"),
        (format!("{good}&x=%00"), 400, "invalid_request"),
    ] {
        let answer = rig.post("/oauth/token", &form).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, error), "{form}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.body.contains(&code) && !answer.body.contains(VERIFIER), "{form}");
    }
    let answer = rig.post("/oauth/token", &good).await;
    assert_eq!(answer.status, StatusCode::OK, "a failed attempt does not use the code up");
}

#[tokio::test]
async fn a_code_lives_sixty_seconds() {
    let rig = Rig::new().await;
    let code = rig.code(&mut Browser::default(), "").await;
    rig.clock.advance(60_000);
    assert_eq!(rig.post("/oauth/token", &exchange(&code)).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_token_request_may_narrow_the_resource_and_not_widen_it() {
    let rig = Rig::new().await;
    let code = rig.code(&mut Browser::default(), "").await;
    let form = format!("{}&resource=https://mcp.example.test/mcp/acme", exchange(&code));
    let answer = rig.post("/oauth/token", &form).await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let token = json["access_token"].as_str().unwrap();
    assert!(rig.server.authenticate(token, "/mcp/acme/api").await.is_ok());
    assert!(rig.server.authenticate(token, "/mcp").await.is_err());
}

#[tokio::test]
async fn parameters_in_the_address_of_the_token_endpoint_do_not_count() {
    let rig = Rig::new().await;
    let code = rig.code(&mut Browser::default(), "").await;
    let answer = rig.post(&format!("/oauth/token?{}", exchange(&code)), "").await;
    assert_eq!(answer.error(), "invalid_request");
    let get = Request::get(format!("/oauth/token?{}", exchange(&code)));
    let answer = rig.send(get.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn basic_authentication_that_fails_is_answered_with_its_challenge() {
    let rig = Rig::new().await;
    let mut request = form_request("/oauth/token", "grant_type=refresh_token&refresh_token=x");
    let value = "Basic dmF1bHQ6d3Jvbmctc2VjcmV0".parse().unwrap();
    request.headers_mut().insert("authorization", value);
    let answer = rig.send(request).await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_client")
    );
    assert!(answer.header("www-authenticate").starts_with("Basic "));
}

#[tokio::test]
async fn revoking_what_is_unknown_or_somebody_elses_is_no_error_and_no_help() {
    let rig = Rig::new().await;
    let json = rig.tokens("").await;
    let token = json["access_token"].as_str().unwrap();
    for form in [
        format!("client_id=other&token={token}"),
        "client_id=desk&token=unknown".to_owned(),
        format!("client_id=desk&token={}&token_type_hint=refresh_token", "A".repeat(43)),
    ] {
        let answer = rig.post("/oauth/revoke", &form).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""), "{form}");
    }
    for (form, error) in [
        (format!("token={token}"), "invalid_request"),
        ("client_id=desk".to_owned(), "invalid_request"),
        (format!("client_id=vault&token={token}"), "invalid_client"),
        (format!("client_id=desk&token={token}&token={token}"), "invalid_request"),
    ] {
        assert_eq!(rig.post("/oauth/revoke", &form).await.error(), error, "{form}");
    }
    rig.server.authenticate(token, "/mcp").await.unwrap();
}

#[tokio::test]
async fn pages_of_other_sites_may_call_what_needs_no_cookie_and_nothing_else() {
    const METADATA: &str = "/.well-known/oauth-authorization-server";
    let rig = Rig::new().await;
    let preflight = |path: &str| {
        Request::options(path)
            .header("origin", "https://inspector.example.test")
            .header("access-control-request-method", "POST")
            .body(Body::empty())
            .unwrap()
    };
    for path in [METADATA, "/oauth/token", "/oauth/revoke", "/oauth/register"] {
        let answer = rig.send(preflight(path)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");
        assert!(answer.header("access-control-allow-headers").contains("Authorization"), "{path}");
    }
    assert_eq!(rig.post("/oauth/token", "").await.header("access-control-allow-origin"), "*");
    for path in ["/oauth/authorize", "/oauth/callback"] {
        let answer = rig.send(preflight(path)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        let get = rig.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(get.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn the_metadata_is_found_below_a_resource_too_and_nowhere_else() {
    let rig = Rig::new().await;
    let get = async |path: &str| {
        let path = format!("/.well-known/oauth-authorization-server{path}");
        rig.send(Request::get(path).body(Body::empty()).unwrap()).await
    };
    let root = get("").await;
    assert_eq!(root.status, StatusCode::OK);
    for path in ["/mcp", "/mcp/acme", "/mcp/acme/api"] {
        assert_eq!(get(path).await.body, root.body, "{path}");
    }
    for path in ["/", "/mcpx", "/mcp/", "/mcp/a/b/c", "/oauth", "/mcp/%2e%2e", "/mcp/%61cme"] {
        assert_eq!(get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn no_secret_is_in_the_debug_text_of_a_server() {
    let rig = Rig::new().await;
    let shown = format!("{:?}", rig.server);
    assert!(!shown.contains("upstream-secret") && !shown.contains(super::SECRET), "{shown}");
}
