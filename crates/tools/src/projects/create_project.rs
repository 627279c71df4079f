//! `create_project`. It neither invents a team nor connects a repository to Sentry.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    Region, Slug,
    client_keys::{ClientKey, ListClientKeys},
    projects::NewProject,
};
use serde::{Deserialize, Serialize};

use super::{
    ProjectFacts, chosen_slug, create_dsn::CreateDsn, find_dsns::FindDsns,
    find_projects::FindProjects, given, platform, project_facts, required, write_failed,
};
use crate::{
    answer::{Answer, Reply},
    error::Result,
    gate::{Constraint, needs},
    params::{OrganizationSlug, RegionUrl, TeamSlug},
    render::markdown,
    repository::{self, Wanted},
    tool::{Context, Effect, Tool, Upstream},
};

/// The name that Sentry gives to the key of a new project.
const DEFAULT_KEY: &str = "Default";
pub(crate) struct CreateProject;

/// Create a project for a team, with its DSN. Use it only when the user asks for a new project.
/// It creates no team.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    team_slug: TeamSlug,
    name: String,
    /// Like `python-django`.
    platform: Option<String>,
    slug: Option<String>,
    /// Connected repository to link.
    repository: Option<String>,
    region_url: Option<RegionUrl>,
}

/// A new project as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    #[serde(flatten)]
    project: ProjectFacts,
    team: String,
    /// The DSN, or why there is none yet.
    dsn: String,
    /// What became of the repository.
    repository: Option<String>,
}

impl Tool for CreateProject {
    type Params = Params;
    type Output = Created;

    const NAME: &'static str = "create_project";
    const EFFECT: Effect = Effect::Create;
    const REQUIRES: ScopeSet = ScopeSet::of(&[Scope::ProjectWrite, Scope::TeamRead]);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "POST /api/0/teams/{org}/{team}/projects/",
        accepts: &[needs(Scope::ProjectWrite)],
    };
    const POINTLESS_IN: Option<Constraint> = Some(Constraint::Project);

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Created>> {
        let Params { organization_slug: org, team_slug: team, .. } = &params;
        let region = cx.region(params.region_url.as_ref())?;
        let slug = chosen_slug("slug", params.slug.as_deref())?;
        let platform = platform(params.platform.as_deref());
        let new = NewProject {
            name: required("name", &params.name)?,
            slug: slug.as_ref(),
            platform: platform.as_deref(),
        };
        let scene = Scene { cx, org, region: region.as_ref() };
        // Before the creation: a name that matches nothing must not leave half a result behind.
        let repository = match given(params.repository.as_deref()) {
            Some(name) => Some(repository::wanted(cx, org, region.as_ref(), name).await?),
            None => None,
        };

        let created = cx.sentry.create_project(org, team, &new, region.as_ref()).await;
        let project = created.map_err(|err| {
            write_failed::<FindProjects>(cx, "The project may have been created", err)
        })?;

        let mut out = format!("# Project created in `{}`\n\n", **org);
        project_facts(&mut out, &project);
        let _ = writeln!(out, "- Team: `{}`", **team);
        let (dsn, link) = if let Ok(slug) = project.slug.parse::<Slug>() {
            futures::join!(scene.dsn(&slug), scene.link(&slug, repository))
        } else {
            let look = "see Sentry; this slug cannot be used in requests".to_owned();
            (look.clone(), repository.map(|_| look))
        };
        let _ = writeln!(out, "- DSN: {dsn}");
        if let Some(link) = &link {
            let _ = writeln!(out, "- Repository: {link}");
        }
        Ok(cx.reply(Answer::new(out), || Created {
            project: ProjectFacts::of(&project),
            team: team.to_string(),
            dsn: dsn.trim_matches('`').to_owned(),
            repository: link,
        }))
    }
}

/// What every step of a creation needs.
struct Scene<'a> {
    cx: &'a Context<'a>,
    org: &'a Slug,
    region: Option<&'a Region>,
}

impl Scene<'_> {
    /// The DSN of the new project, or why there is none. The project exists, so nothing here
    /// is an error.
    async fn dsn(&self, project: &Slug) -> String {
        match self.key(project).await {
            Ok(key) => match key.public_dsn() {
                Some(dsn) => markdown::code(dsn, 500),
                None => "Sentry did not tell; see the project's settings".to_owned(),
            },
            Err(err) => {
                let problem = markdown::line(&err.kind().to_string(), 400);
                let next = match (self.cx.offers::<FindDsns>(), self.cx.offers::<CreateDsn>()) {
                    (Some(find), Some(create)) => {
                        format!("call `{find}`, and `{create}` if there is none")
                    }
                    (None, Some(create)) => format!("call `{create}`"),
                    (Some(find), None) => format!("call `{find}`"),
                    (None, None) => "see the project's settings in Sentry".to_owned(),
                };
                format!("not available ({problem}). The project exists; {next}")
            }
        }
    }

    /// A new project has a key; one is created only where it has none.
    async fn key(&self, project: &Slug) -> Result<ClientKey, sentry_client::Error> {
        let list = ListClientKeys { region: self.region, ..ListClientKeys::default() };
        let mut keys = self.cx.sentry.list_client_keys(self.org, project, &list).await?.items;
        keys.retain(|key| key.accepts_events() && key.public_dsn().is_some());
        let default = keys.iter().position(|key| key.name.as_deref() == Some(DEFAULT_KEY));
        match keys.into_iter().nth(default.unwrap_or(0)) {
            Some(key) => Ok(key),
            None => {
                self.cx.sentry.create_client_key(self.org, project, DEFAULT_KEY, self.region).await
            }
        }
    }

    /// What became of the repository, if one was asked for.
    async fn link(&self, project: &Slug, wanted: Option<Wanted>) -> Option<String> {
        let (name, integration) = match wanted? {
            Wanted::Found { name, integration } => (name, integration),
            Wanted::Unlisted => {
                return Some(
                    "not linked, because the auth token or its user may not list the \
                     repositories (that takes `org:read`); link it in the project's settings"
                        .to_owned(),
                );
            }
        };
        let shown = markdown::code(&name, 200);
        let sent =
            self.cx.sentry.link_repository(self.org, project, &name, &integration, self.region);
        Some(match sent.await {
            Ok(outcome) if outcome.is_linked() => format!("{shown}, linked"),
            Ok(_) => format!(
                "{shown} was not linked: Sentry refused the code mapping. Link it in the project's settings"
            ),
            Err(err) => {
                let problem = markdown::line(&err.kind().to_string(), 400);
                format!("{shown} was not linked ({problem}). Link it in the project's settings")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};
    use test_support::{FakeSentry, fixture};

    use crate::testing::{call, call_as, call_fenced, everything};

    const CREATE: &str = "/api/0/teams/acme/mobile/projects/";
    const KEYS: &str = "/api/0/projects/acme/ios-app/keys/";
    const REPOS: &str = "/api/0/organizations/acme/repos/";
    const LINK: &str = "/api/0/organizations/acme/code-mappings/bulk/";

    fn args(more: &Value) -> Value {
        let mut args =
            json!({ "organizationSlug": "acme", "teamSlug": "mobile", "name": "iOS app" });
        for (name, value) in more.as_object().unwrap() {
            args[name] = value.clone();
        }
        args
    }

    fn key(id: &str, name: &str, active: bool) -> Value {
        let dsn = format!("https://{id}@sentry.example.test/5");
        json!({ "id": id, "name": name, "isActive": active, "dsn": { "public": dsn } })
    }

    fn repository(name: &str) -> Value {
        json!({ "id": "1", "name": name, "provider": { "id": "integrations:github" } })
    }

    /// A Sentry that creates the project.
    async fn creating() -> FakeSentry {
        let project =
            json!({ "id": 5, "slug": "ios-app", "name": "iOS app", "platform": "apple-ios" });
        FakeSentry::start().await.post(CREATE, project).await
    }

    async fn sent(sentry: &FakeSentry, path: &str) -> Option<Value> {
        let requests = sentry.requests().await;
        let request =
            requests.iter().find(|request| request.path == path && request.method == "POST")?;
        Some(request.body.clone())
    }

    #[tokio::test]
    async fn creates_links_and_tells_the_default_dsn() {
        let keys =
            json!([key("a1", "Old", false), key("b2", "Other", true), key("c3", "Default", true)]);
        let sentry = creating().await.get(KEYS, keys).await;
        let sentry =
            sentry.get(REPOS, json!([repository("acme/ios"), repository("acme/ios-kit")])).await;
        let sentry = sentry
            .status("POST", LINK, 200, json!({ "created": 1, "updated": 0, "errors": 0 }))
            .await;
        let more = json!({ "platform": " Apple-iOS ", "slug": "ios-app", "repository": "ios" });
        assert_snapshot!(call(&sentry, "create_project", args(&more)).await, @r"
        # Project created in `acme`

        - Slug: `ios-app`
        - Id: `5`
        - Name: iOS app
        - Platform: `apple-ios`
        - Team: `mobile`
        - DSN: `https://c3@sentry.example.test/5`
        - Repository: `acme/ios`, linked
        ");
        let project = json!({ "name": "iOS app", "slug": "ios-app", "platform": "apple-ios" });
        assert_eq!(sent(&sentry, CREATE).await, Some(project));
        let link = json!({
            "project": "ios-app", "repository": "acme/ios", "provider": "github",
            "mappings": [{ "stackRoot": "", "sourceRoot": "" }],
        });
        assert_eq!(sent(&sentry, LINK).await, Some(link));
        assert_eq!(sent(&sentry, KEYS).await, None);
    }

    #[tokio::test]
    async fn a_project_without_an_id_is_created_all_the_same() {
        let sentry = FakeSentry::start().await.post(CREATE, json!({ "slug": "ios-app" })).await;
        let sentry = sentry.get(KEYS, json!([key("c3", "Default", true)])).await;
        assert_snapshot!(call(&sentry, "create_project", args(&json!({}))).await, @r"
        # Project created in `acme`

        - Slug: `ios-app`
        - Team: `mobile`
        - DSN: `https://c3@sentry.example.test/5`
        ");
    }

    #[tokio::test]
    async fn a_project_without_a_usable_key_gets_one() {
        let sentry = creating().await.get(KEYS, json!([key("a1", "Default", false)])).await;
        let sentry = sentry.post(KEYS, key("n1", "Default", true)).await;
        let out = call(&sentry, "create_project", args(&json!({}))).await;
        assert!(out.contains("- DSN: `https://n1@sentry.example.test/5`"), "{out}");
        assert_eq!(sent(&sentry, KEYS).await, Some(json!({ "name": "Default" })));
        assert_eq!(sent(&sentry, CREATE).await, Some(json!({ "name": "iOS app" })));
    }

    #[tokio::test]
    async fn a_failure_after_the_creation_is_told_and_is_no_error() {
        let sentry = creating().await.status("GET", KEYS, 403, json!({})).await;
        let sentry = sentry.get(REPOS, json!([repository("acme/ios")])).await;
        let sentry = sentry.status("POST", LINK, 200, json!({ "created": 0, "errors": 1 })).await;
        let out = call(&sentry, "create_project", args(&json!({ "repository": "ACME/ios" }))).await;
        assert!(out.starts_with("# Project created"), "{out}");
        assert!(
            out.contains("The project exists; call `find_dsns`, and `create_dsn` if there is none"),
            "{out}"
        );
        assert!(out.contains("- Repository: `acme/ios` was not linked"), "{out}");
    }

    #[tokio::test]
    async fn repositories_that_may_not_be_listed_do_not_stop_the_creation() {
        let sentry = creating().await.status("GET", REPOS, 403, json!({})).await;
        let sentry = sentry.get(KEYS, json!([key("c3", "Default", true)])).await;
        let out = call(&sentry, "create_project", args(&json!({ "repository": "acme/ios" }))).await;
        assert!(
            out.contains("- DSN: `https://c3@") && out.contains("- Repository: not linked"),
            "{out}"
        );
        assert_eq!(sent(&sentry, LINK).await, None);
    }

    #[tokio::test]
    async fn a_repository_that_is_not_the_only_one_stops_the_creation() {
        let known = fixture!("repositories/list.json");
        let table = [
            (
                "web",
                "several repositories match `web`; nothing was created. Candidates: `Acme / web`, `Other / web`.",
            ),
            (
                "acme/android",
                "no connected repository is called `acme/android`; nothing was created. Candidates:",
            ),
            ("eb", "no connected repository is called `eb`"),
            ("acme/manual", "`acme/manual` is not connected through an integration"),
        ];
        for (wanted, expected) in table {
            let sentry = FakeSentry::start().await.get(REPOS, known.clone()).await;
            let out = call(&sentry, "create_project", args(&json!({ "repository": wanted }))).await;
            assert!(out.starts_with("error: invalid arguments: `repository`"), "{wanted}: {out}");
            assert!(out.contains(expected), "{wanted}: {out}");
            assert_eq!(sent(&sentry, CREATE).await, None, "{wanted}");
        }
    }

    #[tokio::test]
    async fn the_search_for_a_repository_ends() {
        let sentry = FakeSentry::start()
            .await
            .get_page(REPOS, json!([repository("acme/ios")]), Some("0:100:0"))
            .await;
        let out = call(&sentry, "create_project", args(&json!({ "repository": "acme/ios" }))).await;
        assert!(out.contains("more than 1000 repositories match"), "{out}");
        assert_eq!(sentry.requests().await.len(), crate::repository::MAX_PAGES);
    }

    #[tokio::test]
    async fn sentry_s_refusals_say_what_to_do() {
        let table = [
            (
                409,
                json!({ "detail": "A project with this slug already exists." }),
                "choose another name or slug",
            ),
            (400, json!({ "slug": ["Already taken."] }), "- `slug`: Already taken."),
            (400, json!({ "platform": ["Invalid platform"] }), "- `platform`: Invalid platform"),
            (
                404,
                json!({ "detail": "The requested resource does not exist" }),
                "teamSlug: `mobile`",
            ),
            (
                403,
                json!({ "detail": "You do not have permission to perform this action." }),
                "Sentry refused",
            ),
        ];
        for (status, body, expected) in table {
            let sentry = FakeSentry::start().await.status("POST", CREATE, status, body).await;
            let out = call(&sentry, "create_project", args(&json!({}))).await;
            assert!(out.starts_with("error: ") && out.contains(expected), "{status}: {out}");
        }
    }

    #[tokio::test]
    async fn an_unknown_outcome_says_how_to_check() {
        let sentry = FakeSentry::start().await.post(CREATE, json!([])).await;
        let out = call(&sentry, "create_project", args(&json!({}))).await;
        assert!(
            out.contains("The project may have been created. Next: call `find_projects`"),
            "{out}"
        );
        assert_eq!(sentry.requests().await.len(), 1);
    }

    #[tokio::test]
    async fn bad_names_are_refused_before_anything_is_sent() {
        let sentry = FakeSentry::start().await;
        for (more, parameter) in [
            (json!({ "name": " \n" }), "`name`"),
            (json!({ "slug": "../x" }), "`slug`"),
            (json!({ "teamSlug": "a/b" }), "`teamSlug`"),
        ] {
            let out = call(&sentry, "create_project", args(&more)).await;
            assert!(
                out.starts_with("error: invalid arguments") && out.contains(parameter),
                "{out}"
            );
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn it_is_not_for_a_session_with_one_project_nor_without_both_scopes() {
        let sentry = FakeSentry::start().await;
        let out =
            call_fenced(&sentry, "acme", Some("web"), "create_project", args(&json!({}))).await;
        assert!(out.contains("limited to one project"), "{out}");
        let mut grant = everything();
        grant.granted.scopes = crate::gate::needs(scopes::Scope::ProjectWrite);
        let out = call_as(&sentry, &grant, "create_project", args(&json!({}))).await;
        assert!(out.contains("team:read was not granted"), "{out}");
        assert!(sentry.requests().await.is_empty());
    }
}
