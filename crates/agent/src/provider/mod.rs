//! Which provider is asked, with which model and key, and where. It reads no environment and
//! sends nothing: the settings come in as data.

mod base;
mod choose;
mod effort;

use std::{fmt, str::FromStr};

use secrecy::SecretString;
use url::Url;

pub use self::{
    base::BaseUrlError,
    choose::{Account, Accounts, ChoiceError},
    effort::{Effort, UnknownEffort},
};
use crate::wire::Wire;

/// Who runs the language model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenAI, over its Responses API.
    OpenAi,
    /// Azure OpenAI, over Responses or chat completions, depending on the base URL.
    AzureOpenAi,
    /// Anthropic, over its Messages API.
    Anthropic,
    /// OpenRouter, over chat completions.
    OpenRouter,
}

/// A name that is not one of a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a provider; there are openai, azure-openai, anthropic, openrouter")]
pub struct UnknownProvider {
    /// What was given, shortened.
    pub given: String,
}

impl ProviderKind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [ProviderKind; 4] = [
        ProviderKind::OpenAi,
        ProviderKind::AzureOpenAi,
        ProviderKind::Anthropic,
        ProviderKind::OpenRouter,
    ];

    /// As settings name it: `openai`, `azure-openai`, `anthropic`, `openrouter`.
    pub fn name(self) -> &'static str {
        match self {
            ProviderKind::OpenAi => "openai",
            ProviderKind::AzureOpenAi => "azure-openai",
            ProviderKind::Anthropic => "anthropic",
            ProviderKind::OpenRouter => "openrouter",
        }
    }

    /// The environment variable that users know its key by.
    pub fn key_variable(self) -> &'static str {
        match self {
            ProviderKind::OpenAi | ProviderKind::AzureOpenAi => "OPENAI_API_KEY",
            ProviderKind::Anthropic => "ANTHROPIC_API_KEY",
            ProviderKind::OpenRouter => "OPENROUTER_API_KEY",
        }
    }

    /// The model when none is set; none for Azure, where a model is a deployment with a name
    /// of its own.
    ///
    /// As of November 2026: OpenAI shuts `gpt-5` down on 11 December 2026 (its deprecations
    /// page) and has `gpt-5.6-luna` for short, frequent work; Anthropic's models overview has
    /// `claude-sonnet-5-5` as the current Sonnet and the ones before it as legacy.
    pub fn default_model(self) -> Option<&'static str> {
        match self {
            ProviderKind::OpenAi => Some("gpt-5.6-luna"),
            ProviderKind::AzureOpenAi => None,
            ProviderKind::Anthropic => Some("claude-sonnet-5-5"),
            ProviderKind::OpenRouter => Some("openai/gpt-5.6-luna"),
        }
    }

    fn default_base(self) -> Option<&'static str> {
        match self {
            ProviderKind::OpenAi => Some("https://api.openai.com/v1"),
            ProviderKind::AzureOpenAi => None,
            ProviderKind::Anthropic => Some("https://api.anthropic.com"),
            ProviderKind::OpenRouter => Some("https://openrouter.ai/api/v1"),
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProviderKind {
    type Err = UnknownProvider;

    fn from_str(given: &str) -> Result<ProviderKind, UnknownProvider> {
        let name = given.trim();
        let found = ProviderKind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownProvider { given: shorten(name) })
    }
}

/// A provider that can be asked: everything about it was checked.
///
/// [`Provider::choose`] makes it. `Debug` does not show the key.
#[derive(Clone, Debug)]
pub struct Provider {
    pub(crate) kind: ProviderKind,
    pub(crate) wire: Wire,
    pub(crate) model: String,
    pub(crate) endpoint: Url,
    pub(crate) key: SecretString,
    pub(crate) effort: Effort,
}

impl Provider {
    /// Who it is.
    pub fn kind(&self) -> ProviderKind {
        self.kind
    }

    /// The model that is asked; for Azure, the deployment.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The host that sentences are sent to, with its port if it is not the usual one.
    pub fn host(&self) -> &str {
        &self.endpoint[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// Whether the key and the sentences go unencrypted to another machine, which is worth a
    /// warning at the start: a gateway in the same network may be meant.
    pub fn is_unencrypted(&self) -> bool {
        self.endpoint.scheme() == "http" && !sentry_client::http::is_loopback(&self.endpoint)
    }
}

/// At most 60 characters of a setting, on one line.
fn shorten(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() || c == '`' { ' ' } else { c });
    let mut short: String = clean.take(61).collect();
    if short.chars().count() > 60 {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_named_as_in_the_settings() {
        for kind in ProviderKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let error = "open-ai\n".parse::<ProviderKind>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`open-ai` is not a provider; there are openai, azure-openai, anthropic, openrouter"
        );
    }
}
