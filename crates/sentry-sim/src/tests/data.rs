//! The data set: repeatable, complete, paged and searchable.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{send, simulation};
use crate::{Simulation, tokens};

/// Follows the cursors of `Link` and collects a field of every row.
async fn walk(simulation: &Simulation, path: &str, field: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..100 {
        let separator = if path.contains('?') { '&' } else { '?' };
        let answer = simulation.get(&format!("{path}{separator}cursor={cursor}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let rows = answer.json();
        let rows = rows.as_array().expect("a list").iter();
        found.extend(rows.map(|row| row[field].to_string()));
        let link = answer.headers["link"].to_str().expect("text").to_owned();
        let next = link.split(", ").last().expect("two links");
        if next.contains("results=\"false\"") {
            return found;
        }
        let (_, rest) = next.split_once("cursor=\"").expect("a cursor");
        rest.trim_end_matches('"').clone_into(&mut cursor);
    }
    panic!("{path} never ends");
}

#[tokio::test]
async fn paging_walks_every_row_exactly_once() {
    let simulation = simulation().await;
    for (path, field) in [
        ("organizations/aurora-labs/issues/?query=&limit=7", "id"),
        ("organizations/aurora-labs/issues/?query=&limit=4&sort=freq", "id"),
        ("organizations/aurora-labs/releases/?per_page=5", "version"),
        ("organizations/aurora-labs/issues/9001/events/?per_page=10", "id"),
        ("organizations/aurora-labs/teams/?per_page=1", "slug"),
        ("projects/aurora-labs/checkout-api/keys/?per_page=2", "id"),
    ] {
        let paged = walk(&simulation, path, field).await;
        let whole = path.split('?').next().expect("a path");
        let whole = walk(&simulation, &format!("{whole}?query=&per_page=100"), field).await;
        assert_eq!(paged.len(), whole.len(), "{path}");
        let distinct: BTreeSet<_> = paged.iter().collect();
        assert_eq!(distinct.len(), paged.len(), "{path}");
        assert_eq!(distinct, whole.iter().collect(), "{path}");
    }
}

#[tokio::test]
async fn bad_paging_is_400() {
    let simulation = simulation().await;
    for query in ["per_page=0", "per_page=101", "per_page=x", "cursor=abc"] {
        let answer = simulation.get(&format!("organizations/aurora-labs/teams/?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn two_simulations_answer_alike() {
    let (first, second) = (simulation().await, simulation().await);
    for path in [
        "",
        "organizations/",
        "organizations/aurora-labs/",
        "organizations/aurora-labs/issues/?query=",
        "organizations/harbor-works/issues/BACK-OFFICE-1/",
        "organizations/aurora-labs/issues/CHECKOUT-API-1/events/latest/",
        "organizations/aurora-labs/releases/",
        "projects/aurora-labs/checkout-api/keys/",
        "issues/9001/tags/",
    ] {
        let neutral = |simulation: &Simulation, text: String| {
            text.replace(&simulation.host(), "MAIN").replace(&simulation.region_host(), "REGION")
        };
        let one = neutral(&first, first.get(path).await.text);
        let other = neutral(&second, second.get(path).await.text);
        assert_eq!(one, other, "{path}");
    }
}

#[tokio::test]
async fn every_issue_and_its_events_can_be_read() {
    let simulation = simulation().await;
    let mut total = 0;
    for org in ["aurora-labs", "harbor-works"] {
        let issues = simulation.get(&format!("organizations/{org}/issues/?query=")).await.json();
        for issue in issues.as_array().expect("a list") {
            total += 1;
            let short_id = issue["shortId"].as_str().expect("a short id");
            let base = format!("organizations/{org}/issues/{short_id}");
            let detail = simulation.get(&format!("{base}/")).await.json();
            assert_eq!(detail["id"], issue["id"]);
            let latest = simulation.get(&format!("{base}/events/latest/")).await.json();
            let oldest = simulation.get(&format!("{base}/events/oldest/")).await.json();
            assert_eq!(latest["groupID"], issue["id"], "{short_id}");
            assert_eq!(oldest["previousEventID"], Value::Null, "{short_id}");
            let id = latest["id"].as_str().expect("an id");
            let found = simulation.get(&format!("organizations/{org}/eventids/{id}/")).await;
            assert_eq!(found.json()["groupId"], issue["id"], "{short_id}");
            let hit = simulation.get(&format!("organizations/{org}/issues/?query={id}")).await;
            assert_eq!(hit.json()[0]["id"], issue["id"], "{short_id}");
        }
    }
    assert!(total >= 42, "{total}");
}

#[tokio::test]
async fn the_promised_special_events_exist() {
    let simulation = simulation().await;
    let issues = simulation.get("organizations/aurora-labs/issues/?query=").await.json();
    let issues = issues.as_array().expect("a list");
    let types: BTreeSet<_> =
        issues.iter().filter_map(|issue| issue["issueType"].as_str()).collect();
    for wanted in [
        "performance_n_plus_one_db_queries",
        "performance_p95_endpoint_regression",
        "feedback",
        "monitor_check_in_failure",
        "uptime_domain_failure",
    ] {
        assert!(types.contains(wanted), "{wanted} is missing in {types:?}");
    }
    let event = |number: &str| {
        let base = "organizations/aurora-labs/issues";
        let path = format!("{base}/{number}/events/latest/");
        let simulation = &simulation;
        async move { simulation.get(&path).await.json() }
    };
    let chain = event("CHECKOUT-API-1").await;
    let exceptions = chain["entries"][0]["data"]["values"].as_array().expect("a chain");
    assert_eq!(exceptions.len(), 3);
    let long = event("CHECKOUT-API-7").await;
    assert!(long["message"].as_str().is_some_and(|message| message.len() > 60_000));
    let nulls = event("CHECKOUT-API-8").await;
    assert!(nulls["title"].is_null() && nulls["entries"][0]["data"]["values"][0].is_null());
    assert_eq!(event("CHECKOUT-API-6").await["type"], "default");
    assert_eq!(event("CHECKOUT-API-9").await["type"], "transaction");
    assert_eq!(event("STOREFRONT-4").await["type"], "csp");
}

#[tokio::test]
async fn the_issue_list_filters_and_sorts() {
    let simulation = simulation().await;
    let list = |query: &'static str| {
        let path = format!("organizations/aurora-labs/issues/?{query}");
        let simulation = &simulation;
        async move {
            let answer = simulation.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            answer.json().as_array().expect("a list").clone()
        }
    };
    let counts: Vec<u64> = list("sort=freq")
        .await
        .iter()
        .map(|issue| issue["count"].as_str().expect("text").parse().expect("a number"))
        .collect();
    assert!(counts.is_sorted_by(|one, next| one >= next), "{counts:?}");
    let mine = list("query=is:unresolved+assigned:me").await;
    assert!(!mine.is_empty());
    assert!(mine.iter().all(|issue| issue["assignedTo"]["email"] == "oncall@example.test"));
    let one_project = list("query=&project=305").await;
    assert!(!one_project.is_empty());
    assert!(one_project.iter().all(|issue| issue["project"]["slug"] == "gateway"));
    assert!(list("query=&statsPeriod=24h").await.len() < list("query=").await.len());
    assert_eq!(
        list("query=payment+provider+paywise&limit=5").await[0]["shortId"],
        "CHECKOUT-API-1"
    );
    let broken = simulation.get("organizations/aurora-labs/issues/?query=%22open").await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(broken.detail().starts_with("Error parsing search query: "), "{}", broken.text);
    let unknown = simulation.get("organizations/aurora-labs/issues/?project=999").await;
    assert_eq!(unknown.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_documentation_searches_and_serves_pages() {
    let simulation = simulation().await;
    let search = format!("{}/api/search", simulation.docs_url());
    let body = json!({ "query": "chained errors", "maxResults": 10, "guide": "rust" });
    let found = send(search, Method::POST, None, Some(body)).await.expect("an answer").json();
    assert_eq!(found["results"][0]["id"], "platforms/rust.md");
    let page = |path: &str| {
        let url = format!("{}{path}", simulation.docs_base_url());
        async move { send(url, Method::GET, None, None).await.expect("an answer") }
    };
    assert!(page("/platforms/rust.md").await.text.starts_with("# Rust"));
    assert_eq!(page("/platforms/cobol.md").await.status, StatusCode::NOT_FOUND);
    assert!(page("/platforms/moved.md").await.text.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn requests_are_recorded_without_the_token() {
    let simulation = simulation().await;
    let path = "organizations/aurora-labs/issues/CHECKOUT-API-1/";
    simulation.put(path, json!({ "status": "resolved" })).await;
    let requests = simulation.requests();
    let request = requests.first().expect("one request");
    assert_eq!(request.method, "PUT");
    assert_eq!(request.path, format!("/api/0/{path}"));
    assert_eq!(request.body, r#"{"status":"resolved"}"#);
    assert!(request.has_authorization);
    assert!(!format!("{requests:?}").contains(tokens::ADMIN));
    simulation.reset_requests();
    assert!(simulation.requests().is_empty());
}

#[tokio::test]
async fn the_first_issue_follows_from_the_release_that_it_blames() {
    let simulation = simulation().await;
    let path = "projects/aurora-labs/checkout-api/releases/?query=3.14.0";
    let release = simulation.get(path).await.json();
    let message = release[0]["lastCommit"]["message"].as_str().expect("a commit");
    assert!(message.contains("timeout"), "{message}");
    let issue = simulation.get("issues/9001/").await.json();
    assert_eq!(issue["firstRelease"]["version"], release[0]["version"]);
    assert!(issue["firstSeen"].as_str() > release[0]["dateCreated"].as_str());
}
