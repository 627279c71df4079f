//! What a sentence became: the form that the model is asked for, and reading what it gave.
//! Whether the query is valid is not judged here.

use search_query::Dataset;
use sentry_client::Untrusted;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{rescue, toolbox::clip};

/// The longest query in bytes: Sentry's front refuses URLs beyond 8 KiB.
const MAX_QUERY: usize = 4_000;
/// The longest other text in bytes.
const MAX_WORD: usize = 200;
/// The most columns: Sentry takes at most twenty.
const MAX_COLUMNS: usize = 20;
/// The most environments.
const MAX_ENVIRONMENTS: usize = 10;
/// The longest explanation in characters.
const MAX_EXPLANATION: usize = 600;

/// A search for issues.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueSearch {
    /// The query, which the parser has accepted; empty for every issue.
    pub query: String,
    /// The order, if the model chose one: `date`, `freq`, `new`, `user`, …
    pub sort: Option<String>,
    /// Why the model wrote it so. It may have been led by text from events.
    pub explanation: Option<Untrusted>,
}

/// A search for events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSearch {
    /// What is searched.
    pub dataset: Dataset,
    /// The query, which the parser has accepted; empty for every event.
    pub query: String,
    /// The columns, fields and aggregates, at most twenty; empty for the usual ones.
    pub fields: Vec<String>,
    /// The column to sort by, with `-` for the largest first.
    pub sort: Option<String>,
    /// The environments to look in; empty for all.
    pub environments: Vec<String>,
    /// When.
    pub time: Option<TimeRange>,
    /// Why the model wrote it so. It may have been led by text from events.
    pub explanation: Option<Untrusted>,
}

/// When the events happened. The model's words; whether they are times is for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeRange {
    /// The last so much time, such as `24h` or `7d`.
    Period(String),
    /// From one time to another, in ISO 8601.
    Between {
        /// The beginning.
        start: String,
        /// The end.
        end: String,
    },
}

/// An answer of the model, before its query was looked at.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Search(Box<Draft>),
    Declined(Untrusted),
}

/// A search of either sort.
#[derive(Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) dataset: Dataset,
    pub(crate) query: String,
    fields: Vec<String>,
    sort: Option<String>,
    environments: Vec<String>,
    time: Option<TimeRange>,
    explanation: Option<Untrusted>,
}

impl From<Draft> for IssueSearch {
    fn from(draft: Draft) -> IssueSearch {
        let Draft { query, sort, explanation, .. } = draft;
        IssueSearch { query, sort, explanation }
    }
}

impl From<Draft> for EventSearch {
    fn from(draft: Draft) -> EventSearch {
        let Draft { dataset, query, fields, sort, environments, time, explanation } = draft;
        EventSearch { dataset, query, fields, sort, environments, time, explanation }
    }
}

/// The JSON schema of an answer. Every property is required and may be null, which all
/// providers understand; bounds are checked here, for not all of them know bounds.
pub(crate) fn schema(datasets: &[Dataset]) -> Value {
    let text = |description: &str| json!({"type": ["string", "null"], "description": description});
    let texts = |description: &str| json!({"type": ["array", "null"], "items": {"type": "string"}, "description": description});
    let mut properties = json!({
        "query": text("The query in Sentry's syntax, without sort and time; null with `error`"),
        "sort": text("The order"),
        "explanation": text("One sentence: what the query looks for and what was assumed"),
        "error": text("Why this cannot be a search; otherwise null"),
    });
    if datasets != [Dataset::Issues] {
        properties["dataset"] =
            json!({"type": "string", "enum": names(datasets), "description": "What is searched"});
        properties["fields"] = texts("The columns");
        properties["environment"] = texts("Environments to look in; null for all");
        properties["timeRange"] = json!({"anyOf": [
            {"type": "null"},
            {"type": "object", "properties": {"statsPeriod": {"type": "string"}},
             "required": ["statsPeriod"], "additionalProperties": false},
            {"type": "object",
             "properties": {"start": {"type": "string"}, "end": {"type": "string"}},
             "required": ["start", "end"], "additionalProperties": false},
        ]});
    }
    let required: Vec<String> =
        properties.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    dataset: Option<String>,
    query: Option<String>,
    fields: Option<Vec<String>>,
    sort: Option<String>,
    environment: Option<OneOrMany>,
    time_range: Option<RawTime>,
    explanation: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawTime {
    stats_period: Option<String>,
    start: Option<String>,
    end: Option<String>,
}

/// Reads what a model said. None if there is no answer of the form in it.
pub(crate) fn read(text: &str, datasets: &[Dataset]) -> Option<Answer> {
    rescue::object(text, |value| accept(Raw::deserialize(value).ok()?, datasets))
}

fn accept(raw: Raw, datasets: &[Dataset]) -> Option<Answer> {
    if let Some(reason) = some(raw.error) {
        return Some(Answer::Declined(Untrusted::new(clip(&reason, MAX_EXPLANATION))));
    }
    let dataset = match (datasets, raw.dataset) {
        ([only], None) => *only,
        (_, Some(name)) => dataset_named(datasets, &name)?,
        (_, None) => return None,
    };
    let query = raw.query?.trim().to_owned();
    let fields = words(raw.fields.unwrap_or_default(), MAX_COLUMNS)?;
    let environments = match raw.environment {
        None => Vec::new(),
        Some(OneOrMany::One(name)) => vec![name],
        Some(OneOrMany::Many(names)) => names,
    };
    let sort = words(some(raw.sort).into_iter().collect(), 1)?.pop();
    let explanation = some(raw.explanation).map(|it| Untrusted::new(clip(&it, MAX_EXPLANATION)));
    (query.len() <= MAX_QUERY).then_some(())?;
    Some(Answer::Search(Box::new(Draft {
        dataset,
        query,
        fields,
        sort,
        environments: words(environments, MAX_ENVIRONMENTS)?,
        time: raw.time_range.map_or(Ok(None), time).ok()?,
        explanation,
    })))
}

/// Half a range of time, which is none.
struct HalfARange;

fn time(raw: RawTime) -> Result<Option<TimeRange>, HalfARange> {
    let word = |text: Option<String>| some(text).filter(|text| fits(text));
    match (word(raw.stats_period), word(raw.start), word(raw.end)) {
        (Some(period), _, _) => Ok(Some(TimeRange::Period(period))),
        (None, Some(start), Some(end)) => Ok(Some(TimeRange::Between { start, end })),
        (None, None, None) => Ok(None),
        _ => Err(HalfARange),
    }
}

/// The words that say something; none if they are too many or too long.
fn words(given: Vec<String>, most: usize) -> Option<Vec<String>> {
    let words: Vec<String> = given.into_iter().filter_map(|word| some(Some(word))).collect();
    (words.len() <= most && words.iter().all(|word| fits(word))).then_some(words)
}

fn fits(word: &str) -> bool {
    word.len() <= MAX_WORD && !word.contains(char::is_control)
}

/// A text that says something. Some models write "null" where they mean null.
fn some(text: Option<String>) -> Option<String> {
    let text = text?.trim().to_owned();
    (!text.is_empty() && text != "null").then_some(text)
}

/// How a dataset is called, in settings, arguments and answers.
pub(crate) fn name(dataset: Dataset) -> &'static str {
    dataset.name()
}

pub(crate) fn names(datasets: &[Dataset]) -> Vec<&'static str> {
    datasets.iter().map(|dataset| name(*dataset)).collect()
}

pub(crate) fn dataset_named(datasets: &[Dataset], given: &str) -> Option<Dataset> {
    datasets.iter().copied().find(|dataset| name(*dataset) == given.trim())
}
