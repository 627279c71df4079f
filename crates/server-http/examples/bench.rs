//! Helpers of `cargo xtask bench`, built for release: servers to compare with, a load, a clock.
//!
//! `rmcp` mounts the same MCP service without anything around it, `bare` answers with fixed bytes,
//! `load` sends requests from many connections, and `check` times the check of a token. It is no
//! part of the server, and judges no number.

#![expect(clippy::print_stdout, reason = "the bench reads what this prints")]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Response, header},
    routing::post,
    serve::ListenerExt as _,
};
use bytes::Bytes;
use http_body_util::Full;
use oauth::{
    seal::KeyFile,
    store::{SqlStore, SystemClock},
    tokens::Tokens,
};
use server::{
    McpServer,
    config::HttpLoaded,
    http::{Account, HttpOptions, Sentry, service},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::{Service as _, util::BoxCloneSyncService};

const MAX_BODY: usize = 256 * 1024;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["rmcp", sentry, token] => serve(rmcp(sentry, token)?),
        ["bare", body] => serve(bare(fs::read(body)?.into())),
        ["load", address, path, tokens, body, connections, requests] => {
            let load = Load::read(address, path, tokens, body)?;
            load.run(address, connections.parse()?, requests.parse()?)
        }
        ["check", store, key, issuer, tokens] => {
            runtime()?.block_on(check(store.as_ref(), key.as_ref(), issuer, tokens.as_ref()))
        }
        _ => bail!("this is a helper of `cargo xtask bench`"),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Serves on a free port and prints its address.
fn serve(router: Router) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            // As the server under test does.
            let _unset = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    })
}

type Mcp = BoxCloneSyncService<
    axum::http::Request<server::http::RequestBody>,
    axum::http::Response<server::http::ResponseBody>,
    std::convert::Infallible,
>;

/// The service that the server mounts, for one caller who has every level.
fn rmcp(sentry: &str, token: &str) -> anyhow::Result<Router> {
    let flags = serde_json::json!({ "host": sentry, "insecure_http": true, "store": "memory" });
    let loaded = HttpLoaded::of_flags(&figment::providers::Serialized::defaults(flags))?;
    let server = McpServer::of_http(&loaded);
    let granted =
        server.levels().into_iter().map(|level| level.adds).reduce(|all, one| one.union(all));
    let account = Account::new(granted.context("no levels")?, None, (None, None));
    let caller = Sentry::of(&loaded).logged_in(token.into()).caller(&account);
    let options = HttpOptions {
        allowed_hosts: vec!["127.0.0.1".to_owned()],
        allowed_origins: Vec::new(),
        max_body: MAX_BODY,
        stop: CancellationToken::new(),
    };
    let mcp: Mcp = BoxCloneSyncService::new(service(server, options));
    let handler = async |State((mut mcp, caller)): State<(Mcp, _)>, request: Request| {
        let (mut head, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
        head.extensions.insert::<Arc<server::http::Caller>>(caller);
        let request = axum::http::Request::from_parts(head, Full::new(body));
        match mcp.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    };
    Ok(Router::new().route("/mcp", post(handler)).with_state((mcp, caller)))
}

fn bare(body: Bytes) -> Router {
    let handler = async |State(body): State<Bytes>, request: Request| {
        let _read = to_bytes(request.into_body(), MAX_BODY).await;
        let mut response = Response::new(Body::from(body));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    };
    Router::new().route("/mcp", post(handler)).with_state(body)
}

/// Requests that only differ in their token.
struct Load {
    /// Before the token, and after it.
    request: (String, String),
    tokens: Vec<String>,
}

impl Load {
    fn read(address: &str, path: &str, tokens: &str, body: &str) -> anyhow::Result<Load> {
        let body = fs::read_to_string(body)?;
        let tokens: Vec<String> = fs::read_to_string(tokens)?.lines().map(str::to_owned).collect();
        ensure!(!tokens.is_empty(), "there is no token");
        let before = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n\
             content-length: {}\r\nauthorization: Bearer ",
            body.len()
        );
        Ok(Load { request: (before, format!("\r\n\r\n{body}")), tokens })
    }

    /// Sends `requests` in all, each connection one after the other, and prints how many seconds
    /// it took and the median time of a request in milliseconds.
    fn run(&self, address: &str, connections: usize, requests: usize) -> anyhow::Result<()> {
        let begin = Instant::now();
        let times = std::thread::scope(|scope| {
            let share = |first| move || self.one_connection(address, first, connections, requests);
            let threads: Vec<_> = (0..connections).map(|first| scope.spawn(share(first))).collect();
            let mut times = Vec::with_capacity(requests);
            for thread in threads {
                let part = thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
                times.extend(part?);
            }
            Ok::<_, anyhow::Error>(times)
        });
        let mut times = times?;
        let seconds = begin.elapsed().as_secs_f64();
        times.sort_unstable();
        let median = times.get(times.len() / 2).context("nothing was sent")?;
        println!("{seconds} {}", median.as_secs_f64() * 1000.0);
        Ok(())
    }

    /// Every so many-th request, beginning with `first`.
    fn one_connection(
        &self,
        address: &str,
        first: usize,
        step: usize,
        requests: usize,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut times = Vec::with_capacity(requests / step + 1);
        let mut request = String::new();
        let mut answer = Vec::new();
        for (index, token) in
            self.tokens.iter().cycle().enumerate().take(requests).skip(first).step_by(step)
        {
            request.clear();
            request.extend([&self.request.0, token, &self.request.1].map(String::as_str));
            let begin = Instant::now();
            stream.write_all(request.as_bytes())?;
            read_answer(&mut stream, &mut answer).with_context(|| {
                format!("request {index}: {}", String::from_utf8_lossy(&answer))
            })?;
            times.push(begin.elapsed());
        }
        Ok(times)
    }
}

/// Reads one answer, which must be a success of a known length.
fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    answer.clear();
    let mut buffer = [0; 16 * 1024];
    let mut whole = None;
    loop {
        if whole.is_none()
            && let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(answer.get(..end).unwrap_or_default())?;
            let head = head.to_ascii_lowercase();
            ensure!(head.starts_with("http/1.1 200 "), "not a success");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            whole = Some(end + 4 + length.context("no length")?.trim().parse::<usize>()?);
        }
        if whole.is_some_and(|whole| answer.len() >= whole) {
            let tail = answer.get(answer.len().saturating_sub(80)..).unwrap_or_default();
            ensure!(!String::from_utf8_lossy(tail).contains("\"isError\":true"), "a failed call");
            return Ok(());
        }
        let read = stream.read(&mut buffer)?;
        ensure!(read > 0, "the server closed the connection");
        answer.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
}

/// Checks each token twice, first as the store has it and then as it was just seen, and prints
/// both medians in microseconds.
async fn check(store: &Path, key: &Path, issuer: &str, tokens: &Path) -> anyhow::Result<()> {
    let store = Arc::new(SqlStore::open_file(store).await?);
    let keys = KeyFile::new(key).load()?;
    let checker = Tokens::new(store, keys, Arc::new(SystemClock), issuer.parse()?);
    let tokens = fs::read_to_string(tokens)?;
    let mut medians = Vec::new();
    for _ in 0..2 {
        let mut times = Vec::new();
        for token in tokens.lines() {
            let begin = Instant::now();
            checker.authenticate(token, "/mcp").await?;
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        let median = times.get(times.len() / 2).context("there is no token")?;
        medians.push((median.as_secs_f64() * 1e6).to_string());
    }
    println!("{}", medians.join(" "));
    Ok(())
}
