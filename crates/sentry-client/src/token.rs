//! The bearer token: where it comes from, the headers made of it, and what Sentry says it may do.
//! It judges no scope: that is for whoever knows the scopes.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::SystemTime,
};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{Client, ErrorKind, Result, drift, regions::RegionCaches, request::Route};

/// Where the bearer token comes from. Its `Debug` does not show the token.
#[derive(Clone)]
pub enum TokenSource {
    /// A token that does not change.
    Fixed(SecretString),
    /// A file that holds the token, read again when its length or its time of change differs.
    /// Blanks around the token are ignored.
    File(PathBuf),
    /// No token: the first request fails with [`ErrorKind::NoToken`].
    Missing,
}

impl TokenSource {
    /// A token that does not change.
    pub fn fixed(token: impl Into<String>) -> TokenSource {
        TokenSource::Fixed(SecretString::from(token.into()))
    }

    /// Whether there is a token that can be sent now; no request. A missing file is better told
    /// at the start than with the first call.
    pub fn check(&self) -> Result<(), ErrorKind> {
        Token::new(self.clone()).credential().map(drop)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::Fixed(_) => f.write_str("Fixed([hidden])"),
            TokenSource::File(path) => f.debug_tuple("File").field(path).finish(),
            TokenSource::Missing => f.write_str("Missing"),
        }
    }
}

/// The raw names of the scopes a token has, as `GET /api/0/` lists them; Sentry has more
/// than this program knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenScopes(pub Vec<String>);

/// One token, ready to be sent, and what was learnt with it: another token may see another world.
pub(crate) struct Credential {
    headers: HeaderMap,
    version: Option<FileVersion>,
    scopes: OnceCell<TokenScopes>,
    pub(crate) regions: RegionCaches,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct FileVersion {
    length: u64,
    changed: Option<SystemTime>,
}

impl Credential {
    fn new(token: &str, version: Option<FileVersion>) -> Result<Credential, ErrorKind> {
        let token = token.trim();
        if token.is_empty() {
            return Err(ErrorKind::NoToken);
        }
        // Stricter than HTTP, so that a mistake is told before Sentry is asked.
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ErrorKind::BadToken);
        }
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ErrorKind::BadToken)?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(crate::http::USER_AGENT));
        Ok(Credential {
            headers,
            version,
            scopes: OnceCell::new(),
            regions: RegionCaches::default(),
        })
    }

    /// `Authorization` (marked as sensitive), `Accept` and `User-Agent`.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// The credential in use; replaced as a whole when the token file changes.
pub(crate) struct Token {
    source: TokenSource,
    current: RwLock<Option<Arc<Credential>>>,
}

impl Token {
    pub(crate) fn new(source: TokenSource) -> Token {
        Token { source, current: RwLock::new(None) }
    }

    pub(crate) fn source(&self) -> &TokenSource {
        &self.source
    }

    /// What is in memory, without any I/O.
    pub(crate) fn known(&self) -> Option<Arc<Credential>> {
        self.current.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The credential to use now. A token file costs one `stat` per request: a rotated
    /// token must work at once, and the file is small and local.
    pub(crate) fn credential(&self) -> Result<Arc<Credential>, ErrorKind> {
        let known = self.known();
        let fresh = match (&self.source, known) {
            (TokenSource::Missing, _) => return Err(ErrorKind::NoToken),
            (TokenSource::Fixed(_), Some(credential)) => return Ok(credential),
            (TokenSource::Fixed(token), None) => Credential::new(token.expose_secret(), None)?,
            (TokenSource::File(path), known) => {
                let version = file_version(path)?;
                if let Some(credential) = known
                    && credential.version == Some(version)
                {
                    return Ok(credential);
                }
                let text = fs::read_to_string(path)
                    .map(SecretString::from)
                    .map_err(|error| unreadable(path, &error))?;
                Credential::new(text.expose_secret(), Some(version))?
            }
        };
        let fresh = Arc::new(fresh);
        *self.current.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(Arc::clone(&fresh));
        Ok(fresh)
    }
}

fn file_version(path: &Path) -> Result<FileVersion, ErrorKind> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    Ok(FileVersion { length: meta.len(), changed: meta.modified().ok() })
}

fn unreadable(path: &Path, error: &std::io::Error) -> ErrorKind {
    ErrorKind::TokenFile { path: path.to_owned(), reason: error.kind().to_string() }
}

#[derive(Deserialize)]
struct Root {
    #[serde(default, deserialize_with = "drift::maybe")]
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default, deserialize_with = "drift::maybe")]
    scopes: Option<Vec<Value>>,
}

impl Root {
    /// The names in `auth.scopes`. Without that list nothing is known, which is not the same
    /// as a token without scopes.
    fn scopes(self) -> Result<TokenScopes, ErrorKind> {
        let listed = self.auth.and_then(|auth| auth.scopes).ok_or_else(|| ErrorKind::Decode {
            path: "auth.scopes".to_owned(),
            problem: "it is no list".to_owned(),
        })?;
        let names = listed.into_iter().filter_map(|name| name.as_str().map(str::to_owned));
        Ok(TokenScopes(names.collect()))
    }
}

impl Client {
    /// `GET /api/0/`: the scopes of the token. Asked once per token; an error is asked again.
    /// An answer without the list of scopes is an error: nothing is known then.
    pub async fn token_scopes(&self) -> Result<Vec<String>> {
        let route = Route::root();
        let credential = self.credential().map_err(|kind| self.error("GET", &route, kind))?;
        let scopes = credential
            .scopes
            .get_or_try_init(|| async {
                let root: Root = self.get(Route::root()).at_main().json().await?;
                root.scopes().map_err(|kind| self.error("GET", &route, kind))
            })
            .await?;
        Ok(scopes.0.clone())
    }

    /// The scopes of the token if they were asked for before; no I/O.
    pub fn known_token_scopes(&self) -> Option<Vec<String>> {
        self.known_credential()?.scopes.get().map(|scopes| scopes.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::FakeSentry;

    use super::*;
    use crate::{
        Settings,
        testing::{client, client_at, told},
    };

    async fn failure(source: TokenSource) -> crate::Error {
        let client = Client::new(Settings::default(), source);
        client.authenticated_user().await.unwrap_err()
    }

    #[tokio::test]
    async fn without_a_token_nothing_is_sent() {
        for source in [TokenSource::Missing, TokenSource::fixed(""), TokenSource::fixed(" \n")] {
            assert!(matches!(failure(source).await.kind(), ErrorKind::NoToken));
        }
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_one_is_never_shown() {
        for token in ["se\ncret", "se cret", "se\u{0}cret", "sécret", "se\r\nX-Evil: cret"] {
            let source = TokenSource::fixed(token);
            assert!(!format!("{source:?}").contains("cret"));
            let error = failure(source).await;
            assert!(matches!(error.kind(), ErrorKind::BadToken), "{error:?}");
            assert!(!format!("{error:?}{}", told(&error)).contains("cret"));
        }
    }

    #[test]
    fn neither_the_client_nor_its_headers_show_the_token() {
        let client = client_at("127.0.0.1:1", |_| {});
        let credential = client.credential().unwrap();
        let shown = format!("{client:?} {:?}", credential.headers());
        assert!(!shown.contains(crate::testing::TOKEN), "{shown}");
    }

    #[tokio::test]
    async fn a_token_file_is_read_again_when_it_changes() {
        let path = std::env::temp_dir().join(format!("sentry-client-token-{}", fastrand::u64(..)));
        let sentry = FakeSentry::start()
            .await
            .get("/api/0/", json!({"auth": {"scopes": ["org:read"]}}))
            .await;
        let settings = client_at(&sentry.host(), |_| {}).settings().clone();
        let client = Client::new(settings, TokenSource::File(path.clone()));

        let error = client.token_scopes().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TokenFile { .. }), "{error:?}");

        fs::write(&path, "first-token\n").unwrap();
        client.token_scopes().await.unwrap();
        client.token_scopes().await.unwrap();
        assert_eq!(sentry.requests().await.len(), 1);
        let first = client.credential().unwrap();
        assert!(Arc::ptr_eq(&first, &client.credential().unwrap()));

        // Another token may have other scopes.
        fs::write(&path, "  a-longer-second-token  ").unwrap();
        client.token_scopes().await.unwrap();
        assert_eq!(sentry.requests().await.len(), 2);
        let second = client.credential().unwrap();
        let value = second.headers().get(AUTHORIZATION).unwrap();
        assert_eq!(value.as_bytes(), b"Bearer a-longer-second-token");
        assert!(value.is_sensitive());
        fs::remove_file(&path).unwrap();
    }

    #[tokio::test]
    async fn scopes_are_asked_once_and_a_failure_is_asked_again() {
        let sentry = FakeSentry::start().await.status("GET", "/api/0/", 500, json!({})).await;
        let client = client(&sentry);
        assert_eq!(client.known_token_scopes(), None);
        assert!(client.token_scopes().await.is_err());
        assert!(client.token_scopes().await.is_err());
        assert_eq!(sentry.requests().await.len(), 2);
    }

    #[tokio::test]
    async fn scopes_of_odd_answers_are_read_leniently() {
        for (scopes, expected) in [
            (json!(["org:read", 7, null, "alerts:read"]), vec!["org:read", "alerts:read"]),
            (json!([]), vec![]),
        ] {
            let body = json!({"auth": {"scopes": scopes}});
            let sentry = FakeSentry::start().await.get("/api/0/", body).await;
            let client = client(&sentry);
            assert_eq!(client.token_scopes().await.unwrap(), expected);
            assert_eq!(client.clone().known_token_scopes().unwrap(), expected);
            assert_eq!(sentry.requests().await.len(), 1);
        }
    }

    #[tokio::test]
    async fn an_answer_without_scopes_tells_nothing_about_the_token() {
        for body in [
            json!({"version": "0"}),
            json!({"auth": null}),
            json!({"auth": {"scopes": null}}),
            json!({"auth": {"scopes": "org:read"}}),
        ] {
            let sentry = FakeSentry::start().await.get("/api/0/", body).await;
            let client = client(&sentry);
            let error = client.token_scopes().await.unwrap_err();
            assert!(told(&error).contains("auth.scopes"), "{error:?}");
            assert_eq!(client.known_token_scopes(), None);
        }
    }
}
