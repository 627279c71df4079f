//! `update_project`. It adds a team and takes none away, and moves nothing between organizations.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, Region, Slug,
    projects::{Project, ProjectChanges},
};
use serde::{Deserialize, Serialize};

use super::{
    ProjectFacts, chosen_slug, find_projects::FindProjects, given, platform, project_facts,
    renamed, unless_renamed, write_failed,
};
use crate::{
    answer::{Answer, Reply},
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

/// What became of the project, as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Updated {
    /// The project as Sentry has it now.
    project: Option<ProjectFacts>,
    changes: Vec<Change>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    notes: Vec<&'static str>,
}

/// One field that was changed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    field: &'static str,
    before: Option<String>,
    /// What Sentry has now.
    after: String,
    asked: String,
}

impl Tool for UpdateProject {
    type Params = Params;
    type Output = Updated;

    const NAME: &'static str = "update_project";
    const EFFECT: Effect = Effect::Update;
    const REQUIRES: ScopeSet = needs(Scope::ProjectWrite);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "PUT /api/0/projects/{org}/{project}/",
        accepts: &[needs(Scope::ProjectWrite)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Updated>> {
        let region = cx.region(params.region_url.as_ref())?;
        let update = Update { cx, params: &params, region: region.as_ref() };
        let wanted = update.wanted()?;
        let before = update.before().await?;
        let left = wanted.beyond(before.as_ref());
        if left.is_nothing() {
            return Ok(unchanged(cx, before.as_ref()));
        }
        // The team first: the slug in the second request's path is the old one either way,
        // and a refused team must not leave a renamed project behind.
        let joined = match &left.team {
            Some(team) => Some(update.add_team(team).await?),
            None => None,
        };
        let changed = update.put(&left, joined.is_some()).await?;
        Ok(answer(cx, &left, before.as_ref(), changed.or(joined).as_ref()))
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

fn unchanged(cx: &Context<'_>, before: Option<&Project>) -> Reply<Updated> {
    let nothing = "The project already is as asked; nothing was sent.";
    let mut out = format!("# Nothing to change\n\n{nothing}\n\n");
    if let Some(project) = before {
        project_facts(&mut out, project);
    }
    let project = before.map(ProjectFacts::of);
    cx.reply(Answer::new(out), || Updated { project, changes: Vec::new(), notes: vec![nothing] })
}

fn answer(
    cx: &Context<'_>,
    left: &Wanted,
    before: Option<&Project>,
    after: Option<&Project>,
) -> Reply<Updated> {
    let mut out = "# Project updated\n\n".to_owned();
    if let Some(project) = after {
        project_facts(&mut out, project);
    }
    out.push_str("\n## Changes\n\n");
    let old = |field: fn(&Project) -> Option<&str>| before.and_then(field);
    let new = |field: fn(&Project) -> Option<&str>| after.and_then(field);
    let slug = left.slug.as_ref().map(Slug::as_str);
    let platform = left.platform.as_deref();
    let mut changes: Vec<Change> = [
        change("name", left.name.as_deref(), old(name_of), new(name_of)),
        change("slug", slug, old(slug_of), new(slug_of)),
        change("platform", platform, old(platform_of), new(platform_of)),
    ]
    .into_iter()
    .flatten()
    .collect();
    for change in &changes {
        change.write(&mut out);
    }
    if let Some(team) = &left.team {
        let _ = writeln!(out, "- team: `{team}` has access now");
        let team = team.to_string();
        changes.push(Change { field: "team", before: None, after: team.clone(), asked: team });
    }
    let mut notes = Vec::new();
    if before.is_none() {
        notes.push("The auth token may not read the project, so the values before are unknown.");
    }
    if slug.is_some() && new(slug_of) == slug {
        notes.push("Use the new slug from now on.");
    }
    for note in &notes {
        let _ = writeln!(out, "\n{note}");
    }
    let project = after.map(ProjectFacts::of);
    cx.reply(Answer::new(out), || Updated { project, changes, notes })
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

/// What it was, and what Sentry says it is now, which need not be what was asked.
fn change(
    field: &'static str,
    asked: Option<&str>,
    old: Option<&str>,
    new: Option<&str>,
) -> Option<Change> {
    let asked = asked?.to_owned();
    let after = new.unwrap_or(&asked).to_owned();
    Some(Change { field, before: old.map(str::to_owned), after, asked })
}

impl Change {
    fn write(&self, out: &mut String) {
        let shown = |text: &str| markdown::code(text, 200);
        let _ = write!(out, "- {}: ", self.field);
        if let Some(old) = &self.before {
            let _ = write!(out, "{} → ", shown(old));
        }
        let _ = write!(out, "{}", shown(&self.after));
        if self.after != self.asked {
            let _ = write!(out, " (asked for {}, but this is what Sentry has)", shown(&self.asked));
        }
        out.push('\n');
    }
}

#[cfg(test)]
#[path = "update_project_tests.rs"]
mod tests;
