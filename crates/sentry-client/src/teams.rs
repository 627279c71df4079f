//! Teams of an organization: listing and creating. Membership and renaming are not covered.

use serde::{Deserialize, Serialize};

use crate::{Client, Cursor, Page, Region, Result, Slug, drift, request::Route};

/// A team.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// The numeric id, as text, if Sentry tells it.
    #[serde(default, deserialize_with = "drift::maybe_id")]
    pub id: Option<String>,
    /// The slug, by which every other endpoint names the team.
    #[serde(deserialize_with = "drift::id")]
    pub slug: String,
    /// The name for people; often the same as the slug.
    #[serde(default, deserialize_with = "drift::text")]
    pub name: Option<String>,
    /// Whether the user behind the token is in it, if Sentry tells.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub is_member: Option<bool>,
}

/// Which teams [`Client::list_teams`] lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListTeams<'a> {
    /// Only teams whose name or slug contains this text.
    pub query: Option<&'a str>,
    /// How many on a page, 1 to 100; Sentry's default is 100.
    pub per_page: Option<u32>,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
    /// The organization's region, where it is known.
    pub region: Option<&'a Region>,
}

#[derive(Serialize)]
struct NewTeam<'a> {
    name: &'a str,
}

impl Client {
    /// `GET /api/0/organizations/{org}/teams/`
    ///
    /// Asks for teams without their projects (`detailed=0`), which nobody reads here.
    pub async fn list_teams(&self, org: &Slug, params: &ListTeams<'_>) -> Result<Page<Team>> {
        self.get(Route::organization(org).seg("teams"))
            .in_region(params.region)
            .query(&[("detailed", "0")])
            .query_opt("query", params.query)
            .query_opt("per_page", params.per_page)
            .query_opt("cursor", params.cursor)
            .page()
            .await
    }

    /// `POST /api/0/organizations/{org}/teams/`
    ///
    /// Sentry derives the slug from the name; a slug that exists is a conflict (409).
    pub async fn create_team(
        &self,
        org: &Slug,
        name: &str,
        region: Option<&Region>,
    ) -> Result<Team> {
        self.post(Route::organization(org).seg("teams"))
            .in_region(region)
            .body(&NewTeam { name })
            .json()
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_needs_a_slug_and_no_id() {
        let read = |json: &str| serde_json::from_str::<Team>(json);
        let team = read(r#"{"slug": "core", "id": null, "name": 7}"#).unwrap();
        assert_eq!((team.slug.as_str(), team.id, team.name.as_deref()), ("core", None, Some("7")));
        assert_eq!(read(r#"{"slug": "core", "id": 4}"#).unwrap().id.as_deref(), Some("4"));
        assert!(read(r#"{"id": "4"}"#).is_err());
    }
}
