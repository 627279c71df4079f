//! Traces: spans in parent-first order, and Sentry's bodies of them. Where spans come from is in
//! `sources`; nothing here is searched (see `explore`).

mod sources;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::{Map, Value, json};

pub(crate) use crate::data::traces::sources::{find, load};

/// What Sentry sends without a `limit`, and the most it sends with one.
pub(crate) const MOST_SPANS: usize = 10_000;

/// A span. Its parent, if known, stands before it in [`Trace::spans`].
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) id: String,
    pub(crate) parent: Option<usize>,
    /// Id and slug.
    pub(crate) project: (u64, &'static str),
    pub(crate) op: Option<String>,
    pub(crate) description: Option<String>,
    /// The name of the transaction that it belongs to.
    pub(crate) transaction: String,
    pub(crate) is_transaction: bool,
    /// Seconds since the epoch.
    pub(crate) start: f64,
    /// Milliseconds.
    pub(crate) duration: f64,
    pub(crate) attributes: Map<String, Value>,
    /// Error nodes, as they are in the body.
    pub(crate) errors: Vec<Value>,
    /// Performance issue nodes.
    pub(crate) occurrences: Vec<Value>,
}

impl Span {
    fn end(&self) -> f64 {
        self.start + self.duration / 1000.0
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) id: String,
    pub(crate) organization: usize,
    pub(crate) spans: Vec<Span>,
    /// Error nodes without a span: they stand beside the root spans.
    pub(crate) orphans: Vec<Value>,
    pub(crate) logs: u64,
    /// Whether the counts have the older names, and null for what that version did not count.
    pub(crate) old_meta: bool,
    /// Whether the parameter `limit` is ignored, as by a Sentry that does not know it.
    pub(crate) ignores_limit: bool,
}

impl Trace {
    /// `GET /organizations/{org}/trace/{id}/`: the first `limit` spans with their errors, nested.
    /// `wanted` are the attributes asked for; none are all.
    pub(crate) fn body(&self, limit: usize, wanted: &[&str]) -> Bytes {
        let count = if self.ignores_limit { self.spans.len() } else { limit.min(self.spans.len()) };
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); count];
        let mut roots = Vec::new();
        for (position, span) in self.spans.iter().take(count).enumerate() {
            let number = u32::try_from(position).unwrap_or(u32::MAX);
            match span.parent.and_then(|parent| children.get_mut(parent)) {
                Some(siblings) => siblings.push(number),
                None => roots.push(number),
            }
        }
        let view = View { trace: self, children: &children, wanted };
        let body = serde_json::to_vec(&Roots { view: &view, roots: &roots });
        Bytes::from(body.unwrap_or_default())
    }

    /// `GET /organizations/{org}/trace-meta/{id}/`.
    pub(crate) fn meta(&self) -> Value {
        let errors = self.spans.iter().map(|span| span.errors.len()).sum::<usize>();
        let errors = errors + self.orphans.len();
        let occurrences: usize = self.spans.iter().map(|span| span.occurrences.len()).sum();
        let mut operations: BTreeMap<&str, u64> = BTreeMap::new();
        let mut transactions: Vec<(&str, u64)> = Vec::new();
        for span in &self.spans {
            *operations.entry(span.op.as_deref().unwrap_or("default")).or_default() += 1;
            if span.is_transaction {
                transactions.push((&span.id, 0));
            }
            if let Some((_, count)) = transactions.last_mut() {
                *count += 1;
            }
        }
        let transactions: Vec<_> = transactions
            .iter()
            .map(|(id, count)| json!({ "transaction.event_id": event_id(id), "count()": count }))
            .collect();
        if self.old_meta {
            return json!({
                "errors": errors,
                "logs": null,
                "performance_issues": null,
                "span_count": self.spans.len(),
                "span_count_map": operations,
                "transaction_child_count_map": transactions,
            });
        }
        json!({
            "errorsCount": errors,
            "logsCount": self.logs,
            "metricsCount": 0,
            "performanceIssuesCount": occurrences,
            "spansCount": self.spans.len(),
            "spansCountMap": operations,
            "transactionChildCountMap": transactions,
        })
    }
}

/// The counts of a trace that nobody has heard of.
pub(crate) fn empty_meta() -> Value {
    json!({
        "errorsCount": 0, "logsCount": 0, "metricsCount": 0, "performanceIssuesCount": 0,
        "spansCount": 0, "spansCountMap": {}, "transactionChildCountMap": [],
    })
}

/// The event id of a transaction span.
fn event_id(span: &str) -> String {
    format!("{span}{span}")
}

struct View<'a> {
    trace: &'a Trace,
    children: &'a [Vec<u32>],
    wanted: &'a [&'a str],
}

struct Roots<'a> {
    view: &'a View<'a>,
    roots: &'a [u32],
}

impl Serialize for Roots<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let orphans = &self.view.trace.orphans;
        let mut list = serializer.serialize_seq(Some(self.roots.len() + orphans.len()))?;
        for root in self.roots {
            list.serialize_element(&Node { view: self.view, position: *root })?;
        }
        for orphan in orphans {
            list.serialize_element(orphan)?;
        }
        list.end()
    }
}

struct Nodes<'a> {
    view: &'a View<'a>,
    positions: &'a [u32],
}

impl Serialize for Nodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.positions.iter().map(|position| Node { view: self.view, position: *position }),
        )
    }
}

struct Node<'a> {
    view: &'a View<'a>,
    position: u32,
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let position = self.position as usize;
        let trace = self.view.trace;
        let Some(span) = trace.spans.get(position) else { return serializer.serialize_none() };
        let parent = span.parent.and_then(|parent| trace.spans.get(parent));
        let mut map = serializer.serialize_map(None)?;
        let children = self.view.children.get(position).map_or(&[][..], Vec::as_slice);
        map.serialize_entry("children", &Nodes { view: self.view, positions: children })?;
        map.serialize_entry("errors", &span.errors)?;
        map.serialize_entry("occurrences", &span.occurrences)?;
        map.serialize_entry("event_id", &span.id)?;
        map.serialize_entry("event_type", "span")?;
        map.serialize_entry("transaction_id", &event_id(&span.id))?;
        map.serialize_entry("project_id", &span.project.0)?;
        map.serialize_entry("project_slug", span.project.1)?;
        map.serialize_entry("transaction", &span.transaction)?;
        map.serialize_entry("description", &span.description)?;
        map.serialize_entry("op", &span.op)?;
        map.serialize_entry("name", &span.op)?;
        map.serialize_entry("parent_span_id", &parent.map(|parent| &parent.id))?;
        map.serialize_entry("profile_id", "")?;
        map.serialize_entry("profiler_id", "")?;
        map.serialize_entry("sdk_name", sdk_name(span.project.1))?;
        map.serialize_entry("is_transaction", &span.is_transaction)?;
        map.serialize_entry("start_timestamp", &span.start)?;
        map.serialize_entry("end_timestamp", &span.end())?;
        map.serialize_entry("duration", &span.duration)?;
        map.serialize_entry("measurements", &Map::new())?;
        map.serialize_entry(
            "additional_attributes",
            &Attributes { all: &span.attributes, wanted: self.view.wanted },
        )?;
        map.end()
    }
}

struct Attributes<'a> {
    all: &'a Map<String, Value>,
    wanted: &'a [&'a str],
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wanted = |key: &str| self.wanted.is_empty() || self.wanted.contains(&key);
        serializer.collect_map(self.all.iter().filter(|(key, _)| wanted(key)))
    }
}

fn sdk_name(project: &str) -> &'static str {
    match project {
        "checkout-api" => "sentry.python.django",
        "storefront" => "sentry.javascript.nextjs",
        "pricing-engine" => "sentry.rust",
        "order-service" => "sentry.java.spring-boot.jakarta",
        "gateway" => "sentry.go",
        _ => "sentry.ruby.rails",
    }
}
