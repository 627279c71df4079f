//! Hostile returns from Sentry, and what goes wrong there.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{Browser, ISSUER, Rig, query};
use crate::{
    store::{GrantStore as _, MINUTE},
    testing::sentry_tokens,
};

/// A browser that was sent to Sentry, with the state.
async fn departed(rig: &Rig) -> (Browser, String) {
    rig.sentry_answers(sentry_tokens("a", "r")).await;
    let mut browser = Browser::default();
    let sent = browser.approve(rig, &query(""), "").await;
    (browser, sent.param("state").unwrap())
}

async fn grants(rig: &Rig) -> i64 {
    rig.store.status(1_800_000_000_000).await.unwrap().live_grants
}

#[tokio::test]
async fn a_state_without_its_cookie_is_refused_and_not_used_up() {
    let rig = Rig::new().await;
    let (mut browser, state) = departed(&rig).await;
    let (stranger, _) = departed(&rig).await;
    let path = format!("/oauth/callback?state={state}&code=c");
    let mut tampered = browser.clone();
    for value in tampered.jar.values_mut() {
        value.push('A');
    }
    let mut renamed = stranger.clone();
    let own = browser.jar.keys().find(|name| name.contains("login")).unwrap();
    let foreign = stranger.jar.iter().find(|(name, _)| name.contains("login")).unwrap();
    renamed.jar.insert(own.clone(), foreign.1.clone());
    for mut wrong in [Browser::default(), stranger, tampered, renamed] {
        let answer = wrong.get(&rig, &path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.is_page());
    }
    assert_eq!(grants(&rig).await, 0);
    let right = browser.get(&rig, &path).await;
    assert!(right.param("code").is_some(), "{}", right.body);
}

#[tokio::test]
async fn a_state_works_once_and_for_ten_minutes() {
    let rig = Rig::new().await;
    let (mut browser, state) = departed(&rig).await;
    let kept = browser.jar.clone();
    let path = format!("/oauth/callback?state={state}&code=c");
    assert!(browser.get(&rig, &path).await.param("code").is_some());
    browser.jar = kept;
    let replayed = browser.get(&rig, &path).await;
    assert_eq!(replayed.status, StatusCode::FORBIDDEN);

    let (mut browser, state) = departed(&rig).await;
    rig.clock.advance(10 * MINUTE + 1);
    let late = browser.get(&rig, &format!("/oauth/callback?state={state}&code=c")).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert_eq!(grants(&rig).await, 1);
}

#[tokio::test]
async fn a_malformed_return_is_a_page_and_uses_nothing_up() {
    let rig = Rig::new().await;
    let (mut browser, state) = departed(&rig).await;
    for bad in [
        String::new(),
        "code=c".to_owned(),
        "state=&code=c".to_owned(),
        "state=x&code=c".to_owned(),
        format!("state={state}&state={state}&code=c"),
        format!("state={state}&code=c&code=d"),
        format!("state={state}x&code=c"),
        format!("state={}&code=c", state.to_lowercase()),
        format!("state={state}&code=%00"),
        format!("state={state}&code={}", "c".repeat(9_000)),
    ] {
        let answer = browser.get(&rig, &format!("/oauth/callback?{bad}")).await;
        assert!(answer.status.is_client_error() && answer.is_page(), "{bad}");
    }
    let path = format!("/oauth/callback?state={state}&code=c");
    let head = browser.send(&rig, Request::head(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(head.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(browser.get(&rig, &path).await.param("code").is_some());
}

#[tokio::test]
async fn an_error_of_sentry_is_told_to_the_client_in_our_words() {
    let rig = Rig::new().await;
    for (sent, told) in [
        ("error=access_denied", "access_denied"),
        ("error=temporarily_unavailable", "temporarily_unavailable"),
        ("error=server_error", "server_error"),
        ("error=invalid_scope", "server_error"),
        ("error=unauthorized_client", "server_error"),
        ("error=%3Cscript%3E&error_description=%3Cscript%3E", "server_error"),
        ("error=access_denied&code=c", "access_denied"),
        ("", "server_error"),
        ("code=", "server_error"),
    ] {
        let (mut browser, state) = departed(&rig).await;
        let answer = browser.get(&rig, &format!("/oauth/callback?state={state}&{sent}")).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{sent}");
        assert_eq!(answer.param("error").as_deref(), Some(told), "{sent}");
        assert_eq!(answer.param("state").as_deref(), Some("client-state"), "{sent}");
        assert_eq!(answer.param("iss").as_deref(), Some(ISSUER), "{sent}");
        assert!(!answer.location().unwrap().as_str().contains("%3C"), "{sent}");
        assert!(!browser.jar.keys().any(|name| name.contains("login")), "{sent}");
    }
    assert_eq!(grants(&rig).await, 0);
}

#[tokio::test]
async fn a_refusal_of_the_code_makes_no_grant() {
    let rig = Rig::new().await;
    let refused = |status, error: &str| {
        ResponseTemplate::new(status).set_body_json(json!({ "error": error }))
    };
    let without_user = json!({ "access_token": "a", "token_type": "bearer" });
    for (answer, told) in [
        (refused(400, "invalid_grant"), "access_denied"),
        (refused(401, "invalid_client"), "server_error"),
        (ResponseTemplate::new(503), "temporarily_unavailable"),
        (ResponseTemplate::new(429), "temporarily_unavailable"),
        (ResponseTemplate::new(200).set_body_string("<html>"), "server_error"),
        (ResponseTemplate::new(200).set_body_json(without_user), "server_error"),
    ] {
        let (mut browser, state) = departed(&rig).await;
        rig.sentry_answers(answer).await;
        let back = browser.get(&rig, &format!("/oauth/callback?state={state}&code=c")).await;
        assert_eq!(back.param("error").as_deref(), Some(told));
    }
    assert_eq!(grants(&rig).await, 0);
}

#[tokio::test]
async fn what_sentry_says_about_scopes_is_kept_and_else_what_was_asked() {
    let rig = Rig::new().await;
    let (mut browser, state) = departed(&rig).await;
    let silent = json!({ "access_token": "a", "token_type": "bearer", "user": { "id": "7" } });
    rig.sentry_answers(ResponseTemplate::new(200).set_body_json(silent)).await;
    let back = browser.get(&rig, &format!("/oauth/callback?state={state}&code=c")).await;
    let answer = rig.post("/oauth/token", &super::exchange(&back.param("code").unwrap())).await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let token = json["access_token"].as_str().unwrap();
    let access = rig.server.authenticate(token, "/mcp").await.unwrap();
    assert_eq!(access.sentry_scopes.to_string(), "project:read, event:read");
}

#[tokio::test]
async fn two_logins_in_one_browser_do_not_mix() {
    let rig = Rig::new().await;
    rig.sentry_answers(sentry_tokens("a", "r")).await;
    let mut browser = Browser::default();
    let other = query("client_id=other&redirect_uri=https://other.example.test/cb&state=second");
    let one = browser.approve(&rig, &query(""), "").await;
    let two = browser.approve(&rig, &other, "").await;
    let back = browser.return_from_sentry(&rig, &two, "code=c").await;
    assert_eq!(back.location().unwrap().host_str(), Some("other.example.test"));
    assert_eq!(back.param("state").as_deref(), Some("second"));
    let back = browser.return_from_sentry(&rig, &one, "code=c").await;
    assert_eq!(back.location().unwrap().host_str(), Some("app.example.test"));

    let code = back.param("code").unwrap();
    let mixed = super::exchange(&code)
        .replace("client_id=desk", "client_id=other")
        .replace("app.example", "other.example");
    assert_eq!(rig.post("/oauth/token", &mixed).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_redirect_that_is_allowed_no_more_gets_no_code() {
    let rig = Rig::new().await;
    let (mut browser, state) = departed(&rig).await;
    let rig = rig.restarted(|config| {
        config.clients[0].redirect_uris = vec!["https://new.example.test/cb".to_owned()];
    });
    let back = browser.get(&rig, &format!("/oauth/callback?state={state}&code=c")).await;
    assert_eq!(back.status, StatusCode::BAD_REQUEST);
    assert!(back.is_page());
    assert_eq!(grants(&rig).await, 0);
}

#[tokio::test]
async fn a_login_outlives_a_restart() {
    let rig = Rig::new().await;
    let (mut browser, state) = departed(&rig).await;
    let rig = rig.restarted(|_| {});
    let back = browser.get(&rig, &format!("/oauth/callback?state={state}&code=c")).await;
    assert!(back.param("code").is_some(), "{}", back.body);
}
