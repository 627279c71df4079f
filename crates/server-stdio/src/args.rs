//! The command line: flags, subcommands, and their help. What a flag means is decided by
//! [`server::config`]; here it only gets there.

#![expect(clippy::doc_markdown, reason = "these comments are the help that a terminal shows")]

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use serde::Serialize;
use server::config::{Format, Probe};

/// Sentry for agents: an MCP server over standard input and output.
///
/// Without a subcommand it serves one MCP client. By default a client can only read; see
/// sentry-mcp scopes.
#[derive(Parser)]
#[command(name = "sentry-mcp", version, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) options: Options,
    /// Config file, instead of sentry-mcp/config.toml in $XDG_CONFIG_HOME or ~/.config
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Use a simulated Sentry inside this process: needs no account and no network
    #[arg(long, global = true, conflicts_with_all = ["access_token", "access_token_file", "host", "url"])]
    pub(crate) demo: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What was given on the command line, under the names of `server::config::Config`. What was not
/// given is left out, so that lower layers count.
#[derive(clap::Args, Default, Serialize)]
pub(crate) struct Options {
    /// Sentry auth token; other users can see it here, so prefer the variable [env:
    /// SENTRY_ACCESS_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN", help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<String>,
    /// File that holds the token [env: SENTRY_ACCESS_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token_file: Option<PathBuf>,
    /// Host of your own Sentry, with a port if it has one [env: SENTRY_HOST]
    #[arg(long, global = true, value_name = "HOST", help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// The same as a URL, https:// and the host; wins over --host [env: SENTRY_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Speak plain HTTP with the host [env: SENTRY_MCP_INSECURE_HTTP]
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = SENTRY)]
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) insecure_http: bool,
    /// Further host that your own Sentry may name as a region; may be repeated
    /// [env: SENTRY_MCP_REGION_HOSTS]
    #[arg(long = "region-host", global = true, value_name = "HOST", value_delimiter = ',', help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) region_hosts: Vec<String>,
    /// PEM file with further certificate authorities [env: SENTRY_MCP_CA_FILE]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Grant exactly these scopes, separated by commas [env: MCP_SCOPES]
    #[arg(long, global = true, value_name = "LIST", help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<String>,
    /// Grant these scopes on top of the read-only default [env: MCP_ADD_SCOPES]
    #[arg(long, global = true, value_name = "LIST", help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) add_scopes: Option<String>,
    /// Grant every scope
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) all_scopes: bool,
    /// Limit every tool to this organization [env: SENTRY_MCP_ORGANIZATION_SLUG]
    #[arg(long, global = true, value_name = "SLUG", help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) organization_slug: Option<String>,
    /// Limit every tool to this project of the organization [env: SENTRY_MCP_PROJECT_SLUG]
    #[arg(long, global = true, value_name = "SLUG", help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project_slug: Option<String>,
    /// When to ask what the token may do: lazy (after Sentry refused) or start (before the first
    /// list) [default: lazy] [env: SENTRY_MCP_PROBE]
    #[arg(long, global = true, value_name = "WHEN", value_parser = probe, help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe: Option<Probe>,

    /// Documentation search; empty switches it off [env: SENTRY_MCP_DOCS_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = DOCUMENTATION)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) docs_url: Option<String>,
    /// Documentation pages [env: SENTRY_MCP_DOCS_BASE_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = DOCUMENTATION)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) docs_base_url: Option<String>,

    /// Time for one tool call [default: 45] [env: SENTRY_MCP_CALL_TIMEOUT]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) call_timeout: Option<u64>,
    /// Time for a connection [default: 5] [env: SENTRY_MCP_CONNECT_TIMEOUT]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connect_timeout: Option<u64>,
    /// Time until an answer begins [default: 10] [env: SENTRY_MCP_FIRST_BYTE_TIMEOUT]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_byte_timeout: Option<u64>,
    /// Largest answer from Sentry [default: 16777216] [env: SENTRY_MCP_MAX_BODY]
    #[arg(long, global = true, value_name = "BYTES", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_body: Option<u64>,
    /// Requests to Sentry at a time [default: 8] [env: SENTRY_MCP_MAX_CONCURRENT_REQUESTS]
    #[arg(long, global = true, value_name = "NUMBER", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_concurrent_requests: Option<u64>,

    /// Tokens that one answer may cost a model, where a call does not choose [default: 6000]
    /// [env: SENTRY_MCP_MAX_TOKENS]
    #[arg(long, global = true, value_name = "NUMBER", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u64>,

    /// Bytes of the largest attachment that is downloaded [default: 8388608]
    /// [env: SENTRY_MCP_MAX_ATTACHMENT]
    #[arg(long, global = true, value_name = "BYTES", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_attachment: Option<u64>,

    /// How to send answers: text, or structured to add the same as JSON [default: text]
    /// [env: SENTRY_MCP_OUTPUT]
    #[arg(long, global = true, value_name = "FORM", value_parser = form, help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Format>,

    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) models: Models,

    /// What to log to standard error: a level, or target=level pairs [default: warn]
    /// [env: SENTRY_MCP_LOG]
    #[arg(long, global = true, value_name = "FILTER", help_heading = DIAGNOSTICS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
}

/// Natural language: the provider of a model, and how it is asked. Keys have no flags, because
/// other users could read them.
#[derive(clap::Args, Default, Serialize)]
pub(crate) struct Models {
    /// Who turns sentences into searches: openai, azure-openai, anthropic, openrouter, or none
    /// [env: EMBEDDED_AGENT_PROVIDER; keys: OPENAI_API_KEY, ANTHROPIC_API_KEY,
    /// OPENROUTER_API_KEY]
    #[arg(long, global = true, value_name = "NAME", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent_provider: Option<String>,
    /// Address of OpenAI, Azure OpenAI, or a gateway, which gets the key
    #[arg(long, global = true, value_name = "URL", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openai_base_url: Option<String>,
    /// Model at OpenAI, or deployment at Azure [env: OPENAI_MODEL]
    #[arg(long, global = true, value_name = "MODEL", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openai_model: Option<String>,
    /// How much it thinks: none to xhigh, or empty [env: OPENAI_REASONING_EFFORT]
    #[arg(long, global = true, value_name = "EFFORT", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openai_reasoning_effort: Option<String>,
    /// Version of Azure's interface for a deployment [env: OPENAI_API_VERSION]
    #[arg(long, global = true, value_name = "DATE", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openai_api_version: Option<String>,
    /// Address of Anthropic or a gateway, which gets the key
    #[arg(long, global = true, value_name = "URL", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anthropic_base_url: Option<String>,
    /// Model at Anthropic [env: ANTHROPIC_MODEL]
    #[arg(long, global = true, value_name = "MODEL", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anthropic_model: Option<String>,
    /// Address of OpenRouter or a gateway, which gets the key
    #[arg(long, global = true, value_name = "URL", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openrouter_base_url: Option<String>,
    /// Model at OpenRouter [env: OPENROUTER_MODEL]
    #[arg(long, global = true, value_name = "MODEL", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openrouter_model: Option<String>,
    /// How much it thinks: none to xhigh, or empty [env: OPENROUTER_REASONING_EFFORT]
    #[arg(long, global = true, value_name = "EFFORT", help_heading = MODELS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openrouter_reasoning_effort: Option<String>,
}

const SENTRY: &str = "Sentry";
const PERMISSIONS: &str = "Permissions";
const DOCUMENTATION: &str = "Documentation";
const LIMITS: &str = "Limits";
const MODELS: &str = "Natural language";
const DIAGNOSTICS: &str = "Diagnostics";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(on: &bool) -> bool {
    !on
}

fn probe(text: &str) -> Result<Probe, &'static str> {
    match text {
        "lazy" => Ok(Probe::Lazy),
        "start" => Ok(Probe::Start),
        _ => Err("use `lazy` or `start`"),
    }
}

fn form(text: &str) -> Result<Format, &'static str> {
    match text {
        "text" => Ok(Format::Text),
        "structured" => Ok(Format::Structured),
        _ => Err("use `text` or `structured`"),
    }
}

/// What to do instead of serving.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what is granted, and which tools that opens
    Scopes(Output),
    /// List the tools that a client would see
    Tools(Output),
    /// Call one tool and print its answer
    Call {
        /// The tool
        name: String,
        /// Its arguments, as a JSON object
        #[arg(default_value = "{}")]
        arguments: String,
    },
    /// Show or check the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Watch a guided session against a simulated Sentry
    Demo {
        /// Only run the simulated Sentry, and print where it is as a line of JSON
        #[arg(long)]
        sentry_only: bool,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What to do with the settings.
#[derive(Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting with where it comes from
    Show(Output),
    /// Say whether the settings can be used
    Check(Output),
}

/// How to print.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use server::config::fields;

    use super::*;

    #[test]
    fn every_setting_has_its_flag_and_its_help_names_the_variable() {
        let command = Args::command();
        for field in fields().into_iter().filter(|field| !field.flag.is_empty()) {
            let long = field.flag.trim_start_matches("--");
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long));
            let arg = arg.unwrap_or_else(|| panic!("no flag {}", field.flag));
            assert_eq!(arg.get_id(), field.name, "the id is the key of the setting");
            assert!(arg.is_global_set(), "{long}");
            let help = arg.get_help().unwrap().to_string();
            if let Some(env) = field.env {
                assert!(help.contains(&format!("env: {env}")), "{help}");
            }
            let shown = help.split("[default: ").nth(1).and_then(|rest| rest.split(']').next());
            if let Some(shown) = shown {
                assert_eq!(Some(shown), field.default.as_deref(), "{long}");
            }
        }
        command.debug_assert();
    }

    #[test]
    fn only_what_was_given_is_a_layer() {
        let none = Args::parse_from(["sentry-mcp"]).options;
        assert_eq!(serde_json::to_value(none).unwrap(), serde_json::json!({}));
        let some = Args::parse_from(["sentry-mcp", "--scopes=org:read", "tools", "--all-scopes"]);
        assert_eq!(
            serde_json::to_value(some.options).unwrap(),
            serde_json::json!({ "scopes": "org:read", "all_scopes": true }),
        );
    }
}
