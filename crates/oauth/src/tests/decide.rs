//! Hostile decisions: forms that the page did not send.

use axum::http::StatusCode;

use super::{Browser, ISSUER, Rig, form_request, query};
use crate::store::{GrantStore as _, MINUTE};

/// Opens the dialog and returns the browser and the ticket.
async fn opened(rig: &Rig) -> (Browser, String) {
    let mut browser = Browser::default();
    let ticket = browser.dialog(rig, &query("")).await.ticket();
    (browser, ticket)
}

async fn is_nothing_kept(rig: &Rig) -> bool {
    rig.store.status(1_800_000_000_000).await.unwrap().pending == 0
}

#[tokio::test]
async fn deny_is_told_to_the_client_and_keeps_nothing() {
    let rig = Rig::new().await;
    let (mut browser, ticket) = opened(&rig).await;
    let form = format!("request={ticket}&decision=deny&level=issue-triage");
    let answer = browser.submit(&rig, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.param("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.param("state").as_deref(), Some("client-state"));
    assert_eq!(answer.param("iss").as_deref(), Some(ISSUER));
    assert_eq!(answer.param("code"), None);
    assert!(is_nothing_kept(&rig).await);
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_in_spite_of_the_cookie_and_the_ticket() {
    let rig = Rig::new().await;
    for (name, value) in [
        ("origin", "https://evil.example.test"),
        ("origin", "null"),
        ("origin", "http://mcp.example.test"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
    ] {
        let (mut browser, ticket) = opened(&rig).await;
        let form = format!("request={ticket}&decision=approve");
        let mut request = form_request("/oauth/authorize", &form);
        request.headers_mut().insert(name, value.parse().unwrap());
        let answer = browser.send(&rig, request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(answer.is_page());
    }
    assert!(is_nothing_kept(&rig).await);
}

#[tokio::test]
async fn a_ticket_works_in_its_own_browser_for_ten_minutes_only() {
    let rig = Rig::new().await;
    let (mut browser, ticket) = opened(&rig).await;
    let form = format!("request={ticket}&decision=approve");

    let mut stranger = Browser::default();
    let answer = stranger.submit(&rig, &form).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "no cookie");
    let (mut victim, _) = opened(&rig).await;
    let answer = victim.submit(&rig, &form).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "another browser's cookie");

    rig.clock.advance(10 * MINUTE);
    let answer = browser.submit(&rig, &form).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("too old"), "{}", answer.body);
    assert!(is_nothing_kept(&rig).await);
}

#[tokio::test]
async fn a_tampered_form_changes_nothing() {
    let rig = Rig::new().await;
    let (mut browser, ticket) = opened(&rig).await;
    let flipped = format!("{}{}", &ticket[..ticket.len() - 2], "AA");
    for form in [
        format!("request={flipped}&decision=approve"),
        "request=&decision=approve".to_owned(),
        "decision=approve".to_owned(),
        format!("request={ticket}&request={ticket}&decision=approve"),
        format!("request={ticket}&decision=approve&decision=deny"),
        format!("request={ticket}&decision=deny&decision=approve"),
        format!("request={ticket}"),
        format!("request={ticket}&decision=maybe"),
        format!("request={ticket}&decision=approve&level=everything"),
        format!("request={ticket}&decision=approve&level=read-only"),
        format!("request={ticket}&decision=approve&scope=alerts:write"),
        format!("request={ticket}&decision=approve&scope=org:read"),
        format!("request={ticket}&decision=approve&x={}", "x".repeat(20_000)),
        format!("request={ticket}&decision=approve%00"),
    ] {
        let answer = browser.submit(&rig, &form).await;
        assert!(answer.status.is_client_error(), "{form}: {}", answer.status);
        assert!(answer.location().is_none(), "{form}");
    }
    assert!(is_nothing_kept(&rig).await);
}

#[tokio::test]
async fn only_a_form_is_read_as_a_decision() {
    let rig = Rig::new().await;
    let (mut browser, ticket) = opened(&rig).await;
    for kind in ["text/plain", "application/json", "multipart/form-data"] {
        let mut request =
            form_request("/oauth/authorize", &format!("request={ticket}&decision=approve"));
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        let answer = browser.send(&rig, request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kind}");
    }
}

#[tokio::test]
async fn the_decision_cannot_be_sent_as_an_address() {
    let rig = Rig::new().await;
    let (mut browser, ticket) = opened(&rig).await;
    let path = format!("/oauth/authorize?{}&request={ticket}&decision=approve", query(""));
    let answer = browser.get(&rig, &path).await;
    assert_eq!(answer.param("error").as_deref(), Some("request_not_supported"));
    assert!(is_nothing_kept(&rig).await);
}

#[tokio::test]
async fn each_approval_has_a_state_a_verifier_and_a_cookie_of_its_own() {
    let rig = Rig::new().await;
    let mut browser = Browser::default();
    let one = browser.approve(&rig, &query(""), "").await;
    let two = browser.approve(&rig, &query(""), "").await;
    assert_ne!(one.param("state"), two.param("state"));
    assert_ne!(one.param("code_challenge"), two.param("code_challenge"));
    assert_eq!(one.param("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(browser.jar.keys().filter(|name| name.contains("login")).count(), 2);
    assert!(one.param("state").unwrap().len() == 43);
}

#[tokio::test]
async fn approving_without_a_tick_grants_the_base() {
    let rig = Rig::new().await;
    let json = rig.tokens("").await;
    assert_eq!(json["scope"], "org:read project:read team:read event:read");
}

#[tokio::test]
async fn a_person_may_grant_more_than_was_asked_for_or_less() {
    let rig = Rig::new().await;
    let json = rig.tokens("scope=member:admin&level=project-management").await;
    assert_eq!(
        json["scope"],
        "org:read project:read project:write team:read team:write member:admin event:read"
    );
}
