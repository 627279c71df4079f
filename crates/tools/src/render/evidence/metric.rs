//! What a metric alert measured and against what. The alert's rule is not read.

use std::fmt::Write as _;

use sentry_client::events::Fields;
use serde_json::value::RawValue;

use super::{code, fact, text};

/// Appends the measured query, the value, and the threshold.
pub(super) fn facts(out: &mut String, data: &Fields<'_>) {
    let query = query(data);
    for (name, field) in [
        ("Dataset", "dataset"),
        ("Measured", "aggregate"),
        ("Query", "query"),
        ("Environment", "environment"),
    ] {
        // The environment is text in some versions and an object with a name in others.
        let value = text(&query, field)
            .or_else(|| text(&query.get(field).map(Fields::of).unwrap_or_default(), "name"));
        fact(out, name, value.map(|value| code(&value, false)));
    }
    let seconds = text(&query, "timeWindow").filter(|window| is_number(window));
    fact(out, "Interval", seconds.map(|seconds| format!("{seconds} seconds")));
    fact(out, "Value", value(data).filter(|value| is_number(value)));
    for condition in items(data.get("conditions")) {
        if let Some(threshold) = threshold(&Fields::of(condition)) {
            let _ = writeln!(out, "- Threshold: {threshold}");
        }
    }
    let alert = text(data, "alertId").or_else(|| text(data, "alertRuleId"));
    fact(out, "Alert rule", alert.map(|id| code(&id, false)));
}

/// The query of the first source that has one.
fn query<'a>(data: &Fields<'a>) -> Fields<'a> {
    let sources = items(data.get("dataSources"));
    let found = sources.into_iter().find_map(|source| {
        let object = Fields::of(source).get("queryObj").map(Fields::of)?;
        object.get("snubaQuery").map(Fields::of)
    });
    found.or_else(|| data.get("snubaQuery").map(Fields::of)).unwrap_or_default()
}

/// A number, or an object that holds it.
fn value(data: &Fields<'_>) -> Option<String> {
    text(data, "value")
        .or_else(|| text(&data.get("value").map(Fields::of).unwrap_or_default(), "value"))
}

/// `above 5`, in the words of Sentry's conditions and of its older numbers.
fn threshold(condition: &Fields<'_>) -> Option<String> {
    let number = text(condition, "comparison").filter(|number| is_number(number))?;
    let relation = match text(condition, "type")?.as_str() {
        "gt" | "0" => "above",
        "gte" => "at or above",
        "lt" | "1" => "below",
        "lte" => "at or below",
        _ => return None,
    };
    Some(format!("{relation} {number}"))
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(f64::is_finite) && text.len() < 40
}

/// The elements of a list; anything else has none.
fn items(json: Option<&RawValue>) -> Vec<&RawValue> {
    json.and_then(|json| serde_json::from_str(json.get()).ok()).unwrap_or_default()
}
