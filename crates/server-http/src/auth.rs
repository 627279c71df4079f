//! What the authorization server says about a request, as an answer of HTTP. It decides nothing.

use std::time::Duration;

use axum::response::Response;
use oauth::{
    resource::Resource,
    store::StoreError,
    tokens::{Access, Denied},
    upstream::refresh::SentryTokenError,
};
use secrecy::SecretString;

use crate::{app::App, challenge::unavailable};

/// When to try again while the store does not answer.
const STORE_WAIT: Duration = Duration::from_secs(5);

/// Why a request gets no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// Nothing but a new login, or a refresh, will help. The text is for the person.
    Token(String),
    /// It may work later, with the same token.
    Later { wait: Duration, text: String },
}

impl Denial {
    /// The answer; `challenge` makes the one for [`Denial::Token`].
    pub(crate) fn answer(self, challenge: impl FnOnce(&str) -> Response) -> Response {
        match self {
            Denial::Token(text) => challenge(&text),
            Denial::Later { wait, text } => unavailable(wait, &text),
        }
    }

    fn of_store(err: &StoreError) -> Denial {
        let error = err as &dyn std::error::Error;
        tracing::error!(error, "the store failed");
        Denial::Later {
            wait: STORE_WAIT,
            text: "this server cannot reach its store; try again later".to_owned(),
        }
    }
}

/// Who sends a token, if it is valid for this resource now.
pub(crate) async fn authenticate(
    app: &App,
    token: &str,
    resource: &Resource,
) -> Result<std::sync::Arc<Access>, Denial> {
    app.oauth.authenticate(token, resource.path()).await.map_err(|denied| match denied {
        Denied::Store(err) => Denial::of_store(&err),
        denied => Denial::Token(denied.to_string()),
    })
}

/// Sentry's token of a login, fresh.
pub(crate) async fn sentry_token(app: &App, access: &Access) -> Result<SecretString, Denial> {
    app.oauth.sentry_token(&access.grant).await.map_err(denial)
}

/// Another token, because Sentry refused this one; or the end of the grant.
pub(crate) async fn after_refusal(
    app: &App,
    access: &Access,
    rejected: &SecretString,
) -> Result<SecretString, Denial> {
    tracing::warn!(grant = %access.grant, "Sentry refused the token of a grant");
    app.oauth.sentry_token_after_refusal(&access.grant, rejected).await.map_err(denial)
}

fn denial(err: SentryTokenError) -> Denial {
    match err {
        SentryTokenError::Ended { reason } => Denial::Token(reason),
        SentryTokenError::Unavailable { retry_after } => {
            Denial::Later { wait: retry_after, text: err.to_string() }
        }
        SentryTokenError::Store(err) => Denial::of_store(&err),
        err => {
            let error = &err as &dyn std::error::Error;
            tracing::error!(error, "the token of a grant cannot be used");
            Denial::Later {
                wait: STORE_WAIT,
                text: "this server cannot use what it stored; its operator finds the reason in \
                       the log"
                    .to_owned(),
            }
        }
    }
}
