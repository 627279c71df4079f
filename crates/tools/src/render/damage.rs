//! A test of its own: an issue and events of all kinds with each of their fields damaged in
//! turn. It looks for nothing but that there is still an answer, and data that fit their schema.

use jiff::Timestamp;
use serde_json::{Value, json};
use test_support::{fixture, read_fixture};

use super::{event, issue_facts};
use crate::{
    answer::Reply,
    damage::{damaged, pointers},
    issue_details::page::{Depth, Page},
    testing,
};

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
fn every_field_of_an_issue_and_an_event_may_be_absent_or_null_or_of_another_type() {
    let catalog = testing::catalog("http://127.0.0.1:9");
    let data = testing::Data::of(&catalog, "get_issue_details");
    let answer = |depth: Depth, issue: &Value, event: &Value| {
        let mut page = Page::new(depth, &[]).unwrap().with_data();
        let issue = serde_json::from_str(&issue.to_string()).unwrap();
        issue_facts::facts(&mut page, &issue, "https://acme.sentry.io/", Timestamp::UNIX_EPOCH);
        let event = event.to_string();
        event::event(&mut page, &serde_json::from_str(&event).unwrap(), Timestamp::UNIX_EPOCH);
        let (answer, told) = page.finish("get_issue_details", None);
        let answer = Reply::new(answer, told).into_answer().limited(usize::MAX).fitted(usize::MAX);
        data.check(&answer);
        answer.into_string()
    };
    let issue = fixture!("events/issue.json");
    // Without an id there is no issue: everything else leads to it.
    for pointer in pointers(&issue).iter().filter(|pointer| *pointer != "/id") {
        for (kind, issue) in damaged(&issue, pointer) {
            let out = answer(Depth::Normal, &issue, &json!({ "type": "error" }));
            assert!(out.starts_with("\n- Title: `"), "{pointer} {kind}: {out}");
        }
    }
    for name in EVENTS {
        let event = read_fixture(name);
        for pointer in pointers(&event) {
            for (kind, event) in damaged(&event, &pointer) {
                let depth = if kind == "null" { Depth::Brief } else { Depth::Normal };
                let out = answer(depth, &issue, &event);
                let place = format!("{name} {pointer} {kind}");
                assert!(out.contains("\n## Event\n\n- "), "{place}: {out}");
            }
        }
    }
}
