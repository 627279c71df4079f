//! A release build of `sentry-mcp` as a client sees it: lines in, lines out.
//!
//! Lines are not parsed on the hot path, so that the driver, which is a
//! development build, takes as little as it can of the two cores it shares.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

/// The older handshake's first message.
pub(super) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"0"}}}"#;
/// The stateless protocol's first message.
pub(super) const DISCOVER: &str = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"0"}}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A running server and its pipes.
pub(super) struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    line: Vec<u8>,
}

impl Process {
    /// Starts the program; nothing is sent yet.
    pub(super) fn spawn(command: &mut Command) -> anyhow::Result<Process> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let stdin = child.stdin.take().context("the child has no stdin")?;
        let stdout = child.stdout.take().context("the child has no stdout")?;
        Ok(Process {
            child,
            stdin,
            stdout: BufReader::with_capacity(1 << 18, stdout),
            line: Vec::new(),
        })
    }

    /// Starts the program and goes through the older handshake.
    pub(super) fn ready(command: &mut Command) -> anyhow::Result<Process> {
        let mut process = Process::spawn(command)?;
        process.ask(INITIALIZE)?;
        process.send(INITIALIZED)?;
        Ok(process)
    }

    /// Writes one message.
    pub(super) fn send(&mut self, message: &str) -> anyhow::Result<()> {
        self.stdin.write_all(message.as_bytes())?;
        Ok(self.stdin.write_all(b"\n")?)
    }

    /// The next line that the program writes.
    pub(super) fn receive(&mut self) -> anyhow::Result<&[u8]> {
        self.line.clear();
        ensure!(self.stdout.read_until(b'\n', &mut self.line)? > 0, "the server closed its output");
        Ok(&self.line)
    }

    /// One message and its answer; an answer that reports an error ends the bench.
    pub(super) fn ask(&mut self, message: &str) -> anyhow::Result<usize> {
        self.send(message)?;
        let answer = self.receive()?;
        check(answer)?;
        Ok(answer.len())
    }

    /// How long one message takes to its answer.
    pub(super) fn time(&mut self, message: &str) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.ask(message)?;
        Ok(start.elapsed())
    }

    /// Sends `total` messages with `window` of them in flight.
    pub(super) fn flood(
        &mut self,
        total: u32,
        window: u32,
        message: impl Fn(u32) -> String,
    ) -> anyhow::Result<Duration> {
        let start = Instant::now();
        for id in 0..window.min(total) {
            self.send(&message(id))?;
        }
        for answered in 0..total {
            check(self.receive()?)?;
            let next = answered + window;
            if next < total {
                self.send(&message(next))?;
            }
        }
        Ok(start.elapsed())
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time used so far: `utime` and `stime` of proc(5), in ticks of 10 ms.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("an odd /proc stat line")?;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The first line of a program that announces itself.
    pub(super) fn announced(&mut self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(self.receive()?).trim().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A child that is already gone is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process in KiB (`VmRSS` of proc(5)).
pub(super) fn rss_kib(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let digits = line.and_then(|line| line.split_whitespace().next());
    digits.and_then(|digits| digits.parse().ok()).context("no VmRSS in /proc")
}

fn check(answer: &[u8]) -> anyhow::Result<()> {
    let head = &answer[..answer.len().min(80)];
    let tail = &answer[answer.len().saturating_sub(80)..];
    let failed = |part: &[u8]| {
        let text = String::from_utf8_lossy(part);
        text.contains("\"error\":{") || text.contains("\"isError\":true")
    };
    if failed(head) || failed(tail) {
        bail!("a call failed: {}", String::from_utf8_lossy(answer));
    }
    Ok(())
}
