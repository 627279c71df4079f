//! Serves Sentry tools to many MCP clients over Streamable HTTP, behind OAuth 2.1. What the tools
//! do, who may call them, and how a person approves that, is decided elsewhere.

mod address;
mod app;
mod args;
mod auth;
mod challenge;
mod commands;
mod front;
mod hosts;
mod listen;
mod login;
mod mcp;
mod metadata;
mod pages;
mod parts;
mod stall;
mod tls;

use std::process::ExitCode;

use clap::Parser as _;
use server::cli;
use tokio::runtime::Builder;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => return cli::report(&err.into()),
    };
    match runtime.block_on(commands::run(args)) {
        Ok(code) => code,
        Err(err) => cli::report(&err),
    }
}
