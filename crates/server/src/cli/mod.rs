//! What the command lines of both servers share: how a person is told of a failure, with which
//! exit code, and how settings are shown and checked.
//!
//! Nothing here is used while a server serves, so standard output is free.

mod settings;
mod table;

use std::{fmt, io, io::Write as _, process::ExitCode};

pub use self::{
    settings::{check, show},
    table::{BAD, GOOD, PLAIN, QUIET, TITLE, print},
};
use crate::config::{self, ConfigError};

/// A mistake in how a program was called. Exit code 2, like a wrong flag.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Prints an error with what caused it to standard error; 2 for what the caller can repair, else 1.
pub fn report(err: &anyhow::Error) -> ExitCode {
    // Whoever reads only the beginning of a list closes the pipe, and that is no failure.
    if err.downcast_ref::<io::Error>().is_some_and(|err| err.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    tell("error", &format!("{err:#}"));
    let usage = err.is::<Usage>() || err.is::<ConfigError>();
    ExitCode::from(if usage { 2 } else { 1 })
}

/// One line for a person, on standard error.
pub fn tell(kind: &str, text: &str) {
    const BOLD: anstyle::Style = anstyle::Style::new().bold();
    // There is nobody left to tell that standard error is gone.
    let _ = writeln!(anstream::stderr(), "{BOLD}{kind}:{BOLD:#} {text}");
}

/// Before the settings are read: a misspelled variable may be why they cannot be used.
pub fn warn_of_unknown_variables() {
    for line in config::unknown_variables() {
        tell("warning", &line);
    }
}
