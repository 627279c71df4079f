//! Session replays: list, one, and how many belong to issues. No recordings.

use serde_json::{Map, Value, json};

use crate::{
    data::{World, replays::Replay},
    paging::Page,
    routes::{Answer, Context, Reply, explore::times, issues::chosen_projects},
    search::RowSearch,
};

/// What Sentry sorts replays by.
const SORTS: [&str; 25] = [
    "activity",
    "browser.name",
    "browser.version",
    "count_dead_clicks",
    "count_errors",
    "count_infos",
    "count_rage_clicks",
    "count_urls",
    "count_warnings",
    "device.brand",
    "device.family",
    "device.model",
    "device.name",
    "dist",
    "duration",
    "finished_at",
    "os.name",
    "os.version",
    "platform",
    "project_id",
    "sdk.name",
    "started_at",
    "user.email",
    "user.id",
    "user.username",
];

/// The replays of an organization: all belong to the storefront.
fn all(world: &World, org: usize) -> &[Replay] {
    let storefront = world.projects.iter().find(|project| project.id == 302);
    if storefront.is_some_and(|project| project.organization == org) { &world.replays } else { &[] }
}

/// `GET /organizations/{org}/replays/`.
pub(super) fn list(world: &World, context: &Context<'_>, org: usize) -> Answer {
    let call = context.call;
    let page = Page::of(call)?;
    let (from, until) = times(context)?;
    let projects = chosen_projects(world, context, org, None)?;
    let wanted = projects.is_none_or(|chosen| {
        chosen.iter().filter_map(|one| world.projects.get(*one)).any(|one| one.id == 302)
    });
    let search = RowSearch::parse(call.param("query").unwrap_or_default())
        .map_err(|error| Reply::detail(400, &error.to_string()))?;
    let sort = call.param("sort").or_else(|| call.param("orderBy")).unwrap_or("-started_at");
    let (descending, key) = sort.strip_prefix('-').map_or((false, sort), |key| (true, key));
    if !SORTS.contains(&key) {
        return Err(Reply::detail(400, &format!("Invalid field specified: {key}")));
    }
    let environments: Vec<_> = call.params("environment").filter(|name| !name.is_empty()).collect();
    let mut found: Vec<&Replay> = all(world, org)
        .iter()
        .filter(|replay| wanted && (from..=until).contains(&replay.started))
        .filter(|replay| {
            let environment = replay.body.get("environment").and_then(Value::as_str);
            environments.is_empty() || environment.is_some_and(|one| environments.contains(&one))
        })
        .filter(|replay| search.matches(|key| replay.value(key), &replay.id))
        .collect();
    found.sort_by(|one, next| {
        let ordering = super::explore::compare(one.value(key).as_ref(), next.value(key).as_ref());
        if descending { ordering.reverse() } else { ordering }
    });
    let fields: Vec<&str> = call.params("field").filter(|field| !field.is_empty()).collect();
    let rows: Vec<_> = page.slice(&found).iter().map(|replay| chosen(replay, &fields)).collect();
    let link = page.link(call, found.len());
    Ok(Reply::json(200, &json!({ "data": rows })).header("link", link))
}

/// Only the asked top-level fields; all if none is asked.
fn chosen(replay: &Replay, fields: &[&str]) -> Map<String, Value> {
    let wanted = |key: &String| fields.is_empty() || key == "id" || fields.contains(&key.as_str());
    let fields = replay.body.iter().filter(|(key, _)| wanted(key));
    fields.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// `GET /organizations/{org}/replays/{id}/`; the id with or without dashes.
pub(super) fn one(world: &World, context: &Context<'_>, org: usize, id: &str) -> Answer {
    times(context)?;
    let id = id.replace('-', "").to_ascii_lowercase();
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Reply::detail(400, "Invalid replay id"));
    }
    let replay = all(world, org)
        .iter()
        .find(|replay| replay.id == id)
        .ok_or_else(|| Reply::detail(404, "The requested resource does not exist"))?;
    Ok(Reply::json(200, &json!({ "data": replay.body })))
}

/// `GET /organizations/{org}/replay-count/`: per issue id the number, or with `returnIds` the ids.
pub(super) fn count(world: &World, context: &Context<'_>, org: usize) -> Answer {
    let call = context.call;
    times(context)?;
    let query = call.param("query").unwrap_or_default();
    if let Some(source) = call.param("data_source")
        && !matches!(source, "discover" | "events" | "search_issues" | "spans")
    {
        return Err(Reply::field("data_source", &format!("\"{source}\" is not a valid choice.")));
    }
    let ids = query.strip_prefix("issue.id:").ok_or_else(|| {
        Reply::detail(400, "Must provide exactly one of: issue.id, transaction, replay_id")
    })?;
    let with_ids = call.param("returnIds").is_some_and(|flag| matches!(flag, "true" | "1"));
    let mut counts = Map::new();
    for id in ids.trim_matches(['[', ']']).split(',').map(str::trim) {
        let issue = world.issue(id).filter(|(_, issue)| issue.organization == org);
        let Some((position, _)) = issue.filter(|_| id.parse::<u64>().is_ok()) else { continue };
        let found: Vec<&str> = all(world, org)
            .iter()
            .filter(|replay| replay.issue == Some(position))
            .map(|replay| replay.id.as_str())
            .collect();
        if with_ids {
            counts.insert(id.to_owned(), json!(found));
        } else if !found.is_empty() {
            counts.insert(id.to_owned(), json!(found.len()));
        }
    }
    Ok(Reply::json(200, &Value::Object(counts)))
}
