//! Why a code or a refresh token is not accepted, and what the client is told about it.
//! The texts name no secret and repeat nothing that was sent.

use thiserror::Error;

use crate::{
    error::{ErrorCode, OAuthError},
    resource::InvalidTarget,
    seal::SealError,
    secret::NoRandomness,
    store::StoreError,
};

/// No token was issued.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The code is unknown or ended, or its client, redirect URI or verifier is another one. One
    /// text for all, so that whoever tries a stolen code learns nothing.
    #[error(
        "the code is unknown, has ended, or belongs to another client, redirect URI or verifier; \
         authorize again"
    )]
    Code,
    /// The code was used before (OAuth 2.1 section 4.1.3).
    #[error(
        "the code was used before, so everything that it gave access to was revoked; authorize \
         again"
    )]
    CodeReused,
    /// The verifier cannot be one (RFC 7636 section 4.1).
    #[error(
        "`code_verifier` must be 43 to 128 letters, digits and `-._~`; send the one of the code"
    )]
    Verifier,
    /// The refresh token is unknown or ended, or it is another client's.
    #[error(
        "the refresh token is unknown, has ended, or belongs to another client; authorize again"
    )]
    RefreshToken,
    /// A superseded refresh token came again (RFC 9700 section 4.14.2).
    #[error(
        "the refresh token was used before, so everything that belongs to it was revoked; \
         authorize again"
    )]
    RefreshTokenReused,
    /// A superseded refresh token came again a moment later, with another request.
    #[error(
        "the refresh token was replaced a moment ago by another request; use the one that was \
         given out then"
    )]
    Replaced,
    /// The grant ended.
    #[error("access was revoked: {reason}; authorize again")]
    Revoked {
        /// Why, in words for the person.
        reason: String,
    },
    /// `scope` is malformed or more than was granted (RFC 6749 section 6).
    #[error("`scope` names what was not granted; leave it out, or authorize again to ask for more")]
    Scope,
    /// `resource` is malformed or more than was approved (RFC 8707 section 2.2).
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored value does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No secret could be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl TokenError {
    /// The error code of RFC 6749 section 5.2 or RFC 8707 section 2.
    pub fn code(&self) -> ErrorCode {
        match self {
            TokenError::Code
            | TokenError::CodeReused
            | TokenError::RefreshToken
            | TokenError::RefreshTokenReused
            | TokenError::Replaced
            | TokenError::Revoked { .. } => ErrorCode::InvalidGrant,
            TokenError::Verifier => ErrorCode::InvalidRequest,
            TokenError::Scope => ErrorCode::InvalidScope,
            TokenError::Target(_) => ErrorCode::InvalidTarget,
            TokenError::Store(StoreError::Database(_)) => ErrorCode::TemporarilyUnavailable,
            TokenError::Store(_) | TokenError::Seal(_) | TokenError::NoRandomness(_) => {
                ErrorCode::ServerError
            }
        }
    }
}

impl From<TokenError> for OAuthError {
    /// What is our fault is logged, and the client is told only that.
    fn from(error: TokenError) -> OAuthError {
        match error.code() {
            ErrorCode::ServerError => {
                tracing::error!(error = &error as &dyn std::error::Error, "no token was issued");
                OAuthError::server_error()
            }
            ErrorCode::TemporarilyUnavailable => {
                tracing::error!(error = &error as &dyn std::error::Error, "no token was issued");
                OAuthError::new(
                    ErrorCode::TemporarilyUnavailable,
                    "this server cannot reach its store; try again later",
                )
            }
            code => OAuthError::new(code, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_our_fault_is_not_explained_to_a_client() {
        let failed = TokenError::Store(StoreError::Database(sqlx::Error::PoolClosed));
        assert_eq!(failed.code(), ErrorCode::TemporarilyUnavailable);
        let told = OAuthError::from(failed).to_string();
        assert!(!told.contains("pool"), "{told}");
        let told = OAuthError::from(TokenError::Seal(SealError::Broken)).to_string();
        assert!(told.starts_with("server_error"), "{told}");
    }
}
