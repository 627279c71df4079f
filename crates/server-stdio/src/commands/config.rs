//! `sentry-mcp config`: which settings are in force, and whether they can be used.

use std::process::ExitCode;

use figment::providers::Serialized;
use server::{
    cli::{self, warn_of_unknown_variables},
    config::Loaded,
};

use crate::{
    args::{Args, ConfigCommand},
    session::Session,
};

pub(super) async fn run(args: Args, command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Show(output) => {
            cli::show(Session::start(args).await?.loaded.entries(), output.json)?;
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Check(output) => {
            warn_of_unknown_variables();
            let loaded = Loaded::read(args.config.clone(), &Serialized::defaults(&args.options))
                .and_then(|loaded| loaded.check_files().map(|()| loaded));
            let file = loaded.map(|loaded| loaded.file().map(ToOwned::to_owned));
            cli::check(file.map_err(anyhow::Error::from), output.json)
        }
    }
}
