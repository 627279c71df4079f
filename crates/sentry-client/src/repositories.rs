//! Repositories of an organization, and linking one to a project.
//! Connecting a repository to Sentry happens in Sentry's settings, and is not covered.

use serde::{Deserialize, Serialize};

use crate::{Client, Cursor, Page, Region, Result, Slug, drift, request::Route};

/// What the id of a provider begins with when the repository comes from an integration.
const INTEGRATION: &str = "integrations:";

/// A repository that an organization has connected.
#[derive(Clone, Debug, Deserialize)]
pub struct Repository {
    /// The name at the provider, for example `acme/web`, or `Acme / web` at GitLab.
    #[serde(deserialize_with = "drift::id")]
    pub name: String,
    /// Where it is hosted.
    #[serde(default, deserialize_with = "drift::maybe")]
    provider: Option<Provider>,
}

impl Repository {
    /// The integration it comes from, for example `github`; without one, code mappings
    /// are impossible.
    pub fn integration(&self) -> Option<&str> {
        let id = self.provider.as_ref()?.id.as_deref()?;
        id.strip_prefix(INTEGRATION).filter(|integration| !integration.is_empty())
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Provider {
    #[serde(default, deserialize_with = "drift::text")]
    id: Option<String>,
}

/// Which repositories [`Client::list_repositories`] lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListRepositories<'a> {
    /// Only repositories whose name contains this text, in any case.
    pub query: Option<&'a str>,
    /// How many on a page, 1 to 100; Sentry's default is 100.
    pub per_page: Option<u32>,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
    /// The organization's region, where it is known.
    pub region: Option<&'a Region>,
}

/// What Sentry did with the code mappings it was sent.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct LinkOutcome {
    /// How many were created.
    #[serde(default, deserialize_with = "drift::count")]
    pub created: Option<u64>,
    /// How many existed and were changed.
    #[serde(default, deserialize_with = "drift::count")]
    pub updated: Option<u64>,
    /// How many were refused.
    #[serde(default, deserialize_with = "drift::count")]
    pub errors: Option<u64>,
}

impl LinkOutcome {
    /// Whether the repository is linked now: something was done, and nothing refused.
    pub fn is_linked(&self) -> bool {
        let done = self.created.unwrap_or(0) + self.updated.unwrap_or(0);
        self.errors.unwrap_or(0) == 0 && done > 0
    }
}

#[derive(Serialize)]
struct NewCodeMappings<'a> {
    project: &'a Slug,
    repository: &'a str,
    provider: &'a str,
    mappings: [CodeMapping; 1],
}

/// From the paths in stack traces to the paths in a repository.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeMapping {
    stack_root: &'static str,
    source_root: &'static str,
}

impl Client {
    /// `GET /api/0/organizations/{org}/repos/`
    ///
    /// Accepts only `org:*` scopes.
    pub async fn list_repositories(
        &self,
        org: &Slug,
        params: &ListRepositories<'_>,
    ) -> Result<Page<Repository>> {
        let per_page = params.per_page.map(|number| number.to_string());
        self.get(Route::organization(org).seg("repos"))
            .in_region(params.region)
            .query_opt("query", params.query)
            .query_opt("per_page", per_page.as_deref())
            .query_opt("cursor", params.cursor.map(Cursor::as_str))
            .page()
            .await
    }

    /// `POST /api/0/organizations/{org}/code-mappings/bulk/`
    ///
    /// Maps the root of the project's stack traces to the root of the repository.
    /// `integration` is [`Repository::integration`].
    pub async fn link_repository(
        &self,
        org: &Slug,
        project: &Slug,
        repository: &str,
        integration: &str,
        region: Option<&Region>,
    ) -> Result<LinkOutcome> {
        let mappings = NewCodeMappings {
            project,
            repository,
            provider: integration,
            mappings: [CodeMapping { stack_root: "", source_root: "" }],
        };
        let route = Route::organization(org).seg("code-mappings").seg("bulk");
        self.post(route).in_region(region).body(&mappings).json().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(json: &str) -> Repository {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_a_repository_of_an_integration_can_be_linked() {
        let table = [
            (
                r#"{"name": "a/b", "provider": {"id": "integrations:github", "name": "GitHub"}}"#,
                Some("github"),
            ),
            (r#"{"name": "a/b", "provider": {"id": "unknown", "name": "Unknown provider"}}"#, None),
            (r#"{"name": "a/b", "provider": null}"#, None),
            (r#"{"name": "a/b"}"#, None),
        ];
        for (json, expected) in table {
            assert_eq!(repository(json).integration(), expected, "{json}");
        }
    }

    #[test]
    fn a_refused_mapping_is_not_a_link() {
        let outcome = |json| serde_json::from_str::<LinkOutcome>(json).unwrap().is_linked();
        assert!(outcome(r#"{"created": 1, "updated": 0, "errors": 0}"#));
        assert!(outcome(r#"{"created": 0, "updated": "1"}"#));
        assert!(!outcome(r#"{"created": 1, "errors": 1}"#));
        assert!(!outcome("{}"));
    }
}
