//! Projects: listing, reading, creating, changing, and adding a team.
//! Their client keys are in `client_keys`; deleting and transferring are not covered.

use serde::{Deserialize, Serialize};

use crate::{Client, Cursor, Page, Region, Result, Slug, drift, request::Route};

/// A project, as lists and single answers show it.
#[derive(Clone, Debug, Deserialize)]
pub struct Project {
    /// The numeric id, as text, if Sentry tells it.
    #[serde(default, deserialize_with = "drift::maybe_id")]
    pub id: Option<String>,
    /// The slug, by which every other endpoint names the project.
    #[serde(deserialize_with = "drift::id")]
    pub slug: String,
    /// The name for people; often the same as the slug.
    #[serde(default, deserialize_with = "drift::text")]
    pub name: Option<String>,
    /// What it is written in, for example `python-django`; absent or empty where nobody chose.
    #[serde(default, deserialize_with = "drift::text")]
    pub platform: Option<String>,
    /// The teams that have access; absent right after creation.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub teams: Option<Vec<ProjectTeam>>,
    /// The organization it belongs to; absent in an organization's own list.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub organization: Option<ProjectOrganization>,
}

/// A team of a [`Project`].
#[derive(Clone, Debug, Deserialize)]
pub struct ProjectTeam {
    /// The team's slug.
    #[serde(deserialize_with = "drift::id")]
    pub slug: String,
}

/// The organization of a [`Project`].
#[derive(Clone, Debug, Deserialize)]
pub struct ProjectOrganization {
    /// The organization's slug.
    #[serde(deserialize_with = "drift::id")]
    pub slug: String,
}

/// Which projects [`Client::list_projects`] and [`Client::list_own_projects`] list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListProjects<'a> {
    /// Only projects whose name or slug contains this text.
    pub query: Option<&'a str>,
    /// How many on a page, 1 to 100; Sentry's default is 100.
    pub per_page: Option<u32>,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
    /// The organization's region, where it is known.
    pub region: Option<&'a Region>,
}

/// What a project is created with.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct NewProject<'a> {
    /// The name for people, at most 50 characters.
    pub name: &'a str,
    /// The slug; Sentry derives it from the name otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<&'a Slug>,
    /// One of Sentry's platform names; any other is a validation error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<&'a str>,
}

/// What is changed of a project; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ProjectChanges<'a> {
    /// The new name, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// The new slug. Sentry redirects reads of the old one from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<&'a Slug>,
    /// The new platform, one of Sentry's names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<&'a str>,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Deserialize)]
struct ProjectId {
    #[serde(default, deserialize_with = "drift::maybe_id")]
    id: Option<String>,
}

impl Client {
    /// `GET /api/0/organizations/{org}/projects/`
    ///
    /// Accepts only `org:*` scopes. Asks for no latest deploys (`collapse`), which are dear to
    /// Sentry and read by nobody here.
    pub async fn list_projects(
        &self,
        org: &Slug,
        params: &ListProjects<'_>,
    ) -> Result<Page<Project>> {
        self.project_page(Route::organization(org).seg("projects"), params).await
    }

    /// `GET /api/0/projects/`
    ///
    /// Accepts `project:*` scopes. Lists the projects that the token's user is a member of,
    /// over all organizations, so each tells its organization; the caller compares it.
    pub async fn list_own_projects(&self, params: &ListProjects<'_>) -> Result<Page<Project>> {
        self.project_page(Route::root().seg("projects"), params).await
    }

    async fn project_page(
        &self,
        route: Route<'_>,
        params: &ListProjects<'_>,
    ) -> Result<Page<Project>> {
        let per_page = params.per_page.map(|number| number.to_string());
        self.get(route)
            .in_region(params.region)
            .query(&[("collapse", "latestDeploys")])
            .query_opt("query", params.query)
            .query_opt("per_page", per_page.as_deref())
            .query_opt("cursor", params.cursor.map(Cursor::as_str))
            .page()
            .await
    }

    /// `GET /api/0/projects/{org}/{project}/`
    ///
    /// A renamed project is found under its old slug, too: the answer has the new one.
    pub async fn get_project(
        &self,
        org: &Slug,
        project: &Slug,
        region: Option<&Region>,
    ) -> Result<Project> {
        self.get(Route::project(org, project)).in_region(region).json().await
    }

    /// `GET /api/0/projects/{org}/{project}/`, read for nothing but the numeric id.
    ///
    /// `None` if Sentry does not tell it. A renamed project is found under its old slug, too.
    pub async fn get_project_id(
        &self,
        org: &Slug,
        project: &Slug,
        region: Option<&Region>,
    ) -> Result<Option<String>> {
        let found: ProjectId =
            self.get(Route::project(org, project)).in_region(region).json().await?;
        Ok(found.id)
    }

    /// `POST /api/0/teams/{org}/{team}/projects/`
    ///
    /// A slug that exists is a conflict (409) or, in some versions, a validation error.
    pub async fn create_project(
        &self,
        org: &Slug,
        team: &Slug,
        project: &NewProject<'_>,
        region: Option<&Region>,
    ) -> Result<Project> {
        let route = Route::team(org, team).seg("projects");
        self.post(route).in_region(region).body(project).json().await
    }

    /// `PUT /api/0/projects/{org}/{project}/`
    ///
    /// Takes the project's present slug: a write follows no redirect from an old one.
    pub async fn update_project(
        &self,
        org: &Slug,
        project: &Slug,
        changes: &ProjectChanges<'_>,
        region: Option<&Region>,
    ) -> Result<Project> {
        self.put(Route::project(org, project)).in_region(region).body(changes).json().await
    }

    /// `POST /api/0/projects/{org}/{project}/teams/{team}/`
    ///
    /// Gives a team access to a project, beside the teams that have it. Adding a team twice
    /// changes nothing.
    pub async fn add_project_team(
        &self,
        org: &Slug,
        project: &Slug,
        team: &Slug,
        region: Option<&Region>,
    ) -> Result<Project> {
        let route = Route::project(org, project).seg("teams").seg(team.as_str());
        self.post(route).in_region(region).body(&Nothing {}).json().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::FakeSentry;

    use super::*;
    use crate::testing::client;

    #[test]
    fn a_project_is_read_whatever_is_missing_or_of_another_type() {
        let project: Project = serde_json::from_str(
            r#"{"id": 7, "slug": "web", "name": null, "platform": ["x"], "teams": {}, "organization": 3}"#,
        )
        .unwrap();
        assert_eq!((project.id.as_deref(), project.slug.as_str()), (Some("7"), "web"));
        assert!(project.name.is_none() && project.platform.is_none());
        assert!(project.teams.is_none() && project.organization.is_none());
    }

    #[test]
    fn a_project_needs_a_slug_and_no_id() {
        let read = |json: &str| serde_json::from_str::<Project>(json);
        assert_eq!(read(r#"{"slug": "web"}"#).unwrap().id, None);
        assert!(read(r#"{"id": 7}"#).is_err());
    }

    #[tokio::test]
    async fn an_id_is_read_without_anything_else() {
        for (body, expected) in
            [(json!({"id": 7}), Some("7")), (json!({"slug": "web", "id": null}), None)]
        {
            let sentry = FakeSentry::start().await.get("/api/0/projects/acme/web/", body).await;
            let (org, project) = ("acme".parse().unwrap(), "web".parse().unwrap());
            let id = client(&sentry).get_project_id(&org, &project, None).await.unwrap();
            assert_eq!(id.as_deref(), expected);
        }
    }

    #[test]
    fn only_what_changes_is_sent() {
        let changes = ProjectChanges { name: Some("Web"), ..ProjectChanges::default() };
        assert_eq!(serde_json::to_string(&changes).unwrap(), r#"{"name":"Web"}"#);
        let project = NewProject { name: "Web", ..NewProject::default() };
        assert_eq!(serde_json::to_string(&project).unwrap(), r#"{"name":"Web"}"#);
    }
}
