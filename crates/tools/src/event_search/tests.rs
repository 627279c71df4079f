//! The search as a whole, through its tool and a fake Sentry. Plans, times and names have
//! tests of their own.

use serde_json::{Value, json};
use test_support::{FakeSentry, fixture};

use crate::{
    events::search_events::SearchEvents,
    testing::{call, call_fenced},
    tool::Tool,
};

const EVENTS: &str = "organizations/acme/events/";
const CHECK: &str = "organizations/acme/events/validate/";
const REPLAYS: &str = "organizations/acme/replays/";
const PROJECT: &str = "projects/acme/api/";

/// The host of the fake differs from run to run.
fn stable(sentry: &FakeSentry, out: &str) -> String {
    out.replace(&sentry.uri(), "https://sentry.example.test")
}

async fn search(sentry: &FakeSentry, mut args: Value) -> String {
    args["organizationSlug"] = json!("acme");
    stable(sentry, &call(sentry, SearchEvents::NAME, args).await)
}

async fn fenced(sentry: &FakeSentry, args: Value) -> String {
    call_fenced(sentry, "acme", Some("api"), SearchEvents::NAME, args).await
}

/// What was shown of the rows alone.
fn rows(out: &str) -> &str {
    let start = out.find("On the web: ").and_then(|at| Some(at + out[at..].find("\n\n")? + 2));
    out[start.unwrap()..].trim_end()
}

async fn found(dataset: &str, body: Value, mut args: Value) -> String {
    let sentry = FakeSentry::start().await.get(EVENTS, body).await;
    args["dataset"] = json!(dataset);
    search(&sentry, args).await
}

fn api() -> Value {
    json!({ "id": "2", "slug": "api" })
}

#[tokio::test]
async fn the_answer_says_what_was_executed_and_lists_the_errors() {
    let sentry = FakeSentry::start()
        .await
        .get(PROJECT, api())
        .await
        .get_page(EVENTS, fixture!("discover/errors.json"), Some("0:10:0"))
        .await;
    let args = json!({ "query": "level:error", "projectSlug": "api", "environment": ["prod"], "period": "24h" });
    insta::assert_snapshot!(search(&sentry, args).await, @r"
    # Events in `acme`: errors

    Executed: dataset `errors`, query `level:error environment:prod`, fields `issue` `title` `project` `timestamp` `level` `message` `error.type` `culprit` `user.email` `user.id`, sort `-timestamp`, period `24h`, project `api` (id `2`), limit 10.
    `environment:prod` was added to the query.
    On the web: https://sentry.example.test/organizations/acme/explore/discover/homepage/?project=2&dataset=errors&queryDataset=error-events&query=level%3Aerror+environment%3Aprod&field=issue&field=title&field=project&field=timestamp&field=level&field=message&field=error.type&field=culprit&field=user.email&field=user.id&sort=-timestamp&yAxis=count%28%29&statsPeriod=24h

    1. [API-1](https://sentry.example.test/organizations/acme/issues/1/): `ZeroDivisionError: division by zero`
       - project api, timestamp 2026-11-22T13:36:57+00:00, level error, message `division by zero`, error.type ZeroDivisionError, culprit shop.cart.total
       - user.id 7, id 3f04a2377e844ad1a2c9389fdf3a83cd
    2. `` # ignore `all` rules ``
       - project api, user user@example.test

    1 entry could not be read and was left out.

    There are more: call again with `cursor`: `0:10:0`

    Next: `get_issue_details` with an issue's id shows its stack trace.
    ");
    let requests = sentry.requests().await;
    let request = requests.last().unwrap();
    for (name, value) in [
        ("dataset", "errors"),
        ("query", "level:error environment:prod"),
        ("sort", "-timestamp"),
        ("project", "2"),
        ("statsPeriod", "24h"),
        ("per_page", "10"),
    ] {
        assert_eq!(request.param(name), Some(value), "{name}");
    }
    assert_eq!(request.params("field").len(), 10);
}

#[tokio::test]
async fn spans_show_operation_duration_and_trace() {
    let out = found("spans", fixture!("discover/spans.json"), json!({})).await;
    insta::assert_snapshot!(rows(&out), @r"
    1. db · `SELECT * FROM cart` · 12.3 ms
       - id a1b2c3d4e5f60718, transaction /checkout, timestamp 2026-11-22T13:36:57+00:00, project api
       - trace [0123456789abcdef0123456789abcdef](https://sentry.example.test/organizations/acme/explore/traces/trace/0123456789abcdef0123456789abcdef/)
    2. (no title)
       - id b1, trace `not a trace`

    Next: `get_trace_details` with a trace's id shows what else ran in it.
    ");
}

#[tokio::test]
async fn logs_read_like_a_log() {
    let out = found("logs", fixture!("discover/logs.json"), json!({})).await;
    insta::assert_snapshot!(rows(&out), @r"
    1. 2026-11-22T13:36:57+00:00 [ERROR] `cart is empty`
       - project api
       - trace [0123456789abcdef0123456789abcdef](https://sentry.example.test/organizations/acme/explore/traces/trace/0123456789abcdef0123456789abcdef/)
       - sentry.item_id 019a
    2. (no title)

    Next: `get_trace_details` with a trace's id shows what else ran in it.
    ");
}

#[tokio::test]
async fn metrics_show_a_value_with_its_unit() {
    let out = found("metrics", fixture!("discover/metrics.json"), json!({})).await;
    insta::assert_snapshot!(rows(&out), @r"
    1. queue.time · distribution · 1.23 s
       - id m1, timestamp 2026-11-22T13:36:57+00:00, project api
       - trace [0123456789abcdef0123456789abcdef](https://sentry.example.test/organizations/acme/explore/traces/trace/0123456789abcdef0123456789abcdef/)
    2. jobs · counter · 3

    Next: `get_trace_details` with a trace's id shows what else ran in it.
    ");
}

#[tokio::test]
async fn profiles_lead_to_their_pages() {
    let out = found("profiles", fixture!("discover/profiles.json"), json!({})).await;
    insta::assert_snapshot!(rows(&out), @r"
    1. /checkout · 250.0 ms
       - project api, profile.id 0123456789abcdef0123456789abcdef, thread.id 1, timestamp 2026-11-22T13:36:57+00:00, release api@1.0, environment prod
       - on the web: https://sentry.example.test/organizations/acme/explore/profiling/profile/api/0123456789abcdef0123456789abcdef/flamegraph/
    2. (no title)
       - project api, profiler.id 0123456789abcdef0123456789abcdef, precise.start_ts 1700000000.5, precise.finish_ts 1700000001
       - on the web: https://sentry.example.test/organizations/acme/explore/profiling/profile/api/flamegraph/?profilerId=0123456789abcdef0123456789abcdef&start=2023-11-14T22%3A13%3A20.500&end=2023-11-14T22%3A13%3A21.000
    ");
}

#[tokio::test]
async fn replays_show_whose_session_it_was_and_what_went_wrong() {
    let sentry = FakeSentry::start().await.get(REPLAYS, fixture!("discover/replays.json")).await;
    let args = json!({ "dataset": "replays", "environment": "prod", "sort": "-count_errors" });
    insta::assert_snapshot!(search(&sentry, args).await, @r"
    # Events in `acme`: replays

    Executed: dataset `replays`, query (empty), sort `-count_errors`, period `14d`, environment `prod`, limit 10.
    On the web: https://sentry.example.test/organizations/acme/explore/replays/?query=&sort=-count_errors&environment=prod&statsPeriod=14d

    1. [fedcba9876543210fedcba9876543210](https://sentry.example.test/organizations/acme/explore/replays/fedcba9876543210fedcba9876543210/)
       - user user@example.test, started 2026-11-22T13:00:00+00:00, 9 min 36 s, archived
       - 2 errors, 1 rage clicks, 0 dead clicks
       - environment prod, browser `Firefox 120.0`, release web@1.0 (+1 more)
       - pages `https://shop.example.test/`, /cart (+1 more)
       - trace [0123456789abcdef0123456789abcdef](https://sentry.example.test/organizations/acme/explore/traces/trace/0123456789abcdef0123456789abcdef/)
    2. x/../y
       - user anonymous

    1 entry could not be read and was left out.
    ");
    let request = &sentry.requests().await[0];
    assert_eq!(request.param("environment"), Some("prod"));
    assert_eq!(request.param("query"), None);
}

#[tokio::test]
async fn sums_are_a_table_in_the_order_of_the_fields() {
    let sums = fixture!("discover/sums.json");
    let fields = json!(["span.op", "p95(span.duration)", "count()", "failure_rate()"]);
    let out = found("spans", sums, json!({ "fields": fields })).await;
    insta::assert_snapshot!(out, @r"
    # Events in `acme`: spans

    Executed: dataset `spans`, query (empty), fields `span.op` `p95(span.duration)` `count()` `failure_rate()`, sort `-p95(span.duration)`, period `14d`, limit 10.
    On the web: https://sentry.example.test/organizations/acme/explore/traces/?query=&mode=aggregate&aggregateField=%7B%22groupBy%22%3A%22span.op%22%7D&aggregateField=%7B%22yAxes%22%3A%5B%22p95%28span.duration%29%22%5D%7D&aggregateField=%7B%22yAxes%22%3A%5B%22count%28%29%22%5D%7D&aggregateField=%7B%22yAxes%22%3A%5B%22failure_rate%28%29%22%5D%7D&aggregateSort=-p95%28span.duration%29&table=span&statsPeriod=14d

    | span.op | p95(span.duration) | count() | failure_rate() |
    |---|---|---|---|
    | db | 2.50 s | 10 | 0.0123 |
    | `` a\|b `c` `` |  | 3 |  |
    ");
}

#[tokio::test]
async fn each_explorer_is_linked_with_its_own_parameters() {
    let table = [
        (
            json!({ "dataset": "errors", "fields": ["title", "count()"] }),
            "/explore/discover/homepage/?dataset=errors&queryDataset=error-events&query=&field=title&field=count%28%29&sort=-count%28%29&mode=aggregate&yAxis=count%28%29&statsPeriod=14d",
        ),
        (
            json!({ "dataset": "spans", "fields": ["id"], "sort": "id", "query": "a b" }),
            "/explore/traces/?query=a+b&field=id&sort=id&table=span&statsPeriod=14d",
        ),
        (
            json!({ "dataset": "spans", "query": "gen_ai.conversation.id:c-1 span.op:x" }),
            "/explore/conversations/c-1/",
        ),
        (
            json!({ "dataset": "logs", "fields": ["message"], "sort": "message" }),
            "/explore/logs/?project=-1&logsQuery=&mode=samples&logsFields=message&logsSortBys=message&statsPeriod=14d",
        ),
        (
            json!({ "dataset": "metrics", "fields": ["sum(value,jobs,counter,-)"] }),
            "/explore/metrics/?metric=%7B%22metric%22%3A%7B%22name%22%3A%22jobs%22%2C%22type%22%3A%22counter%22",
        ),
        (
            json!({ "dataset": "profiles", "start": "2026-01-01", "end": "2026-01-02" }),
            "/explore/profiling/?query=&start=2026-01-01T00%3A00%3A00&end=2026-01-02T00%3A00%3A00&utc=true",
        ),
    ];
    for (args, expected) in table {
        let sentry = FakeSentry::start().await.get(EVENTS, json!({ "data": [] })).await;
        let out = search(&sentry, args).await;
        let url = format!("On the web: https://sentry.example.test/organizations/acme{expected}");
        assert!(out.contains(&url), "{expected}\n{out}");
    }
}

#[tokio::test]
async fn sentrys_own_check_names_each_bad_item() {
    let verdict = json!({ "valid": false, "field": [
        { "name": "titel", "valid": false, "error": "unknown attribute" },
        { "name": "level", "valid": true },
    ], "query": { "valid": false, "error": "Invalid value 'x' for level" } });
    let sentry = FakeSentry::start().await.get(CHECK, verdict).await;
    let out = search(&sentry, json!({ "fields": ["titel", "level"], "query": "level:x" })).await;
    insta::assert_snapshot!(out, @r"
    error: invalid arguments:
    - `fields`: `titel` (Sentry says: unknown attribute); did you mean `title`?
    - `query`: (Sentry says: Invalid value 'x' for level)
    ```
    error: Sentry says: Invalid value 'x' for level
      level:x
            ^
    ```
    ");
    assert_eq!(sentry.requests().await.len(), 1);
}

#[tokio::test]
async fn a_check_that_cannot_be_made_changes_nothing() {
    for status in [403, 404, 500] {
        let sentry = FakeSentry::start().await.status("GET", CHECK, status, json!({})).await;
        let sentry = sentry.get(EVENTS, fixture!("discover/errors.json")).await;
        let out = search(&sentry, json!({})).await;
        assert!(out.contains("1. [API-1]"), "{status}: {out}");
    }
}

#[tokio::test]
async fn what_sentry_refuses_is_told_by_argument() {
    let fields = json!(["zzzz(x)", "level"]);
    let table = [
        (json!({ "fields": fields }), "zzzz is not a valid function", "`zzzz(x)` in `fields`"),
        (json!({ "fields": fields }), "zzzz is not a valid function", "functions are `count`, "),
        (json!({ "query": "levle:error" }), "Invalid key: levle", "  try: level:error\n"),
        (json!({ "query": "a:b" }), "Parse error", "`query` `a:b`: \"Parse error\""),
        (
            json!({ "cursor": "1:2:3" }),
            "Invalid cursor",
            "`cursor`: \"Invalid cursor\". Next: leave",
        ),
        (json!({ "sort": "-level" }), "Cannot sort by level", "`sort` `-level`"),
        (
            json!({ "dataset": "spans" }),
            "dataset must be one of: errors",
            "choose another `dataset`",
        ),
    ];
    for (args, detail, expected) in table {
        let refused = json!({ "detail": detail });
        let sentry = FakeSentry::start().await.status("GET", EVENTS, 400, refused).await;
        let out = search(&sentry, args).await;
        assert!(out.starts_with("error: Sentry did not accept") && out.contains(expected), "{out}");
    }
}

#[tokio::test]
async fn logs_are_asked_for_by_their_older_name_where_the_new_one_is_unknown() {
    let refused = json!({ "detail": "dataset must be one of: ourlogs, errors" });
    let sentry = FakeSentry::start()
        .await
        .get_query(EVENTS, &[("dataset", "ourlogs")], fixture!("discover/logs.json"))
        .await
        .status("GET", EVENTS, 400, refused)
        .await;
    let out = search(&sentry, json!({ "dataset": "logs" })).await;
    assert!(out.contains("[ERROR] `cart is empty`"), "{out}");
}

#[tokio::test]
async fn an_empty_result_says_what_to_try() {
    let out = found("errors", json!({ "data": [] }), json!({})).await;
    assert!(rows(&out).starts_with("Nothing matches. Next: try a longer `period`"), "{out}");
    let out = found("errors", json!({ "data": [] }), json!({ "cursor": "0:10:0" })).await;
    assert!(out.contains("cursor `0:10:0`.") && rows(&out) == "There is nothing more.", "{out}");
}

#[tokio::test]
async fn a_page_beyond_the_first_is_not_checked_again() {
    let sentry = FakeSentry::start().await.get(EVENTS, json!({ "data": [] })).await;
    search(&sentry, json!({ "cursor": "0:10:0" })).await;
    let paths: Vec<_> = sentry.requests().await.into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/0/organizations/acme/events/"]);
}

#[tokio::test]
async fn a_project_that_may_not_be_read_becomes_part_of_the_query() {
    let sentry = FakeSentry::start()
        .await
        .status("GET", PROJECT, 403, json!({ "detail": "no" }))
        .await
        .get(EVENTS, json!({ "data": [] }))
        .await;
    let out = search(&sentry, json!({ "projectSlug": "api", "query": "a OR b" })).await;
    assert!(out.contains("query `(a OR b) project:api`"), "{out}");
    assert!(out.contains("`project:api` was added to the query."), "{out}");
}

#[tokio::test]
async fn a_fenced_session_shows_rows_of_its_project_alone() {
    let body = json!({ "data": [
        { "title": "ours", "project": "api" },
        { "title": "theirs", "project": "web" },
        { "title": "whose" },
        { "title": "forged", "project": ["api"] },
    ] });
    for status in [200, 403] {
        let sentry = FakeSentry::start().await.status("GET", PROJECT, status, api()).await;
        let sentry = sentry.get(EVENTS, body.clone()).await;
        let out = fenced(&sentry, json!({ "fields": ["title"], "sort": "title" })).await;
        assert!(out.contains("ours") && out.contains("were left out"), "{out}");
        assert!(!out.contains("theirs") && !out.contains("whose"), "{out}");
        assert!(out.contains("`project` was added to the fields"), "{out}");
    }
    let sentry = FakeSentry::start().await;
    let out = fenced(&sentry, json!({ "projectSlug": "web" })).await;
    assert!(out.contains("limited to `api`"), "{out}");
}

#[tokio::test]
async fn a_fenced_session_shows_replays_of_its_project_alone() {
    let sentry = FakeSentry::start().await.get(PROJECT, api()).await;
    let sentry = sentry.get(REPLAYS, fixture!("discover/replays.json")).await;
    let out = fenced(&sentry, json!({ "dataset": "replays" })).await;
    assert!(out.contains("fedcba98") && !out.contains("x/../y"), "{out}");
    let sentry = FakeSentry::start().await.status("GET", PROJECT, 403, json!({})).await;
    let out = fenced(&sentry, json!({ "dataset": "replays" })).await;
    assert!(out.contains("names its project only by its id"), "{out}");
}

#[tokio::test]
async fn wrong_arguments_are_refused_before_anything_is_sent() {
    let sentry = FakeSentry::start().await;
    let table = [
        (json!({ "dataset": "error" }), "did you mean `errors`?"),
        (json!({ "limit": 0 }), "`limit`: 0 is out of range"),
        (json!({ "limit": 101 }), "`limit`: 101 is out of range"),
        (json!({ "period": "1h", "start": "2026-01-01", "end": "2026-01-02" }), "contradicts"),
        (json!({ "start": "2026-01-01" }), "`end`"),
        (json!({ "period": "1 day" }), "not a period"),
        (json!({ "fields": ["count("] }), "do not match"),
        (json!({ "fields": [""], "projectSlug": "api" }), "is empty"),
        (json!({ "fields": 7 }), "expected a list of strings"),
        (json!({ "dataset": "replays", "sort": "-title" }), "replays cannot be sorted by `title`"),
        (json!({ "query": "x".repeat(4_001) }), "too long"),
        (json!({ "fields": ["cuont(x)"] }), "did you mean `count(x)`?"),
        (json!({ "query": "a:(", "projectSlug": "api" }), "so Sentry was not asked"),
        (json!({ "maxTokens": 1 }), "maxTokens"),
    ];
    for (args, expected) in table {
        let out = search(&sentry, args.clone()).await;
        assert!(out.starts_with("error: ") && out.contains(expected), "{args}: {out}");
    }
    assert!(sentry.requests().await.is_empty());
}

#[tokio::test]
async fn lists_may_come_as_one_text() {
    let sentry = FakeSentry::start().await.get(EVENTS, json!({ "data": null })).await;
    let args = json!({ "fields": "[\"title\", \"timestamp\"]", "environment": "a b" });
    let out = search(&sentry, args).await;
    assert!(
        out.contains(r#"query `environment:"a b"`, fields `title` `timestamp`, sort"#),
        "{out}"
    );
}

#[tokio::test]
async fn a_long_answer_drops_rows_and_says_so() {
    let row = json!({ "title": "word ".repeat(40), "timestamp": "2026-11-22T13:36:57Z" });
    let body = json!({ "data": vec![row; 50] });
    let out = found("errors", body, json!({ "maxTokens": 1000, "limit": 50 })).await;
    assert!(out.contains("entries left out") && out.contains("raise `maxTokens`"), "{out}");
    assert!(out.contains("Executed: dataset `errors`"), "{out}");
}
