//! What the protocol answers, in both eras, and what the endpoint is not.

use serde_json::json;

use crate::harness::{ERAS, Era, start, version};

#[tokio::test]
async fn both_eras_find_list_and_call_the_same_tools() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let at = ("/mcp", token.as_str());
    let mut lists = Vec::new();
    for era in ERAS {
        let (method, params) = match era {
            Era::Handshake => (
                "initialize",
                json!({
                    "protocolVersion": version(era),
                    "capabilities": {},
                    "clientInfo": { "name": "e2e", "version": "0" },
                }),
            ),
            Era::Stateless => ("server/discover", json!({})),
        };
        let answer = server.ask(era, at, method, params).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("mcp-session-id"), None, "there are no sessions");
        let instructions = answer.json()["result"]["instructions"].to_string();
        assert!(instructions.contains("Granted scopes: org:read"), "{instructions}");

        let list = server.ask(era, at, "tools/list", json!({})).await;
        assert_eq!(list.header("content-type"), Some("application/json"));
        let tools = list.json()["result"]["tools"].clone();
        assert!(tools.to_string().contains("search_issues"), "{tools}");
        assert!(!tools.to_string().contains("\"update_issue\""), "{tools}");
        lists.push(tools);

        let params = json!({ "name": "whoami", "arguments": {} });
        let answer = server.ask(era, at, "tools/call", params).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["result"]["isError"], json!(false), "{answer:?}");
    }
    assert_eq!(lists[0], lists[1]);
}

#[tokio::test]
async fn what_went_with_the_handshake_is_not_found_by_a_stateless_client() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let at = ("/mcp", token.as_str());
    for (era, status, code) in [(Era::Stateless, 404, -32601), (Era::Handshake, 200, -32602)] {
        // Without parameters it fits no handshake either.
        let answer = server.ask(era, at, "initialize", json!({})).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)));
    }
}

#[tokio::test]
async fn only_post_is_served_at_the_endpoint() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let bearer = format!("Bearer {token}");
    for method in ["GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"] {
        for headers in [&[][..], &[("Authorization", bearer.as_str())]] {
            let answer = server.send(method, "/mcp", headers, "").await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_no_endpoint_is_not_there_for_anybody() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    for path in [
        "/mcp/",
        "/mcp//",
        "/mcp/acme/",
        "/mcp/a/b/c",
        "/mcp-x",
        "/mcpx",
        "/MCP",
        "/mcp/..",
        "/mcp/../mcp",
        "/mcp/.",
        "/mcp/%61cme",
        "/mcp/a%2fb",
        "/mcp/a b",
        "/mcp/a;b",
        "/nothing",
    ] {
        for token in [None, Some(token.as_str())] {
            let status = server.post(path, token, "{}").await.status;
            assert!(matches!(status, 400 | 404), "{path}: {status}");
        }
    }
    assert_eq!(server.send("GET", "/sse", &[], "").await.status, 410);
}

#[tokio::test]
async fn the_pages_tell_how_to_connect() {
    let (_sentry, server) = start(&[]).await;
    let page = server.send("GET", "/", &[], "").await;
    assert_eq!(page.status, 200);
    let add = format!("claude mcp add --transport http sentry {}", server.endpoint);
    assert!(page.body.contains(&add), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    for path in ["/llms.txt", "/robots.txt", "/style.css", "/livez", "/readyz"] {
        assert_eq!(server.send("GET", path, &[], "").await.status, 200, "{path}");
    }
    assert!(server.send("GET", "/llms.txt", &[], "").await.body.contains(&server.endpoint));
}

#[tokio::test]
async fn a_page_of_this_machine_may_call_and_read_the_answer() {
    let (_sentry, server) = start(&["--allowed-origin=https://app.example.test"]).await;
    for origin in ["http://localhost:6274", "https://app.example.test"] {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization"),
        ];
        let answer = server.send("OPTIONS", "/mcp", &headers, "").await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let answer = server.send("POST", "/mcp", &[("Origin", origin)], "{}").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
}
