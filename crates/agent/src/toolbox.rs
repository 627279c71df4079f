//! The tools that the model may call while it writes a search, and how their answers look to it.
//! What they may see is decided by whoever implements [`Toolbox`], under the grant and the
//! fence of the outer call; this crate knows no permission.

use async_trait::async_trait;
use search_query::Dataset;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    check,
    outcome::{dataset_named, names},
    wire::{Call, ToolSpec},
};

/// The most fields that one answer lists.
const MAX_FIELDS: usize = 50;
/// The most sample values of a field.
const MAX_SAMPLES: usize = 3;
/// The longest name, type or value, in characters.
const MAX_TEXT: usize = 100;

/// What the model may look up. One value belongs to one outer call, with its client, fence and
/// grant.
#[async_trait]
pub trait Toolbox: Send + Sync {
    /// The fields and tags of a dataset whose names contain the text; all of them for an
    /// empty text. Of more than 50, the first 50 are told.
    async fn find_fields(
        &self,
        dataset: Dataset,
        containing: &str,
    ) -> Result<Vec<FoundField>, ToolError>;

    /// Who the caller is.
    async fn who_am_i(&self) -> Result<Caller, ToolError>;
}

/// A field or tag. Its texts may come from events; they reach the model only as a tool's
/// answer, never in the system prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundField {
    /// Its name, as a query writes it.
    pub name: String,
    /// Its type in a word, such as `string` or `duration`; empty if it is not known.
    pub kind: String,
    /// Values that occur.
    pub samples: Vec<String>,
}

/// Who the caller is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The id at Sentry.
    pub id: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
}

/// Why a lookup did not work, for the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(pub String);

/// The tools, for a search in one of these datasets.
pub(crate) fn specs(datasets: &[Dataset]) -> Vec<ToolSpec> {
    let dataset = json!({
        "type": "string", "enum": names(datasets), "description": "What is searched",
    });
    vec![
        ToolSpec {
            name: "find_fields",
            description: "Lists fields and tags that exist in this organization, with types \
                          and sample values. Call it when the sentence names something that is \
                          not in the list of known fields.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "dataset": dataset.clone(),
                    "substring": {"type": "string", "description": "Part of the name, such as `tier`"},
                },
                "required": ["dataset", "substring"],
                "additionalProperties": false,
            }),
        },
        ToolSpec {
            name: "validate",
            description: "Checks a query and says what is wrong with it and where.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "dataset": dataset,
                    "query": {"type": "string", "description": "The query to check"},
                },
                "required": ["dataset", "query"],
                "additionalProperties": false,
            }),
        },
        ToolSpec {
            name: "who_am_i",
            description: "Tells the id, name and address of the person who asks.",
            parameters: json!({
                "type": "object", "properties": {}, "additionalProperties": false,
            }),
        },
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Arguments {
    dataset: String,
    substring: String,
    query: String,
}

/// Answers a call as `{"result": …}` or `{"error": …}`, so that the model can correct itself.
pub(crate) async fn answer(toolbox: &dyn Toolbox, datasets: &[Dataset], call: &Call) -> String {
    match dispatch(toolbox, datasets, call).await {
        Ok(result) => json!({ "result": result }).to_string(),
        Err(ToolError(error)) => json!({ "error": clip(&error, 500) }).to_string(),
    }
}

async fn dispatch(
    toolbox: &dyn Toolbox,
    datasets: &[Dataset],
    call: &Call,
) -> Result<Value, ToolError> {
    let arguments = || -> Result<(Dataset, Arguments), ToolError> {
        let read = Arguments::deserialize(&call.arguments)
            .map_err(|_| ToolError("the arguments are not an object of strings".to_owned()))?;
        let dataset = match datasets {
            [only] if read.dataset.is_empty() => Some(*only),
            _ => dataset_named(datasets, &read.dataset),
        };
        let unknown =
            || ToolError(format!("`dataset` must be one of {}", names(datasets).join(", ")));
        Ok((dataset.ok_or_else(unknown)?, read))
    };
    match call.name.as_str() {
        "find_fields" => {
            let (dataset, arguments) = arguments()?;
            let found = toolbox.find_fields(dataset, &clip(&arguments.substring, MAX_TEXT)).await?;
            Ok(fields(&found))
        }
        "validate" => {
            let (dataset, arguments) = arguments()?;
            Ok(match check::query(&arguments.query, dataset) {
                Ok(checked) => json!({"valid": true, "warnings": checked.warnings}),
                Err(report) => json!({"valid": false, "problem": report}),
            })
        }
        "who_am_i" => {
            let Caller { id, name, email } = toolbox.who_am_i().await?;
            let short = |text: Option<String>| text.map(|text| clip(&text, MAX_TEXT));
            Ok(json!({"id": short(id), "name": short(name), "email": short(email)}))
        }
        _ => Err(ToolError(
            "there is no such tool; there are find_fields, validate, who_am_i".into(),
        )),
    }
}

fn fields(found: &[FoundField]) -> Value {
    let listed: Vec<Value> = found
        .iter()
        .take(MAX_FIELDS)
        .map(|field| {
            let samples = field.samples.iter().take(MAX_SAMPLES);
            json!({
                "name": clip(&field.name, MAX_TEXT),
                "type": clip(&field.kind, MAX_TEXT),
                "samples": samples.map(|value| clip(value, MAX_TEXT)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({"fields": listed, "more": found.len().saturating_sub(MAX_FIELDS)})
}

/// At most so many characters.
pub(crate) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
