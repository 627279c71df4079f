//! A Sentry that answers from fixtures, for unit tests. It checks no scope and keeps no state:
//! for that there is the simulated Sentry.
#![expect(clippy::unwrap_used, reason = "a test helper that cannot do its work fails the test")]

pub mod provider;

use std::{borrow::Cow, path::Path};

use sentry_client::{Client, Settings, Site, TokenSource};
use serde_json::Value;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, query_param},
};

/// The token of [`FakeSentry::client`].
pub const TOKEN: &str = "test-token";

/// A Sentry on loopback. Requests that no test announced get a 404.
pub struct FakeSentry(MockServer);

/// A request that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as it was sent, percent-encoded: `/api/0/organizations/acme/`.
    pub path: String,
    /// The query parameters in their order, decoded.
    pub query: Vec<(String, String)>,
    /// The JSON body; null if there is none.
    pub body: Value,
}

impl Received {
    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter.
    pub fn params(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl FakeSentry {
    /// Starts on a free port of loopback; it ends with the value.
    pub async fn start() -> FakeSentry {
        FakeSentry(MockServer::start().await)
    }

    /// Answers `GET` of the path, whatever its query, with 200. A path without `/api/` at
    /// its beginning is one below `/api/0/`. Of two answers for one path the first counts.
    #[must_use]
    pub async fn get(self, at: &str, body: Value) -> FakeSentry {
        self.status("GET", at, 200, body).await
    }

    /// Answers `GET` of the path with 200 if the query has all these parameters. It goes
    /// before an answer without query.
    #[must_use]
    pub async fn get_query(self, at: &str, query: &[(&str, &str)], body: Value) -> FakeSentry {
        let mut mock = Mock::given(method("GET")).and(path(full(at)));
        for (name, value) in query {
            mock = mock.and(query_param(*name, *value));
        }
        mock.respond_with(answer(200, &body)).with_priority(3).mount(&self.0).await;
        self
    }

    /// Answers `GET` of the path with a page of a list that goes on at the cursor, if there is one.
    #[must_use]
    pub async fn get_page(self, at: &str, body: Value, next: Option<&str>) -> FakeSentry {
        let at = full(at);
        let link = format!(
            "<{uri}{at}?cursor=0:0:1>; rel=\"previous\"; results=\"false\"; cursor=\"0:0:1\", \
             <{uri}{at}?cursor={cursor}>; rel=\"next\"; results=\"{more}\"; cursor=\"{cursor}\"",
            uri = self.0.uri(),
            cursor = next.unwrap_or("0:100:0"),
            more = next.is_some(),
        );
        let answer = answer(200, &body).insert_header("Link", link);
        self.mount(Mock::given(method("GET")).and(path(at)).respond_with(answer)).await
    }

    /// Answers `POST` of the path with 201.
    #[must_use]
    pub async fn post(self, at: &str, body: Value) -> FakeSentry {
        self.status("POST", at, 201, body).await
    }

    /// Answers `PUT` of the path with 200.
    #[must_use]
    pub async fn put(self, at: &str, body: Value) -> FakeSentry {
        self.status("PUT", at, 200, body).await
    }

    /// Answers `DELETE` of the path with 200.
    #[must_use]
    pub async fn delete(self, at: &str, body: Value) -> FakeSentry {
        self.status("DELETE", at, 200, body).await
    }

    /// Answers the method and the path with this status; a null body is sent as no body.
    #[must_use]
    pub async fn status(self, verb: &str, at: &str, status: u16, body: Value) -> FakeSentry {
        let mock = Mock::given(method(verb)).and(path(full(at)));
        self.mount(mock.respond_with(answer(status, &body))).await
    }

    /// Answers as wiremock is told, for what the methods above cannot say.
    #[must_use]
    pub async fn mount(self, mock: Mock) -> FakeSentry {
        mock.mount(&self.0).await;
        self
    }

    /// What arrived, in its order.
    pub async fn requests(&self) -> Vec<Received> {
        self.0.received_requests().await.unwrap().iter().map(received).collect()
    }

    /// `http://127.0.0.1:<port>`
    pub fn uri(&self) -> String {
        self.0.uri()
    }

    /// `127.0.0.1:<port>`
    pub fn host(&self) -> String {
        self.0.address().to_string()
    }

    /// This Sentry as a site.
    pub fn site(&self) -> Site {
        Site::parse_host(&self.host(), true).unwrap()
    }

    /// A client of this Sentry with [`TOKEN`].
    pub fn client(&self) -> Client {
        self.client_with(|_| {})
    }

    /// A client of this Sentry with other settings; their `site` is this one before the change.
    pub fn client_with(&self, change: impl FnOnce(&mut Settings)) -> Client {
        let mut settings = Settings { site: self.site(), ..Settings::default() };
        change(&mut settings);
        Client::new(settings, TokenSource::fixed(TOKEN))
    }
}

fn full(at: &str) -> Cow<'_, str> {
    if at.starts_with("/api/") {
        Cow::Borrowed(at)
    } else {
        Cow::Owned(format!("/api/0/{}", at.trim_start_matches('/')))
    }
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    match body {
        Value::Null => ResponseTemplate::new(status),
        body => ResponseTemplate::new(status).set_body_json(body),
    }
}

fn received(request: &wiremock::Request) -> Received {
    Received {
        method: request.method.to_string(),
        path: request.url.path().to_owned(),
        query: request.url.query_pairs().into_owned().collect(),
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
    }
}

/// A fixture as JSON: `fixture!("issues/one.json")` reads `fixtures/issues/one.json` of this crate.
#[macro_export]
macro_rules! fixture {
    ($path:literal) => {
        $crate::read_fixture($path)
    };
}

/// Reads a fixture; [`fixture!`] is the way to call it.
pub fn read_fixture(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    let json = std::fs::read(&file).unwrap_or_else(|error| panic!("fixture {path}: {error}"));
    serde_json::from_slice(&json).unwrap_or_else(|error| panic!("fixture {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_announced_path_is_answered_and_recorded() {
        let sentry =
            FakeSentry::start().await.get("auth/", json!({"id": 7, "name": "tester"})).await;
        let user = sentry.client().authenticated_user().await.unwrap();
        assert_eq!(user.id.as_deref(), Some("7"));
        let expected = Received {
            method: "GET".into(),
            path: "/api/0/auth/".into(),
            query: vec![],
            body: Value::Null,
        };
        assert_eq!(sentry.requests().await, [expected]);
    }

    #[tokio::test]
    async fn an_answer_for_a_query_goes_first() {
        let sentry = FakeSentry::start()
            .await
            .get("/api/0/organizations/", fixture!("organizations/list.json"))
            .await
            .get_query("/api/0/organizations/", &[("query", "x")], json!([]))
            .await;
        let mut params = sentry_client::organizations::ListOrganizations::default();
        assert_eq!(
            sentry.client().list_organizations(&params).await.unwrap().organizations.len(),
            2
        );
        params.query = Some("x");
        assert_eq!(
            sentry.client().list_organizations(&params).await.unwrap().organizations.len(),
            0
        );
        assert_eq!(sentry.requests().await.last().unwrap().param("query"), Some("x"));
    }

    #[test]
    #[should_panic(expected = "fixture no/such.json")]
    fn a_missing_fixture_is_named() {
        fixture!("no/such.json");
    }
}
