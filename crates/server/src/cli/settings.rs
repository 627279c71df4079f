//! `config show` and `config check`: which settings are in force, and whether they can be used.

use std::{io, io::Write as _, path::PathBuf, process::ExitCode};

use serde_json::{Map, Value, json};

use super::table::{self, PLAIN, QUIET};
use crate::config::{Entry, Place};

/// Prints every setting with where it comes from.
pub fn show(entries: Vec<Entry>, as_json: bool) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if as_json {
        let entry = |entry: Entry| {
            let from = (entry.place != Place::Default).then(|| entry.place.to_string());
            (entry.name.to_owned(), json!({ "value": entry.value, "from": from }))
        };
        let settings: Map<String, Value> = entries.into_iter().map(entry).collect();
        return writeln!(out, "{:#}", Value::Object(settings));
    }
    let row = |entry: Entry| {
        let from = match entry.place {
            Place::Default => (QUIET, "default".to_owned()),
            place => (PLAIN, place.to_string().replace('`', "")),
        };
        let value = entry.value.map_or((QUIET, "-".to_owned()), |value| (PLAIN, quoted(value)));
        vec![(PLAIN, entry.name.to_owned()), value, from]
    };
    let rows: Vec<_> = entries.into_iter().map(row).collect();
    table::print(&mut out, &["SETTING", "VALUE", "FROM"], &rows)
}

/// An empty value has to be seen too, and none may steer the terminal.
fn quoted(value: String) -> String {
    let plain = !value.is_empty() && !value.chars().any(char::is_control);
    if plain { value } else { format!("{value:?}") }
}

/// Says whether the settings can be used. The file is the one that was read, if there is one.
///
/// As JSON an error is a result, on standard output; the exit code is the same.
pub fn check(loaded: anyhow::Result<Option<PathBuf>>, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout().lock();
    match loaded {
        Ok(file) => {
            let file = file.map(|file| file.display().to_string());
            if as_json {
                writeln!(out, "{}", json!({ "ok": true, "file": file }))?;
            } else {
                let file = file.unwrap_or_else(|| "there is no config file".to_owned());
                writeln!(out, "the settings can be used ({file})")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(err) if as_json => {
            writeln!(out, "{}", json!({ "ok": false, "error": format!("{err:#}") }))?;
            Ok(ExitCode::from(2))
        }
        Err(err) => Err(err),
    }
}
