//! Answers as data: `--output=structured`, end to end.

use sentry_sim::Simulation;
use serde_json::{Value, json};

use crate::harness::{ERAS, Era, Server};

const FLAG: &str = "--output=structured";

fn issue() -> Value {
    let args = json!({ "organizationSlug": "aurora-labs", "issueId": "CHECKOUT-API-1" });
    json!({ "name": "get_issue_details", "arguments": args })
}

// Older versions allow fields that they do not know, so nothing is held back from them.
#[tokio::test]
async fn every_tool_has_a_schema_and_every_answer_its_data_whatever_a_client_speaks() {
    let sentry = Simulation::start().await.unwrap();
    for era in ERAS.into_iter().chain([Era::First]) {
        let mut server = Server::start(era, &sentry, &[FLAG, "--all-scopes"]).await;
        let listed = server.request("tools/list", json!({})).await;
        for tool in listed["result"]["tools"].as_array().unwrap() {
            assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        }
        let answer = server.request("tools/call", issue()).await;
        let data = &answer["result"]["structuredContent"];
        assert_eq!(data["shortId"], "CHECKOUT-API-1", "{answer}");
        assert!(data["issue"]["title"]["untrusted"].is_string(), "{data}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        let mut plain = Server::start(era, &sentry, &["--all-scopes"]).await;
        let same = plain.request("tools/call", issue()).await;
        assert_eq!(same["result"]["content"][0]["text"], text);
    }
}

#[tokio::test]
async fn an_error_has_no_data() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[FLAG]).await;
    let call = json!({ "name": "get_issue_details", "arguments": { "issueId": "not an id" } });
    let answer = server.request("tools/call", call).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer["result"].get("structuredContent").is_none(), "{answer}");
}

#[tokio::test]
async fn nothing_of_it_is_there_unless_it_is_asked_for() {
    let sentry = Simulation::start().await.unwrap();
    for era in ERAS {
        let mut server = Server::start(era, &sentry, &["--all-scopes"]).await;
        let listed = server.request("tools/list", json!({})).await;
        for tool in listed["result"]["tools"].as_array().unwrap() {
            assert!(tool.get("outputSchema").is_none(), "{tool}");
        }
        let answer = server.request("tools/call", issue()).await;
        assert!(answer["result"].get("structuredContent").is_none(), "{answer}");
    }
}
