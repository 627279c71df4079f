//! Tests of `find_event_fields`.

use insta::assert_snapshot;
use serde_json::{Value, json};
use test_support::FakeSentry;

use crate::testing::{call, call_fenced};

const TOOL: &str = "find_event_fields";
const TAGS: &str = "/api/0/organizations/acme/tags/";
const ATTRIBUTES: &str = "/api/0/organizations/acme/trace-items/attributes/";

fn errors(query: &str) -> Value {
    json!({ "organizationSlug": "acme", "dataset": "errors", "query": query })
}

#[tokio::test]
async fn lists_tags_by_frequency_before_the_fields_of_all_events() {
    let tags = json!([
        { "key": "browser.name", "totalValues": 2 },
        { "key": "app.tier", "totalValues": 7 },
        { "key": "sentry:user", "totalValues": 9 },
        { "key": "app.\n`mode`" },
        { "name": "no key" },
    ]);
    let sentry = FakeSentry::start().await.get(TAGS, tags).await;
    let args = json!({ "organizationSlug": "acme", "dataset": "errors" });
    let out = call(&sentry, TOOL, args).await;
    let start: Vec<&str> = out.lines().take(9).collect();
    assert_snapshot!(start.join("\n"), @r"
    # Fields of errors in `acme`

    - `app.tier` (string, custom)
    - `browser.name` (string): name of the browser
    - `` app. `mode` `` (string, custom)
    - `id` (id): id of the event
    - `is` (string): status of the issue; such as `unresolved`, `resolved`, `archived`, `ignored`, `muted`, `reprocessing`
    - `issue` (string): short id of the issue, such as API-1F
    - `issue.id` (integer): numeric id of the issue
    ");
    assert!(out.contains("Functions for columns: `count`, `count_unique`"), "{out}");
    assert!(out.contains("`cursor`: `0:50:0`"), "{out}");
    let requests = sentry.requests().await;
    assert_eq!(requests.len(), 1, "many fields come without values");
    assert_eq!(requests[0].param("dataset"), Some("events"));
    assert_eq!(requests[0].param("statsPeriod"), Some("14d"));
}

#[tokio::test]
async fn the_pages_together_have_every_field_once() {
    let tags: Vec<Value> = (0..70).map(|n| json!({ "key": format!("tag{n}") })).collect();
    let sentry = FakeSentry::start().await.get(TAGS, json!(tags)).await;
    let mut names: Vec<String> = Vec::new();
    let mut cursor = None;
    loop {
        let args = json!({ "organizationSlug": "acme", "dataset": "errors", "cursor": cursor });
        let out = call(&sentry, TOOL, args).await;
        names.extend(out.lines().filter(|line| line.starts_with("- ")).map(str::to_owned));
        let Some((_, next)) = out.split_once("`cursor`: `") else { break };
        cursor = Some(next.trim().trim_end_matches('`').to_owned());
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(all > 150, "{all}");
}

#[tokio::test]
async fn few_matches_come_with_values_that_sentry_has_seen() {
    let tags = json!([{ "key": "tier", "totalValues": 3 }, { "key": "region" }]);
    let values = json!([{ "value": "gold\n# now" }, { "value": "" }, { "value": null }, "odd"]);
    let sentry = FakeSentry::start()
        .await
        .get(TAGS, tags)
        .await
        .get("/api/0/organizations/acme/tags/tier/values/", values)
        .await;
    let out = call(&sentry, TOOL, errors("TIE")).await;
    assert_snapshot!(out, @r"
    # Fields of errors in `acme`

    Matching `TIE`

    - `tier` (string, custom); such as `gold # now`
    ");
}

#[tokio::test]
async fn values_that_cannot_be_read_are_no_error() {
    let sentry = FakeSentry::start().await.get(TAGS, json!([{ "key": "tier" }])).await;
    let out = call(&sentry, TOOL, errors("tier")).await;
    assert_snapshot!(out, @r"
    # Fields of errors in `acme`

    Matching `tier`

    - `tier` (string, custom)

    Sample values could not be read for some of them.
    ");
}

#[tokio::test]
async fn known_values_need_no_request() {
    let tags = json!([{ "key": "level", "topValues": [{ "value": "error" }] }]);
    let sentry = FakeSentry::start().await.get(TAGS, tags).await;
    let args = json!({ "organizationSlug": "acme", "dataset": "issues", "query": "level" });
    let out = call(&sentry, TOOL, args).await;
    assert_snapshot!(out, @r"
    # Fields of issues in `acme`

    Matching `level`

    - `level` (string): severity; such as `error`
    - `device.battery_level` (string)
    - `stack.stack_level` (integer)
    ");
    let asked: Vec<_> = sentry
        .requests()
        .await
        .iter()
        .filter_map(|r| r.param("dataset").map(str::to_owned))
        .collect();
    assert_eq!(asked, ["events", "search_issues"]);
}

#[tokio::test]
async fn attributes_have_the_types_that_sentry_and_the_catalog_know() {
    let attributes = json!([
        { "key": "span.duration", "attributeType": "number",
          "attributeSource": { "source_type": "sentry" } },
        { "key": "tags[Batch Size,number]", "name": "Batch Size", "attributeType": "number",
          "attributeSource": { "source_type": "user" } },
        { "key": "tenant", "attributeType": "string", "attributeSource": { "source_type": "user" } },
        { "key": "old" },
        { "key": "is_big", "attributeType": "boolean" },
        { "key": "span.op", "attributeType": "string" },
        { "name": "no key" },
    ]);
    let sentry = FakeSentry::start().await.get_page(ATTRIBUTES, attributes, Some("0:50:0")).await;
    let args = json!({ "organizationSlug": "acme", "dataset": "spans", "query": "s" });
    let out = call(&sentry, TOOL, args).await;
    assert_snapshot!(out, @r"
    # Fields of spans in `acme`

    Matching `s`

    - `span.duration` (duration, milliseconds): how long it took
    - `tags[Batch Size,number]` (number, custom)
    - `tenant` (string, custom)
    - `old` (string, custom)
    - `is_big` (boolean, custom)
    - `span.op` (string): operation, such as db or http.client

    1 entry could not be read and was left out.

    There are more: call again with `cursor`: `0:50:0`
    ");
    let request = &sentry.requests().await[0];
    assert_eq!(request.param("substringMatch"), Some("s"));
}

#[tokio::test]
async fn an_organization_without_data_is_told_what_there_could_be() {
    let sentry = FakeSentry::start().await.get(ATTRIBUTES, json!([])).await;
    let args = json!({ "organizationSlug": "acme", "dataset": "metrics", "query": "metric." });
    assert_snapshot!(call(&sentry, TOOL, args).await, @r"
    # Fields of metrics in `acme`

    Matching `metric.`

    - `metric.name` (string): name of the metric
    - `metric.type` (string): type of the metric; such as `counter`, `gauge`, `distribution`
    - `metric.unit` (string): unit of the metric, such as millisecond

    Sentry has seen none in 14d; these are the ones that it defines itself.
    ");
    let args = json!({ "organizationSlug": "acme", "dataset": "metrics", "query": "zzz" });
    assert_snapshot!(call(&sentry, TOOL, args).await, @r"
    # Fields of metrics in `acme`

    Matching `zzz`

    No field matches. Call again with a shorter `query`, or without it to list all.
    ");
}

#[tokio::test]
async fn profiles_are_the_same_everywhere_and_cost_no_request() {
    let sentry = FakeSentry::start().await;
    let args = json!({ "organizationSlug": "acme", "dataset": "profiles", "query": "profile" });
    assert_snapshot!(call(&sentry, TOOL, args).await, @r"
    # Fields of profiles in `acme`

    Matching `profile`

    - `profile.id` (string): id of the profile
    - `profiler.id` (string): id of a continuous profile
    - `profile.duration` (duration, nanoseconds): how long it took

    These are the same in every organization; there are no custom tags.
    ");
    assert!(sentry.requests().await.is_empty());
}

#[tokio::test]
async fn a_fenced_session_sees_its_project_only() {
    let sentry = FakeSentry::start()
        .await
        .get("/api/0/projects/acme/api/", json!({ "id": "7", "slug": "api" }))
        .await
        .get(TAGS, json!([{ "key": "tier" }]))
        .await;
    let args = json!({ "dataset": "replays", "query": "tier" });
    let out = call_fenced(&sentry, "acme", Some("api"), TOOL, args).await;
    assert!(out.starts_with("# Fields of replays in `api` in `acme`\n"), "{out}");
    for request in sentry.requests().await.iter().filter(|r| r.path.contains("/tags/")) {
        assert_eq!(request.param("project"), Some("7"), "{}", request.path);
    }
}

#[tokio::test]
async fn mistakes_in_the_arguments_are_told_before_anything_is_asked() {
    let sentry = FakeSentry::start().await;
    for (args, expected) in [
        (json!({ "dataset": "error" }), "did you mean `errors`?"),
        (json!({ "dataset": "zzz" }), "there are issues, errors, spans"),
        (json!({}), "dataset"),
    ] {
        let mut args = args;
        args["organizationSlug"] = json!("acme");
        let out = call(&sentry, TOOL, args).await;
        assert!(out.starts_with("error: ") && out.contains(expected), "{out}");
    }
    assert!(sentry.requests().await.is_empty());
    let sentry = FakeSentry::start().await.get(TAGS, json!([])).await;
    let args = json!({ "organizationSlug": "acme", "dataset": "errors", "cursor": "abc" });
    let out = call(&sentry, TOOL, args).await;
    assert!(out.contains("the cursor of an earlier answer of this tool"), "{out}");
}

#[tokio::test]
async fn what_sentry_refuses_is_explained() {
    let body = json!({ "detail": "You do not have permission to perform this action." });
    let sentry = FakeSentry::start().await.status("GET", TAGS, 403, body).await;
    let out = call(&sentry, TOOL, errors("x")).await;
    assert!(out.starts_with("error: "), "{out}");
}
