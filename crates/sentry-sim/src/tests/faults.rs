//! Each kind of fault does what it says.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, client, send, simulation};
use crate::{Fault, FaultKind, Simulation, tokens};

const PATH: &str = "organizations/aurora-labs/teams/";

async fn faulty(kind: FaultKind) -> (Simulation, reqwest::Result<Answer>) {
    let simulation = simulation().await;
    simulation.inject(Fault::on("/teams/", kind));
    let url = format!("{}/api/0/{PATH}", simulation.url());
    let answer = send(url, Method::GET, Some(tokens::ADMIN), None).await;
    (simulation, answer)
}

#[tokio::test]
async fn latency_delays_the_true_answer() {
    let started = Instant::now();
    let (_simulation, answer) = faulty(FaultKind::Latency(Duration::from_millis(60))).await;
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(answer.expect("an answer").json()[0]["slug"], "payments");
}

#[tokio::test]
async fn a_hanging_request_gets_no_answer_until_the_simulation_is_gone() {
    let simulation = simulation().await;
    simulation.inject(Fault::on("", FaultKind::Hang));
    let url = format!("{}/api/0/", simulation.url());
    let request = client().get(url).bearer_auth(tokens::ADMIN);
    let short = request.try_clone().expect("no body").timeout(Duration::from_millis(60));
    assert!(short.send().await.expect_err("no answer").is_timeout());
    let waiting = tokio::spawn(request.send());
    while simulation.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(simulation);
    let error = waiting.await.expect("no panic").expect_err("no answer");
    assert!(!error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_status_comes_with_its_headers_and_body() {
    let (simulation, answer) = faulty(FaultKind::Status {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "3".to_owned())],
        body: r#"{"detail":"slow down"}"#.to_owned(),
    })
    .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "3");
    assert_eq!(answer.detail(), "slow down");
    assert_eq!(simulation.get("organizations/").await.status, StatusCode::OK);
    simulation.clear_faults();
    assert_eq!(simulation.get(PATH).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_for_people_is_html() {
    let (_simulation, answer) = faulty(FaultKind::Html { status: 502 }).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_mislabeled_answer_is_still_the_true_one() {
    let (_simulation, answer) = faulty(FaultKind::MislabelAsText).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers["content-type"], "text/plain");
    assert_eq!(answer.json()[0]["slug"], "payments");
}

#[tokio::test]
async fn empty_null_and_wrong_shapes_keep_the_status() {
    let (_simulation, answer) = faulty(FaultKind::EmptyBody).await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
    let (_simulation, answer) = faulty(FaultKind::Null).await;
    assert_eq!(answer.expect("an answer").json(), Value::Null);
    let (simulation, answer) = faulty(FaultKind::WrongShape).await;
    assert!(answer.expect("an answer").json().is_object());
    simulation.inject(Fault::on("/auth/", FaultKind::WrongShape));
    assert!(simulation.get("auth/").await.json().is_array());
}

#[tokio::test]
async fn a_truncated_answer_promises_more_than_it_holds() {
    let simulation = simulation().await;
    let full = simulation.get(PATH).await.text.len();
    for kind in [FaultKind::Truncated, FaultKind::ResetInBody] {
        simulation.clear_faults();
        simulation.inject(Fault::on("/teams/", kind));
        let url = format!("{}/api/0/{PATH}", simulation.url());
        let mut response =
            client().get(url).bearer_auth(tokens::ADMIN).send().await.expect("a head");
        assert_eq!(response.content_length(), Some(full as u64));
        let mut received = 0;
        let error = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => received += chunk.len(),
                Ok(None) => panic!("the body ended well"),
                Err(error) => break error,
            }
        };
        assert!(received < full, "{error}");
    }
}

#[tokio::test]
async fn a_reset_connection_gives_no_answer() {
    let (simulation, answer) = faulty(FaultKind::Reset).await;
    let Err(error) = answer else { panic!("there is an answer") };
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(simulation.requests().len(), 1);
}

#[tokio::test]
async fn an_oversized_answer_has_the_size_and_is_json() {
    for bytes in [14, 1_000_000] {
        let (_simulation, answer) = faulty(FaultKind::Oversized { bytes }).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.text.len(), bytes);
        assert!(answer.json()["padding"].is_string());
    }
}

#[tokio::test]
async fn a_dripping_answer_arrives_byte_by_byte() {
    let simulation = simulation().await;
    simulation.inject(Fault::on("/does-not-exist/", FaultKind::Drip { interval: Duration::ZERO }));
    simulation
        .inject(Fault::on("/shortids/", FaultKind::Drip { interval: Duration::from_millis(2) }));
    let started = Instant::now();
    let answer = simulation.get("organizations/nope/shortids/X-1/").await;
    assert_eq!(answer.detail(), "The requested resource does not exist");
    assert!(started.elapsed() >= Duration::from_millis(2) * 40);
}

#[tokio::test]
async fn redirects_lead_away_or_in_circles() {
    let location = "http://127.0.0.1:9/elsewhere".to_owned();
    let (_simulation, answer) = faulty(FaultKind::Redirect { location: location.clone() }).await;
    assert_eq!(answer.expect("an answer").headers["location"], location);
    let (_simulation, answer) = faulty(FaultKind::RedirectLoop).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers["location"], format!("/api/0/{PATH}"));
}

#[tokio::test]
async fn a_given_body_replaces_the_true_one() {
    let (_simulation, answer) = faulty(FaultKind::Body(json!([{ "slug": 7 }]))).await;
    assert_eq!(answer.expect("an answer").json(), json!([{ "slug": 7 }]));
}

#[tokio::test]
async fn null_optionals_leave_the_ids() {
    let (_simulation, answer) = faulty(FaultKind::NullOptionals).await;
    let teams = answer.expect("an answer").json();
    assert_eq!(teams[0]["slug"], "payments");
    assert!(teams[0]["name"].is_null() && teams[0]["memberCount"].is_null());
}

#[tokio::test]
async fn a_fault_can_be_limited_to_a_method_and_a_number() {
    let simulation = simulation().await;
    simulation.inject(Fault::on("/teams/", FaultKind::Html { status: 500 }).method("GET").times(1));
    let made = simulation.post(PATH, json!({ "name": "New" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(simulation.get(PATH).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(simulation.get(PATH).await.status, StatusCode::OK);
}
