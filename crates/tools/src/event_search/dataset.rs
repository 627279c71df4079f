//! The datasets, as data: their names at Sentry, and what is asked for when nobody chose.
//!
//! Which fields and functions a dataset has is in the catalogue of `search_query`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use search_query::fields;
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
    /// As Sentry names it; a later one is tried where a Sentry of another age refuses the first.
    pub(crate) sent: &'static [&'static str],
    /// The columns when nobody chose any.
    pub(crate) columns: &'static [&'static str],
    /// Columns that single rows make no sense without.
    pub(crate) always: &'static [&'static str],
    /// The order when nobody chose one.
    pub(crate) sort: &'static str,
}

const ALL: [Dataset; 6] = [
    Dataset::Errors,
    Dataset::Spans,
    Dataset::Logs,
    Dataset::Metrics,
    Dataset::Profiles,
    Dataset::Replays,
];

static ERRORS: Facts = Facts {
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
};

static SPANS: Facts = Facts {
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
};

static LOGS: Facts = Facts {
    sent: &["logs", "ourlogs"],
    columns: &["timestamp", "project", "message", "severity", "trace"],
    always: &[],
    sort: "-timestamp",
};

static METRICS: Facts = Facts {
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
};

static PROFILES: Facts = Facts {
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
};

static REPLAYS: Facts =
    Facts { sent: &["replays"], columns: &[], always: &[], sort: "-started_at" };

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

    /// The same for the parser, which knows the fields and functions.
    pub(crate) fn syntax(self) -> search_query::Dataset {
        match self {
            Dataset::Errors => search_query::Dataset::Errors,
            Dataset::Spans => search_query::Dataset::Spans,
            Dataset::Logs => search_query::Dataset::Logs,
            Dataset::Metrics => search_query::Dataset::Metrics,
            Dataset::Profiles => search_query::Dataset::Profiles,
            Dataset::Replays => search_query::Dataset::Replays,
        }
    }

    /// The dataset that the parser means; issues are searched by another tool.
    pub(crate) fn of(syntax: search_query::Dataset) -> Option<Dataset> {
        ALL.into_iter().find(|dataset| dataset.syntax() == syntax)
    }

    /// As callers name it.
    pub(crate) fn name(self) -> &'static str {
        self.syntax().name()
    }

    /// The unit of a column for which Sentry may name none.
    pub(crate) fn unit(self, column: &str) -> Option<&'static str> {
        fields::field(self.syntax(), column)?.unit
    }

    /// By the name that callers use, or by Sentry's own.
    fn named(name: &str) -> Result<Dataset, String> {
        let name = name.trim().to_ascii_lowercase();
        let called = |dataset: &&Dataset| {
            dataset.name() == name || dataset.facts().sent.contains(&name.as_str())
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
