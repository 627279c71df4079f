//! The server over a pipe in memory: with a real client, and with one that misbehaves.

use std::{borrow::Cow, sync::Arc, time::Duration};

use async_trait::async_trait;
use rmcp::{
    ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResult, CancelledNotificationParam, ClientRequest,
        ErrorCode, Request,
    },
    service::{PeerRequestOptions, ServiceError},
};
use scopes::{Granted, Origin, Scope, ScopeSet};
use sentry_client::{Client, Settings, Site, TokenSource};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream},
    sync::Notify,
    task::JoinHandle,
};
use tools::{
    answer::Answer,
    error::{Error, Result},
    gate::{Grant, Reason, Refusal},
    registry::{Call, ToolRegistry},
    tool::{Effect, Meta, ToolSpec, Upstream},
};

use super::*;
use crate::{Caller, config::Probe, wire};

/// Three tools: one works, one is refused, and a call of another name ends as the name says.
struct Fake {
    specs: Vec<ToolSpec>,
    /// Notified when a call of `hang` was dropped.
    dropped: Arc<Notify>,
}

fn spec(name: &'static str, effect: Effect) -> ToolSpec {
    ToolSpec {
        meta: Meta {
            name,
            effect,
            requires: ScopeSet::EMPTY,
            upstream: Upstream::ANY,
            pointless_in: None,
            needs: None,
            takes: None,
        },
        description: format!("Does {name}."),
        input_schema: Map::from_iter([("type".to_owned(), "object".into())]),
        output_schema: None,
    }
}

struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[async_trait]
impl ToolRegistry for Fake {
    fn all(&self) -> Vec<&ToolSpec> {
        self.specs.iter().collect()
    }

    fn check(&self, grant: &Grant, name: &str) -> Result<(), Refusal> {
        let reason = match name {
            "write" => Reason::NotGranted { missing: ScopeSet::of(&[Scope::EventWrite]) },
            "wread" => Reason::Unknown { nearest: Some("read") },
            _ => return Ok(()),
        };
        Err(Refusal {
            tool: name.to_owned(),
            needs: ScopeSet::of(&[Scope::EventWrite]),
            origin: grant.granted.origin.clone(),
            granted: grant.granted.scopes,
            reason,
        })
    }

    fn visible(&self, grant: &Grant) -> Vec<Cow<'_, ToolSpec>> {
        let visible = self.specs.iter().filter(|spec| self.check(grant, spec.meta.name).is_ok());
        visible.map(Cow::Borrowed).collect()
    }

    fn takes(&self, _name: &str) -> Option<Duration> {
        None
    }

    async fn call(&self, call: Call<'_>) -> Result<Answer> {
        let Call { grant, name, args, progress, .. } = call;
        self.check(grant, name)?;
        match name {
            "panic" => panic!("with {args:?}"),
            "hang" => {
                let _dropped = Dropped(Arc::clone(&self.dropped));
                std::future::pending().await
            }
            "report" => {
                progress.report(1, "halfway");
                progress.report(2, "nearly there");
                Ok(Answer::new("done"))
            }
            "fail" => Err(Error::input("name the organization")),
            _ => Ok(Answer::new(format!("{name} {}", Value::Object(args)))),
        }
    }
}

struct Harness {
    server: McpServer,
    dropped: Arc<Notify>,
}

fn fake() -> Harness {
    fake_at(Settings::default(), TokenSource::Missing, Probe::Lazy)
}

fn fake_at(settings: Settings, token: TokenSource, probe: Probe) -> Harness {
    let dropped = Arc::new(Notify::new());
    let names = [("read", Effect::Read), ("write", Effect::Update), ("hang", Effect::Read)];
    let specs = names.map(|(name, effect)| spec(name, effect)).into();
    let registry = Fake { specs, dropped: Arc::clone(&dropped) };
    let granted = Granted { scopes: scopes::DEFAULT_GRANT, origin: Origin::Default };
    let sentry = Client::new(settings, token);
    let caller = Caller { grant: Grant::new(granted), sentry };
    Harness { server: McpServer::new(registry, caller, probe), dropped }
}

type Running = JoinHandle<io::Result<()>>;

/// The client's end of a pipe whose other end is served.
fn serve_fake(harness: &Harness) -> (DuplexStream, Running) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(theirs);
    let server = harness.server.clone();
    (ours, tokio::spawn(run(server, input, output, std::future::pending())))
}

/// A client that sends what it likes.
struct Raw {
    read: tokio::io::Lines<BufReader<tokio::io::ReadHalf<DuplexStream>>>,
    write: tokio::io::WriteHalf<DuplexStream>,
    running: Running,
}

impl Raw {
    fn start() -> Raw {
        let (ours, running) = serve_fake(&fake());
        let (read, write) = tokio::io::split(ours);
        Raw { read: BufReader::new(read).lines(), write, running }
    }

    async fn send(&mut self, line: &[u8]) {
        self.write.write_all(line).await.unwrap();
        self.write.write_all(b"\n").await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        let line = self.read.next_line().await.unwrap().expect("the server goes on");
        serde_json::from_str(&line).unwrap()
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.send(line.as_bytes()).await;
        self.receive().await
    }

    async fn goes_on(&mut self) {
        let answer = self.ask(r#"{"jsonrpc":"2.0","id":"still","method":"tools/list"}"#).await;
        assert_eq!(answer["id"], "still");
        assert_eq!(answer["result"]["tools"][0]["name"], "read");
    }
}

fn called(name: &'static str) -> CallToolRequestParams {
    CallToolRequestParams::new(name)
}

#[tokio::test]
async fn a_client_lists_what_it_may_call_and_calls_it() {
    let (pipe, running) = serve_fake(&fake());
    let client = ().serve(pipe).await.unwrap();
    let info = client.peer_info().unwrap();
    assert_eq!(info.server_info.as_ref().unwrap().name, "sentry-mcp");
    assert!(info.instructions.as_ref().unwrap().contains("event:read"));
    let tools = client.list_all_tools().await.unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(names, ["read", "hang"]);

    let args = json!({ "a": 1 }).as_object().cloned().unwrap();
    let result = client.call_tool(called("read").with_arguments(args)).await.unwrap();
    assert_eq!((result.is_error, wire::text_of(&result)), (Some(false), r#"read {"a":1}"#.into()));
    client.cancel().await.unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn refusals_and_failures_are_told_to_the_model() {
    let (pipe, _running) = serve_fake(&fake());
    let client = ().serve(pipe).await.unwrap();
    for (name, words) in [("write", "--add-scopes=event:write"), ("fail", "name the organization")]
    {
        let result: CallToolResult = client.call_tool(called(name)).await.unwrap();
        assert_eq!(result.is_error, Some(true));
        assert!(wire::text_of(&result).contains(words));
    }
}

#[tokio::test]
async fn progress_reaches_a_client_that_asked_for_it_and_before_the_answer() {
    let mut raw = Raw::start();
    let call = |meta: Value| {
        let params = json!({ "name": "report", "_meta": meta });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
    };
    let first = raw.ask(&call(json!({ "progressToken": "t" }))).await;
    let second = raw.receive().await;
    let reports = [(&first, 1.0, "halfway"), (&second, 2.0, "nearly there")];
    for (report, step, message) in reports {
        assert_eq!(report["method"], "notifications/progress", "{report}");
        let params = &report["params"];
        assert_eq!(params["progressToken"], "t");
        assert_eq!(
            (params["progress"].as_f64(), &params["message"]),
            (Some(step), &json!(message))
        );
    }
    assert_eq!(raw.receive().await["result"]["content"][0]["text"], "done");
    assert_eq!(raw.ask(&call(json!({}))).await["id"], 1, "nobody else is told");
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_protocol_that_names_the_nearest() {
    let (pipe, _running) = serve_fake(&fake());
    let client = ().serve(pipe).await.unwrap();
    let Err(ServiceError::McpError(error)) = client.call_tool(called("wread")).await else {
        panic!("expected an error of the protocol");
    };
    assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
    assert!(error.message.contains("`read`"), "{}", error.message);
}

#[tokio::test]
async fn a_panic_is_answered_with_a_reference_and_the_server_goes_on() {
    let (pipe, _running) = serve_fake(&fake());
    let client = ().serve(pipe).await.unwrap();
    let args = json!({ "secret": "hunter2" }).as_object().cloned().unwrap();
    let Err(ServiceError::McpError(error)) =
        client.call_tool(called("panic").with_arguments(args)).await
    else {
        panic!("expected an error of the protocol");
    };
    assert_eq!(error.code, ErrorCode::INTERNAL_ERROR);
    assert!(error.message.contains("reference ") && !error.message.contains("hunter2"));
    assert!(client.call_tool(called("read")).await.is_ok());
}

#[tokio::test]
async fn a_cancelled_call_is_dropped() {
    let harness = fake();
    let (pipe, _running) = serve_fake(&harness);
    let client = ().serve(pipe).await.unwrap();
    let request = ClientRequest::CallToolRequest(Request::new(called("hang")));
    let options = PeerRequestOptions::no_options();
    let handle = client.send_cancellable_request(request, options).await.unwrap();
    assert!(client.call_tool(called("read")).await.is_ok(), "others go on meanwhile");
    client
        .notify_cancelled(CancelledNotificationParam::new(Some(handle.id.clone()), None))
        .await
        .unwrap();
    harness.dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_is_stopped_from_outside() {
    let (pipe, _running) = serve_fake(&fake());
    let client = ().serve(pipe).await.unwrap();
    let result = client.call_tool(called("hang")).await.unwrap();
    assert_eq!(result.is_error, Some(true));
    assert!(wire::text_of(&result).contains("stopped after 47 s"));
}

#[tokio::test]
async fn the_end_of_input_is_the_end_after_the_answers_in_flight() {
    let mut raw = Raw::start();
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read"}}"#;
    // The line feed is missing.
    raw.write.write_all(call.as_bytes()).await.unwrap();
    raw.write.shutdown().await.unwrap();
    assert_eq!(raw.receive().await["id"], 7);
    assert!(raw.read.next_line().await.unwrap().is_none());
    raw.running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_that_hang_do_not_hold_up_the_end() {
    let mut raw = Raw::start();
    for id in 0..64 {
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "hang" } });
        raw.send(call.to_string().as_bytes()).await;
    }
    let started = tokio::time::Instant::now();
    raw.write.shutdown().await.unwrap();
    raw.running.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_request_to_stop_is_followed_at_once_whatever_is_in_flight() {
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(theirs);
    let stop = CancellationToken::new();
    let running = tokio::spawn(run(fake().server, input, output, stop.clone().cancelled_owned()));
    let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}"#;
    ours.write_all(call).await.unwrap();
    ours.write_all(b"\n").await.unwrap();
    let started = tokio::time::Instant::now();
    stop.cancel();
    running.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_line_that_is_no_message_is_answered_and_the_server_goes_on() {
    let mut raw = Raw::start();
    for (line, code, id) in [
        ("this is not json", -32700, Value::Null),
        ("{", -32700, Value::Null),
        ("null", -32600, Value::Null),
        ("[]", -32600, Value::Null),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":99}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"1.0","id":98,"method":"tools/list"}"#, -32600, 98.into()),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":97,"method":"tools/call","params":{}}"#, -32602, 97.into()),
        (r#"{"jsonrpc":"2.0","id":96,"method":"no/such"}"#, -32601, 96.into()),
    ] {
        let answer = raw.ask(line).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&code.into(), &id), "{line}");
    }
    raw.send(b"\xff\xfe\x00").await;
    assert_eq!(raw.receive().await["error"]["code"], -32700);
    raw.goes_on().await;
}

#[tokio::test]
async fn what_needs_no_answer_gets_none() {
    let mut raw = Raw::start();
    for line in [
        "",
        "   \r",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#,
        r#"{"jsonrpc":"2.0","method":7}"#,
        r#"{"jsonrpc":"2.0","id":3,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"no"}}"#,
    ] {
        raw.send(line.as_bytes()).await;
    }
    raw.goes_on().await;
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_without_being_kept() {
    let mut raw = Raw::start();
    let long = vec![b'x'; line::MAX_LINE + 1];
    for _ in 0..2 {
        raw.send(&long).await;
        let answer = raw.receive().await;
        assert_eq!(answer["error"]["code"], -32600);
        assert!(answer["error"]["message"].as_str().unwrap().contains("4 MiB"));
    }
    raw.goes_on().await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_neither_blocks_nor_changes_the_list() {
    // It accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let site = Site::parse_host(&host, true).unwrap();
    let silent_sentry = Settings { site, ..Settings::default() };
    for harness in [
        fake_at(Settings::default(), TokenSource::Missing, Probe::Start),
        fake_at(silent_sentry, TokenSource::fixed("token"), Probe::Start),
    ] {
        let started = tokio::time::Instant::now();
        let tools = harness.server.tools().await;
        assert_eq!(tools.len(), 2);
        assert!(started.elapsed() <= Duration::from_millis(2100), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn both_protocols_are_spoken_on_one_connection() {
    let mut raw = Raw::start();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "0" },
    });
    let modern = |id: i32, method: &str| {
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "_meta": &meta } })
            .to_string()
    };
    let found = raw.ask(&modern(1, "server/discover")).await;
    assert!(
        found["result"]["supportedVersions"].as_array().unwrap().contains(&"2025-11-25".into())
    );
    // A notification between `server/discover` and the first request ends rmcp's own handshake.
    raw.send(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let list = raw.ask(&modern(2, "tools/list")).await;
    assert_eq!(list["result"]["cacheScope"], "private");
    assert_eq!(list["result"]["ttlMs"], 300_000);
    assert_eq!(list["result"]["resultType"], "complete");
    assert_eq!(raw.ask(&modern(3, "ping")).await["error"]["code"], -32601);

    let hello = json!({
        "jsonrpc": "2.0", "id": 4, "method": "initialize",
        "params": { "protocolVersion": "2025-06-18", "capabilities": {},
                    "clientInfo": { "name": "test", "version": "0" } },
    });
    let hello = raw.ask(&hello.to_string()).await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18");
    let ping = raw.ask(r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#).await;
    assert_eq!(ping["result"], json!({}));
    let list = raw.ask(r#"{"jsonrpc":"2.0","id":6,"method":"tools/list"}"#).await;
    assert!(list["result"].get("resultType").is_none(), "the old shape for an old client");
}
