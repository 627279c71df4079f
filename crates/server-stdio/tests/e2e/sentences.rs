//! Natural language, from the settings to the simulated Sentry: with a provider that a test
//! scripts, without one, and with settings that leave open which one.

use sentry_sim::Simulation;
use serde_json::{Value, json};
use test_support::provider::{FakeProvider, PROVIDER_KEY, Says};

use crate::harness::{Era, Server, command, command_for, run};

fn args() -> Value {
    json!({
        "organizationSlug": "aurora-labs",
        "naturalLanguageQuery": "unresolved problems of the checkout",
    })
}

#[tokio::test]
async fn a_sentence_becomes_a_search_through_the_provider_of_the_settings() {
    let script = vec![Says::Json(json!({
        "query": "is:unresolved", "sort": "freq", "explanation": "what is open", "error": null,
    }))];
    for (variable, flag, path) in [
        ("OPENAI_API_KEY", "--openai-base-url=URI/v1", "/v1/responses"),
        ("ANTHROPIC_API_KEY", "--anthropic-base-url=URI", "/v1/messages"),
        ("OPENROUTER_API_KEY", "--openrouter-base-url=URI/api/v1", "/api/v1/chat/completions"),
    ] {
        let fake = FakeProvider::start(script.clone()).await;
        let sentry = Simulation::start().await.unwrap();
        let mut command = command_for(&sentry, &[&flag.replace("URI", &fake.uri())]);
        command.env(variable, PROVIDER_KEY);
        let mut server = Server::spawn(Era::Handshake, &mut command).await;
        let answer = server.call("search_issues", args()).await.unwrap();
        assert!(answer.contains("Executed: query `is:unresolved`, sort `freq`"), "{answer}");
        let asked = fake.requests().await;
        assert_eq!(asked.len(), 1, "{variable}");
        assert_eq!(asked[0].path, path);
        let (status, stderr) = server.close().await;
        assert!(status.success() && stderr.is_empty(), "{stderr}");
    }
}

#[tokio::test]
async fn without_a_provider_a_sentence_is_answered_with_the_syntax() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    for tool in ["search_issues", "search_events"] {
        let answer = server.call(tool, args()).await.unwrap();
        assert!(answer.contains("Sentry's search syntax"), "{answer}");
    }
    assert!(sentry.requests().is_empty());
}

#[tokio::test]
async fn several_keys_without_a_choice_stop_the_start_and_say_what_to_set() {
    let with_keys = |args: &[&str]| {
        let mut command = command(args);
        command.env("OPENAI_API_KEY", "sk-one-secret").env("ANTHROPIC_API_KEY", "sk-two-secret");
        command.env("SENTRY_ACCESS_TOKEN", "sntryu_secret");
        command
    };
    let finished = run(with_keys(&[])).await;
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    for words in ["openai, anthropic", "EMBEDDED_AGENT_PROVIDER", "--agent-provider", "`none`"] {
        assert!(finished.stderr.contains(words), "{words} in: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);

    for choice in ["none", "anthropic"] {
        let finished = run(with_keys(&["config", "show", "--agent-provider", choice])).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(!finished.stdout.contains("secret"), "{}", finished.stdout);
        assert!(finished.stdout.contains("********"), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn a_provider_without_encryption_on_another_machine_is_warned_of() {
    let sentry = Simulation::start().await.unwrap();
    let flag = "--openai-base-url=http://gateway.example.test:4000/v1";
    let mut command = command_for(&sentry, &[flag]);
    command.env("OPENAI_API_KEY", PROVIDER_KEY);
    let server = Server::spawn(Era::Handshake, &mut command).await;
    let (status, stderr) = server.close().await;
    assert!(status.success() && stderr.contains("go unencrypted"), "{stderr}");
}
