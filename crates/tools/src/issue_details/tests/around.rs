//! What `get_issue_details` adds to an issue and its event, and what becomes of a call when
//! that fails.

use super::*;

/// A Sentry that knows everything about the issue.
async fn generous() -> FakeSentry {
    sentry(issue(), python())
        .await
        .get("organizations/acme/issues/42/autofix/", json!({ "autofix": {
            "run_id": 77, "status": "COMPLETED", "blocks": [{ "artifacts": [
                { "key": "root_cause", "data": { "one_line_description": "The order `17` has no items." } }] }] } }))
        .await
        .get("organizations/acme/issues/42/external-issues/", json!([null, {
            "serviceType": "github", "displayName": "acme/shop#12",
            "webUrl": "https://github.com/acme/shop/issues/12" }]))
        .await
        .get("organizations/acme/replay-count/", json!({ "42": ["6b1f3c1e0d6c4f6bb0a1c2d3e4f50617", "../x"] }))
        .await
        .get("projects/acme/shop/stacktrace-link/", json!({
            "sourceUrl": "https://github.com/acme/shop/blob/main/shop/views.py#L42",
            "config": { "repoName": "acme/shop" } }))
        .await
}

#[tokio::test]
async fn what_the_rest_of_sentry_knows_is_added() {
    let sentry = generous().await;
    let sections = json!(["code", "replay", "seer", "links"]);
    let mut args = by_id();
    args["sections"] = sections;
    let out = call(&sentry, TOOL, args).await;
    insta::assert_snapshot!(stable(&sentry, &out));
    let asked = sentry.requests().await;
    let link = asked.iter().find(|request| request.path.ends_with("/stacktrace-link/")).unwrap();
    assert_eq!(link.param("file"), Some("shop/views.py"));
    assert_eq!(link.param("groupId"), Some("42"));
    let replays = asked.iter().find(|request| request.path.ends_with("/replay-count/")).unwrap();
    assert_eq!(replays.param("data_source"), Some("discover"));
    assert_eq!(asked.len(), 6);
}

#[tokio::test]
async fn what_is_refused_or_broken_around_an_issue_is_one_line() {
    let base = "organizations/acme/issues/42/";
    let sentry = sentry(issue(), fixture!("events/default.json"))
        .await
        .status("GET", &format!("{base}autofix/"), 403, json!({}))
        .await
        .status("GET", &format!("{base}external-issues/"), 400, json!({}))
        .await
        .get("organizations/acme/replay-count/", json!([]))
        .await;
    let out = call(&sentry, TOOL, by_id()).await;
    assert!(
        out.contains(
            "\nNot shown: the analysis by Seer (this token may not read it); linked issues (Sentry \
             could not answer); replays (Sentry could not answer).\n"
        ),
        "{out}"
    );
    assert!(out.contains("Disk is almost full"), "{out}");
}

#[tokio::test]
async fn a_sentry_without_seer_is_no_news() {
    let path = "organizations/acme/issues/42/autofix/";
    for status in [404, 500] {
        let sentry = sentry(issue(), fixture!("events/default.json"))
            .await
            .status("GET", path, status, json!({ "detail": "Internal Error" }))
            .await;
        let out = call(&sentry, TOOL, by_id()).await;
        assert!(out.contains("Disk is almost full") && !out.contains("Seer"), "{out}");
    }
}

#[tokio::test]
async fn what_takes_longer_than_three_seconds_is_not_waited_for() {
    use wiremock::{Mock, ResponseTemplate, matchers};
    let slow = |at: &str| {
        let answer = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(30));
        Mock::given(matchers::path(format!("/api/0/organizations/acme/{at}"))).respond_with(answer)
    };
    let sentry = sentry(issue(), fixture!("events/default.json"))
        .await
        .mount(slow("issues/42/autofix/"))
        .await
        .mount(slow("replay-count/"))
        .await;
    let begin = std::time::Instant::now();
    let out = call(&sentry, TOOL, by_id()).await;
    assert!(begin.elapsed() < std::time::Duration::from_secs(4), "{:?}", begin.elapsed());
    let told = "Not shown: the analysis by Seer (no answer in time); replays (no answer in time).";
    assert!(out.contains(told), "{out}");
}

#[tokio::test]
async fn a_performance_issue_shows_its_evidence_and_where_to_go_on() {
    let mut issue = issue();
    issue["issueCategory"] = json!("performance");
    issue["issueType"] = json!("performance_n_plus_one_db_queries");
    issue["metadata"] =
        json!({ "title": "N+1 Query", "location": "/checkout", "value": "SELECT 1" });
    let sentry = sentry(issue, fixture!("events/n_plus_one_db.json")).await;
    let out = call(&sentry, TOOL, by_id()).await;
    for fact in [
        "- Location: `/checkout`",
        "- Query pattern: `SELECT 1`",
        "- Repeated: 12 times",
        "```sql\nSELECT `shop_item`.`id`",
        "`get_trace_details` with `traceId` `c8f36cbe6bc84e6da90eb296091f6c12`",
    ] {
        assert!(out.contains(fact), "{fact}: {out}");
    }
    let asked = sentry.requests().await;
    let replays = asked.iter().find(|request| request.path.ends_with("/replay-count/")).unwrap();
    assert_eq!(replays.param("data_source"), Some("search_issues"));
}

#[tokio::test]
async fn the_replay_of_an_event_is_a_link_and_no_tag() {
    let sentry = sentry(issue(), fixture!("events/breadcrumbs.json")).await;
    let out = call(&sentry, TOOL, by_id()).await;
    assert!(
        out.contains(
            "### Session replay\n\n- Of this event: `6b1f3c1e0d6c4f6bb0a1c2d3e4f50617` http"
        ),
        "{out}"
    );
    assert!(!out.contains("replayId"), "{out}");
}

#[tokio::test]
async fn ai_conversations_in_an_event_are_named() {
    let mut event = fixture!("events/transaction.json");
    event["contexts"]["trace"]["data"] = json!({ "gen_ai.conversation.id": "conv-1" });
    event["entries"] = json!([{ "type": "spans", "data": [
        { "span_id": "a", "data": { "gen_ai.conversation.id": "conv-1" } },
        { "span_id": "b", "data": { "gen_ai.conversation.id": "conv-`2" } } ] }]);
    let sentry = sentry(issue(), event).await;
    let out = call(&sentry, TOOL, by_id()).await;
    assert!(out.contains("- AI conversations in this event: `conv-1`, `` conv-`2 ``\n"), "{out}");
}

#[tokio::test]
async fn a_frame_that_carries_its_own_link_is_not_asked_for() {
    let mut event = python();
    for exception in event["entries"][0]["data"]["values"].as_array_mut().unwrap() {
        for frame in exception["stacktrace"]["frames"].as_array_mut().unwrap() {
            frame["sourceLink"] = json!("https://github.com/acme/shop/blob/1/shop/views.py#L88");
        }
    }
    let sentry = sentry(issue(), event).await;
    let out = call(&sentry, TOOL, by_id()).await;
    assert!(
        out.contains("- Path: `shop/views.py`, line 88\n- Link: `https://github.com/acme/"),
        "{out}"
    );
    let asked = sentry.requests().await;
    assert!(!asked.iter().any(|request| request.path.ends_with("/stacktrace-link/")));
}
