//! The HTTP server: what authentication and everything else around the MCP service costs.
//!
//! The load, and the servers to compare with, are `examples/bench.rs` of `crates/server-http`: they
//! are built for release, and this driver is not.

use std::{
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, ensure};
use url::Url;
use xshell::{Shell, cmd};

use super::{Target, mib, process::rss_kib, report};
use crate::browser::{Browser, REDIRECT, register};

const SERVER: &str = "target/release/sentry-mcp-http";
const HELPER: &str = "target/release/examples/bench";
const TOKENS: u32 = 2_000;
const CONNECTIONS: &str = "16";
/// The best of so many rounds counts; the servers take turns in each.
const ROUNDS: usize = 3;
const LISTS: u32 = 12_000;
const CALLS: u32 = 8_000;
/// Every token has been seen ten times then.
const WARM: u32 = 20_000;
const LONG: u32 = 200_000;

/// Builds the server and its helper.
pub(super) fn build(sh: &Shell) -> anyhow::Result<()> {
    Ok(cmd!(sh, "cargo build --release --package sentry-mcp-http --bins --example bench").run()?)
}

/// Measures and prints its rows.
pub(super) fn run(sh: &Shell, target: &Target) -> anyhow::Result<()> {
    let scratch = sh.create_temp_dir()?;
    let folder = scratch.path();
    let store = folder.join("http.sqlite3");
    let server = Server::start(target, &store)?;
    report("http: memory at start", mib(rss_kib(server.child.id())?), "25 MB");
    let tokens = folder.join("tokens");
    std::fs::write(&tokens, log_in(&server.url)?)?;

    let check = helper(&["check"], &[&store, &folder.join("http.key")])
        .args([server.url.as_str(), &tokens.to_string_lossy()])
        .output()?;
    let medians = String::from_utf8(check.stdout)?;
    let (cold, warm) = medians.trim().split_once(' ').context("the check of tokens failed")?;
    let micros = |text: &str| text.parse().map(|number: f64| format!("{number:.1} µs"));
    report("http: token check, first in five seconds", micros(cold)?, "100 µs");
    report("http: token check, later", micros(warm)?, "100 µs");

    // As many as the service alone has: what a first call costs is not what is compared.
    let one = folder.join("token");
    std::fs::write(&one, std::fs::read_to_string(&tokens)?.lines().next().unwrap_or_default())?;
    let compared = Compared { folder, token: &one, server: &server, target };
    compared.shares("tools/list", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, LISTS)?;
    let call = target.issue_call(1);
    compared.shares("get_issue_details", &call, CALLS)?;

    let body = folder.join("body");
    std::fs::write(&body, call)?;
    load(server.authority(), &tokens, &body, WARM)?;
    let before = rss_kib(server.child.id())?;
    load(server.authority(), &tokens, &body, LONG)?;
    let after = rss_kib(server.child.id())?;
    report("http: memory, 2,000 tokens, 20,000 calls", mib(before), "");
    report("http: memory after 200,000 more", mib(after), "± 10 %");
    Ok(())
}

/// The server under test. It takes this machine for a reverse proxy, so that each login can come
/// from an address of its own: the limits per address are not what is measured.
struct Server {
    child: Child,
    url: Url,
}

impl Server {
    fn start(target: &Target, store: &Path) -> anyhow::Result<Server> {
        let mut command = Command::new(SERVER);
        command
            .args(["serve", "--bind", "127.0.0.1:0", "--insecure-http", "--host", &target.host])
            .args(["--behind-proxy", "127.0.0.1/32", "--max-concurrent-calls", "1000"])
            .args(["--caller-rate", "10000000", "--address-rate", "10000000", "--store"])
            .arg(store)
            .env_clear()
            .env("SENTRY_CLIENT_ID", &target.client_id)
            .env("SENTRY_CLIENT_SECRET", &target.client_secret)
            .stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {SERVER}"))?;
        let stderr = child.stderr.take().context("the child has no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        let url = loop {
            let line = lines.next().with_context(|| format!("no address in:\n{said}"))??;
            let word = line.split(' ').find(|word| word.ends_with("/mcp"));
            if let Some(url) = word.and_then(|word| Url::parse(word).ok()) {
                break url.join("/")?;
            }
            said.push_str(&line);
        };
        // What it says from now on must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server { child, url })
    }

    fn authority(&self) -> &str {
        &self.url[url::Position::BeforeHost..url::Position::AfterPort]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// A server to compare with.
struct Helper {
    child: Child,
    address: String,
}

impl Helper {
    fn start(mut command: Command) -> anyhow::Result<Helper> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("the child has no stdout")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        Ok(Helper { child, address: address.trim().to_owned() })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn stop(child: &mut Child) {
    // A child that is already gone is what we want.
    let _ = child.kill();
    let _ = child.wait();
}

fn helper(words: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(HELPER);
    command.args(words).args(paths);
    command
}

/// One access token per line, from as many logins.
fn log_in(server: &Url) -> anyhow::Result<String> {
    let client = register(server, REDIRECT)?;
    let levels = ["issue-triage", "project-management"];
    let mut tokens = String::new();
    for number in 0..TOKENS {
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + number);
        tokens.push_str(&Browser::from(address).log_in(server, &client, &levels)?);
        tokens.push('\n');
    }
    Ok(tokens)
}

/// Requests per second.
fn load(address: &str, tokens: &Path, body: &Path, requests: u32) -> anyhow::Result<f64> {
    let output = helper(&["load", address, "/mcp"], &[tokens, body])
        .args([CONNECTIONS, &requests.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the load on {address} failed");
    let text = String::from_utf8(output.stdout)?;
    let seconds: f64 = text.split(' ').next().context("no time")?.parse()?;
    Ok(f64::from(requests) / seconds)
}

struct Compared<'a> {
    folder: &'a Path,
    token: &'a Path,
    server: &'a Server,
    target: &'a Target,
}

impl Compared<'_> {
    /// The same request to the server, to the MCP service alone, and to a handler that answers
    /// with as many bytes.
    fn shares(&self, what: &str, message: &str, requests: u32) -> anyhow::Result<()> {
        let body = self.folder.join("body");
        std::fs::write(&body, message)?;
        let service = Helper::start(helper(&["rmcp", &self.target.host, &self.target.token], &[]))?;
        let bytes = self.folder.join("answer");
        std::fs::write(&bytes, answer(&service.address, message)?)?;
        let bare = Helper::start(helper(&["bare"], &[&bytes]))?;
        let mut best = [0.0_f64; 3];
        for _ in 0..ROUNDS {
            let addresses = [self.server.authority(), &service.address, &bare.address];
            for (best, address) in best.iter_mut().zip(addresses) {
                *best = best.max(load(address, self.token, &body, requests)?);
            }
        }
        let [ours, service, bare] = best;
        let share = |other: f64| format!("{:.0} %", ours / other * 100.0);
        report(&format!("http: {what}, 16 connections"), format!("{ours:.0} /s"), "");
        report("  share of the MCP service alone", share(service), "70 %");
        report("  share of a bare handler", share(bare), "");
        Ok(())
    }
}

/// The bytes of an answer.
fn answer(address: &str, message: &str) -> anyhow::Result<String> {
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json, text/event-stream".to_owned()),
        ("mcp-protocol-version", "2025-11-25".to_owned()),
    ];
    let url = Url::parse(&format!("http://{address}/mcp"))?;
    Ok(crate::browser::send("POST", &url, &headers, message)?.body)
}
