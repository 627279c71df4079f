//! What a sentence may become, and what the loop makes of it. One provider stands for all.

use super::*;
use crate::{EventSearch, LostFilter, TimeRange};

const ANTHROPIC: Setup = SETUPS[3];

async fn events(
    dataset: Option<Dataset>,
    script: Vec<Says>,
) -> (Result<EventSearch, AgentError>, FakeProvider) {
    let fake = FakeProvider::start(script).await;
    let agent = agent(ANTHROPIC, &fake);
    let result = agent.event_search(&ask(None), dataset, &Tools::default()).await;
    (result, fake)
}

fn event_json() -> Value {
    json!({
        "dataset": "spans", "query": "is_transaction:true",
        "fields": ["transaction", "p75(span.duration)"], "sort": "-p75(span.duration)",
        "environment": ["production"], "timeRange": {"statsPeriod": "24h"},
        "explanation": "slow pages", "error": null,
    })
}

#[tokio::test]
async fn a_model_chooses_the_dataset_of_an_event_search() {
    let (result, fake) = events(None, vec![Says::Json(event_json())]).await;
    let found = result.unwrap();
    assert_eq!(found.dataset, Dataset::Spans);
    assert_eq!(found.fields, ["transaction", "p75(span.duration)"]);
    assert_eq!(found.sort.as_deref(), Some("-p75(span.duration)"));
    assert_eq!(found.environments, ["production"]);
    assert_eq!(found.time, Some(TimeRange::Period("24h".to_owned())));
    assert_eq!(found.explanation.unwrap().expose(), "slow pages");
    let asked = &fake.requests().await[0];
    let schema = asked.schema().unwrap();
    assert_eq!(schema.pointer("/properties/dataset/enum/0"), Some(&json!("errors")));
    assert!(asked.system().contains("Dataset logs"));
}

#[tokio::test]
async fn a_dataset_that_was_chosen_stays() {
    let other = Says::Json(event_json());
    let mut logs = event_json();
    logs["dataset"] = json!("logs");
    logs["query"] = json!("severity:error");
    logs["fields"] = Value::Null;
    logs["timeRange"] = json!({"start": "2026-01-01T00:00:00", "end": "2026-01-02T00:00:00"});
    logs["environment"] = json!("staging");
    let (result, fake) = events(Some(Dataset::Logs), vec![other, Says::Json(logs)]).await;
    let found = result.unwrap();
    assert_eq!((found.dataset, found.query.as_str()), (Dataset::Logs, "severity:error"));
    assert_eq!(found.environments, ["staging"]);
    assert!(matches!(found.time, Some(TimeRange::Between { .. })));
    let requests = fake.requests().await;
    assert_eq!(requests.len(), 2);
    assert!(!requests[0].system().contains("Dataset spans"));
}

#[tokio::test]
async fn answers_beyond_all_bounds_are_not_taken() {
    for (key, value) in [
        ("query", json!("x".repeat(5_000))),
        ("query", Value::Null),
        ("fields", json!(vec!["a"; 21])),
        ("fields", json!(["a".repeat(300)])),
        ("sort", json!("a\nb")),
        ("dataset", json!("issues")),
        ("timeRange", json!({"start": "2026-01-01"})),
        ("environment", json!(vec!["a"; 11])),
    ] {
        let mut answer = event_json();
        answer[key] = value;
        let (result, _) = events(None, vec![Says::Json(answer.clone())]).await;
        let error = AgentError::WrongShape { provider: ProviderKind::Anthropic };
        assert_eq!(result.unwrap_err(), error, "{key}: {answer}");
    }
}

#[tokio::test]
async fn a_model_may_decline() {
    let answer = json!({"query": null, "error": "a graph is no search"});
    let (result, fake) = search(ANTHROPIC, vec![Says::Json(answer)], None).await;
    let AgentError::Declined { reason } = result.unwrap_err() else { panic!() };
    assert_eq!(reason.expose(), "a graph is no search");
    assert_eq!(fake.requests().await.len(), 1);
}

#[tokio::test]
async fn a_query_that_stays_invalid_ends_with_what_is_wrong() {
    let (result, fake) = search(ANTHROPIC, vec![issue("message:\"time out")], None).await;
    let AgentError::InvalidQuery { query, report, .. } = result.unwrap_err() else { panic!() };
    assert_eq!(query.expose(), "message:\"time out");
    assert!(report.expose().contains("quote"), "{report:?}");
    assert_eq!(fake.requests().await.len(), 5);
}

#[tokio::test]
async fn a_filter_that_stays_lost_is_named() {
    let given = Some("level:fatal is:unresolved");
    let (result, _) = search(ANTHROPIC, vec![issue("is:unresolved !level:fatal")], given).await;
    let error = result.unwrap_err();
    let lost = vec![LostFilter { text: "level:fatal".to_owned() }];
    let provider = ProviderKind::Anthropic;
    assert_eq!(error, AgentError::LostFilters { provider, lost });
    assert_eq!(
        error.to_string(),
        "the search that anthropic wrote has lost filters of the given query: `level:fatal`"
    );
}

#[tokio::test]
async fn a_given_query_that_is_not_valid_costs_no_request() {
    let (result, fake) = search(ANTHROPIC, vec![issue("")], Some("a:1 OR b:2")).await;
    assert!(matches!(result, Err(AgentError::Given { .. })), "{result:?}");
    assert_eq!(fake.requests().await.len(), 0);
}

#[tokio::test]
async fn a_sentence_has_a_length() {
    let fake = FakeProvider::start(vec![issue("")]).await;
    for (sentence, bytes) in [(" ".to_owned(), 1), ("x".repeat(4_001), 4_001)] {
        let ask = Ask { sentence: &sentence, given: None, now: Timestamp::UNIX_EPOCH };
        let result = agent(ANTHROPIC, &fake).issue_search(&ask, &Tools::default()).await;
        assert_eq!(result.unwrap_err(), AgentError::Sentence { bytes });
    }
    assert_eq!(fake.requests().await.len(), 0);
}

#[tokio::test]
async fn a_lookup_stays_in_the_datasets_of_the_search() {
    let calls = Says::Calls(vec![
        ("find_fields", json!({"dataset": "spans", "substring": "x"})),
        ("find_fields", json!({"dataset": "issues", "substring": "y"})),
        ("find_fields", json!("nonsense")),
        ("delete_everything", json!({})),
    ]);
    let fake = FakeProvider::start(vec![calls, issue("")]).await;
    let tools = Tools { failing: true, ..Tools::default() };
    let found = agent(ANTHROPIC, &fake).issue_search(&ask(None), &tools).await;
    assert_eq!(found.unwrap().query, "");
    assert_eq!(*tools.asked.lock().unwrap(), ["issues y"]);
    let results = fake.requests().await[1].tool_results();
    assert_eq!(
        results,
        [
            r#"{"error":"`dataset` must be one of issues"}"#,
            r#"{"error":"this needs the scope event:read"}"#,
            r#"{"error":"the arguments are not an object of strings"}"#,
            r#"{"error":"there is no such tool; there are find_fields, validate, who_am_i"}"#,
        ]
    );
}

#[tokio::test]
async fn more_calls_than_eight_at_once_are_not_made() {
    let many = vec![("find_fields", json!({"dataset": "issues", "substring": "x"})); 12];
    let fake = FakeProvider::start(vec![Says::Calls(many), issue("")]).await;
    let tools = Tools::default();
    agent(ANTHROPIC, &fake).issue_search(&ask(None), &tools).await.unwrap();
    assert_eq!(tools.asked.lock().unwrap().len(), 8);
    let results = fake.requests().await[1].tool_results();
    assert_eq!(results.len(), 12);
    assert_eq!(results[11], r#"{"error":"too many calls at once"}"#);
}
