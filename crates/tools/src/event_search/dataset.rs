//! The datasets, as data: their names at Sentry, their columns, and their functions.
//!
//! The lists of fields and functions are for defaults and for "did you mean": Sentry knows
//! more, and every project adds its own, so a name is never refused for not being here.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::spelling;

/// What can be searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dataset {
    #[default]
    Errors,
    Spans,
    Logs,
    Metrics,
    Profiles,
    Replays,
}

/// What is known of a dataset.
pub(crate) struct Facts {
    /// As callers name it.
    pub(crate) name: &'static str,
    /// As Sentry names it; a later one is tried where a Sentry of another age refuses the first.
    pub(crate) sent: &'static [&'static str],
    /// The columns when nobody chose any.
    pub(crate) columns: &'static [&'static str],
    /// Columns that single rows make no sense without.
    pub(crate) always: &'static [&'static str],
    /// The order when nobody chose one.
    pub(crate) sort: &'static str,
    /// Other fields that are often used.
    pub(crate) fields: &'static [&'static str],
    /// Functions.
    pub(crate) functions: &'static [&'static str],
    /// The units of columns for which Sentry may name none.
    pub(crate) units: &'static [(&'static str, &'static str)],
}

const ALL: [Dataset; 6] = [
    Dataset::Errors,
    Dataset::Spans,
    Dataset::Logs,
    Dataset::Metrics,
    Dataset::Profiles,
    Dataset::Replays,
];

/// Fields that every dataset has.
const COMMON: &[&str] = &[
    "project",
    "timestamp",
    "environment",
    "release",
    "platform",
    "user.id",
    "user.email",
    "sdk.name",
    "sdk.version",
];

static ERRORS: Facts = Facts {
    name: "errors",
    sent: &["errors"],
    columns: &[
        "issue",
        "title",
        "project",
        "timestamp",
        "level",
        "message",
        "error.type",
        "culprit",
        "user.email",
        "user.id",
    ],
    always: &[],
    sort: "-timestamp",
    fields: &[
        "id",
        "trace",
        "transaction",
        "url",
        "error.value",
        "error.handled",
        "stack.filename",
        "stack.function",
        "stack.module",
        "stack.abs_path",
        "stack.lineno",
        "os.name",
        "browser.name",
        "device.family",
        "user.display",
        "event.type",
        "http.method",
        "issue.id",
    ],
    functions: &["count", "count_unique", "count_if", "last_seen", "eps", "epm"],
    units: &[],
};

static SPANS: Facts = Facts {
    name: "spans",
    sent: &["spans"],
    columns: &[
        "id",
        "span.op",
        "span.description",
        "span.duration",
        "transaction",
        "timestamp",
        "project",
        "trace",
    ],
    always: &[],
    sort: "-timestamp",
    fields: &[
        "span.status",
        "span.self_time",
        "transaction.op",
        "transaction.status",
        "transaction.duration",
        "is_transaction",
        "trace.span_id",
        "trace.parent_span_id",
        "http.method",
        "http.status_code",
        "http.url",
        "db.system",
        "db.operation",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.operation.name",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.tool.name",
        "mcp.method.name",
        "mcp.resource.uri",
        "mcp.session.id",
        "measurements.lcp",
        "measurements.cls",
        "measurements.inp",
        "measurements.fcp",
        "measurements.ttfb",
    ],
    functions: &[
        "count",
        "count_unique",
        "avg",
        "sum",
        "min",
        "max",
        "p50",
        "p75",
        "p90",
        "p95",
        "p99",
        "p100",
        "epm",
        "failure_rate",
    ],
    units: &[
        ("span.duration", "millisecond"),
        ("span.self_time", "millisecond"),
        ("transaction.duration", "millisecond"),
    ],
};

static LOGS: Facts = Facts {
    name: "logs",
    sent: &["logs", "ourlogs"],
    columns: &["timestamp", "project", "message", "severity", "trace"],
    always: &[],
    sort: "-timestamp",
    fields: &["severity_number", "sentry.item_id", "sentry.observed_timestamp_nanos"],
    functions: &[
        "count",
        "count_unique",
        "avg",
        "sum",
        "min",
        "max",
        "p50",
        "p75",
        "p90",
        "p95",
        "p99",
        "p100",
        "epm",
    ],
    units: &[],
};

static METRICS: Facts = Facts {
    name: "metrics",
    sent: &["tracemetrics"],
    columns: &[
        "id",
        "timestamp",
        "project",
        "trace",
        "metric.name",
        "metric.type",
        "metric.unit",
        "value",
    ],
    always: &["metric.name", "metric.type", "metric.unit"],
    sort: "-timestamp",
    fields: &["span_id", "trace.parent_span_id", "timestamp_precise", "payload_size"],
    functions: &[
        "sum",
        "avg",
        "min",
        "max",
        "count",
        "p50",
        "p75",
        "p90",
        "p95",
        "p99",
        "per_second",
        "per_minute",
    ],
    units: &[],
};

static PROFILES: Facts = Facts {
    name: "profiles",
    sent: &["profiles"],
    columns: &[
        "project",
        "profile.id",
        "profiler.id",
        "thread.id",
        "timestamp",
        "transaction",
        "transaction.duration",
        "release",
        "environment",
        "trace",
        "precise.start_ts",
        "precise.finish_ts",
    ],
    always: &[],
    sort: "-timestamp",
    fields: &[
        "project.name",
        "platform.name",
        "device.model",
        "device.classification",
        "device.arch",
        "profile.duration",
    ],
    functions: &["count", "p50", "p75", "p90", "p95", "p99", "p100", "avg", "min", "max", "sum"],
    units: &[("transaction.duration", "nanosecond"), ("profile.duration", "nanosecond")],
};

static REPLAYS: Facts = Facts {
    name: "replays",
    sent: &["replays"],
    columns: &[],
    always: &[],
    sort: "-started_at",
    fields: &[
        "activity",
        "count_dead_clicks",
        "count_errors",
        "count_infos",
        "count_rage_clicks",
        "count_screens",
        "count_segments",
        "count_traces",
        "count_urls",
        "count_warnings",
        "duration",
        "error_ids",
        "id",
        "is_archived",
        "os.name",
        "browser.name",
        "replay_type",
        "screen",
        "seen_by_me",
        "trace",
        "url",
        "user.username",
        "user.ip",
        "viewed_by_me",
        "click.label",
        "click.selector",
        "click.textContent",
        "dead.selector",
        "rage.selector",
    ],
    functions: &[],
    units: &[],
};

/// What replays can be sorted by.
pub(crate) const REPLAY_SORTS: &[&str] = &[
    "activity",
    "browser.name",
    "browser.version",
    "count_dead_clicks",
    "count_errors",
    "count_infos",
    "count_rage_clicks",
    "count_urls",
    "count_warnings",
    "device.brand",
    "device.family",
    "device.model",
    "device.name",
    "dist",
    "duration",
    "finished_at",
    "os.name",
    "os.version",
    "platform",
    "project_id",
    "sdk.name",
    "started_at",
    "user.email",
    "user.id",
    "user.username",
];

impl Dataset {
    pub(crate) fn facts(self) -> &'static Facts {
        match self {
            Dataset::Errors => &ERRORS,
            Dataset::Spans => &SPANS,
            Dataset::Logs => &LOGS,
            Dataset::Metrics => &METRICS,
            Dataset::Profiles => &PROFILES,
            Dataset::Replays => &REPLAYS,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.facts().name
    }

    /// The known fields, for "did you mean".
    pub(crate) fn known_fields(self) -> impl Iterator<Item = &'static str> {
        let facts = self.facts();
        facts.columns.iter().chain(facts.fields).chain(COMMON).copied()
    }

    /// By the name that callers use, or by Sentry's own.
    fn named(name: &str) -> Result<Dataset, String> {
        let name = name.trim().to_ascii_lowercase();
        let called = |dataset: &&Dataset| {
            let facts = dataset.facts();
            facts.name == name || facts.sent.contains(&name.as_str())
        };
        if let Some(found) = ALL.iter().find(called) {
            return Ok(*found);
        }
        let names = ALL.map(Dataset::name);
        let advice = match (name.as_str(), spelling::nearest(&name, names.into_iter())) {
            ("transactions" | "traces" | "discover" | "performance", _) => {
                "did you mean `spans`?".to_owned()
            }
            (_, Some(nearest)) => format!("did you mean `{nearest}`?"),
            (_, None) => format!("there are {}", names.join(", ")),
        };
        Err(format!("unknown dataset `{}`: {advice}", spelling::shorten(&name.replace('`', "'"))))
    }
}

impl<'de> Deserialize<'de> for Dataset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dataset, D::Error> {
        let name = String::deserialize(deserializer)?;
        Dataset::named(&name).map_err(D::Error::custom)
    }
}

impl Serialize for Dataset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Dataset {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Dataset".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ALL.map(Dataset::name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_has_a_name_here_and_one_at_sentry() {
        for (name, expected) in [
            ("errors", Dataset::Errors),
            (" Logs ", Dataset::Logs),
            ("ourlogs", Dataset::Logs),
            ("tracemetrics", Dataset::Metrics),
        ] {
            assert_eq!(Dataset::named(name), Ok(expected));
        }
    }

    #[test]
    fn an_unknown_dataset_is_told_the_nearest_one() {
        for (name, expected) in [
            ("error", "did you mean `errors`?"),
            ("transactions", "did you mean `spans`?"),
            ("replay", "did you mean `replays`?"),
            ("zzz", "there are errors, spans, logs, metrics, profiles, replays"),
        ] {
            let message = Dataset::named(name).unwrap_err();
            assert!(message.ends_with(expected), "{message}");
        }
    }

    #[test]
    fn the_default_columns_fit_into_one_request() {
        for dataset in ALL {
            assert!(dataset.facts().columns.len() < 20);
        }
    }
}
