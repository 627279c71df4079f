//! The demo, and an MCP client of it that is allowed by a person in a browser.

use std::process::Stdio;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};
use url::Url;

use crate::chrome::PATIENCE;

// The pair of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// What the client calls itself unless a test says otherwise.
pub(crate) const NAME: &str = "Example Agent";

/// The server with its simulated Sentry.
pub(crate) struct Demo {
    _child: Child,
    /// Origins without a slash at the end.
    pub(crate) server: String,
    pub(crate) sentry: String,
}

impl Demo {
    pub(crate) async fn start() -> Demo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sentry-mcp-http"))
            .args(["demo", "--bind", "127.0.0.1:0", "--announce"])
            .env_clear()
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("text");
        let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let origin = |name: &str| line[name].as_str().expect("an origin").to_owned();
        Demo { server: origin("server"), sentry: origin("sentry"), _child: child }
    }
}

/// A client on this machine that registered itself.
pub(crate) struct Client {
    server: String,
    pub(crate) id: String,
    /// Where the browser is sent when it is over.
    pub(crate) redirect: String,
    arrivals: mpsc::UnboundedReceiver<String>,
    http: reqwest::Client,
}

impl Client {
    pub(crate) async fn register(demo: &Demo) -> Client {
        Client::named(demo, NAME).await
    }

    /// Registers under some name (RFC 7591).
    pub(crate) async fn named(demo: &Demo, name: &str) -> Client {
        let (redirect, arrivals) = listen(&demo.server).await;
        let http = plain_http();
        let registration = json!({
            "client_name": name,
            "redirect_uris": [redirect],
            "token_endpoint_auth_method": "none",
        });
        let response = http
            .post(format!("{}/oauth/register", demo.server))
            .header("content-type", "application/json")
            .body(registration.to_string())
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), StatusCode::CREATED);
        let body = body(response).await;
        let id = body["client_id"].as_str().expect("an id").to_owned();
        Client { server: demo.server.clone(), id, redirect, arrivals, http }
    }

    /// The address that the client opens in the browser.
    pub(crate) fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let fields = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "of-the-client"),
        ];
        let mut url = Url::parse(&format!("{}/oauth/authorize", self.server)).expect("an address");
        url.query_pairs_mut().extend_pairs(fields).extend_pairs(more);
        url.into()
    }

    /// The parameters with which the browser came back; `state` and `iss` are as they must be.
    pub(crate) async fn arrival(&mut self) -> Vec<(String, String)> {
        let target = timeout(PATIENCE, self.arrivals.recv()).await.expect("in time");
        let url = Url::parse(&format!("http://127.0.0.1{}", target.expect("a request")));
        let fields: Vec<(String, String)> =
            url.expect("an address").query_pairs().into_owned().collect();
        assert_eq!(value(&fields, "state"), "of-the-client");
        assert_eq!(value(&fields, "iss"), self.server);
        fields
    }

    /// Exchanges the code of an arrival.
    pub(crate) async fn token(&self, code: &str) -> Value {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("code_verifier", VERIFIER),
        ];
        let response = self.form("/oauth/token", &form).await;
        assert_eq!(response.status(), StatusCode::OK);
        body(response).await
    }

    /// Gives a token back (RFC 7009).
    pub(crate) async fn revoke(&self, token: &str) {
        let form = [("token", token), ("client_id", &self.id)];
        assert_eq!(self.form("/oauth/revoke", &form).await.status(), StatusCode::OK);
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.http
            .post(format!("{}{path}", self.server))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .expect("an answer")
    }

    /// `tools/list`, with or without a token.
    pub(crate) async fn list_tools(&self, token: Option<&str>) -> Response {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        } });
        let mut request = self
            .http
            .post(format!("{}/mcp", self.server))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/list")
            .body(message.to_string());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer")
    }
}

/// The names in an answer to `tools/list`.
pub(crate) async fn tool_names(response: Response) -> Vec<String> {
    assert_eq!(response.status(), StatusCode::OK);
    let body = body(response).await;
    let tools = body["result"]["tools"].as_array().expect("a list");
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

pub(crate) fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let field = fields.iter().find(|(known, _)| known == name);
    &field.unwrap_or_else(|| panic!("no {name} in {fields:?}")).1
}

async fn body(response: Response) -> Value {
    serde_json::from_str(&response.text().await.expect("a body")).expect("JSON")
}

fn plain_http() -> reqwest::Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "a client of ours, not the server's own requests"
    )]
    let builder = reqwest::Client::builder();
    builder.no_proxy().timeout(PATIENCE).build().expect("a client without TLS settings")
}

/// The client's own listener: gives the targets of requests to `/callback`, and at `/frame` a page
/// that tries to show the server's dialog inside of it.
async fn listen(server: &str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sender, arrivals) = mpsc::unbounded_channel();
    let server = server.to_owned();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 * 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&request[..read]).into_owned();
            let target = head.split(' ').nth(1).unwrap_or_default();
            let page = match target.split_once('?') {
                Some(("/frame", query)) => {
                    format!("<iframe src=\"{server}/oauth/authorize?{query}\"></iframe>")
                }
                _ => "<title>Done</title><h1>You can close this page</h1>".to_owned(),
            };
            if target.starts_with("/callback") {
                let _test_is_over = sender.send(target.to_owned());
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{page}",
                page.len()
            );
            let _browser_is_gone = stream.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://{address}/callback"), arrivals)
}
