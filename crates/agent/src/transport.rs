//! One request to a provider: its headers, the limit of its answer, and what a failure was.
//! It repeats nothing, follows no redirect, logs nothing, and reads no body of a failure.

use std::time::Duration;

use reqwest::{
    Response,
    header::{
        ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    },
};
use secrecy::ExposeSecret;
use sentry_client::{Settings, http};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{
    error::Failure,
    provider::{Provider, ProviderKind},
};

/// The largest answer in bytes, after decompression. One has at most 8,192 tokens.
pub(crate) const MAX_BODY: usize = 512 * 1024;

/// The HTTP client of one provider, made at the first request.
pub(crate) struct Transport {
    settings: Settings,
    client: OnceCell<reqwest::Client>,
}

impl Transport {
    /// Of the settings, only what belongs to connections counts: the CA file and the time for
    /// connecting.
    pub(crate) fn new(settings: Settings) -> Transport {
        Transport { settings, client: OnceCell::new() }
    }

    /// Posts a body and reads the answer as JSON.
    pub(crate) async fn post(&self, provider: &Provider, body: &Value) -> Result<Value, Failure> {
        let client = self.client(provider).await?;
        let body = serde_json::to_vec(body).map_err(|_| Failure::Unreadable)?;
        let request = client.post(provider.endpoint.clone()).headers(headers(provider)?).body(body);
        let response = request.send().await.map_err(|error| broken(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure::Status {
                status: status.as_u16(),
                variable: provider.kind.key_variable(),
                retry_after: retry_after(response.headers()),
            });
        }
        let bytes = read(response).await?;
        serde_json::from_slice(&bytes).map_err(|_| Failure::Unreadable)
    }

    async fn client(&self, provider: &Provider) -> Result<&reqwest::Client, Failure> {
        let make = || async {
            if http::is_loopback(&provider.endpoint) {
                http::build_direct_client(&self.settings)
            } else {
                http::build_client(&self.settings)
            }
        };
        let client = self.client.get_or_try_init(make).await;
        client.map_err(|error| Failure::Setup { reason: error.to_string() })
    }
}

/// Reads a body up to the limit. A length that is announced is not believed.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if bytes.len() + chunk.len() > MAX_BODY {
            return Err(Failure::TooLarge { limit: MAX_BODY });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The provider's headers: OpenAI and OpenRouter take a bearer token, Azure `api-key`,
/// Anthropic `x-api-key` and the version of its interface.
fn headers(provider: &Provider) -> Result<HeaderMap, Failure> {
    let key = provider.key.expose_secret();
    let (name, value) = match provider.kind {
        ProviderKind::OpenAi | ProviderKind::OpenRouter => (AUTHORIZATION, format!("Bearer {key}")),
        ProviderKind::AzureOpenAi => (HeaderName::from_static("api-key"), key.to_owned()),
        ProviderKind::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
    };
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| Failure::Setup { reason: "the key does not fit into a header".to_owned() })?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(name, value);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if provider.kind == ProviderKind::Anthropic {
        headers.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static("2023-06-01"),
        );
    }
    Ok(headers)
}

/// `Retry-After` in seconds. A date is not read: the time for a whole run is half a minute.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// What broke, in fixed words: the library's text may hold the address.
fn broken(error: &reqwest::Error) -> Failure {
    let reason = if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "no answer in time"
    } else if error.is_decode() || error.is_body() {
        "the answer broke off"
    } else {
        "the connection broke"
    };
    Failure::Network { reason }
}
