//! The bounded loop between a sentence and a search: ask, let the model look things up, check
//! what it wrote, and send it back if it is wrong. It decides no permission and logs no text.

use std::time::Duration;

use search_query::Dataset;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Agent, Ask,
    check::{self, Unpreserved},
    error::{AgentError, Failure},
    outcome::{self, Answer, Draft},
    prompt,
    toolbox::{self, Toolbox},
    wire::{self, Call, Manner, Reply, Setting, Unreadable},
};

/// The most calls of tools that are answered in one step.
const MAX_CALLS: usize = 8;
/// The longest wait that a provider may ask for before the retry.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// One sentence on its way.
pub(crate) struct Run<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) datasets: &'a [Dataset],
    pub(crate) toolbox: &'a dyn Toolbox,
}

/// What is used up.
struct Spent {
    /// The one retry.
    retry: bool,
    /// The provider does not take a form of the answer.
    plain: bool,
}

/// An answer that cannot be taken, what the model is told of it, and the error if there is no
/// further step.
struct Wrong {
    feedback: String,
    error: AgentError,
    /// It counts as the one retry: the model did not do as it was told.
    form: bool,
}

impl Run<'_> {
    /// The search, or why there is none, within the limits of the agent.
    pub(crate) async fn finish(self) -> Result<Draft, AgentError> {
        let limit = self.agent.limits.total;
        let started = Instant::now();
        let provider = self.agent.provider.kind;
        self.check_ask()?;
        let result = timeout(limit, self.steps())
            .await
            .unwrap_or(Err(AgentError::TooSlow { provider, limit }));
        tracing::debug!(
            %provider,
            milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            found = result.is_ok(),
            "a sentence was translated"
        );
        result
    }

    fn check_ask(&self) -> Result<(), AgentError> {
        let bytes = self.ask.sentence.len();
        if self.ask.sentence.trim().is_empty() || bytes > crate::MAX_SENTENCE {
            return Err(AgentError::Sentence { bytes });
        }
        match (self.ask.given, self.datasets) {
            (Some(given), [only]) => check::query(given, *only)
                .map(drop)
                .map_err(|report| AgentError::Given { report: check::one_line(&report) }),
            _ => Ok(()),
        }
    }

    async fn steps(&self) -> Result<Draft, AgentError> {
        let Agent { provider, limits, .. } = self.agent;
        let (system, schema) = (prompt::system(self.datasets), outcome::schema(self.datasets));
        let tools = toolbox::specs(self.datasets);
        let setting = Setting { provider, system: &system, tools: &tools, schema: &schema };
        let first = prompt::user(self.ask.sentence, self.ask.given, self.ask.now);
        let mut history = vec![wire::user(&first)];
        let mut spent = Spent { retry: false, plain: false };
        for step in 1..=limits.steps {
            let last = step == limits.steps;
            let reply = self.reply(&setting, &history, last, &mut spent).await?;
            if reply.refused {
                return Err(AgentError::Refused { provider: provider.kind });
            }
            if !reply.calls.is_empty() && !reply.cut {
                let results = self.answers(&reply.calls).await;
                history.extend(reply.turn);
                history.extend(provider.wire.results(&results));
                continue;
            }
            let wrong = match self.judge(&reply) {
                Ok(draft) => return Ok(draft),
                Err(wrong) => *wrong,
            };
            let final_word = matches!(wrong.error, AgentError::Declined { .. });
            if last || final_word || (wrong.form && spent.retry) {
                return Err(wrong.error);
            }
            spent.retry |= wrong.form;
            if reply.calls.is_empty() {
                history.extend(reply.turn);
            }
            history.push(wire::user(&wrong.feedback));
        }
        Err(AgentError::TooManySteps { provider: provider.kind, limit: limits.steps })
    }

    /// One answer of the provider, asked for twice at most in a whole run.
    async fn reply(
        &self,
        setting: &Setting<'_>,
        history: &[Value],
        last: bool,
        spent: &mut Spent,
    ) -> Result<Reply, AgentError> {
        let Agent { provider, transport, limits } = self.agent;
        loop {
            let manner = Manner { may_call: !last, structured: !spent.plain };
            let body = provider.wire.body(setting, history, manner);
            let read = |value: Value| {
                provider.wire.read(&value).map_err(|error| match error {
                    Unreadable::Shape => Failure::Unreadable,
                    Unreadable::Status(status) => Failure::Status {
                        status,
                        variable: provider.kind.key_variable(),
                        retry_after: None,
                    },
                })
            };
            let failure = match transport.post(provider, &body).await.and_then(read) {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let asked = match &failure {
                Failure::Status { retry_after, .. } => retry_after.unwrap_or_default(),
                _ => Duration::ZERO,
            };
            if spent.retry || !failure.may_pass() || asked > MAX_RETRY_AFTER {
                return Err(AgentError::Provider { provider: provider.kind, failure });
            }
            spent.retry = true;
            // A model that does not know the form of the answer still knows the prompt.
            spent.plain |= failure.may_be_the_format();
            sleep(limits.pause.max(asked)).await;
        }
    }

    /// The answers of the tools, one after the other: they share the outer call's budget.
    async fn answers(&self, calls: &[Call]) -> Vec<(String, String)> {
        let mut results = Vec::with_capacity(calls.len());
        for (number, call) in calls.iter().enumerate() {
            let text = if number < MAX_CALLS {
                toolbox::answer(self.toolbox, self.datasets, call).await
            } else {
                r#"{"error":"too many calls at once"}"#.to_owned()
            };
            results.push((call.id.clone(), text));
        }
        results
    }

    /// Whether an answer is a valid search that keeps what it has to keep.
    fn judge(&self, reply: &Reply) -> Result<Draft, Box<Wrong>> {
        let provider = self.agent.provider.kind;
        let wrong = |feedback: String, error: AgentError, form: bool| {
            Err(Box::new(Wrong { feedback, error, form }))
        };
        let answer = if reply.cut { None } else { outcome::read(&reply.text, self.datasets) };
        let draft = match answer {
            Some(Answer::Search(draft)) => *draft,
            Some(Answer::Declined(reason)) => {
                return wrong(String::new(), AgentError::Declined { reason }, false);
            }
            None => {
                let feedback = prompt::WRONG_FORM.to_owned();
                return wrong(feedback, AgentError::WrongShape { provider }, true);
            }
        };
        let error = |report: &str| AgentError::InvalidQuery {
            provider,
            query: sentry_client::Untrusted::new(draft.query.as_str()),
            report: sentry_client::Untrusted::new(report),
        };
        if let Err(report) = check::query(&draft.query, draft.dataset) {
            return wrong(prompt::invalid(&report), error(&report), false);
        }
        let Some(given) = self.ask.given else { return Ok(draft) };
        match check::preserved(given, &draft.query, draft.dataset) {
            Ok(()) => Ok(draft),
            Err(Unpreserved::Lost(lost)) => {
                let names: Vec<String> = lost.iter().map(ToString::to_string).collect();
                let error = AgentError::LostFilters { provider, lost };
                wrong(prompt::lost(&names.join(", ")), error, false)
            }
            Err(Unpreserved::Given(report)) => {
                let feedback = format!(
                    "The given query is not valid in the dataset {}: choose another one.\n{report}",
                    draft.dataset
                );
                let error = AgentError::Given { report: check::one_line(&report) };
                wrong(feedback, error, false)
            }
        }
    }
}
