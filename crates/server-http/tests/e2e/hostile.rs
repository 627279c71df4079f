//! Requests that no honest client sends.

use serde_json::json;

use crate::{
    harness::{Era, Server, message, start},
    http::{raw, request},
};

async fn first_line(server: &Server, request: &str) -> u16 {
    raw(&server.address, request.as_bytes()).await.status
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let (_sentry, server) = start(&[]).await;
    let address = server.address.clone();
    let port = address.rsplit(':').next().unwrap();
    for (hosts, status) in [
        (&[address.as_str()][..], 401),
        (&[&format!("localhost:{port}")], 401),
        (&[&format!("[::1]:{port}")], 401),
        (&["evil.test"], 403),
        (&["127.0.0.1"], 403),
        (&[&format!("evil.test:{port}")], 403),
        (&[&format!("{address}.evil.test")], 403),
        (&[&format!("{address}, evil.test")], 403),
        (&[&format!("user@{address}")], 403),
        (&[address.as_str(), "evil.test"], 403),
        (&["evil.test", address.as_str()], 403),
        (&[address.as_str(), address.as_str()], 403),
        (&[""], 403),
    ] {
        let headers: Vec<_> = hosts.iter().map(|host| ("Host", *host)).collect();
        for path in ["/mcp", "/oauth/token"] {
            let answer = server.send("POST", path, &headers, "{}").await;
            let refused = answer.status == 403;
            assert_eq!(refused, status == 403, "{hosts:?} at {path}: {answer:?}");
        }
    }
    // No header at all, and another host in the target.
    let bare = "POST /mcp HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    assert!(matches!(first_line(&server, bare).await, 400 | 403));
    let target = request(&address, "POST", "http://evil.test/mcp", &[], "{}");
    assert_eq!(first_line(&server, &target).await, 403);
}

#[tokio::test]
async fn forwarded_headers_of_anybody_change_nothing() {
    let (_sentry, server) = start(&[]).await;
    for header in [
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Forwarded", "host=evil.test;proto=https;for=192.0.2.1"),
        ("X-Original-URL", "/readyz"),
        ("X-Rewrite-URL", "/readyz"),
        ("X-HTTP-Method-Override", "GET"),
    ] {
        let answer = server.send("POST", "/mcp", &[header], "{}").await;
        assert_eq!(answer.status, 401, "{header:?}");
        let told = answer.header("www-authenticate").unwrap();
        assert!(told.contains(server.endpoint.trim_end_matches("/mcp")), "{told}");
        assert!(!told.contains("evil"), "{told}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_may_not_call() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let bearer = format!("Bearer {token}");
    for origin in [
        "https://evil.test",
        "null",
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "",
    ] {
        for method in ["POST", "OPTIONS"] {
            let headers = [("Origin", origin), ("Authorization", bearer.as_str())];
            let answer = server.send(method, "/mcp", &headers, "{}").await;
            assert_eq!(answer.status, 403, "{method} {origin}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
}

#[tokio::test]
async fn a_request_that_two_servers_could_split_differently_is_one_request_or_none() {
    let (_sentry, server) = start(&[]).await;
    let address = &server.address;
    let smuggled = format!("GET /livez HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let length = smuggled.len();
    for framing in [
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{smuggled}"),
        format!("Content-Length: +{length}\r\n\r\n{smuggled}"),
        format!("Content-Length: -1\r\n\r\n{smuggled}"),
        format!("Content-Length: 0x10\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Content-Length : 0\r\n\r\n{smuggled}"),
        format!("X-Folded: a\r\n b\r\nTransfer-Encoding:\x0bchunked\r\n\r\n{smuggled}"),
        format!("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
    ] {
        let request = format!("POST /mcp HTTP/1.1\r\nHost: {address}\r\n{framing}");
        let answer = raw(address, format!("{request}\r\n").as_bytes()).await;
        assert!(matches!(answer.status, 400 | 401 | 403 | 501), "{framing:?}: {answer:?}");
        // A second answer in the same stream would be that of the smuggled request.
        assert!(!answer.body.contains("200 OK"), "{framing:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_or_too_long_is_refused() {
    let (_sentry, server) = start(&[]).await;
    let address = &server.address;
    let long = "a".repeat(64 * 1024);
    let many = "X-Many: a\r\n".repeat(200);
    for request in [
        format!("GET /{long} HTTP/1.1\r\nHost: {address}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nX: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {address}\r\n{many}\r\n"),
    ] {
        let answer = raw(address, request.as_bytes()).await;
        assert!(matches!(answer.status, 400 | 414 | 431), "{answer:?}");
    }
    assert_eq!(server.send("GET", "/livez", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_too_deep_or_no_message_is_refused() {
    let (_sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let large = format!("\"{}\"", "a".repeat(256 * 1024));
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let call = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
    };
    for (body, status) in [
        (large.as_str(), 413),
        (&deep(10_000), 400),
        (&call(&format!(r#"{{"name":"whoami","arguments":{}}}"#, deep(100))), 400),
        ("", 400),
        ("{", 400),
        ("nonsense", 400),
        ("[]", 400),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#, 400),
        ("\"text\"", 400),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#, 400),
        (&call(r#"{"name":"whoami","name":"create_project"}"#), 400),
        (&call(r#"{"name":"whoami","n\u0061me":"create_project"}"#), 400),
        (&call(r#"{"name":"whoami"},"params":{"name":"create_project"}"#), 400),
        (&call(r#"{"name":7}"#), 400),
    ] {
        let answer = server.post("/mcp", Some(&token), body).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(answer.status, status, "{shown}: {answer:?}");
        if status == 400 {
            assert!(answer.json()["error"]["code"].is_i64(), "{shown}: {answer:?}");
        }
    }
    // Without a length the limit is found while reading.
    let address = &server.address;
    let chunk = format!("{:x}\r\n{}\r\n", 300_000, "a".repeat(300_000));
    let chunked = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
    );
    assert_eq!(raw(address, chunked.as_bytes()).await.status, 413);
}

#[tokio::test]
async fn a_header_that_contradicts_the_body_lets_nothing_through() {
    let (sentry, server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let bearer = format!("Bearer {token}");
    sentry.reset_requests();
    let params = json!({ "name": "create_project", "arguments": {} });
    let body = message(Era::Stateless, "tools/call", params).to_string();
    for (method, name) in [("tools/list", ""), ("tools/call", "whoami"), ("ping", "create_project")]
    {
        let headers = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("Authorization", bearer.as_str()),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", method),
            ("Mcp-Name", name),
        ];
        let answer = server.send("POST", "/mcp", &headers, &body).await;
        assert!(matches!(answer.status, 400 | 403), "{method} {name}: {answer:?}");
    }
    let harmless = message(Era::Stateless, "tools/list", json!({})).to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("Authorization", bearer.as_str()),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "create_project"),
    ];
    assert_eq!(server.send("POST", "/mcp", &headers, &harmless).await.status, 400);
    assert_eq!(sentry.requests().len(), 0);
}
