//! What a caller wants of a search for events, before it is a plan: the arguments, and what a
//! sentence became where the arguments say nothing. Nothing is checked here but times.

use agent::{Agent, TimeRange};
use schemars::JsonSchema;
use sentry_client::Slug;
use serde::Deserialize;

use super::{
    dataset::Dataset,
    plan::{Asked, Plan},
    time::Time,
};
use crate::{error::Result, params::given, search_text::sentence::Translation};

/// A list of texts; one text, or a list written as JSON text, means the same.
#[derive(JsonSchema)]
#[schemars(inline, description = "")]
pub(crate) struct Texts(Vec<String>);

impl Texts {
    pub(crate) fn of(texts: Option<&Texts>) -> Vec<String> {
        texts.map(|Texts(texts)| texts.clone()).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a list of strings")]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }

        Ok(Texts(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::Many(many) => many,
            OneOrMany::One(one) if one.trim().is_empty() => Vec::new(),
            OneOrMany::One(one) => serde_json::from_str(&one).unwrap_or_else(|_| vec![one]),
        }))
    }
}

/// A search as somebody wants it.
pub(crate) struct Wish {
    /// `None`: nobody chose.
    pub(crate) dataset: Option<Dataset>,
    pub(crate) query: String,
    pub(crate) fields: Vec<String>,
    pub(crate) sort: Option<String>,
    pub(crate) environments: Vec<String>,
    /// `None`: nobody chose.
    pub(crate) time: Option<Time>,
    /// How the query was written, if it was not the caller.
    pub(crate) translation: Option<Translation>,
}

impl Wish {
    pub(crate) fn dataset(&self) -> Dataset {
        self.dataset.unwrap_or_default()
    }

    /// What is sent for it. `fenced` sessions need to know the project of each row.
    pub(crate) fn plan(&self, fenced: bool, project_in_query: Option<&Slug>) -> Result<Plan> {
        Plan::of(&Asked {
            dataset: self.dataset(),
            query: &self.query,
            fields: &self.fields,
            sort: self.sort.as_deref(),
            environments: &self.environments,
            project_in_query,
            fenced,
        })
    }

    /// With what a sentence became. The caller's own choices stay; the query holds the caller's
    /// filters, which was checked.
    pub(crate) fn filled(self, found: agent::EventSearch, agent: &Agent) -> Result<Wish> {
        let translation = Some(Translation::new(agent, found.explanation.as_ref()));
        let dataset = Dataset::of(found.dataset).or(self.dataset);
        // The model did not know the caller's columns; an order of its own may not fit them.
        let (fields, sort) = match (self.fields.is_empty(), given(self.sort.as_deref())) {
            (false, _) => (self.fields, self.sort),
            (true, sort) => {
                let columns = dataset != Some(Dataset::Replays);
                let fields = if columns { found.fields } else { Vec::new() };
                (fields, sort.map(str::to_owned).or(found.sort))
            }
        };
        let environments =
            if self.environments.is_empty() { found.environments } else { self.environments };
        let time = match (self.time, found.time) {
            (Some(time), _) => Some(time),
            (None, Some(TimeRange::Period(period))) => Some(Time::of(Some(&period), None, None)?),
            (None, Some(TimeRange::Between { start, end })) => {
                Some(Time::of(None, Some(&start), Some(&end))?)
            }
            (None, None) => None,
        };
        Ok(Wish { dataset, query: found.query, fields, sort, environments, time, translation })
    }
}
