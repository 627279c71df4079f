//! What a login may do: levels, fences, and asking for more.

use serde_json::json;

use crate::harness::{ERAS, start};

const RESOLVE: &str = "update_issue";

fn resolve() -> serde_json::Value {
    json!({
        "organizationSlug": "aurora-labs",
        "issueId": "CHECKOUT-API-1",
        "status": "resolved",
    })
}

#[tokio::test]
async fn a_level_that_was_approved_opens_its_tools_and_no_other() {
    let (_sentry, server) = start(&[]).await;
    let tokens = server.log_in("/mcp", &["issue-triage"]).await;
    assert!(tokens.scope.split(' ').any(|scope| scope == "event:write"), "{}", tokens.scope);
    let at = ("/mcp", tokens.access.as_str());
    let tools = server.tools(at).await;
    assert!(tools.iter().any(|tool| tool == RESOLVE), "{tools:?}");
    assert!(!tools.iter().any(|tool| tool == "create_project"), "{tools:?}");
    let done = server.call(at, RESOLVE, resolve()).await.unwrap();
    assert!(done.contains("resolved"), "{done}");
}

#[tokio::test]
async fn a_call_beyond_the_grant_is_challenged_before_anything_is_sent() {
    let (sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    sentry.reset_requests();
    let origin = server.endpoint.trim_end_matches("/mcp");
    for era in ERAS {
        let params = json!({ "name": "create_project", "arguments": {} });
        let answer = server.ask(era, ("/mcp", &token), "tools/call", params).await;
        assert_eq!(answer.status, 403);
        let told = answer.header("www-authenticate").unwrap();
        assert!(told.starts_with("Bearer error=\"insufficient_scope\", "), "{told}");
        assert!(told.contains("scope=\"project:write team:read\""), "all scopes: {told}");
        let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
        assert!(told.contains(&format!("resource_metadata=\"{metadata}\"")), "{told}");
    }
    assert_eq!(sentry.requests().len(), 0);
}

#[tokio::test]
async fn in_band_the_model_is_told_instead() {
    let (sentry, server) = start(&["--step-up=in-band"]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    sentry.reset_requests();
    let told = server.call(("/mcp", &token), RESOLVE, resolve()).await.unwrap_err();
    for words in ["event:write", "log in again", "Issue triage"] {
        assert!(told.contains(words), "{words} in: {told}");
    }
    assert_eq!(sentry.requests().len(), 0);
}

#[tokio::test]
async fn a_token_is_for_its_resource_and_what_lies_below() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp/aurora-labs", &[]).await.access;
    for path in ["/mcp/aurora-labs", "/mcp/aurora-labs/checkout-api"] {
        let tools = server.tools((path, &token)).await;
        assert!(!tools.iter().any(|tool| tool == "find_organizations"), "{path}: {tools:?}");
    }
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    for path in ["/mcp", "/mcp/harbor-works", "/mcp/aurora-labs2", "/mcp/aurora"] {
        let answer = server.post(path, Some(&token), list).await;
        assert_eq!(answer.status, 401, "{path}");
        let told = answer.header("www-authenticate").unwrap();
        assert!(told.contains("another resource"), "{told}");
    }
}

#[tokio::test]
async fn the_path_is_a_fence_whatever_the_token_opens() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let at = ("/mcp/aurora-labs/checkout-api", token.as_str());
    let inside = server.call(at, "search_issues", json!({})).await.unwrap();
    assert!(inside.contains("CHECKOUT-API-"), "{inside}");
    let foreign = json!({ "issueId": "STOREFRONT-1" });
    let told = server.call(at, "get_issue_details", foreign).await.unwrap_err();
    assert!(told.contains("checkout-api"), "{told}");
    let elsewhere = json!({ "organizationSlug": "harbor-works" });
    assert!(server.call(at, "find_teams", elsewhere).await.is_err());
}

#[tokio::test]
async fn a_path_that_the_login_cannot_see_is_not_there() {
    let (sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    for path in ["/mcp/no-such-organization", "/mcp/aurora-labs/no-such-project"] {
        assert_eq!(server.post(path, Some(&token), list).await.status, 404, "{path}");
    }
    assert_eq!(server.post("/mcp/aurora-labs", Some(&token), list).await.status, 200);
    sentry.reset_requests();
    assert_eq!(server.post("/mcp/aurora-labs", Some(&token), list).await.status, 200);
    assert_eq!(sentry.requests().len(), 0, "what was seen counts for five minutes");
}
