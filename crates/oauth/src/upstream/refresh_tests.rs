//! Tests of the refresh of Sentry's tokens: outages, refusals, and many callers at once.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::*;
use crate::{
    store::{HOUR, MINUTE},
    testing::sentry_tokens,
    tests::Rig,
};

/// A server with a grant whose Sentry token lives an hour.
async fn granted() -> (Rig, GrantId) {
    let rig = Rig::new().await;
    let json = rig.tokens("").await;
    let token = json["access_token"].as_str().unwrap();
    let grant = rig.server.authenticate(token, "/mcp").await.unwrap().grant.clone();
    (rig, grant)
}

async fn answers(sentry: &MockServer, answer: ResponseTemplate, times: u64) {
    sentry.reset().await;
    Mock::given(method("POST")).respond_with(answer).expect(times).mount(sentry).await;
}

fn refusal(status: u16, error: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": error }))
}

async fn is_live(rig: &Rig, grant: &GrantId) -> bool {
    rig.server.0.store.grant(grant).await.unwrap().unwrap().revoked_at.is_none()
}

#[tokio::test]
async fn a_fresh_token_asks_nobody() {
    let (rig, grant) = granted().await;
    answers(&rig.sentry, ResponseTemplate::new(500), 0).await;
    let token = rig.server.sentry_token(&grant).await.unwrap();
    assert_eq!(token.expose_secret(), "sentry-access");
    rig.sentry.verify().await;
}

#[tokio::test]
async fn many_calls_with_an_ended_token_refresh_it_once() {
    let (rig, grant) = granted().await;
    let slow = sentry_tokens("second", "r2").set_delay(Duration::from_millis(50));
    answers(&rig.sentry, slow, 1).await;
    rig.clock.advance(HOUR);
    let calls = (0..20).map(|_| rig.server.sentry_token(&grant));
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    for call in &mut calls {
        assert_eq!(call.await.unwrap().expose_secret(), "second");
    }
    let both = tokio::join!(rig.server.sentry_token(&grant), rig.server.sentry_token(&grant));
    assert_eq!(both.0.unwrap().expose_secret(), "second");
    rig.sentry.verify().await;
}

#[tokio::test]
async fn concurrent_calls_wait_for_the_one_refresh() {
    let (rig, grant) = granted().await;
    let slow = sentry_tokens("second", "r2").set_delay(Duration::from_millis(50));
    answers(&rig.sentry, slow, 1).await;
    rig.clock.advance(HOUR);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (server, grant) = (rig.server.clone(), grant.clone());
            tokio::spawn(async move { server.sentry_token(&grant).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().expose_secret(), "second");
    }
    rig.sentry.verify().await;
}

#[tokio::test]
async fn a_replica_waits_while_another_one_refreshes() {
    let (rig, grant) = granted().await;
    answers(&rig.sentry, sentry_tokens("never", "never"), 0).await;
    rig.clock.advance(HOUR);
    let inner = &rig.server.0;
    let (name, now) = (format!("sentry-refresh:{grant}"), inner.clock.now());
    assert!(inner.store.lease(&name, "other replica", now + LEASE, now).await.unwrap());
    let waiting = tokio::spawn({
        let (server, grant) = (rig.server.clone(), grant.clone());
        async move { server.sentry_token(&grant).await }
    });
    let stored = inner.tokens.sentry_tokens(&grant).await.unwrap().unwrap();
    let fresh = SentryTokens {
        access: "from the other replica".into(),
        refresh: Some("r2".into()),
        expires_at: Some(now + HOUR),
        scopes: None,
        user: None,
    };
    let replacement = tokens::SentryTokens {
        plain: held::encode(&fresh),
        expires_at: fresh.expires_at,
        ..stored
    };
    assert!(inner.tokens.replace_sentry_tokens(&grant, &replacement).await.unwrap());
    let token = waiting.await.unwrap().unwrap();
    assert_eq!(token.expose_secret(), "from the other replica");
    rig.sentry.verify().await;
}

#[tokio::test]
async fn no_outage_and_no_mistake_of_the_operator_ends_a_session() {
    for answer in [
        ResponseTemplate::new(429).insert_header("retry-after", "7"),
        ResponseTemplate::new(500),
        ResponseTemplate::new(503),
        refusal(401, "invalid_client"),
        refusal(400, "unauthorized_client"),
        refusal(400, "invalid_request"),
        ResponseTemplate::new(403).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_string("<html>"),
    ] {
        let (rig, grant) = granted().await;
        answers(&rig.sentry, answer, 1).await;
        rig.clock.advance(HOUR);
        let error = rig.server.sentry_token(&grant).await.unwrap_err();
        assert!(matches!(error, SentryTokenError::Unavailable { .. }), "{error:?}");
        assert!(is_live(&rig, &grant).await);
        // While it is told to wait, Sentry is not asked again.
        let error = rig.server.sentry_token(&grant).await.unwrap_err();
        assert!(matches!(error, SentryTokenError::Unavailable { .. }), "{error:?}");
        rig.sentry.verify().await;
        rig.clock.advance(MINUTE);
        answers(&rig.sentry, sentry_tokens("second", "r2"), 1).await;
        let token = rig.server.sentry_token(&grant).await.unwrap();
        assert_eq!(token.expose_secret(), "second");
    }
}

#[tokio::test]
async fn a_definite_refusal_ends_this_grant_alone_and_says_why() {
    let (rig, grant) = granted().await;
    let json = rig.tokens("level=issue-triage").await;
    let other = json["access_token"].as_str().unwrap();
    answers(&rig.sentry, refusal(400, "invalid_grant"), 1).await;
    rig.clock.advance(HOUR - 1);
    let other = rig.server.authenticate(other, "/mcp").await.unwrap().grant.clone();
    rig.clock.advance(1);
    let error = rig.server.sentry_token(&grant).await.unwrap_err();
    assert_eq!(error.to_string(), REASON_REFUSED);
    let again = rig.server.sentry_token(&grant).await.unwrap_err();
    assert_eq!(again.to_string(), REASON_REFUSED);
    assert!(!is_live(&rig, &grant).await && is_live(&rig, &other).await);
}

#[tokio::test]
async fn a_token_that_ends_soon_is_used_while_it_is_renewed() {
    let (rig, grant) = granted().await;
    answers(&rig.sentry, sentry_tokens("second", "r2"), 1).await;
    rig.clock.advance(HOUR - MINUTE);
    let now = rig.server.sentry_token(&grant).await.unwrap();
    assert_eq!(now.expose_secret(), "sentry-access");
    let mut token = now;
    for _ in 0..1_000 {
        token = rig.server.sentry_token(&grant).await.unwrap();
        if token.expose_secret() == "second" {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(token.expose_secret(), "second");
    rig.sentry.verify().await;
}

#[tokio::test]
async fn an_outage_before_the_end_is_not_noticed() {
    let (rig, grant) = granted().await;
    answers(&rig.sentry, ResponseTemplate::new(503), 1).await;
    rig.clock.advance(HOUR - MINUTE);
    for _ in 0..10_000 {
        let token = rig.server.sentry_token(&grant).await.unwrap();
        assert_eq!(token.expose_secret(), "sentry-access");
        if !rig.sentry.received_requests().await.unwrap().is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        let token = rig.server.sentry_token(&grant).await.unwrap();
        assert_eq!(token.expose_secret(), "sentry-access");
        tokio::task::yield_now().await;
    }
    rig.sentry.verify().await;
}

#[tokio::test]
async fn a_refusal_of_the_api_renews_once_and_then_ends_the_grant() {
    let (rig, grant) = granted().await;
    answers(&rig.sentry, sentry_tokens("second", "r2"), 1).await;
    let old = rig.server.sentry_token(&grant).await.unwrap();
    let new = rig.server.sentry_token_after_refusal(&grant, &old).await.unwrap();
    assert_eq!(new.expose_secret(), "second");
    let late = rig.server.sentry_token_after_refusal(&grant, &old).await.unwrap();
    assert_eq!(late.expose_secret(), "second", "another call had it renewed already");
    let error = rig.server.sentry_token_after_refusal(&grant, &new).await.unwrap_err();
    assert!(matches!(error, SentryTokenError::Unavailable { .. }), "too early: {error:?}");
    rig.sentry.verify().await;
    rig.clock.advance(TRUSTED);
    answers(&rig.sentry, refusal(400, "invalid_grant"), 1).await;
    let error = rig.server.sentry_token_after_refusal(&grant, &new).await.unwrap_err();
    assert!(matches!(error, SentryTokenError::Ended { .. }), "{error:?}");
}

#[tokio::test]
async fn without_a_refresh_token_the_session_ends_with_sentrys() {
    let (rig, _) = granted().await;
    let mut browser = crate::tests::Browser::default();
    let sent = browser.approve(&rig, &crate::tests::query(""), "").await;
    let short = json!({ "access_token": "a", "expires_in": 60, "user": { "id": "7" } });
    answers(&rig.sentry, ResponseTemplate::new(200).set_body_json(short), 1).await;
    let back = browser.return_from_sentry(&rig, &sent, "code=c").await;
    let form = crate::tests::exchange(&back.param("code").unwrap());
    let answer = rig.post("/oauth/token", &form).await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let token = json["access_token"].as_str().unwrap();
    let grant = rig.server.authenticate(token, "/mcp").await.unwrap().grant.clone();
    rig.clock.advance(MINUTE);
    let error = rig.server.sentry_token(&grant).await.unwrap_err();
    assert_eq!(error.to_string(), REASON_ENDED);
}

#[tokio::test]
async fn a_refresh_goes_on_when_its_caller_goes_away() {
    let (rig, grant) = granted().await;
    let slow = sentry_tokens("second", "r2").set_delay(Duration::from_millis(30));
    answers(&rig.sentry, slow, 1).await;
    rig.clock.advance(HOUR);
    let call = rig.server.sentry_token(&grant);
    let gone = tokio::time::timeout(Duration::from_millis(5), call).await;
    assert!(gone.is_err(), "it was answered too early to be given up");
    let token = rig.server.sentry_token(&grant).await.unwrap();
    assert_eq!(token.expose_secret(), "second");
    rig.sentry.verify().await;
}
