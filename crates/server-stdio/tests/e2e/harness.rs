//! Starts the binary, speaks JSON-RPC with it, and holds it to deadlines.

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use sentry_sim::{Simulation, tokens};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// Nothing in these tests may take longer; what hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// `initialize`, then calls (2025-11-25 and before).
    Handshake,
    /// Each request stands alone (2026-07-28).
    Stateless,
    /// The first version that was published (2024-11-05).
    First,
}

impl Era {
    /// The version that a client names first, if it begins with that.
    fn handshake(self) -> Option<&'static str> {
        match self {
            Era::Handshake => Some("2025-11-25"),
            Era::Stateless => None,
            Era::First => Some("2024-11-05"),
        }
    }
}

pub(crate) const ERAS: [Era; 2] = [Era::Handshake, Era::Stateless];

/// The command, with an environment that holds nothing of the developer's.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sentry-mcp"));
    command.args(args).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The command, pointed at a simulated Sentry with a token of all scopes.
pub(crate) fn command_for(sentry: &Simulation, args: &[&str]) -> Command {
    command_as(sentry, tokens::ADMIN, args)
}

/// The command, pointed at a simulated Sentry with some token.
pub(crate) fn command_as(sentry: &Simulation, token: &str, args: &[&str]) -> Command {
    let mut command = command(args);
    command
        .arg("--insecure-http")
        .env("SENTRY_HOST", sentry.host())
        .env("SENTRY_ACCESS_TOKEN", token)
        .env("SENTRY_MCP_REGION_HOSTS", sentry.region_host())
        .env("SENTRY_MCP_DOCS_URL", sentry.docs_url())
        .env("SENTRY_MCP_DOCS_BASE_URL", sentry.docs_base_url());
    command
}

/// A running server and the client's end of its pipes.
pub(crate) struct Server {
    era: Era,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    next_id: i64,
    /// Everything that came out of stdout.
    pub(crate) transcript: String,
}

impl Server {
    /// Starts a server for a simulated Sentry and goes through the handshake if there is one.
    pub(crate) async fn start(era: Era, sentry: &Simulation, args: &[&str]) -> Server {
        Server::spawn(era, &mut command_for(sentry, args)).await
    }

    /// The same with any command.
    pub(crate) async fn spawn(era: Era, command: &mut Command) -> Server {
        let mut child = command.spawn().expect("the binary starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let transcript = String::new();
        let mut server = Server { era, child, stdin, stdout, next_id: 0, transcript };
        if let Some(version) = era.handshake() {
            let params = json!({
                "protocolVersion": version,
                "capabilities": {},
                "clientInfo": { "name": "e2e", "version": "0" },
            });
            let answer = server.request("initialize", params).await;
            assert!(answer.get("result").is_some(), "{answer}");
            server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        }
        server
    }

    /// Writes one raw line.
    pub(crate) async fn send_line(&mut self, line: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(line).await.unwrap();
        stdin.write_all(b"\n").await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Writes one message.
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_line(message.to_string().as_bytes()).await;
    }

    /// The next message; the test fails if it is not JSON-RPC.
    pub(crate) async fn receive(&mut self) -> Value {
        let line = timeout(PATIENCE, self.stdout.next_line()).await;
        let line = line.expect("an answer in time").unwrap().expect("the server is there");
        self.transcript.push_str(&line);
        let message: Value = serde_json::from_str(&line).expect("stdout holds nothing but JSON");
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// Sends a request without waiting; returns its id.
    pub(crate) async fn start_request(&mut self, method: &str, mut params: Value) -> i64 {
        self.next_id += 1;
        if self.era == Era::Stateless {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "e2e", "version": "0" },
            });
        }
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        id
    }

    /// Sends a request and waits for its answer; notifications in between are passed over.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start_request(method, params).await;
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The names of the tools that are listed, in order.
    pub(crate) async fn tools(&mut self) -> Vec<String> {
        let answer = self.request("tools/list", json!({})).await;
        let tools = answer["result"]["tools"].as_array().expect("a list of tools");
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Calls a tool: its text, or its text as an error.
    pub(crate) async fn call(&mut self, tool: &str, args: Value) -> Result<String, String> {
        let answer = self.request("tools/call", json!({ "name": tool, "arguments": args })).await;
        outcome(&answer)
    }

    /// Closes stdin; the server must end by itself, cleanly.
    pub(crate) async fn close(mut self) -> (ExitStatus, String) {
        drop(self.stdin.take());
        self.exit().await
    }

    /// Waits for the end; returns what was on stderr.
    pub(crate) async fn exit(&mut self) -> (ExitStatus, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("an end in time").unwrap();
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut stderr).await.unwrap();
        }
        (status, stderr)
    }

    /// The process id, for signals.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }
}

/// The text of an answer to `tools/call`.
pub(crate) fn outcome(answer: &Value) -> Result<String, String> {
    if let Some(error) = answer.get("error") {
        return Err(format!("{} {}", error["code"], error["message"].as_str().unwrap_or_default()));
    }
    let result = &answer["result"];
    let text = result["content"][0]["text"].as_str().expect("one block of text").to_owned();
    if result["isError"] == true { Err(text) } else { Ok(text) }
}

/// What a finished command printed.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end, with nothing on stdin.
pub(crate) async fn run(mut command: Command) -> Finished {
    command.stdin(Stdio::null());
    let output = timeout(PATIENCE, command.output()).await.expect("an end in time").unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
