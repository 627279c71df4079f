//! Settings made into the values that the other crates take, each checked with its place.

use std::time::Duration;

use scopes::Granted;
use secrecy::ExposeSecret as _;
use sentry_client::{Fence, Settings, Site, Slug, TokenSource, docs::DocsService};
use tools::installation::Installation;

use super::{
    Config, ConfigError, Place,
    layer::Layers,
    models,
    table::{Kind, Setting},
};
use crate::telemetry;

/// The longest token that is believed to be one, in bytes.
const MAX_TOKEN: usize = 4096;

/// What is left when every setting was checked.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) granted: Granted,
    pub(super) settings: Settings,
    pub(super) token: TokenSource,
    pub(super) fence: Fence,
    pub(super) installation: Installation,
}

impl Settled {
    pub(super) fn check(
        config: &Config,
        layers: &Layers,
        granted: Granted,
    ) -> Result<Settled, ConfigError> {
        bounds(config, layers)?;
        telemetry::parse(&config.log).map_err(|err| layers.invalid("log", err))?;
        let settings = settings(config, site(config, layers)?);
        let agent = models::agent(config, layers, &settings)?;
        Ok(Settled {
            granted,
            settings,
            token: token(config, layers)?,
            fence: fence(config, layers)?,
            installation: Installation {
                docs: docs(config, layers)?,
                max_tokens: count(config.max_tokens),
                max_attachment: count(config.max_attachment),
                output: config.output,
                agent,
            },
        })
    }
}

pub(super) fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn settings(config: &Config, site: Site) -> Settings {
    Settings {
        site,
        ca_file: config.ca_file.clone(),
        connect_timeout: Duration::from_secs(config.connect_timeout),
        first_byte_timeout: Duration::from_secs(config.first_byte_timeout),
        call_timeout: Duration::from_secs(config.call_timeout),
        max_body: count(config.max_body),
        max_concurrent: count(config.max_concurrent_requests),
    }
}

fn bounds(config: &Config, layers: &Layers) -> Result<(), ConfigError> {
    for &Setting { name, kind, .. } in &layers.program().settings {
        let Kind::Number(least, most) = kind else { continue };
        // The settings of another struct are checked where that is.
        let Some(number) = number(config, name) else { continue };
        if !(least..=most).contains(&number) {
            let problem = format_args!("{number} is not from {least} to {most}");
            return Err(layers.invalid(name, problem));
        }
    }
    Ok(())
}

fn number(config: &Config, name: &str) -> Option<u64> {
    Some(match name {
        "call_timeout" => config.call_timeout,
        "connect_timeout" => config.connect_timeout,
        "first_byte_timeout" => config.first_byte_timeout,
        "max_body" => config.max_body,
        "max_concurrent_requests" => config.max_concurrent_requests,
        "max_tokens" => config.max_tokens,
        "max_attachment" => config.max_attachment,
        _ => return None,
    })
}

fn site(config: &Config, layers: &Layers) -> Result<Site, ConfigError> {
    let insecure = config.insecure_http;
    let site = match (&config.url, &config.host) {
        (Some(_), _) if insecure => {
            return Err(layers.invalid(
                "insecure_http",
                format_args!(
                    "plain HTTP goes with a host only, and {} names a URL; use `--host` or \
                     `SENTRY_HOST` for a Sentry without TLS, or drop the switch",
                    layers.place("url")
                ),
            ));
        }
        (None, None) if insecure => {
            return Err(layers.invalid(
                "insecure_http",
                "sentry.io is never asked over plain HTTP; name your own Sentry with `--host` or \
                 `SENTRY_HOST`, or drop the switch",
            ));
        }
        (Some(url), _) => Site::parse_url(url, false).map_err(|err| layers.invalid("url", err))?,
        (None, Some(host)) => {
            Site::parse_host(host, insecure).map_err(|err| layers.invalid("host", err))?
        }
        (None, None) => Site::saas(),
    };
    site.with_region_hosts(config.region_hosts.iter().map(String::as_str))
        .map_err(|err| layers.invalid("region_hosts", err))
}

fn token(config: &Config, layers: &Layers) -> Result<TokenSource, ConfigError> {
    if let Some(path) = &config.access_token_file {
        if path.as_os_str().is_empty() {
            return Err(layers.invalid("access_token_file", "the path is empty"));
        }
        return Ok(TokenSource::File(path.clone()));
    }
    let Some(secret) = &config.access_token else { return Ok(TokenSource::Missing) };
    let token = secret.expose_secret().trim();
    let problem = if token.is_empty() {
        "the token is empty"
    } else if token.len() > MAX_TOKEN {
        "the token is too long to be one"
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        "the token has a character in it that no token has: copy it again"
    } else {
        return Ok(TokenSource::fixed(token));
    };
    Err(layers.invalid("access_token", problem))
}

fn fence(config: &Config, layers: &Layers) -> Result<Fence, ConfigError> {
    let slug = |key: &str, text: &Option<String>| {
        let parsed = text.as_deref().map(|text| text.trim().parse::<Slug>()).transpose();
        parsed.map_err(|err| layers.invalid(key, err))
    };
    let organization = slug("organization_slug", &config.organization_slug)?;
    let project = slug("project_slug", &config.project_slug)?;
    if project.is_some() && organization.is_none() {
        return Err(layers.invalid(
            "project_slug",
            "a project needs its organization: add `--organization-slug` or \
             `SENTRY_MCP_ORGANIZATION_SLUG`",
        ));
    }
    Ok(Fence { organization, project })
}

fn docs(config: &Config, layers: &Layers) -> Result<Option<DocsService>, ConfigError> {
    let url = config.docs_url.trim();
    if url.is_empty() {
        return Ok(None);
    }
    // One of the two is wrong; the search is checked alone to find out which.
    let parsed = DocsService::parse(url, config.docs_base_url.trim());
    let key = match DocsService::parse(url, url) {
        Ok(_) => "docs_base_url",
        Err(_) => "docs_url",
    };
    parsed.map(Some).map_err(|err| layers.invalid(key, err))
}

/// One setting as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key, as in the config file.
    pub name: &'static str,
    /// The value as text, `None` if it is not set. A secret is masked.
    pub value: Option<String>,
    /// Where it was given.
    pub place: Place,
}

/// What stands for the value of a secret.
const MASK: &str = "********";

pub(super) fn entries(config: &Config, layers: &Layers) -> Vec<Entry> {
    entries_with(layers, |name| value(config, name))
}

/// The entries of a program whose values are found by `value`.
pub(super) fn entries_with(layers: &Layers, value: impl Fn(&str) -> Option<String>) -> Vec<Entry> {
    let entry = |&Setting { name, secret, .. }: &Setting| {
        let value = value(name);
        Entry {
            name,
            value: if secret { value.map(|_| MASK.to_owned()) } else { value },
            place: layers.place(name),
        }
    };
    layers.program().settings.iter().map(entry).collect()
}

pub(super) fn value(config: &Config, name: &str) -> Option<String> {
    let path = |path: &Option<std::path::PathBuf>| Some(path.as_ref()?.display().to_string());
    match name {
        "access_token" => config.access_token.as_ref().map(|_| String::new()),
        "access_token_file" => path(&config.access_token_file),
        "host" => config.host.clone(),
        "url" => config.url.clone(),
        "insecure_http" => Some(config.insecure_http.to_string()),
        "region_hosts" => Some(config.region_hosts.join(",")).filter(|hosts| !hosts.is_empty()),
        "ca_file" => path(&config.ca_file),
        "organization_slug" => config.organization_slug.clone(),
        "project_slug" => config.project_slug.clone(),
        "scopes" => config.scopes.clone(),
        "add_scopes" => config.add_scopes.clone(),
        "all_scopes" => Some(config.all_scopes.to_string()),
        "docs_url" => Some(config.docs_url.clone()),
        "docs_base_url" => Some(config.docs_base_url.clone()),
        "output" => Some(config.output.to_string()),
        "probe" => Some(config.probe.to_string()),
        "log" => Some(config.log.clone()),
        _ => number(config, name)
            .map(|number| number.to_string())
            .or_else(|| models::value(config, name)),
    }
}
