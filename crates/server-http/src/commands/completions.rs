//! `sentry-mcp-http completions`: a script that completes flags and subcommands.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::args::Args;

pub(super) fn run(shell: Shell) -> io::Result<()> {
    // `generate` panics when a pipe is closed, so it writes to memory.
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "sentry-mcp-http", &mut script);
    io::stdout().write_all(&script)
}
