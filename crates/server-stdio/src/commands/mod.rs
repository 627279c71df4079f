//! What each subcommand does, one file each. Only those that do not serve print to stdout.

mod call;
mod completions;
mod config;
mod scopes;
mod serve;
mod tools;

use std::process::ExitCode;

use crate::{
    args::{Args, Command},
    demo,
};

/// Does what the command line says.
pub(crate) async fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    match args.command.take() {
        None => serve::run(args).await?,
        Some(Command::Scopes(output)) => scopes::run(args, output).await?,
        Some(Command::Tools(output)) => tools::run(args, output).await?,
        Some(Command::Call { name, arguments }) => return call::run(args, &name, &arguments).await,
        Some(Command::Config(command)) => return config::run(args, command).await,
        Some(Command::Demo { sentry_only: true }) => demo::sentry_only().await?,
        Some(Command::Demo { sentry_only: false }) => demo::run().await?,
        Some(Command::Completions { shell }) => completions::run(shell)?,
    }
    Ok(ExitCode::SUCCESS)
}
