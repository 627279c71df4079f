//! The values that a tag of events, or an attribute of spans, logs, and metrics, really has.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::{Value, json};

use crate::{
    data::{
        World,
        explore::{Dataset, Row},
    },
    paging::Page,
    routes::{
        Answer, Context, Reply,
        explore::{Scope, times},
    },
};

/// `GET /organizations/{org}/tags/{key}/values/`: the most frequent first.
pub(in crate::routes) fn of_tag(
    world: &World,
    context: &Context<'_>,
    org: usize,
    key: &str,
) -> Answer {
    values(world, context, org, key, Dataset::Errors)
}

/// `GET /organizations/{org}/trace-items/attributes/{key}/values/`, for texts.
pub(in crate::routes) fn of_attribute(
    world: &World,
    context: &Context<'_>,
    org: usize,
    key: &str,
) -> Answer {
    let call = context.call;
    let name = call.param("itemType").or_else(|| call.param("dataset")).unwrap_or("spans");
    let dataset = Dataset::parse(name)
        .filter(|dataset| matches!(dataset, Dataset::Spans | Dataset::Logs | Dataset::Metrics))
        .ok_or_else(|| Reply::field("itemType", &format!("\"{name}\" is not a valid choice.")))?;
    if call.param("attributeType") != Some("string") {
        return Err(Reply::field("attributeType", "not a valid choice."));
    }
    values(world, context, org, key, dataset)
}

fn values(world: &World, context: &Context<'_>, org: usize, key: &str, dataset: Dataset) -> Answer {
    let page = Page::of(context.call)?;
    times(context)?;
    let scope = Scope::of(world, context, org)?;
    let rows = world.explore.rows(dataset).filter(|row| scope.holds(world, org, row));
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for text in rows.filter_map(|row: &Row| row.fields.get(key)?.as_str()) {
        *counts.entry(text).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let rows: Vec<Value> = counts
        .iter()
        .map(|(value, count)| json!({ "key": key, "name": value, "value": value, "count": count }))
        .collect();
    let link = page.link(context.call, rows.len());
    Ok(Reply::json(200, &json!(page.slice(&rows))).header("link", link))
}
