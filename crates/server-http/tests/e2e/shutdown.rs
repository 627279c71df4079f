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
    http::PATIENCE,
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
async fn clients_that_come_and_go_while_it_ends_are_answered_or_not_let_in() {
    let (_sentry, mut server) = start(&[]).await;
    let request =
        format!("GET /livez HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
    let come_and_go = async || {
        let mut answered = 0;
        // The socket is closed at last, which a client sees before it has sent anything.
        while let Ok(mut stream) = TcpStream::connect(&server.address).await {
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
            answered += 1;
        }
        answered
    };
    let clients = async { tokio::join!(come_and_go(), come_and_go(), come_and_go()) };
    let (answered, ()) = tokio::join!(clients, server.terminate());
    assert!(answered.0 > 0 && answered.1 > 0 && answered.2 > 0, "{answered:?}");
    assert!(server.exit().await.0.success());
}
