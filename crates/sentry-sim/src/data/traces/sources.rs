//! Where traces come from: two that are written down, four that are computed when somebody asks,
//! and a small one for every event. Does not write bodies.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::data::{
    Event, World, hex_id,
    traces::{Span, Trace},
};

/// The projects that spans come from: id and slug.
const PROJECTS: [(u64, &str); 6] = [
    (301, "checkout-api"),
    (302, "storefront"),
    (303, "pricing-engine"),
    (304, "order-service"),
    (305, "gateway"),
    (306, "back-office"),
];

/// A line of a description file; times are milliseconds from the start of the trace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanSpec {
    /// Written only where another record must name it.
    id: Option<String>,
    parent: Option<usize>,
    project: String,
    op: Option<String>,
    description: Option<String>,
    at: f64,
    ms: f64,
    #[serde(default)]
    attributes: Map<String, Value>,
    /// Makes it a transaction of this name.
    transaction: Option<String>,
    /// The short id of the issue whose newest event happened in it.
    error: Option<String>,
}

fn project(slug: &str) -> (u64, &'static str) {
    PROJECTS.into_iter().find(|(_, known)| *known == slug).unwrap_or((301, "checkout-api"))
}

/// The written traces; an error is a mistake in a file.
pub(crate) fn load(world: &World) -> Result<Vec<Trace>, String> {
    let files = [
        (
            crate::TRACE,
            "CHECKOUT-API-1",
            15_000.0,
            include_str!("../../../data/traces/ordinary.json"),
        ),
        (
            crate::FAILING_TRACE,
            "GATEWAY-1",
            10_100.0,
            include_str!("../../../data/traces/failing.json"),
        ),
    ];
    let mut traces = Vec::new();
    for (id, issue, length, text) in files {
        let specs: Vec<SpanSpec> =
            serde_json::from_str(text).map_err(|error| format!("trace of {issue}: {error}"))?;
        let (_, issue) = world.issue(issue).ok_or_else(|| format!("no issue {issue}"))?;
        let start = seconds(issue.last_seen) - length / 1000.0;
        traces.push(written(world, id, start, &specs));
    }
    Ok(traces)
}

fn written(world: &World, id: &str, start: f64, specs: &[SpanSpec]) -> Trace {
    let mut spans: Vec<Span> = Vec::new();
    for (number, spec) in specs.iter().enumerate() {
        let parent = spec.parent.and_then(|parent| spans.get(parent));
        let transaction = spec
            .transaction
            .clone()
            .or_else(|| parent.map(|parent| parent.transaction.clone()))
            .unwrap_or_default();
        let errors = spec.error.iter().filter_map(|issue| error_node(world, issue)).collect();
        spans.push(Span {
            id: spec.id.clone().unwrap_or_else(|| span_id(id, number)),
            parent: spec.parent,
            project: project(&spec.project),
            op: spec.op.clone(),
            description: spec.description.clone(),
            transaction,
            is_transaction: spec.transaction.is_some(),
            start: start + spec.at / 1000.0,
            duration: spec.ms,
            attributes: spec.attributes.clone(),
            errors,
            occurrences: Vec::new(),
        });
    }
    let failing = id == crate::FAILING_TRACE;
    let orphans =
        if failing { error_node(world, "GATEWAY-2").into_iter().collect() } else { Vec::new() };
    Trace {
        id: id.to_owned(),
        organization: 0,
        spans,
        orphans,
        logs: if failing { 0 } else { 6 },
        old_meta: failing,
        ignores_limit: false,
    }
}

fn span_id(trace: &str, number: usize) -> String {
    hex_id(&format!("span {trace} {number}")).split_off(16)
}

/// The newest event of an issue as a node of a trace.
fn error_node(world: &World, issue: &str) -> Option<Value> {
    let (_, issue) = world.issue(issue)?;
    let event = world.events.get(*issue.events.first()?)?;
    let project = world.projects.get(issue.project)?;
    Some(json!({
        "event_id": event.id,
        "event_type": if issue.category == "error" { "error" } else { "occurrence" },
        "issue_id": issue.id,
        "issue_short_id": issue.short_id,
        "project_id": project.id,
        "project_slug": project.slug,
        "level": issue.level,
        "title": issue.title,
        "description": issue.title,
        "message": issue.error_values.last(),
        "culprit": issue.culprit,
        "transaction": issue.culprit,
        "start_timestamp": seconds(issue.last_seen),
        "end_timestamp": seconds(issue.last_seen),
    }))
}

/// A trace by its id, in any organization.
pub(crate) fn find(world: &World, id: &str) -> Option<Arc<Trace>> {
    let id = id.replace('-', "").to_ascii_lowercase();
    if let Some(trace) = world.traces.iter().find(|trace| trace.id == id) {
        return Some(Arc::clone(trace));
    }
    match id.as_str() {
        crate::BIG_TRACE => Some(Arc::clone(&BIG)),
        crate::HUGE_TRACE => Some(Arc::clone(&HUGE)),
        crate::STUBBORN_TRACE => Some(Arc::clone(&STUBBORN)),
        crate::DEEP_TRACE => Some(Arc::clone(&DEEP)),
        _ => {
            let event = world.events.iter().find(|event| event.trace.as_deref() == Some(&id))?;
            of_event(world, event, &id).map(Arc::new)
        }
    }
}

static BIG: LazyLock<Arc<Trace>> = LazyLock::new(|| Arc::new(computed(crate::BIG_TRACE, 5_000)));
static HUGE: LazyLock<Arc<Trace>> = LazyLock::new(|| Arc::new(computed(crate::HUGE_TRACE, 50_000)));
static STUBBORN: LazyLock<Arc<Trace>> = LazyLock::new(|| {
    Arc::new(Trace { ignores_limit: true, ..computed(crate::STUBBORN_TRACE, 50_000) })
});
static DEEP: LazyLock<Arc<Trace>> = LazyLock::new(|| Arc::new(chain(crate::DEEP_TRACE, 200)));

/// Operation, description, attributes.
const KINDS: [(&str, &str, &str); 8] = [
    (
        "db",
        "SELECT \"order\".\"id\" FROM \"order\" WHERE \"order\".\"customer_id\" = %s",
        "db.operation.name",
    ),
    ("http.client", "GET http://pricing-engine:8100/v1/quotes/{sku}", "url.full"),
    ("cache.get", "quote:{sku}", "cache.key"),
    ("function", "pricing.rules.apply", "code.function.name"),
    ("queue.publish", "order-events", "messaging.destination.name"),
    ("template.render", "emails/receipt.html", "code.file.path"),
    ("serialize", "OrderSerializer.data", "code.function.name"),
    ("http.server", "GET /internal/orders/{id}", "http.route"),
];

/// A repeatable fraction below one from two numbers.
fn fraction(seed: u64, salt: u64) -> f64 {
    let mixed = (seed.wrapping_mul(31).wrapping_add(salt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    f64::from(u32::try_from(mixed >> 40).unwrap_or(0)) / f64::from(1_u32 << 24)
}

/// Four children per span, each inside its parent; some fail.
fn computed(id: &str, count: usize) -> Trace {
    let mut spans: Vec<Span> = Vec::with_capacity(count);
    let prefix = id.get(..8).unwrap_or(id);
    for number in 0..count {
        let parent = number.checked_sub(1).map(|before| before / 4);
        let outer = parent.and_then(|parent| spans.get(parent));
        let seed = number as u64;
        let (start, duration) = outer.map_or_else(
            || (seconds(crate::BASE_INSTANT) - 3600.0, 180_000.0),
            |outer| {
                let duration = outer.duration * (0.2 + 0.7 * fraction(seed, 1));
                let slack = outer.duration - duration;
                (outer.start + slack * fraction(seed, 2) / 1000.0, duration)
            },
        );
        let kind = if number < 5 { 7 } else { (seed.wrapping_mul(2_654_435_761) >> 7) % 8 };
        let kind = usize::try_from(kind).unwrap_or(0);
        let (op, description, attribute) = KINDS.get(kind).copied().unwrap_or_default();
        let project = PROJECTS.get(number % 5).copied().unwrap_or(PROJECTS[0]);
        let description = description.replace("{sku}", &format!("SKU-{:04}", number % 97));
        let attributes = Map::from_iter([(attribute.to_owned(), json!(description))]);
        let errors = if number % 97 == 96 {
            vec![computed_error(id, number, project, start)]
        } else {
            Vec::new()
        };
        spans.push(Span {
            id: format!("{prefix}{number:08x}"),
            parent,
            project,
            op: Some(op.to_owned()),
            transaction: outer.map_or_else(
                || "GET /internal/rebuild".to_owned(),
                |outer| outer.transaction.clone(),
            ),
            description: Some(description),
            is_transaction: number == 0 || op == "http.server",
            start,
            duration: (duration * 1000.0).round() / 1000.0,
            attributes,
            errors,
            occurrences: Vec::new(),
        });
    }
    Trace {
        id: id.to_owned(),
        organization: 0,
        spans,
        orphans: Vec::new(),
        logs: 0,
        old_meta: false,
        ignores_limit: false,
    }
}

fn computed_error(trace: &str, number: usize, project: (u64, &str), at: f64) -> Value {
    json!({
        "event_id": hex_id(&format!("error {trace} {number}")),
        "event_type": "error",
        "issue_id": 9001,
        "project_id": project.0,
        "project_slug": project.1,
        "level": "error",
        "title": "PaymentTimeout: payment provider paywise did not answer within 4.0 s",
        "description": "PaymentTimeout: payment provider paywise did not answer within 4.0 s",
        "message": "payment provider paywise did not answer within 4.0 s",
        "culprit": "checkout.views.CheckoutView.post",
        "transaction": "/api/checkout/{cart_id}/pay",
        "start_timestamp": at,
        "end_timestamp": at,
    })
}

/// Each span in the one before it.
fn chain(id: &str, count: usize) -> Trace {
    let mut trace = computed(id, count);
    let start = seconds(crate::BASE_INSTANT) - 7200.0;
    for (number, span) in trace.spans.iter_mut().enumerate() {
        let depth = f64::from(u32::try_from(number).unwrap_or(0));
        span.parent = number.checked_sub(1);
        span.start = start + depth / 1000.0;
        span.duration = 5000.0 - 2.0 * depth;
    }
    trace
}

/// The small trace around an event: its own span, three more, and those of its `spans` entry.
fn of_event(world: &World, event: &Event, id: &str) -> Option<Trace> {
    let issue = world.issues.get(event.issue)?;
    let owner = world.projects.get(issue.project)?;
    let body: Value = serde_json::from_slice(&event.body).ok()?;
    let transaction = issue.culprit.clone().unwrap_or_default();
    let start = seconds(event.at) - 0.9;
    let root = body.pointer("/contexts/trace/span_id").and_then(Value::as_str);
    let plain = |id: String, parent, op: &str, description: &str, start, duration| Span {
        id,
        parent,
        project: project(&owner.slug),
        op: Some(op.to_owned()),
        description: Some(description.to_owned()),
        transaction: transaction.clone(),
        is_transaction: parent.is_none(),
        start,
        duration,
        attributes: Map::new(),
        errors: Vec::new(),
        occurrences: Vec::new(),
    };
    let root = root.map_or_else(|| span_id(id, 0), str::to_owned);
    let mut spans = vec![
        plain(root, None, "http.server", &transaction, start, 950.0),
        plain(span_id(id, 1), Some(0), "middleware", "authenticate", start + 0.002, 11.0),
        plain(span_id(id, 2), Some(0), "cache.get", "session", start + 0.014, 2.0),
        plain(span_id(id, 3), Some(0), "function", &transaction, start + 0.02, 900.0),
    ];
    let entries = body.get("entries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let listed = entries.iter().filter(|entry| entry.get("type") == Some(&json!("spans")));
    for span in listed.filter_map(|entry| entry.get("data")?.as_array()).flatten() {
        let text = |key: &str| span.get(key).and_then(Value::as_str).unwrap_or_default();
        let number = |key: &str| span.get(key).and_then(Value::as_f64).unwrap_or(start);
        let parent = spans.iter().position(|known| known.id == text("parent_span_id"));
        let duration = (number("timestamp") - number("start_timestamp")) * 1000.0;
        let mut made = plain(
            text("span_id").to_owned(),
            parent.or(Some(0)),
            text("op"),
            text("description"),
            number("start_timestamp"),
            (duration * 1000.0).round() / 1000.0,
        );
        if let Some(Value::Object(data)) = span.get("data") {
            made.attributes.clone_from(data);
        }
        spans.push(made);
    }
    if let Some(root) = spans.first_mut() {
        let mut node = error_node(world, &issue.short_id)?;
        if let Value::Object(fields) = &mut node {
            fields.insert("event_id".to_owned(), json!(event.id));
        }
        if issue.category == "error" {
            root.errors.push(node);
        } else {
            root.occurrences.push(node);
        }
    }
    Some(Trace {
        id: id.to_owned(),
        organization: issue.organization,
        spans,
        orphans: Vec::new(),
        logs: 0,
        old_meta: false,
        ignores_limit: false,
    })
}

fn seconds(instant: i64) -> f64 {
    // Seconds of our days are far below what a double holds exactly; the cast goes through `u32`.
    f64::from(u32::try_from(instant).unwrap_or(0))
}
