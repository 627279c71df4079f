//! The command line: flags, subcommands, and their help. What a flag means is decided by
//! [`server::config`]; here it only gets there.

#![expect(clippy::doc_markdown, reason = "these comments are the help that a terminal shows")]

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use serde::Serialize;
use server::config::{Format, LogFormat, StepUp};

/// Sentry for agents, over HTTP: people log in at Sentry and pick what a client may do.
///
/// Without a subcommand it serves. To try it without an account: sentry-mcp-http demo
#[derive(Parser)]
#[command(name = "sentry-mcp-http", version, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) options: Options,
    /// Config file, instead of sentry-mcp/http.toml in $XDG_CONFIG_HOME or ~/.config
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What was given on the command line, under the names of `server::config::Config` and
/// `server::config::HttpConfig`. What was not given is left out, so that lower layers count.
#[derive(clap::Args, Default, Serialize)]
pub(crate) struct Options {
    /// Where clients and browsers reach this server: https:// and a host [env: MCP_PUBLIC_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    /// Address and port to listen on [default: 127.0.0.1:8787] [env: SENTRY_MCP_BIND]
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bind: Option<String>,
    /// Certificate chain, PEM [env: SENTRY_MCP_TLS_CERT]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM [env: SENTRY_MCP_TLS_KEY]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Networks of the reverse proxies in front, which end TLS; may be repeated
    /// [env: SENTRY_MCP_BEHIND_PROXY]
    #[arg(long, global = true, value_name = "CIDR", value_delimiter = ',', help_heading = SERVER)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) behind_proxy: Vec<String>,
    /// Web origin whose pages may call; may be repeated [env: SENTRY_MCP_ALLOWED_ORIGINS]
    #[arg(long = "allowed-origin", global = true, value_name = "ORIGIN", value_delimiter = ',', help_heading = SERVER)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_origins: Vec<String>,

    /// File for grants and tokens, or memory [env: SENTRY_MCP_STORE]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = STORE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<String>,
    /// File with the key that seals Sentry's tokens [env: MCP_ENCRYPTION_KEY_FILE; the key
    /// itself: MCP_ENCRYPTION_KEY]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = STORE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encryption_key_file: Option<PathBuf>,

    /// Client ID of this server's application at Sentry [env: SENTRY_CLIENT_ID]
    #[arg(long, global = true, value_name = "ID", help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    /// File with its client secret [env: SENTRY_CLIENT_SECRET_FILE; the secret itself:
    /// SENTRY_CLIENT_SECRET]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SENTRY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret_file: Option<PathBuf>,
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

    /// How a call beyond the grant is answered: challenge (403, the client asks the person) or
    /// in-band (the model is told) [default: challenge] [env: SENTRY_MCP_STEP_UP]
    #[arg(long, global = true, value_name = "HOW", value_parser = step_up, help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step_up: Option<StepUp>,
    /// Private-use scheme of redirects, such as cursor; may be repeated
    /// [env: SENTRY_MCP_ALLOWED_REDIRECT_SCHEMES]
    #[arg(long = "allowed-redirect-scheme", global = true, value_name = "SCHEME", value_delimiter = ',', help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_redirect_schemes: Vec<String>,
    /// Proxy that fetches the metadata of clients [env: SENTRY_MCP_CIMD_PROXY]
    #[arg(long, global = true, value_name = "URL", help_heading = PERMISSIONS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cimd_proxy: Option<String>,

    /// Documentation search; empty switches it off [env: SENTRY_MCP_DOCS_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = DOCUMENTATION)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) docs_url: Option<String>,
    /// Documentation pages [env: SENTRY_MCP_DOCS_BASE_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = DOCUMENTATION)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) docs_base_url: Option<String>,

    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) limits: Limits,
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
    /// How to log: text or json [default: text] [env: SENTRY_MCP_LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT", value_parser = log_format, help_heading = DIAGNOSTICS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_format: Option<LogFormat>,
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

/// The settings that are numbers.
#[derive(clap::Args, Default, Serialize)]
pub(crate) struct Limits {
    /// Calls of one person at a time [default: 16] [env: SENTRY_MCP_MAX_CONCURRENT_CALLS]
    #[arg(long, global = true, value_name = "NUMBER", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_concurrent_calls: Option<u64>,
    /// Requests of one person per minute [default: 300] [env: SENTRY_MCP_CALLER_RATE]
    #[arg(long, global = true, value_name = "NUMBER", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) caller_rate: Option<u64>,
    /// Requests of one address per minute [default: 3000] [env: SENTRY_MCP_ADDRESS_RATE]
    #[arg(long, global = true, value_name = "NUMBER", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address_rate: Option<u64>,
    /// Connections at a time [default: 1024] [env: SENTRY_MCP_MAX_CONNECTIONS]
    #[arg(long, global = true, value_name = "NUMBER", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_connections: Option<u64>,
    /// Time for requests in flight at the end [default: 60] [env: SENTRY_MCP_DRAIN_TIMEOUT]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drain_timeout: Option<u64>,
    /// Time for one tool call [default: 45] [env: SENTRY_MCP_CALL_TIMEOUT]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) call_timeout: Option<u64>,
    /// Time for a connection to Sentry [default: 5] [env: SENTRY_MCP_CONNECT_TIMEOUT]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connect_timeout: Option<u64>,
    /// Time until an answer of Sentry begins [default: 10] [env: SENTRY_MCP_FIRST_BYTE_TIMEOUT]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_byte_timeout: Option<u64>,
    /// Largest answer from Sentry [default: 16777216] [env: SENTRY_MCP_MAX_BODY]
    #[arg(long, global = true, value_name = "BYTES", help_heading = LIMITS)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_body: Option<u64>,
    /// Requests to Sentry at a time, per login [default: 8]
    /// [env: SENTRY_MCP_MAX_CONCURRENT_REQUESTS]
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
}

const SERVER: &str = "Server";
const STORE: &str = "Store";
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

fn form(text: &str) -> Result<Format, &'static str> {
    match text {
        "text" => Ok(Format::Text),
        "structured" => Ok(Format::Structured),
        _ => Err("use `text` or `structured`"),
    }
}

fn step_up(text: &str) -> Result<StepUp, &'static str> {
    match text {
        "challenge" => Ok(StepUp::Challenge),
        "in-band" => Ok(StepUp::InBand),
        _ => Err("use `challenge` or `in-band`"),
    }
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("use `text` or `json`"),
    }
}

/// What to do instead of serving.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve; the same as no subcommand
    Serve,
    /// Serve against a simulated Sentry with a login page of its own, on this machine
    Demo(DemoOptions),
    /// Look after the store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Show or check the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How the demo begins.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct DemoOptions {
    /// Print the addresses as one line of JSON, for scripts
    #[arg(long)]
    pub(crate) announce: bool,
}

/// What to do with the store.
#[derive(Clone, Copy, Subcommand)]
pub(crate) enum StoreCommand {
    /// Bring its tables up to date
    Migrate,
    /// Say what is in it
    Status(Output),
    /// Make a new key, and seal everything with it
    RotateKey,
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
    use server::config::http_fields;

    use super::*;

    #[test]
    fn every_setting_has_its_flag_and_its_help_names_the_variable() {
        let command = Args::command();
        for field in http_fields().into_iter().filter(|field| !field.flag.is_empty()) {
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
            assert_eq!(
                shown.is_some(),
                field.default.is_some()
                    && !matches!(field.name, "insecure_http" | "docs_url" | "docs_base_url"),
                "{long}",
            );
            if let Some(shown) = shown {
                assert_eq!(Some(shown), field.default.as_deref(), "{long}");
            }
        }
        command.debug_assert();
    }

    #[test]
    fn a_secret_has_no_flag_because_others_could_read_it() {
        let secrets = http_fields()
            .into_iter()
            .filter(|field| ["encryption_key", "client_secret"].contains(&field.name));
        for field in secrets {
            assert_eq!(field.flag, "");
            let id = field.name;
            assert!(!Args::command().get_arguments().any(|arg| arg.get_id() == id), "{id}");
        }
    }

    #[test]
    fn only_what_was_given_is_a_layer() {
        let none = Args::parse_from(["sentry-mcp-http"]).options;
        assert_eq!(serde_json::to_value(none).unwrap(), serde_json::json!({}));
        let some =
            Args::parse_from(["sentry-mcp-http", "serve", "--step-up=in-band", "--caller-rate=7"]);
        assert_eq!(
            serde_json::to_value(some.options).unwrap(),
            serde_json::json!({ "step_up": "in-band", "caller_rate": 7 }),
        );
    }
}
