//! Fields and aggregates of logs.
//!
//! Facts: `docs.sentry.io/concepts/search/searchable-properties/logs/`, and what Sentry's log
//! search refuses. Every attribute that an application adds to a log can be searched too.

use super::{
    Aggregate, Argument, Facts, Field, Kind, Outcome, aggregate, any, common, number, text,
};

/// Severities, by name.
const SEVERITIES: &[&str] = &["trace", "debug", "info", "warn", "error", "fatal"];

pub(super) static FACTS: Facts =
    Facts { fields: &[FIELDS, common::PLACE, common::USER, CLIENT], aggregates: AGGREGATES };

static FIELDS: &[Field] = &[
    any("id", Kind::TraceId).about("id of the log"),
    any("sentry.item_id", Kind::TraceId).lenient(),
    any("trace", Kind::TraceId).about("id of the trace"),
    any("span_id", Kind::SpanId).lenient().about("id of the span that logged it"),
    any("trace.parent_span_id", Kind::SpanId).lenient(),
    text("message").about("text of the log"),
    text("message.template").about("text, before its parameters were filled in"),
    text("severity").values(SEVERITIES).about("severity"),
    any("severity_number", Kind::Integer).about("severity, 1 to 24; errors start at 17"),
    text("severity_text").values(SEVERITIES),
    text("log.body"),
    any("log.severity_number", Kind::Integer),
    text("log.severity_text").values(SEVERITIES),
    text("logger.name").about("logger that wrote it"),
    text("origin").about("integration that captured it"),
    number("payload_size").about("size of the log in bytes"),
    number("timestamp_precise").about("when it happened, in nanoseconds"),
    number("observed_timestamp").about("when Sentry received it, in nanoseconds"),
    number("sentry.observed_timestamp_nanos").lenient(),
    text("replay.id"),
    text("transaction"),
    text("server.address"),
    text("service.name"),
    text("code.file.path"),
    text("code.function.name"),
    any("code.line.number", Kind::Integer).lenient(),
];

/// What the log was written on.
static CLIENT: &[Field] = &[
    text("user.name").about("name of the user"),
    text("browser.name"),
    text("browser.version"),
    text("os.name"),
    text("os.version"),
    text("device.brand"),
    text("device.family"),
    text("device.model"),
];

static AGGREGATES: &[Aggregate] = &[
    aggregate("count", &[Argument::optional_any()], Outcome::Is(Kind::Integer)),
    aggregate("count_unique", &[Argument::any()], Outcome::Is(Kind::Integer)),
    aggregate("avg", &[Argument::number()], Outcome::Argument),
    aggregate("sum", &[Argument::number()], Outcome::Argument),
    aggregate("min", &[Argument::number()], Outcome::Argument),
    aggregate("max", &[Argument::number()], Outcome::Argument),
    aggregate("p50", &[Argument::number()], Outcome::Argument),
    aggregate("p75", &[Argument::number()], Outcome::Argument),
    aggregate("p90", &[Argument::number()], Outcome::Argument),
    aggregate("p95", &[Argument::number()], Outcome::Argument),
    aggregate("p99", &[Argument::number()], Outcome::Argument),
    aggregate("p100", &[Argument::number()], Outcome::Argument),
    aggregate("last_seen", &[], Outcome::Is(Kind::Date)),
    aggregate("epm", &[], Outcome::Is(Kind::Number)),
    aggregate("eps", &[], Outcome::Is(Kind::Number)),
];
