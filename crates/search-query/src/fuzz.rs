//! What must hold for every text whatever: a target for fuzzing, as a plain function.
//!
//! It has no harness of its own. A test replays a corpus with mutations, and
//! `cargo run --release -p sentry-mcp-search-query --example fuzz -- 600` goes on for ten
//! minutes.

use crate::{Dataset, Outcome, Query, Term, parse, render};

/// Parses the bytes as a query of every dataset, and panics where a promise is broken.
///
/// The promises: nothing panics; every place is inside the text and between characters;
/// what is printed parses to the same query; a suggestion can be applied; drawing works.
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for dataset in Dataset::ALL {
        let outcome = parse(&text, dataset);
        places(&outcome, &text);
        round_trip(&outcome, dataset);
        let drawn = render(&text, outcome.diagnostics());
        assert_eq!(drawn.is_empty(), outcome.diagnostics().is_empty(), "{text:?}");
    }
}

/// Every place fits the text, and every part says what is there.
fn places(outcome: &Outcome<'_>, text: &str) {
    for term in outcome.query().walk() {
        let there = term.span().of(text);
        let said = match term {
            Term::Text(part) => part.raw,
            Term::Operator(part) => part.raw,
            Term::Group(_) | Term::Filter(_) => there,
        };
        assert!(!there.is_empty(), "a term without a place in {text:?}");
        assert_eq!(there, said, "in {text:?}");
    }
    for filter in outcome.query().filters() {
        assert_eq!(filter.key.span.of(text), filter.key.raw, "in {text:?}");
        assert_eq!(filter.value.span().of(text), filter.value.raw(), "in {text:?}");
        for scalar in filter.value.scalars() {
            assert_eq!(scalar.span.of(text), scalar.raw, "in {text:?}");
        }
    }
    for finding in outcome.diagnostics() {
        assert!(text.get(finding.span.range()).is_some(), "{finding:?} in {text:?}");
        if let Some(fix) = &finding.suggestion {
            assert!(text.get(fix.span.range()).is_some(), "{finding:?} in {text:?}");
        }
    }
}

/// A query without errors of form prints as a text that parses to the same query.
fn round_trip(outcome: &Outcome<'_>, dataset: Dataset) {
    if !outcome.is_valid() {
        return;
    }
    let printed = outcome.query().to_string();
    let again = parse(&printed, dataset);
    assert!(again.is_valid(), "{:?} printed as {printed:?}", outcome.query().text());
    assert_same(outcome.query(), again.query());
    assert_eq!(again.query().to_string(), printed, "printing twice");
}

fn assert_same(query: &Query<'_>, again: &Query<'_>) {
    assert!(query.same_as(again), "{:?} became {:?}", query.text(), again.text());
}
