//! A search in Sentry's syntax: its bound, how it is shown, and what Sentry says of one that it
//! does not understand. It is not parsed here.

use sentry_client::ErrorKind;

use crate::{error::Error, render::markdown};

/// The longest search that is sent, in bytes: Sentry's front refuses URLs beyond 8 KiB.
const MAX_QUERY: usize = 4_000;

/// Refuses a search that would not fit into a URL.
pub(crate) fn check(query: &str) -> Result<(), Error> {
    if query.len() <= MAX_QUERY {
        return Ok(());
    }
    let problem = format!("{} bytes are too long; at most {MAX_QUERY} fit", query.len());
    Err(Error::argument("query", problem))
}

/// What a caller is told about a failed search.
///
/// Sentry says what it does not understand in a search; everything else of the request
/// was checked before, except the cursor.
pub(crate) fn explained(err: sentry_client::Error, query: &str) -> Error {
    let ErrorKind::Validation { detail, fields } = err.kind() else { return err.into() };
    let mut said: Vec<String> = detail.iter().map(|detail| markdown::line(detail, 300)).collect();
    said.extend(
        fields.iter().map(|(field, problems)| {
            markdown::line(&format!("{field}: {}", problems.join(" ")), 300)
        }),
    );
    let said = said.join("; ");
    if said.to_lowercase().contains("cursor") {
        let text = format!(
            "Sentry did not accept `cursor`: \"{said}\". Next: leave it out to start again."
        );
        return Error::explained(text, err);
    }
    let reason = if said.is_empty() { String::new() } else { format!(": \"{said}\"") };
    let text = format!(
        "Sentry did not understand the query {}{reason}. Next: correct `query` and call again. \
         A filter is `key:value`, quoted if it has spaces (`release:\"api@1.0 beta\"`), `!` negates, \
         and numbers and times compare like `times_seen:>10` or `firstSeen:-24h`; `OR` and \
         parentheses may not be supported.",
        shown(query)
    );
    Error::explained(text, err)
}

/// A search as it is quoted in an answer.
pub(crate) fn shown(query: &str) -> String {
    if query.is_empty() { "(empty: every issue)".to_owned() } else { markdown::code(query, 1_000) }
}
