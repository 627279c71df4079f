//! Why no search came out. Nothing a provider wrote is in these messages, except what a model
//! said of itself, which is marked as a stranger's text.

use std::time::Duration;

use sentry_client::Untrusted;

use crate::{preserve::LostFilter, provider::ProviderKind};

/// A sentence that did not become a search. `Display` is one line, for saying why the syntax
/// guide is shown instead.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The sentence is empty or too long.
    #[error("the sentence has {bytes} bytes; it must have 1 to {}", crate::MAX_SENTENCE)]
    Sentence {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The structured query beside the sentence does not parse.
    #[error("the query beside the sentence is not valid: {report}")]
    Given {
        /// What is wrong with it, in the words of the parser, on one line.
        report: String,
    },
    /// The model says that this is no search of this kind.
    #[error("the model did not write a search")]
    Declined {
        /// Its reason, in its own words.
        reason: Untrusted,
    },
    /// The provider could not be asked, or did not answer.
    #[error("{provider}: {failure}")]
    Provider {
        /// Who was asked.
        provider: ProviderKind,
        /// What happened.
        failure: Failure,
    },
    /// The provider's safety rules keep the model from answering.
    #[error("{provider} refused to answer; ask in other words, or write the query yourself")]
    Refused {
        /// Who was asked.
        provider: ProviderKind,
    },
    /// The time for all requests together is over.
    #[error("{provider} did not finish within {} s; try again, or write the query yourself", .limit.as_secs_f32())]
    TooSlow {
        /// Who was asked.
        provider: ProviderKind,
        /// The time that there was.
        limit: Duration,
    },
    /// The model called tools and never answered.
    #[error(
        "{provider} came to no answer in {limit} steps; ask for less, or write the query yourself"
    )]
    TooManySteps {
        /// Who was asked.
        provider: ProviderKind,
        /// The steps that there were.
        limit: usize,
    },
    /// The model's answers had another form than it was told, twice.
    #[error(
        "{provider} answered in another form than was asked for; try again, or set another model"
    )]
    WrongShape {
        /// Who was asked.
        provider: ProviderKind,
    },
    /// The search that came out is not valid, and the steps for correcting it are used up.
    #[error("{provider} wrote a query that is not valid; write the query yourself")]
    InvalidQuery {
        /// Who was asked.
        provider: ProviderKind,
        /// The query.
        query: Untrusted,
        /// What is wrong with it; it quotes the query.
        report: Untrusted,
    },
    /// Filters of the query beside the sentence are not in what came out.
    #[error(
        "the search that {provider} wrote has lost filters of the given query: {}",
        names(lost)
    )]
    LostFilters {
        /// Who was asked.
        provider: ProviderKind,
        /// The filters of the given query.
        lost: Vec<LostFilter>,
    },
}

/// Why a provider gave no answer. Its body is never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No HTTP client could be made.
    #[error("the HTTP client could not be set up: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("could not be reached ({reason}); check its base URL and the network")]
    Network {
        /// What broke, in fixed words.
        reason: &'static str,
    },
    /// A status that is not success.
    #[error("{}", status_line(*.status, .variable))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The variable of its key.
        variable: &'static str,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// More bytes than any answer has.
    #[error(
        "the answer is larger than {limit} bytes; check that the base URL is that of a provider"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Not an answer of this provider's interface.
    #[error(
        "the answer is not one of its interface; check that the base URL is that of this provider"
    )]
    Unreadable,
}

impl Failure {
    /// Whether asking once more may help.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Failure::Network { .. } | Failure::Unreadable => true,
            Failure::Status { status, .. } => {
                // 529 is Anthropic's word for overloaded.
                matches!(status, 408 | 409 | 425 | 429 | 500..=599) || self.may_be_the_format()
            }
            Failure::Setup { .. } | Failure::TooLarge { .. } => false,
        }
    }

    /// Whether the model may only not know how to answer in a given form.
    pub(crate) fn may_be_the_format(&self) -> bool {
        matches!(self, Failure::Status { status: 400 | 422, .. })
    }
}

fn status_line(status: u16, variable: &str) -> String {
    let next = match status {
        300..=399 => "it redirects, and redirects are not followed; set its base URL",
        400 | 422 => "it does not accept the request; check the model and the base URL",
        401 | 403 => {
            return format!("status {status}: it does not accept the key; check {variable}");
        }
        402 => "its account is out of credit; add credit",
        404 => "it knows no such model or path; check the model and the base URL",
        429 => "too many requests or no quota; try again later",
        _ => "it is failing; try again later",
    };
    format!("status {status}: {next}")
}

fn names(lost: &[LostFilter]) -> String {
    lost.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_the_next_step() {
        let status =
            |status| Failure::Status { status, variable: "OPENAI_API_KEY", retry_after: None };
        let provider = ProviderKind::OpenAi;
        for (error, expected) in [
            (
                AgentError::Provider { provider, failure: status(401) },
                "openai: status 401: it does not accept the key; check OPENAI_API_KEY",
            ),
            (
                AgentError::Provider { provider, failure: status(302) },
                "openai: status 302: it redirects, and redirects are not followed; set its base URL",
            ),
            (
                AgentError::TooSlow { provider, limit: Duration::from_secs(30) },
                "openai did not finish within 30 s; try again, or write the query yourself",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let passes =
            |status| Failure::Status { status, variable: "", retry_after: None }.may_pass();
        for status in [408, 429, 500, 503, 529, 400, 422] {
            assert!(passes(status), "{status}");
        }
        for status in [301, 401, 402, 403, 404] {
            assert!(!passes(status), "{status}");
        }
    }
}
