//! What a client cannot break: bad lines, long lines, signals, and both protocol eras.

use std::time::{Duration, Instant};

use sentry_sim::{Fault, FaultKind, Simulation};
use serde_json::json;

use crate::harness::{ERAS, Era, Server};

#[tokio::test]
async fn malformed_lines_do_not_end_the_server() {
    let sentry = Simulation::start().await.unwrap();
    for era in ERAS {
        let mut server = Server::start(era, &sentry, &[]).await;
        for line in [
            &b"this is not json"[..],
            b"",
            b"{",
            b"[]",
            b"[{\"jsonrpc\":\"2.0\"}]",
            b"null",
            b"{\"jsonrpc\":\"2.0\",\"id\":99}",
            b"{\"jsonrpc\":\"1.0\",\"id\":98,\"method\":\"tools/list\"}",
            b"\xff\xfe\x00",
        ] {
            server.send_line(line).await;
        }
        let answer = server.call("whoami", json!({})).await.expect("the server goes on");
        assert!(answer.contains('@'), "{answer}");
        assert!(server.close().await.0.success());
    }
}

#[tokio::test]
async fn a_line_of_ten_megabytes_is_refused_and_the_server_goes_on() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    let mut line =
        br#"{"jsonrpc":"2.0","id":500,"method":"tools/call","params":{"name":""#.to_vec();
    line.resize(10 << 20, b'x');
    line.extend_from_slice(br#""}}"#);
    server.send_line(&line).await;
    assert!(server.call("whoami", json!({})).await.is_ok());
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(kib < 80 << 10, "{kib} KiB at the peak");
}

#[tokio::test]
async fn the_end_of_input_is_a_clean_end() {
    let sentry = Simulation::start().await.unwrap();
    for era in ERAS {
        let mut server = Server::start(era, &sentry, &[]).await;
        server.tools().await;
        let (status, stderr) = server.close().await;
        assert!(status.success(), "{stderr}");
        assert_eq!(stderr, "");
    }
}

/// A server with some calls in flight that Sentry does not answer.
async fn with_hanging_calls(sentry: &Simulation, calls: usize) -> Server {
    sentry.inject(Fault::on("/issues/", FaultKind::Hang));
    let mut server = Server::start(Era::Handshake, sentry, &[]).await;
    for _ in 0..calls {
        let args = json!({ "organizationSlug": "aurora-labs", "issueId": "CHECKOUT-API-1" });
        let params = json!({ "name": "get_issue_details", "arguments": args });
        server.start_request("tools/call", params).await;
    }
    server
}

#[tokio::test]
async fn sigterm_ends_the_server_within_a_second_whatever_is_in_flight() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = with_hanging_calls(&sentry, 64).await;
    assert!(server.call("search_docs", json!({ "query": "crons" })).await.is_ok());
    let started = Instant::now();
    // The shell's own `kill`: a bare system has no program of that name.
    let kill = format!("kill -TERM {}", server.pid());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let (status, _) = server.exit().await;
    assert!(started.elapsed() < Duration::from_secs(1), "took {:?}", started.elapsed());
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_client_that_dies_takes_the_server_with_it() {
    let sentry = Simulation::start().await.unwrap();
    let server = with_hanging_calls(&sentry, 64).await;
    let started = Instant::now();
    let (_, _) = server.close().await;
    assert!(started.elapsed() < Duration::from_secs(1), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_cancelled_call_gives_its_request_back_and_others_go_on() {
    let sentry = Simulation::start().await.unwrap();
    sentry.inject(Fault::on("/issues/", FaultKind::Hang));
    // The call that hangs holds the only request that may be under way.
    let flags = ["--max-concurrent-requests=1", "--first-byte-timeout=15"];
    let mut server = Server::start(Era::Handshake, &sentry, &flags).await;
    let args = json!({ "organizationSlug": "aurora-labs", "issueId": "CHECKOUT-API-1" });
    let params = json!({ "name": "get_issue_details", "arguments": args });
    let id = server.start_request("tools/call", params).await;
    while sentry.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let cancel = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id },
    });
    server.send(&cancel).await;
    let started = Instant::now();
    assert!(server.call("whoami", json!({})).await.is_ok());
    assert!(started.elapsed() < Duration::from_secs(10), "took {:?}", started.elapsed());
    assert!(server.close().await.0.success());
}

#[tokio::test]
async fn both_eras_get_the_same_tools_and_answers() {
    let sentry = Simulation::start().await.unwrap();
    let mut seen = Vec::new();
    for era in ERAS {
        let mut server = Server::start(era, &sentry, &["--all-scopes"]).await;
        let args = json!({ "organizationSlug": "aurora-labs", "issueId": "CHECKOUT-API-1" });
        let answer = server.call("get_issue_details", args).await.unwrap();
        seen.push((server.tools().await, answer));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn the_list_is_private_and_says_how_long_it_holds() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    let answer = server.request("tools/list", json!({})).await;
    assert_eq!(answer["result"]["cacheScope"], "private");
    assert!(answer["result"]["ttlMs"].as_u64().unwrap() > 0, "{answer}");
}

#[tokio::test]
async fn the_instructions_name_the_scopes_and_the_way_to_more() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &["--scopes=event:read"]).await;
    let answer = server.request("server/discover", json!({})).await;
    let text = answer["result"]["instructions"].as_str().unwrap();
    assert!(text.split_whitespace().count() < 120, "{text}");
    assert!(text.contains("event:read") && text.contains("--scopes"), "{text}");
}

#[tokio::test]
async fn the_tool_list_stays_small() {
    let sentry = Simulation::start().await.unwrap();
    for (flags, budget) in [(&[][..], 11_600), (&["--all-scopes"], 16_000)] {
        let mut server = Server::start(Era::Handshake, &sentry, flags).await;
        let answer = server.request("tools/list", json!({})).await;
        let bytes = answer["result"]["tools"].to_string().len();
        assert!(bytes < budget, "{bytes} bytes, the budget is {budget}");
    }
}

#[tokio::test]
async fn nothing_is_asked_at_the_start_unless_it_is_asked_for() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    server.tools().await;
    assert!(sentry.requests().is_empty());

    let mut server = Server::start(Era::Handshake, &sentry, &["--probe=start"]).await;
    server.tools().await;
    let paths: Vec<String> = sentry.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/0/"]);
}
