//! How often, how many at a time, and whose address counts.

use sentry_sim::{Fault, FaultKind};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    harness::{Era, Server, command_for, message, start},
    http::{PATIENCE, request},
};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;

/// The bytes of a call, for a test that holds the connection itself.
fn call(server: &Server, token: &str, tool: &str, args: &serde_json::Value) -> String {
    let params = json!({ "name": tool, "arguments": args });
    let body = message(Era::Handshake, "tools/call", params).to_string();
    let bearer = format!("Bearer {token}");
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("Authorization", bearer.as_str()),
    ];
    request(&server.address, "POST", "/mcp", &headers, &body)
}

#[tokio::test]
async fn a_login_that_asks_too_often_is_told_when_to_come_back() {
    let (_sentry, server) = start(&["--caller-rate=5"]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    for _ in 0..5 {
        assert_eq!(server.post("/mcp", Some(&token), LIST).await.status, 200);
    }
    let answer = server.post("/mcp", Some(&token), LIST).await;
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_so_but_a_probe_is_answered() {
    let (_sentry, server) = start(&["--address-rate=4"]).await;
    for _ in 0..4 {
        assert_eq!(server.send("GET", "/", &[], "").await.status, 200);
    }
    let answer = server.send("GET", "/", &[], "").await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    // An address that nobody vouches for is not believed.
    let forged = [("X-Forwarded-For", "192.0.2.77")];
    assert_eq!(server.send("GET", "/", &forged, "").await.status, 429);
    assert_eq!(server.send("GET", "/livez", &[], "").await.status, 200);
}

#[tokio::test]
async fn an_address_that_keeps_being_refused_is_slowed_down() {
    let (_sentry, server) = start(&["--address-rate=20"]).await;
    for _ in 0..10 {
        assert_eq!(server.post("/mcp", Some("guess"), LIST).await.status, 401);
    }
    assert_eq!(server.post("/mcp", Some("guess"), LIST).await.status, 429);
    assert_eq!(server.send("GET", "/", &[], "").await.status, 200);
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_allowance() {
    let (_sentry, server) =
        start(&["--address-rate=2", "--behind-proxy=127.0.0.1,10.0.0.0/8"]).await;
    for client in ["192.0.2.1", "192.0.2.2", "198.51.100.9, 192.0.2.3", "192.0.2.4, 10.1.2.3"] {
        let headers = [("X-Forwarded-For", client)];
        for status in [200, 200, 429] {
            assert_eq!(server.send("GET", "/", &headers, "").await.status, status, "{client}");
        }
    }
    // What stands left of the address that the proxy saw was written by the client.
    let forged = [("X-Forwarded-For", "203.0.113.1, 192.0.2.1")];
    assert_eq!(server.send("GET", "/", &forged, "").await.status, 429);
}

#[tokio::test]
async fn calls_of_one_login_at_a_time_are_bounded_and_a_client_that_goes_away_frees_its_place() {
    let (sentry, server) = start(&["--max-concurrent-calls=1"]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    sentry.inject(Fault::on("/api/0/organizations/aurora-labs/teams/", FaultKind::Hang));
    let bytes = call(&server, &token, "find_teams", &json!({ "organizationSlug": "aurora-labs" }));
    let mut hanging = TcpStream::connect(&server.address).await.unwrap();
    hanging.write_all(bytes.as_bytes()).await.unwrap();
    let busy = async { while server.post("/mcp", Some(&token), LIST).await.status != 429 {} };
    timeout(PATIENCE, busy).await.expect("the call holds the only place");
    drop(hanging);
    let free = async { while server.post("/mcp", Some(&token), LIST).await.status != 200 {} };
    timeout(PATIENCE, free).await.expect("the place is free long before the call would end");
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_work_upstream() {
    let (sentry, _) = start(&[]).await;
    let docs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", docs.local_addr().unwrap());
    let mut command = command_for(&sentry, &[]);
    command.env("SENTRY_MCP_DOCS_URL", &url).env("SENTRY_MCP_FIRST_BYTE_TIMEOUT", "45");
    let server = Server::spawn(&mut command).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let bytes = call(&server, &token, "search_docs", &json!({ "query": "crons" }));
    let mut client = TcpStream::connect(&server.address).await.unwrap();
    client.write_all(bytes.as_bytes()).await.unwrap();
    let (mut upstream, _) = timeout(PATIENCE, docs.accept()).await.expect("asked").unwrap();
    let mut head = [0; 4];
    upstream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"POST");
    drop(client);
    let mut rest = Vec::new();
    let closed = timeout(PATIENCE, upstream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is given up long before the call would end");
}
