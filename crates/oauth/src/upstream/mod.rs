//! Sentry's own OAuth: where a person is sent, and how codes and refresh tokens become tokens.
//!
//! It knows nothing of our clients, keeps nothing, and ends no session: it only says whether
//! an answer of Sentry was definite.

mod answer;
pub(crate) mod held;
pub mod refresh;

use std::time::Duration;

use reqwest::{StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use sentry_client::http::{self, HttpError};
use url::Url;

use crate::config::UpstreamConfig;

pub use answer::{SentryTokens, SentryUser};

/// The longest answer of the token endpoint that is read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long the token endpoint may take, all in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait when Sentry says nothing about it.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// Why Sentry gave no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// No answer, a limit, or an outage: the same request may succeed later.
    #[error("Sentry does not answer at the moment; try again later")]
    Unavailable {
        /// How long Sentry asks to wait, or a guess.
        retry_after: Duration,
    },
    /// `invalid_grant`: this code or refresh token will never be accepted again. The only
    /// answer that ends a session (RFC 6749 §5.2).
    #[error("Sentry does not accept the authorization any more; log in again")]
    Refused,
    /// Sentry does not accept this server's application; its operator must act.
    #[error(
        "Sentry does not accept this server's application ({code}); its operator must check SENTRY_CLIENT_ID and SENTRY_CLIENT_SECRET"
    )]
    Misconfigured {
        /// Sentry's error code, if it is one that OAuth knows.
        code: &'static str,
    },
    /// The answer was none of OAuth's.
    #[error("Sentry's answer could not be understood ({0})")]
    Unreadable(&'static str),
}

impl UpstreamError {
    /// Whether the same request may succeed later.
    pub fn is_definite(&self) -> bool {
        matches!(self, UpstreamError::Refused)
    }
}

/// Sentry's authorization server, seen from here.
pub struct Upstream {
    config: UpstreamConfig,
    callback: String,
    client: reqwest::Client,
}

impl Upstream {
    /// Sets up the HTTP client, which takes some milliseconds. `callback` is the redirect URI
    /// of this server's application at Sentry.
    pub fn new(
        config: UpstreamConfig,
        callback: String,
        settings: &sentry_client::Settings,
    ) -> Result<Upstream, HttpError> {
        let client = if http::is_loopback(&config.token_url) {
            http::build_direct_client(settings)?
        } else {
            http::build_client(settings)?
        };
        Ok(Upstream { config, callback, client })
    }

    /// Where to send the person (RFC 6749 §4.1.1), with PKCE (RFC 7636 §4.3), which a server
    /// that does not know it ignores.
    pub fn authorize_url(&self, scope: &str, state: &str, code_challenge: &str) -> Url {
        let mut url = self.config.authorize_url.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.callback)
            .append_pair("scope", scope)
            .append_pair("state", state)
            .append_pair("code_challenge", code_challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Turns Sentry's code into tokens (RFC 6749 §4.1.3). `now` is in unix milliseconds.
    pub async fn exchange(
        &self,
        code: &str,
        verifier: &SecretString,
        now: i64,
    ) -> Result<SentryTokens, UpstreamError> {
        self.ask(
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.callback),
                ("code_verifier", verifier.expose_secret()),
            ],
            now,
        )
        .await
    }

    /// Turns a refresh token into tokens (RFC 6749 §6). `now` is in unix milliseconds.
    pub async fn refresh(
        &self,
        refresh_token: &SecretString,
        now: i64,
    ) -> Result<SentryTokens, UpstreamError> {
        self.ask(
            &[("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())],
            now,
        )
        .await
    }

    /// The body of a request. Id and secret are in the form and not in a header: the way Sentry
    /// documents it (RFC 6749 §2.3.1).
    fn form(&self, form: &[(&str, &str)]) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.config.client_id)
            .append_pair("client_secret", self.config.client_secret.expose_secret())
            .extend_pairs(form)
            .finish()
    }

    /// One request, never repeated: a code and a rotated refresh token work once.
    async fn ask(&self, form: &[(&str, &str)], now: i64) -> Result<SentryTokens, UpstreamError> {
        let request = self
            .client
            .post(self.config.token_url.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .timeout(PATIENCE)
            .body(self.form(form));
        let unreachable = |error: reqwest::Error| {
            tracing::warn!(
                timeout = error.is_timeout(),
                connect = error.is_connect(),
                "Sentry's token endpoint cannot be reached"
            );
            UpstreamError::Unavailable { retry_after: DEFAULT_WAIT }
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = wait(&response);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > LONGEST_ANSWER {
                return Err(UpstreamError::Unreadable("it is too long"));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return answer::tokens(&bytes, now);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            tracing::warn!(status = status.as_u16(), "Sentry's token endpoint is unavailable");
            return Err(UpstreamError::Unavailable { retry_after });
        }
        let error = answer::refusal(&bytes);
        tracing::warn!(status = status.as_u16(), %error, "Sentry gave no token");
        Err(error)
    }
}

/// `Retry-After` in seconds, at most five minutes (RFC 9110 §10.2.3).
fn wait(response: &reqwest::Response) -> Duration {
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
    seconds
        .and_then(|text| text.trim().parse().ok())
        .map_or(DEFAULT_WAIT, |seconds: u64| Duration::from_secs(seconds.clamp(1, 300)))
}

#[cfg(test)]
mod tests {
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_string_contains, method, path},
    };

    use super::*;
    use crate::testing;

    async fn asking(answer: ResponseTemplate) -> Result<SentryTokens, UpstreamError> {
        let sentry = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/oauth/token/"))
            .respond_with(answer)
            .expect(1)
            .mount(&sentry)
            .await;
        testing::upstream(&sentry.uri()).refresh(&"old".into(), 1_000).await
    }

    #[test]
    fn the_authorize_url_has_exactly_what_sentry_needs() {
        let url = testing::upstream("http://127.0.0.1:9").authorize_url("org:read", "s", "c");
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let expected = [
            ("response_type", "code"),
            ("client_id", "upstream-client"),
            ("redirect_uri", "https://mcp.example.test/oauth/callback"),
            ("scope", "org:read"),
            ("state", "s"),
            ("code_challenge", "c"),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected);
    }

    #[tokio::test]
    async fn a_code_is_exchanged_with_secret_verifier_and_redirect() {
        let sentry = MockServer::start().await;
        Mock::given(method("POST"))
            .and(body_string_contains("client_secret=upstream-secret"))
            .and(body_string_contains("code_verifier=v"))
            .and(body_string_contains("code=c"))
            .and(body_string_contains("grant_type=authorization_code"))
            .and(body_string_contains("redirect_uri=https%3A%2F%2Fmcp.example.test%2Foauth"))
            .respond_with(testing::sentry_tokens("access", "refresh"))
            .expect(1)
            .mount(&sentry)
            .await;
        let upstream = testing::upstream(&sentry.uri());
        let tokens = upstream.exchange("c", &"v".into(), 1_000).await.unwrap();
        assert_eq!(tokens.access.expose_secret(), "access");
        assert_eq!(tokens.expires_at, Some(1_000 + 3_600_000));
    }

    #[tokio::test]
    async fn only_invalid_grant_is_definite() {
        let json = |status, code: &str| {
            ResponseTemplate::new(status).set_body_json(serde_json::json!({ "error": code }))
        };
        assert_eq!(asking(json(400, "invalid_grant")).await, Err(UpstreamError::Refused));
        assert_eq!(asking(json(401, "invalid_grant")).await, Err(UpstreamError::Refused));
        for open in [
            json(401, "invalid_client"),
            json(400, "unauthorized_client"),
            json(400, "something_else"),
            json(429, "invalid_grant"),
            json(500, "invalid_grant"),
            json(503, "invalid_grant"),
            ResponseTemplate::new(403).set_body_string("<html>blocked by a proxy</html>"),
            ResponseTemplate::new(302).insert_header("location", "/elsewhere"),
            ResponseTemplate::new(200).set_body_string("not json"),
            ResponseTemplate::new(200).set_body_string("x".repeat(LONGEST_ANSWER + 1)),
        ] {
            assert!(!asking(open).await.unwrap_err().is_definite());
        }
    }

    #[tokio::test]
    async fn the_wait_of_sentry_is_passed_on_within_bounds() {
        for (said, seconds) in [("7", 7), ("0", 1), ("99999", 300), ("soon", 5)] {
            let answer = ResponseTemplate::new(429).insert_header("retry-after", said);
            let retry_after = Duration::from_secs(seconds);
            assert_eq!(asking(answer).await, Err(UpstreamError::Unavailable { retry_after }));
        }
    }

    #[tokio::test]
    async fn an_unreachable_sentry_is_an_outage_and_no_refusal() {
        let error = testing::upstream("http://127.0.0.1:1").refresh(&"r".into(), 0).await;
        assert!(matches!(error, Err(UpstreamError::Unavailable { .. })));
    }
}
