//! Computed rows: what services that run all day leave behind, repeatable and spread over two
//! weeks. Knows nothing of stored events.

use serde_json::{Map, Value, json};

use crate::data::{BASE_INSTANT, explore::Row, hex_id, traces::Trace};

const DAY: i64 = 86_400;

/// Span operation, description, transaction, project position, typical milliseconds.
const WORK: [(&str, &str, &str, usize, f64); 10] = [
    ("http.server", "POST /api/checkout/{cart_id}/pay", "/api/checkout/{cart_id}/pay", 0, 2400.0),
    ("db", "SELECT * FROM checkout_order WHERE id = %s", "/api/checkout/{cart_id}/pay", 0, 38.0),
    (
        "http.client",
        "POST https://api.paywise.test/v1/charges",
        "/api/checkout/{cart_id}/pay",
        0,
        2100.0,
    ),
    ("http.server", "GET /api/cart/{cart_id}", "/api/cart/{cart_id}", 0, 120.0),
    ("pageload", "/checkout", "/checkout", 1, 3100.0),
    ("ui.interaction.click", "button.pay", "/checkout", 1, 96.0),
    ("function", "quote::price", "POST /v1/quotes", 2, 14.0),
    ("db", "SELECT * FROM rates WHERE pair = $1", "POST /v1/quotes", 2, 6.0),
    ("queue.process", "order-events", "OrderEventListener.onMessage", 3, 210.0),
    ("http.server", "GET /api/search", "/api/search", 4, 64.0),
];

/// A repeatable number below `bound`.
fn dice(seed: i64, salt: &str, bound: u32) -> u32 {
    let id = hex_id(&format!("{salt} {seed}"));
    let number = id.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    number.unwrap_or(0) % bound.max(1)
}

fn row(project: usize, at: i64, fields: Value) -> Row {
    let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
    Row { project, issue: None, at, fields }
}

fn work(number: i64) -> (&'static str, &'static str, &'static str, usize, f64) {
    let position = usize::try_from(number).unwrap_or(0) % WORK.len();
    WORK.get(position).copied().unwrap_or(WORK[0])
}

/// A duration around the typical one: most near it, some four times as long.
fn duration(number: i64, typical: f64) -> f64 {
    let share = f64::from(dice(number, "duration", 1000)) / 1000.0;
    let factor = if share > 0.95 { 4.0 + share } else { 0.5 + share };
    (typical * factor * 100.0).round() / 100.0
}

fn environment(number: i64) -> &'static str {
    if number % 7 == 6 { "staging" } else { "production" }
}

pub(super) fn spans() -> Vec<Row> {
    (0..400)
        .map(|number| {
            let (op, description, transaction, project, typical) = work(number);
            let at = BASE_INSTANT - 120 - number * (13 * DAY / 400);
            let failed = dice(number, "status", 20) == 0;
            let mut made = row(
                project,
                at,
                json!({
                    "id": hex_id(&format!("row span {number}")).split_off(16),
                    "span_id": hex_id(&format!("row span {number}")).split_off(16),
                    "trace": hex_id(&format!("row trace {}", number / 5)),
                    "span.op": op,
                    "span.name": op,
                    "span.description": description,
                    "span.duration": duration(number, typical),
                    "span.self_time": duration(number, typical / 2.0),
                    "span.status": if failed { "internal_error" } else { "ok" },
                    "transaction": transaction,
                    "is_transaction": op.ends_with("server") || op == "pageload",
                    "environment": environment(number),
                    "user.id": (20_000 + dice(number, "user", 40)).to_string(),
                    "sdk.name": "sentry.opentelemetry",
                    "tenant": format!("tenant-{}", dice(number, "tenant", 5)),
                    "cart.items": dice(number, "items", 9) + 1,
                }),
            );
            if op == "db" {
                made.fields.insert("db.system".to_owned(), json!("postgresql"));
                made.fields.insert("db.operation".to_owned(), json!("SELECT"));
            }
            if op.starts_with("http") {
                let status = if failed { 500 } else { 200 };
                made.fields.insert("http.status_code".to_owned(), json!(status));
                made.fields.insert("http.method".to_owned(), json!("POST"));
            }
            if op == "pageload" {
                let lcp = duration(number, 1900.0);
                made.fields.insert("measurements.lcp".to_owned(), json!(lcp));
            }
            made
        })
        .chain(conversations())
        .collect()
}

/// The spans of three AI conversations; the first belongs to the issue with an AI agent.
fn conversations() -> impl Iterator<Item = Row> {
    (0..12).map(|number| {
        let conversation = number / 4;
        let operation = if number % 4 == 1 { "execute_tool" } else { "chat" };
        let trace = if conversation == 0 {
            crate::AI_TRACE.to_owned()
        } else {
            hex_id(&format!("conversation trace {conversation}"))
        };
        row(
            0,
            BASE_INSTANT - 9 * DAY - conversation * DAY - number * 7,
            json!({
                "id": hex_id(&format!("conversation span {number}")).split_off(16),
                "span_id": hex_id(&format!("conversation span {number}")).split_off(16),
                "trace": trace,
                "span.op": format!("gen_ai.{operation}"),
                "span.name": format!("gen_ai.{operation}"),
                "span.description": if operation == "chat" { "chat support-large-3" } else { "execute_tool refund_order" },
                "span.duration": duration(number, 1800.0),
                "span.self_time": duration(number, 900.0),
                "span.status": "ok",
                "transaction": "/api/assistant",
                "is_transaction": false,
                "environment": "production",
                "gen_ai.conversation.id": format!("conv-support-{}", 4100 + conversation),
                "gen_ai.operation.name": operation,
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "support-large-3",
                "gen_ai.tool.name": if operation == "chat" { None } else { Some("refund_order") },
                "gen_ai.usage.input_tokens": 900 + dice(number, "input", 2000),
                "gen_ai.usage.output_tokens": 40 + dice(number, "output", 400),
            }),
        )
    })
}

pub(super) fn transactions() -> Vec<Row> {
    (0..120)
        .filter_map(|number| {
            let (op, _, transaction, project, typical) = work(number);
            (op.ends_with("server") || op == "pageload").then(|| {
                row(
                    project,
                    BASE_INSTANT - 300 - number * (13 * DAY / 120),
                    json!({
                        "id": hex_id(&format!("row transaction {number}")),
                        "event.type": "transaction",
                        "title": transaction,
                        "transaction": transaction,
                        "transaction.op": op,
                        "transaction.status": "ok",
                        "transaction.duration": duration(number, typical),
                        "trace": hex_id(&format!("row trace {}", number / 5)),
                        "environment": environment(number),
                    }),
                )
            })
        })
        .collect()
}

/// Severity, its number, message, project position.
const LINES: [(&str, u8, &str, usize); 9] = [
    ("info", 9, "payment authorized by paywise", 0),
    ("warn", 13, "paywise answered after 3.9 s", 0),
    ("error", 17, "payment failed: paywise did not answer within 4.0 s", 0),
    ("debug", 5, "cart c_7b1f92 repriced", 0),
    ("info", 9, "checkout page rendered", 1),
    ("info", 9, "rates refreshed", 2),
    ("warn", 13, "rate cache is stale, serving old rates", 2),
    ("fatal", 21, "order listener stopped: heap exhausted", 3),
    ("trace", 1, "upstream picked: checkout-api", 4),
];

fn log(number: i64, at: i64, trace: &str) -> Row {
    let position = usize::try_from(number).unwrap_or(0) % LINES.len();
    let (severity, level, message, project) = LINES.get(position).copied().unwrap_or(LINES[0]);
    let id = hex_id(&format!("log {trace} {number}"));
    row(
        project,
        at,
        json!({
            "id": id,
            "sentry.item_id": id,
            "message": message,
            "severity": severity,
            "severity_number": level,
            "trace": trace,
            "span_id": hex_id(&format!("log span {number}")).split_off(16),
            "sentry.observed_timestamp_nanos": (i128::from(at) * 1_000_000_000).to_string(),
            "environment": environment(number),
            "order_ref": (position < 4).then(|| format!("A-2026-{}", 118_000 + number)),
        }),
    )
}

pub(super) fn logs() -> Vec<Row> {
    (0..260)
        .map(|number| {
            let trace = hex_id(&format!("row trace {}", number / 4));
            log(number, BASE_INSTANT - 60 - number * (13 * DAY / 260), &trace)
        })
        .collect()
}

/// The log lines of a trace, all from its first seconds.
pub(super) fn trace_logs(trace: &Trace) -> Vec<Row> {
    #[expect(clippy::cast_possible_truncation, reason = "an instant of our days, in seconds")]
    let start = trace.spans.first().map_or(0, |span| span.start as i64);
    let count = i64::try_from(trace.logs).unwrap_or(0);
    (0..count).map(|number| log(number, start + number * 2, &trace.id)).collect()
}

/// Name, kind, unit, typical value, project position.
const METRICS: [(&str, &str, Option<&str>, f64, usize); 4] = [
    ("checkout.payment.latency", "distribution", Some("millisecond"), 1900.0, 0),
    ("checkout.payment.attempts", "counter", None, 1.0, 0),
    ("order.queue.depth", "gauge", None, 340.0, 3),
    ("pricing.quote.size", "distribution", Some("byte"), 2048.0, 2),
];

pub(super) fn metrics() -> Vec<Row> {
    (0..160)
        .map(|number| {
            let position = usize::try_from(number).unwrap_or(0) % METRICS.len();
            let (name, kind, unit, typical, project) =
                METRICS.get(position).copied().unwrap_or(METRICS[0]);
            let at = BASE_INSTANT - 90 - number * (13 * DAY / 160);
            let value = if kind == "counter" { 1.0 } else { duration(number, typical) };
            row(
                project,
                at,
                json!({
                    "id": hex_id(&format!("metric {number}")),
                    "trace": hex_id(&format!("row trace {}", number / 4)),
                    "metric.name": name,
                    "metric.type": kind,
                    "metric.unit": unit,
                    "value": value,
                    "payload_size": 180 + dice(number, "payload", 60),
                    "environment": environment(number),
                }),
            )
        })
        .collect()
}

pub(super) fn profiles() -> Vec<Row> {
    (0..40)
        .map(|number| {
            let (_, _, transaction, project, typical) = work(number);
            let at = BASE_INSTANT - 200 - number * (13 * DAY / 40);
            let continuous = number % 4 == 3;
            let id = hex_id(&format!("profile {number}"));
            let length = duration(number, typical);
            let start = f64::from(u32::try_from(at).unwrap_or(0));
            row(
                project,
                at,
                json!({
                    "id": id,
                    "profile.id": (!continuous).then_some(&id),
                    "profiler.id": continuous.then(|| hex_id(&format!("profiler {number}"))),
                    "thread.id": continuous.then_some("1"),
                    "transaction": transaction,
                    // Nanoseconds, as everywhere in profiles.
                    "transaction.duration": length * 1_000_000.0,
                    "profile.duration": length * 1_000_000.0,
                    "trace": hex_id(&format!("row trace {number}")),
                    "environment": environment(number),
                    "release": (project == 0).then_some("checkout-api@3.14.2"),
                    "platform.name": "python",
                    "precise.start_ts": start,
                    "precise.finish_ts": start + length / 1000.0,
                }),
            )
        })
        .collect()
}
