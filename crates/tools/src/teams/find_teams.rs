//! `find_teams`: the teams of an organization. Members and projects of a team are not shown.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::teams::{ListTeams, Team};
use serde::{Deserialize, Serialize};

use crate::{
    answer::{List, Listing, Reply},
    error::Result,
    gate::needs,
    params::{Cursor, NamePart, OrganizationSlug, RegionUrl},
    render::markdown,
    teams::create_team::CreateTeam,
    tool::{Context, Effect, Tool, Upstream},
};

/// Teams on one page.
const PAGE: u32 = 50;

pub(crate) struct FindTeams;

/// List an organization's teams with the slugs and ids that other tools ask for. Shows no
/// members.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    region_url: Option<RegionUrl>,
    query: Option<NamePart>,
    cursor: Option<Cursor>,
}

/// A team as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    slug: String,
    id: Option<String>,
    name: Option<String>,
}

impl Tool for FindTeams {
    type Params = Params;
    type Output = List<Found>;

    const NAME: &'static str = "find_teams";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::TeamRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/teams/",
        accepts: &[needs(Scope::OrgRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<List<Found>>> {
        let region = cx.region(params.region_url.as_ref())?;
        let query = NamePart::of(params.query.as_ref());
        let list = ListTeams {
            query,
            per_page: Some(PAGE),
            cursor: params.cursor.as_deref(),
            region: region.as_ref(),
        };
        let page = cx.sentry.list_teams(&params.organization_slug, &list).await?;
        let mut out = Listing::titled(&format!("# Teams in `{}`", *params.organization_slug));
        if let Some(query) = query {
            out.words(&format!("Matching {}\n\n", markdown::code(query, 200)));
        }
        for team in &page.items {
            out.entry(&line(team), Found::of(team));
        }
        if page.items.is_empty() && page.skipped == 0 && page.next.is_none() {
            out.note(match (query, &params.cursor) {
                (None, None) => "This organization has no team that this user can see.",
                (_, Some(_)) => "There are no more teams.",
                (Some(_), None) => {
                    "No team matches. Call again with a shorter `query`, or without it to list all."
                }
            });
            if let Some(create) = cx.offers::<CreateTeam>() {
                out.note(&format!(" `{create}` creates one."));
            }
        }
        out.end(&page);
        Ok(out.reply(cx))
    }
}

fn line(team: &Team) -> String {
    let mut line = format!("- {}", markdown::code(&team.slug, 100));
    if let Some(id) = &team.id {
        let _ = write!(line, " (id {})", markdown::code(id, 40));
    }
    if let Some(name) = team.name.as_ref().filter(|name| **name != team.slug) {
        let _ = write!(line, ": {}", markdown::line(name, 100));
    }
    line + "\n"
}

impl Found {
    fn of(team: &Team) -> Found {
        Found { slug: team.slug.clone(), id: team.id.clone(), name: team.name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;
    use test_support::FakeSentry;

    use crate::testing::{call, call_fenced};

    const PATH: &str = "/api/0/organizations/acme/teams/";

    #[tokio::test]
    async fn lists_slugs_ids_and_names_and_counts_what_it_cannot_read() {
        let teams = json!([
            { "id": "2", "slug": "backend", "name": "backend" },
            { "slug": "ops" },
            { "id": 4, "slug": "mobile", "name": "Mobile\n# `apps`", "memberCount": null },
            { "id": "5", "slug": "no-name", "name": null },
            { "id": "6", "name": "no slug" },
            "not a team",
        ]);
        let sentry = FakeSentry::start().await.get(PATH, teams).await;
        let out = call(&sentry, "find_teams", json!({ "organizationSlug": "acme" })).await;
        assert_snapshot!(out, @r"
        # Teams in `acme`

        - `backend` (id `2`)
        - `ops`
        - `mobile` (id `4`): Mobile # `apps`
        - `no-name` (id `5`)

        2 entries could not be read and were left out.
        ");
    }

    #[tokio::test]
    async fn the_next_page_is_named_and_can_be_asked_for() {
        let teams = json!([{ "id": "2", "slug": "backend" }]);
        let sentry = FakeSentry::start().await.get_page(PATH, teams, Some("0:50:0")).await;
        let args = json!({ "organizationSlug": "acme", "query": "back", "cursor": "0:0:0" });
        let out = call(&sentry, "find_teams", args).await;
        assert!(out.contains("`cursor`: `0:50:0`"), "{out}");
        let request = &sentry.requests().await[0];
        let expected =
            [("detailed", "0"), ("query", "back"), ("per_page", "50"), ("cursor", "0:0:0")];
        for (name, value) in expected {
            assert_eq!(request.param(name), Some(value), "{name}");
        }
    }

    #[tokio::test]
    async fn a_query_longer_than_any_name_is_refused_before_anything_is_sent() {
        let sentry = FakeSentry::start().await;
        for tool in ["find_teams", "find_projects", "find_organizations", "find_releases"] {
            let mut args = json!({ "organizationSlug": "acme", "query": "x".repeat(201) });
            if tool == "find_organizations" {
                args = json!({ "query": "x".repeat(201) });
            }
            let out = call(&sentry, tool, args).await;
            assert_eq!(
                out,
                format!(
                    "error: invalid arguments for `{tool}`: `query`: 201 characters are too many; \
                     pass part of a name, at most 200"
                )
            );
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn an_empty_list_says_what_to_try() {
        let sentry = FakeSentry::start().await.get(PATH, json!([])).await;
        let args = json!({ "organizationSlug": "acme", "query": " mob`ile ", "regionUrl": "" });
        let out = call(&sentry, "find_teams", args).await;
        assert_snapshot!(out, @r"
        # Teams in `acme`

        Matching `` mob`ile ``

        No team matches. Call again with a shorter `query`, or without it to list all. `create_team` creates one.
        ");
    }

    #[tokio::test]
    async fn a_slug_that_would_leave_its_path_segment_is_refused() {
        let sentry = FakeSentry::start().await;
        for slug in ["../acme", "..", ".", "a/b", "a%2fb", "", "a b", "\u{202e}acme"] {
            let out = call(&sentry, "find_teams", json!({ "organizationSlug": slug })).await;
            assert!(out.starts_with("error: invalid arguments"), "{slug:?}: {out}");
            assert!(out.contains("organizationSlug"), "{slug:?}: {out}");
        }
    }

    #[tokio::test]
    async fn another_organization_than_the_session_s_is_refused() {
        let sentry = FakeSentry::start().await.get(PATH, json!([])).await;
        let args = json!({ "organizationSlug": "other" });
        let out = call_fenced(&sentry, "acme", None, "find_teams", args).await;
        assert!(out.contains("limited to `acme`"), "{out}");
        let out = call_fenced(&sentry, "acme", None, "find_teams", json!({})).await;
        assert!(out.starts_with("# Teams in `acme`"), "{out}");
    }
}
