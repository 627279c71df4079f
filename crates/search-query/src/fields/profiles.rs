//! Fields and aggregates of profiles. Durations are nanoseconds.
//!
//! Facts: the columns that Sentry's profiles have. They have no custom tags.

use super::{Aggregate, Argument, Facts, Field, Kind, Outcome, aggregate, any, common, text};

pub(super) static FACTS: Facts =
    Facts { fields: &[FIELDS, common::PLACE, common::USER], aggregates: AGGREGATES };

static FIELDS: &[Field] = &[
    any("id", Kind::EventId).lenient().about("id of the profile"),
    text("profile.id").about("id of the profile"),
    text("profiler.id").about("id of a continuous profile"),
    text("thread.id"),
    any("trace", Kind::TraceId).lenient().about("id of the trace"),
    text("trace.transaction").about("id of the transaction"),
    text("transaction").about("name of the transaction"),
    any("transaction.duration", Kind::Duration).unit("nanosecond"),
    any("profile.duration", Kind::Duration).unit("nanosecond").about("how long it took"),
    any("precise.start_ts", Kind::Number).lenient().about("start of a continuous profile"),
    any("precise.finish_ts", Kind::Number).lenient().about("end of a continuous profile"),
    text("platform.name").about("platform of the SDK"),
    text("device.arch"),
    text("device.classification").values(&["high", "medium", "low"]),
    text("device.locale"),
    text("device.manufacturer"),
    text("device.model"),
    text("os.build"),
    text("os.name"),
    text("os.version"),
];

static AGGREGATES: &[Aggregate] = &[
    aggregate("count", &[], Outcome::Is(Kind::Integer)),
    aggregate("count_unique", &[Argument::any()], Outcome::Is(Kind::Integer)),
    aggregate("last_seen", &[], Outcome::Is(Kind::Date)),
    aggregate("latest_event", &[], Outcome::Is(Kind::Text)),
    aggregate("percentile", &[Argument::number(), Argument::literal()], Outcome::Argument),
    aggregate("p50", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p75", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p90", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p95", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p99", &[Argument::optional_number()], Outcome::Argument),
    aggregate("p100", &[Argument::optional_number()], Outcome::Argument),
    aggregate("min", &[Argument::number()], Outcome::Argument),
    aggregate("max", &[Argument::number()], Outcome::Argument),
    aggregate("avg", &[Argument::number()], Outcome::Argument),
    aggregate("sum", &[Argument::number()], Outcome::Argument),
];
