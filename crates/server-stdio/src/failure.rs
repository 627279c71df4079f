//! What a person is told when a command fails, and the exit code that goes with it.

use std::{io, io::Write as _, process::ExitCode};

use server::config::ConfigError;

/// A mistake in how the program was called. Exit code 2, like a wrong flag.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Prints an error with what caused it to standard error; 2 for what the caller can repair, else 1.
pub(crate) fn report(err: &anyhow::Error) -> ExitCode {
    // Whoever reads only the beginning of a list closes the pipe, and that is no failure.
    if err.downcast_ref::<io::Error>().is_some_and(|err| err.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    tell("error", &format!("{err:#}"));
    let usage = err.is::<Usage>() || err.is::<ConfigError>();
    ExitCode::from(if usage { 2 } else { 1 })
}

/// One line for a person, on standard error.
pub(crate) fn tell(kind: &str, text: &str) {
    const BOLD: anstyle::Style = anstyle::Style::new().bold();
    // There is nobody left to tell that standard error is gone.
    let _ = writeln!(anstream::stderr(), "{BOLD}{kind}:{BOLD:#} {text}");
}
