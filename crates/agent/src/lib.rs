//! Turns a sentence into a search in Sentry, through a provider of language models.
//! It knows neither MCP nor Markdown nor permissions, and does not read the environment.
//!
//! [`Provider::choose`] says who is asked, [`Agent`] asks, and a [`Toolbox`] lends it the eyes
//! of the outer call. What comes out has been through the same parser as a query that somebody
//! typed, and holds every filter of a query given beside the sentence. Without a provider,
//! [`syntax_guide`] is what the calling model gets to write the query itself.
//!
//! The providers are spoken to by thin clients of our own, because an HTTP client must come
//! from `sentry_client::http`, a body must have a bound, and no text of a provider may be
//! logged or shown.
//!
//! Sentences, queries and answers are never logged; only who was asked, how many steps it
//! took, and how it ended.

mod check;
mod error;
mod guide;
mod outcome;
mod preserve;
mod prompt;
pub mod provider;
mod rescue;
mod run;
#[cfg(test)]
mod tests;
mod toolbox;
mod transport;
mod wire;

use std::{fmt, time::Duration};

use jiff::Timestamp;
use search_query::Dataset;

pub use crate::{
    error::{AgentError, Failure},
    guide::syntax_guide,
    outcome::{EventSearch, IssueSearch, TimeRange},
    preserve::{LostFilter, ensure_preserved},
    provider::{Provider, ProviderKind},
    toolbox::{Caller, FoundField, ToolError, Toolbox},
};
use crate::{run::Run, transport::Transport};

/// The longest sentence in bytes.
pub const MAX_SENTENCE: usize = 4_000;

/// The datasets of events, in the order in which the model reads about them.
const EVENTS: [Dataset; 6] = [
    Dataset::Errors,
    Dataset::Spans,
    Dataset::Logs,
    Dataset::Metrics,
    Dataset::Profiles,
    Dataset::Replays,
];

/// How long and how often a provider is asked for one sentence.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most answers of the model, those that only call tools included. Default 5.
    pub steps: usize,
    /// The time for everything together, tools and the retry included. Default 30 s.
    pub total: Duration,
    /// The wait before the one retry. Default 500 ms; a provider's `Retry-After` is honored
    /// up to 5 s, and a longer one ends the run.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 5, total: Duration::from_secs(30), pause: Duration::from_millis(500) }
    }
}

/// A sentence, and what belongs to it.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The sentence, at most [`MAX_SENTENCE`] bytes.
    pub sentence: &'a str,
    /// A query beside it, whose filters must all be in what comes out.
    pub given: Option<&'a str>,
    /// The time, for "yesterday".
    pub now: Timestamp,
}

/// Asks one provider. It is made once; the HTTP client is built at the first sentence.
pub struct Agent {
    provider: Provider,
    transport: Transport,
    limits: Limits,
}

impl Agent {
    /// An agent for a provider. Of the settings, the CA file and the time for connecting
    /// count; Sentry's address does not.
    pub fn new(provider: Provider, settings: sentry_client::Settings) -> Agent {
        Agent { provider, transport: Transport::new(settings), limits: Limits::default() }
    }

    /// The same agent with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Agent {
        Agent { limits, ..self }
    }

    /// Who is asked.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Turns a sentence into a search for issues.
    pub async fn issue_search(
        &self,
        ask: &Ask<'_>,
        toolbox: &dyn Toolbox,
    ) -> Result<IssueSearch, AgentError> {
        let run = Run { agent: self, ask, datasets: &[Dataset::Issues], toolbox };
        run.finish().await.map(IssueSearch::from)
    }

    /// Turns a sentence into a search for events: in the dataset, or in one that the model
    /// chooses. A query given beside the sentence needs a dataset to be read in; without one,
    /// it is read in the dataset that the model chose.
    pub async fn event_search(
        &self,
        ask: &Ask<'_>,
        dataset: Option<Dataset>,
        toolbox: &dyn Toolbox,
    ) -> Result<EventSearch, AgentError> {
        let fixed = dataset.map(|dataset| [dataset]);
        let datasets = fixed.as_ref().map_or(&EVENTS[..], |fixed| &fixed[..]);
        let run = Run { agent: self, ask, datasets, toolbox };
        run.finish().await.map(EventSearch::from)
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("provider", &self.provider)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Not derived: a sentence is not logged.
impl fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("bytes", &self.sentence.len()).finish_non_exhaustive()
    }
}
