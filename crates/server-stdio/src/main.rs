//! Serves Sentry tools to one MCP client over standard input and output, and the same tools to a
//! person on the command line. What the tools do, and who may call them, is decided elsewhere.

mod args;
mod commands;
mod demo;
mod session;

use std::process::ExitCode;

use clap::Parser as _;
use server::cli;
use tokio::runtime::{Builder, Runtime};

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(err) => return cli::report(&err.into()),
    };
    let done = runtime.block_on(commands::run(args));
    // A read of standard input that is under way cannot be taken back, so nobody waits for it.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(err) => cli::report(&err),
    }
}

/// One thread: one client's calls mostly wait for Sentry, and handing them from thread to thread
/// costs more CPU than a second thread wins (`cargo xtask bench`).
fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
