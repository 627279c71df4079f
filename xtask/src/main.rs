//! Project automation: `cargo xtask <command>`. Nothing here is part of a server.
//!
//! There is no argument parser: a `match` on words is enough until it is not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "xtask reports on the terminal")]

mod bench;
mod browser;
mod ci;
mod codegen;
mod conformance;
mod files;
mod new_tool;
mod snapshots;
mod tidy;

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use xshell::Shell;

const USAGE: &str = "usage: cargo xtask <command>

  bench                      what a release build costs, against the simulated Sentry
  ci                         every check, in the order of CI
  conformance                the official suite against the demo (needs npm and the network)
  codegen [--check]          write (or only compare) what is generated from code
  new-tool <toolset> <name>  write a tool's file and its two lines in mod.rs
  snapshots [--accept]       list (or take over) what tests now print
  tidy                       rules about the repository that no compiler checks";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            // The chain, but no backtrace: what is wrong is in the repository.
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let sh = shell()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["bench"] => bench::run(&sh),
        ["ci"] => ci::run(&sh),
        ["conformance"] => conformance::run(&sh),
        ["codegen"] => codegen::run(&sh, codegen::Mode::Write),
        ["codegen", "--check"] => codegen::run(&sh, codegen::Mode::Check),
        ["new-tool", toolset, name] => new_tool::run(&sh, toolset, name),
        ["snapshots"] => snapshots::run(&sh, snapshots::Mode::List),
        ["snapshots", "--accept"] => snapshots::run(&sh, snapshots::Mode::Accept),
        ["tidy"] => tidy::run(&sh),
        _ => bail!(USAGE),
    }
}

/// A shell in the root of the repository, wherever `cargo xtask` was called.
fn shell() -> anyhow::Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    Ok(sh)
}
