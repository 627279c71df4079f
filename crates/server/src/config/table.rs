//! Which flag and which variable set which field. What a field means is said in [`Config`] and
//! [`super::HttpConfig`].

use std::sync::LazyLock;

use schemars::Schema;
use serde_json::Value;

use super::{Config, http::HTTP_ONLY, models};

/// How the text of a variable becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Taken as it is.
    Text,
    /// A whole number from the first to the second, both included.
    Number(u64, u64),
    /// `true` or `false`.
    Switch,
    /// Only in the config file: no flag and no variable could hold it.
    Table,
}

/// How one field is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// Empty: there is none, because other users of the machine can see a command line.
    pub(super) flag: &'static str,
    /// `None`: only as a flag, or only in the file.
    pub(super) env: Option<&'static str>,
    pub(super) kind: Kind,
    pub(super) secret: bool,
}

pub(super) const fn text(name: &'static str, flag: &'static str, env: &'static str) -> Setting {
    Setting { name, flag, env: Some(env), kind: Kind::Text, secret: false }
}

pub(super) const fn number(
    name: &'static str,
    flag: &'static str,
    env: &'static str,
    (least, most): (u64, u64),
) -> Setting {
    Setting { name, flag, env: Some(env), kind: Kind::Number(least, most), secret: false }
}

/// Every setting before those of the providers.
const SETTINGS: &[Setting] = &[
    Setting { secret: true, ..text("access_token", "--access-token", "SENTRY_ACCESS_TOKEN") },
    text("access_token_file", "--access-token-file", "SENTRY_ACCESS_TOKEN_FILE"),
    text("host", "--host", "SENTRY_HOST"),
    text("url", "--url", "SENTRY_URL"),
    Setting {
        kind: Kind::Switch,
        ..text("insecure_http", "--insecure-http", "SENTRY_MCP_INSECURE_HTTP")
    },
    text("region_hosts", "--region-host", "SENTRY_MCP_REGION_HOSTS"),
    text("ca_file", "--ca-file", "SENTRY_MCP_CA_FILE"),
    text("organization_slug", "--organization-slug", "SENTRY_MCP_ORGANIZATION_SLUG"),
    text("project_slug", "--project-slug", "SENTRY_MCP_PROJECT_SLUG"),
    text("scopes", "--scopes", "MCP_SCOPES"),
    text("add_scopes", "--add-scopes", "MCP_ADD_SCOPES"),
    Setting { env: None, kind: Kind::Switch, ..text("all_scopes", "--all-scopes", "") },
    text("docs_url", "--docs-url", "SENTRY_MCP_DOCS_URL"),
    text("docs_base_url", "--docs-base-url", "SENTRY_MCP_DOCS_BASE_URL"),
    number("call_timeout", "--call-timeout", "SENTRY_MCP_CALL_TIMEOUT", (1, 3600)),
    number("connect_timeout", "--connect-timeout", "SENTRY_MCP_CONNECT_TIMEOUT", (1, 3600)),
    number(
        "first_byte_timeout",
        "--first-byte-timeout",
        "SENTRY_MCP_FIRST_BYTE_TIMEOUT",
        (1, 3600),
    ),
    // Below 64 KiB ordinary issues would not fit; above 1 GiB it is not a limit any more.
    number("max_body", "--max-body", "SENTRY_MCP_MAX_BODY", (1 << 16, 1 << 30)),
    number(
        "max_concurrent_requests",
        "--max-concurrent-requests",
        "SENTRY_MCP_MAX_CONCURRENT_REQUESTS",
        (1, 100),
    ),
    number("max_tokens", "--max-tokens", "SENTRY_MCP_MAX_TOKENS", (200, 100_000)),
    number("max_attachment", "--max-attachment", "SENTRY_MCP_MAX_ATTACHMENT", (1 << 10, 1 << 30)),
    text("output", "--output", "SENTRY_MCP_OUTPUT"),
];

/// Every setting after those of the providers.
const LAST: &[Setting] =
    &[text("probe", "--probe", "SENTRY_MCP_PROBE"), text("log", "--log", "SENTRY_MCP_LOG")];

/// Every setting, in the order of [`Config`]'s fields.
fn all() -> impl Iterator<Item = &'static Setting> {
    [SETTINGS, models::SETTINGS, LAST].into_iter().flatten()
}

/// What only makes sense where one person's client is served: over HTTP each caller brings a
/// token, a grant and a fence of its own.
pub(super) const ONE_CALLER_ONLY: [&str; 8] = [
    "access_token",
    "access_token_file",
    "organization_slug",
    "project_slug",
    "scopes",
    "add_scopes",
    "all_scopes",
    "probe",
];

/// What no file can set; see `precedence`.
const FLAG_ALONE: [&str; 1] = ["all_scopes"];

/// The settings of one program, and where it looks for its config file.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) settings: Vec<Setting>,
    /// The file's name in the folder of the settings.
    pub(super) file: &'static str,
}

/// `sentry-mcp`.
pub(super) static STDIO: LazyLock<Program> =
    LazyLock::new(|| Program { settings: all().copied().collect(), file: "config.toml" });

/// `sentry-mcp-http`.
pub(super) static HTTP: LazyLock<Program> = LazyLock::new(|| {
    let shared = all().filter(|setting| !ONE_CALLER_ONLY.contains(&setting.name));
    Program { settings: shared.chain(HTTP_ONLY).copied().collect(), file: "http.toml" }
});

impl Program {
    pub(super) fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// The setting whose name is spelled most like `key`, unless none is close: a third of the
    /// letters may differ, and at most three.
    pub(super) fn nearest(&self, key: &str) -> Option<&'static str> {
        let key = key.to_lowercase().replace('-', "_");
        if key.len() > 40 {
            return None;
        }
        let distance = |name: &str| strsim::damerau_levenshtein(&key, name);
        let near = self.settings.iter().map(|setting| (distance(setting.name), setting.name));
        near.filter(|&(distance, name)| distance <= 3.min(name.len() / 3))
            .min()
            .map(|(_, name)| name)
    }

    /// The settings as they are documented, with the texts of `schema`.
    pub(super) fn fields(&self, schema: &Schema) -> Vec<Field> {
        let property = |name: &str| schema.get("properties").and_then(|all| all.get(name));
        let field = |&Setting { name, flag, env, .. }: &Setting| {
            let text = |key| property(name).and_then(|property| property.get(key));
            let doc = text("description").and_then(Value::as_str).unwrap_or_default();
            let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
            let in_file = !FLAG_ALONE.contains(&name);
            Field { name, flag, env, in_file, default: text("default").and_then(written), doc }
        };
        self.settings.iter().map(field).collect()
    }
}

/// One setting, for documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key in the config file, snake case.
    pub name: &'static str,
    /// The flag, with its dashes; empty if there is none.
    pub flag: &'static str,
    /// The environment variable; `None` if the setting can only be given as a flag, or
    /// only in the file.
    pub env: Option<&'static str>,
    /// Whether the config file may have it.
    pub in_file: bool,
    /// The default, as it would be written in a flag; `None` if there is none.
    pub default: Option<String>,
    /// What it decides: the doc comment of the field, on one line.
    pub doc: String,
}

/// Every setting, in the order in which they are explained.
pub fn fields() -> Vec<Field> {
    STDIO.fields(&schema())
}

/// A default as text; nothing that means "unset" is one.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(on) => Some(on.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The JSON schema of the config file.
pub fn schema() -> Schema {
    schemars::schema_for!(Config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_config_is_in_the_table_and_documented() {
        let schema = schema();
        let properties = schema.get("properties").unwrap().as_object().unwrap();
        let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
        let mut listed: Vec<&str> = all().map(|setting| setting.name).collect();
        names.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, names);
        for field in fields() {
            assert!(field.doc.ends_with('.'), "{}: {:?}", field.name, field.doc);
        }
    }

    #[test]
    fn the_bounds_that_are_checked_are_those_that_are_documented() {
        let schema = schema();
        for &Setting { name, kind, .. } in all() {
            let Kind::Number(least, most) = kind else { continue };
            let property = &schema.get("properties").unwrap()[name];
            assert_eq!((&property["minimum"], &property["maximum"]), (&least.into(), &most.into()));
            let field = fields().into_iter().find(|field| field.name == name).unwrap();
            assert!(field.doc.ends_with(&format!(": {least} to {most}.")), "{}", field.doc);
        }
    }

    #[test]
    fn flags_and_variables_are_unique_and_spelled_alike() {
        let mut seen = std::collections::HashSet::new();
        for Field { name, flag, env, .. } in fields() {
            assert!(!flag.is_empty() || env.is_some(), "{name}");
            assert!(flag.is_empty() || seen.insert(flag.to_owned()), "{flag}");
            let dashed = format!("--{}", name.replace('_', "-"));
            let alike = dashed == flag || dashed == format!("{flag}s");
            assert!(flag.is_empty() || alike, "{name}: {flag}");
            if let Some(env) = env {
                assert!(seen.insert(env.to_owned()), "{env}");
                assert_eq!(env, env.to_uppercase());
                assert!(env.ends_with(&name.to_uppercase()), "{env}");
            }
            assert!(!name.contains("__"), "{name}");
        }
    }

    #[test]
    fn a_default_is_shown_as_it_is_written() {
        let default = |name| fields().into_iter().find(|field| field.name == name).unwrap().default;
        assert_eq!(default("call_timeout").as_deref(), Some("45"));
        assert_eq!(default("docs_url").as_deref(), Some("https://mcp.sentry.dev"));
        assert_eq!(default("probe").as_deref(), Some("lazy"));
        assert_eq!(default("insecure_http").as_deref(), Some("false"));
        assert_eq!(default("host"), None);
    }
}
