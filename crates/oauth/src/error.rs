//! The errors of OAuth 2.1 and their answers as JSON; whether something is an error is decided
//! by whoever makes one, and errors for people are pages of `flow`.

use std::{borrow::Cow, fmt, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// The name of an error, as it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A parameter is missing, repeated or malformed (RFC 6749 §4.1.2.1, §5.2).
    InvalidRequest,
    /// Client authentication failed (RFC 6749 §5.2).
    InvalidClient,
    /// The code or refresh token is unknown, expired, used, or another client's (RFC 6749 §5.2).
    InvalidGrant,
    /// The client may not use this grant type (RFC 6749 §5.2).
    UnauthorizedClient,
    /// Neither `authorization_code` nor `refresh_token` (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// Anything but `code` (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// The scope is malformed or more than was granted (RFC 6749 §4.1.2.1, §5.2).
    InvalidScope,
    /// The resource is malformed, repeated or not ours (RFC 8707 §2).
    InvalidTarget,
    /// The person, or Sentry, said no (RFC 6749 §4.1.2.1).
    AccessDenied,
    /// Our fault, or Sentry's, and a repetition will not help (RFC 6749 §4.1.2.1).
    ServerError,
    /// Too many requests, or Sentry does not answer: later (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
    /// A redirect URI that cannot be registered (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// Another field that cannot be registered (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// A request object, which is not supported (`OpenID` Connect Core §3.1.2.6).
    RequestNotSupported,
}

impl ErrorCode {
    /// The value of `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorCode::InvalidRequest => "invalid_request",
            ErrorCode::InvalidClient => "invalid_client",
            ErrorCode::InvalidGrant => "invalid_grant",
            ErrorCode::UnauthorizedClient => "unauthorized_client",
            ErrorCode::UnsupportedGrantType => "unsupported_grant_type",
            ErrorCode::UnsupportedResponseType => "unsupported_response_type",
            ErrorCode::InvalidScope => "invalid_scope",
            ErrorCode::InvalidTarget => "invalid_target",
            ErrorCode::AccessDenied => "access_denied",
            ErrorCode::ServerError => "server_error",
            ErrorCode::TemporarilyUnavailable => "temporarily_unavailable",
            ErrorCode::InvalidRedirectUri => "invalid_redirect_uri",
            ErrorCode::InvalidClientMetadata => "invalid_client_metadata",
            ErrorCode::RequestNotSupported => "request_not_supported",
        }
    }

    /// The status of a JSON answer: 400 for all but these few (RFC 6749 §5.2).
    pub const fn status(self) -> StatusCode {
        match self {
            ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
            ErrorCode::AccessDenied => StatusCode::FORBIDDEN,
            ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error that a client is told.
///
/// The description is for the developer of the client. It never repeats what was sent: a
/// parameter could be a secret in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    code: ErrorCode,
    status: StatusCode,
    description: Cow<'static, str>,
    basic_challenge: bool,
    retry_after: Option<Duration>,
}

impl OAuthError {
    /// An error with the status that its code has.
    ///
    /// Characters that RFC 6749 §5.2 forbids in a description become `'` or `?`, and it ends
    /// after 300 characters.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> OAuthError {
        OAuthError {
            code,
            status: code.status(),
            description: printable(description.into()),
            basic_challenge: false,
            retry_after: None,
        }
    }

    /// `invalid_request`
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> OAuthError {
        OAuthError::new(ErrorCode::InvalidRequest, description)
    }

    /// `invalid_client`
    pub fn invalid_client(description: impl Into<Cow<'static, str>>) -> OAuthError {
        OAuthError::new(ErrorCode::InvalidClient, description)
    }

    /// `invalid_grant`
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> OAuthError {
        OAuthError::new(ErrorCode::InvalidGrant, description)
    }

    /// `invalid_target`
    pub fn invalid_target(description: impl Into<Cow<'static, str>>) -> OAuthError {
        OAuthError::new(ErrorCode::InvalidTarget, description)
    }

    /// `server_error`; what went wrong is in the log, not in the answer.
    pub fn server_error() -> OAuthError {
        OAuthError::new(
            ErrorCode::ServerError,
            "this server failed; its operator finds the reason in the log",
        )
    }

    /// 429 with `Retry-After`, in whole seconds, at least one (RFC 6585 §4).
    pub fn too_many_requests(retry_after: Duration) -> OAuthError {
        OAuthError {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(retry_after),
            ..OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "too many requests; wait as long as Retry-After says",
            )
        }
    }

    /// 413: the body is larger than the endpoint takes.
    pub fn too_large() -> OAuthError {
        OAuthError {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..OAuthError::invalid_request("the body is too large")
        }
    }

    /// 408: the body did not arrive in time (RFC 9110 §15.5.9).
    pub fn too_slow() -> OAuthError {
        OAuthError {
            status: StatusCode::REQUEST_TIMEOUT,
            ..OAuthError::invalid_request("the body took too long to arrive")
        }
    }

    /// The client tried `Authorization: Basic`, so the answer names that scheme (RFC 6749 §5.2).
    #[must_use]
    pub fn with_basic_challenge(self) -> OAuthError {
        OAuthError { basic_challenge: true, ..self }
    }

    /// The name of the error.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What happened and what to do, for the client's developer.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The status of the answer as JSON.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

/// Only what `error_description` may hold: `%x20-21 / %x23-5B / %x5D-7E` (RFC 6749 §5.2).
fn printable(text: Cow<'static, str>) -> Cow<'static, str> {
    const LONGEST: usize = 300;
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if text.len() <= LONGEST && text.chars().all(allowed) {
        return text;
    }
    let replaced = text.chars().take(LONGEST).map(|c| match c {
        '"' | '“' | '”' | '‘' | '’' => '\'',
        c if allowed(c) => c,
        _ => '?',
    });
    Cow::Owned(replaced.collect())
}

impl IntoResponse for OAuthError {
    /// JSON as in RFC 6749 §5.2 and RFC 7591 §3.2.2, never to be stored.
    fn into_response(self) -> Response {
        let body = json!({ "error": self.code.as_str(), "error_description": self.description });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        no_store(headers);
        if self.basic_challenge && self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"oauth\", charset=\"UTF-8\""),
            );
        }
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// `Cache-Control: no-store` and `Pragma: no-cache` (RFC 6749 §5.1).
pub(crate) fn no_store(headers: &mut axum::http::HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_never_leaves_the_characters_of_the_standard() {
        let error = OAuthError::invalid_request("a \"b\" \\ \r\n \u{202e}é");
        assert_eq!(error.description(), "a 'b' ? ?? ??");
        let long = OAuthError::invalid_request("x".repeat(1_000));
        assert_eq!(long.description().len(), 300);
    }

    #[test]
    fn an_answer_is_never_stored_and_names_basic_only_when_basic_was_tried() {
        let plain = OAuthError::invalid_client("no").into_response();
        assert_eq!(plain.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(plain.headers()[header::PRAGMA], "no-cache");
        assert!(!plain.headers().contains_key(header::WWW_AUTHENTICATE));
        let basic = OAuthError::invalid_client("no").with_basic_challenge().into_response();
        assert!(basic.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic "));
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (wait, seconds) in [(0, "1"), (1_000, "1"), (1_001, "2"), (59_999, "60")] {
            let answer = OAuthError::too_many_requests(Duration::from_millis(wait)).into_response();
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(answer.headers()[header::RETRY_AFTER], seconds, "{wait} ms");
        }
    }
}
