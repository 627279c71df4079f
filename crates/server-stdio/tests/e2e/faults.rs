//! What a client gets when Sentry fails: an answer, in time, that says what to do.

use std::time::{Duration, Instant};

use sentry_sim::{Fault, FaultKind, Simulation, tokens};
use serde_json::{Value, json};

use crate::harness::{Era, Server, command_as};

/// One call of a read that takes two requests, under a fault.
async fn under(kind: FaultKind, flags: &[&str]) -> Result<String, String> {
    under_fault(Fault::on("/issues/", kind), flags).await
}

async fn under_fault(fault: Fault, flags: &[&str]) -> Result<String, String> {
    let sentry = Simulation::start().await.unwrap();
    sentry.inject(fault);
    let mut server = Server::start(Era::Handshake, &sentry, flags).await;
    let started = Instant::now();
    let outcome = server.call("get_issue_details", issue()).await;
    assert!(started.elapsed() < Duration::from_secs(15), "took {:?}", started.elapsed());
    sentry.clear_faults();
    let next = server.call("whoami", json!({})).await;
    assert!(next.is_ok(), "the server goes on: {next:?}");
    assert!(!server.transcript.contains(tokens::ADMIN), "no token in any answer");
    let (status, stderr) = server.close().await;
    assert!(status.success(), "{stderr}");
    assert!(!stderr.contains(tokens::ADMIN), "no token in any log");
    outcome
}

fn issue() -> Value {
    json!({ "organizationSlug": "aurora-labs", "issueId": "CHECKOUT-API-1" })
}

fn status(status: u16, headers: &[(&str, &str)], body: &str) -> FaultKind {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    FaultKind::Status { status, headers, body: body.into() }
}

#[track_caller]
fn says(outcome: &Result<String, String>, words: &[&str]) {
    let text = outcome.as_ref().expect_err("the call fails");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(text.len() < 1_000, "not a dump: {text}");
    for dump in ["line 1 column", "EOF while", "invalid type", "hyper", "reqwest"] {
        assert!(!text.contains(dump), "`{dump}` is in: {text}");
    }
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_given_up_in_time() {
    says(&under(FaultKind::Hang, &["--call-timeout=2"]).await, &["127.0.0.1", "2 s"]);
}

#[tokio::test]
async fn one_byte_at_a_time_is_given_up_in_time() {
    let drip = FaultKind::Drip { interval: Duration::from_millis(100) };
    says(&under(drip, &["--call-timeout=2"]).await, &["127.0.0.1", "2 s"]);
}

#[tokio::test]
async fn a_short_rate_limit_is_waited_for() {
    let fault = Fault::on("/issues/", status(429, &[("Retry-After", "1")], "{}")).times(2);
    let answer = under_fault(fault, &[]).await.expect("an answer after the wait");
    assert!(answer.contains("CHECKOUT-API-1"), "{answer}");
}

#[tokio::test]
async fn a_long_rate_limit_is_told() {
    let limited = status(429, &[("Retry-After", "3600")], "{}");
    says(&under(limited, &[]).await, &["rate limit", "3600 seconds"]);
}

#[tokio::test]
async fn one_503_is_survived() {
    let fault = Fault::on("/issues/", status(503, &[], "")).times(2);
    let answer = under_fault(fault, &[]).await.expect("an answer after another attempt");
    assert!(answer.contains("CHECKOUT-API-1"), "{answer}");
}

#[tokio::test]
async fn a_lasting_503_is_told() {
    says(&under(status(503, &[], ""), &[]).await, &["not available", "503"]);
}

#[tokio::test]
async fn a_500_is_told_at_once_and_not_retried() {
    let sentry = Simulation::start().await.unwrap();
    sentry.inject(Fault::on("/teams/", status(500, &[], r#"{"detail":"Internal Error"}"#)));
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    let outcome = server.call("find_teams", json!({ "organizationSlug": "aurora-labs" })).await;
    says(&outcome, &["500"]);
    let asked = sentry.requests().iter().filter(|request| request.path.contains("/teams/")).count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_web_page_instead_of_json_points_at_the_host() {
    for code in [200, 502] {
        let outcome = under(FaultKind::Html { status: code }, &[]).await;
        let text = outcome.expect_err("the call fails");
        assert!(!text.contains('<'), "no markup: {text}");
        if code == 200 {
            assert!(text.contains("web page") && text.contains("--host"), "{text}");
        }
    }
}

#[tokio::test]
async fn json_under_another_label_is_still_json() {
    let answer = under(FaultKind::MislabelAsText, &[]).await.expect("an answer");
    assert!(answer.contains("CHECKOUT-API-1"), "{answer}");
}

#[tokio::test]
async fn an_answer_of_another_shape_is_told_in_words() {
    for kind in [FaultKind::EmptyBody, FaultKind::Null, FaultKind::WrongShape] {
        says(&under(kind, &[]).await, &["127.0.0.1"]);
    }
}

#[tokio::test]
async fn a_broken_connection_is_told() {
    for kind in [FaultKind::Truncated, FaultKind::Reset, FaultKind::ResetInBody] {
        says(&under(kind, &["--call-timeout=5"]).await, &["127.0.0.1"]);
    }
}

#[tokio::test]
async fn a_body_without_end_is_refused_in_bounded_memory() {
    let sentry = Simulation::start().await.unwrap();
    sentry.inject(Fault::on("/issues/", FaultKind::Oversized { bytes: 50 << 20 }));
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    says(&server.call("get_issue_details", issue()).await, &["16 MiB"]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(kib < 80 << 10, "{kib} KiB at the peak");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = Simulation::start().await.unwrap();
    let location = format!("{}/api/0/organizations/aurora-labs/issues/1/", elsewhere.url());
    says(&under(FaultKind::Redirect { location }, &[]).await, &["127.0.0.1"]);
    assert!(elsewhere.requests().is_empty(), "the other host heard nothing");
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    says(&under(FaultKind::RedirectLoop, &[]).await, &["redirect"]);
}

#[tokio::test]
async fn an_answer_of_nulls_is_still_an_answer() {
    let answer = under(FaultKind::NullOptionals, &[]).await.expect("an answer");
    assert!(answer.contains("CHECKOUT-API-1") && answer.contains("PaymentTimeout"), "{answer}");
    assert!(!answer.contains(": null") && !answer.contains("None"), "{answer}");
}

#[tokio::test]
async fn a_write_is_not_sent_twice_when_the_connection_breaks() {
    let sentry = Simulation::start().await.unwrap();
    sentry.inject(Fault::on("/teams/", FaultKind::ResetInBody).method("POST"));
    let mut server = Server::start(Era::Handshake, &sentry, &["--all-scopes"]).await;
    let args = json!({ "organizationSlug": "aurora-labs", "name": "Night Watch" });
    let outcome = server.call("create_team", args).await;
    says(&outcome, &["not known", "find_teams"]);
    let posts = sentry.requests().iter().filter(|request| request.method == "POST").count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_403_is_explained_from_the_token() {
    let sentry = Simulation::start().await.unwrap();
    let args = json!({ "organizationSlug": "aurora-labs" });
    for (token, words) in [
        (tokens::EVENT_READ, ["org:read", "token"]),
        (tokens::OUTSIDER, ["member", "find_organizations"]),
    ] {
        let mut server = Server::spawn(Era::Stateless, &mut command_as(&sentry, token, &[])).await;
        says(&server.call("find_teams", args.clone()).await, &words);
    }
}

#[tokio::test]
async fn a_narrow_token_is_remembered_after_the_first_403() {
    let sentry = Simulation::start().await.unwrap();
    let mut command = command_as(&sentry, tokens::EVENT_READ, &[]);
    let mut server = Server::spawn(Era::Stateless, &mut command).await;
    let before = server.tools().await;
    let args = json!({ "organizationSlug": "aurora-labs" });
    says(&server.call("find_teams", args.clone()).await, &["org:read"]);
    sentry.reset_requests();
    says(&server.call("find_teams", args).await, &["too narrow", "org:read"]);
    assert!(sentry.requests().is_empty(), "the second refusal costs no request");
    assert_eq!(server.tools().await, before, "a list never changes because of a call");
}

#[tokio::test]
async fn a_token_that_sentry_refuses_is_told_with_the_next_step() {
    let sentry = Simulation::start().await.unwrap();
    for token in [tokens::EXPIRED, tokens::INVALID] {
        let mut server = Server::spawn(Era::Stateless, &mut command_as(&sentry, token, &[])).await;
        let outcome = server.call("whoami", json!({})).await;
        says(&outcome, &["did not accept the auth token", "settings/account/api/auth-tokens"]);
        assert!(!server.transcript.contains(token));
    }
}
