//! The same search on the web: Sentry's explorers, each with parameters of its own. Nothing
//! here is ever asked.

use search_query::{Term, Value, parse};
use sentry_client::SlugOrId;
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::{
    dataset::Dataset,
    entries::Web,
    names,
    plan::{self, Plan},
    time::Time,
};

/// The page that shows the same rows.
pub(crate) fn url(web: Web<'_>, plan: &Plan, project: Option<&SlugOrId>, time: &Time) -> String {
    if let Some(id) = conversation(plan) {
        let mut path = "/explore/conversations/".to_owned();
        path.extend(url::form_urlencoded::byte_serialize(id.as_bytes()));
        return web.site.web_url(web.org, &format!("{path}/"));
    }
    let mut query = Serializer::new(String::new());
    let project = project.map(SlugOrId::as_str);
    if let Some(project) = project.or((plan.dataset == Dataset::Logs).then_some("-1")) {
        query.append_pair("project", project);
    }
    let path = match plan.dataset {
        Dataset::Errors => errors(plan, &mut query),
        Dataset::Spans => spans(plan, &mut query),
        Dataset::Logs => logs(plan, &mut query),
        Dataset::Metrics => metrics(plan, &mut query),
        Dataset::Profiles => {
            query.append_pair("query", &plan.query);
            "/explore/profiling/"
        }
        Dataset::Replays => {
            query.append_pair("query", &plan.query).append_pair("sort", &plan.sort);
            for environment in &plan.environments {
                query.append_pair("environment", environment);
            }
            "/explore/replays/"
        }
    };
    query.extend_pairs(time.pairs());
    web.site.web_url(web.org, &format!("{path}?{}", query.finish()))
}

fn errors(plan: &Plan, query: &mut Serializer<'_, String>) -> &'static str {
    query.extend_pairs([("dataset", "errors"), ("queryDataset", "error-events")]);
    query.append_pair("query", &plan.query);
    for field in &plan.fields {
        query.append_pair("field", field);
    }
    query.append_pair("sort", &plan.sort);
    if plan.aggregate {
        query.append_pair("mode", "aggregate");
    }
    query.append_pair("yAxis", functions(plan).next().unwrap_or("count()"));
    "/explore/discover/homepage/"
}

fn spans(plan: &Plan, query: &mut Serializer<'_, String>) -> &'static str {
    query.append_pair("query", &plan.query);
    if plan.aggregate {
        query.append_pair("mode", "aggregate");
        for field in aggregate_fields(plan) {
            query.append_pair("aggregateField", &field.to_string());
        }
        query.append_pair("aggregateSort", &plan.sort);
    } else {
        for field in &plan.fields {
            query.append_pair("field", field);
        }
        query.append_pair("sort", &plan.sort);
    }
    query.append_pair("table", "span");
    "/explore/traces/"
}

fn logs(plan: &Plan, query: &mut Serializer<'_, String>) -> &'static str {
    query.append_pair("logsQuery", &plan.query);
    if plan.aggregate {
        query.append_pair("mode", "aggregate");
        for field in aggregate_fields(plan) {
            query.append_pair("aggregateField", &field.to_string());
        }
        query.append_pair("logsAggregateSortBys", &plan.sort);
    } else {
        query.append_pair("mode", "samples");
        for field in &plan.fields {
            query.append_pair("logsFields", field);
        }
        query.append_pair("logsSortBys", &plan.sort);
    }
    "/explore/logs/"
}

fn metrics(plan: &Plan, query: &mut Serializer<'_, String>) -> &'static str {
    let kind = if plan.sort.starts_with('-') { "desc" } else { "asc" };
    let state = json!({
        "metric": metric(plan),
        "query": plan.query,
        "aggregateFields": aggregate_fields(plan),
        "aggregateSortBys": [{ "field": plan::bare(&plan.sort), "kind": kind }],
        "mode": if plan.aggregate { "aggregate" } else { "samples" },
    });
    query.append_pair("metric", &state.to_string());
    "/explore/metrics/"
}

/// Which metric a search is about: `sum(value,name,type,unit)` says it, else the query does.
fn metric(plan: &Plan) -> serde_json::Value {
    let parts: Vec<&str> = functions(plan)
        .find_map(|field| field.split_once('(')?.1.strip_suffix(')'))
        .map(|arguments| arguments.split(',').map(str::trim).collect())
        .unwrap_or_default();
    match parts.as_slice() {
        [_, name, kind, unit] => json!({ "name": name, "type": kind, "unit": unit }),
        _ => json!({
            "name": filter(plan, "metric.name").unwrap_or_default(),
            "type": filter(plan, "metric.type").unwrap_or_default(),
        }),
    }
}

fn functions(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.fields.iter().map(String::as_str).filter(|field| names::function(field).is_some())
}

/// Columns as the explorers write them in their addresses.
fn aggregate_fields(plan: &Plan) -> Vec<serde_json::Value> {
    let one = |field: &String| {
        if names::is_aggregate(field) {
            json!({ "yAxes": [field] })
        } else {
            json!({ "groupBy": field })
        }
    };
    plan.fields.iter().filter(|_| plan.aggregate).map(one).collect()
}

/// A search for the spans of exactly one conversation has a page of its own.
fn conversation(plan: &Plan) -> Option<String> {
    if plan.dataset != Dataset::Spans {
        return None;
    }
    filter(plan, "gen_ai.conversation.id").filter(|id| !id.contains(['*', '[', '/', '\\']))
}

/// The value of a filter, if the query asks for exactly one.
fn filter(plan: &Plan, key: &str) -> Option<String> {
    let outcome = parse(&plan.query, plan.dataset.syntax());
    let query = outcome.query();
    if query.filters().filter(|filter| filter.key.name == key).count() != 1 {
        return None;
    }
    let required = query.required();
    let found = required.iter().find_map(|term| match term {
        Term::Filter(filter) if filter.key.name == key => Some(filter),
        _ => None,
    })?;
    match &found.value {
        Value::One(value) if !found.is_exclusion() && found.comparison.is_none() => {
            Some(value.text().into_owned()).filter(|value| !value.is_empty())
        }
        _ => None,
    }
}
