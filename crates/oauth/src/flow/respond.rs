//! The answers of the flow: pages with their headers, and redirects. Which of them is given is
//! decided by the handlers.

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use url::form_urlencoded;

use crate::{
    error::{ErrorCode, OAuthError, no_store},
    secret::Secret,
};

/// A page that says what went wrong, because there is no address to which to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    code: ErrorCode,
    title: &'static str,
    what: String,
    step: &'static str,
    retry_after: Option<u64>,
}

/// What helps in nearly every case.
pub(super) const START_AGAIN: &str =
    "Close this page, go back to the program that sent you here, and start the login again.";

impl Problem {
    pub(super) fn new(code: ErrorCode, title: &'static str, what: impl Into<String>) -> Problem {
        Problem {
            status: match code {
                // The person is not asked for credentials here.
                ErrorCode::InvalidClient => StatusCode::BAD_REQUEST,
                code => code.status(),
            },
            code,
            title,
            what: what.into(),
            step: START_AGAIN,
            retry_after: None,
        }
    }

    #[must_use]
    pub(super) fn step(self, step: &'static str) -> Problem {
        Problem { step, ..self }
    }

    #[must_use]
    pub(super) fn status(self, status: StatusCode) -> Problem {
        Problem { status, ..self }
    }

    /// Our own failure; the reason is in the log.
    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
        tracing::error!(error = %chain(error), "the login failed");
        Problem::new(
            ErrorCode::ServerError,
            "Something failed on this server",
            "The server could not finish the step.",
        )
        .step("Try again in a minute. If it stays, tell the operator of this server the time.")
    }

    /// The address asks too often.
    pub(super) fn too_many(seconds: u64) -> Problem {
        Problem {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(seconds),
            ..Problem::new(
                ErrorCode::TemporarilyUnavailable,
                "Too many requests",
                "There were too many logins from your network in a short time.",
            )
            .step("Wait a minute, then start the login again.")
        }
    }
}

/// An error and what caused it, without line breaks.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text.replace(['\n', '\r'], " ")
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    nonce: &'a str,
    title: &'a str,
    what: &'a str,
    step: &'a str,
    code: &'a str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Ok(nonce) = Secret::random() else {
            return OAuthError::server_error().into_response();
        };
        let page = ProblemPage {
            nonce: nonce.expose(),
            title: self.title,
            what: &self.what,
            step: self.step,
            code: self.code.as_str(),
        };
        let mut response = html(&page, self.status, nonce.expose(), "'none'", NO_REFERRER);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Nobody is told where the person comes from.
pub(super) const NO_REFERRER: &str = "no-referrer";

/// A page with all headers that keep it what it is.
///
/// `form_action` is the CSP directive's value: where a form of the page may lead.
pub(super) fn html(
    page: &impl Template,
    status: StatusCode,
    nonce: &str,
    form_action: &str,
    referrer_policy: &'static str,
) -> Response {
    let body = match page.render() {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            return OAuthError::server_error().into_response();
        }
    };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action {form_action}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let Ok(policy) = HeaderValue::from_str(&policy) else {
        tracing::error!("a content security policy cannot be written");
        return OAuthError::server_error().into_response();
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    no_store(headers);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, referrer_policy),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Sends the browser elsewhere: 303 after a POST, so that the form is never sent along
/// (RFC 9700 §4.12), 302 after a GET.
pub(super) fn redirect(status: StatusCode, location: &str) -> Response {
    let Ok(mut location) = HeaderValue::from_str(location) else {
        return Problem::new(
            ErrorCode::InvalidRequest,
            "This address cannot be used",
            "The address to which the answer should go cannot be written in a header.",
        )
        .into_response();
    };
    // It may hold a code.
    location.set_sensitive(true);
    let mut response = status.into_response();
    let headers = response.headers_mut();
    no_store(headers);
    headers.insert(header::LOCATION, location);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(NO_REFERRER));
    response
}

/// A validated redirect URI of a client, with what its answers have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReturnTo {
    /// The redirect URI, checked against the client's.
    pub(super) redirect_uri: String,
    /// The client's `state`, returned as it came (RFC 6749 §4.1.2).
    pub(super) state: Option<String>,
}

impl ReturnTo {
    /// The answer with a code (RFC 6749 §4.1.2, RFC 9207 §2).
    pub(super) fn with_code(&self, status: StatusCode, issuer: &str, code: &str) -> Response {
        redirect(status, &self.location(issuer, &[("code", code)]))
    }

    /// The answer with an error (RFC 6749 §4.1.2.1, RFC 9207 §2).
    pub(super) fn with_error(
        &self,
        status: StatusCode,
        issuer: &str,
        error: &OAuthError,
    ) -> Response {
        let params = [("error", error.code().as_str()), ("error_description", error.description())];
        redirect(status, &self.location(issuer, &params))
    }

    /// The query is added to what the client registered, whose own query stays
    /// (RFC 6749 §3.1.2).
    fn location(&self, issuer: &str, params: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer);
        let separator = match self.redirect_uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{separator}{}", self.redirect_uri, query.finish())
    }
}

/// Adds cookies; one that could not be written is left out.
pub(super) fn with_cookies(
    mut response: Response,
    cookies: impl IntoIterator<Item = Option<HeaderValue>>,
) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    for cookie in cookies.into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(redirect_uri: &str, state: Option<&str>) -> ReturnTo {
        ReturnTo { redirect_uri: redirect_uri.to_owned(), state: state.map(str::to_owned) }
    }

    #[test]
    fn an_answer_keeps_the_registered_query_and_escapes_its_own() {
        for (uri, location) in [
            (
                "https://a.test/cb",
                "https://a.test/cb?code=c%26x&state=s+%23&iss=https%3A%2F%2Fi.test",
            ),
            (
                "https://a.test/cb?a=1",
                "https://a.test/cb?a=1&code=c%26x&state=s+%23&iss=https%3A%2F%2Fi.test",
            ),
            (
                "https://a.test/cb?",
                "https://a.test/cb?code=c%26x&state=s+%23&iss=https%3A%2F%2Fi.test",
            ),
            ("cursor://x/cb", "cursor://x/cb?code=c%26x&state=s+%23&iss=https%3A%2F%2Fi.test"),
        ] {
            let response =
                to(uri, Some("s #")).with_code(StatusCode::FOUND, "https://i.test", "c&x");
            assert_eq!(response.status(), StatusCode::FOUND);
            assert_eq!(response.headers()[header::LOCATION], location);
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
        }
    }

    #[test]
    fn an_error_has_its_issuer_and_only_the_state_that_was_sent() {
        let error = OAuthError::new(ErrorCode::AccessDenied, "no & no");
        let response = to("https://a.test/cb", None).with_error(
            StatusCode::SEE_OTHER,
            "https://i.test",
            &error,
        );
        assert_eq!(
            response.headers()[header::LOCATION],
            "https://a.test/cb?error=access_denied&error_description=no+%26+no&iss=https%3A%2F%2Fi.test"
        );
    }

    #[test]
    fn a_line_break_in_a_location_is_a_page_and_no_header() {
        let response = redirect(StatusCode::FOUND, "https://a.test/\r\nset-cookie: x");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(!response.headers().contains_key(header::SET_COOKIE));
    }

    #[tokio::test]
    async fn a_problem_is_a_page_that_can_do_nothing() {
        let problem = Problem::new(ErrorCode::InvalidClient, "Title", "<script>alert(1)</script>");
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let policy =
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'none'"));
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(!body.contains("<script>") && body.contains("invalid_client"), "{body}");
    }
}
