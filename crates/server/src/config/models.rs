//! The settings of the provider that turns sentences into searches, made into an agent. They go
//! to that provider alone, and nothing is sent before the first sentence.

use std::{sync::Arc, time::Duration};

use agent::{
    Agent, Limits, Provider, ProviderKind,
    provider::{Account, Accounts, BaseUrlError, ChoiceError, Effort},
};
use sentry_client::Settings;

use super::{
    Config, ConfigError,
    layer::Layers,
    table::{Setting, text},
};

/// The choice that switches natural language off, whatever keys there are.
const NOBODY: &str = "none";

const fn secret(name: &'static str, env: &'static str) -> Setting {
    Setting { secret: true, ..text(name, "", env) }
}

/// An address that a key is sent to. Never from a variable, which is easier to slip in than a
/// flag.
const fn address(name: &'static str, flag: &'static str) -> Setting {
    Setting { env: None, ..text(name, flag, "") }
}

/// Every setting of the providers, in the order of [`Config`]'s fields.
pub(super) const SETTINGS: &[Setting] = &[
    text("agent_provider", "--agent-provider", "EMBEDDED_AGENT_PROVIDER"),
    secret("openai_api_key", "OPENAI_API_KEY"),
    address("openai_base_url", "--openai-base-url"),
    text("openai_model", "--openai-model", "OPENAI_MODEL"),
    text("openai_reasoning_effort", "--openai-reasoning-effort", "OPENAI_REASONING_EFFORT"),
    text("openai_api_version", "--openai-api-version", "OPENAI_API_VERSION"),
    secret("anthropic_api_key", "ANTHROPIC_API_KEY"),
    address("anthropic_base_url", "--anthropic-base-url"),
    text("anthropic_model", "--anthropic-model", "ANTHROPIC_MODEL"),
    secret("openrouter_api_key", "OPENROUTER_API_KEY"),
    address("openrouter_base_url", "--openrouter-base-url"),
    text("openrouter_model", "--openrouter-model", "OPENROUTER_MODEL"),
    text(
        "openrouter_reasoning_effort",
        "--openrouter-reasoning-effort",
        "OPENROUTER_REASONING_EFFORT",
    ),
];

/// The agent that the settings mean; none without a key, or where nobody is wanted.
pub(super) fn agent(
    config: &Config,
    layers: &Layers,
    settings: &Settings,
) -> Result<Option<Arc<Agent>>, ConfigError> {
    let chosen = match config.agent_provider.as_deref().map(str::trim) {
        Some(NOBODY) => return Ok(None),
        None | Some("") => None,
        Some(name) => Some(name.parse::<ProviderKind>().map_err(|err| {
            layers.invalid("agent_provider", format_args!("{err}, and `{NOBODY}` for nobody"))
        })?),
    };
    let provider = Provider::choose(chosen, &accounts(config, layers)?)
        .map_err(|err| layers.invalid(blamed(&err), problem(&err)))?;
    // The search that follows needs time, too.
    let usual = Limits::default();
    let total = usual.total.min(Duration::from_secs(config.call_timeout) * 2 / 3);
    let limits = Limits { total, ..usual };
    Ok(provider.map(|it| Arc::new(Agent::new(it, settings.clone()).with_limits(limits))))
}

fn accounts(config: &Config, layers: &Layers) -> Result<Accounts, ConfigError> {
    let effort = |key: &str, text: Option<&String>| match text {
        None => Ok(Effort::Default),
        Some(text) => text.parse::<Effort>().map_err(|err| layers.invalid(key, err)),
    };
    let openai = config.openai_reasoning_effort.as_ref();
    let openrouter = config.openrouter_reasoning_effort.as_ref();
    Ok(Accounts {
        openai: Account {
            key: config.openai_api_key.clone(),
            base_url: config.openai_base_url.clone(),
            model: config.openai_model.clone(),
            effort: effort("openai_reasoning_effort", openai)?,
        },
        anthropic: Account {
            key: config.anthropic_api_key.clone(),
            base_url: config.anthropic_base_url.clone(),
            model: config.anthropic_model.clone(),
            effort: Effort::Default,
        },
        openrouter: Account {
            key: config.openrouter_api_key.clone(),
            base_url: config.openrouter_base_url.clone(),
            model: config.openrouter_model.clone(),
            effort: effort("openrouter_reasoning_effort", openrouter)?,
        },
        azure_api_version: config.openai_api_version.clone(),
    })
}

/// The setting to look at first.
fn blamed(err: &ChoiceError) -> &'static str {
    let key = |kind: &ProviderKind| match kind {
        ProviderKind::OpenAi | ProviderKind::AzureOpenAi => "openai_api_key",
        ProviderKind::Anthropic => "anthropic_api_key",
        ProviderKind::OpenRouter => "openrouter_api_key",
    };
    let base_url = |kind: &ProviderKind| match kind {
        ProviderKind::OpenAi | ProviderKind::AzureOpenAi => "openai_base_url",
        ProviderKind::Anthropic => "anthropic_base_url",
        ProviderKind::OpenRouter => "openrouter_base_url",
    };
    match err {
        ChoiceError::Several { found } => found.first().map_or("agent_provider", key),
        ChoiceError::Key { provider } => key(provider),
        ChoiceError::BaseUrl(
            BaseUrlError::Url { provider, .. } | BaseUrlError::Extra { provider },
        ) => base_url(provider),
        ChoiceError::BaseUrl(BaseUrlError::AzureShape { .. }) => "openai_base_url",
        _ => "agent_provider",
    }
}

fn problem(err: &ChoiceError) -> String {
    match err {
        ChoiceError::Several { .. } => {
            format!("{err}, or to `{NOBODY}` to leave natural language off")
        }
        _ => err.to_string(),
    }
}

/// The value of a setting of the providers as text; secrets are only told to be there.
pub(super) fn value(config: &Config, name: &str) -> Option<String> {
    let secret = |is_set: bool| is_set.then(String::new);
    match name {
        "agent_provider" => config.agent_provider.clone(),
        "openai_api_key" => secret(config.openai_api_key.is_some()),
        "openai_base_url" => config.openai_base_url.clone(),
        "openai_model" => config.openai_model.clone(),
        "openai_reasoning_effort" => config.openai_reasoning_effort.clone(),
        "openai_api_version" => config.openai_api_version.clone(),
        "anthropic_api_key" => secret(config.anthropic_api_key.is_some()),
        "anthropic_base_url" => config.anthropic_base_url.clone(),
        "anthropic_model" => config.anthropic_model.clone(),
        "openrouter_api_key" => secret(config.openrouter_api_key.is_some()),
        "openrouter_base_url" => config.openrouter_base_url.clone(),
        "openrouter_model" => config.openrouter_model.clone(),
        "openrouter_reasoning_effort" => config.openrouter_reasoning_effort.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    const OPENAI: (&str, &str) = ("OPENAI_API_KEY", "sk-not-to-be-shown");
    const ANTHROPIC: (&str, &str) = ("ANTHROPIC_API_KEY", "sk-not-to-be-shown-either");

    fn provider(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Option<String> {
        let agent = read(file, env, flags).unwrap().installation().agent?;
        let provider = agent.provider();
        Some(format!("{} {} {}", provider.kind(), provider.model(), provider.host()))
    }

    #[test]
    fn without_a_key_nobody_translates() {
        assert_eq!(provider("", &[], &[("openai_model", "m")]), None);
    }

    #[test]
    fn the_only_key_decides_unless_nobody_is_wanted() {
        let usual = provider("", &[ANTHROPIC], &[]).unwrap();
        assert!(
            usual.starts_with("anthropic ") && usual.ends_with(" api.anthropic.com"),
            "{usual}"
        );
        assert_eq!(provider("agent_provider = 'none'", &[ANTHROPIC], &[]), None);
        let file = "openrouter_api_key = 'k'\nopenrouter_model = 'm'";
        assert_eq!(provider(file, &[], &[]).as_deref(), Some("openrouter m openrouter.ai"));
    }

    #[test]
    fn several_keys_without_a_choice_are_an_error_that_says_what_to_set() {
        let err = read("", &[OPENAI, ANTHROPIC], &[]).unwrap_err();
        assert!(err.starts_with("invalid `OPENAI_API_KEY`: keys for several providers"), "{err}");
        assert!(err.contains("EMBEDDED_AGENT_PROVIDER or --agent-provider"), "{err}");
        assert!(err.contains("`none`") && !err.contains("not-to-be-shown"), "{err}");
    }

    #[test]
    fn an_explicit_choice_wins_and_a_flag_over_a_variable() {
        let env = [OPENAI, ANTHROPIC, ("EMBEDDED_AGENT_PROVIDER", "openai")];
        assert!(provider("", &env, &[]).unwrap().starts_with("openai "));
        let flag = [("agent_provider", "anthropic"), ("anthropic_model", "m")];
        assert_eq!(provider("", &env, &flag).as_deref(), Some("anthropic m api.anthropic.com"));
    }

    #[test]
    fn an_address_comes_from_no_variable() {
        let env = [OPENAI, ("OPENAI_BASE_URL", "https://elsewhere.example.test/v1")];
        assert!(provider("", &env, &[]).unwrap().ends_with(" api.openai.com"));
        let flag = [("openai_base_url", "https://gateway.example.test/v1")];
        assert!(provider("", &[OPENAI], &flag).unwrap().ends_with(" gateway.example.test"));
    }

    #[test]
    fn azure_is_known_by_its_address_and_deployment() {
        let base = ("openai_base_url", "https://r.example.test/openai/deployments/small");
        let flags = [("agent_provider", "azure-openai"), base];
        let found = provider("", &[OPENAI], &flags);
        assert_eq!(found.as_deref(), Some("azure-openai small r.example.test"));
    }

    #[test]
    fn what_cannot_be_used_is_told_where_it_was_given() {
        for (env, flags, expected) in [
            (
                &[OPENAI][..],
                &[("agent_provider", "open-ai")][..],
                "invalid `--agent-provider`: `open-ai` is not",
            ),
            (
                &[OPENAI],
                &[("agent_provider", "openrouter")],
                "invalid `--agent-provider`: openrouter is chosen, and it has no key",
            ),
            (
                &[OPENAI],
                &[("openai_base_url", "nowhere")],
                "invalid `--openai-base-url`: the base URL of openai",
            ),
            (
                &[OPENAI, ("OPENAI_REASONING_EFFORT", "huge")],
                &[],
                "invalid `OPENAI_REASONING_EFFORT`: `huge` is not",
            ),
            (
                &[OPENAI],
                &[("agent_provider", "azure-openai")],
                "invalid `--agent-provider`: azure-openai needs its base URL",
            ),
            (
                &[("OPENAI_API_KEY", "a b")],
                &[],
                "invalid `OPENAI_API_KEY`: the key of openai has characters",
            ),
        ] {
            let err = read("", env, flags).unwrap_err();
            assert!(err.starts_with(expected), "{err}");
        }
    }

    #[test]
    fn keys_are_masked_wherever_settings_are_shown() {
        let loaded = read("", &[ANTHROPIC], &[]).unwrap();
        let all = format!("{:?}{:?}{:?}", loaded.entries(), loaded.config, loaded.installation());
        assert!(all.contains("********") && !all.contains("not-to-be-shown"), "{all}");
    }

    #[test]
    fn a_translation_leaves_time_for_the_search() {
        let loaded = read("", &[ANTHROPIC], &[("agent_provider", "anthropic")]).unwrap();
        assert!(format!("{:?}", loaded.installation().agent).contains("total: 30s"));
        let loaded = read("call_timeout = 9", &[ANTHROPIC], &[]).unwrap();
        assert!(format!("{:?}", loaded.installation().agent).contains("total: 6s"));
    }
}
