//! What a deployment offers besides Sentry's API, and the limits it sets. It fetches nothing.

use std::{fmt, sync::Arc};

use agent::Agent;
use schemars::JsonSchema;
use sentry_client::docs::DocsService;
use serde::{Deserialize, Serialize};

use crate::answer;

/// What this deployment offers, and how much it says at a time.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Where the documentation is searched and read; `None` where it is switched off.
    pub docs: Option<DocsService>,
    /// The budget of an answer in tokens, where a call does not choose its own.
    pub max_tokens: usize,
    /// The largest attachment that is downloaded, in bytes.
    pub max_attachment: usize,
    /// Whether answers come as text alone or as data too.
    pub output: Format,
    /// Who turns sentences into searches; `None` where nobody does.
    pub agent: Option<Arc<Agent>>,
}

/// In what form an answer is sent. The text is the same in both, but data cost more tokens than
/// text, so a long answer is shortened earlier where both are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Markdown.
    #[default]
    Text,
    /// Markdown, and the same as JSON in `structuredContent`, with a schema for each tool.
    Structured,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Text => "text",
            Format::Structured => "structured",
        })
    }
}

impl Default for Installation {
    fn default() -> Installation {
        Installation {
            docs: None,
            max_tokens: answer::DEFAULT_BUDGET,
            max_attachment: 8 * 1024 * 1024,
            output: Format::Text,
            agent: None,
        }
    }
}
