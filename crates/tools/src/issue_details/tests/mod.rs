//! Calls of `get_issue_details` from the arguments to the whole answer. How each kind of
//! event looks is tested where it is written.

use serde_json::{Value, json};
use test_support::{FakeSentry, fixture};

use crate::testing::{call, call_fenced};

mod around;

const TOOL: &str = "get_issue_details";
const EVENT: &str = "7ca573c0f4814912aaa9bdc77d1a7d51";
const ISSUE_PATH: &str = "organizations/acme/issues/SHOP-1A/";

fn issue() -> Value {
    fixture!("events/issue.json")
}

fn python() -> Value {
    fixture!("events/python_chain.json")
}

async fn sentry(issue: Value, event: Value) -> FakeSentry {
    let latest = format!("{ISSUE_PATH}events/latest/");
    FakeSentry::start().await.get(ISSUE_PATH, issue).await.get(&latest, event).await
}

fn by_id() -> Value {
    json!({ "organizationSlug": "acme", "issueId": "shop-1a" })
}

/// The loopback port differs from run to run.
fn stable(sentry: &FakeSentry, out: &str) -> String {
    out.replace(&sentry.host(), "sentry.example.test")
}

#[tokio::test]
async fn an_issue_and_its_latest_event_and_what_is_around_them_are_asked_for_once() {
    let sentry = sentry(issue(), fixture!("events/default.json")).await;
    let out = call(&sentry, TOOL, by_id()).await;
    insta::assert_snapshot!(stable(&sentry, &out), @r"
    # Issue `SHOP-1A` in `acme`

    - Title: `CheckoutError: payment of order 17 failed`
    - Culprit: `shop.views in checkout`
    - First seen: 2025-02-01T08:00:00Z
    - Last seen: 2025-03-02T10:15:00Z
    - Events: 1234
    - Users affected: 56
    - Status: unresolved (ongoing)
    - Assigned to: team backend (`team:3`)
    - Level: error
    - Priority: high
    - Issue type: error
    - Issue category: error
    - Platform: python
    - First release: `shop@2.3.0`
    - Last release: `shop@2.4.0`
    - Project: `shop`
    - URL: http://sentry.example.test/organizations/acme/issues/42/

    ## Event

    - ID: `7ca573c0f4814912aaa9bdc77d1a7d51`
    - Type: `default`
    - Occurred: 2025-03-02T10:15:00Z

    ### Message

    ```
    Disk is almost full: 97 %
    host-a
    ```

    ### Tags

    ```
    level: warning
    ```

    ## Next

    - A commit that fixes this says so in its message: `Fixes SHOP-1A`
    - Events of this issue: `search_events` with `query` `issue:SHOP-1A`
    - Files sent with this event: `get_event_attachment` with `eventId` `7ca573c0f4814912aaa9bdc77d1a7d51`, `projectSlug` `shop`
    - An analysis by Sentry's AI: `analyze_issue_with_seer`
    - To resolve, ignore or assign it: `update_issue`
    - To find related issues: `search_issues`
    ");
    assert_eq!(
        paths(&sentry).await,
        [
            "GET /api/0/organizations/acme/issues/SHOP-1A/",
            "GET /api/0/organizations/acme/issues/SHOP-1A/events/latest/",
            "GET /api/0/organizations/acme/issues/42/autofix/",
            "GET /api/0/organizations/acme/issues/42/external-issues/",
            "GET /api/0/organizations/acme/replay-count/",
        ]
    );
}

/// What was asked for, each only once, the two that are needed first.
async fn paths(sentry: &FakeSentry) -> Vec<String> {
    let asked = sentry.requests().await;
    let mut paths: Vec<String> =
        asked.iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    paths.sort_by_key(|path| (!path.contains("SHOP-1A"), path.clone()));
    paths
}

#[tokio::test]
async fn a_brief_answer_is_two_requests_and_four_hundred_tokens() {
    for event in [
        "python_chain",
        "java",
        "javascript",
        "ruby",
        "php",
        "go",
        "threads_only",
        "default",
        "hostile",
        "n_plus_one_db",
        "n_plus_one_api",
        "regression",
        "metric_alert",
        "csp",
        "feedback",
        "cron",
        "uptime",
        "empty",
    ] {
        let event_body = test_support::read_fixture(&format!("events/{event}.json"));
        let sentry = sentry(issue(), event_body).await;
        let mut args = by_id();
        args["detail"] = json!("brief");
        let out = call(&sentry, TOOL, args).await;
        assert_eq!(sentry.requests().await.len(), 2, "{event}");
        let tokens = crate::answer::estimate(&out);
        assert!(tokens < 400, "{event}: {tokens}\n{out}");
        assert!(out.contains("- Title: `CheckoutError"), "{event}: {out}");
        assert!(!out.contains("Shortened"), "{event}: {out}");
    }
}

#[tokio::test]
async fn a_brief_answer_has_the_error_and_the_frame_to_look_at() {
    let sentry = sentry(issue(), python()).await;
    let mut args = by_id();
    args["detail"] = json!("brief");
    let out = call(&sentry, TOOL, args).await;
    insta::assert_snapshot!(stable(&sentry, &out));
}

#[tokio::test]
async fn only_the_sections_that_were_asked_for_are_shown() {
    let sentry = sentry(issue(), fixture!("events/breadcrumbs.json")).await;
    let mut args = by_id();
    args["sections"] = json!(["breadcrumbs", "user"]);
    let out = call(&sentry, TOOL, args).await;
    assert!(out.contains("### Breadcrumbs (30, newest last)"), "{out}");
    assert!(out.contains("step 0 `done`") && out.contains("Nothing to show of: `user`."), "{out}");
    assert!(!out.contains("### Message") && !out.contains("### Tags"), "{out}");
    assert_eq!(sentry.requests().await.len(), 2);
    for (sections, problem) in [
        (json!(["stack"]), "there is no section `stack`; did you mean `stacktrace`?"),
        (json!(["tags", "zzz"]), "there is no section `zzz`. The sections are: facts, code,"),
    ] {
        let mut args = by_id();
        args["sections"] = sections;
        let out = call(&sentry, TOOL, args).await;
        assert!(out.starts_with("error: ") && out.contains(problem), "{out}");
    }
    assert_eq!(sentry.requests().await.len(), 2);
}

#[tokio::test]
async fn a_budget_is_kept_and_what_is_left_out_is_named() {
    let frames: Vec<Value> = (0..6_000)
        .map(|at| json!({ "function": format!("f{at}"), "filename": "lib/x.py", "inApp": at % 50 == 0, "lineNo": at }))
        .collect();
    let mut event = python();
    event["entries"][0]["data"]["values"] =
        json!([{ "type": "E", "value": "deep", "stacktrace": { "frames": frames } }]);
    let sentry = sentry(issue(), event).await;
    for (args, budget) in [
        (json!({ "detail": "full" }), 6_000),
        (json!({}), 6_000),
        (json!({ "maxTokens": 800 }), 800),
        (json!({ "detail": "full", "maxTokens": 20_000 }), 20_000),
    ] {
        let mut call_args = by_id();
        call_args.as_object_mut().unwrap().extend(args.as_object().unwrap().clone());
        let out = call(&sentry, TOOL, call_args).await;
        let tokens = crate::answer::estimate(&out);
        assert!(tokens <= budget, "{args}: {tokens}");
        assert!(out.contains("E: deep") && out.contains("# Issue `SHOP-1A`"), "{args}: {out}");
        let opened = out.lines().filter(|line| line.starts_with("```")).count();
        assert_eq!(opened % 2, 0, "{args}: {out}");
    }
}

#[tokio::test]
async fn an_event_of_five_megabytes_is_shown_within_the_budget() {
    let mut event = python();
    event["context"] = json!({ "blob": "x y ".repeat(1_300_000) });
    let sentry = sentry(issue(), event).await;
    let out = call(&sentry, TOOL, by_id()).await;
    assert!(crate::answer::estimate(&out) <= 6_000, "{out}");
    assert!(out.contains("CheckoutError: payment of order 17 failed"), "{out}");
}

#[tokio::test]
async fn a_link_leads_to_its_event_and_the_argument_wins() {
    let other = "0".repeat(32);
    for (args, event) in [
        (
            json!({ "issueUrl": format!("https://acme.sentry.io/issues/42/events/{EVENT}/?x=1") }),
            EVENT,
        ),
        (json!({ "issueUrl": "https://acme.sentry.io/issues/42/events/oldest/" }), "oldest"),
        (json!({ "issueUrl": "https://acme.sentry.io/issues/42/" }), "latest"),
        (
            json!({ "issueUrl": format!("https://acme.sentry.io/issues/42/events/{EVENT}/"), "eventId": other }),
            &other,
        ),
        (
            json!({ "organizationSlug": "acme", "issueId": 42, "eventId": EVENT.to_uppercase() }),
            EVENT,
        ),
    ] {
        let sentry = FakeSentry::start().await.get("organizations/acme/issues/42/", issue()).await;
        let path = format!("organizations/acme/issues/42/events/{event}/");
        let sentry = sentry.get(&path, python()).await;
        let out = call(&sentry, TOOL, args).await;
        assert!(out.contains("- Occurred: 2025-03-02T10:15:00Z"), "{event}: {out}");
    }
}

#[tokio::test]
async fn an_issue_whose_latest_event_is_gone_is_still_shown() {
    let sentry = FakeSentry::start().await.get(ISSUE_PATH, issue()).await;
    let out = call(&sentry, TOOL, by_id()).await;
    assert!(out.contains("- Culprit: `shop.views in checkout`"), "{out}");
    assert!(out.contains("\n## Event\n\nSentry has no `latest` event of this issue"), "{out}");
}

#[tokio::test]
async fn what_is_missing_is_told_with_every_argument() {
    let sentry = FakeSentry::start().await.get(ISSUE_PATH, issue()).await;
    let args = json!({ "organizationSlug": "acme", "issueId": "SHOP-1A", "eventId": EVENT });
    let out = call(&sentry, TOOL, args).await;
    assert!(out.starts_with("error: "), "{out}");
    for part in ["organizationSlug: `acme`", "issueId: `SHOP-1A`", EVENT] {
        assert!(out.contains(part), "{out}");
    }
    assert!(!out.contains("culprit"), "{out}");
}

#[tokio::test]
async fn an_event_id_alone_finds_the_issue_in_two_requests() {
    let owner = json!({ "projectSlug": "shop", "groupId": "42", "event": python() });
    let path = format!("organizations/acme/eventids/{EVENT}/");
    let sentry = FakeSentry::start().await.get(&path, owner).await;
    let sentry = sentry.get("organizations/acme/issues/42/", issue()).await;
    let out = call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
    assert!(out.starts_with("# Issue `SHOP-1A` in `acme`"), "{out}");
    assert!(out.contains("CheckoutError: payment of order 17 failed\n```"), "{out}");
    let asked = sentry.requests().await;
    let paths: Vec<&str> = asked.iter().map(|request| request.path.as_str()).take(2).collect();
    assert_eq!(paths, [format!("/api/0/{path}").as_str(), "/api/0/organizations/acme/issues/42/"]);
}

#[tokio::test]
async fn an_event_that_does_not_come_with_its_issue_s_id_is_asked_for() {
    let path = format!("organizations/acme/eventids/{EVENT}/");
    let owner = json!({ "projectSlug": "shop", "groupId": 42, "event": null });
    let sentry = FakeSentry::start().await.get(&path, owner).await;
    let sentry = sentry.get("organizations/acme/issues/42/", issue()).await;
    let event = format!("organizations/acme/issues/42/events/{EVENT}/");
    let sentry = sentry.get(&event, python()).await;
    let out = call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
    assert!(out.contains("CheckoutError: payment of order 17 failed\n```"), "{out}");
}

#[tokio::test]
async fn an_event_without_an_issue_is_shown_alone() {
    let owner = json!({ "projectSlug": "shop", "event": fixture!("events/transaction.json") });
    let path = format!("organizations/acme/eventids/{EVENT}/");
    let sentry = FakeSentry::start().await.get(&path, owner).await;
    let out = call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
    assert!(out.contains("This event belongs to no issue.\n\n## Event\n\n- ID: "), "{out}");
}

#[tokio::test]
async fn a_token_that_may_not_look_events_up_searches_for_the_issue() {
    let path = format!("organizations/acme/eventids/{EVENT}/");
    let sentry = FakeSentry::start().await.status("GET", &path, 403, json!({})).await;
    let search = [("query", EVENT), ("limit", "1")];
    let sentry = sentry.get_query("organizations/acme/issues/", &search, json!([issue()])).await;
    let event = format!("organizations/acme/issues/42/events/{EVENT}/");
    let args = json!({ "organizationSlug": "acme", "eventId": EVENT });
    let out = call(&sentry, TOOL, args.clone()).await;
    assert!(
        out.starts_with(&format!("No issue was found for the event `{EVENT}` in `acme`.")),
        "{out}"
    );
    let sentry = sentry.get(&event, python()).await;
    let out = call(&sentry, TOOL, args).await;
    assert!(out.starts_with("# Issue `SHOP-1A` in `acme`"), "{out}");
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_no_error() {
    let sentry = FakeSentry::start().await.get("organizations/acme/issues/", json!([])).await;
    let out = call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
    insta::assert_snapshot!(out, @r"
    No issue was found for the event `7ca573c0f4814912aaa9bdc77d1a7d51` in `acme`.

    Check the id and the organization. The event may also be deleted, older than Sentry keeps events, or in a project that this user cannot see. `search_issues` finds issues by their text.
    ");
}

#[tokio::test]
async fn an_issue_of_another_project_is_refused_and_nothing_of_it_is_shown() {
    let path = format!("organizations/acme/eventids/{EVENT}/");
    let owner = json!({ "projectSlug": "shop", "groupId": "42", "event": python() });
    let sentry = sentry(issue(), python()).await.get(&path, owner).await;
    for args in [json!({ "issueId": "SHOP-1A" }), json!({ "eventId": EVENT })] {
        let out = call_fenced(&sentry, "acme", Some("api"), TOOL, args.clone()).await;
        assert!(out.contains("does not belong to the project `api`"), "{out}");
        assert!(!out.contains("Checkout") && !out.contains("shop.views"), "{out}");
    }
    let args = json!({ "issueId": "SHOP-1A" });
    let out = call_fenced(&sentry, "acme", Some("shop"), TOOL, args).await;
    assert!(out.starts_with("# Issue `SHOP-1A` in `acme`"), "{out}");
}

#[tokio::test]
async fn arguments_that_name_nothing_are_told_apart() {
    let sentry = FakeSentry::start().await;
    for (args, problem) in [
        (json!({}), "no issue given"),
        (json!({ "eventId": EVENT }), "also needs the organization"),
        (
            json!({ "organizationSlug": "acme", "eventId": "latest" }),
            "pass `issueId` or `issueUrl` too",
        ),
        (
            json!({ "organizationSlug": "acme", "eventId": "7ca5" }),
            "`eventId`: `7ca5` is not an event id",
        ),
        (json!({ "organizationSlug": "acme", "issueId": "../x" }), "is not an issue id"),
    ] {
        let out = call(&sentry, TOOL, args).await;
        assert!(out.starts_with("error: ") && out.contains(problem), "{out}");
    }
    assert_eq!(sentry.requests().await, []);
}
