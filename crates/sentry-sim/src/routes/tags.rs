//! Tags of an organization's events and of one issue's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    data::{Issue, TagValue, World, date, tag_name},
    paging::Page,
    routes::{Answer, Context, Reply},
};

/// Tag keys with the number of their distinct values.
pub(super) fn of_organization(world: &World, org: usize) -> Reply {
    let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
    for issue in world.issues.iter().filter(|issue| issue.organization == org) {
        for (key, values) in &issue.tags {
            *keys.entry(key).or_default() += values.len();
        }
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|(key, total)| json!({ "key": key, "name": tag_name(key), "totalValues": total }))
        .collect();
    Reply::json(200, &Value::Array(rows))
}

pub(super) fn of_issue(world: &World, issue: usize) -> Answer {
    let issue = world.issues.get(issue).ok_or_else(Reply::not_found)?;
    let rows: Vec<_> = issue.tags.keys().map(|key| tag(issue, key)).collect();
    Ok(Reply::json(200, &Value::Array(rows)))
}

/// `GET …/tags/{key}/`.
pub(super) fn one_of_issue(world: &World, issue: usize, key: &str) -> Answer {
    let issue = world.issues.get(issue).ok_or_else(Reply::not_found)?;
    let values = issue.tags.get(key).ok_or_else(Reply::not_found)?;
    let mut body = tag(issue, key);
    crate::data::issues_extend(&mut body, json!({ "uniqueValues": values.len() }));
    Ok(Reply::json(200, &body))
}

/// `GET …/tags/{key}/values/`: the values alone, paged.
pub(super) fn values_of_issue(
    world: &World,
    context: &Context<'_>,
    issue: usize,
    key: &str,
) -> Answer {
    let page = Page::of(context.call)?;
    let issue = world.issues.get(issue).ok_or_else(Reply::not_found)?;
    let mut values = issue.tags.get(key).cloned().ok_or_else(Reply::not_found)?;
    values.sort_by_key(|value| std::cmp::Reverse(value.count));
    let rows: Vec<Value> = page.slice(&values).iter().map(|one| value(issue, key, one)).collect();
    let link = page.link(context.call, values.len());
    Ok(Reply::json(200, &Value::Array(rows)).header("link", link))
}

fn value(issue: &Issue, key: &str, value: &TagValue) -> Value {
    json!({
        "key": key,
        "name": value.value,
        "value": value.value,
        "count": value.count,
        "lastSeen": date(issue.last_seen),
        "firstSeen": date(issue.first_seen),
    })
}

fn tag(issue: &Issue, key: &str) -> Value {
    let mut values = issue.tags.get(key).cloned().unwrap_or_default();
    values.sort_by_key(|value| std::cmp::Reverse(value.count));
    let total: u64 = values.iter().map(|value| value.count).sum();
    let top: Vec<_> = values.iter().take(10).map(|one| value(issue, key, one)).collect();
    json!({ "key": key, "name": tag_name(key), "totalValues": total, "topValues": top })
}
