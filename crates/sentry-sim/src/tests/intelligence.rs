//! What belongs to issues and events beyond the search: attachments, replays, Seer, links, and the
//! rarer event types.

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{client, simulation};
use crate::{
    EVENT_WITH_ATTACHMENTS, Fault, FaultKind, METRIC_ALERT_ISSUE, REPLAY, REPLAY_ISSUE, SEER_POLLS,
    Simulation, THREADS_ISSUE, UNKNOWN_EVENT_TYPE_ISSUE, tokens,
};

async fn latest(simulation: &Simulation, issue: &str) -> Value {
    let path = format!("organizations/aurora-labs/issues/{issue}/events/latest/");
    simulation.get(&path).await.json()
}

fn attachments() -> String {
    format!("projects/aurora-labs/checkout-api/events/{EVENT_WITH_ATTACHMENTS}/attachments/")
}

async fn download(simulation: &Simulation, id: &str) -> (String, Bytes) {
    let url = format!("{}/api/0/{}{id}/?download=1", simulation.url(), attachments());
    let answer =
        client().get(url).bearer_auth(tokens::PROJECT_READ).send().await.expect("an answer");
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    (kind, answer.bytes().await.expect("a body"))
}

#[tokio::test]
async fn attachments_are_listed_and_downloaded() {
    let simulation = simulation().await;
    let list = simulation.get(&attachments()).await.json();
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 8);
    for one in list {
        let id = one["id"].as_str().expect("text");
        let (kind, content) = download(&simulation, id).await;
        assert_eq!(one["mimetype"], kind);
        let honest = id != "7007";
        assert_eq!(one["size"] == content.len(), honest, "{id}");
    }
    let (_, image) = download(&simulation, "7002").await;
    assert!(image.starts_with(b"\x89PNG\r\n\x1a\n"));
    let (_, dump) = download(&simulation, "7003").await;
    assert!(dump.starts_with(b"MDMP"));
}

#[tokio::test]
async fn an_attachment_belongs_to_its_event_only() {
    let simulation = simulation().await;
    let other = latest(&simulation, "CHECKOUT-API-2").await;
    let event = other["id"].as_str().expect("text");
    let base = format!("projects/aurora-labs/checkout-api/events/{event}/attachments/");
    assert_eq!(simulation.get(&base).await.json(), json!([]));
    assert_eq!(simulation.get(&format!("{base}7001/")).await.status, StatusCode::NOT_FOUND);
    let elsewhere = attachments().replace("checkout-api", "gateway");
    assert_eq!(simulation.get(&elsewhere).await.detail(), "Event not found");
    let narrow = simulation.ask(Method::GET, &attachments(), tokens::EVENT_READ, None).await;
    assert_eq!(narrow.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn replays_are_sorted_searched_and_counted() {
    let simulation = simulation().await;
    let base = "organizations/aurora-labs/replays/";
    let list =
        simulation.get(&format!("{base}?sort=-duration&query=count_errors:%3E0")).await.json();
    let rows = list["data"].as_array().expect("rows");
    assert_eq!(rows.len(), 9);
    let durations: Vec<_> = rows.iter().filter_map(|row| row["duration"].as_u64()).collect();
    assert!(durations.is_sorted_by(|one, next| one >= next));
    let bad = simulation.get(&format!("{base}?sort=-mood")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let one = simulation.get(&format!("{base}{REPLAY}/")).await.json();
    let event = latest(&simulation, REPLAY_ISSUE).await;
    assert_eq!(one["data"]["error_ids"][0], event["id"]);
    assert_eq!(event["contexts"]["replay"]["replay_id"], REPLAY);
    let group = event["groupID"].as_str().expect("text");
    let count = "organizations/aurora-labs/replay-count/";
    let query = format!("{count}?returnIds=true&query=issue.id:[{group}]&data_source=discover");
    let ids = simulation.get(&query).await.json();
    assert_eq!(ids[group].as_array().map(Vec::len), Some(7));
    let counts = simulation.get(&format!("{count}?query=issue.id:{group}")).await.json();
    assert_eq!(counts, json!({ group: 7 }));
    assert_eq!(simulation.get(count).await.status, StatusCode::BAD_REQUEST);
    let foreign = simulation.get("organizations/harbor-works/replays/").await.json();
    assert_eq!(foreign, json!({ "data": [] }));
}

fn autofix(issue: &str) -> String {
    format!("organizations/aurora-labs/issues/{issue}/autofix/")
}

#[tokio::test]
async fn seer_has_a_run_in_every_state() {
    let simulation = simulation().await;
    for (issue, status) in [
        ("CHECKOUT-API-1", json!("completed")),
        ("CHECKOUT-API-2", json!("COMPLETED")),
        ("CHECKOUT-API-3", json!("processing")),
        ("CHECKOUT-API-4", json!("awaiting_user_input")),
        ("CHECKOUT-API-5", json!("error")),
        ("CHECKOUT-API-6", json!("defragmenting")),
        ("STOREFRONT-1", json!("processing")),
    ] {
        let state = simulation.get(&autofix(issue)).await.json();
        assert_eq!(state["autofix"]["status"], status, "{issue}");
    }
    assert_eq!(simulation.get(&autofix("GATEWAY-1")).await.json(), json!({ "autofix": null }));
    let done = simulation.get(&autofix("CHECKOUT-API-1")).await.json();
    let artifacts: Vec<_> = done["autofix"]["blocks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|block| block["artifacts"][0]["key"].as_str())
        .collect();
    assert_eq!(artifacts, ["root_cause", "solution"]);
}

#[tokio::test]
async fn a_started_run_completes_after_some_looks_and_needs_writing() {
    let simulation = simulation().await;
    let path = autofix("GATEWAY-1");
    let refused = simulation.ask(Method::POST, &path, tokens::READ_ONLY, Some(json!({}))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let body = Some(json!({ "instruction": "look at the proxy" }));
    let started = simulation.ask(Method::POST, &path, tokens::TRIAGE, body).await;
    assert_eq!(started.status, StatusCode::ACCEPTED);
    for _ in 0..SEER_POLLS {
        let state = simulation.get(&path).await.json();
        assert_eq!(state["autofix"]["status"], "processing");
        assert_eq!(state["autofix"]["run_id"], started.json()["run_id"]);
    }
    assert_eq!(simulation.get(&path).await.json()["autofix"]["status"], "completed");
    let region = "organizations/harbor-works/issues/BACK-OFFICE-1/autofix/";
    let refused = simulation.post(region, json!({})).await;
    assert_eq!(refused.detail(), "AI features are disabled for this organization.");
}

#[tokio::test]
async fn two_simulations_do_not_share_runs() {
    let (first, second) = (simulation().await, simulation().await);
    let path = autofix("GATEWAY-2");
    assert_eq!(first.post(&path, json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(second.get(&path).await.json(), json!({ "autofix": null }));
}

#[tokio::test]
async fn links_to_trackers_and_code_are_answered() {
    let simulation = simulation().await;
    let path = "organizations/aurora-labs/issues/CHECKOUT-API-1/external-issues/";
    assert_eq!(simulation.get(path).await.json()[0]["displayName"], "PAY-1182");
    let base = "projects/aurora-labs/checkout-api/stacktrace-link/";
    let link = simulation.get(&format!("{base}?file=checkout/views.py&lineNo=88")).await.json();
    assert_eq!(
        link["sourceUrl"],
        "https://github.com/aurora-labs/checkout-api/blob/main/src/checkout/views.py#L88"
    );
    let foreign = simulation.get(&format!("{base}?file=site-packages/x.py")).await.json();
    assert_eq!(
        (&foreign["sourceUrl"], &foreign["error"]),
        (&Value::Null, &json!("stack_root_mismatch"))
    );
    assert_eq!(simulation.get(base).await.detail(), "Filepath is required");
}

#[tokio::test]
async fn a_tag_of_an_issue_has_its_values() {
    let simulation = simulation().await;
    let base = "organizations/aurora-labs/issues/CHECKOUT-API-1/tags/";
    let tag = simulation.get(&format!("{base}environment/")).await.json();
    assert_eq!((&tag["uniqueValues"], &tag["totalValues"]), (&json!(2), &json!(25)));
    let values = simulation.get(&format!("{base}environment/values/")).await.json();
    assert_eq!(values[0]["value"], "production");
    assert_eq!(simulation.get(&format!("{base}nothing/")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_rarer_event_types_are_complete() {
    let simulation = simulation().await;
    for (issue, kind, occurrence) in [
        (crate::N_PLUS_ONE_DB_ISSUE, "transaction", json!(1006)),
        (crate::N_PLUS_ONE_API_ISSUE, "transaction", json!(1010)),
        (crate::SLOW_DB_ISSUE, "transaction", json!(1001)),
        (crate::CONSECUTIVE_HTTP_ISSUE, "transaction", json!(1009)),
        (crate::FUNCTION_REGRESSION_ISSUE, "generic", json!(2011)),
        (METRIC_ALERT_ISSUE, "generic", json!(8001)),
        (crate::METRIC_ALERT_OBJECT_ISSUE, "generic", json!(8001)),
        (THREADS_ISSUE, "error", Value::Null),
        (crate::AI_ISSUE, "error", Value::Null),
        (UNKNOWN_EVENT_TYPE_ISSUE, "mystery", Value::Null),
    ] {
        let event = latest(&simulation, issue).await;
        assert_eq!(event["type"], kind, "{issue}");
        assert_eq!(event["occurrence"]["type"], occurrence, "{issue}");
    }
    let threads = latest(&simulation, THREADS_ISSUE).await;
    let entry =
        threads["entries"].as_array().into_iter().flatten().find(|one| one["type"] == "threads");
    let values = entry.expect("threads")["data"]["values"].as_array().expect("a list");
    assert_eq!(values.len(), 13);
    assert_eq!(values.iter().filter(|thread| thread["crashed"] == true).count(), 1);
}

#[tokio::test]
async fn faults_reach_the_new_endpoints() {
    let simulation = simulation().await;
    simulation.inject(Fault::on("/autofix/", FaultKind::Null));
    assert_eq!(simulation.get(&autofix("CHECKOUT-API-1")).await.text, "null");
}
