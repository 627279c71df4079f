//! `naturalLanguageQuery` through both tools: without a provider, with each kind of provider, and
//! with providers that fail.

use std::{sync::Arc, time::Duration};

use agent::{
    Agent, Limits, Provider, ProviderKind,
    provider::{Account, Accounts},
};
use secrecy::SecretString;
use sentry_client::Fence;
use serde_json::{Value, json};
use test_support::{
    FakeSentry,
    provider::{ERROR_BODY, FakeProvider, PROVIDER_KEY, Says},
};

use crate::{
    gate::Grant,
    testing::{call, call_with, everything},
};

const ISSUES: &str = "organizations/acme/issues/";
const EVENTS: &str = "organizations/acme/events/";
const SENTENCE: &str = "crashes of the checkout";

/// Every provider, with its base below the fake's address.
const PROVIDERS: [(ProviderKind, &str); 5] = [
    (ProviderKind::OpenAi, "/v1"),
    (ProviderKind::AzureOpenAi, "/openai/v1"),
    (ProviderKind::AzureOpenAi, "/openai/deployments/small"),
    (ProviderKind::Anthropic, ""),
    (ProviderKind::OpenRouter, "/api/v1"),
];
const ANTHROPIC: (ProviderKind, &str) = PROVIDERS[3];

fn agent((kind, base): (ProviderKind, &str), fake: &FakeProvider) -> Arc<Agent> {
    let account = Account {
        key: Some(SecretString::from(PROVIDER_KEY)),
        base_url: Some(format!("{}{base}", fake.uri())),
        model: Some("a-model".to_owned()),
        ..Account::default()
    };
    let accounts = Accounts {
        openai: account.clone(),
        anthropic: account.clone(),
        openrouter: account,
        azure_api_version: None,
    };
    let provider = Provider::choose(Some(kind), &accounts).unwrap().unwrap();
    let limits = Limits { pause: Duration::from_millis(1), ..Limits::default() };
    Arc::new(Agent::new(provider, sentry_client::Settings::default()).with_limits(limits))
}

async fn sentry() -> FakeSentry {
    let events = json!({ "data": [], "meta": {} });
    FakeSentry::start().await.get(ISSUES, json!([])).await.get(EVENTS, events).await
}

/// A search by a sentence, with what it costs at the provider.
async fn ask(
    sentry: &FakeSentry,
    grant: &Grant,
    script: Vec<Says>,
    tool: &str,
    mut args: Value,
) -> (String, FakeProvider) {
    let fake = FakeProvider::start(script).await;
    if grant.fence.organization.is_none() {
        args["organizationSlug"] = json!("acme");
    }
    args["naturalLanguageQuery"] = json!(SENTENCE);
    let out = call_with(sentry, grant, Some(agent(ANTHROPIC, &fake)), tool, args).await;
    assert!(!out.contains(PROVIDER_KEY) && !out.contains(ERROR_BODY), "{out}");
    (out, fake)
}

fn issue(query: &str) -> Says {
    Says::Json(json!({
        "query": query, "sort": "freq", "explanation": "looks for `crashes`", "error": null,
    }))
}

fn event() -> Value {
    json!({
        "dataset": "spans", "query": "is_transaction:true",
        "fields": ["transaction", "p75(span.duration)"], "sort": "-p75(span.duration)",
        "environment": ["production"], "timeRange": { "statsPeriod": "24h" },
        "explanation": "slow pages", "error": null,
    })
}

#[tokio::test]
async fn without_a_provider_the_caller_learns_how_to_write_the_search() {
    let sentry = sentry().await;
    let args = json!({ "organizationSlug": "acme", "naturalLanguageQuery": SENTENCE });
    let out = call(&sentry, "search_issues", args.clone()).await;
    assert!(out.starts_with("# How to write this search\n\nNo search was run yet."), "{out}");
    assert!(out.contains("call `search_issues` again with `query`"), "{out}");
    assert!(out.contains(&agent::syntax_guide(search_query::Dataset::Issues)), "{out}");
    for dataset in search_query::Dataset::ALL {
        if dataset == search_query::Dataset::Issues {
            continue;
        }
        let mut args = args.clone();
        args["dataset"] = json!(dataset.name());
        let out = call(&sentry, "search_events", args).await;
        assert!(out.contains(&agent::syntax_guide(dataset)), "{out}");
        let blame = ["error: ", "API_KEY", "configur", "provider"];
        assert!(!blame.iter().any(|word| out.contains(word)), "{out}");
    }
    assert!(sentry.requests().await.is_empty());
}

#[tokio::test]
async fn every_provider_writes_a_search_that_is_executed_and_shown() {
    for provider in PROVIDERS {
        let sentry = sentry().await;
        let fake = FakeProvider::start(vec![issue("is:unresolved url:*checkout*")]).await;
        let args = json!({ "organizationSlug": "acme", "naturalLanguageQuery": SENTENCE });
        let agent = agent(provider, &fake);
        let out = call_with(&sentry, &everything(), Some(agent), "search_issues", args).await;
        assert!(
            out.contains("Executed: query `is:unresolved url:*checkout*`, sort `freq`"),
            "{provider:?}: {out}"
        );
        let by = format!("The query was written by {} for", provider.0);
        assert!(out.contains(&by), "{provider:?}: {out}");
        assert!(out.contains("What the model says of it: `` looks for `crashes` ``"), "{out}");
        let requests = sentry.requests().await;
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].param("query"), Some("is:unresolved url:*checkout*"));
        assert_eq!(requests[0].param("sort"), Some("freq"));
    }
}

#[tokio::test]
async fn a_model_chooses_what_the_caller_left_open_and_nothing_else() {
    let sentry = sentry().await;
    let script = || vec![Says::Json(event())];
    let (out, _) = ask(&sentry, &everything(), script(), "search_events", json!({})).await;
    for expected in [
        "Executed: dataset `spans`, query `is_transaction:true environment:production`",
        "fields `transaction` `p75(span.duration)`, sort `-p75(span.duration)`, period `24h`",
        "`environment:production` was added to the query.",
    ] {
        assert!(out.contains(expected), "{out}");
    }
    let args = json!({
        "dataset": "spans", "fields": ["span.op", "count()"], "environment": "dev", "period": "1h",
    });
    let (out, _) = ask(&sentry, &everything(), script(), "search_events", args).await;
    for expected in [
        "query `is_transaction:true environment:dev`",
        "fields `span.op` `count()`, sort `-count()`, period `1h`",
    ] {
        assert!(out.contains(expected), "{out}");
    }
}

#[tokio::test]
async fn a_filter_of_the_given_query_that_does_not_survive_is_named() {
    let args = json!({ "query": "level:fatal is:unresolved" });
    let weaker = vec![issue("is:unresolved (level:fatal)"), issue("is:unresolved")];
    for (script, is_kept) in [(weaker.clone(), true), (weaker[1..].to_vec(), false)] {
        let sentry = sentry().await;
        let (out, _) = ask(&sentry, &everything(), script, "search_issues", args.clone()).await;
        assert_eq!(out.contains("Executed: "), is_kept, "{out}");
        let said = "has lost filters of the given query: `level:fatal`.";
        assert_eq!(out.contains(said), !is_kept, "{out}");
        assert_eq!(sentry.requests().await.is_empty(), !is_kept);
    }
}

#[tokio::test]
async fn a_provider_that_fails_leaves_the_guide_and_one_line_of_reason() {
    let declined = json!({ "query": null, "error": "a graph\nis no search" });
    for (says, expected) in [
        (Says::Status(401), "anthropic: status 401: it does not accept the key"),
        (Says::Status(500), "anthropic: status 500"),
        (Says::RateLimited(Some(60)), "anthropic: status 429"),
        (Says::Refuses, "anthropic refused to answer"),
        (Says::OtherShape, "anthropic: "),
        (Says::NotJson, "anthropic: "),
        (Says::Text("I cannot".to_owned()), "another form"),
        (issue("message:\"x"), "wrote a query that is not valid"),
        (Says::Json(declined), "What the model says of it: `a graph is no search`"),
    ] {
        for tool in ["search_issues", "search_events"] {
            let sentry = sentry().await;
            let args = json!({});
            let (out, _) = ask(&sentry, &everything(), vec![says.clone()], tool, args).await;
            assert!(out.starts_with("# How to write this search\n\nThe sentence did not"), "{out}");
            let is_shape = tool == "search_events" && expected.contains("valid");
            assert!(is_shape || out.contains(expected), "{tool} {says:?}: {out}");
            assert!(out.contains("Sentry's search syntax"), "{out}");
            assert!(sentry.requests().await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_planned_leaves_the_guide_too() {
    for (key, value) in [
        ("fields", json!(["cuont()"])),
        ("timeRange", json!({ "statsPeriod": "yesterday" })),
        ("sort", json!("-count(")),
    ] {
        let sentry = sentry().await;
        let mut answer = event();
        answer[key] = value;
        let script = vec![Says::Json(answer)];
        let (out, _) = ask(&sentry, &everything(), script, "search_events", json!({})).await;
        assert!(out.contains("did not become a search: what the model wrote cannot run:"), "{out}");
        assert!(out.contains("Dataset spans"), "{out}");
        assert!(sentry.requests().await.is_empty());
    }
}

#[tokio::test]
async fn lookups_and_search_stay_inside_the_fence() {
    let lookups = Says::Calls(vec![
        ("find_fields", json!({ "dataset": "issues", "substring": "tier" })),
        ("who_am_i", json!({})),
    ]);
    let theirs = json!([{ "id": "3", "title": "theirs", "project": { "id": "3", "slug": "web" } }]);
    let sentry = FakeSentry::start()
        .await
        .get("projects/acme/api/", json!({ "id": "2", "slug": "api" }))
        .await
        .get("organizations/acme/tags/", json!([{ "key": "customer_tier", "totalValues": 3 }]))
        .await
        .get("/api/0/auth/", json!({ "id": "7", "email": "member@example.test" }))
        .await
        .get(ISSUES, theirs)
        .await;
    let fence = Fence { organization: "acme".parse().ok(), project: "api".parse().ok() };
    let grant = Grant { fence, ..everything() };
    let script = vec![lookups, issue("project:web customer_tier:gold")];
    let (out, fake) = ask(&sentry, &grant, script, "search_issues", json!({})).await;
    assert!(out.contains("query `project:web customer_tier:gold`"), "{out}");
    assert!(!out.contains("theirs") && out.contains("were left out"), "{out}");
    let results = fake.requests().await[1].tool_results();
    assert!(results[0].contains("customer_tier"), "{results:?}");
    assert!(results[1].contains("member@example.test"), "{results:?}");
    let requests = sentry.requests().await;
    for request in &requests {
        let at = request.path.as_str();
        let inside = at.contains("/acme/") || at == "/api/0/auth/";
        assert!(inside && request.param("project").is_none_or(|id| id == "2"), "{request:?}");
    }
    let limited = requests.iter().filter(|request| request.param("project") == Some("2"));
    assert!(limited.count() >= 2, "the tags and the issues");
}

#[tokio::test]
async fn a_page_belongs_to_a_query_and_not_to_a_sentence() {
    let sentry = sentry().await;
    let args = json!({ "cursor": "0:10:0" });
    let (out, fake) = ask(&sentry, &everything(), vec![issue("")], "search_issues", args).await;
    assert!(out.contains("`cursor`: it belongs to the query of the last answer"), "{out}");
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn a_sentence_has_a_length_and_a_blank_one_is_none() {
    let sentry = sentry().await;
    let long = json!({
        "organizationSlug": "acme", "naturalLanguageQuery": "x".repeat(agent::MAX_SENTENCE + 1),
    });
    let out = call(&sentry, "search_issues", long).await;
    assert!(out.contains("`naturalLanguageQuery`: 4001 bytes are too long"), "{out}");
    let blank = json!({ "organizationSlug": "acme", "naturalLanguageQuery": " " });
    let out = call(&sentry, "search_issues", blank).await;
    assert!(out.contains("Executed: query `is:unresolved`"), "{out}");
}
