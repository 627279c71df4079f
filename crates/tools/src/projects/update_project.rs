//! `update_project`. It adds a team and takes none away, and moves nothing between organizations.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, Region, Slug,
    projects::{Project, ProjectChanges},
};
use serde::Deserialize;

use super::{
    chosen_slug, find_projects::FindProjects, given, platform, project_facts, renamed,
    unless_renamed, write_failed,
};
use crate::{
    answer::Answer,
    error::{Error, Result},
    gate::needs,
    params::{OrganizationSlug, ProjectSlug, RegionUrl, TeamSlug},
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

pub(crate) struct UpdateProject;

/// Change a project's name, slug, or platform, or add a team. Pass only what changes; a new slug
/// changes its URLs. It removes no team.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    project_slug: ProjectSlug,
    name: Option<String>,
    slug: Option<String>,
    /// Like `python-django`.
    platform: Option<String>,
    team_slug: Option<TeamSlug>,
    region_url: Option<RegionUrl>,
}

impl Tool for UpdateProject {
    type Params = Params;

    const NAME: &'static str = "update_project";
    const EFFECT: Effect = Effect::Update;
    const REQUIRES: ScopeSet = needs(Scope::ProjectWrite);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "PUT /api/0/projects/{org}/{project}/",
        accepts: &[needs(Scope::ProjectWrite)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Answer> {
        let region = cx.region(params.region_url.as_ref())?;
        let update = Update { cx, params: &params, region: region.as_ref() };
        let wanted = update.wanted()?;
        let before = update.before().await?;
        let left = wanted.beyond(before.as_ref());
        if left.is_nothing() {
            return Ok(unchanged(before.as_ref()));
        }
        // The team first: the slug in the second request's path is the old one either way,
        // and a refused team must not leave a renamed project behind.
        let joined = match &left.team {
            Some(team) => Some(update.add_team(team).await?),
            None => None,
        };
        let changed = update.put(&left, joined.is_some()).await?;
        Ok(answer(&left, before.as_ref(), changed.or(joined).as_ref()))
    }
}

/// What is to be different afterwards.
#[derive(Clone, Default)]
struct Wanted {
    name: Option<String>,
    slug: Option<Slug>,
    platform: Option<String>,
    team: Option<Slug>,
}

impl Wanted {
    /// What of it does not hold yet; all of it if nobody knows.
    fn beyond(&self, before: Option<&Project>) -> Wanted {
        let Some(before) = before else { return self.clone() };
        let in_team =
            |team: &Slug| before.teams.iter().flatten().any(|known| known.slug == team.as_str());
        Wanted {
            name: self.name.clone().filter(|new| before.name.as_ref() != Some(new)),
            slug: self.slug.clone().filter(|new| before.slug != new.as_str()),
            platform: self.platform.clone().filter(|new| before.platform.as_ref() != Some(new)),
            team: self.team.clone().filter(|team| !in_team(team)),
        }
    }

    fn changes(&self) -> ProjectChanges<'_> {
        ProjectChanges {
            name: self.name.as_deref(),
            slug: self.slug.as_ref(),
            platform: self.platform.as_deref(),
        }
    }

    /// The names of what is sent in the `PUT`.
    fn fields(&self) -> Vec<&'static str> {
        let given = [
            ("name", self.name.is_some()),
            ("slug", self.slug.is_some()),
            ("platform", self.platform.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }

    fn is_nothing(&self) -> bool {
        self.team.is_none() && self.fields().is_empty()
    }
}

/// What every step needs.
struct Update<'a> {
    cx: &'a Context<'a>,
    params: &'a Params,
    region: Option<&'a Region>,
}

impl Update<'_> {
    fn wanted(&self) -> Result<Wanted> {
        let params = self.params;
        let wanted = Wanted {
            name: given(params.name.as_deref()).map(str::to_owned),
            slug: chosen_slug("slug", params.slug.as_deref())?,
            platform: platform(params.platform.as_deref()),
            team: params.team_slug.as_deref().cloned(),
        };
        if wanted.is_nothing() {
            return Err(Error::input(
                "nothing to change: pass at least one of `name`, `slug`, `platform`, `teamSlug`",
            ));
        }
        let renames = wanted.slug.as_ref().is_some_and(|slug| *slug != *params.project_slug);
        if renames && self.cx.sentry.fence().project.is_some() {
            return Err(Error::argument(
                "slug",
                "this session is limited to one project by its slug, so the slug cannot be \
                 changed here; leave `slug` out",
            ));
        }
        Ok(wanted)
    }

    /// The project as it is; `None` where the token may write but not read it.
    async fn before(&self) -> Result<Option<Project>> {
        let Params { organization_slug: org, project_slug: asked, .. } = self.params;
        match self.cx.sentry.get_project(org, asked, self.region).await {
            Ok(project)
                if project.slug != asked.as_str()
                    && project.id.as_deref() != Some(asked.as_str()) =>
            {
                // A read follows the redirect of an old slug; a write would not.
                Err(Error::input(renamed(self.cx, asked.as_str(), &project.slug)))
            }
            Ok(project) => Ok(Some(project)),
            Err(err) if matches!(err.kind(), ErrorKind::Forbidden { .. }) => Ok(None),
            Err(err) => Err(unless_renamed(self.cx, asked.as_str(), err.into())),
        }
    }

    async fn add_team(&self, team: &Slug) -> Result<Project> {
        let Params { organization_slug: org, project_slug: project, .. } = self.params;
        let added = self.cx.sentry.add_project_team(org, project, team, self.region).await;
        added.map_err(|err| {
            let what = "The team may have been added";
            unless_renamed(
                self.cx,
                project.as_str(),
                write_failed::<FindProjects>(self.cx, what, err),
            )
        })
    }

    /// `None` if there was nothing but a team.
    async fn put(&self, left: &Wanted, joined: bool) -> Result<Option<Project>> {
        let Params { organization_slug: org, project_slug: project, .. } = self.params;
        let fields = left.fields();
        if fields.is_empty() {
            return Ok(None);
        }
        let changed =
            self.cx.sentry.update_project(org, project, &left.changes(), self.region).await;
        let err = match changed {
            Ok(project) => return Ok(Some(project)),
            Err(err) => write_failed::<FindProjects>(self.cx, "The change may have been made", err),
        };
        match (err, &left.team) {
            (err, Some(team)) if joined => Err(after_team(team, &fields, err)),
            (err, _) => Err(unless_renamed(self.cx, project.as_str(), err)),
        }
    }
}

/// The second step failed, and the first is done.
fn after_team(team: &Slug, fields: &[&str], err: Error) -> Error {
    let done = format!(
        "the team `{team}` was added to the project, but then changing its {} failed",
        fields.join(", ")
    );
    match err {
        Error::Sentry(cause) => {
            let text = format!(
                "{done}: {}. Next: repair that and call again without `teamSlug`.",
                cause.kind()
            );
            Error::explained(text, cause)
        }
        Error::Explained { text, cause } => Error::explained(format!("{done}: {text}"), cause),
        err => err,
    }
}

fn unchanged(before: Option<&Project>) -> Answer {
    let mut out =
        "# Nothing to change\n\nThe project already is as asked; nothing was sent.\n\n".to_owned();
    if let Some(project) = before {
        project_facts(&mut out, project);
    }
    Answer::new(out)
}

fn answer(left: &Wanted, before: Option<&Project>, after: Option<&Project>) -> Answer {
    let mut out = "# Project updated\n\n".to_owned();
    if let Some(project) = after {
        project_facts(&mut out, project);
    }
    out.push_str("\n## Changes\n\n");
    let old = |field: fn(&Project) -> Option<&str>| before.and_then(field);
    let new = |field: fn(&Project) -> Option<&str>| after.and_then(field);
    let slug = left.slug.as_ref().map(Slug::as_str);
    change(&mut out, "name", left.name.as_deref(), old(name_of), new(name_of));
    change(&mut out, "slug", slug, old(slug_of), new(slug_of));
    change(&mut out, "platform", left.platform.as_deref(), old(platform_of), new(platform_of));
    if let Some(team) = &left.team {
        let _ = writeln!(out, "- team: `{team}` has access now");
    }
    if before.is_none() {
        out.push_str(
            "\nThe auth token may not read the project, so the values before are unknown.\n",
        );
    }
    if slug.is_some() && new(slug_of) == slug {
        out.push_str("\nUse the new slug from now on.\n");
    }
    Answer::new(out)
}

fn name_of(project: &Project) -> Option<&str> {
    given(project.name.as_deref())
}

fn slug_of(project: &Project) -> Option<&str> {
    given(Some(&project.slug))
}

fn platform_of(project: &Project) -> Option<&str> {
    given(project.platform.as_deref())
}

/// One line: what it was, and what Sentry says it is now, which need not be what was asked.
fn change(
    out: &mut String,
    field: &str,
    asked: Option<&str>,
    old: Option<&str>,
    new: Option<&str>,
) {
    let Some(asked) = asked else { return };
    let shown = |text: &str| markdown::code(text, 200);
    let _ = write!(out, "- {field}: ");
    if let Some(old) = old {
        let _ = write!(out, "{} → ", shown(old));
    }
    let _ = write!(out, "{}", shown(new.unwrap_or(asked)));
    if new.is_some_and(|new| new != asked) {
        let _ = write!(out, " (asked for {}, but this is what Sentry has)", shown(asked));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};
    use test_support::FakeSentry;

    use crate::testing::{call, call_fenced};

    const WEB: &str = "/api/0/projects/acme/web/";
    const TEAM: &str = "/api/0/projects/acme/web/teams/mobile/";

    fn args(more: &Value) -> Value {
        let mut args = json!({ "organizationSlug": "acme", "projectSlug": "web" });
        for (name, value) in more.as_object().unwrap() {
            args[name] = value.clone();
        }
        args
    }

    fn project(slug: &str, name: &str, platform: &Value) -> Value {
        json!({
            "id": "2", "slug": slug, "name": name, "platform": platform,
            "teams": [{ "id": "9", "slug": "backend", "name": "Backend" }],
        })
    }

    async fn web() -> FakeSentry {
        FakeSentry::start().await.get(WEB, project("web", "Web", &Value::Null)).await
    }

    /// The writes, in order: method, path, and body.
    async fn writes(sentry: &FakeSentry) -> Vec<(String, String, Value)> {
        let requests = sentry.requests().await;
        let writes = requests.iter().filter(|request| request.method != "GET");
        writes
            .map(|request| (request.method.clone(), request.path.clone(), request.body.clone()))
            .collect()
    }

    #[tokio::test]
    async fn tells_what_was_and_what_is() {
        let after = project("shop", "Shop", &json!("python-django"));
        let sentry = web().await.put(WEB, after).await;
        let sentry = sentry.post(TEAM, project("web", "Web", &Value::Null)).await;
        let more = json!({
            "name": "Shop", "slug": "shop", "platform": "Python-Django", "teamSlug": "mobile",
        });
        assert_snapshot!(call(&sentry, "update_project", args(&more)).await, @r"
        # Project updated

        - Slug: `shop`
        - Id: `2`
        - Name: Shop
        - Platform: `python-django`

        ## Changes

        - name: `Web` → `Shop`
        - slug: `web` → `shop`
        - platform: `python-django`
        - team: `mobile` has access now

        Use the new slug from now on.
        ");
        let put = json!({ "name": "Shop", "slug": "shop", "platform": "python-django" });
        let expected = [
            ("POST".to_owned(), TEAM.to_owned(), json!({})),
            ("PUT".to_owned(), WEB.to_owned(), put),
        ];
        assert_eq!(writes(&sentry).await, expected);
    }

    #[tokio::test]
    async fn what_already_holds_is_not_sent() {
        let sentry = web().await;
        let more = json!({ "name": "Web", "slug": "web", "teamSlug": "backend" });
        assert_snapshot!(call(&sentry, "update_project", args(&more)).await, @r"
        # Nothing to change

        The project already is as asked; nothing was sent.

        - Slug: `web`
        - Id: `2`
        - Name: Web
        ");
        assert!(writes(&sentry).await.is_empty());
    }

    #[tokio::test]
    async fn only_the_difference_is_sent() {
        let sentry = web().await.put(WEB, project("web", "Web", &json!("go"))).await;
        let out =
            call(&sentry, "update_project", args(&json!({ "name": "Web", "platform": "go" })))
                .await;
        assert!(out.contains("- platform: `go`") && !out.contains("- name:"), "{out}");
        assert_eq!(writes(&sentry).await[0].2, json!({ "platform": "go" }));
    }

    #[tokio::test]
    async fn a_value_that_sentry_did_not_take_is_told() {
        let sentry = web().await.put(WEB, project("shop-2", "Web", &Value::Null)).await;
        let out = call(&sentry, "update_project", args(&json!({ "slug": "shop" }))).await;
        assert!(out.contains("- slug: `web` → `shop-2` (asked for `shop`, but"), "{out}");
    }

    #[tokio::test]
    async fn a_project_that_may_not_be_read_is_changed_all_the_same() {
        let sentry = FakeSentry::start().await.status("GET", WEB, 403, json!({})).await;
        let sentry = sentry.put(WEB, project("web", "Shop", &Value::Null)).await;
        let out = call(&sentry, "update_project", args(&json!({ "name": "Shop" }))).await;
        assert!(out.contains("- name: `Shop`\n"), "{out}");
        assert!(out.contains("the values before are unknown"), "{out}");
    }

    #[tokio::test]
    async fn a_failed_second_step_says_that_the_first_is_done() {
        let complaint = json!({ "platform": ["Invalid platform"] });
        let sentry = web().await.status("PUT", WEB, 400, complaint).await;
        let sentry = sentry.post(TEAM, project("web", "Web", &Value::Null)).await;
        let more = json!({ "platform": "cobol", "teamSlug": "mobile" });
        let out = call(&sentry, "update_project", args(&more)).await;
        assert!(out.contains("the team `mobile` was added to the project"), "{out}");
        assert!(out.contains("platform: Invalid platform"), "{out}");
        assert!(out.contains("call again without `teamSlug`"), "{out}");
    }

    #[tokio::test]
    async fn a_failed_first_step_ends_it() {
        let sentry = web().await.status("POST", TEAM, 404, json!({})).await;
        let more = json!({ "name": "Shop", "teamSlug": "mobile" });
        let out = call(&sentry, "update_project", args(&more)).await;
        assert!(out.starts_with("error: Sentry found nothing"), "{out}");
        assert_eq!(writes(&sentry).await.len(), 1);
    }

    #[tokio::test]
    async fn an_unknown_outcome_says_how_to_check() {
        let sentry = web().await.put(WEB, json!([])).await;
        let out = call(&sentry, "update_project", args(&json!({ "name": "Shop" }))).await;
        assert!(out.contains("The change may have been made. Next: call `find_projects`"), "{out}");
    }

    #[tokio::test]
    async fn an_old_slug_leads_to_the_new_one() {
        // The read follows the redirect, so it answers with another slug.
        let sentry =
            FakeSentry::start().await.get(WEB, project("shop", "Shop", &Value::Null)).await;
        let out = call(&sentry, "update_project", args(&json!({ "name": "X" }))).await;
        assert!(out.contains("call again with `projectSlug`: `shop`"), "{out}");
        assert!(writes(&sentry).await.is_empty());

        let moved = json!({ "slug": "shop", "detail": { "extra": { "slug": "shop" } } });
        let sentry = FakeSentry::start().await.status("GET", WEB, 403, json!({})).await;
        let sentry = sentry.status("PUT", WEB, 302, moved).await;
        let out = call(&sentry, "update_project", args(&json!({ "name": "X" }))).await;
        assert!(out.contains("call again with `projectSlug`: `shop`"), "{out}");
    }

    #[tokio::test]
    async fn a_session_with_one_project_keeps_its_slug() {
        let sentry = web().await.put(WEB, project("web", "Shop", &Value::Null)).await;
        let slug = json!({ "slug": "shop" });
        let out = call_fenced(&sentry, "acme", Some("web"), "update_project", slug).await;
        assert!(out.contains("the slug cannot be changed here"), "{out}");
        assert!(sentry.requests().await.is_empty());
        let name = json!({ "name": "Shop" });
        let out = call_fenced(&sentry, "acme", Some("web"), "update_project", name).await;
        assert!(out.starts_with("# Project updated"), "{out}");
    }

    #[tokio::test]
    async fn nothing_to_change_is_an_input_error() {
        let sentry = FakeSentry::start().await;
        let out =
            call(&sentry, "update_project", args(&json!({ "name": " ", "slug": null }))).await;
        assert!(
            out.contains("pass at least one of `name`, `slug`, `platform`, `teamSlug`"),
            "{out}"
        );
        assert!(sentry.requests().await.is_empty());
    }
}
