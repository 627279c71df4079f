//! What Sentry knows about an issue beside its events: linked issues of other services,
//! replays, and where a frame is at the code host. Nothing here is needed to show an issue.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    Client, IssueId, Page, Region, Result, Slug, Untrusted,
    drift::{self, Lenient},
    route::Route,
};

/// An issue of another service that someone linked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExternalIssue {
    /// The service: `github`, `jira`, …
    #[serde(deserialize_with = "drift::text")]
    pub service_type: Option<String>,
    /// Its name there: `acme/shop#12`.
    #[serde(deserialize_with = "drift::maybe")]
    pub display_name: Option<Untrusted>,
    /// Its page.
    #[serde(deserialize_with = "drift::maybe")]
    pub web_url: Option<Untrusted>,
}

/// Where a frame is at the code host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StacktraceLink {
    /// The page of the line.
    #[serde(deserialize_with = "drift::maybe")]
    pub source_url: Option<Untrusted>,
    /// The path in the repository; older versions do not send it.
    #[serde(deserialize_with = "drift::maybe")]
    pub source_path: Option<Untrusted>,
    /// The mapping that led there.
    #[serde(deserialize_with = "drift::maybe")]
    pub config: Option<CodeMapping>,
}

/// A mapping of a project's files to a repository.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CodeMapping {
    /// The repository: `acme/shop`.
    #[serde(deserialize_with = "drift::text")]
    pub repo_name: Option<String>,
}

/// Query parameters of [`Client::find_stacktrace_link`]: what the event says of the frame.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindStacktraceLink<'a> {
    /// The file, as the frame names it.
    pub file: &'a str,
    /// The platform of the frame or of the event.
    pub platform: Option<&'a str>,
    /// The line, from 1.
    pub line_no: Option<u64>,
    /// The file with its whole path.
    pub abs_path: Option<&'a str>,
    /// The module.
    pub module: Option<&'a str>,
    /// The library or image.
    pub package: Option<&'a str>,
    /// The commit of the release.
    pub commit_id: Option<&'a str>,
    /// The issue's numeric id.
    pub group_id: Option<&'a str>,
    /// The SDK's name.
    pub sdk_name: Option<&'a str>,
}

/// The ids of replays per issue; Sentry sends a number instead where it has no ids.
#[derive(Deserialize)]
#[serde(transparent)]
struct ReplayIds(BTreeMap<String, Lenient<String>>);

impl Client {
    /// `GET /api/0/organizations/{org}/issues/{issue}/external-issues/`
    pub async fn list_external_issues(
        &self,
        org: &Slug,
        issue: &IssueId,
        region: Option<&Region>,
    ) -> Result<Page<ExternalIssue>> {
        let route = Route::organization(org).seg("issues").seg(issue.as_str());
        self.get(route.seg("external-issues")).in_region(region).page().await
    }

    /// `GET /api/0/organizations/{org}/replay-count/`
    ///
    /// The ids of the replays of an issue in the last 90 days, at most 100. `data_source` is
    /// `discover` for errors and `search_issues` for all other issues.
    pub async fn list_issue_replays(
        &self,
        org: &Slug,
        issue_id: &str,
        data_source: &str,
        region: Option<&Region>,
    ) -> Result<Vec<String>> {
        let query = format!("issue.id:[{issue_id}]");
        let found: ReplayIds = self
            .get(Route::organization(org).seg("replay-count"))
            .in_region(region)
            .query(&[
                ("returnIds", "true"),
                ("query", query.as_str()),
                ("data_source", data_source),
                ("statsPeriod", "90d"),
                ("project", "-1"),
            ])
            .json()
            .await?;
        Ok(found
            .0
            .into_iter()
            .filter(|(id, _)| id == issue_id)
            .flat_map(|(_, ids)| ids.items)
            .collect())
    }

    /// `GET /api/0/projects/{org}/{project}/stacktrace-link/`
    pub async fn find_stacktrace_link(
        &self,
        org: &Slug,
        project: &Slug,
        frame: &FindStacktraceLink<'_>,
        region: Option<&Region>,
    ) -> Result<StacktraceLink> {
        let route = Route::project(org, project).seg("stacktrace-link");
        self.get(route).in_region(region).query(frame).json().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::FakeSentry;

    use super::*;
    use crate::testing::client;

    #[tokio::test]
    async fn replays_of_an_issue_are_ids_or_only_a_number() {
        for (body, expected) in [
            (json!({ "42": ["a", null, "b"], "43": ["c"] }), vec!["a", "b"]),
            (json!({ "42": 7 }), vec![]),
            (json!({}), vec![]),
        ] {
            let sentry =
                FakeSentry::start().await.get("organizations/acme/replay-count/", body).await;
            let org = "acme".parse().unwrap();
            let ids = client(&sentry).list_issue_replays(&org, "42", "discover", None).await;
            assert_eq!(ids.unwrap(), expected);
            let asked = sentry.requests().await.remove(0);
            assert_eq!(asked.param("query"), Some("issue.id:[42]"));
            assert_eq!(asked.param("data_source"), Some("discover"));
        }
    }

    #[tokio::test]
    async fn a_link_without_a_mapping_and_a_list_with_holes_are_no_errors() {
        let sentry = FakeSentry::start()
            .await
            .get("projects/acme/shop/stacktrace-link/", json!({ "config": null, "error": "x" }))
            .await
            .get(
                "organizations/acme/issues/42/external-issues/",
                json!([null, { "displayName": 7, "webUrl": null }]),
            )
            .await;
        let (org, project) = ("acme".parse().unwrap(), "shop".parse().unwrap());
        let frame = FindStacktraceLink { file: "a b.py", ..FindStacktraceLink::default() };
        let link = client(&sentry).find_stacktrace_link(&org, &project, &frame, None).await;
        assert!(link.unwrap().source_url.is_none());
        assert_eq!(sentry.requests().await[0].query, [("file".to_owned(), "a b.py".to_owned())]);
        let issues =
            client(&sentry).list_external_issues(&org, &"42".parse().unwrap(), None).await.unwrap();
        assert_eq!((issues.items.len(), issues.skipped), (1, 1));
        assert_eq!(issues.items[0].display_name, Some(Untrusted::new("7")));
    }
}
