//! A sentence where a query is expected, and the query that it asks for, where a few
//! plain words make that clear.
//!
//! It is a hint, not a translation: that is what a language model is for.

use crate::{
    Code, Dataset, Diagnostic, Span,
    ast::{Query, Term},
    findings::Findings,
};

/// Words that begin a request.
const OPENERS: &[&str] = &[
    "all", "any", "are", "can", "count", "did", "display", "do", "does", "fetch", "find", "get",
    "give", "how", "is", "list", "please", "search", "show", "tell", "what", "when", "where",
    "which", "who", "why",
];

/// Words that sentences have and error messages rarely.
const FILLERS: &[&str] = &[
    "about",
    "all",
    "assigned",
    "from",
    "has",
    "have",
    "happened",
    "issues",
    "last",
    "me",
    "most",
    "my",
    "past",
    "recent",
    "since",
    "that",
    "the",
    "their",
    "today",
    "unresolved",
    "were",
    "which",
    "with",
    "yesterday",
    "errors",
    "our",
    "in",
    "of",
];

/// Words that are a filter of issue search when a sentence has them.
const WORDS: &[(&str, &str)] = &[
    ("unresolved", "is:unresolved"),
    ("resolved", "is:resolved"),
    ("archived", "is:archived"),
    ("ignored", "is:archived"),
    ("unassigned", "is:unassigned"),
    ("regressed", "is:regressed"),
    ("escalating", "is:escalating"),
    ("fatal", "level:fatal"),
    ("warnings", "level:warning"),
    ("production", "environment:production"),
    ("staging", "environment:staging"),
    ("unhandled", "error.unhandled:true"),
];

/// Adds a warning where the text is a sentence.
pub(super) fn check(query: &Query<'_>, dataset: Dataset, findings: &mut Findings) {
    let is_text = |term: &Term<'_>| match term {
        Term::Text(text) => !text.quoted,
        Term::Operator(operator) => operator.raw.bytes().all(|byte| byte.is_ascii_lowercase()),
        _ => false,
    };
    if query.is_empty() || !query.terms().iter().all(is_text) {
        return;
    }
    let text = query.text();
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '?' | '!' | ';'))
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if !is_sentence(&words) {
        return;
    }
    let span = Span::new(0, text.trim_end().len());
    let field = dataset.free_text_field();
    let message = format!(
        "this reads like a sentence, and Sentry searches for it as one text in `{field}`: a query \
         is made of filters, `key:value`"
    );
    let finding = Diagnostic::warning(span, Code::NaturalLanguage, message);
    let suggestion = if dataset == Dataset::Issues { filters(&words) } else { None };
    findings.push(match suggestion {
        Some(query) => finding.fix(Span::new(0, text.len()), query),
        None => finding,
    });
}

fn is_sentence(words: &[String]) -> bool {
    let opens = words.first().is_some_and(|word| OPENERS.contains(&word.as_str()));
    let fillers = words.iter().filter(|word| FILLERS.contains(&word.as_str())).count();
    (opens && words.len() >= 3 && fillers >= 1) || (words.len() >= 3 && fillers >= 2)
}

/// The filters that the words stand for.
fn filters(words: &[String]) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |filter: &str| {
        if !found.iter().any(|other| other == filter) {
            found.push(filter.to_owned());
        }
    };
    for (position, word) in words.iter().enumerate() {
        let next = |ahead: usize| words.get(position + ahead).map_or("", String::as_str);
        if let Some((_, filter)) = WORDS.iter().find(|(known, _)| known == word) {
            add(filter);
        }
        match (word.as_str(), next(1), next(2)) {
            ("assigned", "to", "me") | ("my", "issues" | "errors" | "bugs", _) => {
                add("assigned:me");
            }
            ("assigned", "to", "nobody") => add("is:unassigned"),
            ("for", "review", _) => add("is:for_review"),
            ("today", ..) | ("last" | "past", "day", _) => add("lastSeen:-24h"),
            ("yesterday", ..) => add("lastSeen:-48h"),
            ("last" | "past" | "this", "hour", _) => add("lastSeen:-1h"),
            ("last" | "past" | "this", "week", _) => add("lastSeen:-7d"),
            ("last" | "past" | "this", "month", _) => add("lastSeen:-30d"),
            ("last" | "past", number, unit) => {
                if let Some(filter) = since(number, unit) {
                    add(&filter);
                }
            }
            _ => {}
        }
    }
    (!found.is_empty()).then(|| found.join(" "))
}

/// `last 24 hours` as `lastSeen:-24h`.
fn since(number: &str, unit: &str) -> Option<String> {
    let count: u32 = number.parse().ok().filter(|count| (1..=9_999).contains(count))?;
    let unit = match unit.trim_end_matches('s') {
        "minute" => 'm',
        "hour" => 'h',
        "day" => 'd',
        "week" => 'w',
        "month" => return Some(format!("lastSeen:-{}d", count * 30)),
        _ => return None,
    };
    Some(format!("lastSeen:-{count}{unit}"))
}
