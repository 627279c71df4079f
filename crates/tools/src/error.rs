//! Why a tool call failed, sorted by who can do something about it.
//!
//! The text for each way in which Sentry can fail is in the module `explain`.

use std::fmt;

use crate::gate::Refusal;

/// The result of a tool call, or of a step of one.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed tool call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model can repair this by calling again with other arguments.
    #[error("{0}")]
    Input(String),
    /// The user can repair this, or the model can choose another tool.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Sentry refused or could not be reached.
    #[error(transparent)]
    Sentry(#[from] sentry_client::Error),
    /// The same, with what it means for this call and what to do about it.
    #[error("{text}")]
    Explained {
        /// What the model is told.
        text: String,
        /// What Sentry said.
        #[source]
        cause: sentry_client::Error,
    },
}

impl Error {
    /// A mistake in the arguments as a whole; says how to repair it.
    pub fn input(text: impl Into<String>) -> Error {
        Error::Input(text.into())
    }

    /// A mistake in one argument.
    pub fn argument(name: &str, problem: impl fmt::Display) -> Error {
        Error::Input(format!("invalid arguments: `{name}`: {problem}"))
    }

    /// A failure of Sentry with better words than the general ones.
    pub fn explained(text: impl Into<String>, cause: sentry_client::Error) -> Error {
        Error::Explained { text: text.into(), cause }
    }

    /// What Sentry said, if Sentry is the reason.
    pub fn sentry(&self) -> Option<&sentry_client::Error> {
        match self {
            Error::Sentry(cause) | Error::Explained { cause, .. } => Some(cause),
            Error::Input(_) | Error::Refused(_) => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(Box::new(refusal))
    }
}
