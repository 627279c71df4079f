//! Printing a query gives a query that is the same, for any query at all.
//!
//! It makes queries from parts rather than from bytes: that is what the fuzz target is for.

use proptest::prelude::*;
use sentry_mcp_search_query::{Dataset, Term, parse};

/// A value as a person writes it.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_./*@#-]{1,12}",
        "\"[^\"\\\\]{0,12}\"",
        "\"[a-z ]{0,5}\\\\\"[a-z ]{0,5}\"",
        "-?[0-9]{1,4}(\\.[0-9]{1,2})?[kmb]?",
        "[0-9]{1,3}(ms|s|min|h|d|w)",
        "[+-][0-9]{1,3}[mhdw]",
        "2026-0[1-9]-1[0-9](T10:00:00Z?)?",
        "\\[[a-z0-9]{1,5}(, ?[a-z0-9*]{1,5}){0,3}\\]",
        "\\[\"[a-z ,]{1,8}\", [a-z]{1,4}\\]",
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z][a-zA-Z0-9_.-]{0,12}",
        "\"[a-z]{1,4}:[a-z]{1,4}\"",
        "tags\\[[a-z.:]{1,8}(, ?(number|string))?\\]",
        "flags\\[[a-z]{1,8}\\]",
        "flags\\[\"[a-z]{1,8}\"\\]",
    ]
}

fn term() -> impl Strategy<Value = String> {
    let comparison = prop_oneof![Just(""), Just(">"), Just(">="), Just("<"), Just("!="), Just("=")];
    let function = "(count|p95|avg)\\(([a-z.]{1,6}(, [a-z0-9]{1,4}){0,2})?\\)";
    prop_oneof![
        4 => ("!?", key(), comparison.clone(), value()).prop_map(|(n, k, c, v)| format!("{n}{k}:{c}{v}")),
        2 => "[a-zA-Z0-9é'*./=]{1,10}( {1,3}[a-z(){}\\[\\]]{1,6}){0,3}",
        1 => "\"[^\"\\\\]{1,12}\"",
        1 => (function, comparison, "[0-9]{1,3}(ms|%|k)?").prop_map(|(f, c, v)| format!("{f}:{c}{v}")),
        1 => "!?has:[a-z.]{1,8}",
        1 => "(AND|OR|and|or)",
    ]
}

fn query() -> impl Strategy<Value = String> {
    let level = prop::collection::vec(term(), 1..5).prop_map(|terms| terms.join(" "));
    level.prop_recursive(3, 12, 3, |inner| {
        (inner.clone(), inner, term())
            .prop_map(|(left, right, term)| format!("{left} ({right}) {term}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_parses_to_the_same_query(text in query()) {
        for dataset in [Dataset::Issues, Dataset::Spans] {
            let outcome = parse(&text, dataset);
            prop_assert_eq!(outcome.query().text(), text.as_str());
            if !outcome.is_valid() {
                continue;
            }
            let printed = outcome.query().to_string();
            let again = parse(&printed, dataset);
            prop_assert!(again.query().same_as(outcome.query()), "{text:?} and {printed:?}");
            prop_assert!(again.is_valid());
        }
    }

    #[test]
    fn a_query_with_single_spaces_prints_as_it_is(
        terms in prop::collection::vec(("[a-z]{1,8}", value()), 1..6)
    ) {
        let text = terms.iter().map(|(k, v)| format!("x{k}:{v}")).collect::<Vec<_>>().join(" ");
        let outcome = parse(&text, Dataset::Spans);
        prop_assert_eq!(outcome.query().to_string(), text.as_str());
        let filters = outcome.query().terms().iter();
        prop_assert!(filters.clone().all(|term| matches!(term, Term::Filter(_))));
        prop_assert_eq!(filters.count(), terms.len());
    }

    #[test]
    fn a_valid_query_stays_valid_in_parentheses_and_beside_another(text in query()) {
        let alone = parse(&text, Dataset::Spans);
        let grouped = format!("({text}) environment:prod");
        let together = parse(&grouped, Dataset::Spans);
        if alone.is_valid() && !text.trim().is_empty() {
            prop_assert!(together.is_valid(), "{grouped:?}: {:?}", together.diagnostics());
        }
    }
}
