//! Traces of every size.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::simulation;
use crate::{
    BIG_TRACE, DEEP_TRACE, FAILING_TRACE, HUGE_TRACE, N_PLUS_ONE_DB_ISSUE, STUBBORN_TRACE,
    Simulation, TRACE,
};

async fn trace(simulation: &Simulation, id: &str, query: &str) -> Vec<Value> {
    let path = format!("organizations/aurora-labs/trace/{id}/?{query}");
    let answer = simulation.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json().as_array().expect("a list").clone()
}

async fn meta(simulation: &Simulation, id: &str) -> Value {
    simulation
        .get(&format!("organizations/aurora-labs/trace-meta/{id}/?statsPeriod=14d"))
        .await
        .json()
}

/// Spans and errors below and beside each other.
fn count(nodes: &[Value]) -> (usize, usize) {
    nodes.iter().fold((0, 0), |(spans, errors), node| {
        let Some(children) = node["children"].as_array() else { return (spans, errors + 1) };
        let own = node["errors"].as_array().map_or(0, Vec::len);
        let (below, failed) = count(children);
        (spans + 1 + below, errors + own + failed)
    })
}

#[tokio::test]
async fn the_ordinary_trace_holds_the_newest_event_of_the_first_issue() {
    let simulation = simulation().await;
    let event = "organizations/aurora-labs/issues/CHECKOUT-API-1/events/latest/";
    let event = simulation.get(event).await.json();
    assert_eq!(event["contexts"]["trace"]["trace_id"], TRACE);
    assert_eq!(event["id"], crate::EVENT_WITH_ATTACHMENTS);
    let nodes = trace(&simulation, TRACE, "limit=10000&project=-1&statsPeriod=14d").await;
    assert_eq!((nodes.len(), count(&nodes)), (1, (41, 1)));
    let text = json!(nodes).to_string();
    assert!(text.contains(event["id"].as_str().expect("an id")));
    assert!(text.contains(event["contexts"]["trace"]["span_id"].as_str().expect("an id")));
    let meta = meta(&simulation, TRACE).await;
    assert_eq!((&meta["spansCount"], &meta["errorsCount"]), (&json!(41), &json!(1)));
    assert_eq!(meta["spansCountMap"]["http.server"], 2);
}

#[tokio::test]
async fn the_failing_trace_mixes_spans_errors_and_nulls() {
    let simulation = simulation().await;
    let nodes = trace(&simulation, FAILING_TRACE, "").await;
    assert_eq!((nodes.len(), count(&nodes)), (2, (19, 3)));
    let orphan = &nodes[1];
    assert_eq!((&orphan["event_type"], &orphan["children"]), (&json!("error"), &Value::Null));
    let meta = meta(&simulation, FAILING_TRACE).await;
    assert_eq!((&meta["span_count"], &meta["logs"]), (&json!(19), &Value::Null));
}

#[tokio::test]
async fn a_limit_is_honored_and_the_most_is_ten_thousand() {
    let simulation = simulation().await;
    for (id, query, spans) in [
        (TRACE, "limit=5", 5),
        (BIG_TRACE, "", 5000),
        (BIG_TRACE, "limit=100", 100),
        (HUGE_TRACE, "limit=1000", 1000),
        (HUGE_TRACE, "limit=99999", 10_000),
        (STUBBORN_TRACE, "limit=10", 50_000),
    ] {
        let path = format!("organizations/aurora-labs/trace/{id}/?{query}");
        let text = simulation.get(&path).await.text;
        assert_eq!(text.matches("\"event_type\":\"span\"").count(), spans, "{id} {query}");
    }
    for (id, spans) in [(BIG_TRACE, 5000), (HUGE_TRACE, 50_000)] {
        assert_eq!(meta(&simulation, id).await["spansCount"], spans);
    }
    let bad = simulation.get(&format!("organizations/aurora-labs/trace/{TRACE}/?limit=0")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_deep_trace_nests_every_span_in_the_one_before() {
    let simulation = simulation().await;
    let answer = simulation.get(&format!("organizations/aurora-labs/trace/{DEEP_TRACE}/")).await;
    assert_eq!(answer.text.matches("\"children\":[{").count(), 199);
    assert!(serde_json::from_str::<Value>(&answer.text).is_err(), "deeper than decoders go");
}

#[tokio::test]
async fn attributes_can_be_chosen() {
    let simulation = simulation().await;
    let query = "additional_attributes=http.route&limit=1";
    let nodes = trace(&simulation, TRACE, query).await;
    assert_eq!(nodes[0]["additional_attributes"], json!({ "http.route": "/checkout" }));
}

#[tokio::test]
async fn every_event_has_a_trace_with_its_own_spans() {
    let simulation = simulation().await;
    let path = format!("organizations/aurora-labs/issues/{N_PLUS_ONE_DB_ISSUE}/events/latest/");
    let event = simulation.get(&path).await.json();
    let id = event["contexts"]["trace"]["trace_id"].as_str().expect("an id");
    let nodes = trace(&simulation, id, "").await;
    assert_eq!(count(&nodes), (30, 0));
    assert_eq!(nodes[0]["occurrences"].as_array().map(Vec::len), Some(1));
    let parent = &event["occurrence"]["evidenceData"]["parentSpanIds"][0];
    let children = nodes[0]["children"].as_array().expect("children");
    let view = children.iter().find(|child| child["event_id"] == *parent).expect("the parent");
    assert_eq!(view["children"].as_array().map(Vec::len), Some(25));
}

#[tokio::test]
async fn an_unknown_or_foreign_trace_is_empty_and_a_malformed_one_has_no_address() {
    let simulation = simulation().await;
    let unknown = "00000000000000000000000000000000";
    assert!(trace(&simulation, unknown, "").await.is_empty());
    assert_eq!(meta(&simulation, unknown).await["spansCount"], 0);
    let foreign = format!("organizations/harbor-works/trace/{TRACE}/");
    assert_eq!(simulation.get(&foreign).await.text, "[]");
    let malformed = simulation.get("organizations/aurora-labs/trace/xyz/").await;
    assert_eq!(malformed.status, StatusCode::NOT_FOUND);
}
