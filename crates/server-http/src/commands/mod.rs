//! What each subcommand does, one file each.

mod completions;
mod config;
mod demo;
mod serve;
mod store;

use std::process::ExitCode;

use figment::providers::Serialized;
use server::{
    cli,
    config::{ConfigError, HttpLoaded},
    telemetry,
};

use crate::args::{Args, Command};

/// Does what the command line says.
pub(crate) async fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    match args.command.take() {
        None | Some(Command::Serve) => serve::run(&args).await?,
        Some(Command::Demo(options)) => demo::run(&args, options).await?,
        Some(Command::Store(command)) => store::run(&args, command).await?,
        Some(Command::Config(command)) => return config::run(&args, command),
        Some(Command::Completions { shell }) => completions::run(shell)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the settings.
fn read(args: &Args) -> Result<HttpLoaded, ConfigError> {
    HttpLoaded::read(args.config.clone(), &Serialized::defaults(&args.options))
}

/// Reads the settings and starts to log.
fn start(args: &Args) -> Result<HttpLoaded, ConfigError> {
    cli::warn_of_unknown_variables();
    let loaded = read(args)?;
    telemetry::start_as(&loaded.shared.config.log, loaded.config.log_format);
    Ok(loaded)
}
