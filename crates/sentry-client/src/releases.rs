//! Releases: listing those of an organization or of one project. Nothing is created or deployed.

use serde::{Deserialize, Deserializer};

use crate::{Client, Cursor, Page, Region, Result, Slug, Untrusted, drift, request::Route};

/// A release, as Sentry's lists show it. Dates are ISO 8601 text, as Sentry wrote them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The version in full: what `release:` in a search compares with. The first event of a
    /// release names it, so anyone who can send one may have written it.
    #[serde(deserialize_with = "version")]
    pub version: Untrusted,
    /// When Sentry first heard of it.
    #[serde(default, deserialize_with = "drift::text")]
    pub date_created: Option<String>,
    /// When it was marked as released.
    #[serde(default, deserialize_with = "drift::text")]
    pub date_released: Option<String>,
    /// When its first event was seen.
    #[serde(default, deserialize_with = "drift::text")]
    pub first_event: Option<String>,
    /// When its last event was seen.
    #[serde(default, deserialize_with = "drift::text")]
    pub last_event: Option<String>,
    /// How many issues were first seen in it.
    #[serde(default, deserialize_with = "drift::count")]
    pub new_groups: Option<u64>,
    /// The projects it belongs to.
    #[serde(default, deserialize_with = "drift::list")]
    pub projects: Vec<ReleaseProject>,
    /// The newest commit, where commits are associated.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub last_commit: Option<Commit>,
    /// The newest deploy, where deploys are reported.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub last_deploy: Option<Deploy>,
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Untrusted, D::Error> {
    drift::id(deserializer).map(Untrusted::new)
}

/// A project of a [`Release`].
#[derive(Clone, Debug, Deserialize)]
pub struct ReleaseProject {
    /// The project's slug.
    #[serde(deserialize_with = "drift::id")]
    pub slug: String,
}

/// The newest commit of a [`Release`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// The hash.
    #[serde(default, deserialize_with = "drift::text")]
    pub id: Option<String>,
    /// The message, of any number of lines.
    #[serde(default, deserialize_with = "drift::text")]
    pub message: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "drift::text")]
    pub date_created: Option<String>,
    /// Who made it, where Sentry knows.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub author: Option<CommitAuthor>,
}

/// Who made a [`Commit`].
#[derive(Clone, Debug, Deserialize)]
pub struct CommitAuthor {
    /// The name.
    #[serde(default, deserialize_with = "drift::text")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(default, deserialize_with = "drift::text")]
    pub email: Option<String>,
}

/// The newest deploy of a [`Release`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deploy {
    /// The numeric id, as text.
    #[serde(default, deserialize_with = "drift::text")]
    pub id: Option<String>,
    /// Where to, for example `production`.
    #[serde(default, deserialize_with = "drift::text")]
    pub environment: Option<String>,
    /// When it started, if that was reported.
    #[serde(default, deserialize_with = "drift::text")]
    pub date_started: Option<String>,
    /// When it finished.
    #[serde(default, deserialize_with = "drift::text")]
    pub date_finished: Option<String>,
}

/// Which releases [`Client::list_releases`] lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListReleases<'a> {
    /// Only this project's; all projects' otherwise.
    pub project: Option<&'a Slug>,
    /// Only versions that contain this text, in any case.
    pub query: Option<&'a str>,
    /// How many on a page, 1 to 100; Sentry's default is 100.
    pub per_page: Option<u32>,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
    /// The organization's region, where it is known.
    pub region: Option<&'a Region>,
}

impl Client {
    /// `GET /api/0/organizations/{org}/releases/`, or, for one project,
    /// `GET /api/0/projects/{org}/{project}/releases/`
    ///
    /// Newest first.
    pub async fn list_releases(
        &self,
        org: &Slug,
        params: &ListReleases<'_>,
    ) -> Result<Page<Release>> {
        let route = match params.project {
            Some(project) => Route::project(org, project).seg("releases"),
            None => Route::organization(org).seg("releases"),
        };
        self.get(route)
            .in_region(params.region)
            .query_opt("query", params.query)
            .query_opt("per_page", params.per_page)
            .query_opt("cursor", params.cursor)
            .page()
            .await
    }
}
