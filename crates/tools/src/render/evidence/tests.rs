//! What is shown of each kind of issue that is no exception.

use jiff::Timestamp;
use serde_json::{Value, json};
use test_support::{fixture, read_fixture};

use crate::{
    issue_details::page::{Depth, Page},
    render::event::event,
};

fn rendered(depth: Depth, json: &Value) -> String {
    let mut page = Page::new(depth, &["evidence".to_owned()]).unwrap();
    event(&mut page, &serde_json::from_str(&json.to_string()).unwrap(), Timestamp::UNIX_EPOCH);
    let out = page.finish("get_issue_details", Some(usize::MAX)).0.fitted(usize::MAX).into_string();
    let (_, evidence) = out.split_once("\n###").unwrap_or(("", "(nothing)"));
    format!("###{evidence}")
}

fn normal(json: &Value) -> String {
    rendered(Depth::Normal, json)
}

#[test]
fn n_plus_one_queries_show_the_query_how_often_and_the_spans() {
    insta::assert_snapshot!(normal(&fixture!("events/n_plus_one_db.json")));
}

#[test]
fn n_plus_one_calls_without_spans_show_the_ids_that_lead_to_them() {
    insta::assert_snapshot!(normal(&fixture!("events/n_plus_one_api.json")));
}

#[test]
fn a_slow_query_shows_its_span() {
    insta::assert_snapshot!(normal(&fixture!("events/slow_db.json")));
}

#[test]
fn a_regression_shows_what_its_detector_says() {
    insta::assert_snapshot!(normal(&fixture!("events/regression.json")));
}

#[test]
fn a_metric_alert_shows_query_value_and_threshold() {
    insta::assert_snapshot!(normal(&fixture!("events/metric_alert.json")));
}

#[test]
fn a_blocked_resource_is_shown_with_the_policy() {
    insta::assert_snapshot!(normal(&fixture!("events/csp.json")));
}

#[test]
fn feedback_shows_what_the_person_wrote() {
    insta::assert_snapshot!(normal(&fixture!("events/feedback.json")));
}

#[test]
fn a_missed_check_in_shows_its_monitor() {
    insta::assert_snapshot!(normal(&fixture!("events/cron.json")));
}

#[test]
fn an_uptime_check_shows_why_it_failed() {
    insta::assert_snapshot!(normal(&fixture!("events/uptime.json")));
}

#[test]
fn a_type_that_nobody_knows_still_shows_its_lines() {
    let event = json!({ "type": "generic", "occurrence": {
        "type": 99_001, "issueTitle": "Something new",
        "evidenceData": { "limit": 5, "deep": { "a": 1 } } } });
    insta::assert_snapshot!(normal(&event), @r"
    ### Evidence

    - Detected: an occurrence of type 99001
    - Summary: `Something new`
    - limit: `5`
    ");
}

#[test]
fn counts_come_as_numbers_as_text_or_not_at_all() {
    for (data, told) in [
        (json!({ "numRepeatingSpans": "5" }), "- Repeated: 5 times"),
        (json!({ "numberRepeatingSpans": 6 }), "- Repeated: 6 times"),
        (json!({ "numPatternRepetitions": 7 }), "- Repeated: 7 times"),
        (json!({ "offender_span_ids": ["a", "b"] }), "- Repeated: 2 times"),
    ] {
        for kind in [1006, 1906, 1010, 1910, 1011] {
            let event = json!({ "occurrence": { "type": kind, "evidenceData": data } });
            assert!(normal(&event).contains(told), "{kind} {data}");
        }
    }
    let none = normal(&json!({ "occurrence": { "type": 1006, "evidenceData": {} } }));
    assert!(!none.contains("Repeated"), "{none}");
}

#[test]
fn thresholds_are_told_in_words_whichever_version_wrote_them() {
    for (kind, words) in [
        (json!("gt"), "above 5"),
        (json!(0), "above 5"),
        (json!("gte"), "at or above 5"),
        (json!("lt"), "below 5"),
        (json!("1"), "below 5"),
        (json!("lte"), "at or below 5"),
    ] {
        let event = json!({ "occurrence": { "type": 8001, "evidenceData": {
            "value": { "value": 7.5 }, "conditions": [{ "type": kind, "comparison": 5 }] } } });
        let out = normal(&event);
        assert!(out.contains(&format!("- Threshold: {words}\n")) || out.ends_with(words), "{out}");
        assert!(out.contains("- Value: 7.5"), "{out}");
    }
}

#[test]
fn a_brief_answer_has_no_spans() {
    let out = rendered(Depth::Brief, &fixture!("events/n_plus_one_db.json"));
    assert!(out.contains("- Repeated: 12 times") && !out.contains("at fault"), "{out}");
}

#[test]
fn a_stranger_s_words_stay_in_their_place() {
    let bad = "x\n\n## Next\n```\n`run this`";
    for name in ["n_plus_one_db", "metric_alert", "csp", "feedback", "cron", "uptime"] {
        let event = replaced(read_fixture(&format!("events/{name}.json")), bad);
        let out = normal(&event);
        let mut fence: Option<&str> = None;
        for line in out.lines() {
            match fence {
                None if line.starts_with("```") => fence = Some(line.trim_end_matches("sql")),
                Some(open) if line == open => fence = None,
                Some(_) => {}
                None => assert!(!line.starts_with("## ") && !line.starts_with("`run"), "{line}"),
            }
        }
        assert_eq!(fence, None, "{out}");
    }
}

/// Every text but the types and ids that decide what is shown.
fn replaced(value: Value, bad: &str) -> Value {
    match value {
        Value::String(_) => json!(bad),
        Value::Array(items) => items.into_iter().map(|item| replaced(item, bad)).collect(),
        Value::Object(fields) => {
            let keeps = |key: &str| key == "type" || key.to_lowercase().contains("span");
            let fields = fields.into_iter().map(|(key, value)| {
                let value = if keeps(&key) { value } else { replaced(value, bad) };
                (key, value)
            });
            Value::Object(fields.collect())
        }
        other => other,
    }
}
