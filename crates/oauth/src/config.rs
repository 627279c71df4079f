//! What an authorization server is told when it is made: plain data and one function.
//! It reads no environment and no file; the shell that makes a server does.

use std::{fmt, net::IpAddr, sync::Arc};

use scopes::{Scope, ScopeSet};
use secrecy::SecretString;
use url::{Host, Url};

/// Which scopes to ask from Sentry for a grant; the second argument is whether the resource
/// names an organization. What a tool needs at Sentry is not known in this crate.
pub type UpstreamScopes = Arc<dyn Fn(ScopeSet, bool) -> ScopeSet + Send + Sync>;

/// Everything an authorization server is told.
#[derive(Clone)]
pub struct Config {
    /// The issuer (RFC 8414 §2): scheme, host and port; no path, query or fragment.
    pub issuer: Url,
    /// Whether the issuer is https. Without it cookies lose `__Host-` and `Secure`, which only
    /// loopback may.
    pub secure: bool,
    /// Where people log in.
    pub upstream: UpstreamConfig,
    /// The choices of the dialog. The first is the base and always on.
    pub levels: Vec<LevelView>,
    /// The single scopes of the dialog's advanced part.
    pub single_scopes: Vec<ScopeView>,
    /// Which scopes Sentry is asked for.
    pub upstream_scopes: UpstreamScopes,
    /// Private-use schemes that a redirect URI may have, like `cursor`; empty by default.
    pub allowed_redirect_schemes: Vec<String>,
    /// Clients that the operator registered.
    pub clients: Vec<ConfiguredClient>,
    /// The proxy for fetching client metadata documents. It must enforce egress itself.
    pub cimd_proxy: Option<Url>,
    /// Certificates, timeouts and the like of outgoing requests.
    pub http: sentry_client::Settings,
}

/// Sentry as an authorization server.
#[derive(Clone)]
pub struct UpstreamConfig {
    /// Where a person is sent: `https://sentry.io/oauth/authorize/`.
    pub authorize_url: Url,
    /// Where codes become tokens: `https://sentry.io/oauth/token/`.
    pub token_url: Url,
    /// The id of this server's application at Sentry.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// A permission level as the dialog shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// The name in forms: lower-case letters, digits and hyphens.
    pub id: String,
    /// The title.
    pub title: String,
    /// What it allows, in plain words.
    pub summary: String,
    /// What it adds to the grant.
    pub scopes: ScopeSet,
    /// The tools it opens on top of the base.
    pub tools: Vec<String>,
}

/// A single scope as the dialog shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeView {
    /// The scope.
    pub scope: Scope,
    /// The tools it opens on top of the base; often none.
    pub tools: Vec<String>,
}

/// A client that the operator registered (RFC 6749 §2).
#[derive(Clone)]
pub struct ConfiguredClient {
    /// The client id.
    pub id: String,
    /// What the dialog calls it.
    pub name: Option<String>,
    /// Its redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Its secret; without one it is a public client.
    pub secret: Option<SecretString>,
}

/// The address of whoever sends a request, as an extension of the request.
///
/// The server that mounts the router puts it there, because only it knows which proxy to
/// believe. Requests without it share one allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// A configuration with which no server can be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The issuer is more than an origin.
    #[error(
        "the public URL {0} cannot be an issuer; give scheme, host and port only, like https://mcp.example.test"
    )]
    Issuer(String),
    /// Plain http reaches further than this machine.
    #[error("the public URL {0} is plain http off loopback; use https")]
    Insecure(String),
    /// `secure` contradicts the issuer.
    #[error("the setting `secure` must say whether the public URL is https")]
    Secure,
    /// There is no base level, or an id is unusable.
    #[error(
        "the permission level {0:?} cannot be used; ids are lower-case letters, digits, hyphens"
    )]
    Level(String),
    /// A client of the configuration is unusable.
    #[error("the configured client {id:?} cannot be used: {reason}")]
    Client {
        /// Its id.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry of `allowed_redirect_schemes` is unusable.
    #[error(transparent)]
    Scheme(#[from] crate::clients::redirect::InvalidScheme),
    /// The HTTP client for Sentry or for metadata documents could not be made.
    #[error(transparent)]
    Http(#[from] HttpSetup),
}

/// An HTTP client that could not be set up.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct HttpSetup(pub String);

impl Config {
    /// The issuer as it is compared: character by character, without a slash at the end
    /// (RFC 8414 §3.3, RFC 9207 §2.4).
    pub fn issuer_id(&self) -> String {
        self.issuer.origin().ascii_serialization()
    }

    /// The URL of one of the server's own paths.
    pub fn own_url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer_id())
    }

    /// What the base level grants; it is part of every grant.
    pub fn base(&self) -> ScopeSet {
        self.levels.first().map_or(ScopeSet::EMPTY, |level| level.scopes)
    }

    /// Whether a server can be made with this.
    pub fn check(&self) -> Result<(), ConfigError> {
        let url = &self.issuer;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.scheme(), "http" | "https");
        if !bare {
            // Without user-info, which could hold a password.
            let mut shown = url.clone();
            let _ = shown.set_username("");
            let _ = shown.set_password(None);
            return Err(ConfigError::Issuer(shown.to_string()));
        }
        if (url.scheme() == "https") != self.secure {
            return Err(ConfigError::Secure);
        }
        if !self.secure && !is_loopback(url) {
            return Err(ConfigError::Insecure(url.to_string()));
        }
        if self.levels.is_empty() {
            return Err(ConfigError::Level(String::new()));
        }
        let usable = |id: &str| {
            !id.is_empty()
                && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match self.levels.iter().find(|level| !usable(&level.id)) {
            Some(level) => Err(ConfigError::Level(level.id.clone())),
            None => Ok(()),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("issuer", &self.issuer.as_str())
            .field("upstream", &self.upstream)
            .field("levels", &self.levels.len())
            .field("clients", &self.clients.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamConfig")
            .field("authorize_url", &self.authorize_url.as_str())
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ConfiguredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfiguredClient")
            .field("id", &self.id)
            .field("redirect_uris", &self.redirect_uris)
            .field("confidential", &self.secret.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    #[test]
    fn the_issuer_is_an_origin_without_a_slash() {
        assert_eq!(config("https://mcp.example.test").issuer_id(), "https://mcp.example.test");
        assert_eq!(config("http://127.0.0.1:8787").issuer_id(), "http://127.0.0.1:8787");
        assert_eq!(config("https://a.test").own_url("/oauth/token"), "https://a.test/oauth/token");
    }

    #[test]
    fn only_an_https_or_loopback_origin_makes_a_server() {
        for good in
            ["https://a.test", "https://a.test:8443", "http://localhost:1", "http://[::1]:1"]
        {
            assert_eq!(config(good).check(), Ok(()), "{good}");
        }
        for bad in [
            "https://a.test/x",
            "https://a.test/?x",
            "https://a.test/#x",
            "https://u:p@a.test",
            "http://a.test",
            "http://10.0.0.1",
            "ftp://a.test",
        ] {
            let error = config(bad).check().unwrap_err().to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
        let mut contradiction = config("https://a.test");
        contradiction.secure = false;
        assert_eq!(contradiction.check(), Err(ConfigError::Secure));
    }

    #[test]
    fn a_level_id_is_a_plain_word() {
        let mut config = config("https://a.test");
        config.levels[1].id = "a\"b".to_owned();
        assert_eq!(config.check(), Err(ConfigError::Level("a\"b".to_owned())));
        config.levels.clear();
        assert!(config.check().is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut config = config("https://a.test");
        config.clients.push(ConfiguredClient {
            id: "desk".into(),
            name: None,
            redirect_uris: vec![],
            secret: Some("tell-nobody".into()),
        });
        let shown = format!("{config:?} {:?}", config.clients);
        assert!(!shown.contains("tell-nobody") && !shown.contains("upstream-secret"), "{shown}");
    }
}
