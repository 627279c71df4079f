//! Event search, its validation, and the attributes of trace items.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::simulation;
use crate::Simulation;

const EVENTS: &str = "organizations/aurora-labs/events/";

async fn rows(simulation: &Simulation, query: &str) -> Vec<Value> {
    let answer = simulation.get(&format!("{EVENTS}?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
    answer.json()["data"].as_array().expect("rows").clone()
}

#[tokio::test]
async fn each_dataset_has_rows_with_the_fields_asked_for() {
    let simulation = simulation().await;
    for (dataset, fields) in [
        ("errors", "issue title project timestamp level message error.type culprit user.email"),
        ("discover", "id title event.type timestamp"),
        ("spans", "id span.op span.description span.duration transaction timestamp project trace"),
        ("ourlogs", "timestamp project message severity trace"),
        ("logs", "timestamp message severity_number"),
        ("tracemetrics", "id metric.name metric.type metric.unit value"),
        ("profiles", "project profile.id profiler.id transaction.duration timestamp"),
    ] {
        let list: Vec<&str> = fields.split(' ').collect();
        let query = format!("dataset={dataset}&per_page=5&field={}", list.join("&field="));
        let rows = rows(&simulation, &format!("{query}&sort=-{}", list[0])).await;
        assert_eq!(rows.len(), 5, "{dataset}");
        for field in list {
            assert!(rows[0].get(field).is_some(), "{dataset} {field}");
        }
    }
}

#[tokio::test]
async fn a_search_filters_sorts_and_pages() {
    let simulation = simulation().await;
    let base = "dataset=spans&field=id&field=span.op&field=span.duration&field=project&sort=-span.duration";
    let query = format!(
        "{base}&query=span.op:db%20span.duration:%3E20ms%20!project:pricing-engine&per_page=7"
    );
    let found = rows(&simulation, &query).await;
    assert!(!found.is_empty());
    let durations: Vec<f64> =
        found.iter().filter_map(|row| row["span.duration"].as_f64()).collect();
    assert!(durations.is_sorted_by(|one, next| one >= next), "{durations:?}");
    assert!(found.iter().all(|row| row["span.op"] == "db" && row["project"] == "checkout-api"));
    let next = rows(&simulation, &format!("{query}&cursor=0:1:0")).await;
    assert!(!next.is_empty() && next[0]["id"] != found[0]["id"]);
    let recent = rows(&simulation, &format!("{base}&statsPeriod=1h")).await.len();
    let dated = format!("{base}&start=2026-11-16T11:00:00&end=2026-11-16T12:00:00");
    assert!(recent > 0 && recent == rows(&simulation, &dated).await.len());
    let one_project = rows(&simulation, &format!("{base}&project=305&environment=staging")).await;
    assert!(one_project.iter().all(|row| row["project"] == "gateway"));
}

#[tokio::test]
async fn the_trace_of_an_event_and_a_conversation_are_found() {
    let simulation = simulation().await;
    let query = format!("dataset=spans&field=id&per_page=100&query=trace:{}", crate::TRACE);
    assert_eq!(rows(&simulation, &query).await.len(), 41);
    let query = format!(
        "dataset=spans&field=gen_ai.conversation.id&field=span_id&field=timestamp\
         &query=trace:{}%20has:gen_ai.conversation.id",
        crate::AI_TRACE
    );
    let found = rows(&simulation, &query).await;
    assert_eq!(found.len(), 4);
    assert_eq!(found[0]["gen_ai.conversation.id"], "conv-support-4100");
    let query = format!("dataset=errors&field=issue&query=trace:{}", crate::TRACE);
    assert_eq!(rows(&simulation, &query).await[0]["issue"], "CHECKOUT-API-1");
}

#[tokio::test]
async fn functions_are_computed_per_group() {
    let simulation = simulation().await;
    let query = "dataset=spans&field=transaction&field=count()&field=p95(span.duration)\
                 &field=count_unique(user.id)&field=avg(span.duration)&sort=-count()";
    let found = rows(&simulation, query).await;
    let counts: Vec<u64> = found.iter().filter_map(|row| row["count()"].as_u64()).collect();
    assert!(counts.len() > 4 && counts.is_sorted_by(|one, next| one >= next), "{counts:?}");
    let answer = simulation.get(&format!("{EVENTS}?{query}")).await.json();
    assert_eq!(answer["meta"]["fields"]["p95(span.duration)"], "duration");
    assert_eq!(answer["meta"]["units"]["p95(span.duration)"], "millisecond");
    let total = rows(&simulation, "dataset=errors&field=count()&query=does-not-occur").await;
    assert_eq!(total, [json!({ "count()": 0 })]);
    let metric = "p95(value,checkout.payment.latency,distribution,millisecond)";
    let found = rows(&simulation, &format!("dataset=tracemetrics&field={metric}")).await;
    assert!(found[0][metric].as_f64().is_some_and(|value| value > 1000.0), "{found:?}");
    let having = rows(
        &simulation,
        "dataset=errors&field=title&field=count()&sort=-count&query=count():%3E10",
    );
    assert!(having.await.iter().all(|row| row["count()"].as_u64() > Some(10)));
}

#[tokio::test]
async fn a_bad_search_is_400_with_the_reason() {
    let simulation = simulation().await;
    for (query, detail) in [
        ("field=bogus_function(x)", "bogus_function is not a valid function"),
        ("dataset=errors&field=id&sort=-title", "Cannot sort by a field that is not selected."),
        (
            "dataset=spans&field=id&sort=-title",
            "orderby must also be in the selected columns or groupby",
        ),
        ("dataset=spans", "No columns selected"),
        ("field=id&statsPeriod=soon", "Invalid statsPeriod: 'soon'"),
        ("field=id&start=2026-11-10T00:00:00", "start and end are both required"),
        ("field=id&start=2026-11-12T00:00:00&end=2026-11-10T00:00:00", "start must be before end"),
        ("field=id&project=checkout-api", "Invalid project parameter. Values must be numbers."),
    ] {
        let answer = simulation.get(&format!("{EVENTS}?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.detail(), detail, "{query}");
    }
    let unknown = simulation.get(&format!("{EVENTS}?dataset=nonsense&field=id")).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let foreign = simulation.get(&format!("{EVENTS}?field=id&project=306")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn validation_names_each_part_that_is_wrong() {
    let simulation = simulation().await;
    let good =
        "dataset=spans&field=span.op&field=count()&sort=-count()&query=span.op:db&project=301";
    let answer = simulation.get(&format!("{EVENTS}validate/?{good}")).await;
    assert_eq!((answer.status, &answer.json()["valid"]), (StatusCode::OK, &json!(true)));
    let unused = "dataset=errors&field=stack.filename&field=last_seen()&query=device.family:x";
    let answer = simulation.get(&format!("{EVENTS}validate/?{unused}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let bad = "dataset=spans&field=span.opp&field=quantum()&sort=-span.duration&project=999\
               &environment=moon&query=span.oops:db&statsPeriod=1y";
    let answer = simulation.get(&format!("{EVENTS}validate/?{bad}")).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["valid"]), (StatusCode::BAD_REQUEST, &json!(false)));
    for pointer in [
        "/fields/0",
        "/fields/1",
        "/orderby/0",
        "/projects/0",
        "/environment/0",
        "/query",
        "/query/fields/0",
        "/timerange",
    ] {
        assert_eq!(
            body.pointer(pointer).map(|part| &part["valid"]),
            Some(&json!(false)),
            "{pointer}"
        );
    }
    assert_eq!(body["fields"][1]["error"], "quantum is not a valid function");
    assert_eq!(body["dataset"]["valid"], true);
}

#[tokio::test]
async fn attributes_are_listed_by_kind_and_part_of_the_name() {
    let simulation = simulation().await;
    let path = "organizations/aurora-labs/trace-items/attributes/";
    let numbers = format!("{path}?itemType=spans&attributeType=number");
    let all = simulation.get(&numbers).await.json();
    let names: Vec<_> = all.as_array().into_iter().flatten().map(|one| &one["name"]).collect();
    assert!(names.contains(&&json!("span.duration")) && !names.contains(&&json!("span.op")));
    assert!(names.contains(&&json!("cart.items")));
    let part = simulation.get(&format!("{path}?dataset=ourlogs&substringMatch=sever")).await.json();
    assert_eq!(part.as_array().map(Vec::len), Some(2));
    let bad = simulation.get(&format!("{path}?itemType=errors")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn values_of_tags_and_attributes_come_most_frequent_first() {
    let simulation = simulation().await;
    for path in [
        "organizations/aurora-labs/tags/level/values/?statsPeriod=90d",
        "organizations/aurora-labs/trace-items/attributes/span.op/values/?itemType=spans&attributeType=string&statsPeriod=90d",
    ] {
        let all = simulation.get(path).await.json();
        let counts: Vec<u64> =
            all.as_array().unwrap().iter().filter_map(|one| one["count"].as_u64()).collect();
        assert!(counts.len() > 1 && counts.is_sorted_by(|a, b| a >= b), "{path}: {all}");
        assert!(all[0]["value"].is_string(), "{path}");
    }
    let none = simulation.get("organizations/aurora-labs/tags/no-such-tag/values/").await.json();
    assert_eq!(none, json!([]));
    let bad = "organizations/aurora-labs/trace-items/attributes/span.op/values/?itemType=spans";
    assert_eq!(simulation.get(bad).await.status, StatusCode::BAD_REQUEST);
}
