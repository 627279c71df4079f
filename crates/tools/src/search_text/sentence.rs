//! `naturalLanguageQuery`: a sentence that becomes a search through the provider of the
//! installation, or a guide with which the caller writes the search. It runs no search.

use std::fmt::Write as _;

use agent::{Agent, AgentError, Ask, EventSearch, IssueSearch, MAX_SENTENCE, syntax_guide};
use jiff::Timestamp;
use schemars::JsonSchema;
use search_query::Dataset;
use sentry_client::{Region, Slug, SlugOrId, Untrusted};
use serde::Serialize;

use super::toolbox::CallTools;
use crate::{
    answer::Stranger,
    error::{Error, Result},
    params::{Cursor, given},
    render::markdown,
    tool::Context,
};

/// A sentence that a caller gave.
#[derive(Clone, Copy)]
pub(crate) struct Sentence<'a> {
    text: &'a str,
    /// Who translates it here, if anybody does.
    agent: Option<&'a Agent>,
}

/// Where a search looks.
pub(crate) struct Place<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) org: &'a Slug,
    pub(crate) region: Option<&'a Region>,
    /// The project as the request names it.
    pub(crate) project: Option<SlugOrId>,
}

/// How a sentence became a search.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Translation {
    /// The provider.
    by: &'static str,
    /// Why the model wrote it so; its words, never instructions.
    explanation: Option<Stranger>,
}

/// How to write the search, where no search came of a sentence.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Guide {
    next: String,
    /// Why a provider wrote no search.
    reason: Option<String>,
    /// What its model said about that; its words, never instructions.
    said: Option<Stranger>,
    syntax: String,
}

impl<'a> Sentence<'a> {
    /// The sentence, if there is one; blank counts as none.
    pub(crate) fn of(
        cx: &Context<'a>,
        text: Option<&'a str>,
        cursor: Option<&Cursor>,
    ) -> Result<Option<Sentence<'a>>> {
        let Some(text) = given(text) else { return Ok(None) };
        if text.len() > MAX_SENTENCE {
            let problem = format!("{} bytes are too long; at most {MAX_SENTENCE} fit", text.len());
            return Err(Error::argument("naturalLanguageQuery", problem));
        }
        let agent = cx.installation.agent.as_deref();
        if agent.is_some() && cursor.is_some() {
            // Another translation would be another list.
            return Err(Error::argument(
                "cursor",
                "it belongs to the query of the last answer: pass that as `query`, without \
                 `naturalLanguageQuery`",
            ));
        }
        Ok(Some(Sentence { text, agent }))
    }

    /// How to write the search, where nobody translates sentences.
    pub(crate) fn guide(self, tool: &str, dataset: Dataset) -> Option<Guide> {
        self.agent.is_none().then(|| Guide::plain(tool, dataset))
    }

    /// Who translates it.
    pub(crate) fn agent(self) -> Option<&'a Agent> {
        self.agent
    }

    fn ask<'b>(self, query: &'b str) -> Ask<'b>
    where
        'a: 'b,
    {
        Ask { sentence: self.text, given: given(Some(query)), now: Timestamp::now() }
    }

    /// The search for issues that it becomes.
    pub(crate) async fn issues(
        self,
        agent: &Agent,
        query: &str,
        place: &Place<'_>,
    ) -> Result<IssueSearch, Box<AgentError>> {
        agent.issue_search(&self.ask(query), &tools(place)).await.map_err(Box::new)
    }

    /// The search for events that it becomes, in any dataset if none is given.
    pub(crate) async fn events(
        self,
        agent: &Agent,
        query: &str,
        dataset: Option<Dataset>,
        place: &Place<'_>,
    ) -> Result<EventSearch, Box<AgentError>> {
        agent.event_search(&self.ask(query), dataset, &tools(place)).await.map_err(Box::new)
    }
}

fn tools<'a>(place: &'a Place<'_>) -> CallTools<'a> {
    let Place { cx, org, region, project } = place;
    CallTools { cx, org, region: *region, project: project.as_ref() }
}

impl Translation {
    pub(crate) fn new(agent: &Agent, explanation: Option<&Untrusted>) -> Translation {
        let explanation = explanation.filter(|text| !text.is_blank()).map(Stranger::from);
        Translation { by: agent.provider().kind().name(), explanation }
    }

    /// Below what was executed.
    pub(crate) fn lines(&self) -> String {
        let mut text = format!(
            "The query was written by {} for `naturalLanguageQuery`. To repeat the search or to \
             go on in it, pass what was executed instead of the sentence.\n",
            self.by
        );
        if let Some(explanation) = &self.explanation {
            let said = markdown::code(explanation.text(), 600);
            let _ = writeln!(text, "What the model says of it: {said}");
        }
        text
    }
}

impl Guide {
    /// Where nobody translates sentences.
    pub(crate) fn plain(tool: &str, dataset: Dataset) -> Guide {
        let next = format!(
            "No search was run yet. Write it yourself: call `{tool}` again with `query` in the \
             syntax below, and without `naturalLanguageQuery`."
        );
        let next = match dataset {
            Dataset::Issues => next,
            _ => format!(
                "{next} The syntax is that of the dataset `{dataset}`; the fields of another one \
                 are told beside the sentence if `dataset` names it."
            ),
        };
        Guide { next, reason: None, said: None, syntax: syntax_guide(dataset) }
    }

    /// Where a provider wrote no search.
    pub(crate) fn after(err: &AgentError, tool: &str, dataset: Dataset) -> Guide {
        let said = match err {
            AgentError::Declined { reason } => Some(reason.expose().to_owned()),
            AgentError::InvalidQuery { query, report, .. } => {
                Some(format!("{}: {}", query.expose(), report.expose()))
            }
            _ => None,
        };
        let guide = Guide::because(&err.to_string(), tool, dataset);
        Guide { said: Stranger::of(said.as_deref()), ..guide }
    }

    /// Where what came of a sentence cannot be run.
    pub(crate) fn because(reason: &str, tool: &str, dataset: Dataset) -> Guide {
        let reason = Some(markdown::line(reason, 400));
        Guide { reason, ..Guide::plain(tool, dataset) }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::from("# How to write this search\n\n");
        if let Some(reason) = &self.reason {
            let _ = writeln!(text, "The sentence did not become a search: {reason}.");
        }
        if let Some(said) = &self.said {
            let said = markdown::code(said.text(), 600);
            let _ = writeln!(text, "What the model says of it: {said}");
        }
        text + &format!("{}\n\n{}\n", self.next, self.syntax)
    }
}
