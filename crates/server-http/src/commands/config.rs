//! `sentry-mcp-http config`: which settings are in force, and whether they can be used.

use std::process::ExitCode;

use server::{cli, config::HttpLoaded};

use crate::{
    args::{Args, ConfigCommand},
    commands::{read, start},
    parts, tls,
};

pub(super) fn run(args: &Args, command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Show(output) => cli::show(start(args)?.entries(), output.json)?,
        ConfigCommand::Check(output) => {
            cli::warn_of_unknown_variables();
            let loaded = read(args).map_err(anyhow::Error::from).and_then(usable);
            let file = loaded.map(|loaded| loaded.shared.file().map(ToOwned::to_owned));
            return cli::check(file, output.json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that a start needs, but for the socket and the store.
fn usable(loaded: HttpLoaded) -> anyhow::Result<HttpLoaded> {
    loaded.check_files()?;
    parts::application(&loaded)?;
    parts::configured_key(&loaded)?;
    tls::acceptor(&loaded)?;
    Ok(loaded)
}
