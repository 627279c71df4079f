//! The matrix: every provider, with everything that a provider can do.

use super::*;
use crate::Failure;

#[tokio::test]
async fn a_sentence_becomes_a_search_with_every_provider() {
    for setup in SETUPS {
        let (result, fake) = search(setup, vec![issue("is:unresolved")], None).await;
        let found = result.unwrap();
        assert_eq!((found.query.as_str(), found.sort.as_deref()), ("is:unresolved", Some("freq")));
        let requests = fake.requests().await;
        let [asked] = requests.as_slice() else { panic!("{setup:?}: {requests:?}") };
        assert_eq!((asked.path.as_str(), asked.query.as_str()), (setup.path, setup.query));
        assert!(asked.system().contains("Dataset issues"), "{setup:?}");
        assert!(asked.history().contains(SENTENCE) && asked.may_call(), "{setup:?}");
        let schema = asked.schema().unwrap();
        assert_eq!(schema["additionalProperties"], false, "{setup:?}");
        assert!(schema["properties"].get("query").is_some(), "{setup:?}");
    }
}

#[tokio::test]
async fn a_chosen_model_is_not_told_an_effort_but_on_openrouter() {
    for setup in SETUPS {
        let (_, fake) = search(setup, vec![issue("")], None).await;
        let expected = (setup.kind == ProviderKind::OpenRouter).then_some("high");
        assert_eq!(fake.requests().await[0].effort(), expected, "{setup:?}");
    }
}

#[tokio::test]
async fn tools_are_answered_and_their_answers_go_back() {
    for setup in SETUPS {
        let script = vec![
            Says::Calls(vec![
                ("find_fields", json!({"dataset": "issues", "substring": "tier"})),
                ("who_am_i", json!({})),
            ]),
            Says::Calls(vec![("validate", json!({"dataset": "issues", "query": "is:\"x"}))]),
            issue("tier1:gold"),
        ];
        let (result, fake) = search(setup, script, None).await;
        assert_eq!(query(result), "tier1:gold", "{setup:?}");
        let requests = fake.requests().await;
        let results = requests[2].tool_results();
        let [fields, who, validated] = results.as_slice() else { panic!("{results:?}") };
        assert!(fields.contains("\"tier0\"") && fields.contains("\"more\":10"), "{fields}");
        assert!(!fields.contains("tier50") && fields.matches(HOSTILE).count() == 150, "{fields}");
        assert!(who.contains("caller@example.test"), "{who}");
        assert!(validated.contains("\"valid\":false"), "{validated}");
    }
}

#[tokio::test]
async fn text_from_events_never_reaches_the_system_prompt() {
    for setup in SETUPS {
        let script = vec![
            Says::Calls(vec![("find_fields", json!({"dataset": "issues", "substring": ""}))]),
            issue("is:unresolved"),
        ];
        let (_, fake) = search(setup, script, None).await;
        let requests = fake.requests().await;
        assert!(requests[1].history().contains(HOSTILE), "{setup:?}");
        for asked in &requests {
            assert_eq!(asked.system(), requests[0].system(), "{setup:?}");
            assert!(!asked.system().contains(HOSTILE) && !asked.system().contains(SENTENCE));
        }
    }
}

#[tokio::test]
async fn json_is_found_in_what_surrounds_it() {
    for setup in SETUPS {
        let text = format!("Here you are:\n```json\n{}\n```", issue_json("level:fatal"));
        let (result, _) = search(setup, vec![Says::Text(text)], None).await;
        assert_eq!(query(result), "level:fatal", "{setup:?}");
    }
}

#[tokio::test]
async fn an_answer_of_another_form_is_asked_for_once_more() {
    for setup in SETUPS {
        for wrong in [
            Says::Text("I think you want crashes.".to_owned()),
            Says::CutOff(issue_json("is:unresolved").to_string()),
            Says::OtherShape,
            Says::NotJson,
        ] {
            let script = vec![wrong.clone(), issue("level:fatal")];
            let (result, fake) = search(setup, script, None).await;
            assert_eq!(query(result), "level:fatal", "{setup:?} {wrong:?}");
            assert_eq!(fake.requests().await.len(), 2);
        }
    }
}

#[tokio::test]
async fn an_answer_of_another_form_twice_is_an_error() {
    for setup in SETUPS {
        let (result, fake) = search(setup, vec![Says::Text("no".to_owned())], None).await;
        assert_eq!(result.unwrap_err(), AgentError::WrongShape { provider: setup.kind });
        assert_eq!(fake.requests().await.len(), 2, "{setup:?}");
        let (result, fake) = search(setup, vec![Says::OtherShape], None).await;
        let failure = Failure::Unreadable;
        assert_eq!(result.unwrap_err(), AgentError::Provider { provider: setup.kind, failure });
        assert_eq!(fake.requests().await.len(), 2, "{setup:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_final() {
    for setup in SETUPS {
        let (result, fake) = search(setup, vec![Says::Refuses], None).await;
        assert_eq!(result.unwrap_err(), AgentError::Refused { provider: setup.kind });
        assert_eq!(fake.requests().await.len(), 1, "{setup:?}");
    }
}

#[tokio::test]
async fn a_passing_failure_is_tried_once_more() {
    for setup in SETUPS {
        for says in [Says::RateLimited(None), Says::RateLimited(Some(0)), Says::Status(503)] {
            let (result, fake) = search(setup, vec![says, issue("level:fatal")], None).await;
            assert_eq!(query(result), "level:fatal", "{setup:?}");
            assert_eq!(fake.requests().await.len(), 2);
        }
    }
}

#[tokio::test]
async fn a_failure_that_stays_is_an_error_after_one_retry() {
    for setup in SETUPS {
        for status in [429, 500, 529] {
            let (result, fake) = search(setup, vec![Says::Status(status)], None).await;
            let error = result.unwrap_err();
            let AgentError::Provider { failure: Failure::Status { status: told, .. }, .. } = error
            else {
                panic!("{setup:?}: {error:?}")
            };
            assert_eq!((told, fake.requests().await.len()), (status, 2), "{setup:?}");
        }
    }
}

#[tokio::test]
async fn no_answer_in_time_is_an_error() {
    for setup in SETUPS {
        let slow = Says::Slow(Duration::from_mins(10), Box::new(issue("level:fatal")));
        let fake = FakeProvider::start(vec![slow]).await;
        let limit = Duration::from_millis(100);
        let agent = agent(setup, &fake).with_limits(Limits { total: limit, ..Limits::default() });
        let error = agent.issue_search(&ask(None), &Tools::default()).await.unwrap_err();
        assert_eq!(error, AgentError::TooSlow { provider: setup.kind, limit });
    }
}

#[tokio::test]
async fn a_body_without_end_is_given_up() {
    for setup in SETUPS {
        let (result, fake) = search(setup, vec![Says::Huge(4 * 1024 * 1024)], None).await;
        let failure = Failure::TooLarge { limit: crate::transport::MAX_BODY };
        assert_eq!(result.unwrap_err(), AgentError::Provider { provider: setup.kind, failure });
        assert_eq!(fake.requests().await.len(), 1, "{setup:?}");
    }
}

#[tokio::test]
async fn calls_without_end_stop_after_five_steps() {
    for setup in SETUPS {
        let calls = Says::Calls(vec![("who_am_i", json!({}))]);
        let (result, fake) = search(setup, vec![calls], None).await;
        let error = AgentError::TooManySteps { provider: setup.kind, limit: 5 };
        assert_eq!(result.unwrap_err(), error, "{setup:?}");
        let requests = fake.requests().await;
        let may_call: Vec<bool> = requests.iter().map(Asked::may_call).collect();
        assert_eq!(may_call, [true, true, true, true, false], "{setup:?}");
    }
}

#[tokio::test]
async fn an_invalid_query_is_repaired() {
    for setup in SETUPS {
        let script = vec![issue("message:\"time out"), issue("message:\"time out\"")];
        let (result, fake) = search(setup, script, None).await;
        assert_eq!(query(result), "message:\"time out\"", "{setup:?}");
        let told = fake.requests().await[1].history();
        assert!(told.contains("The query is not valid"), "{told}");
    }
}

#[tokio::test]
async fn a_lost_filter_is_demanded_back() {
    for setup in SETUPS {
        let script =
            vec![issue("is:unresolved"), issue("level:fatal is:unresolved release:latest")];
        let given = Some("level:fatal is:unresolved");
        let (result, fake) = search(setup, script, given).await;
        assert_eq!(query(result), "level:fatal is:unresolved release:latest", "{setup:?}");
        let told = fake.requests().await[1].history();
        assert!(told.contains("missing or weakened: `level:fatal`."), "{told}");
    }
}
