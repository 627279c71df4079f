//! Fields and aggregates of errors.
//!
//! Facts: `docs.sentry.io/concepts/search/searchable-properties/events/`, and what Sentry's event
//! search refuses. Tags of projects are not here.

use super::{
    Aggregate, Argument, Facts, Field, Kind, Outcome, aggregate, any, common, date, issues, text,
};

pub(super) static FACTS: Facts = Facts {
    fields: &[
        FIELDS,
        common::PLACE,
        common::RELEASE_PARTS,
        common::USER,
        common::GEO,
        common::CLIENT,
        common::ERROR,
        common::MEASUREMENTS,
        common::BREAKDOWNS,
    ],
    aggregates: AGGREGATES,
};

static FIELDS: &[Field] = &[
    any("id", Kind::EventId).about("id of the event"),
    text("is").filter_only().closed(issues::STATUSES).about("status of the issue"),
    text("issue").about("short id of the issue, such as API-1F"),
    any("issue.id", Kind::Integer).about("numeric id of the issue"),
    text("issue.category"),
    text("issue.type"),
    any("trace", Kind::TraceId).about("id of the trace"),
    any("trace.span", Kind::SpanId).about("id of the span in which it happened"),
    any("trace.parent_span", Kind::SpanId),
    any("trace.transaction", Kind::EventId),
    text("trace.client_sample_rate"),
    text("user.display").about("address, name, id, or IP address of the user"),
    text("transaction.op"),
    text("transaction.status"),
    any("transaction.duration", Kind::Duration),
    date("timestamp.to_hour").about("timestamp, rounded to the hour"),
    date("timestamp.to_day").about("timestamp, rounded to the day"),
    date("event.timestamp").lenient(),
    text("status").filter_only().closed(issues::STATUSES),
];

static AGGREGATES: &[Aggregate] = &[
    aggregate("count", &[], Outcome::Is(Kind::Integer)),
    aggregate("count_unique", &[Argument::any()], Outcome::Is(Kind::Integer)),
    aggregate(
        "count_if",
        &[Argument::any(), Argument::literal(), Argument::literal()],
        Outcome::Is(Kind::Integer),
    ),
    aggregate("failure_count", &[], Outcome::Is(Kind::Integer)),
    aggregate("failure_rate", &[], Outcome::Is(Kind::Percentage)),
    aggregate("last_seen", &[], Outcome::Is(Kind::Date)),
    aggregate("latest_event", &[], Outcome::Is(Kind::Text)),
    aggregate("eps", &[Argument::optional_literal()], Outcome::Is(Kind::Number)),
    aggregate("epm", &[Argument::optional_literal()], Outcome::Is(Kind::Number)),
    aggregate("any", &[Argument::any()], Outcome::Argument),
    aggregate("min", &[Argument::number()], Outcome::Argument),
    aggregate("max", &[Argument::number()], Outcome::Argument),
    aggregate("avg", &[Argument::number()], Outcome::Argument),
    aggregate("sum", &[Argument::number()], Outcome::Argument),
    aggregate("percentile", &[Argument::number(), Argument::literal()], Outcome::Argument),
    aggregate("p50", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p75", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p90", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p95", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p99", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p100", &[Argument::optional_number()], Outcome::Argument),
];
