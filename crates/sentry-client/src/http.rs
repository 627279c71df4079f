//! The one place that builds an HTTP client: TLS roots, proxy, connection pool.
//! It sends nothing, and sets no limit in time but the one for connecting.

use std::{path::Path, sync::Arc, time::Duration};

use reqwest::{Certificate, ClientBuilder, Proxy, dns::Resolve, redirect, retry};
use url::{Host, Url};

use crate::Settings;

/// How this program introduces itself.
pub const USER_AGENT: &str = concat!("sentry-mcp/", env!("CARGO_PKG_VERSION"));

/// Shorter than the keep-alive of the usual servers and load balancers, so that a request
/// is rarely sent on a connection that the other side is closing.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// An HTTP client that could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The CA file cannot be read.
    #[error(
        "the CA file {path} cannot be read: {reason}; check that it exists and that this server may read it"
    )]
    CaFile {
        /// The configured file.
        path: String,
        /// The operating system's reason.
        reason: String,
    },
    /// The CA file holds no certificate in PEM form.
    #[error(
        "the CA file {path} holds no PEM certificate; it must have at least one \"BEGIN CERTIFICATE\" block"
    )]
    CaFormat {
        /// The configured file.
        path: String,
    },
    /// The proxy's address cannot be used.
    #[error("the proxy cannot be used: {reason}; give an http or https URL")]
    Proxy {
        /// The library's reason.
        reason: String,
    },
    /// The TLS library or the resolver did not start.
    #[error("TLS could not be set up: {reason}")]
    Tls {
        /// The library's reason.
        reason: String,
    },
}

/// Builds an HTTP client: rustls with the system's roots and `ca_file`, the proxy variables
/// honoured, gzip, no redirects, no retries of its own.
///
/// It reads the system's certificates, so it takes some milliseconds: build it once.
/// For a URL that [`is_loopback`], use [`build_direct_client`].
pub fn build_client(settings: &Settings) -> Result<reqwest::Client, HttpError> {
    build(builder(settings)?)
}

/// The same without a proxy, for this machine itself. A proxy is another machine, on which
/// `127.0.0.1` means something else; few people list it in `NO_PROXY`.
pub fn build_direct_client(settings: &Settings) -> Result<reqwest::Client, HttpError> {
    build(builder(settings)?.no_proxy())
}

/// How a client for URLs that strangers chose reaches them.
#[derive(Clone)]
pub enum Reach {
    /// Directly, with a resolver that decides which addresses may be used.
    ///
    /// It is asked where the connection is made, so a name that changes its address between a
    /// check and the request wins nothing. It is **not** asked for a host that is an IP address:
    /// the caller must not send such a URL.
    Direct(Arc<dyn Resolve>),
    /// Through a proxy, which must decide for itself.
    Proxy(Url),
}

/// Builds a client for URLs that strangers chose: https with the system's roots and `roots`, no
/// proxy variables, no redirects, no compression, no retries, a limit on the whole exchange, and
/// no connection that a second request could find open.
pub fn build_strangers_client(
    reach: Reach,
    limit: Duration,
    roots: Vec<Certificate>,
) -> Result<reqwest::Client, HttpError> {
    let mut builder = builder(&Settings::default())?
        .no_proxy()
        .no_gzip()
        .https_only(true)
        .connect_timeout(limit)
        .timeout(limit)
        .pool_max_idle_per_host(0);
    if !roots.is_empty() {
        builder = builder.tls_certs_merge(roots);
    }
    build(match reach {
        Reach::Direct(resolver) => builder.dns_resolver(resolver),
        Reach::Proxy(url) => builder.proxy(
            Proxy::https(url).map_err(|error| HttpError::Proxy { reason: innermost(&error) })?,
        ),
    })
}

/// Whether a URL names this machine itself.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn builder(settings: &Settings) -> Result<ClientBuilder, HttpError> {
    #[expect(clippy::disallowed_methods, reason = "this is the place that builds HTTP clients")]
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(settings.connect_timeout)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .pool_idle_timeout(POOL_IDLE)
        // Every request in flight may come back to the pool; more are never idle.
        .pool_max_idle_per_host(settings.max_concurrent.max(8));
    if let Some(path) = &settings.ca_file {
        builder = builder.tls_certs_merge(certificates(path)?);
    }
    Ok(builder)
}

fn build(builder: ClientBuilder) -> Result<reqwest::Client, HttpError> {
    builder.build().map_err(|error| HttpError::Tls { reason: innermost(&error) })
}

/// Whether the certificates in this file can be used, for telling so at the start.
pub fn check_ca_file(path: &Path) -> Result<(), HttpError> {
    certificates(path).map(drop)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, HttpError> {
    let shown = || path.display().to_string();
    let pem = std::fs::read(path)
        .map_err(|error| HttpError::CaFile { path: shown(), reason: error.kind().to_string() })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(HttpError::CaFormat { path: shown() }),
    }
}

/// The text of the last error in the chain: the one that knows the reason.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    crate::ids::shorten(&last.to_string(), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_is_built_without_a_ca_file() {
        assert!(build_client(&Settings::default()).is_ok());
        assert!(build_direct_client(&Settings::default()).is_ok());
    }

    /// A resolver that knows no name.
    struct Nowhere;

    impl Resolve for Nowhere {
        fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(async { Err("this resolver was asked".into()) })
        }
    }

    #[tokio::test]
    async fn a_client_for_strangers_asks_the_given_resolver_and_speaks_only_https() {
        let reach = Reach::Direct(Arc::new(Nowhere));
        let client = build_strangers_client(reach, Duration::from_secs(1), vec![]).unwrap();
        let failure = async |url: &str| innermost(&client.get(url).send().await.unwrap_err());
        assert_eq!(failure("https://app.example.test/x").await, "this resolver was asked");
        assert_ne!(failure("http://app.example.test/x").await, "this resolver was asked");
    }

    #[test]
    fn only_this_machine_itself_is_loopback() {
        let loopback = |url: &str| is_loopback(&url.parse().unwrap());
        for url in
            ["http://127.0.0.1:9/x", "http://127.9.9.9", "https://[::1]:1", "http://localhost"]
        {
            assert!(loopback(url), "{url}");
        }
        for url in ["https://sentry.io", "http://10.0.0.1", "https://localhost.example.test"] {
            assert!(!loopback(url), "{url}");
        }
    }

    #[test]
    fn a_ca_file_that_is_missing_or_no_certificate_is_told_by_name() {
        let missing = Settings { ca_file: Some("no/such/ca.pem".into()), ..Settings::default() };
        let error = build_client(&missing).map(drop).unwrap_err().to_string();
        assert!(error.contains("no/such/ca.pem"), "{error}");
        assert_eq!(check_ca_file(Path::new("no/such/ca.pem")).unwrap_err().to_string(), error);
        let source = Settings {
            ca_file: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into()),
            ..Settings::default()
        };
        let error = build_client(&source).map(drop).unwrap_err().to_string();
        assert!(error.contains("BEGIN CERTIFICATE"), "{error}");
    }
}
