//! A search in Sentry's syntax, around the request: what the parser says of it, whom `me` means,
//! what a sentence becomes, and where Sentry's own objection points. It sends no search.

pub(crate) mod people;
pub(crate) mod refused;
pub(crate) mod searched;
pub(crate) mod sentence;
mod toolbox;

use std::fmt::Write as _;

use schemars::JsonSchema;
use search_query::{Dataset, Diagnostic, parse, render};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    render::markdown,
};

/// The longest search that is sent, in bytes: Sentry's front refuses URLs beyond 8 KiB.
const MAX_QUERY: usize = 4_000;

/// The most findings that are shown of one kind.
const MAX_FINDINGS: usize = 5;

/// Something odd about a search that runs all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Warning {
    /// The part of the query, or the column, that it is about.
    pub(crate) at: String,
    pub(crate) reason: String,
    /// What was probably meant.
    pub(crate) instead: Option<String>,
}

/// Everything odd about a search that runs all the same.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    /// Drawn on the query.
    drawn: String,
    /// What is not about the query.
    lines: Vec<String>,
    list: Vec<Warning>,
}

/// Checks a query before Sentry is asked: it fits, and its syntax is that of the dataset.
///
/// The query itself is what is sent. What is only odd comes back as warnings.
pub(crate) fn check(query: &str, dataset: Dataset) -> Result<Warnings> {
    fits(query)?;
    let outcome = parse(query, dataset);
    if !outcome.is_valid() {
        let errors: Vec<Diagnostic> = outcome.errors().take(MAX_FINDINGS).cloned().collect();
        return Err(Error::input(invalid(query, dataset, &errors)));
    }
    let found: Vec<Diagnostic> = outcome.warnings().take(MAX_FINDINGS).cloned().collect();
    let warning = |finding: &Diagnostic| Warning {
        at: finding.span.of(query).to_owned(),
        reason: finding.message.clone(),
        instead: finding.suggestion.as_ref().map(|fix| fix.apply(query)),
    };
    let list = found.iter().map(warning).collect();
    Ok(Warnings { drawn: render(query, &found), lines: Vec::new(), list })
}

/// Refuses a search that would not fit into a URL.
pub(crate) fn fits(query: &str) -> Result<()> {
    if query.len() <= MAX_QUERY {
        return Ok(());
    }
    let problem = format!("{} bytes are too long; at most {MAX_QUERY} fit", query.len());
    Err(Error::argument("query", problem))
}

fn invalid(query: &str, dataset: Dataset, errors: &[Diagnostic]) -> String {
    let mut text = format!(
        "invalid arguments: `query` is not valid in a search for {dataset}, so Sentry was not \
         asked:\n"
    );
    markdown::code_block(&mut text, "", &render(query, errors));
    text.push_str("Next: correct `query` and call again.");
    text
}

impl Warnings {
    /// Adds what is odd about the query; a search has one.
    pub(crate) fn add(&mut self, query: Warnings) {
        self.drawn.push_str(&query.drawn);
        self.lines.extend(query.lines);
        self.list.extend(query.list);
    }

    /// Adds what is odd about a column.
    pub(crate) fn column(&mut self, column: &str, reason: String, instead: Option<&str>) {
        if self.lines.len() < MAX_FINDINGS {
            self.lines.push(format!("Warning: {reason}"));
            let (at, instead) = (column.to_owned(), instead.map(str::to_owned));
            self.list.push(Warning { at, reason, instead });
        }
    }

    /// Below what was executed.
    pub(crate) fn write(&self, out: &mut String) {
        for line in &self.lines {
            let _ = writeln!(out, "{line}");
        }
        if !self.drawn.is_empty() {
            out.push_str("The query ran as given, but look at this:\n");
            markdown::code_block(out, "", &self.drawn);
        }
    }

    pub(crate) fn list(&self) -> Vec<Warning> {
        self.list.clone()
    }
}

/// A search as it is quoted in an answer; `empty` says what an empty one means.
pub(crate) fn shown(query: &str, empty: &str) -> String {
    if query.is_empty() { empty.to_owned() } else { markdown::code(query, 1_000) }
}

#[cfg(test)]
mod exactness_tests;
#[cfg(test)]
mod sentence_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_a_length() {
        assert!(fits(&"x".repeat(4_000)).is_ok());
        let told = check(&"x".repeat(4_001), Dataset::Issues).unwrap_err().to_string();
        assert!(told.contains("4001 bytes are too long"), "{told}");
    }

    #[test]
    fn a_syntax_error_shows_the_query_the_place_the_reason_and_the_fix() {
        let told = check("is:unresolved message:\"time out", Dataset::Issues).unwrap_err();
        insta::assert_snapshot!(told, @r#"
        invalid arguments: `query` is not valid in a search for issues, so Sentry was not asked:
        ```
        error: this quote is never closed: add `"` at the end of the text that it opens
          is:unresolved message:"time out
                                ^
          try: is:unresolved message:"time out"
        ```
        Next: correct `query` and call again.
        "#);
    }

    #[test]
    fn no_query_can_close_the_block_that_it_is_shown_in() {
        let told = check("``` message:\"x", Dataset::Issues).unwrap_err().to_string();
        assert!(told.contains("\n````\nerror: "), "{told}");
    }

    #[test]
    fn a_warning_blocks_nothing_and_says_what_was_probably_meant() {
        let mut warnings = check("levle:error", Dataset::Issues).unwrap();
        warnings.column("titel", "`titel` is no field".to_owned(), Some("title"));
        let mut out = String::new();
        warnings.write(&mut out);
        insta::assert_snapshot!(out, @r"
        Warning: `titel` is no field
        The query ran as given, but look at this:
        ```
        warning: `levle` is no field of issues, so it is searched as a tag: did you mean `level`?
          levle:error
          ^^^^^
          try: level:error
        ```
        ");
        let list = warnings.list();
        assert_eq!(list[0].at, "levle");
        assert_eq!(list[0].instead.as_deref(), Some("level:error"));
        assert_eq!(list[1].instead.as_deref(), Some("title"));
    }
}
