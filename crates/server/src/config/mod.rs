//! Settings, lowest layer first: defaults, file, environment, flags.
//!
//! This is the only module that reads the environment. It opens no connection and does not
//! read the token file.

mod error;
mod http;
mod layer;
mod models;
mod precedence;
mod settled;
mod table;
#[cfg(test)]
mod tests;
mod unknown;

use std::{fmt, path::PathBuf};

use figment::{Figment, Provider};
use schemars::JsonSchema;
use scopes::Granted;
use secrecy::SecretString;
use sentry_client::{Fence, Settings, TokenSource, docs::DocsService, http as client};
use serde::{Deserialize, Serialize};
pub use tools::installation::Format;
use tools::installation::Installation;

pub use self::{
    error::ConfigError,
    http::{
        ClientConfig, HttpConfig, HttpLoaded, HttpSettings, LogFormat, StepUp, StoreLocation, Tls,
        http_fields, http_schema,
    },
    layer::Place,
    settled::Entry,
    table::{Field, fields, schema},
    unknown::unknown_variables,
};
use self::{layer::Layers, settled::Settled, table::STDIO};

/// What an operator can decide.
///
/// The doc comments are the documentation of the settings, see [`fields`]. A default stands in
/// [`Config::default`] and nowhere else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The Sentry auth token. Prefer the variable or `access_token_file`: other users of the
    /// machine can see a command line.
    #[schemars(with = "Option<String>")]
    pub access_token: Option<SecretString>,
    /// A file that holds nothing but the Sentry auth token. It is read again when it changes.
    /// Of `access_token` and `access_token_file`, the one in the higher layer is used.
    pub access_token_file: Option<PathBuf>,
    /// The host of the Sentry installation, with a port if it has its own. Without `host` and
    /// `url` it is `sentry.io`. The highest layer that sets `host` or `url` decides; inside one
    /// layer `url` wins.
    pub host: Option<String>,
    /// The address of the Sentry installation, `https://` and the host.
    pub url: Option<String>,
    /// Speak plain HTTP with `host`. The token then travels in the clear. Never with `url`, never
    /// with `sentry.io`, and ignored where a higher layer names another host.
    pub insecure_http: bool,
    /// Further hosts that an installation of your own may name as the region of an organization.
    /// They receive the token. A list, separated by commas outside the file.
    #[serde(deserialize_with = "layer::list")]
    #[schemars(with = "Vec<String>")]
    pub region_hosts: Vec<String>,
    /// A PEM file with certificate authorities, added to those of the system.
    pub ca_file: Option<PathBuf>,
    /// Limits every tool to this organization.
    pub organization_slug: Option<String>,
    /// Limits every tool to this project of `organization_slug`.
    pub project_slug: Option<String>,
    /// Exactly these scopes are granted. The highest layer that sets `scopes` or `add_scopes`
    /// decides alone; inside one layer `scopes` wins.
    #[serde(deserialize_with = "layer::joined")]
    #[schemars(with = "Option<String>")]
    pub scopes: Option<String>,
    /// These scopes are granted on top of the default (`org:read`, `project:read`, `team:read`,
    /// `event:read`).
    #[serde(deserialize_with = "layer::joined")]
    #[schemars(with = "Option<String>")]
    pub add_scopes: Option<String>,
    /// Every scope is granted, whatever else is set. Only as a flag, so that no forgotten file
    /// does it.
    pub all_scopes: bool,
    /// Where the documentation search is. Empty switches the documentation tools off.
    pub docs_url: String,
    /// Where the pages of the documentation are.
    pub docs_base_url: String,
    /// Seconds that one tool call may take, over all its requests: 1 to 3600.
    #[schemars(range(min = 1, max = 3600))]
    pub call_timeout: u64,
    /// Seconds to wait for a connection: 1 to 3600.
    #[schemars(range(min = 1, max = 3600))]
    pub connect_timeout: u64,
    /// Seconds to wait for the first byte of an answer: 1 to 3600.
    #[schemars(range(min = 1, max = 3600))]
    pub first_byte_timeout: u64,
    /// Bytes of the largest answer that is accepted from Sentry, after decompression: 65536 to
    /// 1073741824.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub max_body: u64,
    /// The most requests to Sentry at a time: 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub max_concurrent_requests: u64,
    /// Tokens that one answer may cost a model, where a call does not choose: 200 to 100000.
    #[schemars(range(min = 200, max = 100_000))]
    pub max_tokens: u64,
    /// Bytes of the largest attachment that is downloaded: 1024 to 1073741824.
    #[schemars(range(min = 1_024, max = 1_073_741_824))]
    pub max_attachment: u64,
    /// In what form answers are sent: `text`, or `structured`, which adds the same as JSON, and a
    /// schema of it to each tool. Some clients show a model only one of the two.
    pub output: Format,
    /// Who turns `naturalLanguageQuery` into a search: `openai`, `azure-openai`, `anthropic`,
    /// `openrouter`, or `none`. Without it the provider whose key is set; several keys need a
    /// choice.
    pub agent_provider: Option<String>,
    /// The key for OpenAI or Azure OpenAI.
    #[schemars(with = "Option<String>")]
    pub openai_api_key: Option<SecretString>,
    /// The address of OpenAI, or of a gateway. For Azure OpenAI it ends in `/openai/v1` or in
    /// `/openai/deployments/<name>`. Never from a variable, because the key is sent there.
    pub openai_base_url: Option<String>,
    /// The model at OpenAI; for Azure OpenAI, the deployment.
    pub openai_model: Option<String>,
    /// How much OpenAI's model thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, or
    /// empty to leave it to the model.
    pub openai_reasoning_effort: Option<String>,
    /// The `api-version` for an address of Azure OpenAI that names a deployment.
    pub openai_api_version: Option<String>,
    /// The key for Anthropic.
    #[schemars(with = "Option<String>")]
    pub anthropic_api_key: Option<SecretString>,
    /// The address of Anthropic, or of a gateway. Never from a variable, because the key is sent
    /// there.
    pub anthropic_base_url: Option<String>,
    /// The model at Anthropic.
    pub anthropic_model: Option<String>,
    /// The key for OpenRouter.
    #[schemars(with = "Option<String>")]
    pub openrouter_api_key: Option<SecretString>,
    /// The address of OpenRouter, or of a gateway. Never from a variable, because the key is sent
    /// there.
    pub openrouter_base_url: Option<String>,
    /// The model at OpenRouter, with its maker: `maker/model`.
    pub openrouter_model: Option<String>,
    /// How much OpenRouter's model thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, or
    /// empty to leave it to the model.
    pub openrouter_reasoning_effort: Option<String>,
    /// When Sentry is asked what the token may do: `start` before the first list of tools, so
    /// that tools the token is too narrow for are not listed; `lazy` only after Sentry refused.
    pub probe: Probe,
    /// What is logged to standard error: a level, or `target=level` pairs separated by commas.
    pub log: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            access_token: None,
            access_token_file: None,
            host: None,
            url: None,
            insecure_http: false,
            region_hosts: Vec::new(),
            ca_file: None,
            organization_slug: None,
            project_slug: None,
            scopes: None,
            add_scopes: None,
            all_scopes: false,
            docs_url: "https://mcp.sentry.dev".to_owned(),
            docs_base_url: "https://docs.sentry.io".to_owned(),
            call_timeout: 45,
            connect_timeout: 5,
            first_byte_timeout: 10,
            max_body: 16 * 1024 * 1024,
            max_concurrent_requests: 8,
            max_tokens: 6_000,
            max_attachment: 8 * 1024 * 1024,
            output: Format::Text,
            agent_provider: None,
            openai_api_key: None,
            openai_base_url: None,
            openai_model: None,
            openai_reasoning_effort: None,
            openai_api_version: None,
            anthropic_api_key: None,
            anthropic_base_url: None,
            anthropic_model: None,
            openrouter_api_key: None,
            openrouter_base_url: None,
            openrouter_model: None,
            openrouter_reasoning_effort: None,
            probe: Probe::Lazy,
            log: "warn".to_owned(),
        }
    }
}

/// When Sentry is asked what the token may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Only after Sentry refused a call.
    #[default]
    Lazy,
    /// Before the first list of tools.
    Start,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Probe::Lazy => "lazy",
            Probe::Start => "start",
        })
    }
}

/// Settings that were read, checked, and made into the values that the other crates take.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings as they were written.
    pub config: Config,
    layers: Layers,
    settled: Settled,
}

impl Loaded {
    /// Reads all layers.
    ///
    /// `file` is the config file that a flag named, which must exist. Without it
    /// `sentry-mcp/config.toml` in `XDG_CONFIG_HOME`, else in `~/.config`, is read if there is
    /// one. `flags` holds only what was given on the command line, under the names of
    /// [`Config`]'s fields.
    pub fn read(file: Option<PathBuf>, flags: &dyn Provider) -> Result<Loaded, ConfigError> {
        let mut layers = Layers::read(&STDIO, file, flags)?;
        let granted = precedence::settle(&mut layers)?;
        let merged = layers.iter().rev().fold(Figment::new(), Figment::merge);
        let config: Config = merged.extract().map_err(|err| layers.explain(err))?;
        let settled = Settled::check(&config, &layers, granted)?;
        Ok(Loaded { config, layers, settled })
    }

    /// Whether the token file and the CA file can be used as they are now. Both are read again
    /// when they are needed; this tells a mistake before the first call meets it.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let Loaded { config, layers, settled } = self;
        if let TokenSource::File(_) = settled.token {
            settled.token.check().map_err(|err| layers.invalid("access_token_file", err))?;
        }
        let Some(path) = &config.ca_file else { return Ok(()) };
        client::check_ca_file(path).map_err(|err| layers.invalid("ca_file", err))
    }

    /// The config file that was read, if there is one.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.layers.file()
    }

    /// Where the value of a field of [`Config`] comes from.
    pub fn place(&self, field: &str) -> Place {
        self.layers.place(field)
    }

    /// The scopes, and who decided about them.
    pub fn granted(&self) -> Granted {
        self.settled.granted.clone()
    }

    /// Where Sentry is and how long and how much to take from it.
    pub fn settings(&self) -> Settings {
        self.settled.settings.clone()
    }

    /// Where the token comes from.
    pub fn token(&self) -> TokenSource {
        self.settled.token.clone()
    }

    /// Whether a token was configured. A token file counts without being read.
    pub fn has_token(&self) -> bool {
        !matches!(self.settled.token, TokenSource::Missing)
    }

    /// What every tool is limited to.
    pub fn fence(&self) -> Fence {
        self.settled.fence.clone()
    }

    /// What this deployment offers besides Sentry's API.
    pub fn installation(&self) -> Installation {
        self.settled.installation.clone()
    }

    /// Every setting with its value and where it came from. Secrets are masked.
    pub fn entries(&self) -> Vec<Entry> {
        settled::entries(&self.config, &self.layers)
    }
}

/// What a deployment offers when nothing is set, for documentation and tests.
pub fn default_installation() -> Installation {
    let Config { docs_url, docs_base_url, .. } = Config::default();
    let docs = DocsService::parse(&docs_url, &docs_base_url).ok();
    Installation { docs, ..Installation::default() }
}
