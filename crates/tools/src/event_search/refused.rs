//! What Sentry objects to in a search, in terms of the arguments it was made of.

use std::fmt::Write as _;

use search_query::{fields, parse};
use sentry_client::discover::Objection;

use super::{
    names,
    plan::{self, Plan},
};
use crate::{
    error::Error,
    render::markdown,
    search_text::refused::{drawn, has_word, near_field, near_function, said},
};

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
    if argument == "query"
        && let Some(drawn) = drawn(&plan.query, plan.dataset.syntax(), &objection_said(objection))
    {
        let _ = write!(text, "\n{}", drawn.trim_end());
    }
    text
}

/// An objection as one sentence of Sentry's.
fn objection_said(objection: &Objection) -> String {
    let reason = markdown::line(&objection.reason, 300);
    match &objection.item {
        Some(item) => format!("'{}': {reason}", markdown::line(item, 100)),
        None => reason,
    }
}

/// What a caller is told about a search that failed.
pub(crate) fn explained(err: sentry_client::Error, plan: &Plan) -> Error {
    let Some(said) = said(&err) else { return err.into() };
    let blame = blame(plan, &said);
    let mut text = format!("Sentry did not accept {}", blame.what);
    if !said.is_empty() {
        let _ = write!(text, ": \"{said}\"");
    }
    text.push_str(". ");
    if let Some(drawn) = blame.place {
        let _ = write!(text, "It seems to mean:\n{drawn}Next: correct `query` and call again.");
        return Error::explained(text, err);
    }
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
    /// The place in the query, drawn.
    place: Option<String>,
    next: &'static str,
}

fn blame(plan: &Plan, said: &str) -> Blame {
    let lower = said.to_lowercase();
    let says = |word: &str| has_word(&lower, &word.to_lowercase());
    if says("cursor") {
        let next = "leave it out to start again.";
        return Blame { what: "`cursor`".to_owned(), item: None, place: None, next };
    }
    if lower.contains("dataset") {
        let what = format!("the dataset `{}`", plan.dataset.name());
        let next = "this Sentry may be too old for it, or the organization lacks the feature: \
                    choose another `dataset`.";
        return Blame { what, item: None, place: None, next };
    }
    let item = |field: &String| names::function(field).unwrap_or(field).to_owned();
    let sort = plan::bare(&plan.sort);
    if says("orderby") || says("sort") || says("order") {
        let what = format!("`sort` {}", markdown::code(&plan.sort, 100));
        let next = "sort by one of the `fields`, with `-` before it for the largest first.";
        return Blame { what, item: Some(sort.to_owned()), place: None, next };
    }
    // A filter's name stands in the query, a column's in the fields, and some in both.
    let outcome = parse(&plan.query, plan.dataset.syntax());
    let in_query = outcome.query().filters().map(|filter| filter.key.name).find(|key| says(key));
    let in_fields = plan.fields.iter().find(|field| says(&item(field)));
    if let (Some(field), None) = (in_fields, in_query) {
        let what = format!("{} in `fields`", markdown::code(field, 100));
        let next = "correct `fields` and call again.";
        return Blame { what, item: Some(item(field)), place: None, next };
    }
    let query = if plan.query.is_empty() {
        "the search".to_owned()
    } else {
        format!("`query` {}", markdown::code(&plan.query, 1_000))
    };
    let next = "correct `query` and call again. A filter is `key:value`, quoted if it has spaces \
                (`message:\"two words\"`), `!` negates, `has:key` asks for any value, and numbers \
                compare like `span.duration:>500ms`; the time goes into `period`.";
    let place = drawn(&plan.query, plan.dataset.syntax(), said);
    Blame { what: query, item: in_query.map(str::to_owned), place, next }
}

/// "did you mean", out of what the dataset is known to have.
fn near(plan: &Plan, item: &str) -> Option<String> {
    let name = names::function(item).unwrap_or(item);
    let syntax = plan.dataset.syntax();
    let is_function = plan.fields.iter().any(|field| names::function(field) == Some(name))
        || names::function(item).is_some();
    if !is_function {
        return near_field(syntax, name).map(|near| format!("did you mean `{near}`?"));
    }
    if let Some(near) = near_function(syntax, name) {
        return Some(format!("did you mean `{near}()`?"));
    }
    fields::function(syntax, name).is_none().then(|| {
        let all: Vec<String> =
            fields::aggregates(syntax).iter().map(|known| format!("`{}`", known.name)).collect();
        format!("functions are {}", all.join(", "))
    })
}
