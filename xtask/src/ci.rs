//! `cargo xtask ci`: everything that CI does, in CI's order, on any machine.
//!
//! Everything runs in the dev profile, so that a developer has most of it built.

use std::time::Instant;

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

use crate::{codegen, snapshots::References, tidy};

/// One check, and the command that repairs what it finds.
struct Step {
    name: &'static str,
    repair: &'static str,
    run: fn(&Shell) -> anyhow::Result<Outcome>,
}

enum Outcome {
    Passed,
    /// The program that checks is not on this machine.
    NotInstalled(&'static str),
}

const STEPS: &[Step] = &[
    Step { name: "programs", repair: ".ci/run", run: programs },
    Step { name: "format", repair: "cargo fmt --all", run: format },
    Step {
        name: "clippy",
        repair: "cargo clippy --workspace --all-targets --fix --allow-dirty",
        run: clippy,
    },
    Step { name: "tests", repair: "cargo xtask snapshots", run: tests },
    Step { name: "rustdoc", repair: "cargo doc --workspace --no-deps", run: rustdoc },
    Step { name: "codegen", repair: "cargo xtask codegen", run: generated },
    Step { name: "tidy", repair: "cargo xtask tidy", run: is_tidy },
    Step { name: "dependencies", repair: "cargo deny check bans licenses sources", run: deny },
    Step { name: "spelling", repair: "typos --write-changes", run: spelling },
];

/// Runs every check, and stops at the first that fails.
pub(crate) fn run(sh: &Shell) -> anyhow::Result<()> {
    let start = Instant::now();
    for step in STEPS {
        println!("── {}", step.name);
        let begin = Instant::now();
        let outcome = (step.run)(sh).with_context(|| {
            format!("`{}` failed; to repair or to see more: `{}`", step.name, step.repair)
        })?;
        let seconds = begin.elapsed().as_secs_f32();
        match outcome {
            Outcome::Passed => println!("   {} passed in {seconds:.1} s", step.name),
            Outcome::NotInstalled(program) => {
                println!("   {} NOT CHECKED: {program} is not installed", step.name);
            }
        }
    }
    println!("all checks passed in {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}

/// What the tests start besides our own programs. It is first, because they come late.
fn programs(sh: &Shell) -> anyhow::Result<Outcome> {
    // The browser tests; Debian's packages are `chromium` and `chromium-driver`.
    for program in ["chromium", "chromedriver"] {
        cmd!(sh, "{program} --version")
            .quiet()
            .ignore_stdout()
            .ignore_stderr()
            .run()
            .with_context(|| {
                format!("{program} is not installed; on Debian `.ci/run` installs it")
            })?;
    }
    Ok(Outcome::Passed)
}

fn format(sh: &Shell) -> anyhow::Result<Outcome> {
    cmd!(sh, "cargo fmt --all --check").run()?;
    Ok(Outcome::Passed)
}

fn clippy(sh: &Shell) -> anyhow::Result<Outcome> {
    cmd!(sh, "cargo clippy --workspace --all-targets -- -D warnings").run()?;
    Ok(Outcome::Passed)
}

fn tests(sh: &Shell) -> anyhow::Result<Outcome> {
    let scratch = sh.create_temp_dir()?;
    let references = References::new(scratch.path());
    let _update = sh.push_env("INSTA_UPDATE", "no");
    let _full = sh.push_env("INSTA_REQUIRE_FULL_MATCH", "1");
    let _references = sh.push_env("INSTA_SNAPSHOT_REFERENCES_FILE", &references.file);
    cmd!(sh, "cargo test --workspace").run()?;
    let unused = references.unreferenced(sh)?;
    if !unused.is_empty() {
        bail!("no test uses these snapshots, delete them:\n  {}", unused.join("\n  "));
    }
    Ok(Outcome::Passed)
}

fn rustdoc(sh: &Shell) -> anyhow::Result<Outcome> {
    let _flags = sh.push_env("RUSTDOCFLAGS", "-D warnings");
    cmd!(sh, "cargo doc --workspace --no-deps").run()?;
    Ok(Outcome::Passed)
}

fn generated(sh: &Shell) -> anyhow::Result<Outcome> {
    codegen::run(sh, codegen::Mode::Check)?;
    Ok(Outcome::Passed)
}

fn is_tidy(sh: &Shell) -> anyhow::Result<Outcome> {
    tidy::run(sh)?;
    Ok(Outcome::Passed)
}

fn deny(sh: &Shell) -> anyhow::Result<Outcome> {
    if cmd!(sh, "cargo deny --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        return Ok(Outcome::NotInstalled("cargo-deny"));
    }
    // No advisories: they change without a commit, and need the network.
    cmd!(sh, "cargo deny check bans licenses sources").run()?;
    Ok(Outcome::Passed)
}

fn spelling(sh: &Shell) -> anyhow::Result<Outcome> {
    if cmd!(sh, "typos --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        return Ok(Outcome::NotInstalled("typos"));
    }
    cmd!(sh, "typos").run()?;
    Ok(Outcome::Passed)
}
