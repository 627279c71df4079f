//! Which provider is meant by the settings. It guesses nothing: two keys without a choice are
//! a question to the user.

use secrecy::{ExposeSecret, SecretString};

use super::{BaseUrlError, Effort, Provider, ProviderKind, base};

/// What the settings say about one provider. `Debug` does not show the key.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The key; an empty one counts as none.
    pub key: Option<SecretString>,
    /// The base URL, if it is not the usual one.
    pub base_url: Option<String>,
    /// The model, if it is not the default one; for Azure, the deployment.
    pub model: Option<String>,
    /// The reasoning effort.
    pub effort: Effort,
}

/// What the settings say about all providers.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// OpenAI and Azure OpenAI, which share their settings.
    pub openai: Account,
    /// Anthropic.
    pub anthropic: Account,
    /// OpenRouter.
    pub openrouter: Account,
    /// Azure's `api-version` for a base URL of a deployment (`OPENAI_API_VERSION`).
    pub azure_api_version: Option<String>,
}

/// Settings from which no provider follows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// Several keys, and nobody said which one counts.
    #[error(
        "keys for several providers are set ({}), and none is chosen; set EMBEDDED_AGENT_PROVIDER or --agent-provider to one of them",
        names(found)
    )]
    Several {
        /// The providers with a key.
        found: Vec<ProviderKind>,
    },
    /// A provider was chosen that has no key.
    #[error("{provider} is chosen, and it has no key; set {}", provider.key_variable())]
    NoKey {
        /// The chosen provider.
        provider: ProviderKind,
    },
    /// A key that no HTTP header can hold.
    #[error(
        "the key of {provider} has characters that no key has, such as a line break; set {} again",
        provider.key_variable()
    )]
    Key {
        /// The provider.
        provider: ProviderKind,
    },
    /// Azure knows a model by the name of its deployment, and none is set.
    #[error(
        "azure-openai needs the name of a deployment; set OPENAI_MODEL or --openai-model, or use a base URL that ends in `/openai/deployments/<name>`"
    )]
    NoDeployment,
    /// An address that cannot be used.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
}

impl Provider {
    /// The provider that the settings mean: the one that was chosen, or the only one that has
    /// a key. None if there is no key at all.
    pub fn choose(
        explicit: Option<ProviderKind>,
        accounts: &Accounts,
    ) -> Result<Option<Provider>, ChoiceError> {
        if let Some(kind) = explicit {
            return Provider::new(kind, accounts).map(Some);
        }
        let candidates = [ProviderKind::OpenAi, ProviderKind::Anthropic, ProviderKind::OpenRouter];
        let found: Vec<ProviderKind> =
            candidates.into_iter().filter(|kind| accounts.of(*kind).key().is_some()).collect();
        match found.as_slice() {
            [] => Ok(None),
            [kind] => Provider::new(*kind, accounts).map(Some),
            _ => Err(ChoiceError::Several { found }),
        }
    }

    fn new(kind: ProviderKind, accounts: &Accounts) -> Result<Provider, ChoiceError> {
        let account = accounts.of(kind);
        let key = account.key().ok_or(ChoiceError::NoKey { provider: kind })?;
        if !key.expose_secret().trim().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ChoiceError::Key { provider: kind });
        }
        let address = base::address(
            kind,
            text(account.base_url.as_ref()),
            text(accounts.azure_api_version.as_ref()),
        )?;
        let set = text(account.model.as_ref()).map(str::to_owned);
        let chosen = address.deployment.or(set);
        let effort = match account.effort {
            Effort::Default if kind == ProviderKind::OpenRouter => Effort::High,
            Effort::Default if chosen.is_none() => Effort::Low,
            effort => effort,
        };
        let model = chosen.or_else(|| kind.default_model().map(str::to_owned));
        Ok(Provider {
            kind,
            wire: address.wire,
            model: model.ok_or(ChoiceError::NoDeployment)?,
            endpoint: address.endpoint,
            key: SecretString::from(key.expose_secret().trim()),
            effort,
        })
    }
}

impl Accounts {
    fn of(&self, kind: ProviderKind) -> &Account {
        match kind {
            ProviderKind::OpenAi | ProviderKind::AzureOpenAi => &self.openai,
            ProviderKind::Anthropic => &self.anthropic,
            ProviderKind::OpenRouter => &self.openrouter,
        }
    }
}

impl Account {
    fn key(&self) -> Option<&SecretString> {
        self.key.as_ref().filter(|key| !key.expose_secret().trim().is_empty())
    }
}

/// A setting that says something.
fn text(setting: Option<&String>) -> Option<&str> {
    setting.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn names(kinds: &[ProviderKind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Wire;

    const KEY: &str = "sk-not-to-be-shown";

    fn with_key() -> Account {
        Account { key: Some(SecretString::from(KEY)), ..Account::default() }
    }

    fn both() -> Accounts {
        Accounts { openai: with_key(), anthropic: with_key(), ..Accounts::default() }
    }

    #[test]
    fn the_only_key_decides() {
        let accounts = Accounts { anthropic: with_key(), ..Accounts::default() };
        let provider = Provider::choose(None, &accounts).unwrap().unwrap();
        assert_eq!(provider.kind(), ProviderKind::Anthropic);
        assert_eq!(provider.model(), "claude-sonnet-5-5");
        assert_eq!(provider.host(), "api.anthropic.com");
        assert_eq!(provider.effort, Effort::Low);
    }

    #[test]
    fn without_a_key_there_is_no_provider() {
        let blank = Account { key: Some(SecretString::from(" ")), ..Account::default() };
        let accounts = Accounts { openai: blank, ..Accounts::default() };
        assert!(Provider::choose(None, &accounts).unwrap().is_none());
    }

    #[test]
    fn several_keys_without_a_choice_are_an_error_that_names_the_setting() {
        let error = Provider::choose(None, &both()).unwrap_err().to_string();
        assert_eq!(
            error,
            "keys for several providers are set (openai, anthropic), and none is chosen; set \
             EMBEDDED_AGENT_PROVIDER or --agent-provider to one of them"
        );
    }

    #[test]
    fn an_explicit_choice_wins_over_other_keys() {
        let provider = Provider::choose(Some(ProviderKind::Anthropic), &both()).unwrap().unwrap();
        assert_eq!(provider.kind(), ProviderKind::Anthropic);
    }

    #[test]
    fn a_choice_without_a_key_is_an_error_that_names_the_variable() {
        let error = Provider::choose(Some(ProviderKind::OpenRouter), &both()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "openrouter is chosen, and it has no key; set OPENROUTER_API_KEY"
        );
    }

    #[test]
    fn a_key_is_never_shown() {
        let provider = Provider::choose(Some(ProviderKind::OpenAi), &both()).unwrap().unwrap();
        assert!(!format!("{provider:?}{:?}", both()).contains(KEY));
        let broken = Account { key: Some(SecretString::from("a\nb")), ..Account::default() };
        let accounts = Accounts { openai: broken, ..Accounts::default() };
        let error = Provider::choose(None, &accounts).unwrap_err();
        assert_eq!(error, ChoiceError::Key { provider: ProviderKind::OpenAi });
    }

    #[test]
    fn azure_takes_the_deployment_from_the_address_or_the_model() {
        let azure = |base: &str, model: Option<&str>| {
            let openai = Account {
                base_url: Some(base.to_owned()),
                model: model.map(str::to_owned),
                ..with_key()
            };
            let accounts = Accounts { openai, ..Accounts::default() };
            Provider::choose(Some(ProviderKind::AzureOpenAi), &accounts)
                .map(|provider| provider.map(|it| (it.wire, it.model, it.effort)))
        };
        let classic = "https://r.example.test/openai/deployments/small";
        let current = "https://r.example.test/openai/v1";
        assert_eq!(
            azure(classic, None),
            Ok(Some((Wire::Chat, "small".to_owned(), Effort::Default)))
        );
        assert_eq!(
            azure(current, Some("mine")),
            Ok(Some((Wire::Responses, "mine".to_owned(), Effort::Default)))
        );
        assert_eq!(azure(current, None), Err(ChoiceError::NoDeployment));
    }

    #[test]
    fn plain_http_to_another_machine_is_known() {
        let unencrypted = |base: &str| {
            let openai = Account { base_url: Some(base.to_owned()), ..with_key() };
            let accounts = Accounts { openai, ..Accounts::default() };
            Provider::choose(None, &accounts).unwrap().unwrap().is_unencrypted()
        };
        assert!(unencrypted("http://gateway.example.test:4000/v1"));
        assert!(!unencrypted("http://127.0.0.1:4000/v1"));
        assert!(!unencrypted("https://gateway.example.test/v1"));
    }

    #[test]
    fn openrouter_reasons_much_unless_told_otherwise() {
        let effort = |effort| {
            let openrouter = Account { effort, ..with_key() };
            let accounts = Accounts { openrouter, ..Accounts::default() };
            Provider::choose(None, &accounts).unwrap().unwrap().effort
        };
        assert_eq!(effort(Effort::Default), Effort::High);
        assert_eq!(effort(Effort::Omit), Effort::Omit);
        assert_eq!(effort(Effort::Minimal), Effort::Minimal);
    }
}
