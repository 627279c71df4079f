//! `sentry-mcp config`: which settings are in force, and whether they can be used.

use std::{io::Write as _, process::ExitCode};

use figment::providers::Serialized;
use serde_json::{Map, Value, json};
use server::config::{Loaded, Place};

use crate::{
    args::{Args, ConfigCommand, Output},
    commands::table::{self, PLAIN, QUIET},
    session::{Session, warn_of_unknown_variables},
};

pub(super) async fn run(args: Args, command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Show(output) => show(&Session::start(args).await?.loaded, output)?,
        ConfigCommand::Check(output) => return check(&args, output),
    }
    Ok(ExitCode::SUCCESS)
}

fn show(loaded: &Loaded, output: Output) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let entries = loaded.entries();
    if output.json {
        let entry = |entry: server::config::Entry| {
            let from = (entry.place != Place::Default).then(|| entry.place.to_string());
            (entry.name.to_owned(), json!({ "value": entry.value, "from": from }))
        };
        let settings: Map<String, Value> = entries.into_iter().map(entry).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&settings)?)?;
        return Ok(());
    }
    let row = |entry: server::config::Entry| {
        let from = match entry.place {
            Place::Default => (QUIET, "default".to_owned()),
            place => (PLAIN, place.to_string().replace('`', "")),
        };
        let value = entry.value.map_or((QUIET, "-".to_owned()), |value| (PLAIN, quoted(value)));
        vec![(PLAIN, entry.name.to_owned()), value, from]
    };
    let rows: Vec<_> = entries.into_iter().map(row).collect();
    table::print(&mut out, &["SETTING", "VALUE", "FROM"], &rows)?;
    Ok(())
}

/// An empty value has to be seen too, and none may steer the terminal.
fn quoted(value: String) -> String {
    let plain = !value.is_empty() && !value.chars().any(char::is_control);
    if plain { value } else { format!("{value:?}") }
}

/// With `--json` an error is a result, on stdout; the exit code is the same.
fn check(args: &Args, output: Output) -> anyhow::Result<ExitCode> {
    warn_of_unknown_variables();
    let loaded = Loaded::read(args.config.clone(), &Serialized::defaults(&args.options))
        .and_then(|loaded| loaded.check_files().map(|()| loaded));
    let mut out = anstream::stdout().lock();
    match loaded {
        Ok(loaded) => {
            let file = loaded.file().map(|file| file.display().to_string());
            if output.json {
                writeln!(out, "{}", json!({ "ok": true, "file": file }))?;
            } else {
                let file = file.unwrap_or_else(|| "there is no config file".to_owned());
                writeln!(out, "the settings can be used ({file})")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(err) if output.json => {
            let err = anyhow::Error::new(err);
            writeln!(out, "{}", json!({ "ok": false, "error": format!("{err:#}") }))?;
            Ok(ExitCode::from(2))
        }
        Err(err) => Err(err.into()),
    }
}
