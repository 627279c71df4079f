//! The end: no request in flight fails, and nobody waits for ever.

use std::time::Duration;

use sentry_sim::{Fault, FaultKind};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    harness::{Server, start},
    http::{PATIENCE, raw_over, request},
};

fn teams() -> serde_json::Value {
    json!({ "organizationSlug": "aurora-labs" })
}

fn slow_teams(kind: FaultKind) -> Fault {
    Fault::on("/api/0/organizations/aurora-labs/teams/", kind)
}

async fn until_asked(sentry: &sentry_sim::Simulation) {
    let asked = async {
        while !sentry.requests().iter().any(|request| request.path.ends_with("/teams/")) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asked).await.expect("the call is under way");
}

async fn until_unready(server: &Server) {
    let unready = async { while server.send("GET", "/readyz", &[], "").await.status != 503 {} };
    timeout(PATIENCE, unready).await.expect("it says that it stops");
}

#[tokio::test]
async fn a_call_in_flight_is_finished_before_the_server_ends() {
    let (sentry, mut server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    sentry.inject(slow_teams(FaultKind::Latency(Duration::from_millis(1_500))));
    let (answer, ()) = tokio::join!(server.call(("/mcp", &token), "find_teams", teams()), async {
        until_asked(&sentry).await;
        server.terminate().await;
        until_unready(&server).await;
    });
    assert!(answer.unwrap().contains("payments"));
    let (status, stderr) = server.exit().await;
    assert!(status.success(), "{stderr}");
}

#[tokio::test]
async fn the_time_to_finish_is_bounded() {
    let (sentry, mut server) = start(&["--drain-timeout=0"]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    sentry.inject(slow_teams(FaultKind::Hang));
    let hanging = async {
        let answer = server.post(
            "/mcp",
            Some(&token),
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find_teams","arguments":{"organizationSlug":"aurora-labs"}}}"#,
        );
        assert_ne!(answer.await.status, 200);
    };
    tokio::join!(hanging, async {
        until_asked(&sentry).await;
        server.terminate().await;
    });
    assert!(server.exit().await.0.success());
}

#[tokio::test]
async fn asked_twice_it_ends_at_once() {
    let (sentry, mut server) = start(&[]).await;
    let token = server.log_in("/mcp", &[]).await.access;
    sentry.inject(slow_teams(FaultKind::Hang));
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find_teams","arguments":{"organizationSlug":"aurora-labs"}}}"#;
    tokio::join!(server.post("/mcp", Some(&token), call), async {
        until_asked(&sentry).await;
        server.terminate().await;
        until_unready(&server).await;
        server.terminate().await;
    });
    let ended = timeout(Duration::from_secs(10), server.exit()).await;
    assert!(ended.expect("long before the call would end").0.success());
}

#[tokio::test]
async fn a_connection_that_was_just_made_still_gets_its_first_request_answered() {
    let (_sentry, mut server) = start(&[]).await;
    server.terminate().await;
    until_unready(&server).await;
    let stream = TcpStream::connect(&server.address).await.unwrap();
    let request = request(&server.address, "GET", "/livez", &[], "");
    let closed = async {
        // One after the other, so that nobody waits in the queue of the socket.
        while let Ok(mut other) = TcpStream::connect(&server.address).await {
            let _ = other.write_all(request.as_bytes()).await;
            let _ = other.read_to_end(&mut Vec::new()).await;
        }
    };
    timeout(PATIENCE, closed).await.expect("nobody else is let in");
    assert_eq!(raw_over(stream, request.as_bytes()).await.status, 200);
    assert!(server.exit().await.0.success());
}
