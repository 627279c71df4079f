//! `events/validate/`: whether a search would work, part by part. Runs nothing.

use serde_json::{Value, json};

use crate::{
    data::{
        World,
        explore::{self, Dataset},
    },
    routes::{
        Context, Reply,
        explore::{Column, sort_column, times},
    },
    search::RowSearch,
};

/// `GET /organizations/{org}/events/validate/`: 200 if all is well, else 400 with the same body.
/// Each part has `valid` and, if not, `error`.
pub(in crate::routes) fn validate(world: &World, context: &Context<'_>, org: usize) -> Reply {
    let call = context.call;
    let name = call.param("dataset").unwrap_or("discover");
    let dataset = Dataset::parse(name);
    let known = Known::of(world, dataset);
    let projects: Vec<Value> = call
        .params("project")
        .filter(|id| !id.is_empty() && *id != "-1")
        .map(|id| {
            let error = if id.parse::<u64>().is_err() {
                Some("Invalid project parameter. Values must be numbers.".to_owned())
            } else if world.project(org, id).is_none() {
                Some(format!("Project {id} does not exist or is not accessible."))
            } else {
                None
            };
            item("value", id, error.as_deref())
        })
        .collect();
    let environments = world.organizations.get(org).map_or(&[][..], |known| known.environments);
    let environment: Vec<Value> = call
        .params("environment")
        .filter(|name| !name.is_empty())
        .map(|name| {
            let missing = !environments.contains(&name);
            item("value", name, missing.then_some("Unknown environment"))
        })
        .collect();
    let fields: Vec<Value> = call
        .params("field")
        .filter(|field| !field.is_empty())
        .map(|field| item("name", field, known.error(field).as_deref()))
        .collect();
    let query = query(call.param("query").unwrap_or_default(), &known);
    let orderby = orderby(context, dataset);
    let dataset = item("value", name, dataset.is_none().then_some("Unknown dataset"));
    let time = times(context).err().map(|reply| detail(&reply));
    let timerange = json!({ "valid": time.is_none(), "error": time });
    let parts = [&projects, &environment, &fields, &orderby];
    let valid = parts.into_iter().flatten().chain([&query, &dataset, &timerange]).all(is_valid);
    let body = json!({
        "valid": valid,
        "projects": projects,
        "dataset": dataset,
        "environment": environment,
        "fields": fields,
        "query": query,
        "orderby": orderby,
        "timerange": timerange,
    });
    Reply::json(if valid { 200 } else { 400 }, &body)
}

fn item(key: &str, value: &str, error: Option<&str>) -> Value {
    json!({ (key): value, "valid": error.is_none(), "error": error })
}

fn is_valid(part: &Value) -> bool {
    part.get("valid") == Some(&Value::Bool(true))
}

/// The text of an error answer.
fn detail(reply: &Reply) -> String {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    body.get("detail").and_then(Value::as_str).unwrap_or("Invalid value").to_owned()
}

/// Attributes that Sentry knows in every data set, whether or not a row has them.
const STANDARD: [&str; 58] = [
    "id",
    "issue",
    "issue.id",
    "project.name",
    "project.id",
    "project_id",
    "user",
    "user.id",
    "user.email",
    "user.username",
    "user.ip",
    "environment",
    "release",
    "platform",
    "platform.name",
    "sdk.name",
    "sdk.version",
    "dist",
    "geo.country_code",
    "device.family",
    "device.model",
    "device.classification",
    "device.arch",
    "browser.name",
    "os.name",
    "stack.filename",
    "stack.abs_path",
    "stack.function",
    "stack.module",
    "stack.lineno",
    "http.method",
    "http.status_code",
    "http.url",
    "db.system",
    "db.operation",
    "span.op",
    "span.description",
    "span.status",
    "span.self_time",
    "span.category",
    "transaction.op",
    "transaction.status",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.tool.name",
    "mcp.method.name",
    "mcp.protocol.version",
    "mcp.resource.uri",
    "mcp.session.id",
    "measurements.lcp",
    "measurements.cls",
    "measurements.inp",
    "measurements.fcp",
    "measurements.ttfb",
    "trace.span_id",
    "trace.parent_span_id",
    "timestamp_precise",
    "observed_timestamp",
];

/// The attributes that the rows of a data set have.
struct Known(Vec<String>);

impl Known {
    fn of(world: &World, dataset: Option<Dataset>) -> Self {
        let attributes = dataset.map(|dataset| explore::attributes(&world.explore, dataset));
        Self(attributes.into_iter().flatten().map(|(name, ..)| name).collect())
    }

    fn error(&self, field: &str) -> Option<String> {
        if field.ends_with(')') || field.starts_with("equation|") {
            return match Column::parse(field) {
                Err(reply) => Some(detail(&reply)),
                Ok(Column::Function(function)) => {
                    let unknown = function.argument().filter(|argument| !self.has(argument));
                    unknown.map(|argument| format!("Unknown attribute: {argument}"))
                }
                Ok(Column::Field(_)) => None,
            };
        }
        (!self.has(field)).then(|| format!("Unknown attribute: {field}"))
    }

    fn has(&self, field: &str) -> bool {
        field.starts_with("tags[")
            || STANDARD.contains(&field)
            || self.0.iter().any(|name| name == field)
    }
}

fn query(text: &str, known: &Known) -> Value {
    match RowSearch::parse(text) {
        Err(error) => json!({
            "value": text, "valid": false, "error": error.to_string(), "fields": [],
        }),
        Ok(search) => {
            let fields: Vec<Value> =
                search.keys().map(|key| item("name", key, known.error(key).as_deref())).collect();
            let valid = fields.iter().all(is_valid);
            json!({ "value": text, "valid": valid, "error": null, "fields": fields })
        }
    }
}

fn orderby(context: &Context<'_>, dataset: Option<Dataset>) -> Vec<Value> {
    let call = context.call;
    // Columns with a mistake are named under `fields`; here they only do not count.
    let columns: Vec<Column> =
        call.params("field").filter_map(|field| Column::parse(field).ok()).collect();
    let dataset = dataset.unwrap_or(Dataset::Spans);
    call.params("sort")
        .chain(call.params("orderby"))
        .filter(|sort| !sort.is_empty())
        .map(|sort| {
            let error = sort_column(&columns, sort, dataset).err();
            item("name", sort, error.map(|reply| detail(&reply)).as_deref())
        })
        .collect()
}
