//! `cargo xtask bench`: what the release build costs, measured against the simulated Sentry.
//!
//! It prints numbers beside the targets and fails nothing: a machine that is
//! busy with something else must not break a build.

mod http;
mod large;
mod process;

use std::{process::Command, time::Duration};

use anyhow::Context;
use xshell::{Shell, cmd};

use self::process::{DISCOVER, INITIALIZE, Process, rss_kib};

const PROGRAM: &str = "target/release/sentry-mcp";
const STARTS: usize = 41;
const LISTS: usize = 500;
const SINGLE_CALLS: u32 = 2_000;
const CALLS: u32 = 10_000;
const IN_FLIGHT: u32 = 64;

/// Builds the program, measures it, and prints a table.
pub(crate) fn run(sh: &Shell) -> anyhow::Result<()> {
    cmd!(sh, "cargo build --release --package sentry-mcp").run()?;
    http::build(sh)?;
    // The simulated Sentry runs in a process of its own, so that its cost is not ours.
    let mut sentry = Process::spawn(Command::new(PROGRAM).args(["demo", "--sentry-only"]))?;
    let target = Target::parse(&sentry.announced()?)?;

    println!("{:<46} {:>12} {:>12}", "", "measured", "target");
    starts(&target)?;
    lists(&target)?;
    issues(&target)?;
    large::run(&target)?;
    http::run(sh, &target)
}

/// Where the simulated Sentry listens, a token, and an issue that it has.
struct Target {
    host: String,
    token: String,
    client_id: String,
    client_secret: String,
    organization: String,
    issue: String,
}

impl Target {
    fn parse(line: &str) -> anyhow::Result<Target> {
        let line: serde_json::Value =
            serde_json::from_str(line).context("the simulated Sentry did not announce itself")?;
        let field = |name: &str| {
            let text = line.get(name).and_then(serde_json::Value::as_str);
            text.map(str::to_owned).with_context(|| format!("no `{name}` in the announcement"))
        };
        Ok(Target {
            host: field("host")?,
            token: field("token")?,
            client_id: field("client_id")?,
            client_secret: field("client_secret")?,
            organization: field("organization")?,
            issue: field("issue")?,
        })
    }

    fn server(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(["--insecure-http", "--host", &self.host])
            .env_clear()
            .env("SENTRY_ACCESS_TOKEN", &self.token);
        command
    }

    fn issue_call(&self, id: u32) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"get_issue_details","arguments":{{"organizationSlug":"{}","issueId":"{}","detail":"brief"}}}}}}"#,
            id + 10,
            self.organization,
            self.issue
        )
    }
}

fn starts(target: &Target) -> anyhow::Result<()> {
    for (what, message) in [("initialize", INITIALIZE), ("server/discover", DISCOVER)] {
        let mut times = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            let start = std::time::Instant::now();
            let mut process = Process::spawn(&mut target.server())?;
            process.ask(message)?;
            times.push(start.elapsed());
        }
        report(&format!("start to first {what}"), ms(median(&mut times)), "7.5 ms");
    }
    let process = Process::ready(&mut target.server())?;
    report("memory at start", mib(rss_kib(process.id())?), "12 MB");
    Ok(())
}

fn lists(target: &Target) -> anyhow::Result<()> {
    let mut process = Process::ready(&mut target.server())?;
    let message = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let bytes = process.ask(message)?;
    let mut times = Vec::with_capacity(LISTS);
    for _ in 0..LISTS {
        times.push(process.time(message)?);
    }
    report(&format!("tools/list ({bytes} bytes)"), ms(median(&mut times)), "0.3 ms");
    Ok(())
}

fn issues(target: &Target) -> anyhow::Result<()> {
    let mut process = Process::ready(&mut target.server())?;
    let bytes = process.ask(&target.issue_call(0))?;
    let before = process.cpu()?;
    let mut times = Vec::new();
    for id in 0..SINGLE_CALLS {
        times.push(process.time(&target.issue_call(id))?);
    }
    let cpu = process.cpu()?.saturating_sub(before) / SINGLE_CALLS;
    report(
        &format!("get_issue_details, one at a time ({bytes} bytes)"),
        ms(median(&mut times)),
        "2 ms",
    );
    report("  CPU per call", ms(cpu), "0.3 ms");

    let before = process.cpu()?;
    let took = process.flood(CALLS, IN_FLIGHT, |id| target.issue_call(id))?;
    let cpu = process.cpu()?.saturating_sub(before) / CALLS;
    let rate = f64::from(CALLS) / took.as_secs_f64();
    report("get_issue_details, 64 in flight", format!("{rate:.0} /s"), "4000 /s");
    report("  CPU per call", ms(cpu), "0.3 ms");
    report("memory after 10,000 calls, 64 in flight", mib(rss_kib(process.id())?), "30 MB");
    Ok(())
}

fn report(what: &str, measured: impl std::fmt::Display, target: &str) {
    println!("{what:<46} {measured:>12} {target:>12}");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "a megabyte figure needs three digits")]
fn mib(kib: u64) -> String {
    format!("{:.1} MB", kib as f64 / 1024.0)
}
