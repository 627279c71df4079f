//! `cargo xtask conformance`: the official MCP conformance suite against the demo server.
//!
//! It needs npm and the network, so no check of a commit runs it. What the suite may find wrong is
//! in `expected-*.yml`, each entry with its reason; anything else fails, and so does an entry that
//! no longer applies.

mod proxy;

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use url::Url;
use xshell::{Shell, cmd};

use crate::browser::{Browser, REDIRECT, register};

/// Both are pinned: a new suite with new scenarios is a commit of its own.
const PACKAGES: &str = r#"{
  "private": true,
  "dependencies": { "@modelcontextprotocol/conformance": "0.2.0-alpha.12", "node": "24.21.0" },
  "allowScripts": { "node": true }
}
"#;
const NODE: &str = "node_modules/node/bin/node";
const SUITE: &str = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
/// The revisions of the protocol, each with the scenarios that it requires.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
/// Where the suite waits for its own login to come back.
const CALLBACK_PORT: &str = "3123";

/// Runs every scenario for servers and for authorization servers.
pub(crate) fn run(sh: &Shell) -> anyhow::Result<()> {
    let suite = Suite::install(sh)?;
    cmd!(sh, "cargo build --package sentry-mcp-http").run()?;
    let demo = Demo::start(&target_folder(sh)?.join("debug/sentry-mcp-http"))?;
    let mut failed = Vec::new();
    for revision in REVISIONS {
        println!("── the requirements of {revision} for servers");
        if !suite.server(sh, &demo, revision)? {
            failed.push(revision);
        }
    }
    println!("── the scenarios for authorization servers");
    if !suite.authorization(&demo)? {
        failed.push("authorization");
    }
    ensure!(failed.is_empty(), "not as expected: {}", failed.join(", "));
    Ok(())
}

/// Where cargo builds, wherever that is on this machine.
fn target_folder(sh: &Shell) -> anyhow::Result<PathBuf> {
    let json = cmd!(sh, "cargo metadata --no-deps --offline --format-version 1").quiet().read()?;
    let metadata: serde_json::Value = serde_json::from_str(&json)?;
    let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(folder.context("no target directory")?.into())
}

/// A running demo.
pub(crate) struct Demo {
    child: Child,
    /// The origin of the server.
    pub(crate) server: Url,
}

impl Demo {
    /// Starts the program on a free port and waits until it is there.
    pub(crate) fn start(program: &Path) -> anyhow::Result<Demo> {
        let mut child = Command::new(program)
            .args(["demo", "--bind", "127.0.0.1:0", "--announce"])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = child.stdout.take().context("the child has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let announced: serde_json::Value =
            serde_json::from_str(&line).context("the demo did not announce itself")?;
        let server = announced.get("server").and_then(serde_json::Value::as_str);
        let server = Url::parse(server.context("no `server` in the announcement")?)?;
        Ok(Demo { child, server })
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // A child that is already gone is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The suite, installed in a scratch folder.
struct Suite {
    folder: PathBuf,
}

impl Suite {
    fn install(sh: &Shell) -> anyhow::Result<Suite> {
        let folder = target_folder(sh)?.join("conformance");
        sh.create_dir(&folder)?;
        sh.write_file(folder.join("package.json"), PACKAGES)?;
        if cmd!(sh, "npm --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
            bail!("npm is not here; install Node.js 20 or newer with it, then try again");
        }
        let _there = sh.push_dir(&folder);
        cmd!(sh, "npm install --no-audit --no-fund --loglevel=error").run()?;
        Ok(Suite { folder })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join(NODE));
        command.arg(self.folder.join(SUITE)).current_dir(&self.folder);
        command
    }

    fn server(&self, sh: &Shell, demo: &Demo, revision: &str) -> anyhow::Result<bool> {
        let client = register(&demo.server, REDIRECT)?;
        let levels = ["issue-triage", "project-management"];
        let token = Browser::default().log_in(&demo.server, &client, &levels)?;
        let authority = &demo.server[url::Position::BeforeHost..url::Position::AfterPort];
        let proxy = proxy::start(authority.to_owned(), &token)?;
        let expected =
            sh.current_dir().join(format!("xtask/src/conformance/expected-{revision}.yml"));
        let status = self
            .command()
            .args(["server", "--url", &format!("http://{proxy}/mcp"), "--requirements", revision])
            .arg("--expected-failures")
            .arg(expected)
            .args(["-o", &format!("out-{revision}")])
            .status()?;
        Ok(status.success())
    }

    /// The suite prints an address for a browser; this is the browser.
    fn authorization(&self, demo: &Demo) -> anyhow::Result<bool> {
        let redirect = format!("http://127.0.0.1:{CALLBACK_PORT}/callback");
        let client = register(&demo.server, &redirect)?;
        let issuer = demo.server.as_str().trim_end_matches('/');
        let mut child = self
            .command()
            .args(["authorization", "--url", issuer, "--client-id", &client])
            .args(["--resource", &format!("{issuer}/mcp"), "-p", CALLBACK_PORT])
            .args(["-o", "out-authorization"])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("the child has no stdout")?;
        let authorize = format!("{issuer}/oauth/authorize?");
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            if line.starts_with(&authorize) {
                let back = Browser::default().approve(&Url::parse(&line)?, &redirect, &[])?;
                crate::browser::send("GET", &back, &[], "")?;
            }
        }
        Ok(child.wait()?.success())
    }
}
