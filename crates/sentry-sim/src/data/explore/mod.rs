//! The rows that event search finds: errors from the stored events, spans from the traces, and
//! computed spans, logs, metrics and profiles of the last two weeks. Does not search.

mod computed;

use serde_json::{Map, Value, json};

use crate::data::{World, traces::Trace};

/// What can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dataset {
    /// Errors and messages.
    Errors,
    /// Errors and transactions together: the older data set.
    Discover,
    Spans,
    Logs,
    Metrics,
    Profiles,
}

impl Dataset {
    /// By Sentry's names, the older ones included.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "errors" => Self::Errors,
            "discover" | "transactions" | "issuePlatform" => Self::Discover,
            "spans" | "spansIndexed" => Self::Spans,
            "logs" | "ourlogs" => Self::Logs,
            "tracemetrics" => Self::Metrics,
            "profiles" | "profile_functions" | "profileFunctions" => Self::Profiles,
            _ => return None,
        })
    }

    /// Sentry's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Discover => "discover",
            Self::Spans => "spans",
            Self::Logs => "ourlogs",
            Self::Metrics => "tracemetrics",
            Self::Profiles => "profiles",
        }
    }
}

/// One row of a data set.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Position in [`World::projects`].
    pub(crate) project: usize,
    /// Position in [`World::issues`].
    pub(crate) issue: Option<usize>,
    /// Seconds since the epoch.
    pub(crate) at: i64,
    pub(crate) fields: Map<String, Value>,
}

impl Row {
    /// The value of a field, whatever way it is written; renamed projects have their new slugs.
    pub(crate) fn value(&self, world: &World, key: &str) -> Option<Value> {
        let project = || world.projects.get(self.project);
        let issue = || self.issue.and_then(|position| world.issues.get(position));
        match key {
            "project" | "project.name" => project().map(|project| json!(project.slug)),
            "project.id" | "project_id" => project().map(|project| json!(project.id)),
            "timestamp" => Some(json!(iso(self.at))),
            "issue" => issue().map(|issue| json!(issue.short_id)),
            "issue.id" => issue().map(|issue| json!(issue.id)),
            _ => {
                let name = key.strip_prefix("tags[").and_then(|rest| rest.strip_suffix(']'));
                let name =
                    name.map_or(key, |name| name.split_once(',').map_or(name, |(name, _)| name));
                self.fields.get(name).filter(|value| !value.is_null()).cloned()
            }
        }
    }

    /// What free text is looked for in.
    pub(crate) fn text(&self) -> String {
        let keys = ["title", "message", "span.description", "span.name", "transaction"];
        let texts: Vec<_> = keys.iter().filter_map(|key| self.fields.get(*key)?.as_str()).collect();
        texts.join("\n")
    }
}

/// All rows, newest first in each data set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explore {
    errors: Vec<Row>,
    transactions: Vec<Row>,
    spans: Vec<Row>,
    logs: Vec<Row>,
    metrics: Vec<Row>,
    profiles: Vec<Row>,
}

impl Explore {
    pub(crate) fn of(world: &World) -> Self {
        let mut made = Self {
            errors: errors(world),
            transactions: computed::transactions(),
            spans: computed::spans(),
            logs: computed::logs(),
            metrics: computed::metrics(),
            profiles: computed::profiles(),
        };
        for trace in &world.traces {
            made.spans.extend(trace_spans(world, trace));
            if trace.logs > 0 {
                made.logs.extend(computed::trace_logs(trace));
            }
        }
        for rows in [&mut made.errors, &mut made.spans, &mut made.logs] {
            rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        }
        made
    }

    pub(crate) fn rows(&self, dataset: Dataset) -> impl Iterator<Item = &Row> {
        let (first, second): (&[Row], &[Row]) = match dataset {
            Dataset::Errors => (&self.errors, &[]),
            Dataset::Discover => (&self.errors, &self.transactions),
            Dataset::Spans => (&self.spans, &[]),
            Dataset::Logs => (&self.logs, &[]),
            Dataset::Metrics => (&self.metrics, &[]),
            Dataset::Profiles => (&self.profiles, &[]),
        };
        first.iter().chain(second)
    }
}

fn errors(world: &World) -> Vec<Row> {
    let mut rows = Vec::new();
    for event in &world.events {
        let Some(issue) = world.issues.get(event.issue) else { continue };
        let body: Value = serde_json::from_slice(&event.list).unwrap_or(Value::Null);
        let kind = body.get("event.type").and_then(Value::as_str).unwrap_or("error");
        if !matches!(kind, "error" | "default" | "csp") {
            continue;
        }
        let mut fields = Map::new();
        for (key, value) in &event.tags {
            fields.insert(key.clone(), json!(value));
        }
        let user =
            |key: &str| body.pointer(&format!("/user/{key}")).cloned().unwrap_or(Value::Null);
        let more = json!({
            "id": event.id,
            "title": issue.title,
            "message": body.get("message"),
            "level": issue.level,
            "culprit": issue.culprit,
            "event.type": kind,
            "error.type": issue.error_types,
            "error.value": issue.error_values,
            "error.handled": [u8::from(!issue.unhandled)],
            "error.unhandled": issue.unhandled,
            "platform": issue.platform,
            "trace": event.trace,
            "user.id": user("id"),
            "user.email": user("email"),
            "user.username": user("username"),
            "user.ip": user("ip_address"),
            "user.display": user("email"),
        });
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        rows.push(Row { project: issue.project, issue: Some(event.issue), at: event.at, fields });
    }
    rows
}

fn trace_spans(world: &World, trace: &Trace) -> Vec<Row> {
    let one = |span: &crate::data::traces::Span| {
        let (project, known) =
            world.projects.iter().enumerate().find(|(_, project)| project.id == span.project.0)?;
        let mut fields = span.attributes.clone();
        let parent = span.parent.and_then(|parent| trace.spans.get(parent));
        let more = json!({
            "id": span.id,
            "span_id": span.id,
            "trace": trace.id,
            "parent_span": parent.map(|parent| &parent.id),
            "span.op": span.op,
            "span.name": span.op,
            "span.description": span.description,
            "span.duration": span.duration,
            "span.self_time": span.duration / 2.0,
            "span.status": if span.errors.is_empty() { "ok" } else { "internal_error" },
            "transaction": span.transaction,
            "is_transaction": span.is_transaction,
            "environment": "production",
            "platform": known.platform,
            "release": (known.slug == "checkout-api").then_some("checkout-api@3.14.2"),
        });
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        #[expect(clippy::cast_possible_truncation, reason = "an instant of our days, in seconds")]
        let at = span.start as i64;
        Some(Row { project, issue: None, at, fields })
    };
    trace.spans.iter().filter_map(one).collect()
}

/// The way event search writes an instant.
pub(crate) fn iso(seconds: i64) -> String {
    super::date(seconds).replace('Z', "+00:00")
}

/// The attributes that trace items carry: name, whether it is a number, whether Sentry sets it.
pub(crate) fn attributes(explore: &Explore, dataset: Dataset) -> Vec<(String, bool, bool)> {
    let mut found: std::collections::BTreeMap<&str, bool> = std::collections::BTreeMap::new();
    for row in explore.rows(dataset) {
        for (key, value) in row.fields.iter().filter(|(_, value)| !value.is_null()) {
            found.entry(key).or_insert(value.is_number());
        }
    }
    for key in ["project", "timestamp"] {
        found.insert(key, false);
    }
    let user = ["tenant", "cart.items", "attempt", "order_ref", "queue"];
    found.into_iter().map(|(key, number)| (key.to_owned(), number, !user.contains(&key))).collect()
}
