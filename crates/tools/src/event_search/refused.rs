//! What Sentry objects to in a search, in terms of the arguments it was made of.

use std::fmt::Write as _;

use sentry_client::{ErrorKind, discover::Objection};

use super::{
    cells::safe,
    names,
    plan::{self, Plan},
};
use crate::{error::Error, render::markdown};

/// The objections of Sentry's own check as one error.
pub(crate) fn objected(plan: &Plan, objections: &[Objection]) -> Error {
    let problems: Vec<String> =
        objections.iter().take(20).map(|objection| problem(plan, objection)).collect();
    plan::invalid(&problems)
}

fn problem(plan: &Plan, objection: &Objection) -> String {
    let argument = match objection.part.as_str() {
        "field" | "fields" => "fields",
        "orderby" | "order_by" | "orderBy" | "sort" => "sort",
        "project" | "projects" => "projectSlug",
        "environment" | "environments" => "environment",
        "dataset" => "dataset",
        "statsPeriod" | "start" | "end" => "period",
        _ => "query",
    };
    let mut text = format!("`{argument}`: ");
    if let Some(item) = &objection.item {
        text.push_str(&markdown::code(item, 100));
        text.push(' ');
    }
    match markdown::line(&objection.reason, 300) {
        reason if reason.is_empty() => text.push_str("is not valid, Sentry says"),
        reason => _ = write!(text, "(Sentry says: {reason})"),
    }
    if let Some(near) = objection.item.as_deref().and_then(|item| near(plan, item)) {
        text.push_str("; ");
        text.push_str(&near);
    }
    text
}

/// What a caller is told about a search that failed.
pub(crate) fn explained(err: sentry_client::Error, plan: &Plan) -> Error {
    let ErrorKind::Validation { detail, fields } = err.kind() else { return err.into() };
    let mut said: Vec<String> = detail.iter().map(|detail| markdown::line(detail, 300)).collect();
    said.extend(
        fields
            .iter()
            .map(|(field, texts)| markdown::line(&format!("{field}: {}", texts.join(" ")), 300)),
    );
    let said = said.join("; ");
    let blame = blame(plan, &said);
    let mut text = format!("Sentry did not accept {}", blame.what);
    if !said.is_empty() {
        let _ = write!(text, ": \"{said}\"");
    }
    text.push_str(". ");
    if let Some(near) = blame.item.and_then(|item| near(plan, &item)) {
        text.push_str(&near);
        text.push(' ');
    }
    let _ = write!(text, "Next: {}", blame.next);
    Error::explained(text, err)
}

/// Which argument Sentry means.
struct Blame {
    what: String,
    /// A name that may be misspelled.
    item: Option<String>,
    next: &'static str,
}

fn blame(plan: &Plan, said: &str) -> Blame {
    let lower = said.to_lowercase();
    let says = |word: &str| has_word(&lower, &word.to_lowercase());
    if says("cursor") {
        let next = "leave it out to start again.";
        return Blame { what: "`cursor`".to_owned(), item: None, next };
    }
    if lower.contains("dataset") {
        let what = format!("the dataset `{}`", plan.dataset.name());
        let next = "this Sentry may be too old for it, or the organization lacks the feature: \
                    choose another `dataset`.";
        return Blame { what, item: None, next };
    }
    let item = |field: &String| names::function(field).unwrap_or(field).to_owned();
    let sort = plan::bare(&plan.sort);
    if says("orderby") || says("sort") || says("order") {
        let what = format!("`sort` {}", markdown::code(&plan.sort, 100));
        let next = "sort by one of the `fields`, with `-` before it for the largest first.";
        return Blame { what, item: Some(sort.to_owned()), next };
    }
    // A filter's name stands in the query, a column's in the fields, and some in both.
    let in_query = keys(&plan.query).find(|key| says(key));
    let in_fields = plan.fields.iter().find(|field| says(&item(field)));
    if let (Some(field), None) = (in_fields, in_query) {
        let what = format!("{} in `fields`", markdown::code(field, 100));
        let next = "correct `fields` and call again.";
        return Blame { what, item: Some(item(field)), next };
    }
    let query = if plan.query.is_empty() {
        "the search".to_owned()
    } else {
        format!("`query` {}", markdown::code(&plan.query, 1_000))
    };
    let next = "correct `query` and call again. A filter is `key:value`, quoted if it has spaces \
                (`message:\"two words\"`), `!` negates, `has:key` asks for any value, and numbers \
                compare like `span.duration:>500ms`; the time goes into `period`.";
    Blame { what: query, item: in_query.map(str::to_owned), next }
}

/// The names of the filters of a query.
fn keys(query: &str) -> impl Iterator<Item = &str> {
    query.split_whitespace().filter_map(|word| {
        let (key, _) = word.trim_start_matches(['!', '(']).split_once(':')?;
        (!key.is_empty()).then_some(key)
    })
}

/// Whether the text has this word, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
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

/// "did you mean", out of what the dataset is known to have.
fn near(plan: &Plan, item: &str) -> Option<String> {
    let name = names::function(item).unwrap_or(item);
    let facts = plan.dataset.facts();
    let is_function = plan.fields.iter().any(|field| names::function(field) == Some(name))
        || names::function(item).is_some();
    if is_function {
        if let Some(found) =
            crate::spelling::nearest(name, facts.functions.iter().copied().filter(|f| *f != name))
                .filter(|_| !facts.functions.contains(&name))
        {
            return Some(format!("did you mean `{found}()`?"));
        }
        let all: Vec<String> = facts.functions.iter().map(|name| safe(name)).collect();
        return (!facts.functions.contains(&name))
            .then(|| format!("functions are {}", all.join(", ")));
    }
    if plan.dataset.known_fields().any(|known| known == name) {
        return None;
    }
    plan::nearest(name, plan.dataset.known_fields())
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

    #[test]
    fn the_names_of_filters_are_found() {
        let all: Vec<_> = keys("!a:b (c.d:>1 OR e) \"f g\" :x").collect();
        assert_eq!(all, ["a", "c.d"]);
    }
}
