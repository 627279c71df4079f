//! The largest bodies, in both forms: neither the text nor the data of an answer costs more than
//! its budget, and what is left out of one is left out of the other. What is in an answer, the
//! tests of its tool look at.

use std::fmt::Write as _;

use serde_json::{Value, json};
use test_support::FakeSentry;
use wiremock::{Mock, ResponseTemplate, matchers::any};

use crate::{
    answer::{DEFAULT_BUDGET, NOTICE_FIELD, estimate},
    registry::{Call, ToolRegistry as _},
    testing::{catalog_within, everything},
};

const EVENT: &str = "7ca573c0f4814912aaa9bdc77d1a7d51";
const ISSUE: &str = "organizations/acme/issues/SHOP-1A/";
const TRACE: &str = "c8f36cbe6bc84e6da90eb296091f6c12";

/// What of an answer is counted: in the text, and in the data.
type Count = fn(&str, &Value) -> (usize, usize);

/// Calls a tool with several budgets, and holds both forms to each of them. With the smallest
/// something must have been left out.
async fn fits(sentry: &FakeSentry, tool: &str, args: Value, count: Count) {
    let mut shortened = 0;
    for budget in [1_500, DEFAULT_BUDGET, 40_000] {
        let (text, data) = forms(sentry, tool, &args, budget).await;
        let json = data.to_string();
        let (text_cost, data_cost) = (estimate(&text), estimate(&json));
        assert!(text_cost <= budget, "{tool}: {text_cost} of {budget} tokens of text: {text}");
        assert!(data_cost <= budget, "{tool}: {data_cost} of {budget} tokens of data: {json}");
        let (of_text, of_data) = count(&text, &data);
        assert_eq!(of_text, of_data, "{tool} at {budget}: {text}\n{data:#}");
        let notice = data[NOTICE_FIELD].as_str();
        shortened += usize::from(notice.is_some());
        assert!(text.ends_with(notice.unwrap_or_default()), "{tool} at {budget}: {text}");
        assert_eq!(text.contains("\n---\nShortened"), notice.is_some(), "{tool}: {text}");
    }
    assert!(shortened > 0, "{tool}: nothing was left out");
}

/// The text and the data of an answer, fitted to a budget.
async fn forms(sentry: &FakeSentry, tool: &str, args: &Value, budget: usize) -> (String, Value) {
    let mut args = args.as_object().cloned().unwrap_or_default();
    if tool != "get_doc" {
        args.insert("organizationSlug".to_owned(), json!("acme"));
    }
    let catalog = catalog_within(budget, &sentry.uri());
    let (client, grant) = (sentry.client().for_call(), everything());
    let call = Call { sentry: &client, grant: &grant, name: tool, args, progress: &() };
    let answer = catalog.call(call).await.unwrap_or_else(|err| panic!("{tool}: {err}"));
    let data = answer.structured().cloned().unwrap();
    (answer.into_string(), data)
}

/// How many values a list in the data has.
fn length(data: &Value, pointer: &str) -> usize {
    data.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
}

/// How many lines begin so.
fn lines(text: &str, start: &str) -> usize {
    text.lines().filter(|line| line.starts_with(start)).count()
}

async fn with_event(event: Value) -> FakeSentry {
    let issue =
        json!({ "id": "42", "shortId": "SHOP-1A", "title": "E", "project": { "slug": "shop" } });
    let sentry = FakeSentry::start().await.get(ISSUE, issue).await;
    sentry.get(&format!("{ISSUE}events/latest/"), event).await
}

#[tokio::test]
async fn six_thousand_frames() {
    let frames: Vec<Value> = (0..6_000)
        .map(|at| {
            json!({ "filename": format!("src/module_{at}.py"), "function": format!("call_{at}"),
                "module": "shop", "lineNo": at, "inApp": at % 50 == 0,
                "context": [[at, format!("    total = compute(order, \"{at}\")")]] })
        })
        .collect();
    let event = json!({ "eventID": EVENT, "type": "error", "platform": "python", "entries": [
        { "type": "exception", "data": { "values": [
            { "type": "E", "value": "v", "stacktrace": { "frames": frames } }] } }] });
    let sentry = with_event(event).await;
    for detail in ["normal", "full"] {
        let args = json!({ "issueId": "SHOP-1A", "detail": detail });
        fits(&sentry, "get_issue_details", args, |text, data| {
            let stack = text.split("**Stack**").nth(1).unwrap_or_default();
            (lines(stack, "File \""), length(data, "/exceptions/0/stack/frames"))
        })
        .await;
    }
}

#[tokio::test]
async fn frames_of_minified_code() {
    let line = "const total=sum of items;".repeat(8_000);
    let frame = |at: usize| {
        json!({ "filename": format!("{at}/{line}"), "function": line, "lineNo": 1, "inApp": true,
            "context": [[1, line]], "vars": { "x": line } })
    };
    let frames: Vec<Value> = (0..5).map(frame).collect();
    let event = json!({ "eventID": EVENT, "type": "error", "platform": "javascript", "title": line,
        "entries": [{ "type": "exception", "data": { "values": [
            { "type": line, "value": line, "stacktrace": { "frames": frames } }] } }] });
    let sentry = with_event(event).await;
    let args = json!({ "issueId": "SHOP-1A" });
    let (text, data) = forms(&sentry, "get_issue_details", &args, DEFAULT_BUDGET).await;
    assert!(estimate(&text) <= DEFAULT_BUDGET && estimate(&data.to_string()) <= DEFAULT_BUDGET);
    assert!(text.contains("**Stack**"), "{text}");
    assert_eq!(length(&data, "/exceptions/0/stack/frames"), 5);
}

#[tokio::test]
async fn an_event_of_five_megabytes() {
    let long = "a \"quoted\" word\\path\n".repeat(2_500);
    let extra: Value = (0..50).map(|at| (format!("extra_{at}"), json!(long))).collect();
    let tags: Vec<Value> =
        (0..2_000).map(|at| json!({ "key": format!("tag_{at}"), "value": long[..200] })).collect();
    let crumbs: Vec<Value> = (0..3_000)
        .map(|at| json!({ "category": "http", "message": format!("{at} {}", &long[..400]) }))
        .collect();
    let event = json!({ "eventID": EVENT, "type": "default", "message": long, "context": extra,
        "tags": tags, "contexts": { "state": extra },
        "entries": [{ "type": "breadcrumbs", "data": { "values": crumbs } }] });
    assert!(event.to_string().len() > 5_000_000);
    let sentry = with_event(event).await;
    for detail in ["normal", "full"] {
        let args = json!({ "issueId": "SHOP-1A", "detail": detail });
        fits(&sentry, "get_issue_details", args, |text, data| {
            let listed = length(data, "/tags") + length(data, "/breadcrumbs");
            (lines(text, "tag_") + lines(text, "http  "), without_counts(data, listed))
        })
        .await;
    }
}

/// Lists begin or end with a line that counts what they do not show.
fn without_counts(data: &Value, listed: usize) -> usize {
    let is_count = |line: &Value| line["untrusted"].as_str().unwrap_or_default().starts_with('…');
    let lists = ["/tags", "/breadcrumbs"].map(|list| data.pointer(list).and_then(Value::as_array));
    listed - lists.into_iter().flatten().flatten().filter(|line| is_count(line)).count()
}

#[tokio::test]
async fn a_trace_of_five_thousand_spans() {
    let span = |at: usize| {
        json!({ "event_id": format!("{at:016x}"), "event_type": "span", "op": format!("op.{at}"),
            "name": format!("work on part {at}"), "duration": at, "project_slug": "shop",
            "children": [{ "event_id": format!("{:016x}", at + 10_000), "duration": 1,
                "name": format!("inner work {at}"), "children": [] }] })
    };
    let trace: Vec<Value> = (0..2_500).map(span).collect();
    let meta = json!({ "spansCount": 5_000, "errorsCount": 0 });
    let sentry = FakeSentry::start()
        .await
        .get(&format!("organizations/acme/trace-meta/{TRACE}/"), meta)
        .await
        .get(&format!("organizations/acme/trace/{TRACE}/"), json!(trace))
        .await;
    for args in [json!({}), json!({ "spanId": format!("{:016x}", 2_400) })] {
        let mut args = args;
        args["traceId"] = json!(TRACE);
        let (_, data) = forms(&sentry, "get_trace_details", &args, 40_000).await;
        assert!(data.get("tree").is_some(), "{data}");
    }
    // A smaller budget gets a smaller tree, and not none.
    for (budget, fewest) in [(1_000, 3), (2_000, 8), (DEFAULT_BUDGET, 20)] {
        let args = json!({ "traceId": TRACE });
        let (_, data) = forms(&sentry, "get_trace_details", &args, budget).await;
        assert!(length(&data, "/tree") >= fewest, "{budget}: {data:#}");
    }
    fits(&sentry, "get_trace_details", json!({ "traceId": TRACE }), |text, data| {
        let branches = text.lines().filter(|line| line.contains("├─ ") || line.contains("└─ "));
        (branches.count(), length(data, "/tree"))
    })
    .await;
}

#[tokio::test]
async fn a_hundred_rows_of_twenty_columns() {
    let fields: Vec<String> = (0..20).map(|at| format!("tags[column_{at}]")).collect();
    let row = |number: usize| -> Value {
        let cell = |(at, name): (usize, &String)| {
            (name.clone(), json!(format!("{number}.{at} \"text\" of a cell")))
        };
        fields.iter().enumerate().map(cell).collect()
    };
    let rows: Vec<Value> = (0..100).map(row).collect();
    let sentry =
        FakeSentry::start().await.get("organizations/acme/events/", json!({ "data": rows })).await;
    let args = json!({ "dataset": "errors", "fields": fields, "sort": fields[0], "limit": 100 });
    fits(&sentry, "search_events", args, |text, data| {
        let is_entry = |line: &&str| {
            line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
        };
        (text.lines().filter(is_entry).count(), length(data, "/rows"))
    })
    .await;
}

#[tokio::test]
async fn a_hundred_issues() {
    let issue = |at: usize| {
        json!({ "id": at.to_string(), "shortId": format!("SHOP-{at}"), "status": "unresolved",
            "title": format!("KeyError: 'sku {at}' is \"not\" in the catalog of this shop"),
            "culprit": "shop.views in checkout", "level": "error", "count": "17", "userCount": 4,
            "firstSeen": "2025-02-01T08:00:00Z", "lastSeen": "2025-03-02T10:15:00Z",
            "project": { "id": "2", "slug": "shop" } })
    };
    let issues: Vec<Value> = (0..100).map(issue).collect();
    let sentry = FakeSentry::start().await.get("organizations/acme/issues/", json!(issues)).await;
    fits(&sentry, "search_issues", json!({ "limit": 100 }), |text, data| {
        let entries = text.lines().filter(|line| line.contains(". [SHOP-"));
        (entries.count(), length(data, "/items").max(length(data, "/issues/items")))
    })
    .await;
}

#[tokio::test]
async fn a_page_of_forty_thousand_characters_goes_on_elsewhere() {
    let page = "Some words about `init()` and \"quotes\".\n\n```py\nx = 1\n```\n".repeat(800);
    assert!(page.len() > 40_000);
    let answer = ResponseTemplate::new(200).set_body_raw(page.clone(), "text/markdown");
    let sentry = FakeSentry::start().await.mount(Mock::given(any()).respond_with(answer)).await;
    for budget in [1_500, DEFAULT_BUDGET] {
        let args = json!({ "path": "/platforms/python.md" });
        let (text, data) = forms(&sentry, "get_doc", &args, budget).await;
        assert!(estimate(&text) <= budget && estimate(&data.to_string()) <= budget, "{data}");
        let next = data["nextOffset"].as_u64().unwrap();
        assert!(text.ends_with(&format!("call again with `offset`: {next}")), "{text}");
    }
}

#[tokio::test]
async fn a_file_of_a_megabyte_and_a_long_analysis() {
    let mut log = String::new();
    for at in 0..20_000 {
        let _ = writeln!(log, "2026-01-01 line {at} \"quoted\" C:\\path\\{at}");
    }
    let files = format!("projects/acme/shop/events/{EVENT}/attachments/");
    let content = ResponseTemplate::new(200).set_body_raw(log, "text/plain");
    let one =
        Mock::given(wiremock::matchers::path(format!("/api/0/{files}7/"))).respond_with(content);
    let list = json!([{ "id": "7", "name": "app.log", "mimetype": "text/plain" }]);
    let sentry = FakeSentry::start().await.get(&files, list).await.mount(one).await;
    let args = json!({ "projectSlug": "shop", "eventId": EVENT, "attachmentId": "7" });
    let words = "Because \"it\" fails.\n".repeat(500);
    let whys: Vec<&str> = (0..10).map(|_| words.as_str()).collect();
    let found = json!({ "autofix": { "run_id": 1, "status": "COMPLETED", "blocks": [{ "artifacts": [
        { "key": "root_cause", "data": { "one_line_description": words, "five_whys": whys } }] }] } });
    let seer = with_event(json!({})).await.get(&format!("{ISSUE}autofix/"), found).await;
    for budget in [1_500, DEFAULT_BUDGET] {
        let (text, data) = forms(&sentry, "get_event_attachment", &args, budget).await;
        assert!(estimate(&text) <= budget, "{} of {budget}: {text}", estimate(&text));
        let cost = estimate(&data.to_string());
        assert!(cost <= budget, "{cost} of {budget}: {data}");
        let by_id = json!({ "issueId": "SHOP-1A" });
        let (text, data) = forms(&seer, "analyze_issue_with_seer", &by_id, budget).await;
        assert!(estimate(&text) <= budget, "{} of {budget}: {text}", estimate(&text));
        let cost = estimate(&data.to_string());
        assert!(cost <= budget, "{cost} of {budget}: {data}");
    }
}
