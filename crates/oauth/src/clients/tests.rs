//! What a directory finds, for whom and how long, and a directory for the tests of its parts.
//! Nothing of it is in a build.

use axum::{body::Body, http::HeaderMap};
use serde_json::{Value, json};

use super::*;
use crate::{
    clients::cimd::tests::{Host, ID, answer, document},
    store::{ManualClock, SqlStore},
    testing,
};

/// A directory with one public and one confidential client of the configuration.
pub(super) struct Rig {
    pub(super) directory: Arc<ClientDirectory>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) host: Host,
    config: Config,
    store: Arc<SqlStore>,
}

pub(super) const CONFIGURED_SECRET: &str = "a+b %c:a-long-random-secret";

impl Rig {
    pub(super) async fn new() -> Rig {
        let head = "200 OK\r\ncontent-type: application/json";
        let host = Host::serve(answer(head, &document().to_string())).await;
        let clock = Arc::new(ManualClock::at(1_800_000_000_000));
        let store = Arc::new(SqlStore::in_memory().await.unwrap());
        store.migrate().await.unwrap();
        let mut config = testing::config("https://mcp.example.test");
        let uris = vec!["https://desk.example.test/cb".to_owned()];
        config.clients = vec![
            configured("desk", &uris, None),
            configured("shop", &uris, Some(CONFIGURED_SECRET)),
        ];
        let directory = Rig::directory(&config, &host, &store, &clock);
        Rig { directory, clock, host, config, store }
    }

    fn directory(
        config: &Config,
        host: &Host,
        store: &Arc<SqlStore>,
        clock: &Arc<ManualClock>,
    ) -> Arc<ClientDirectory> {
        let schemes = AllowedSchemes::parse(&config.allowed_redirect_schemes).unwrap();
        let (store, manual) = (Arc::clone(store) as _, Arc::clone(clock) as _);
        let documents = host.documents(clock);
        let directory = ClientDirectory::with_documents(config, documents, schemes, store, manual);
        Arc::new(directory.unwrap())
    }

    /// Registers a client and returns the whole answer.
    pub(super) async fn register(&self, request: &Value) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let body = Body::from(request.to_string());
        let answer = self.directory.register(None, &headers, body).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    async fn find(&self, id: &str) -> Result<Client, ClientError> {
        self.directory.find(id, None).await
    }
}

fn configured(id: &str, uris: &[String], secret: Option<&str>) -> ConfiguredClient {
    ConfiguredClient {
        id: id.to_owned(),
        name: Some("Front desk".to_owned()),
        redirect_uris: uris.to_vec(),
        secret: secret.map(Into::into),
    }
}

#[tokio::test]
async fn clients_are_found_wherever_they_come_from() {
    let rig = Rig::new().await;
    let registered = rig
        .register(&json!({"redirect_uris": ["http://localhost/cb"], "client_name": "Tool"}))
        .await;
    let id = registered["client_id"].as_str().unwrap();
    for (id, kind, name) in [
        ("desk", ClientKind::Configured, "Front desk"),
        (ID, ClientKind::Cimd, "Example Editor"),
        (id, ClientKind::Dynamic, "Tool"),
    ] {
        let client = rig.find(id).await.unwrap();
        assert_eq!((client.kind, client.name.as_deref()), (kind, Some(name)), "{id}");
        assert_eq!(client.id, id);
    }
    assert!(rig.find(id).await.unwrap().is_loopback_only());
    assert!(!rig.find("desk").await.unwrap().is_loopback_only());
}

#[tokio::test]
async fn an_id_that_nobody_gave_out_is_unknown() {
    let rig = Rig::new().await;
    let plausible = format!("dcr-{}", "A".repeat(22));
    let quoted = format!("dcr-{}'", "A".repeat(21));
    let long = "a".repeat(100_000);
    for id in ["", "desk ", "DESK", "nobody", "dcr-", "' or 1=1 --", &plausible, &quoted, &long] {
        assert_eq!(rig.find(id).await.unwrap_err(), ClientError::Unknown, "{id}");
    }
    for id in ["javascript:alert(1)", "http://app.example.test/c", "urn:x:y", "a:b"] {
        assert_eq!(rig.find(id).await.unwrap_err(), ClientError::BadId, "{id}");
    }
    assert_eq!(rig.host.asked(), 0);
}

#[tokio::test]
async fn a_registration_ends_ninety_days_after_its_last_use() {
    let rig = Rig::new().await;
    let registered = rig.register(&json!({"redirect_uris": ["http://localhost/cb"]})).await;
    let id = registered["client_id"].as_str().unwrap();
    for _ in 0..3 {
        rig.clock.advance(89 * DAY);
        assert!(rig.find(id).await.is_ok(), "each use prolongs it");
    }
    rig.clock.advance(90 * DAY + 1);
    assert_eq!(rig.find(id).await.unwrap_err(), ClientError::Unknown);
}

#[tokio::test]
async fn a_scheme_that_is_taken_off_the_list_ends_at_once() {
    let mut rig = Rig::new().await;
    let uris = ["cursor://x/cb", "http://localhost/cb"];
    let registered = rig.register(&json!({"redirect_uris": uris})).await;
    let id = registered["client_id"].as_str().unwrap();
    assert!(rig.find(id).await.unwrap().redirect("cursor://x/cb").is_some());
    rig.config.allowed_redirect_schemes.clear();
    rig.directory = Rig::directory(&rig.config, &rig.host, &rig.store, &rig.clock);
    let client = rig.find(id).await.unwrap();
    assert!(client.redirect("cursor://x/cb").is_none());
    assert!(client.redirect("http://localhost:1/cb").is_some());
}

#[tokio::test]
async fn a_configured_client_that_cannot_work_stops_the_start() {
    let rig = Rig::new().await;
    let uri = |text: &str| vec![text.to_owned()];
    let good = uri("https://desk.example.test/cb");
    for client in [
        configured("", &good, None),
        configured("a b", &good, None),
        configured(&"a".repeat(201), &good, None),
        configured("x", &[], None),
        configured("x", &uri("http://desk.example.test/cb"), None),
        configured("x", &uri("vscode://desk/cb"), None),
        configured("x", &good, Some("too-short")),
        configured("desk", &good, None),
    ] {
        let mut config = rig.config.clone();
        config.clients.push(client);
        let made =
            ClientDirectory::new(&config, Arc::clone(&rig.store) as _, Arc::clone(&rig.clock) as _);
        let error = made.unwrap_err();
        assert!(matches!(error, ConfigError::Client { .. }), "{error}");
        assert!(!error.to_string().contains("too-short"), "{error}");
    }
    let mut config = rig.config.clone();
    config.allowed_redirect_schemes = vec!["javascript".to_owned()];
    let made =
        ClientDirectory::new(&config, Arc::clone(&rig.store) as _, Arc::clone(&rig.clock) as _);
    assert!(matches!(made.unwrap_err(), ConfigError::Scheme(_)));
}

#[test]
fn a_refusal_says_what_to_do_and_keeps_the_reason_inside() {
    let refused = |error: ClientError| OAuthError::from(error);
    assert_eq!(refused(ClientError::Unknown).status(), 401);
    assert!(refused(ClientError::Unreachable).description().contains("try again in a minute"));
    assert_eq!(refused(ClientError::Store).status(), 500);
}
