//! Failures that are the same for all providers, or belong to one.

use std::{io, sync::Arc};

use test_support::provider::PROVIDER_KEY;
use tokio::net::TcpListener;

use super::*;
use crate::Failure;

const OPENAI: Setup = SETUPS[0];
const ANTHROPIC: Setup = SETUPS[3];
const OPENROUTER: Setup = SETUPS[4];

async fn failure(setup: Setup, script: Vec<Says>) -> (String, usize) {
    let (result, fake) = search(setup, script, None).await;
    (result.unwrap_err().to_string(), fake.requests().await.len())
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again() {
    assert_eq!(
        failure(OPENAI, vec![Says::Status(401)]).await,
        ("openai: status 401: it does not accept the key; check OPENAI_API_KEY".to_owned(), 1)
    );
}

#[tokio::test]
async fn a_long_wait_is_not_waited_for() {
    let (told, requests) = failure(ANTHROPIC, vec![Says::RateLimited(Some(60))]).await;
    assert_eq!(told, "anthropic: status 429: too many requests or no quota; try again later");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn an_error_inside_a_success_counts_as_its_status() {
    let script = vec![Says::ErrorInside(429), issue("level:fatal")];
    let (result, _) = search(OPENROUTER, script, None).await;
    assert_eq!(query(result), "level:fatal");
    let (told, requests) = failure(OPENROUTER, vec![Says::ErrorInside(402)]).await;
    assert_eq!(told, "openrouter: status 402: its account is out of credit; add credit");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_carries_no_key_away() {
    let elsewhere = FakeProvider::start(vec![issue("level:fatal")]).await;
    let to = format!("{}/v1/responses", elsewhere.uri());
    let (told, requests) = failure(OPENAI, vec![Says::Redirect(to)]).await;
    assert!(told.starts_with("openai: status 307: it redirects"), "{told}");
    assert_eq!((requests, elsewhere.requests().await.len()), (1, 0));
}

#[tokio::test]
async fn a_model_that_refuses_the_form_is_asked_without_it() {
    for setup in SETUPS {
        let script = vec![Says::Status(400), issue("level:fatal")];
        let (result, fake) = search(setup, script, None).await;
        assert_eq!(query(result), "level:fatal", "{setup:?}");
        let requests = fake.requests().await;
        assert!(requests[0].schema().is_some() && requests[1].schema().is_none(), "{setup:?}");
        assert_eq!(requests[1].effort(), None, "{setup:?}");
    }
}

#[tokio::test]
async fn there_is_one_retry_in_a_whole_run() {
    let script = vec![
        Says::Status(503),
        Says::Calls(vec![("who_am_i", json!({}))]),
        Says::Text("no form".to_owned()),
    ];
    let (result, fake) = search(OPENAI, script, None).await;
    assert_eq!(result.unwrap_err(), AgentError::WrongShape { provider: ProviderKind::OpenAi });
    assert_eq!(fake.requests().await.len(), 3);
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_once_more_and_told_without_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let agent = agent_at(OPENAI, &uri);
    let (asked, tools) = (ask(None), Tools::default());
    let hang_up = async {
        for _ in 0..2 {
            drop(listener.accept().await.unwrap());
        }
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        result = agent.issue_search(&asked, &tools) => result.unwrap_err(),
        () = hang_up => unreachable!("it never ends"),
    };
    let AgentError::Provider { failure: Failure::Network { .. }, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(!format!("{error}{error:?}").contains(&uri), "{error:?}");
    shows_nothing(&error);
}

#[tokio::test]
async fn an_agent_and_a_sentence_show_no_secret() {
    let fake = FakeProvider::start(vec![issue("")]).await;
    let shown = format!("{:?}{:?}", agent(OPENAI, &fake), ask(None));
    assert!(!shown.contains(PROVIDER_KEY) && !shown.contains(SENTENCE), "{shown}");
}

/// What was logged, at every level and by every library.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn sentences_queries_keys_and_answers_are_not_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: what other tests make the agent log must not tell either, and a
    // subscriber of one thread would miss what another thread met first.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for script in [
        vec![
            Says::Calls(vec![("find_fields", json!({"dataset": "issues", "substring": "tier"}))]),
            issue("my.field:secret-value level:fatal"),
        ],
        vec![Says::Status(500)],
        vec![Says::Text("model-words".to_owned())],
    ] {
        for setup in SETUPS {
            let _ = search(setup, script.clone(), Some("level:fatal")).await;
        }
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a sentence was translated"), "{logged}");
    let private = [
        SENTENCE,
        "secret-value",
        "level:fatal",
        "tier",
        "model-words",
        HOSTILE,
        ERROR_BODY,
        PROVIDER_KEY,
    ];
    for text in private {
        assert!(!logged.contains(text), "{text} is in the log");
    }
}

#[test]
fn a_search_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let account = Account { key: Some(SecretString::from(PROVIDER_KEY)), ..Account::default() };
    let accounts = Accounts { anthropic: account, ..Accounts::default() };
    let provider = Provider::choose(None, &accounts).unwrap().unwrap();
    let agent = Agent::new(provider, sentry_client::Settings::default());
    let (asked, tools) = (ask(None), Tools::default());
    let search = agent.event_search(&asked, None, &tools);
    is_send(&search);
    assert_eq!(agent.provider().host(), "api.anthropic.com");
}
