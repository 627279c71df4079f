//! Starts the binary beside a simulated Sentry, logs people in, and speaks MCP.

use std::{collections::HashMap, process::ExitStatus, process::Stdio};

use sentry_sim::{OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, OAuthUser, Simulation};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};
use url::Url;

use crate::http::{Answer, PATIENCE, form, send};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Nobody listens there; tests read the redirect instead of following it.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// `initialize`, then calls (2025-11-25 and before).
    Handshake,
    /// Each request stands alone (2026-07-28).
    Stateless,
}

pub(crate) const ERAS: [Era; 2] = [Era::Handshake, Era::Stateless];

/// The command, with an environment that holds nothing of the developer's.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sentry-mcp-http"));
    command.args(args).env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The command, pointed at a simulated Sentry, on a free port.
pub(crate) fn command_for(sentry: &Simulation, args: &[&str]) -> Command {
    let mut command = command(args);
    command
        .env("SENTRY_MCP_BIND", "127.0.0.1:0")
        .env("SENTRY_MCP_STORE", "memory")
        .env("SENTRY_HOST", sentry.host())
        .env("SENTRY_MCP_INSECURE_HTTP", "true")
        .env("SENTRY_MCP_REGION_HOSTS", sentry.region_host())
        .env("SENTRY_MCP_DOCS_URL", sentry.docs_url())
        .env("SENTRY_MCP_DOCS_BASE_URL", sentry.docs_base_url())
        .env("SENTRY_CLIENT_ID", OAUTH_CLIENT_ID)
        .env("SENTRY_CLIENT_SECRET", OAUTH_CLIENT_SECRET);
    command
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// What it calls its endpoint.
    pub(crate) endpoint: String,
}

/// Both, with everybody logged in by himself at Sentry.
pub(crate) async fn start(args: &[&str]) -> (Simulation, Server) {
    let sentry = Simulation::start().await.unwrap();
    sentry.approve_oauth_as(Some(OAuthUser::Owner));
    let server = Server::spawn(&mut command_for(&sentry, args)).await;
    (sentry, server)
}

impl Server {
    /// Starts a server and waits until it says that it is ready.
    pub(crate) async fn spawn(command: &mut Command) -> Server {
        let mut child = command.spawn().expect("the binary starts");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let read =
                timeout(PATIENCE, stderr.read_line(&mut line)).await.expect("a start in time");
            assert_ne!(read.unwrap(), 0, "the server ended: {said}");
            if let Some(ready) = line.strip_prefix("ready: ") {
                let (endpoint, rest) = ready.trim().split_once(" (listening on ").unwrap();
                let address = rest.trim_end_matches(')').to_owned();
                return Server { child, stderr, address, endpoint: endpoint.to_owned() };
            }
            said.push_str(&line);
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// Asks it to stop.
    pub(crate) async fn terminate(&self) {
        let pid = self.pid().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        assert!(killed.success());
    }

    /// Waits for the end; returns what was left on stderr.
    pub(crate) async fn exit(&mut self) -> (ExitStatus, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("an end in time").unwrap();
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).await.unwrap();
        (status, rest)
    }

    /// One request to any path.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        send(&self.address, method, path, headers, body).await
    }

    /// One message to an MCP path, with or without a token.
    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &str) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        self.send("POST", path, &headers, body).await
    }

    /// One request of the protocol of this era.
    pub(crate) async fn ask(
        &self,
        era: Era,
        (path, token): (&str, &str),
        method: &str,
        params: Value,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let body = message(era, method, params);
        let mut headers = vec![
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("Authorization", &bearer),
            ("MCP-Protocol-Version", version(era)),
        ];
        if era == Era::Stateless {
            headers.push(("Mcp-Method", method));
            if !name.is_empty() {
                headers.push(("Mcp-Name", &name));
            }
        }
        self.send("POST", path, &headers, &body.to_string()).await
    }

    /// The names of the tools that a token lists at a path.
    pub(crate) async fn tools(&self, at: (&str, &str)) -> Vec<String> {
        let answer = self.ask(Era::Stateless, at, "tools/list", json!({})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let tools = answer["result"]["tools"].as_array().expect("a list of tools");
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Calls a tool: its text, or its text as an error.
    pub(crate) async fn call(
        &self,
        at: (&str, &str),
        tool: &str,
        args: Value,
    ) -> Result<String, String> {
        let params = json!({ "name": tool, "arguments": args });
        let answer = self.ask(Era::Stateless, at, "tools/call", params).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        if result["isError"] == true { Err(text.to_owned()) } else { Ok(text.to_owned()) }
    }

    /// Registers a client, logs in, approves the levels, and takes the tokens.
    pub(crate) async fn log_in(&self, resource: &str, levels: &[&str]) -> Tokens {
        let client = self.register().await;
        let code = self.authorize(&client, resource, levels).await;
        let answer = self
            .token(&[
                ("grant_type", "authorization_code"),
                ("client_id", &client),
                ("code", &code),
                ("redirect_uri", REDIRECT),
                ("code_verifier", VERIFIER),
            ])
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        let field = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Tokens {
            client,
            access: field("access_token"),
            refresh: field("refresh_token"),
            scope: field("scope"),
        }
    }

    /// The id of a new public client.
    pub(crate) async fn register(&self) -> String {
        let client = json!({
            "client_name": "e2e",
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none",
        });
        let headers = [("Content-Type", "application/json")];
        let answer = self.send("POST", "/oauth/register", &headers, &client.to_string()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["client_id"].as_str().unwrap().to_owned()
    }

    /// Through the dialog and through Sentry: the code.
    async fn authorize(&self, client: &str, resource: &str, levels: &[&str]) -> String {
        let resource = format!("{}{resource}", self.endpoint.trim_end_matches("/mcp"));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "client-state"),
            ("resource", &resource),
        ]);
        let dialog = self.send("GET", &format!("/oauth/authorize?{query}"), &[], "").await;
        assert_eq!(dialog.status, 200, "{dialog:?}");
        let mut cookies = dialog.cookies();
        let request = dialog.body.split("name=\"request\" value=\"").nth(1).unwrap();
        let request = request.split('"').next().unwrap().replace("&#38;", "&");
        let mut pairs = vec![("request", request.as_str()), ("decision", "approve")];
        pairs.extend(levels.iter().map(|level| ("level", *level)));
        let origin = self.endpoint.trim_end_matches("/mcp").to_owned();
        let jar = jar(&cookies);
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", &origin),
            ("Sec-Fetch-Site", "same-origin"),
            ("Cookie", &jar),
        ];
        let approved = self.send("POST", "/oauth/authorize", &headers, &form(&pairs)).await;
        cookies.extend(approved.cookies());
        let sentry = location(&approved);
        let host = format!("{}:{}", sentry.host_str().unwrap(), sentry.port().unwrap());
        let path = sentry[url::Position::BeforePath..].to_owned();
        let back = location(&send(&host, "GET", &path, &[], "").await);
        let path = back[url::Position::BeforePath..].to_owned();
        let jar = self::jar(&cookies);
        let done = location(&self.send("GET", &path, &[("Cookie", &jar)], "").await);
        assert!(done.as_str().starts_with(REDIRECT), "{done}");
        let pairs: HashMap<_, _> = done.query_pairs().into_owned().collect();
        assert_eq!(pairs.get("state").map(String::as_str), Some("client-state"), "{done}");
        pairs.get("code").unwrap_or_else(|| panic!("{done}")).clone()
    }

    /// A request to the token endpoint.
    pub(crate) async fn token(&self, pairs: &[(&str, &str)]) -> Answer {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", "/oauth/token", &headers, &form(pairs)).await
    }

    /// A request to the revocation endpoint.
    pub(crate) async fn revoke(&self, tokens: &Tokens) -> Answer {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let pairs = [("client_id", tokens.client.as_str()), ("token", &tokens.refresh)];
        self.send("POST", "/oauth/revoke", &headers, &form(&pairs)).await
    }
}

/// What a login gave.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) client: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) scope: String,
}

fn jar(cookies: &HashMap<String, String>) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn location(answer: &Answer) -> Url {
    assert!((300..400).contains(&answer.status), "{answer:?}");
    answer.header("location").unwrap().parse().unwrap()
}

/// The newest version of an era.
pub(crate) fn version(era: Era) -> &'static str {
    match era {
        Era::Handshake => "2025-11-25",
        Era::Stateless => "2026-07-28",
    }
}

/// A request of the protocol of this era.
pub(crate) fn message(era: Era, method: &str, mut params: Value) -> Value {
    if era == Era::Stateless {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "e2e", "version": "0" },
        });
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// What a finished command printed.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) async fn run(command: &mut Command) -> Finished {
    let output = timeout(PATIENCE, command.output()).await.expect("an end in time").unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
