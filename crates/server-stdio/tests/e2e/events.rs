//! The tools for single events, end to end: searches, traces, attachments, and Seer.

use sentry_sim::{EVENT_WITH_ATTACHMENTS, Simulation, TRACE};
use serde_json::{Value, json};

use crate::harness::{Era, Server};

const ORGANIZATION: &str = "aurora-labs";

/// The arguments, in the first organization.
fn of(mut args: Value) -> Value {
    args["organizationSlug"] = ORGANIZATION.into();
    args
}

fn attachment(id: &str) -> Value {
    of(json!({
        "projectSlug": "checkout-api",
        "eventId": EVENT_WITH_ATTACHMENTS,
        "attachmentId": id,
    }))
}

#[tokio::test]
async fn each_tool_answers_what_it_is_for() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    for (tool, args, words) in [
        ("search_events", of(json!({ "limit": 3 })), "dataset `errors`"),
        ("search_events", of(json!({ "dataset": "spans", "limit": 3 })), "dataset `spans`"),
        ("find_event_fields", of(json!({ "dataset": "spans", "query": "span.op" })), "`span.op`"),
        ("find_event_fields", of(json!({ "dataset": "errors", "query": "tenant" })), "`tenant`"),
        ("get_trace_details", of(json!({ "traceId": TRACE })), "PaymentTimeout"),
        ("get_event_attachment", attachment("7001"), "checkout.log"),
        ("analyze_issue_with_seer", of(json!({ "issueId": "CHECKOUT-API-1" })), "not verified"),
    ] {
        let answer = server.call(tool, args).await.unwrap_or_else(|err| panic!("{tool}: {err}"));
        assert!(answer.contains(words), "{tool}: `{words}` is not in: {answer}");
    }
}

#[tokio::test]
async fn an_image_comes_as_an_image_beside_the_text() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    let params = json!({ "name": "get_event_attachment", "arguments": attachment("7002") });
    let answer = server.request("tools/call", params).await;
    let image = &answer["result"]["content"][1];
    assert_eq!((&image["type"], &image["mimeType"]), (&json!("image"), &json!("image/png")));
    assert!(image["data"].as_str().unwrap().starts_with("iVBOR"), "{image}");
}

#[tokio::test]
async fn what_cannot_be_answered_is_told_with_the_way_on() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    for (tool, args, words) in [
        ("search_events", of(json!({ "dataset": "erors" })), "`errors`"),
        ("search_events", of(json!({ "limit": 1000 })), "1 to 100"),
        ("get_trace_details", of(json!({ "traceId": "CHECKOUT-API-1" })), "get_issue_details"),
        ("get_event_attachment", attachment("7005"), "too large"),
        ("get_event_attachment", attachment("7006"), "SHA-1"),
        ("get_event_attachment", attachment("7004"), "no content"),
    ] {
        let text = server.call(tool, args).await.expect_err("a refusal");
        assert!(text.contains(words), "{tool}: `{words}` is not in: {text}");
    }
}

#[tokio::test]
async fn starting_an_analysis_needs_more_than_reading_one_and_sends_nothing_before() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    let args = of(json!({ "issueId": "STOREFRONT-2" }));
    let refusal = server.call("analyze_issue_with_seer", args).await.unwrap_err();
    assert!(refusal.contains("--add-scopes=event:write"), "{refusal}");
    assert!(sentry.requests().iter().all(|request| request.method == "GET"));
}
