//! What a trace can look like, and what it costs to read one.

use std::fmt::Write as _;

use super::{Trace, TraceBody, TraceTotals, arena};

fn read(body: &str) -> Trace<'_> {
    arena::read(body).unwrap()
}

fn ids(trace: &Trace<'_>) -> Vec<(String, Option<usize>)> {
    let id = |span: &super::Span<'_>| span.id().map_or("none".to_owned(), |id| id.expose().into());
    trace.spans.iter().map(|span| (id(span), span.parent)).collect()
}

#[test]
fn spans_stand_after_their_parents_and_problems_know_their_span() {
    let body = r#" [
        {"event_id": "a", "children": [
            {"event_id": "b", "duration": 5, "children": [], "errors": [{"event_id": "e1", "issue_id": 3}]},
            {"event_id": "e2", "event_type": "error", "issue_id": 4},
            {"event_id": "c", "event_type": "span", "occurrences": [{"event_type": "occurrence"}, 7]}
        ], "op": "http.server", "duration": 1.5},
        {"event_id": "e3", "issue_id": 9, "title": "lost", "level": "error"},
        {"event_id": "what is this"}, null, "text",
        {"event_id": "d", "start_timestamp": 1.0, "end_timestamp": 1.25, "is_transaction": true}
    ] "#;
    let trace = read(body);
    let expected = [("a", None), ("b", Some(0)), ("c", Some(0)), ("d", None)];
    assert_eq!(ids(&trace), expected.map(|(id, parent)| (id.to_owned(), parent)));
    let spans: Vec<_> = trace.problems.iter().map(|problem| problem.span).collect();
    assert_eq!(spans, [Some(1), Some(0), Some(2), None]);
    assert_eq!(trace.skipped, 4);
    assert_eq!(trace.spans[3].duration, Some(250.0));
    assert_eq!(trace.spans[0].operation(), "http.server");
    assert!(trace.problems[2].is_occurrence());
}

#[test]
fn any_value_in_any_field_costs_no_span() {
    for value in
        ["null", "7", "true", r#""""#, r#""\u00e4""#, "[]", "[[1], {}]", "{}", r#"{"a": [1]}"#]
    {
        for field in [
            "event_id",
            "op",
            "name",
            "description",
            "transaction",
            "duration",
            "errors",
            "tags",
            "children",
            "occurrences",
            "start_timestamp",
            "project_slug",
            "is_transaction",
            "data",
            "additional_attributes",
            "measurements",
            "parent_span_id",
            "status",
            "exclusive_time",
        ] {
            let body = format!(r#"[{{"event_type": "span", "{field}": {value}}}]"#);
            let trace = read(&body);
            let span = &trace.spans[0];
            let texts =
                [span.id(), span.op(), span.name(), span.status(), span.attributes().get("a")];
            assert!(texts.iter().flatten().all(|text| !text.is_blank()), "{body}");
            assert!(span.parts().all(|(_, part)| part.lines().len() <= 2), "{body}");
            assert!(span.exclusive_time().is_none_or(f64::is_finite), "{body}");
        }
    }
}

#[test]
fn attributes_come_before_data_and_tags() {
    let body = r#"[{"duration": 1, "tags": {"a": "tag", "b": 2}, "data": {"a": "data", "c": null, "x.a": 1},
        "additional_attributes": {"a": "", "c": {"a": "nested"}}},
        {"duration": 1, "tags": [{"key": "k", "value": "v"}, 5, {"key": "l"}]}]"#;
    let trace = read(body);
    let get = |span: usize, name: &str| {
        trace.spans[span].attributes().get(name).map(|value| value.expose().to_owned())
    };
    assert_eq!(get(0, "a").as_deref(), Some("data"));
    assert_eq!(get(0, "b").as_deref(), Some("2"));
    assert_eq!(get(0, "c"), None);
    assert_eq!(get(1, "k").as_deref(), Some("v"));
    assert_eq!(get(1, "l"), None);
}

#[test]
fn the_likeness_ignores_numbers_and_nothing_else() {
    let body = r#"[{"op": "db", "description": "SELECT 1", "duration": 1},
        {"op": "db", "description": "SELECT 23", "duration": 2}, {"op": "db", "description": "SELECT x", "duration": 1},
        {"op": "dbSELECT 1", "duration": 1}]"#;
    let trace = read(body);
    let likeness: Vec<u64> = trace.spans.iter().map(super::Span::likeness).collect();
    assert_eq!(likeness[0], likeness[1]);
    assert!(likeness[0] != likeness[2] && likeness[0] != likeness[3]);
}

#[test]
fn broken_bodies_are_told_and_never_panic() {
    let whole = r#"[{"event_id": "a\"", "children": [{"duration": 1, "errors": [{"x": 1}]}]}]"#;
    for end in 0..whole.len() {
        assert!(arena::read(&whole[..end]).is_none(), "{}", &whole[..end]);
    }
    for (json, told) in [
        ("{}", "expected a list, found an object"),
        ("[{]", "no valid JSON"),
        ("<html>", "instead of JSON"),
        ("[1] 2", "no valid JSON"),
    ] {
        let body = TraceBody { json: json.into(), request: "GET /x/".into(), host: "h".into() };
        let error = body.read().unwrap_err();
        assert!(error.kind().to_string().contains(told), "{json}: {}", error.kind());
    }
}

#[test]
fn a_depth_of_a_hundred_thousand_is_read_in_linear_time() {
    let depth = 100_000;
    let mut body = String::new();
    for at in 0..depth {
        let _ = write!(body, r#"[{{"event_id": "{at:016x}", "duration": 1, "children": "#);
    }
    body.push_str("[]");
    body.push_str(&"}]".repeat(depth));
    let trace = read(&body);
    assert_eq!(trace.spans.len(), depth);
    assert_eq!(trace.spans[depth - 1].depth, depth - 1);
    assert_eq!(trace.spans[depth - 1].parent, Some(depth - 2));
}

#[test]
fn totals_are_read_in_both_spellings() {
    let read = |json: &str| serde_json::from_str::<TraceTotals>(json).unwrap();
    let totals = TraceTotals { spans: 195, errors: 2, performance_issues: 1, logs: 5 };
    assert_eq!(
        read(
            r#"{"spansCount": 195.0, "errorsCount": 2, "performanceIssuesCount": "1", "logsCount": 5, "spansCountMap": {}}"#
        ),
        totals
    );
    assert_eq!(
        read(r#"{"span_count": 195, "errors": 2, "performance_issues": 1, "logs": 5}"#),
        totals
    );
    assert_eq!(
        read(
            r#"{"span_count": 3, "spansCount": 195, "errors": null, "errorsCount": 2, "performance_issues": 1, "logs": 5}"#
        ),
        totals
    );
    assert_eq!(read(r#"{"performance_issues": null, "logs": {}}"#), TraceTotals::default());
}
