//! The settings that only the HTTP server has, beside those it shares with the stdio server.
//!
//! What they mean together is checked in `settled.rs`; nothing here opens a socket or a store.

mod settled;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf};

use figment::{Figment, Provider, value::Dict};
use schemars::{JsonSchema, Schema};
use scopes::{DEFAULT_GRANT, Granted, Origin};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::settled::{HttpSettings, StoreLocation, Tls};
use super::{
    Config, ConfigError, Entry, Field, Loaded, Place,
    layer::{self, Layers},
    precedence,
    settled::{Settled, entries_with, value},
    table::{HTTP, Kind, ONE_CALLER_ONLY, Setting, number, text},
};

/// What an operator of the HTTP server can decide, beside [`Config`].
///
/// The doc comments are the documentation of the settings, see [`http_fields`]. A default stands
/// in [`HttpConfig::default`] and nowhere else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where clients and browsers reach this server: `https://` and the host, without a path. It
    /// is the issuer of every token. Without it the server can only be reached on this machine.
    pub public_url: Option<String>,
    /// The address and port to listen on. An address that other machines reach needs `tls_cert`
    /// and `tls_key`, or `behind_proxy`.
    pub bind: String,
    /// The file that holds grants, tokens (as digests) and registered clients; `memory` keeps
    /// them until the server stops. Without it `sentry-mcp/http.sqlite3` in `XDG_STATE_HOME`, else
    /// in `~/.local/state`.
    pub store: Option<String>,
    /// The key that seals Sentry's tokens in the store: 32 bytes in hexadecimal or Base64. Several,
    /// separated by commas: the first seals, the others still open. Without it and
    /// `encryption_key_file` the server makes one beside the store.
    #[schemars(with = "Option<String>")]
    pub encryption_key: Option<SecretString>,
    /// A file that holds nothing but what `encryption_key` would.
    pub encryption_key_file: Option<PathBuf>,
    /// The client ID of this server's application at Sentry.
    pub client_id: Option<String>,
    /// The client secret of this server's application at Sentry.
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
    /// A file that holds nothing but the client secret.
    pub client_secret_file: Option<PathBuf>,
    /// How a call that needs more than was granted is answered: `challenge` with status 403, so
    /// that the client asks the person again; `in-band` with a result that tells the model.
    pub step_up: StepUp,
    /// A PEM file with the certificate chain of this server, the server's own first.
    pub tls_cert: Option<PathBuf>,
    /// A PEM file with the private key of `tls_cert`.
    pub tls_key: Option<PathBuf>,
    /// The networks of the reverse proxies in front of this server. Only what they send is
    /// believed about the address of a client. A list, separated by commas outside the file.
    #[serde(deserialize_with = "layer::list")]
    #[schemars(with = "Vec<String>")]
    pub behind_proxy: Vec<String>,
    /// Web origins whose pages may call the MCP endpoint, beside those of this machine. A list,
    /// separated by commas outside the file.
    #[serde(deserialize_with = "layer::list")]
    #[schemars(with = "Vec<String>")]
    pub allowed_origins: Vec<String>,
    /// Private-use schemes that a client's redirect may have, such as `cursor` or `vscode`. A
    /// list, separated by commas outside the file.
    #[serde(deserialize_with = "layer::list")]
    #[schemars(with = "Vec<String>")]
    pub allowed_redirect_schemes: Vec<String>,
    /// A proxy that fetches the metadata documents of clients. It must enforce egress itself.
    pub cimd_proxy: Option<String>,
    /// The calls of one person that may run at a time: 1 to 1000.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_concurrent_calls: u64,
    /// The requests of one person per minute: 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub caller_rate: u64,
    /// The requests of one network address per minute: 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub address_rate: u64,
    /// The connections that may be open at a time: 1 to 100000.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_connections: u64,
    /// Seconds that requests in flight may take once the server was asked to stop: 0 to 3600.
    #[schemars(range(min = 0, max = 3_600))]
    pub drain_timeout: u64,
    /// How log lines are written: `text` or `json`.
    pub log_format: LogFormat,
    /// Clients that need not register, each with `id`, `name`, `redirect_uris` and, if it can keep
    /// a secret, `secret_file`.
    pub clients: Vec<ClientConfig>,
}

impl Default for HttpConfig {
    fn default() -> HttpConfig {
        HttpConfig {
            public_url: None,
            bind: "127.0.0.1:8787".to_owned(),
            store: None,
            encryption_key: None,
            encryption_key_file: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            step_up: StepUp::Challenge,
            tls_cert: None,
            tls_key: None,
            behind_proxy: Vec::new(),
            allowed_origins: Vec::new(),
            allowed_redirect_schemes: Vec::new(),
            cimd_proxy: None,
            max_concurrent_calls: 16,
            caller_rate: 300,
            address_rate: 3_000,
            max_connections: 1_024,
            drain_timeout: 60,
            log_format: LogFormat::Text,
            clients: Vec::new(),
        }
    }
}

/// A client that an operator registered by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// The `client_id` that it sends.
    pub id: String,
    /// What the approval dialog calls it.
    pub name: String,
    /// Where it may have its codes sent, written exactly as it writes them.
    pub redirect_uris: Vec<String>,
    /// A file that holds nothing but its secret; absent for a client that cannot keep one.
    pub secret_file: Option<PathBuf>,
}

/// How a call that needs more than was granted is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepUp {
    /// With status 403 and the scopes, so that the client asks the person again.
    #[default]
    Challenge,
    /// With a result that tells the model.
    InBand,
}

impl fmt::Display for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StepUp::Challenge => "challenge",
            StepUp::InBand => "in-band",
        })
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

const fn env_only(name: &'static str, env: &'static str) -> Setting {
    Setting { secret: true, ..text(name, "", env) }
}

/// Every setting of [`HttpConfig`], in the order of its fields.
pub(super) const HTTP_ONLY: &[Setting] = &[
    text("public_url", "--public-url", "MCP_PUBLIC_URL"),
    text("bind", "--bind", "SENTRY_MCP_BIND"),
    text("store", "--store", "SENTRY_MCP_STORE"),
    env_only("encryption_key", "MCP_ENCRYPTION_KEY"),
    text("encryption_key_file", "--encryption-key-file", "MCP_ENCRYPTION_KEY_FILE"),
    text("client_id", "--client-id", "SENTRY_CLIENT_ID"),
    env_only("client_secret", "SENTRY_CLIENT_SECRET"),
    text("client_secret_file", "--client-secret-file", "SENTRY_CLIENT_SECRET_FILE"),
    text("step_up", "--step-up", "SENTRY_MCP_STEP_UP"),
    text("tls_cert", "--tls-cert", "SENTRY_MCP_TLS_CERT"),
    text("tls_key", "--tls-key", "SENTRY_MCP_TLS_KEY"),
    text("behind_proxy", "--behind-proxy", "SENTRY_MCP_BEHIND_PROXY"),
    text("allowed_origins", "--allowed-origin", "SENTRY_MCP_ALLOWED_ORIGINS"),
    text(
        "allowed_redirect_schemes",
        "--allowed-redirect-scheme",
        "SENTRY_MCP_ALLOWED_REDIRECT_SCHEMES",
    ),
    text("cimd_proxy", "--cimd-proxy", "SENTRY_MCP_CIMD_PROXY"),
    number(
        "max_concurrent_calls",
        "--max-concurrent-calls",
        "SENTRY_MCP_MAX_CONCURRENT_CALLS",
        (1, 1_000),
    ),
    number("caller_rate", "--caller-rate", "SENTRY_MCP_CALLER_RATE", (1, 10_000_000)),
    number("address_rate", "--address-rate", "SENTRY_MCP_ADDRESS_RATE", (1, 10_000_000)),
    number("max_connections", "--max-connections", "SENTRY_MCP_MAX_CONNECTIONS", (1, 100_000)),
    number("drain_timeout", "--drain-timeout", "SENTRY_MCP_DRAIN_TIMEOUT", (0, 3_600)),
    text("log_format", "--log-format", "SENTRY_MCP_LOG_FORMAT"),
    Setting { env: None, kind: Kind::Table, ..text("clients", "", "") },
];

/// Settings of the HTTP server that were read, checked, and made into values.
#[derive(Clone, Debug)]
pub struct HttpLoaded {
    /// What both servers have. Nobody is granted anything here, and there is no token: each
    /// caller brings them.
    pub shared: Loaded,
    /// What only the HTTP server has, as it was written.
    pub config: HttpConfig,
    settled: HttpSettings,
}

impl HttpLoaded {
    /// Reads all layers; see [`Loaded::read`]. The usual config file is `sentry-mcp/http.toml`.
    pub fn read(file: Option<PathBuf>, flags: &dyn Provider) -> Result<HttpLoaded, ConfigError> {
        HttpLoaded::of(Layers::read(&HTTP, file, flags)?)
    }

    /// The same from flags alone: no environment and no file has a say, as in the demo.
    pub fn of_flags(flags: &dyn Provider) -> Result<HttpLoaded, ConfigError> {
        HttpLoaded::of(Layers::of_flags(&HTTP, flags)?)
    }

    fn of(mut layers: Layers) -> Result<HttpLoaded, ConfigError> {
        refuse_what_each_caller_brings(&layers)?;
        precedence::settle_http(&mut layers)?;
        let (http, shared): (Vec<Dict>, Vec<Dict>) = layers.iter().rev().map(split).unzip();
        let config: Config = merged(shared).extract().map_err(|err| layers.explain(err))?;
        let http: HttpConfig = merged(http).extract().map_err(|err| layers.explain(err))?;
        let granted = Granted { scopes: DEFAULT_GRANT, origin: Origin::Default };
        let settled = Settled::check(&config, &layers, granted)?;
        let http_settled = HttpSettings::check(&http, &layers)?;
        let shared = Loaded { config, layers, settled };
        Ok(HttpLoaded { shared, config: http, settled: http_settled })
    }

    /// Whether the files that the settings name can be used as they are now.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        self.shared.check_files()?;
        self.client_secret()?;
        self.encryption_key()?;
        self.config.clients.iter().try_for_each(|client| self.secret_of(client).map(drop))
    }

    /// The values that the server takes.
    pub fn settings(&self) -> &HttpSettings {
        &self.settled
    }

    /// The secret of this server's application at Sentry; a file is read now.
    pub fn client_secret(&self) -> Result<Option<SecretString>, ConfigError> {
        let HttpConfig { client_secret, client_secret_file, .. } = &self.config;
        self.secret(client_secret.as_ref(), client_secret_file.as_ref(), "client_secret_file")
    }

    /// The keys that seal what the store holds; a file is read now.
    pub fn encryption_key(&self) -> Result<Option<SecretString>, ConfigError> {
        let HttpConfig { encryption_key, encryption_key_file, .. } = &self.config;
        self.secret(encryption_key.as_ref(), encryption_key_file.as_ref(), "encryption_key_file")
    }

    /// The secret of a client of the settings; its file is read now.
    pub fn secret_of(&self, client: &ClientConfig) -> Result<Option<SecretString>, ConfigError> {
        self.secret(None, client.secret_file.as_ref(), "clients")
    }

    fn secret(
        &self,
        value: Option<&SecretString>,
        file: Option<&PathBuf>,
        file_key: &str,
    ) -> Result<Option<SecretString>, ConfigError> {
        let Some(path) = file else { return Ok(value.cloned()) };
        settled::secret_in(path)
            .map(Some)
            .map_err(|problem| self.shared.layers.invalid(file_key, problem))
    }

    /// An error about one setting, with the place where it was given.
    pub fn invalid(&self, key: &str, problem: impl fmt::Display) -> ConfigError {
        self.shared.layers.invalid(key, problem)
    }

    /// Where the value of a setting comes from.
    pub fn place(&self, key: &str) -> Place {
        self.shared.place(key)
    }

    /// Every setting with its value and where it came from. Secrets are masked.
    pub fn entries(&self) -> Vec<Entry> {
        entries_with(&self.shared.layers, |name| {
            if is_http_only(name) {
                settled::value(&self.config, name)
            } else {
                value(&self.shared.config, name)
            }
        })
    }
}

fn is_http_only(key: &str) -> bool {
    HTTP_ONLY.iter().any(|setting| setting.name == key)
}

/// What belongs to [`HttpConfig`], and what to [`Config`], which also gets what nobody knows.
fn split(layer: &layer::Layer) -> (Dict, Dict) {
    layer.values.clone().into_iter().partition(|(key, _)| is_http_only(key))
}

/// The lowest first.
fn merged(layers: Vec<Dict>) -> Figment {
    layers.into_iter().fold(Figment::new(), |merged, values| {
        merged.merge(figment::providers::Serialized::defaults(values))
    })
}

fn refuse_what_each_caller_brings(layers: &Layers) -> Result<(), ConfigError> {
    for layer in layers.iter() {
        if let Some(key) = ONE_CALLER_ONLY.iter().find(|key| layer.has(key)) {
            return Err(ConfigError::Invalid {
                place: layers.place_in(layer.source, key),
                problem: "the HTTP server has no such setting: each caller logs in at Sentry and \
                          is granted what the person approves, and the path of the MCP endpoint \
                          limits it to an organization or a project; remove it"
                    .to_owned(),
            });
        }
    }
    Ok(())
}

/// Every setting of the HTTP server, in the order in which they are explained.
pub fn http_fields() -> Vec<Field> {
    HTTP.fields(&http_schema())
}

/// The JSON schema of the HTTP server's config file.
pub fn http_schema() -> Schema {
    let mut schema = schemars::schema_for!(HttpConfig);
    let shared = schemars::schema_for!(Config);
    let part = |of: &Schema, key: &str| of.get(key).and_then(Value::as_object).cloned();
    let mut properties = part(&shared, "properties").unwrap_or_default();
    properties.retain(|name, _| HTTP.setting(name).is_some());
    let mut definitions = part(&shared, "$defs").unwrap_or_default();
    definitions.retain(|name, _| name != "Probe");
    properties.extend(part(&schema, "properties").unwrap_or_default());
    definitions.extend(part(&schema, "$defs").unwrap_or_default());
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("$defs".to_owned(), Value::Object(definitions));
    schema
}
