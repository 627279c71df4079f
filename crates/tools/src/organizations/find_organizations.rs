//! `find_organizations`: the organizations of the user, over all regions.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    Page, Site,
    organizations::{ListOrganizations, Organization, OrganizationList},
};
use serde::{Deserialize, Serialize};

use crate::{
    answer::{List, Listing, Reply},
    error::Result,
    gate::{Constraint, needs},
    params::{Cursor, NamePart},
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

/// Organizations on one page of each region.
const PAGE: u32 = 50;

pub(crate) struct FindOrganizations;

/// List the organizations this user can reach, with slug, web address and region. Use it first
/// when the organization is not known. Shows no members or settings.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    query: Option<NamePart>,
    cursor: Option<Cursor>,
}

/// An organization as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    slug: String,
    name: String,
    web_url: Option<String>,
    region_url: Option<String>,
}

impl Tool for FindOrganizations {
    type Params = Params;
    type Output = List<Found>;

    const NAME: &'static str = "find_organizations";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::OrgRead);
    const UPSTREAM: Upstream =
        Upstream { endpoint: "GET /api/0/organizations/", accepts: &[needs(Scope::OrgRead)] };
    const POINTLESS_IN: Option<Constraint> = Some(Constraint::Organization);

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<List<Found>>> {
        let query = NamePart::of(params.query.as_ref());
        let list =
            ListOrganizations { query, per_page: Some(PAGE), cursor: params.cursor.as_deref() };
        let found = cx.sentry.list_organizations(&list).await?;
        let mut out = Listing::titled("# Organizations");
        if let Some(query) = query {
            out.words(&format!("Matching {}\n\n", markdown::code(query, 200)));
        }
        for organization in &found.organizations {
            let found = Found::of(cx.sentry.site(), organization);
            out.entry(&found.line(), found);
        }
        let whole = found.failed_regions.is_empty() && found.skipped_regions.is_empty();
        if found.organizations.is_empty() && found.skipped == 0 && found.next.is_none() {
            out.note(match (query, &params.cursor) {
                (_, Some(_)) => "There are no more organizations.\n",
                (Some(_), None) => {
                    "No organization matches. Call again with a shorter `query`, or without it to \
                     list all.\n"
                }
                (None, None) if whole => {
                    "This user is a member of no organization, or the token was made for another \
                     one.\n"
                }
                (None, None) => "No organization was found in the regions that answered.\n",
            });
        } else if cx.sentry.site().has_regions() {
            out.note(
                "\nOther tools find the region by the slug; `regionUrl` only saves them a look-up.\n",
            );
        }
        write_regions(&mut out, &found);
        let OrganizationList { organizations, skipped, next, .. } = found;
        out.end(&Page { items: organizations, skipped, next, previous: None });
        Ok(out.reply(cx))
    }
}

impl Found {
    fn of(site: &Site, organization: &Organization) -> Found {
        // A region that the tools would refuse is not worth copying.
        let region = organization.region_url.as_deref().and_then(|url| site.region(url).ok());
        Found {
            slug: organization.slug.to_string(),
            name: organization.name.clone(),
            web_url: organization.web_url.clone(),
            region_url: region.map(|region| region.to_string()),
        }
    }

    fn line(&self) -> String {
        let mut line = format!("- `{}`", self.slug);
        if self.name != self.slug {
            let _ = write!(line, ": {}", markdown::line(&self.name, 100));
        }
        if let Some(url) = &self.web_url {
            let _ = write!(line, ", web {}", markdown::code(url, 300));
        }
        if let Some(region) = &self.region_url {
            let _ = write!(line, ", regionUrl `{region}`");
        }
        line + "\n"
    }
}

/// What is missing from the list, and why: one line for each region.
fn write_regions(out: &mut Listing<Found>, found: &OrganizationList) {
    if !found.failed_regions.is_empty() || !found.skipped_regions.is_empty() {
        out.note("\nThe list is not complete:\n\n");
    }
    for (host, err) in &found.failed_regions {
        let reason = markdown::line(&err.kind().to_string(), 300);
        out.note(&format!("- region {} failed: {reason}\n", markdown::code(host, 100)));
    }
    for region in &found.skipped_regions {
        let region = markdown::code(region, 100);
        out.note(&format!(
            "- region {region} was not asked: it is not part of this Sentry, so it must not get \
             the token\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Map, json};
    use test_support::{FakeSentry, fixture};

    use crate::{
        installation::Installation,
        registry::{Catalog, ToolRegistry},
        testing::{call, call_fenced, everything},
    };

    const REGIONS: &str = "/api/0/users/me/regions/";
    const PATH: &str = "/api/0/organizations/";

    #[tokio::test]
    async fn lists_slugs_names_and_addresses() {
        let sentry = FakeSentry::start().await;
        let mut organizations = fixture!("organizations/list.json");
        organizations[1]["links"] = json!({ "regionUrl": sentry.uri(), "organizationUrl": "" });
        let sentry = sentry.get_page(PATH, organizations, Some("0:50:0")).await;
        let out = call(&sentry, "find_organizations", json!({ "query": " a " })).await;
        assert_snapshot!(out.replace(&sentry.host(), "HOST"), @r"
        # Organizations

        Matching `a`

        - `acme`: Acme, web `https://acme.example.test`
        - `beta`, regionUrl `http://HOST`

        There are more: call again with `cursor`: `0:50:0`
        ");
        let requests = sentry.requests().await;
        let request = requests.iter().find(|one| one.path == PATH).unwrap();
        assert_eq!((request.param("query"), request.param("per_page")), (Some("a"), Some("50")));
    }

    #[tokio::test]
    async fn a_region_that_must_not_get_the_token_is_named() {
        let sentry = FakeSentry::start().await.get(PATH, json!([{ "slug": "acme" }])).await;
        let regions = json!({ "regions": [
            { "name": "own", "url": sentry.uri() },
            { "name": "x", "url": "https://region.example.test" },
        ] });
        let sentry = sentry.get(REGIONS, regions).await;
        let out = call(&sentry, "find_organizations", json!({})).await;
        assert_snapshot!(out, @r"
        # Organizations

        - `acme`

        The list is not complete:

        - region `https://region.example.test` was not asked: it is not part of this Sentry, so it must not get the token
        ");
    }

    #[tokio::test]
    async fn a_region_that_fails_costs_no_other() {
        let region = FakeSentry::start().await.status("GET", PATH, 500, json!({})).await;
        let sentry = FakeSentry::start().await.get(PATH, json!([{ "slug": "acme" }])).await;
        let regions = json!({ "regions": [{ "url": sentry.uri() }, { "url": region.uri() }] });
        let sentry = sentry.get(REGIONS, regions).await;
        let client = sentry.client_with(|settings| {
            settings.site = settings.site.clone().with_region_hosts([region.host()]).unwrap();
        });
        let catalog = Catalog::new(Installation::default());
        let call = crate::registry::Call {
            sentry: &client,
            grant: &everything(),
            name: "find_organizations",
            args: Map::new(),
            progress: &(),
        };
        let found = catalog.call(call).await;
        let out = found.unwrap().into_string().replace(&region.host(), "REGION");
        assert_snapshot!(out, @r"
        # Organizations

        - `acme`

        Other tools find the region by the slug; `regionUrl` only saves them a look-up.

        The list is not complete:

        - region `REGION` failed: sentry answered with status 500
        ");
    }

    #[tokio::test]
    async fn an_empty_list_says_what_it_means() {
        let sentry = FakeSentry::start().await.get(PATH, json!([])).await;
        let out = call(&sentry, "find_organizations", json!({})).await;
        assert_snapshot!(out, @r"
        # Organizations

        This user is a member of no organization, or the token was made for another one.
        ");
    }

    #[tokio::test]
    async fn a_session_of_one_organization_does_not_have_it() {
        let sentry = FakeSentry::start().await;
        let out = call_fenced(&sentry, "acme", None, "find_organizations", json!({})).await;
        assert!(out.contains("limited to one organization"), "{out}");
        assert!(sentry.requests().await.is_empty());
    }
}
