//! Fields and aggregates of application metrics.
//!
//! Facts: `docs.sentry.io/concepts/search/searchable-properties/metrics/`, and what Sentry's metric
//! search refuses. Every attribute that an application adds to a metric can be searched too.

use super::{
    Aggregate, Argument, Facts, Field, Kind, Outcome, aggregate, any, common, number, text,
};

pub(super) static FACTS: Facts =
    Facts { fields: &[FIELDS, common::PLACE, common::USER], aggregates: AGGREGATES };

static FIELDS: &[Field] = &[
    any("id", Kind::TraceId).about("id of the sample"),
    any("trace", Kind::TraceId).about("id of the trace"),
    any("span_id", Kind::SpanId).lenient().about("id of the span that measured it"),
    any("trace.parent_span_id", Kind::SpanId).lenient(),
    text("metric.name").about("name of the metric"),
    text("metric.type").values(&["counter", "gauge", "distribution"]).about("type of the metric"),
    text("metric.unit").about("unit of the metric, such as millisecond"),
    number("value").about("what was measured"),
    number("payload_size").lenient().about("size of the sample in bytes"),
    number("timestamp_precise").about("when it happened, in nanoseconds"),
    number("observed_timestamp").about("when Sentry received it, in nanoseconds"),
    text("transaction").about("transaction that was active"),
    text("replay_id"),
    text("replay.id"),
    text("origin"),
    text("user.name").about("name of the user"),
    text("browser.name"),
    text("browser.version"),
    text("server.address"),
    text("service.name"),
];

/// Which metric a function is about: its name, type, and unit (`-` for none).
const METRIC: [Argument; 4] = [
    Argument::number(),
    Argument::optional_literal(),
    Argument::optional_literal(),
    Argument::optional_literal(),
];

const COUNTED: [Argument; 4] = [
    Argument::any(),
    Argument::optional_literal(),
    Argument::optional_literal(),
    Argument::optional_literal(),
];

static AGGREGATES: &[Aggregate] = &[
    aggregate("sum", &METRIC, Outcome::Argument),
    aggregate("avg", &METRIC, Outcome::Argument),
    aggregate("min", &METRIC, Outcome::Argument),
    aggregate("max", &METRIC, Outcome::Argument),
    aggregate("count", &COUNTED, Outcome::Is(Kind::Integer)),
    aggregate("count_unique", &COUNTED, Outcome::Is(Kind::Integer)),
    aggregate("p50", &METRIC, Outcome::Argument),
    aggregate("p75", &METRIC, Outcome::Argument),
    aggregate("p90", &METRIC, Outcome::Argument),
    aggregate("p95", &METRIC, Outcome::Argument),
    aggregate("p99", &METRIC, Outcome::Argument),
    aggregate("per_second", &METRIC, Outcome::Is(Kind::Number)),
    aggregate("per_minute", &METRIC, Outcome::Is(Kind::Number)),
    aggregate("last_seen", &[], Outcome::Is(Kind::Date)),
];
