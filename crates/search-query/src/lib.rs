//! Sentry's search syntax: parse a query, explain what is wrong with it, and print it.
//!
//! ```
//! use sentry_mcp_search_query::{Dataset, parse, render};
//!
//! let outcome = parse("is:unresolved message:\"time out", Dataset::Issues);
//! assert!(!outcome.is_valid());
//! assert_eq!(
//!     render(outcome.query().text(), outcome.diagnostics()),
//!     r#"error: this quote is never closed: add `"` at the end of the text that it opens
//!   is:unresolved message:"time out
//!                         ^
//!   try: is:unresolved message:"time out"
//! "#
//! );
//! ```
//!
//! A query that is valid runs as given: [`Query::text`] is what is sent, byte for byte.
//! Warnings never block. What Sentry would refuse is an error, with its place, the reason
//! in plain words, and what to write instead. So is what Sentry would take for text though
//! nobody means text, such as a list that is never closed.
//!
//! The syntax is that of Sentry's public documentation and its published grammar. The
//! parser is recursive descent by hand, not a combinator library: in this grammar nearly
//! every mistake is still a legal text ("free text"), so a failed alternative says nothing.
//! What helps is to know at the place of the mistake what its author was writing, and that
//! is a decision in each function rather than a message of the library.
//!
//! It does no I/O, knows no tool and no organization, and depends on no other crate of ours.

mod ast;
mod dataset;
mod diagnostic;
pub mod fields;
mod findings;
mod foreign;
mod fuzz;
mod parser;
mod print;
mod render;
mod rules;
mod scan;
mod span;
mod value;

pub use ast::{
    Argument, AttributeType, Comparison, Filter, Group, Key, KeyKind, Matching, Operator,
    OperatorKind, Query, StandIn, StandInKind, Term, Text, Value, Walk,
};
pub use dataset::Dataset;
pub use diagnostic::{Code, Diagnostic, Fix, Severity};
pub use fuzz::fuzz;
pub use render::render;
pub use span::Span;
pub use value::{Scalar, When};

/// A parsed query, and all that was found about it.
#[derive(Clone, Debug)]
pub struct Outcome<'q> {
    query: Query<'q>,
    diagnostics: Vec<Diagnostic>,
}

impl<'q> Outcome<'q> {
    /// The query. Where there are errors it has what could be read.
    pub fn query(&self) -> &Query<'q> {
        &self.query
    }

    /// Everything found, in the order of the text; bounded, whatever the query is.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// What keeps the query from running.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|finding| finding.is_error())
    }

    /// What does not.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|finding| !finding.is_error())
    }

    /// Whether the query may run.
    pub fn is_valid(&self) -> bool {
        self.errors().next().is_none()
    }
}

/// Reads a query for one dataset. Never fails: what is wrong is in the outcome.
///
/// The time it takes grows linearly with the text, whatever is in it.
pub fn parse(text: &str, dataset: Dataset) -> Outcome<'_> {
    let (query, mut findings) = checked(text, dataset);
    foreign::check(&query, dataset, &mut findings);
    Outcome { query, diagnostics: findings.into_sorted() }
}

/// Without a second look at what may be foreign; for what this crate writes itself.
fn parse_plain(text: &str, dataset: Dataset) -> Outcome<'_> {
    let (query, findings) = checked(text, dataset);
    Outcome { query, diagnostics: findings.into_sorted() }
}

fn checked(text: &str, dataset: Dataset) -> (Query<'_>, findings::Findings) {
    let (terms, mut findings) = parser::parse(text, dataset);
    let query = Query { text, terms };
    rules::check(&query, dataset, &mut findings);
    for finding in fields::check(&query, dataset) {
        // One mistake is said once: what the parser could not read has no type, either.
        if !findings.touches_error(finding.span) {
            findings.push(finding);
        }
    }
    (query, findings)
}
