//! Event search: `events/`, `events/validate/` and the attributes of trace items. What the
//! functions compute is in `functions`.

mod functions;
mod validate;
mod values;

use serde_json::{Map, Value, json};

pub(super) use crate::routes::explore::{
    validate::validate,
    values::{of_attribute as attribute_values, of_tag as tag_values},
};
use crate::{
    data::{
        World,
        explore::{self, Dataset, Row},
    },
    paging::Page,
    routes::{Answer, Context, Reply, explore::functions::Function, issues::chosen_projects},
    search::{self, RowSearch},
};

/// What every search of events asks for, checked as Sentry checks it.
struct Scope {
    /// Positions; `None` is all projects of the organization.
    projects: Option<Vec<usize>>,
    environments: Vec<String>,
    /// Seconds since the epoch.
    from: i64,
    until: i64,
}

impl Scope {
    fn of(world: &World, context: &Context<'_>, org: usize) -> Result<Self, Reply> {
        let call = context.call;
        let (from, until) = times(context)?;
        let environments: Vec<String> =
            call.params("environment").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let known = world.organizations.get(org).map_or(&[][..], |known| known.environments);
        if environments.iter().any(|name| !known.contains(&name.as_str())) {
            return Err(Reply::not_found());
        }
        let projects = chosen_projects(world, context, org, None)?;
        Ok(Self { projects, environments, from, until })
    }

    fn holds(&self, world: &World, org: usize, row: &Row) -> bool {
        let environment = || row.fields.get("environment").and_then(Value::as_str);
        world.projects.get(row.project).is_some_and(|project| project.organization == org)
            && self.projects.as_ref().is_none_or(|chosen| chosen.contains(&row.project))
            && (self.environments.is_empty()
                || self.environments.iter().any(|name| Some(name.as_str()) == environment()))
            && (self.from..=self.until).contains(&row.at)
    }
}

/// `statsPeriod`, or `start` and `end`; both together are the caller's mistake only if they
/// contradict, as in Sentry, where the period wins. Ninety days if there is neither.
pub(super) fn times(context: &Context<'_>) -> Result<(i64, i64), Reply> {
    let call = context.call;
    let param = |name: &str| call.param(name).filter(|value| !value.is_empty());
    if let Some(period) = param("statsPeriod") {
        let start = search::period_start(period)
            .ok_or_else(|| Reply::detail(400, &format!("Invalid statsPeriod: '{period}'")))?;
        return Ok((start, i64::MAX));
    }
    let instant = |text: &str| {
        let zoned = if text.ends_with('Z') || text.contains('+') {
            text.to_owned()
        } else if text.contains('T') {
            format!("{text}Z")
        } else {
            format!("{text}T00:00:00Z")
        };
        zoned
            .parse::<jiff::Timestamp>()
            .map(jiff::Timestamp::as_second)
            .map_err(|_| Reply::detail(400, &format!("{text} is not a valid ISO8601 date query")))
    };
    match (param("start"), param("end")) {
        (None, None) => Ok((crate::BASE_INSTANT - 90 * 86_400, i64::MAX)),
        (Some(start), Some(end)) => {
            let (start, end) = (instant(start)?, instant(end)?);
            if start > end {
                return Err(Reply::detail(400, "start must be before end"));
            }
            Ok((start, end))
        }
        _ => Err(Reply::detail(400, "start and end are both required")),
    }
}

/// The data set of a call; Sentry's default is the oldest one.
fn dataset(context: &Context<'_>) -> Result<Dataset, Reply> {
    let name = context.call.param("dataset").unwrap_or("discover");
    Dataset::parse(name).ok_or_else(|| {
        Reply::detail(
            400,
            "dataset must be one of: discover, errors, ourlogs, logs, profiles, \
             profile_functions, spans, tracemetrics, transactions",
        )
    })
}

/// A column of the answer.
enum Column {
    Field(String),
    Function(Function),
}

impl Column {
    fn parse(field: &str) -> Result<Self, Reply> {
        if field.starts_with("equation|") {
            return Err(Reply::detail(400, "Invalid equation: equations are not supported here"));
        }
        if !field.ends_with(')') {
            return Ok(Self::Field(field.to_owned()));
        }
        let function = Function::parse(field).map_err(|error| Reply::detail(400, &error))?;
        Ok(Self::Function(function))
    }

    fn name(&self) -> &str {
        match self {
            Self::Field(name) => name,
            Self::Function(function) => &function.name,
        }
    }
}

/// `GET /organizations/{org}/events/`.
pub(super) fn events(world: &World, context: &Context<'_>, org: usize) -> Answer {
    let call = context.call;
    let page = Page::of(call)?;
    let dataset = dataset(context)?;
    let scope = Scope::of(world, context, org)?;
    let columns: Vec<Column> = call
        .params("field")
        .filter(|field| !field.is_empty())
        .map(Column::parse)
        .collect::<Result<_, _>>()?;
    if columns.is_empty() {
        return Err(Reply::detail(400, "No columns selected"));
    }
    let search = RowSearch::parse(call.param("query").unwrap_or_default())
        .map_err(|error| Reply::detail(400, &error.to_string()))?;
    let sorts: Vec<(bool, String)> = call
        .params("sort")
        .chain(call.params("orderby"))
        .filter(|sort| !sort.is_empty())
        .map(|sort| sort_column(&columns, sort, dataset))
        .collect::<Result<_, _>>()?;
    let found: Vec<&Row> = world
        .explore
        .rows(dataset)
        .filter(|row| scope.holds(world, org, row))
        .filter(|row| search.matches(|key| row.value(world, key), &row.text()))
        .collect();
    let grouped = columns.iter().any(|column| matches!(column, Column::Function(_)));
    let mut rows = if grouped {
        let mut rows = functions::group(world, &columns, &found);
        rows.retain(|row| search.matches_functions(|key| row.get(key).cloned()));
        rows
    } else {
        found.iter().map(|row| plain(world, &columns, row)).collect()
    };
    sort(&mut rows, &sorts);
    let body = json!({
        "data": page.slice(&rows),
        "meta": meta(&columns, &rows, dataset, grouped),
    });
    Ok(Reply::json(200, &body).header("link", page.link(call, rows.len())))
}

fn plain(world: &World, columns: &[Column], row: &Row) -> Map<String, Value> {
    let mut made: Map<String, Value> = columns
        .iter()
        .map(|column| {
            let name = column.name();
            (name.to_owned(), row.value(world, name).unwrap_or(Value::Null))
        })
        .collect();
    if !made.contains_key("project") && !made.contains_key("project.name") {
        let slug = row.value(world, "project").unwrap_or(Value::Null);
        made.insert("project.name".to_owned(), slug);
    }
    made
}

/// Whether descending, and the column. `-count`, `-count()`, `-p95_span_duration` are all known.
fn sort_column(columns: &[Column], sort: &str, dataset: Dataset) -> Result<(bool, String), Reply> {
    let (descending, name) = sort.strip_prefix('-').map_or((false, sort), |name| (true, name));
    let flat = |name: &str| {
        let name = name.trim_end_matches("()").trim_end_matches(')');
        name.replace(['(', '.', ',', ' '], "_")
    };
    columns
        .iter()
        .map(Column::name)
        .find(|column| *column == name || flat(column) == name)
        .map(|column| (descending, column.to_owned()))
        .ok_or_else(|| {
            let detail = match dataset {
                Dataset::Errors | Dataset::Discover => {
                    "Cannot sort by a field that is not selected."
                }
                _ => "orderby must also be in the selected columns or groupby",
            };
            Reply::detail(400, detail)
        })
}

fn sort(rows: &mut [Map<String, Value>], sorts: &[(bool, String)]) {
    rows.sort_by(|one, next| {
        for (descending, column) in sorts {
            let ordering = compare(one.get(column), next.get(column));
            let ordering = if *descending { ordering.reverse() } else { ordering };
            if ordering.is_ne() {
                return ordering;
            }
        }
        std::cmp::Ordering::Equal
    });
}

pub(super) fn compare(one: Option<&Value>, next: Option<&Value>) -> std::cmp::Ordering {
    match (one.unwrap_or(&Value::Null), next.unwrap_or(&Value::Null)) {
        (Value::Number(one), Value::Number(next)) => {
            one.as_f64().unwrap_or(0.0).total_cmp(&next.as_f64().unwrap_or(0.0))
        }
        (Value::String(one), Value::String(next)) => one.cmp(next),
        (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
        (Value::Null, _) => std::cmp::Ordering::Less,
        (_, Value::Null) => std::cmp::Ordering::Greater,
        (one, next) => one.to_string().cmp(&next.to_string()),
    }
}

fn meta(columns: &[Column], rows: &[Map<String, Value>], dataset: Dataset, grouped: bool) -> Value {
    let (mut fields, mut units) = (Map::new(), Map::new());
    let mut add = |name: &str, kind: &str, unit: Option<&str>| {
        fields.insert(name.to_owned(), json!(kind));
        units.insert(name.to_owned(), json!(unit));
    };
    for column in columns {
        let name = column.name();
        let (kind, unit) = match column {
            Column::Function(function) => function.kind(),
            Column::Field(_) => field_kind(name, rows),
        };
        add(name, kind, unit);
    }
    let has_project =
        columns.iter().any(|column| matches!(column.name(), "project" | "project.name"));
    if !grouped && !has_project {
        add("project.name", "string", None);
    }
    json!({
        "fields": fields,
        "units": units,
        "isMetricsData": false,
        "isMetricsExtractedData": false,
        "tips": { "query": null, "columns": null },
        "datasetReason": "unchanged",
        "dataset": dataset.name(),
    })
}

/// Type and unit of a field, from its name or the first value of it.
fn field_kind(name: &str, rows: &[Map<String, Value>]) -> (&'static str, Option<&'static str>) {
    if name.ends_with(".duration") || name == "span.self_time" {
        return ("duration", Some("millisecond"));
    }
    if name == "timestamp" {
        return ("date", None);
    }
    let first = rows.iter().filter_map(|row| row.get(name)).find(|value| !value.is_null());
    match first {
        Some(Value::Number(number)) if number.is_f64() => ("number", None),
        Some(Value::Number(_)) => ("integer", None),
        Some(Value::Bool(_)) => ("boolean", None),
        Some(Value::Array(_)) => ("array", None),
        _ => ("string", None),
    }
}

/// `GET /organizations/{org}/trace-items/attributes/`.
pub(super) fn attributes(world: &World, context: &Context<'_>) -> Answer {
    let call = context.call;
    let page = Page::of(call)?;
    times(context)?;
    let name = call.param("itemType").or_else(|| call.param("dataset")).unwrap_or("spans");
    let dataset = Dataset::parse(name)
        .filter(|dataset| matches!(dataset, Dataset::Spans | Dataset::Logs | Dataset::Metrics))
        .ok_or_else(|| Reply::field("itemType", &format!("\"{name}\" is not a valid choice.")))?;
    let kinds: Vec<&str> = call.params("attributeType").filter(|kind| !kind.is_empty()).collect();
    if kinds.iter().any(|kind| !matches!(*kind, "string" | "number" | "boolean")) {
        return Err(Reply::field("attributeType", "not a valid choice."));
    }
    let part = call.param("substringMatch").unwrap_or_default().to_lowercase();
    let rows: Vec<Value> = explore::attributes(&world.explore, dataset)
        .into_iter()
        .filter(|(name, ..)| name.to_lowercase().contains(&part))
        .filter(|(_, number, _)| {
            let kind = if *number { "number" } else { "string" };
            kinds.is_empty() || kinds.contains(&kind)
        })
        .map(|(name, number, known)| {
            let kind = if number { "number" } else { "string" };
            let key = if number && !known { format!("tags[{name},number]") } else { name.clone() };
            json!({
                "key": key,
                "name": name,
                "attributeSource": { "source_type": if known { "sentry" } else { "user" } },
                "attributeType": kind,
            })
        })
        .collect();
    Ok(Reply::json(200, &json!(page.slice(&rows))).header("link", page.link(call, rows.len())))
}
