//! Whether a query still holds everything that another one asked for. It compares what is
//! written, not what it means: a filter that was put in other words counts as lost, which is
//! the safe side.

use std::{collections::BTreeSet, fmt};

use search_query::{Filter, OperatorKind, Query, Term, Text};

/// A part of a given query that is not required by what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFilter {
    /// As it was written in the given query.
    pub text: String,
}

impl fmt::Display for LostFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

/// The parts of `given` that `became` does not require.
///
/// A part is a filter, a piece of free text, or alternatives joined by `OR`, which stay or go
/// as one. It is required if it is joined by `AND` on every level above it; under an `OR`, or
/// negated, it does not count. Both queries must be valid.
///
/// To Sentry, `!(…)`, `NOT` and `||` are text, and what stands beside them is required. Whoever
/// wrote them meant something else, so it does not count either, unless the given query has
/// such text itself.
pub fn ensure_preserved(given: &Query<'_>, became: &Query<'_>) -> Vec<LostFilter> {
    let foreign = |query: &Query<'_>| query.texts().any(|text| negates(text) || joins(text));
    let reading = if foreign(given) { Reading::Plain } else { Reading::Wary };
    let required = conjuncts(became.terms(), reading);
    conjuncts(given.terms(), Reading::Plain)
        .into_iter()
        .filter(|part| !required.iter().any(|other| other.implies(part)))
        .map(|part| LostFilter { text: part.shown() })
        .collect()
}

/// How text is taken that looks like an operator of another language.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    /// As text.
    Plain,
    /// As the operator.
    Wary,
}

/// `!`, `-` or `NOT` right before the next term.
fn negates(text: &Text<'_>) -> bool {
    let last = text.raw.split_whitespace().next_back().unwrap_or_default();
    !text.quoted && (matches!(last, "!" | "-" | "!!") || last.eq_ignore_ascii_case("not"))
}

/// `||` or `|` among the words.
fn joins(text: &Text<'_>) -> bool {
    !text.quoted && text.raw.split_whitespace().any(|word| matches!(word, "||" | "|"))
}

/// A part that has to be fulfilled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'q> {
    Filter(Canonical<'q>),
    Text(&'q str),
    /// Any of these, each of which is all of its parts.
    AnyOf(BTreeSet<BTreeSet<Part<'q>>>),
}

/// A filter without the spaces that mean nothing, and with the values of a list in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Canonical<'q> {
    key: String,
    operator: String,
    list: bool,
    values: BTreeSet<&'q str>,
}

fn conjuncts<'q>(terms: &[Term<'q>], reading: Reading) -> Vec<Part<'q>> {
    let is_or = |term: &Term<'_>| matches!(term, Term::Operator(it) if it.kind == OperatorKind::Or);
    let alternatives = terms.split(is_or).map(|terms| all_of(terms, reading));
    let mut alternatives: Vec<Vec<Part<'q>>> =
        alternatives.filter(|parts| !parts.is_empty()).collect();
    match alternatives.len() {
        0 => Vec::new(),
        1 if !terms.iter().any(is_or) => alternatives.pop().unwrap_or_default(),
        _ => {
            let set = alternatives.into_iter().map(BTreeSet::from_iter).collect();
            vec![Part::AnyOf(set)]
        }
    }
}

/// The parts of terms between which there is no `OR`.
fn all_of<'q>(terms: &[Term<'q>], reading: Reading) -> Vec<Part<'q>> {
    let wary = reading == Reading::Wary;
    if wary && terms.iter().any(|term| matches!(term, Term::Text(text) if joins(text))) {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut negated = false;
    for term in terms {
        let skip = std::mem::take(&mut negated);
        match term {
            Term::Text(text) if wary && negates(text) => negated = true,
            Term::Operator(_) => {}
            _ if skip => {}
            Term::Filter(filter) => parts.push(Part::Filter(canonical(filter))),
            Term::Text(Text { raw, .. }) => parts.push(Part::Text(raw.trim())),
            Term::Group(group) => parts.extend(conjuncts(&group.terms, reading)),
        }
    }
    parts
}

fn canonical<'q>(filter: &Filter<'q>) -> Canonical<'q> {
    let operator = format!(
        "{}{}:{}",
        if filter.negated { "!" } else { "" },
        filter.matching.map_or("", |matching| matching.word()),
        filter.comparison.map_or("", |comparison| comparison.sign()),
    );
    Canonical {
        key: without_spaces(filter.key.raw),
        operator,
        list: filter.value.is_list(),
        values: filter.value.scalars().iter().map(|scalar| scalar.raw).collect(),
    }
}

/// Without the spaces outside of quotes.
fn without_spaces(key: &str) -> String {
    let mut quoted = false;
    key.chars()
        .filter(|c| {
            quoted ^= *c == '"';
            quoted || !c.is_whitespace()
        })
        .collect()
}

impl Part<'_> {
    /// Whether everything that fulfills this part fulfills the other one too.
    fn implies(&self, other: &Part<'_>) -> bool {
        match (self, other) {
            // Free text is searched as a whole, so more of it finds less.
            (Part::Text(more), Part::Text(less)) => {
                let plain = |text: &str| !text.contains(['*', '"']);
                more == less || (plain(more) && plain(less) && has_words(more, less))
            }
            _ => self == other,
        }
    }

    fn shown(&self) -> String {
        match self {
            Part::Filter(Canonical { key, operator, list, values }) => {
                let (negation, rest) = match operator.strip_prefix('!') {
                    Some(rest) => ("!", rest),
                    None => ("", operator.as_str()),
                };
                let sign = rest.rsplit(':').next().unwrap_or_default();
                let values = values.iter().copied().collect::<Vec<_>>().join(",");
                let value = if *list { format!("[{values}]") } else { values };
                format!("{negation}{key}:{sign}{value}")
            }
            Part::Text(text) => (*text).to_owned(),
            Part::AnyOf(alternatives) => {
                let all = |parts: &BTreeSet<Part<'_>>| {
                    parts.iter().map(Part::shown).collect::<Vec<_>>().join(" ")
                };
                format!("({})", alternatives.iter().map(all).collect::<Vec<_>>().join(" OR "))
            }
        }
    }
}

/// Whether the words of one text follow each other in another.
fn has_words(text: &str, words: &str) -> bool {
    let text: Vec<&str> = text.split_whitespace().collect();
    let words: Vec<&str> = words.split_whitespace().collect();
    !words.is_empty() && text.windows(words.len()).any(|window| window == words)
}

#[cfg(test)]
mod tests {
    use search_query::Dataset;

    /// What is lost, as text.
    fn lost(given: &str, became: &str) -> Vec<String> {
        crate::check::lost(given, became, Dataset::Errors)
            .unwrap()
            .into_iter()
            .map(|lost| lost.text)
            .collect()
    }

    #[test]
    fn a_filter_survives_where_it_is_joined_by_and() {
        for (given, became) in [
            ("", "level:error"),
            ("level:error", "level:error"),
            ("level:error", "level:error has:url"),
            ("level:error", "has:url AND level:error"),
            ("level:error", "has:url (level:error user.id:1)"),
            ("level:error", "(level:error) AND (a:1 OR b:2)"),
            ("level:error AND has:url", "has:url level:error"),
            ("level:[error,fatal]", "x:1 level:[fatal, error]"),
            ("!level:error", "!level:error a:1"),
            ("(a:1 OR b:2)", "(b:2 OR a:1) level:error"),
            ("a:1 OR b:2", "(a:1 OR b:2) level:error"),
            ("count_if(level,equals,error):>5", "count_if(level, equals, error):>5 a:1"),
            ("timeout", "connect timeout reached"),
            ("not found", "not found a:1"),
            ("level:error a || b", "level:error a || b c:1"),
            ("level:error", "!\"x\" level:error"),
            ("level:error timeout", "timeout level:error"),
        ] {
            assert_eq!(lost(given, became), Vec::<String>::new(), "{given} -> {became}");
        }
    }

    #[test]
    fn a_filter_is_lost_where_it_is_not_required() {
        for (given, became, expected) in [
            ("level:error", "", "level:error"),
            ("level:error", "has:url", "level:error"),
            ("level:error", "level:error OR has:url", "level:error"),
            ("level:error", "a:1 (level:error OR has:url)", "level:error"),
            ("level:error", "a:1 level:error OR b:2", "level:error"),
            ("level:error", "!level:error", "level:error"),
            ("!level:error", "level:error", "!level:error"),
            ("level:error", "level:[error,warning]", "level:error"),
            ("level:[error,fatal]", "level:[error,fatal,info]", "level:[error,fatal]"),
            ("level:error", "level:err*", "level:error"),
            ("level:error", "message:\"level:error\"", "level:error"),
            ("level:error", "\"level:error\"", "level:error"),
            ("level:error", "my.level:error", "level:error"),
            ("stack.lineno:>5", "stack.lineno:>=5", "stack.lineno:>5"),
            ("stack.lineno:>5", "stack.lineno:5", "stack.lineno:>5"),
            ("stack.lineno:>5", "!stack.lineno:>5", "stack.lineno:>5"),
            ("has:url", "!has:url", "has:url"),
            ("level:error", "!(level:error)", "level:error"),
            ("level:error", "a:1 AND ! ( level:error )", "level:error"),
            ("level:error", "NOT level:error", "level:error"),
            ("level:error", "a:1 and not (level:error a:2)", "level:error"),
            ("level:error", "-(level:error)", "level:error"),
            ("level:error", "level:error || has:url", "level:error"),
            ("level:error", "LEVEL:error", "level:error"),
            ("level:error", "a:1 OR (level:error)", "level:error"),
            ("(a:1 OR b:2)", "(a:1 OR b:2 OR c:3)", "(a:1 OR b:2)"),
            ("(a:1 OR b:2)", "a:1 b:2 OR c:3", "(a:1 OR b:2)"),
            ("timeout", "timeouts", "timeout"),
            ("timeout", "*timeout b", "timeout"),
            ("\"connect timeout\"", "connect timeout", "\"connect timeout\""),
        ] {
            assert_eq!(lost(given, became), [expected], "{given} -> {became}");
        }
    }

    #[test]
    fn each_lost_filter_is_named() {
        assert_eq!(lost("a:1 b:2 c:3", "b:2 d:4"), ["a:1", "c:3"]);
    }
}
