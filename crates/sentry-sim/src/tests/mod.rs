//! The simulation, asked over HTTP as a client would. Units are tested in their own files.

mod data;
mod explore;
mod faults;
mod intelligence;
mod oauth;
mod scopes;
mod traces;
mod writes;

use std::{sync::LazyLock, time::Duration};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;

use crate::{Simulation, tokens};

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the body is JSON")
    }

    fn detail(&self) -> String {
        self.json()["detail"].as_str().expect("the body has a detail").to_owned()
    }
}

/// One for all tests, because making one loads the system's certificates. It keeps no connection
/// open: each test has a runtime of its own.
fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(plain_client);
    &CLIENT
}

fn plain_client() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "the simulation's own tests need a plain client")]
    let builder = reqwest::Client::builder();
    builder
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client without TLS settings")
}

async fn send(
    url: String,
    method: Method,
    token: Option<&str>,
    body: Option<Value>,
) -> reqwest::Result<Answer> {
    let mut request = client().request(method, url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}

impl Simulation {
    /// `path` follows `/api/0/`.
    async fn ask(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let url = format!("{}/api/0/{path}", self.url());
        send(url, method, Some(token), body).await.expect("an answer")
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, tokens::ADMIN, None).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, tokens::ADMIN, Some(body)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, tokens::ADMIN, Some(body)).await
    }
}

async fn simulation() -> Simulation {
    Simulation::start().await.expect("loopback ports are free")
}
