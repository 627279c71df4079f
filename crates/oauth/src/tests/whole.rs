//! The whole way, as a person and a client go it.

use axum::http::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Browser, ISSUER, Rig, exchange, form_request, query};
use crate::{Denied, testing};

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

#[tokio::test]
async fn a_login_ends_in_a_token_that_opens_what_was_approved() {
    let rig = Rig::new().await;
    rig.sentry_answers(testing::sentry_tokens("sentry-access", "sentry-refresh")).await;
    let mut browser = Browser::default();
    let sent = browser.approve(&rig, &query(""), "level=issue-triage").await;
    let sentry = sent.location().unwrap();
    assert_eq!(sentry.path(), "/oauth/authorize/");
    assert_eq!(sent.param("scope").unwrap(), "project:read event:read event:write");
    assert_eq!(sent.param("redirect_uri").unwrap(), "https://mcp.example.test/oauth/callback");
    assert_ne!(sent.param("state").unwrap(), "client-state");

    let back = browser.return_from_sentry(&rig, &sent, "code=sentry-code").await;
    assert_eq!(back.status, StatusCode::FOUND, "{}", back.body);
    let location = back.location().unwrap();
    assert!(location.as_str().starts_with("https://app.example.test/cb?"), "{location}");
    assert_eq!(back.param("state").as_deref(), Some("client-state"));
    assert_eq!(back.param("iss").as_deref(), Some(ISSUER));
    assert!(!browser.jar.keys().any(|name| name.contains("login")), "{:?}", browser.jar);

    let answer = rig.post("/oauth/token", &exchange(&back.param("code").unwrap())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let json: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(text(&json, "token_type"), "Bearer");
    assert_eq!(text(&json, "scope"), "org:read project:read team:read event:read event:write");
    assert_eq!(json["expires_in"], 3600);

    let access = rig.server.authenticate(text(&json, "access_token"), "/mcp").await.unwrap();
    assert_eq!((access.subject.as_str(), access.client_id.as_str()), ("7", "desk"));
    assert_eq!(access.sentry_scopes.to_string(), "project:read, event:read, event:write");
    let token = rig.server.sentry_token(&access.grant).await.unwrap();
    assert_eq!(token.expose_secret(), "sentry-access");
}

#[tokio::test]
async fn a_client_that_registers_itself_goes_the_same_way_and_revokes() {
    let rig = Rig::new().await;
    rig.sentry_answers(testing::sentry_tokens("a", "r")).await;
    let metadata = json!({
        "client_name": "Desk",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "none",
    });
    let mut request = form_request("/oauth/register", &metadata.to_string());
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    let registered: Value = serde_json::from_str(&rig.send(request).await.body).unwrap();
    let id = text(&registered, "client_id");

    let mut browser = Browser::default();
    let query = query(&format!("client_id={id}&redirect_uri=http://127.0.0.1:4711/cb"));
    let sent = browser.approve(&rig, &query, "").await;
    let back = browser.return_from_sentry(&rig, &sent, "code=c").await;
    let code = back.param("code").unwrap();
    let form = exchange(&code)
        .replace("client_id=desk", &format!("client_id={id}"))
        .replace("https%3A%2F%2Fapp.example.test%2Fcb", "http://127.0.0.1:4711/cb");
    let answer = rig.post("/oauth/token", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let json: Value = serde_json::from_str(&answer.body).unwrap();
    let access = text(&json, "access_token");
    rig.server.authenticate(access, "/mcp").await.unwrap();

    let revoke = rig.post("/oauth/revoke", &format!("client_id={id}&token={access}")).await;
    assert_eq!((revoke.status, revoke.body.as_str()), (StatusCode::OK, ""));
    let denied = rig.server.authenticate(access, "/mcp").await.unwrap_err();
    assert!(matches!(denied, Denied::Revoked { .. }), "{denied:?}");
}

#[tokio::test]
async fn a_resource_with_an_organization_fences_the_token_and_asks_for_its_scope() {
    let rig = Rig::new().await;
    rig.sentry_answers(testing::sentry_tokens("a", "r")).await;
    let mut browser = Browser::default();
    let query = query("resource=https://mcp.example.test/mcp/acme");
    let dialog = browser.dialog(&rig, &query).await;
    assert!(dialog.body.contains("organization <strong class=\"host\">acme</strong>"));
    let sent = browser.approve(&rig, &query, "").await;
    assert_eq!(sent.param("scope").unwrap(), "org:read project:read event:read");
    let back = browser.return_from_sentry(&rig, &sent, "code=c").await;
    let answer = rig.post("/oauth/token", &exchange(&back.param("code").unwrap())).await;
    let json: Value = serde_json::from_str(&answer.body).unwrap();
    let access = text(&json, "access_token");
    for (path, opens) in
        [("/mcp/acme", true), ("/mcp/acme/api", true), ("/mcp", false), ("/mcp/acme2", false)]
    {
        assert_eq!(rig.server.authenticate(access, path).await.is_ok(), opens, "{path}");
    }
}

#[tokio::test]
async fn scopes_never_widen_and_may_narrow_when_a_token_is_refreshed() {
    let rig = Rig::new().await;
    let json = rig.tokens("level=issue-triage").await;
    let refresh = |token: &str, scope: &str| {
        format!("grant_type=refresh_token&client_id=desk&refresh_token={token}&scope={scope}")
    };
    let token = text(&json, "refresh_token");
    let wider = rig.post("/oauth/token", &refresh(token, "org:admin")).await;
    assert_eq!(wider.error(), "invalid_scope");
    let narrower = rig.post("/oauth/token", &refresh(token, "event:read")).await;
    assert_eq!(narrower.status, StatusCode::OK, "{}", narrower.body);
    let json: Value = serde_json::from_str(&narrower.body).unwrap();
    assert_eq!(text(&json, "scope"), "event:read");
    let again = rig.post("/oauth/token", &refresh(text(&json, "refresh_token"), "")).await;
    let json: Value = serde_json::from_str(&again.body).unwrap();
    assert!(text(&json, "scope").contains("event:write"), "{json}");
}

#[tokio::test]
async fn a_second_use_of_a_code_ends_what_the_first_got() {
    let rig = Rig::new().await;
    let code = rig.code(&mut Browser::default(), "").await;
    let first = rig.post("/oauth/token", &exchange(&code)).await;
    let json: Value = serde_json::from_str(&first.body).unwrap();
    let second = rig.post("/oauth/token", &exchange(&code)).await;
    assert_eq!(
        (second.status, second.error().as_str()),
        (StatusCode::BAD_REQUEST, "invalid_grant")
    );
    let denied = rig.server.authenticate(text(&json, "access_token"), "/mcp").await;
    assert!(matches!(denied, Err(Denied::Revoked { .. })), "{denied:?}");
}

#[tokio::test]
async fn a_confidential_client_needs_its_secret_and_pkce() {
    let rig = Rig::new().await;
    rig.sentry_answers(testing::sentry_tokens("a", "r")).await;
    let mut browser = Browser::default();
    let vault = "client_id=vault&redirect_uri=https://vault.example.test/cb";
    let bare = browser.dialog(&rig, &query(&format!("{vault}&code_challenge=(none)"))).await;
    assert_eq!(bare.param("error").as_deref(), Some("invalid_request"));
    let sent = browser.approve(&rig, &query(vault), "").await;
    let back = browser.return_from_sentry(&rig, &sent, "code=c").await;
    let form = exchange(&back.param("code").unwrap())
        .replace("client_id=desk", "client_id=vault")
        .replace("app.example", "vault.example");
    let without = rig.post("/oauth/token", &form).await;
    assert_eq!(
        (without.status, without.error().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_client")
    );
    let with = rig.post("/oauth/token", &format!("{form}&client_secret={}", super::SECRET)).await;
    assert_eq!(with.status, StatusCode::OK, "{}", with.body);
}

#[tokio::test]
async fn the_server_answers_for_its_store_and_sweeps_it() {
    let rig = Rig::new().await;
    rig.server.ready().await.unwrap();
    let mut browser = Browser::default();
    browser.approve(&rig, &query(""), "").await;
    rig.clock.advance(11 * crate::store::MINUTE);
    assert_eq!(rig.server.sweep().await.unwrap().rows, 1);
}
