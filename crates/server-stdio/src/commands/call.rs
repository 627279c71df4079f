//! `sentry-mcp call`: one call, as a client would make it.

use std::{io::Write as _, process::ExitCode};

use serde_json::{Map, Value};
use server::cli::Usage;

use crate::{args::Args, session::Session};

/// The answer goes to stdout. A tool that fails says so on stderr, and the exit code is 1.
pub(super) async fn run(args: Args, name: &str, arguments: &str) -> anyhow::Result<ExitCode> {
    let arguments = parse(arguments)?;
    let session = Session::with_token(args).await?;
    match session.server.call_text(name, arguments).await {
        Ok(answer) => {
            writeln!(anstream::stdout(), "{}", printable(&answer))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(text) => {
            writeln!(anstream::stderr(), "{}", printable(&text))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Text without what steers a terminal: much of it was written by strangers.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn parse(arguments: &str) -> Result<Map<String, Value>, Usage> {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(Usage(
            "the arguments must be a JSON object, like '{\"organizationSlug\":\"acme\"}'"
                .to_owned(),
        )),
        Err(err) => Err(Usage(format!("the arguments are not JSON: {err}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cannot_steer_the_terminal() {
        assert_eq!(printable("a\n\tb\u{1b}[2Jc\u{9b}\r"), "a\n\tb[2Jc");
    }

    #[test]
    fn arguments_are_an_object() {
        assert_eq!(parse(r#"{"a":1}"#).unwrap().len(), 1);
        assert!(parse("[1]").unwrap_err().to_string().contains("must be a JSON object"));
        assert!(parse("{a").unwrap_err().to_string().contains("not JSON"));
    }
}
