//! `find_releases`: the releases of an organization or a project. Health data is not shown.

use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::releases::{Commit, Deploy, ListReleases, Release};
use serde::{Deserialize, Serialize};

use crate::{
    answer::{List, Listing, Reply, Stranger},
    error::Result,
    gate::needs,
    params::{Cursor, NamePart, OrganizationSlug, ProjectSlug, RegionUrl},
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

/// Releases on one page.
const PAGE: u32 = 25;
/// Sentry's limit for a version, in characters; a version is never shortened.
const LONGEST_VERSION: usize = 250;

pub(crate) struct FindReleases;

/// List releases, newest first, with dates, new issues, last commit and deploy. Gives the version
/// for `release:VERSION` in a search. Shows no crash rates.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    project_slug: Option<ProjectSlug>,
    region_url: Option<RegionUrl>,
    /// Part of a version.
    query: Option<NamePart>,
    cursor: Option<Cursor>,
}

/// A release as data. Whoever sends an event names its release.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    version: Stranger,
    created: Option<String>,
    released: Option<String>,
    first_event: Option<String>,
    last_event: Option<String>,
    new_issues: Option<u64>,
    projects: Vec<String>,
    last_commit: Option<LastCommit>,
    last_deploy: Option<LastDeploy>,
}

/// The newest commit of a release.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastCommit {
    id: Option<String>,
    message: Option<Stranger>,
    author: Option<Stranger>,
    created: Option<String>,
}

/// The newest deploy of a release.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastDeploy {
    environment: Option<Stranger>,
    id: Option<String>,
    started: Option<String>,
    finished: Option<String>,
}

impl Tool for FindReleases {
    type Params = Params;
    type Output = List<Found>;

    const NAME: &'static str = "find_releases";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::ProjectRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/releases/",
        accepts: &[needs(Scope::ProjectRead), needs(Scope::ProjectReleases)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<List<Found>>> {
        let region = cx.region(params.region_url.as_ref())?;
        let query = NamePart::of(params.query.as_ref());
        let list = ListReleases {
            project: params.project_slug.as_deref(),
            query,
            per_page: Some(PAGE),
            cursor: params.cursor.as_deref(),
            region: region.as_ref(),
        };
        let page = cx.sentry.list_releases(&params.organization_slug, &list).await?;
        let mut heading = format!("# Releases in `{}`", *params.organization_slug);
        if let Some(project) = list.project {
            let _ = write!(heading, ", project `{project}`");
        }
        let mut out = Listing::titled(&heading);
        if let Some(query) = query {
            out.words(&format!("Matching {}\n\n", markdown::code(query, LONGEST_VERSION)));
        }
        if let Some(first) = page.items.first() {
            let filter = markdown::code(&filter(first.version.expose()), 2 * LONGEST_VERSION);
            out.words(&format!("In a search, name the version in full: {filter}\n"));
        }
        for release in &page.items {
            out.entry(&entry(release), Found::of(release));
        }
        if page.items.is_empty() && page.skipped == 0 && page.next.is_none() {
            out.note(nothing(&params));
            out.words("\n");
        }
        out.end(&page);
        Ok(out.reply(cx))
    }
}

fn nothing(params: &Params) -> &'static str {
    match (&params.cursor, &params.query, &params.project_slug) {
        (Some(_), ..) => "There are no more releases.",
        (None, Some(_), _) => {
            "No release matches. `query` must be part of a version; call again without it to list \
             the newest."
        }
        (None, None, Some(_)) => {
            "This project has no releases. Call again without `projectSlug` for all projects, if \
             the session is not limited to this one."
        }
        (None, None, None) => "No project of this organization has releases.",
    }
}

/// The search term for a version; a version may hold spaces.
fn filter(version: &str) -> String {
    if version.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')')) {
        format!("release:\"{}\"", version.replace('"', "\\\""))
    } else {
        format!("release:{version}")
    }
}

impl Found {
    fn of(release: &Release) -> Found {
        let stranger = |text: &Option<String>| Stranger::some(text.as_deref(), 500);
        Found {
            version: Stranger::clipped(release.version.expose(), LONGEST_VERSION),
            created: release.date_created.as_deref().map(instant),
            released: release.date_released.as_deref().map(instant),
            first_event: release.first_event.as_deref().map(instant),
            last_event: release.last_event.as_deref().map(instant),
            new_issues: release.new_groups,
            projects: release.projects.iter().map(|project| project.slug.clone()).collect(),
            last_commit: release.last_commit.as_ref().map(|commit| LastCommit {
                id: commit.id.clone(),
                message: stranger(&commit.message),
                author: author(commit).and_then(|name| Stranger::of(Some(name))),
                created: commit.date_created.as_deref().map(instant),
            }),
            last_deploy: release.last_deploy.as_ref().map(|deploy| LastDeploy {
                environment: stranger(&deploy.environment),
                id: deploy.id.clone(),
                started: deploy.date_started.as_deref().map(instant),
                finished: deploy.date_finished.as_deref().map(instant),
            }),
        }
    }
}

fn author(commit: &Commit) -> Option<&str> {
    let author = commit.author.as_ref()?;
    author.name.as_deref().or(author.email.as_deref())
}

fn entry(release: &Release) -> String {
    let mut out = format!("\n## {}\n\n", markdown::code(release.version.expose(), LONGEST_VERSION));
    let dates = [
        ("Created", &release.date_created),
        ("Released", &release.date_released),
        ("First event", &release.first_event),
        ("Last event", &release.last_event),
    ];
    for (label, date) in dates {
        if let Some(date) = date {
            let _ = writeln!(out, "- {label}: {}", instant(date));
        }
    }
    if let Some(count) = release.new_groups {
        let _ = writeln!(out, "- New issues: {count}");
    }
    let projects = release.projects.iter().map(|project| markdown::code(&project.slug, 100));
    let projects = projects.collect::<Vec<_>>().join(", ");
    if !projects.is_empty() {
        let _ = writeln!(out, "- Projects: {projects}");
    }
    if let Some(commit) = &release.last_commit {
        listed(&mut out, "Last commit", &commit_parts(commit));
    }
    if let Some(deploy) = &release.last_deploy {
        listed(&mut out, "Last deploy", &deploy_parts(deploy));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn listed(out: &mut String, label: &str, parts: &[String]) {
    if !parts.is_empty() {
        let _ = writeln!(out, "- {label}: {}", parts.join(", "));
    }
}

fn commit_parts(commit: &Commit) -> Vec<String> {
    let message = commit.message.as_deref().map(|message| markdown::line(message, 500));
    let parts = [
        commit.id.as_deref().map(|id| markdown::code(id, 64)),
        message.filter(|text| !text.is_empty()).map(|text| format!("\"{text}\"")),
        author(commit).map(|author| format!("by {}", markdown::line(author, 100))),
        commit.date_created.as_deref().map(instant),
    ];
    parts.into_iter().flatten().collect()
}

fn deploy_parts(deploy: &Deploy) -> Vec<String> {
    let started = deploy.date_started.as_deref().map(instant);
    let finished = deploy.date_finished.as_deref().map(instant);
    let parts = [
        deploy.environment.as_deref().map(|name| format!("to {}", markdown::code(name, 64))),
        deploy.id.as_deref().map(|id| format!("id {}", markdown::code(id, 40))),
        started.map(|date| format!("started {date}")),
        finished.map(|date| format!("finished {date}")),
    ];
    parts.into_iter().flatten().collect()
}

/// ISO 8601 in UTC, to the second; what is no date stays as it is.
fn instant(text: &str) -> String {
    let seconds = text.parse::<Timestamp>().map(Timestamp::as_second);
    match seconds.and_then(Timestamp::from_second) {
        Ok(instant) => instant.to_string(),
        Err(_) => markdown::line(text, 40),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;
    use test_support::{FakeSentry, fixture};

    use super::{filter, instant};
    use crate::testing::{call, call_fenced};

    const EVERYWHERE: &str = "/api/0/organizations/acme/releases/";
    const PROJECT: &str = "/api/0/projects/acme/api/releases/";

    #[tokio::test]
    async fn lists_what_is_known_of_each_release() {
        let sentry =
            FakeSentry::start().await.get(EVERYWHERE, fixture!("releases/newest.json")).await;
        let out = call(&sentry, "find_releases", json!({ "organizationSlug": "acme" })).await;
        assert_snapshot!(out, @r#"
        # Releases in `acme`

        In a search, name the version in full: `release:api@1.5.0`

        ## `api@1.5.0`

        - Created: 2026-01-14T13:37:27Z
        - Released: 2026-01-14T14:00:00Z
        - First event: 2026-01-14T13:40:00Z
        - Last event: 2026-01-15T09:00:00Z
        - New issues: 4
        - Projects: `api`, `worker`
        - Last commit: `0badc0de0badc0de0badc0de0badc0de0badc0de`, "Shorten the timeout Four seconds are enough.", by Release Bot, 2026-01-14T12:00:00Z
        - Last deploy: to `production`, id `17`, finished 2026-01-14T13:30:00Z

        ## `` my app@1.4.9 (rc `1`) ``

        - Created: 2026-01-10T00:00:00Z
        - New issues: 0
        - Last commit: `f00d`, by release-bot@example.test

        ## `20260101`

        - Created: yesterday # not a date

        1 entry could not be read and was left out.
        "#);
    }

    #[tokio::test]
    async fn a_project_is_asked_by_its_own_path() {
        let release = json!([{ "version": "api@1.5.0" }]);
        let sentry = FakeSentry::start().await.get_page(PROJECT, release, Some("0:25:0")).await;
        let args = json!({
            "organizationSlug": "acme", "projectSlug": "api", "query": "1.5", "cursor": "0:0:0",
        });
        let out = call(&sentry, "find_releases", args).await;
        assert_snapshot!(out, @r"
        # Releases in `acme`, project `api`

        Matching `1.5`

        In a search, name the version in full: `release:api@1.5.0`

        ## `api@1.5.0`

        There are more: call again with `cursor`: `0:25:0`
        ");
        let request = &sentry.requests().await[0];
        for (name, value) in [("query", "1.5"), ("per_page", "25"), ("cursor", "0:0:0")] {
            assert_eq!(request.param(name), Some(value), "{name}");
        }
    }

    #[tokio::test]
    async fn an_empty_list_says_what_to_try() {
        let sentry = FakeSentry::start()
            .await
            .get(PROJECT, json!([]))
            .await
            .get(EVERYWHERE, json!([]))
            .await;
        let out = call(&sentry, "find_releases", json!({ "organizationSlug": "acme" })).await;
        assert_snapshot!(out, @r"
        # Releases in `acme`

        No project of this organization has releases.
        ");
        let args = json!({ "organizationSlug": "acme", "projectSlug": "api", "query": "9" });
        let out = call(&sentry, "find_releases", args).await;
        assert!(out.contains("No release matches."), "{out}");
    }

    #[tokio::test]
    async fn a_session_of_one_project_sees_only_its_releases() {
        let sentry = FakeSentry::start().await.get(PROJECT, json!([])).await;
        call_fenced(&sentry, "acme", Some("api"), "find_releases", json!({})).await;
        let other = json!({ "projectSlug": "web" });
        let out = call_fenced(&sentry, "acme", Some("api"), "find_releases", other).await;
        assert!(out.contains("limited to `api`"), "{out}");
        let paths: Vec<_> = sentry.requests().await.into_iter().map(|one| one.path).collect();
        assert_eq!(paths, [PROJECT]);
    }

    #[test]
    fn a_version_with_spaces_is_quoted_in_a_search() {
        assert_eq!(filter("api@1.5.0+7"), "release:api@1.5.0+7");
        assert_eq!(filter("my app \"x\""), r#"release:"my app \"x\"""#);
    }

    #[test]
    fn a_date_is_utc_to_the_second() {
        assert_eq!(instant("2026-01-14T15:00:00.123+01:00"), "2026-01-14T14:00:00Z");
        assert_eq!(instant("some\n# day"), "some # day");
    }
}
