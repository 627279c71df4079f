//! What Sentry says of a search that it refuses, and where in the query that points. It does not
//! decide whether a query is valid: that was done before Sentry was asked.

use std::fmt::Write as _;

use search_query::{Code, Dataset, Diagnostic, Filter, Query, Span, fields, parse, render};
use sentry_client::ErrorKind;

use crate::{error::Error, render::markdown, spelling};

/// What Sentry says of a request that it refuses with 400, on one line; nothing for any other
/// failure.
pub(crate) fn said(err: &sentry_client::Error) -> Option<String> {
    let ErrorKind::Validation { detail, fields } = err.kind() else { return None };
    let mut said: Vec<String> = detail.iter().map(|detail| markdown::line(detail, 300)).collect();
    said.extend(
        fields.iter().map(|(field, problems)| {
            markdown::line(&format!("{field}: {}", problems.join(" ")), 300)
        }),
    );
    Some(said.join("; "))
}

/// What a caller is told about a failed search for issues.
///
/// Sentry says what it does not understand in a search; everything else of the request
/// was checked before, except the cursor.
pub(crate) fn issue_search(err: sentry_client::Error, query: &str) -> Error {
    let Some(said) = said(&err) else { return err.into() };
    if said.to_lowercase().contains("cursor") {
        let text = format!(
            "Sentry did not accept `cursor`: \"{said}\". Next: leave it out to start again."
        );
        return Error::explained(text, err);
    }
    let shown = super::shown(query, "(empty: every issue)");
    let reason = if said.is_empty() { String::new() } else { format!(": \"{said}\"") };
    let mut text = format!("Sentry did not understand the query {shown}{reason}. ");
    match drawn(query, Dataset::Issues, &said) {
        Some(drawn) => {
            let _ = write!(text, "It seems to mean:\n{drawn}Next: correct `query` and call again.");
        }
        None => text.push_str(
            "Next: correct `query` and call again. A filter is `key:value`, quoted if it has \
             spaces (`release:\"api@1.0 beta\"`), `!` negates, and numbers and times compare \
             like `times_seen:>10` or `firstSeen:-24h`.",
        ),
    }
    Error::explained(text, err)
}

/// The place in a query that Sentry's reason names, in a code block, if one can be found.
pub(crate) fn drawn(query: &str, dataset: Dataset, said: &str) -> Option<String> {
    let outcome = parse(query, dataset);
    let column = column(query, said);
    let place = if column.is_none() { named(outcome.query(), said) } else { None };
    let span = column.or_else(|| place.as_ref().map(|place| place.span))?;
    let mut finding = Diagnostic::error(span, Code::InvalidValue, format!("Sentry says: {said}"));
    if let Some((span, near)) = place.and_then(|place| nearest(&place, dataset)) {
        finding = finding.fix(span, near);
    }
    let mut block = String::new();
    markdown::code_block(&mut block, "", &render(query, &[finding]));
    Some(block)
}

/// Names of fields that reasons also use as words.
const WORDS: [&str; 5] = ["error", "message", "query", "search", "type"];

/// A filter that Sentry speaks of, and the part of it.
struct Place<'a, 'q> {
    span: Span,
    filter: &'a Filter<'q>,
    /// Whether its name is the problem, and not its value.
    is_key: bool,
}

/// The filter whose value, or else whose name, stands in the reason.
fn named<'a, 'q>(query: &'a Query<'q>, said: &str) -> Option<Place<'a, 'q>> {
    let said = said.to_lowercase();
    let score = |filter: &Filter<'_>| {
        let [name, raw] = [filter.key.name, filter.key.raw].map(str::to_lowercase);
        let is_plain = name.len() > 3 && !WORDS.contains(&name.as_str());
        let key = quotes(&said, &name)
            || quotes(&said, &raw)
            || (is_plain && (has_word(&said, &name) || has_word(&said, &raw)));
        let value = filter.value.scalars().iter().find(|value| {
            let value = value.text().to_lowercase();
            quotes(&said, &value) || (key && has_word(&said, &value))
        });
        (key, value.map(|value| value.span))
    };
    let mut best: Option<(u8, Place<'a, 'q>)> = None;
    for filter in query.filters() {
        let (points, span, is_key) = match score(filter) {
            (true, Some(span)) => (3, span, false),
            (false, Some(span)) => (1, span, false),
            (true, None) => (2, filter.key.span, true),
            (false, None) => continue,
        };
        if best.as_ref().is_none_or(|(most, _)| points > *most) {
            best = Some((points, Place { span, filter, is_key }));
        }
    }
    best.map(|(_, place)| place)
}

/// Whether a reason names something in quotes, or before a colon.
fn quotes(said: &str, name: &str) -> bool {
    let around = [('\'', '\''), ('"', '"'), ('`', '`'), ('\'', ':'), (' ', ':')];
    !name.is_empty()
        && around.iter().any(|(open, close)| said.contains(&format!("{open}{name}{close}")))
}

/// The place that Sentry counts in characters: `(column 5)`.
fn column(query: &str, said: &str) -> Option<Span> {
    let (_, after) = said.split_once("(column ")?;
    let number: usize = after.split(')').next()?.trim().parse().ok()?;
    let index = number.checked_sub(1)?;
    let at = query.char_indices().nth(index).map(|(at, c)| (at, at + c.len_utf8()));
    match at {
        Some((start, end)) => Some(Span::new(start, end)),
        None if query.chars().count() == index => Some(Span::empty(query.len())),
        None => None,
    }
}

/// The name that was probably meant, and what it replaces.
fn nearest(place: &Place<'_, '_>, dataset: Dataset) -> Option<(Span, &'static str)> {
    if !place.is_key {
        return None;
    }
    let key = &place.filter.key;
    if place.filter.is_aggregate() {
        let near = near_function(dataset, key.name)?;
        return Some((Span::new(key.span.start, key.span.start + key.name.len()), near));
    }
    Some((key.span, near_field(dataset, key.name)?))
}

/// The field that a name was probably meant to be, if it is none.
pub(crate) fn near_field(dataset: Dataset, name: &str) -> Option<&'static str> {
    if fields::field(dataset, name).is_some() {
        return None;
    }
    fields::nearest(dataset, name).map(|field| field.name)
}

/// The function that a name was probably meant to be, if it is none.
pub(crate) fn near_function(dataset: Dataset, name: &str) -> Option<&'static str> {
    if fields::function(dataset, name).is_some() {
        return None;
    }
    spelling::nearest(name, fields::aggregates(dataset).iter().map(|function| function.name))
}

/// Whether the text has this word, not as a part of a longer one.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    !word.is_empty()
        && text.match_indices(word).any(|(at, found)| {
            let before = text.get(..at).unwrap_or_default().chars().next_back();
            let mut after = text.get(at + found.len()..).unwrap_or_default().chars();
            // A full stop ends a sentence; within a name something follows it.
            let ends = match after.next() {
                Some('.') => !after.next().is_some_and(inside),
                next => !next.is_some_and(inside),
            };
            ends && !before.is_some_and(inside)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_a_part_of_another() {
        assert!(has_word("bogus is not a valid function", "bogus"));
        assert!(has_word("unknown: titel.", "titel"));
        assert!(!has_word("subtitle", "title"));
        assert!(!has_word("user.email", "user"));
        assert!(!has_word("anything", ""));
    }

    /// The marked part of the query.
    fn marked(query: &str, said: &str) -> Option<String> {
        let drawn = drawn(query, Dataset::Errors, said)?;
        let lines: Vec<&str> = drawn.lines().collect();
        let mark = lines[3];
        let part = lines[2].chars().zip(mark.chars()).filter(|(_, mark)| *mark == '^');
        Some(part.map(|(c, _)| c).collect())
    }

    #[test]
    fn a_reason_points_at_the_value_or_the_name_that_it_quotes() {
        let query = "is:unresolved level:[error,fatal] cuont(x):>5 release:zzzz";
        for (said, expected) in [
            ("Invalid value 'unresolved' for 'is' search", Some("unresolved")),
            ("invalid level: fatal.", Some("fatal")),
            ("Invalid key: release", Some("release")),
            ("cuont is not a valid function", Some("cuont(x)")),
            ("Invalid 'is' search", Some("is")),
            ("Parse error at 'x' (column 3). Enclose text in quotes", Some(":")),
            ("it is not valid", None),
            ("Error parsing search query", None),
            ("", None),
        ] {
            assert_eq!(marked(query, said).as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn a_misspelled_name_comes_with_the_right_one() {
        for (query, said, expected) in [
            ("levle:error", "Invalid key: levle", "try: level:error"),
            ("cuont():>5", "cuont is not a valid function", "try: count():>5"),
        ] {
            let drawn = drawn(query, Dataset::Errors, said).unwrap();
            assert!(drawn.contains(expected), "{drawn}");
        }
    }

    #[test]
    fn a_column_beyond_the_query_points_nowhere() {
        assert_eq!(column("äb", "x (column 2)"), Some(Span::new(2, 3)));
        assert_eq!(column("äb", "x (column 3)"), Some(Span::empty(3)));
        for said in ["x (column 4)", "x (column 0)", "x (column a)", "column 1"] {
            assert_eq!(column("äb", said), None, "{said}");
        }
    }
}
