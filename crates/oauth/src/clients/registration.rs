//! Dynamic client registration (RFC 7591), for clients that have no metadata document.
//! The store keeps the records; nothing registered here is trusted or granted anything.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::{Deserialize, Serialize};

use super::{ClientDirectory, RedirectUri, homepage, is_name};
use crate::{
    config::ClientAddress,
    error::{ErrorCode, OAuthError, no_store},
    limits::AddressKey,
    secret::Secret,
    store::{ClientRecord, SECOND},
};

/// The path of the registration endpoint.
pub const PATH: &str = "/oauth/register";

/// The largest request.
const MAX_BODY: usize = 16 * 1024;
/// Redirect URIs of one client.
const MAX_REDIRECTS: usize = 10;
/// Entries of the lists that are compared with what is supported.
const MAX_LIST: usize = 20;
/// What a registered client's id begins with; it never looks like a URL.
const ID_PREFIX: &str = "dcr-";

/// Whether an id could have been given out here, so that the store is not asked for others.
pub(super) fn is_plausible_id(id: &str) -> bool {
    id.strip_prefix(ID_PREFIX).is_some_and(|rest| {
        rest.len() == 22 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    })
}

/// `POST /oauth/register`, to be merged into the server's router. It reads the
/// [`ClientAddress`] of the request.
pub fn routes(directory: Arc<ClientDirectory>) -> Router {
    Router::new().route(PATH, post(handle)).with_state(directory)
}

async fn handle(
    State(directory): State<Arc<ClientDirectory>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let from = address.map(|Extension(ClientAddress(address))| address);
    directory.register(from, &headers, body).await.unwrap_or_else(IntoResponse::into_response)
}

/// When to try again where there is no room for another client.
const FULL: Duration = Duration::from_hours(24);

impl ClientDirectory {
    /// Registers a client and answers with what was registered (RFC 7591 section 3.2.1).
    pub async fn register(
        &self,
        from: Option<IpAddr>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, OAuthError> {
        self.registrations.check(&AddressKey::of(from))?;
        if !says_json(headers) {
            return Err(bad("the body must be application/json"));
        }
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| OAuthError::too_large())?;
        let request: Request = serde_json::from_slice(&body).map_err(|_| {
            bad("the body is not a JSON object whose members have the types of RFC 7591")
        })?;
        let registered = self.checked(request)?;
        let (record, secret) = self.record(&registered)?;
        let stored = self.store.put_client(&record).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a client was not stored");
            OAuthError::server_error()
        })?;
        if !stored {
            tracing::error!("too many clients have registered; the oldest unused ones must expire");
            return Err(OAuthError::too_many_requests(FULL));
        }
        Ok(answer(registered, &record, secret.as_ref()))
    }

    fn checked(&self, request: Request) -> Result<Registered, OAuthError> {
        let redirect_uris = self.redirect_uris(request.redirect_uris)?;
        let token_endpoint_auth_method = match request.token_endpoint_auth_method.as_deref() {
            // RFC 7591 section 2: "If unspecified or omitted, the default is
            // client_secret_basic".
            None => "client_secret_basic",
            Some(asked) => {
                METHODS.into_iter().find(|&method| method == asked).ok_or_else(|| {
                    bad("token_endpoint_auth_method must be none, client_secret_basic or \
                     client_secret_post")
                })?
            }
        };
        let grant_types = supported(
            request.grant_types,
            &["authorization_code", "refresh_token"],
            "grant_types must include authorization_code",
        )?;
        let response_types =
            supported(request.response_types, &["code"], "response_types must include code")?;
        let client_name = request.client_name.filter(|name| !name.is_empty());
        if client_name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(bad(
                "client_name must be at most 200 visible characters, without control characters",
            ));
        }
        let client_uri = match request.client_uri.filter(|uri| !uri.is_empty()) {
            None => None,
            Some(uri) => Some(String::from(homepage(&uri).ok_or_else(|| {
                bad("client_uri must be an http or https URL without user information")
            })?)),
        };
        Ok(Registered {
            redirect_uris,
            token_endpoint_auth_method,
            grant_types,
            response_types,
            client_name,
            client_uri,
        })
    }

    fn redirect_uris(&self, asked: Option<Vec<String>>) -> Result<Vec<String>, OAuthError> {
        let bad = |reason: String| OAuthError::new(ErrorCode::InvalidRedirectUri, reason);
        let asked = asked.unwrap_or_default();
        if asked.is_empty() || asked.len() > MAX_REDIRECTS {
            return Err(bad(format!("redirect_uris must have 1 to {MAX_REDIRECTS} entries")));
        }
        let mut kept: Vec<String> = Vec::new();
        for uri in asked {
            RedirectUri::parse(&uri, &self.schemes).map_err(|flaw| bad(flaw.to_string()))?;
            if !kept.contains(&uri) {
                kept.push(uri);
            }
        }
        Ok(kept)
    }

    fn record(
        &self,
        registered: &Registered,
    ) -> Result<(ClientRecord, Option<Secret>), OAuthError> {
        let random = || {
            Secret::random().map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "no random bytes");
                OAuthError::server_error()
            })
        };
        let id: String = random()?.expose().chars().take(22).collect();
        let confidential = registered.token_endpoint_auth_method != "none";
        let secret = if confidential { Some(random()?) } else { None };
        let now = self.clock.now();
        let record = ClientRecord {
            id: format!("{ID_PREFIX}{id}"),
            name: registered.client_name.clone(),
            uri: registered.client_uri.clone(),
            redirect_uris: registered.redirect_uris.clone(),
            auth_method: registered.token_endpoint_auth_method.to_owned(),
            secret: secret.as_ref().map(Secret::digest),
            created_at: now,
            last_used_at: now,
        };
        Ok((record, secret))
    }
}

const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// What is read of a request. Other members are ignored (RFC 7591 section 2), also `client_id`
/// and `client_secret`, which the server chooses; a known one that comes twice is an error.
#[derive(Deserialize)]
struct Request {
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    client_uri: Option<String>,
}

/// What was registered, as it is answered.
#[derive(Serialize)]
struct Registered {
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: &'static str,
    grant_types: Vec<&'static str>,
    response_types: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
}

/// RFC 7591 section 3.2.1. A secret has no time of its own at which it ends: it lives as long as
/// its registration, which each use prolongs. That is what `0` stands for.
#[derive(Serialize)]
struct Answer<'a> {
    client_id: &'a str,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    #[serde(flatten)]
    registered: Registered,
}

fn answer(registered: Registered, record: &ClientRecord, secret: Option<&Secret>) -> Response {
    let body = Answer {
        client_id: &record.id,
        client_id_issued_at: record.created_at / SECOND,
        client_secret: secret.map(Secret::expose),
        client_secret_expires_at: secret.map(|_| 0),
        registered,
    };
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    no_store(response.headers_mut());
    response
}

/// What of a list is supported; all of it if the list is absent (RFC 7591 section 3.2.1 lets the
/// server replace values). The first supported value must be among those that are asked for.
fn supported(
    asked: Option<Vec<String>>,
    known: &[&'static str],
    problem: &'static str,
) -> Result<Vec<&'static str>, OAuthError> {
    let Some(asked) = asked else { return Ok(known.to_vec()) };
    if asked.len() > MAX_LIST {
        return Err(bad("a list has more than 20 entries"));
    }
    let kept: Vec<&'static str> =
        known.iter().copied().filter(|known| asked.iter().any(|asked| asked == known)).collect();
    if kept.first() == known.first() { Ok(kept) } else { Err(bad(problem)) }
}

fn bad(problem: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, problem)
}

fn says_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else { return false };
    let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, Request as HttpRequest};
    use serde_json::{Value, json};
    use tower::ServiceExt as _;

    use super::*;
    use crate::clients::tests::Rig;

    struct Answered {
        status: u16,
        headers: HeaderMap,
        body: Value,
    }

    async fn post(rig: &Rig, kind: &str, body: impl Into<Body>) -> Answered {
        let request = HttpRequest::post(PATH)
            .header(CONTENT_TYPE, kind)
            .extension(ClientAddress("192.0.2.1".parse().unwrap()))
            .body(body.into())
            .unwrap();
        let response = routes(Arc::clone(&rig.directory)).oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        Answered { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    async fn register(rig: &Rig, request: &Value) -> Answered {
        post(rig, "application/json", request.to_string()).await
    }

    #[tokio::test]
    async fn a_public_client_is_told_what_was_registered_and_nothing_else() {
        let rig = Rig::new().await;
        let answered = register(
            &rig,
            &json!({
                "client_id": "https://chosen.example.test/by-the-client",
                "client_secret": "chosen-by-the-client",
                "redirect_uris": ["http://127.0.0.1/cb", "http://127.0.0.1/cb", "cursor://x/cb"],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token", "password"],
                "response_types": ["code", "token"],
                "client_name": "Tool <b>",
                "client_uri": "https://Tool.example.test",
                "logo_uri": "javascript:alert(1)",
                "scope": "org:admin",
            }),
        )
        .await;
        assert_eq!(answered.status, 201);
        assert_eq!(answered.headers["cache-control"], "no-store");
        assert_eq!(answered.headers["pragma"], "no-cache");
        let id = answered.body["client_id"].as_str().unwrap();
        assert!(is_plausible_id(id), "{id}");
        let expected = json!({
            "client_id": id,
            "client_id_issued_at": 1_800_000_000,
            "redirect_uris": ["http://127.0.0.1/cb", "cursor://x/cb"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "Tool <b>",
            "client_uri": "https://tool.example.test/",
        });
        assert_eq!(answered.body, expected);
    }

    #[tokio::test]
    async fn a_secret_is_shown_once_and_only_its_digest_is_kept() {
        let rig = Rig::new().await;
        let uris = json!({"redirect_uris": ["https://tool.example.test/cb"]});
        let (one, other) = (register(&rig, &uris).await, register(&rig, &uris).await);
        assert_eq!(one.body["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(one.body["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(one.body["client_secret_expires_at"], 0);
        let secret = one.body["client_secret"].as_str().unwrap();
        assert_eq!(secret.len(), 43);
        assert_ne!(one.body["client_id"], other.body["client_id"]);
        assert_ne!(one.body["client_secret"], other.body["client_secret"]);
        let id = one.body["client_id"].as_str().unwrap();
        let record = rig.directory.store.client(id).await.unwrap().unwrap();
        assert!(record.secret.unwrap().matches(secret));
        assert!(!format!("{record:?}").contains(secret));
    }

    #[tokio::test]
    async fn metadata_that_breaks_a_rule_registers_nothing() {
        let uri = "https://tool.example.test/cb";
        let long = format!("https://tool.example.test/{}", "a".repeat(2_000));
        for (change, code) in [
            (json!({"redirect_uris": null}), "invalid_redirect_uri"),
            (json!({"redirect_uris": []}), "invalid_redirect_uri"),
            (json!({"redirect_uris": vec![uri; 11]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": [uri, "http://tool.example.test/"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["vscode://x/cb"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["https://u@tool.example.test/"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["https://tool.example.test/#"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": [""]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": [long]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": uri}), "invalid_client_metadata"),
            (json!({"redirect_uris": [7]}), "invalid_client_metadata"),
            (json!({"client_name": "x".repeat(201)}), "invalid_client_metadata"),
            (json!({"client_name": "a\u{0}b"}), "invalid_client_metadata"),
            (json!({"client_name": ["x"]}), "invalid_client_metadata"),
            (json!({"client_uri": "javascript:alert(1)"}), "invalid_client_metadata"),
            (json!({"client_uri": "https://u:p@tool.example.test/"}), "invalid_client_metadata"),
            (json!({"token_endpoint_auth_method": "private_key_jwt"}), "invalid_client_metadata"),
            (json!({"token_endpoint_auth_method": ""}), "invalid_client_metadata"),
            (json!({"grant_types": ["refresh_token"]}), "invalid_client_metadata"),
            (json!({"grant_types": []}), "invalid_client_metadata"),
            (json!({"grant_types": vec!["authorization_code"; 21]}), "invalid_client_metadata"),
            (json!({"response_types": ["token"]}), "invalid_client_metadata"),
        ] {
            let rig = Rig::new().await;
            let mut request = json!({"redirect_uris": [uri]});
            for (name, value) in change.as_object().unwrap() {
                request[name] = value.clone();
            }
            let answered = register(&rig, &request).await;
            assert_eq!((answered.status, &answered.body["error"]), (400, &json!(code)), "{change}");
            assert_eq!(answered.headers["cache-control"], "no-store");
            let shown = answered.body["error_description"].as_str().unwrap();
            assert!(!shown.contains("example.test") && !shown.contains("alert"), "{shown}");
        }
    }

    #[tokio::test]
    async fn what_is_no_json_object_is_refused() {
        let rig = Rig::new().await;
        let good = json!({"redirect_uris": ["https://tool.example.test/cb"]}).to_string();
        let twice = r#"{"redirect_uris":["https://a.test/"],"redirect_uris":["https://b.test/"]}"#;
        let deep = "[".repeat(10_000);
        for (kind, body) in [
            ("application/x-www-form-urlencoded", good.as_str()),
            ("text/plain", &good),
            ("", &good),
            ("application/json", ""),
            ("application/json", "[]"),
            ("application/json", "null"),
            ("application/json", twice),
            ("application/json", &deep),
        ] {
            let answered = post(&rig, kind, body.to_owned()).await;
            assert_eq!(answered.status, 400, "{kind} {body}");
            assert!(answered.body["error"].is_string(), "{kind} {body}");
        }
        let answered = post(&rig, "Application/JSON; charset=utf-8", good).await;
        assert_eq!(answered.status, 201);
    }

    #[tokio::test]
    async fn a_body_is_read_to_sixteen_kibibytes() {
        let rig = Rig::new().await;
        let request = |padding: usize| {
            let padding = "x".repeat(padding);
            json!({"redirect_uris": ["https://tool.example.test/cb"], "padding": padding})
        };
        assert_eq!(register(&rig, &request(16_000)).await.status, 201);
        assert_eq!(register(&rig, &request(17_000)).await.status, 413);
    }

    #[tokio::test]
    async fn an_address_that_registers_too_often_is_told_when_to_come_back() {
        let rig = Rig::new().await;
        let request = json!({"redirect_uris": ["https://tool.example.test/cb"]});
        let mut answered = register(&rig, &request).await;
        let mut registered = 0;
        while answered.status == 201 {
            registered += 1;
            answered = register(&rig, &request).await;
        }
        assert!(registered >= 20, "{registered}");
        assert_eq!(answered.status, 429);
        let wait: u64 = answered.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=3).contains(&wait), "{wait}");
        let other = HttpRequest::post(PATH)
            .header(CONTENT_TYPE, "application/json")
            .extension(ClientAddress("192.0.2.2".parse().unwrap()))
            .body(Body::from(request.to_string()))
            .unwrap();
        let response = routes(Arc::clone(&rig.directory)).oneshot(other).await.unwrap();
        assert_eq!(response.status(), 201, "another address is not slowed");
    }

    #[tokio::test]
    async fn only_post_registers() {
        let rig = Rig::new().await;
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let request = HttpRequest::builder().method(method).uri(PATH).body(Body::empty());
            let routes = routes(Arc::clone(&rig.directory));
            let response = routes.oneshot(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), 405);
        }
    }
}
