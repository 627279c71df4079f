//! Tests of the whole server in one process: a browser with cookies, a client, a fake Sentry
//! on the wire, and a clock that is set. Nothing of it is in a build.

mod authorize;
mod callback;
mod decide;
mod endpoints;
mod whole;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, Response, StatusCode, header},
};
use tower::ServiceExt as _;
use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::{
    AuthorizationServer,
    config::{Config, ConfiguredClient},
    seal::KeyRing,
    secret::Digest,
    store::{Clock, GrantStore, ManualClock, SqlStore},
    testing,
};

pub(crate) const ISSUER: &str = "https://mcp.example.test";
pub(crate) const CALLBACK: &str = "https://app.example.test/cb";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const SECRET: &str = "a-secret-of-vault-0123456789";

/// A server with its surroundings.
pub(crate) struct Rig {
    pub(crate) server: AuthorizationServer,
    pub(crate) router: Router,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) sentry: MockServer,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Rig {
    pub(crate) async fn new() -> Rig {
        Rig::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Rig {
        let sentry = MockServer::start().await;
        let mut config = testing::config_with(ISSUER, &sentry.uri());
        let client = |id: &str, name: &str, redirects: &[&str]| ConfiguredClient {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            redirect_uris: redirects.iter().map(|&uri| uri.to_owned()).collect(),
            secret: None,
        };
        config.clients = vec![
            client("desk", "Desk Editor", &[CALLBACK, "http://127.0.0.1/cb", "cursor://desk/cb"]),
            client("other", "Another", &["https://other.example.test/cb"]),
            ConfiguredClient {
                secret: Some(SECRET.into()),
                ..client("vault", "Vault", &["https://vault.example.test/cb"])
            },
        ];
        change(&mut config);
        let store = Arc::new(SqlStore::in_memory().await.unwrap());
        let clock = Arc::new(ManualClock::at(1_800_000_000_000));
        let server = AuthorizationServer::new(
            config,
            KeyRing::generate().unwrap(),
            Arc::clone(&store) as Arc<dyn GrantStore>,
            Arc::clone(&clock) as Arc<dyn Clock>,
        )
        .unwrap();
        Rig { router: server.router(), server, store, clock, sentry }
    }

    /// The same server after a restart with another configuration.
    pub(crate) fn restarted(self, change: impl FnOnce(&mut Config)) -> Rig {
        let mut config = self.server.config().clone();
        change(&mut config);
        let server = AuthorizationServer::new(
            config,
            self.server.0.keys.clone(),
            Arc::clone(&self.store) as Arc<dyn GrantStore>,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
        )
        .unwrap();
        Rig { router: server.router(), server, ..self }
    }

    /// Sentry's token endpoint answers this from now on.
    pub(crate) async fn sentry_answers(&self, answer: ResponseTemplate) {
        self.sentry.reset().await;
        Mock::given(method("POST")).respond_with(answer).mount(&self.sentry).await;
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A client's POST, without cookies.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(form_request(path, form)).await
    }

    /// Goes all the way with these boxes ticked, and returns the code.
    pub(crate) async fn code(&self, browser: &mut Browser, boxes: &str) -> String {
        self.sentry_answers(testing::sentry_tokens("sentry-access", "sentry-refresh")).await;
        let sent = browser.approve(self, &query(""), boxes).await;
        let back = browser.return_from_sentry(self, &sent, "code=sentry-code").await;
        back.param("code").unwrap()
    }

    /// The same up to the tokens.
    pub(crate) async fn tokens(&self, boxes: &str) -> serde_json::Value {
        let code = self.code(&mut Browser::default(), boxes).await;
        let answer = self.post("/oauth/token", &exchange(&code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

/// A good authorization request of `desk`; `more` is added, and replaces what has its name.
pub(crate) fn query(more: &str) -> String {
    let mut pairs: Vec<(String, String)> = [
        ("response_type", "code"),
        ("client_id", "desk"),
        ("redirect_uri", CALLBACK),
        ("state", "client-state"),
        ("code_challenge_method", "S256"),
        ("code_challenge", &Digest::of(VERIFIER).to_text()),
        ("resource", "https://mcp.example.test/mcp"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in url::form_urlencoded::parse(more.as_bytes()) {
        pairs.retain(|pair| pair.0 != name);
        if value != "(none)" {
            pairs.push((name.into_owned(), value.into_owned()));
        }
    }
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A token request of `desk`.
pub(crate) fn exchange(code: &str) -> String {
    format!(
        "grant_type=authorization_code&client_id=desk&code={code}&code_verifier={VERIFIER}\
         &redirect_uri=https%3A%2F%2Fapp.example.test%2Fcb"
    )
}

pub(crate) fn form_request(path: &str, form: &str) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap()
}

/// A browser: it keeps cookies and says where its forms come from.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(crate) jar: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn send(&mut self, rig: &Rig, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> =
            self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let answer = rig.send(request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (pair, attributes) = text.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{name}");
            assert!(attributes.contains("Secure; HttpOnly; SameSite=Lax"), "{attributes}");
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, rig: &Rig, path: &str) -> Answer {
        self.send(rig, Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as the dialog's page would.
    pub(crate) async fn submit(&mut self, rig: &Rig, form: &str) -> Answer {
        let mut request = form_request("/oauth/authorize", form);
        request.headers_mut().insert(header::ORIGIN, ISSUER.parse().unwrap());
        request.headers_mut().insert("sec-fetch-site", "same-origin".parse().unwrap());
        self.send(rig, request).await
    }

    pub(crate) async fn dialog(&mut self, rig: &Rig, query: &str) -> Answer {
        self.get(rig, &format!("/oauth/authorize?{query}")).await
    }

    /// Opens the dialog, ticks boxes (`level=…&scope=…`), approves.
    pub(crate) async fn approve(&mut self, rig: &Rig, query: &str, boxes: &str) -> Answer {
        let dialog = self.dialog(rig, query).await;
        assert_eq!(dialog.status, StatusCode::OK, "{}", dialog.body);
        let form = format!("request={}&decision=approve&{boxes}", dialog.ticket());
        let answer = self.submit(rig, &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer
    }

    /// Comes back with the state with which it was sent, and what Sentry adds.
    pub(crate) async fn return_from_sentry(
        &mut self,
        rig: &Rig,
        sent: &Answer,
        answer: &str,
    ) -> Answer {
        let state = sent.param("state").unwrap();
        self.get(rig, &format!("/oauth/callback?state={state}&{answer}")).await
    }
}

impl Answer {
    async fn of(response: Response<Body>) -> Answer {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> Option<Url> {
        self.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().parse().unwrap())
    }

    /// A parameter of the address to which this sends.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        let location = self.location()?;
        location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The ticket in the dialog's form.
    pub(crate) fn ticket(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"request\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// The `error` of a JSON answer.
    pub(crate) fn error(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        json["error"].as_str().unwrap().to_owned()
    }

    /// Whether this is a page that sends nobody anywhere.
    pub(crate) fn is_page(&self) -> bool {
        self.location().is_none() && self.header("content-type").starts_with("text/html")
    }
}
