//! The settings of the HTTP server made into values, each checked with its place: where it may
//! listen, what its own address is, and where its secrets are.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;
use sentry_client::http::is_loopback;
use url::Url;

use super::{HTTP_ONLY, HttpConfig, Kind, StepUp};
use crate::config::{ConfigError, layer, layer::Layers, settled::count, table::Setting};

/// A file with a secret is not longer than this, in bytes.
const MAX_SECRET_FILE: u64 = 16 * 1024;

/// What is left of the settings of the HTTP server when they were checked.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where to listen.
    pub bind: SocketAddr,
    /// The origin of this server for clients and browsers. `None` only on loopback: then it
    /// follows from the port that is bound.
    pub public_url: Option<Url>,
    /// The certificate to serve with.
    pub tls: Option<Tls>,
    /// The peers whose forwarded headers count.
    pub behind_proxy: Vec<IpNet>,
    /// Further origins whose pages may call, as browsers write them.
    pub allowed_origins: Vec<String>,
    /// Where the store is.
    pub store: StoreLocation,
    /// The proxy that fetches metadata documents of clients.
    pub cimd_proxy: Option<Url>,
    /// How a call beyond the grant is answered.
    pub step_up: StepUp,
    /// The calls of one subject at a time.
    pub max_concurrent_calls: usize,
    /// The requests of one subject per minute.
    pub caller_rate: u32,
    /// The requests of one address per minute.
    pub address_rate: u32,
    /// The connections at a time.
    pub max_connections: usize,
    /// How long requests in flight may take at the end.
    pub drain_timeout: Duration,
}

/// The files that TLS is served with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Where grants and tokens are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// In a file.
    File(PathBuf),
    /// In memory, until the server stops.
    Memory,
}

impl HttpSettings {
    pub(super) fn check(config: &HttpConfig, layers: &Layers) -> Result<HttpSettings, ConfigError> {
        bounds(config, layers)?;
        let bind = bind(config, layers)?;
        let public_url = public_url(config, layers)?;
        let tls = tls(config, layers)?;
        let behind_proxy = behind_proxy(config, layers)?;
        let settings = HttpSettings {
            bind,
            public_url,
            tls,
            behind_proxy,
            allowed_origins: origins(config, layers)?,
            store: store(config, layers)?,
            cimd_proxy: cimd_proxy(config, layers)?,
            step_up: config.step_up,
            max_concurrent_calls: count(config.max_concurrent_calls),
            caller_rate: rate(config.caller_rate),
            address_rate: rate(config.address_rate),
            max_connections: count(config.max_connections),
            drain_timeout: Duration::from_secs(config.drain_timeout),
        };
        settings.reachable(layers)?;
        Ok(settings)
    }

    /// Whether it is safe to be reached from where `bind` lets it be reached.
    fn reachable(&self, layers: &Layers) -> Result<(), ConfigError> {
        if self.bind.ip().is_loopback() {
            return Ok(());
        }
        if self.tls.is_none() && self.behind_proxy.is_empty() {
            return Err(layers.invalid(
                "bind",
                format_args!(
                    "{} is reached from other machines, and tokens would travel in the clear; add \
                     `--tls-cert` and `--tls-key`, or `--behind-proxy` with the networks of the \
                     reverse proxy that ends TLS, or bind 127.0.0.1",
                    self.bind
                ),
            ));
        }
        if self.public_url.is_none() {
            return Err(layers.invalid(
                "bind",
                format_args!(
                    "{} is reached from other machines, which need to know this server by one \
                     name; set `--public-url` or `MCP_PUBLIC_URL`, for example \
                     https://mcp.example.com",
                    self.bind
                ),
            ));
        }
        Ok(())
    }
}

fn rate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn bounds(config: &HttpConfig, layers: &Layers) -> Result<(), ConfigError> {
    for &Setting { name, kind, .. } in HTTP_ONLY {
        let (Kind::Number(least, most), Some(number)) = (kind, number(config, name)) else {
            continue;
        };
        if !(least..=most).contains(&number) {
            let problem = format_args!("{number} is not from {least} to {most}");
            return Err(layers.invalid(name, problem));
        }
    }
    Ok(())
}

fn number(config: &HttpConfig, name: &str) -> Option<u64> {
    Some(match name {
        "max_concurrent_calls" => config.max_concurrent_calls,
        "caller_rate" => config.caller_rate,
        "address_rate" => config.address_rate,
        "max_connections" => config.max_connections,
        "drain_timeout" => config.drain_timeout,
        _ => return None,
    })
}

fn bind(config: &HttpConfig, layers: &Layers) -> Result<SocketAddr, ConfigError> {
    config.bind.trim().parse().map_err(|_| {
        layers.invalid("bind", "expected an IP address and a port, such as 127.0.0.1:8787")
    })
}

fn public_url(config: &HttpConfig, layers: &Layers) -> Result<Option<Url>, ConfigError> {
    let Some(text) = &config.public_url else { return Ok(None) };
    let invalid = |problem: &str| Err(layers.invalid("public_url", problem));
    let Some(url) = origin_of(text.trim()) else {
        return invalid(
            "expected https:// and a host, without user, path, query and fragment, such as \
             https://mcp.example.com",
        );
    };
    if url.scheme() == "http" && !is_loopback(&url) {
        return invalid(
            "plain http is only for this machine itself (http://localhost), because tokens would \
             travel in the clear; use https://",
        );
    }
    Ok(Some(url))
}

/// A URL that is an http or https origin and nothing more.
fn origin_of(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.host().is_some()
        // What the parser forgives, such as `https:example.test`, was not meant.
        && text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
    (plain && matches!(url.scheme(), "https" | "http")).then_some(url)
}

fn tls(config: &HttpConfig, layers: &Layers) -> Result<Option<Tls>, ConfigError> {
    match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => Ok(Some(Tls { cert: cert.clone(), key: key.clone() })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(layers.invalid("tls_cert", "a certificate needs its key: add `--tls-key`"))
        }
        (None, Some(_)) => {
            Err(layers.invalid("tls_key", "a key needs its certificate: add `--tls-cert`"))
        }
    }
}

fn behind_proxy(config: &HttpConfig, layers: &Layers) -> Result<Vec<IpNet>, ConfigError> {
    let parsed = config.behind_proxy.iter().map(|text| {
        let address = || Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?));
        let net = text.parse::<IpNet>().ok().or_else(address);
        let net = net.ok_or_else(|| {
            let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
            let problem = format!("`{shown}` is no network; write it like 10.0.0.0/8 or fd00::/8");
            layers.invalid("behind_proxy", problem)
        })?;
        if net.prefix_len() == 0 {
            let problem = "everybody would be a trusted proxy; name the networks of yours";
            return Err(layers.invalid("behind_proxy", problem));
        }
        Ok(net.trunc())
    });
    parsed.collect()
}

fn origins(config: &HttpConfig, layers: &Layers) -> Result<Vec<String>, ConfigError> {
    let parsed = config.allowed_origins.iter().map(|text| match origin_of(text) {
        Some(url) => Ok(url.origin().ascii_serialization()),
        None => Err(layers.invalid(
            "allowed_origins",
            "expected a scheme and a host, such as https://app.example.com, and no `*`",
        )),
    });
    parsed.collect()
}

fn store(config: &HttpConfig, layers: &Layers) -> Result<StoreLocation, ConfigError> {
    let invalid = |problem: &str| Err(layers.invalid("store", problem));
    match config.store.as_deref().map(str::trim) {
        Some("") => invalid("the path is empty"),
        Some("memory") => Ok(StoreLocation::Memory),
        Some(text) if text.contains("://") => {
            invalid("only a file, or `memory`, can be the store: give a path")
        }
        Some(path) => Ok(StoreLocation::File(path.into())),
        None => match layer::state_folder() {
            Some(folder) => Ok(StoreLocation::File(folder.join("http.sqlite3"))),
            None => invalid(
                "there is no home folder to keep it in; name a file with `--store` or \
                 `SENTRY_MCP_STORE`",
            ),
        },
    }
}

fn cimd_proxy(config: &HttpConfig, layers: &Layers) -> Result<Option<Url>, ConfigError> {
    let Some(text) = config.cimd_proxy.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let url = text.trim().parse::<Url>().ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    url.map(Some).ok_or_else(|| {
        layers.invalid("cimd_proxy", "expected a URL such as http://egress.example.com:3128")
    })
}

/// The secret in a file, without the blanks around it. The error is a problem in words.
pub(super) fn secret_in(path: &std::path::Path) -> Result<SecretString, String> {
    let failed = |err: std::io::Error| {
        format!("cannot read {}: {}; check that this server may", path.display(), err.kind())
    };
    if fs::metadata(path).map_err(failed)?.len() > MAX_SECRET_FILE {
        return Err(format!("{} is too long to hold a secret", path.display()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(SecretString::from(secret.to_owned()))
}

pub(super) fn value(config: &HttpConfig, name: &str) -> Option<String> {
    let path = |path: &Option<PathBuf>| Some(path.as_ref()?.display().to_string());
    let list = |parts: &[String]| Some(parts.join(",")).filter(|text| !text.is_empty());
    match name {
        "public_url" => config.public_url.clone(),
        "bind" => Some(config.bind.clone()),
        "store" => config.store.clone(),
        "encryption_key" => config.encryption_key.as_ref().map(|_| String::new()),
        "encryption_key_file" => path(&config.encryption_key_file),
        "client_id" => config.client_id.clone(),
        "client_secret" => config.client_secret.as_ref().map(|_| String::new()),
        "client_secret_file" => path(&config.client_secret_file),
        "step_up" => Some(config.step_up.to_string()),
        "tls_cert" => path(&config.tls_cert),
        "tls_key" => path(&config.tls_key),
        "behind_proxy" => list(&config.behind_proxy),
        "allowed_origins" => list(&config.allowed_origins),
        "allowed_redirect_schemes" => list(&config.allowed_redirect_schemes),
        "cimd_proxy" => config.cimd_proxy.clone(),
        "log_format" => Some(config.log_format.to_string()),
        "clients" => list(&config.clients.iter().map(|one| one.id.clone()).collect::<Vec<_>>()),
        _ => number(config, name).map(|number| number.to_string()),
    }
}
