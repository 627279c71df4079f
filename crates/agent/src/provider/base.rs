//! The address of a provider: what a base URL may be, and the endpoint that it leads to.
//! It sends nothing.

use url::Url;

use super::{ProviderKind, shorten};
use crate::wire::Wire;

/// An address that cannot be that of a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Not an absolute http or https URL with a host.
    #[error("the base URL of {provider}, `{given}`, is not an http or https URL")]
    Url {
        /// Whose address it should be.
        provider: ProviderKind,
        /// What was given, shortened, without a user name.
        given: String,
    },
    /// A user name, a password, a query, or a fragment.
    #[error(
        "the base URL of {provider} must be only scheme, host, port, and path, without user name, query, or fragment"
    )]
    Extra {
        /// Whose address it should be.
        provider: ProviderKind,
    },
    /// Neither of the two shapes of Azure.
    #[error(
        "the base URL of azure-openai must end in `/openai/v1` or in `/openai/deployments/<name>`, and its path is `{path}`"
    )]
    AzureShape {
        /// The path, shortened.
        path: String,
    },
    /// Azure without an address: every resource has its own.
    #[error(
        "azure-openai needs its base URL, such as `https://<resource>.openai.azure.com/openai/v1`: set OPENAI_BASE_URL or --openai-base-url"
    )]
    Missing,
}

/// Where requests go, in which format, and the model if the address names it.
pub(super) struct Address {
    pub(super) endpoint: Url,
    pub(super) wire: Wire,
    pub(super) deployment: Option<String>,
}

/// The endpoint of a provider, below the base URL that was set or below the usual one.
///
/// Azure has two shapes (its documentation of API versions): `/openai/v1`, which is OpenAI's own
/// interface, and `/openai/deployments/<name>` with an `api-version`.
pub(super) fn address(
    provider: ProviderKind,
    base: Option<&str>,
    api_version: Option<&str>,
) -> Result<Address, BaseUrlError> {
    let base = base.or(provider.default_base()).ok_or(BaseUrlError::Missing)?;
    let mut url = parse(provider, base)?;
    let path = url.path().trim_end_matches('/').to_owned();
    let mut deployment = None;
    let (wire, suffix) = match provider {
        ProviderKind::OpenAi => (Wire::Responses, "/responses"),
        ProviderKind::OpenRouter => (Wire::Chat, "/chat/completions"),
        // Both forms of the base URL are in use, with the version and without.
        ProviderKind::Anthropic if path.ends_with("/v1") => (Wire::Messages, "/messages"),
        ProviderKind::Anthropic => (Wire::Messages, "/v1/messages"),
        ProviderKind::AzureOpenAi if path.ends_with("/openai/v1") => {
            (Wire::Responses, "/responses")
        }
        ProviderKind::AzureOpenAi => {
            let name = deployment_in(&path)
                .ok_or_else(|| BaseUrlError::AzureShape { path: shorten(&path) })?;
            deployment = Some(name.to_owned());
            (Wire::Chat, "/chat/completions")
        }
    };
    url.set_path(&format!("{path}{suffix}"));
    if deployment.is_some() {
        // The last version that is generally available and dated; the setting wins.
        let version = api_version.unwrap_or("2024-10-21");
        url.query_pairs_mut().append_pair("api-version", version);
    }
    Ok(Address { endpoint: url, wire, deployment })
}

fn parse(provider: ProviderKind, given: &str) -> Result<Url, BaseUrlError> {
    let given = given.trim();
    let shown = || shorten(given.rsplit_once('@').map_or(given, |(_, rest)| rest));
    let wrong = || BaseUrlError::Url { provider, given: shown() };
    let url = Url::parse(given).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong());
    }
    let user = !url.username().is_empty() || url.password().is_some();
    if user || url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Extra { provider });
    }
    Ok(url)
}

/// The name of the deployment at the end of a path.
fn deployment_in(path: &str) -> Option<&str> {
    let (before, name) = path.rsplit_once('/')?;
    (before.ends_with("/openai/deployments") && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(provider: ProviderKind, base: &str) -> Result<(String, Wire), BaseUrlError> {
        let address = address(provider, Some(base), Some("2025-01-01"))?;
        Ok((address.endpoint.into(), address.wire))
    }

    #[test]
    fn each_provider_has_its_endpoint_below_its_base() {
        for (provider, base, expected, wire) in [
            (
                ProviderKind::OpenAi,
                "https://api.openai.com/v1/",
                "https://api.openai.com/v1/responses",
                Wire::Responses,
            ),
            (
                ProviderKind::Anthropic,
                "https://gateway.example.test",
                "https://gateway.example.test/v1/messages",
                Wire::Messages,
            ),
            (
                ProviderKind::Anthropic,
                "https://gateway.example.test/a/v1",
                "https://gateway.example.test/a/v1/messages",
                Wire::Messages,
            ),
            (
                ProviderKind::OpenRouter,
                "http://127.0.0.1:9/api/v1",
                "http://127.0.0.1:9/api/v1/chat/completions",
                Wire::Chat,
            ),
            (
                ProviderKind::AzureOpenAi,
                "https://r.example.test/openai/v1",
                "https://r.example.test/openai/v1/responses",
                Wire::Responses,
            ),
            (
                ProviderKind::AzureOpenAi,
                "https://r.example.test/openai/deployments/small/",
                "https://r.example.test/openai/deployments/small/chat/completions?api-version=2025-01-01",
                Wire::Chat,
            ),
        ] {
            assert_eq!(endpoint(provider, base), Ok((expected.to_owned(), wire)), "{base}");
        }
    }

    #[test]
    fn a_base_is_a_plain_http_url() {
        for bad in [
            "",
            "api.openai.com",
            "ftp://api.example.test",
            "file:///etc/passwd",
            "https://user:secret@api.example.test",
            "https://api.example.test/?key=secret",
            "https://api.example.test/#secret",
        ] {
            let error = endpoint(ProviderKind::OpenAi, bad).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn azure_needs_one_of_its_two_shapes() {
        for bad in [
            "https://r.example.test",
            "https://r.example.test/openai",
            "https://r.example.test/openai/deployments",
            "https://r.example.test/openai/deployments/a/b",
        ] {
            let error = endpoint(ProviderKind::AzureOpenAi, bad).unwrap_err();
            assert!(matches!(error, BaseUrlError::AzureShape { .. }), "{bad}");
        }
        let missing = address(ProviderKind::AzureOpenAi, None, None).map(|_| ());
        assert_eq!(missing, Err(BaseUrlError::Missing));
    }
}
