//! Requests to hosts that are not Sentry, by their whole URL and without the Sentry token.
//! Limits, retries and the rule about redirects are those of every request (`send`); the fence
//! does not apply, because nothing of Sentry is behind such a host.

use bytes::Bytes;
use reqwest::{
    Method,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{
    Client, Error, ErrorKind, Result, decode,
    send::{Answer, Outgoing},
};

/// A request that is being built. It must not change anything: it may be sent again.
#[must_use = "a request does nothing until it is sent"]
pub(crate) struct External<'a> {
    client: &'a Client,
    method: Method,
    url: Url,
    body: Option<Result<Bytes, ErrorKind>>,
}

impl Client {
    /// Starts a request to a host that is not Sentry. The caller has checked the URL.
    pub(crate) fn external(&self, method: Method, url: Url) -> External<'_> {
        External { client: self, method, url, body: None }
    }
}

impl External<'_> {
    /// Sends this as JSON.
    pub(crate) fn body(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        let json = serde_json::to_vec(body);
        self.body = Some(
            json.map(Bytes::from).map_err(|error| ErrorKind::Build { reason: error.to_string() }),
        );
        self
    }

    /// Sends the request and reads the answer as one JSON value.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T> {
        self.finish("application/json", |answer| decode::json(answer.status, &answer.body)).await
    }

    /// Sends the request and returns the answer as text; bytes that are not UTF-8 are replaced.
    pub(crate) async fn text(self, accept: &'static str) -> Result<String> {
        self.finish(accept, |answer| Ok(String::from_utf8_lossy(&answer.body).into_owned())).await
    }

    async fn finish<T>(
        self,
        accept: &'static str,
        read: impl FnOnce(&Answer) -> Result<T, ErrorKind>,
    ) -> Result<T> {
        let host = crate::docs::host(&self.url).to_owned();
        let request = format!("{} {}", self.method, self.url.path());
        let fail = |kind| Error::new(request.as_str(), host.as_str(), kind);
        let body = self.body.transpose().map_err(fail)?;
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let outgoing = Outgoing {
            client: self.client,
            method: &self.method,
            host: host.as_str().into(),
            url: self.url,
            body,
            external: Some(headers),
            file: None,
        };
        outgoing.send().await.and_then(|answer| read(&answer)).map_err(fail)
    }
}
