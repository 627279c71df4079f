//! A test of its own: an issue and an event with each of their fields damaged in turn. It
//! looks for nothing but that there is still an answer.

use jiff::Timestamp;
use serde_json::{Value, json};
use test_support::{fixture, read_fixture};

use super::{event, issue_facts};
use crate::issue_details::page::{Depth, Page};

/// One of each kind.
const EVENTS: [&str; 12] = [
    "events/python_chain.json",
    "events/threads_only.json",
    "events/default.json",
    "events/transaction.json",
    "events/n_plus_one_db.json",
    "events/n_plus_one_api.json",
    "events/regression.json",
    "events/metric_alert.json",
    "events/csp.json",
    "events/feedback.json",
    "events/cron.json",
    "events/uptime.json",
];

#[test]
fn every_field_may_be_absent_or_null_or_of_another_type() {
    let answer = |depth: Depth, issue: &Value, event: &Value| {
        let mut page = Page::new(depth, &[]).unwrap();
        let issue = serde_json::from_str(&issue.to_string()).unwrap();
        issue_facts::facts(&mut page, &issue, "https://acme.sentry.io/", Timestamp::UNIX_EPOCH);
        let event = event.to_string();
        event::event(&mut page, &serde_json::from_str(&event).unwrap(), Timestamp::UNIX_EPOCH);
        page.finish("get_issue_details", Some(usize::MAX)).fitted(usize::MAX).into_string()
    };
    let issue = fixture!("events/issue.json");
    for wrong in [None, Some(json!(null)), Some(json!([[{}]])), Some(json!({ "a": [] }))] {
        // Without an id there is no issue: everything else leads to it.
        for pointer in pointers(&issue).iter().filter(|pointer| *pointer != "/id") {
            let event = json!({ "type": "error" });
            let out = answer(Depth::Normal, &with(&issue, pointer, wrong.as_ref()), &event);
            assert!(out.starts_with("\n- Title: `"), "{pointer}: {out}");
        }
        for name in EVENTS {
            let event = read_fixture(name);
            for pointer in pointers(&event) {
                let damaged = with(&event, &pointer, wrong.as_ref());
                for depth in [Depth::Normal, Depth::Brief] {
                    let out = answer(depth, &issue, &damaged);
                    assert!(out.contains("\n## Event\n\n- "), "{name} {pointer}: {out}");
                }
            }
        }
    }
}

/// The JSON pointer of every value inside.
fn pointers(value: &Value) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (key, value) in inside {
        let key = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        all.extend(pointers(value).into_iter().map(|rest| format!("{key}{rest}")));
        all.push(key);
    }
    all
}

/// The same value with one value inside replaced, or removed.
fn with(value: &Value, pointer: &str, replacement: Option<&Value>) -> Value {
    let mut value = value.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    if let Some(new) = replacement {
        *value.pointer_mut(pointer).unwrap() = new.clone();
        return value;
    }
    match value.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.shift_remove(key)),
        Value::Array(items) => drop(items.remove(key.parse().unwrap())),
        _ => unreachable!("only objects and lists have values inside"),
    }
    value
}
