//! Refusals of the resource server: 401 and 403 with one `WWW-Authenticate` (RFC 6750 §3,
//! RFC 9728 §5.1), and the other errors of HTTP, all of them short and without a secret.

use std::{fmt::Write as _, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

/// Why a request is refused, as RFC 6750 §3.1 and its registry name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Code::InvalidRequest => "invalid_request",
            Code::InvalidToken => "invalid_token",
            Code::InsufficientScope => "insufficient_scope",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Code::InvalidRequest => StatusCode::BAD_REQUEST,
            Code::InvalidToken => StatusCode::UNAUTHORIZED,
            Code::InsufficientScope => StatusCode::FORBIDDEN,
        }
    }
}

/// What a challenge says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Challenge<'a> {
    /// Where the metadata of the protected resource is.
    pub(crate) metadata: &'a str,
    /// The scopes to ask for, separated by blanks.
    pub(crate) scope: &'a str,
    /// `None` where no token was given: then nothing is said about errors (RFC 6750 §3.1).
    pub(crate) error: Option<(Code, &'a str)>,
}

impl Challenge<'_> {
    pub(crate) fn into_response(self) -> Response {
        let mut value = String::from("Bearer ");
        let status = match self.error {
            None => StatusCode::UNAUTHORIZED,
            Some((code, description)) => {
                let _ = write!(value, "error=\"{}\", ", code.as_str());
                let _ = write!(value, "error_description=\"{}\", ", quotable(description));
                code.status()
            }
        };
        let _ = write!(value, "scope=\"{}\", ", quotable(self.scope));
        let _ = write!(value, "resource_metadata=\"{}\"", quotable(self.metadata));
        let body = match self.error {
            None => json!({
                "error": "unauthorized",
                "error_description": "a token of this server is needed; log in as \
                                      WWW-Authenticate says",
            }),
            Some((code, text)) => json!({ "error": code.as_str(), "error_description": text }),
        };
        let mut response = (status, Json(body)).into_response();
        // `quotable` leaves nothing that a header could not hold.
        let value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"));
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        no_store(response)
    }
}

/// What may stand in a quoted string: RFC 6750 §3 allows `%x20-21 / %x23-5B / %x5D-7E`.
fn quotable(text: &str) -> String {
    let clean = |c: char| match c {
        '"' | '`' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    };
    text.chars().take(400).map(clean).collect()
}

/// An error of HTTP, with a text for whoever wrote the client.
pub(crate) fn refuse(status: StatusCode, text: &str) -> Response {
    no_store((status, Json(json!({ "error": text }))).into_response())
}

/// 429: too many requests; later (RFC 6585 §4).
pub(crate) fn too_many(wait: Duration, text: &str) -> Response {
    later(StatusCode::TOO_MANY_REQUESTS, wait, text)
}

/// 503: nothing is wrong with the request; later (RFC 9110 §15.6.4).
pub(crate) fn unavailable(wait: Duration, text: &str) -> Response {
    later(StatusCode::SERVICE_UNAVAILABLE, wait, text)
}

fn later(status: StatusCode, wait: Duration, text: &str) -> Response {
    let mut response = refuse(status, text);
    // In whole seconds, never too early.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

/// An answer that nobody may keep.
pub(crate) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(challenge: Challenge<'_>) -> (u16, String) {
        let response = challenge.into_response();
        let mut values = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
        let value = values.next().unwrap().to_str().unwrap().to_owned();
        assert!(values.next().is_none(), "exactly one challenge");
        (response.status().as_u16(), value)
    }

    #[test]
    fn without_a_token_the_challenge_names_no_error() {
        let challenge = Challenge { metadata: "https://a.test/m", scope: "org:read", error: None };
        assert_eq!(
            header_of(challenge),
            (401, r#"Bearer scope="org:read", resource_metadata="https://a.test/m""#.to_owned()),
        );
    }

    #[test]
    fn with_an_error_the_status_follows_from_it() {
        for (code, status) in
            [(Code::InvalidRequest, 400), (Code::InvalidToken, 401), (Code::InsufficientScope, 403)]
        {
            let error = Some((code, "words"));
            let (got, value) = header_of(Challenge { metadata: "m", scope: "a b", error });
            assert_eq!(got, status);
            let expected = format!(
                "Bearer error=\"{}\", error_description=\"words\", scope=\"a b\", \
                 resource_metadata=\"m\"",
                code.as_str(),
            );
            assert_eq!(value, expected);
        }
    }

    #[test]
    fn no_text_leaves_its_quotes_or_its_line() {
        let hostile = "a\"b\\c\r\nX-Evil: 1 ü \u{202e}";
        let error = Some((Code::InvalidToken, hostile));
        let (_, value) = header_of(Challenge { metadata: hostile, scope: hostile, error });
        assert_eq!(value.matches('"').count(), 8, "{value}");
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_early() {
        for (wait, told) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (59_999, "60")] {
            let response = too_many(Duration::from_millis(wait), "later");
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(response.headers()[header::RETRY_AFTER], told);
        }
    }
}
