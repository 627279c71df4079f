//! `create_team`: a new team. It adds nobody and no project to it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::ErrorKind;
use serde::{Deserialize, Serialize};

use crate::{
    answer::{Answer, Reply},
    error::{Error, Result},
    gate::needs,
    params::{OrganizationSlug, RegionUrl},
    render::markdown,
    teams::find_teams::FindTeams,
    tool::{Context, Effect, Tool, Upstream},
};

/// The longest name that Sentry takes.
const LONGEST_NAME: usize = 64;

pub(crate) struct CreateTeam;

/// Create a team, only when the user asks for one; list the teams first. Sentry makes the slug
/// from the name. Adds no members and no projects.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    /// At most 64 characters.
    name: String,
    region_url: Option<RegionUrl>,
}

/// A new team as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    slug: String,
    id: Option<String>,
    name: String,
}

impl Tool for CreateTeam {
    type Params = Params;
    type Output = Created;

    const NAME: &'static str = "create_team";
    const EFFECT: Effect = Effect::Create;
    const REQUIRES: ScopeSet = needs(Scope::TeamWrite);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "POST /api/0/organizations/{org}/teams/",
        accepts: &[needs(Scope::TeamWrite), needs(Scope::OrgWrite)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Created>> {
        let region = cx.region(params.region_url.as_ref())?;
        let name = checked(&params.name)?;
        let org = &*params.organization_slug;
        let created = cx.sentry.create_team(org, name, region.as_ref()).await;
        let team = created.map_err(|err| clearer(cx, name, err))?;
        let name = team.name.unwrap_or_else(|| name.to_owned());
        let shown = markdown::line(&name, 100);
        let mut out = format!("# Team created in `{org}`\n\n- Name: {shown}\n");
        let _ = writeln!(out, "- Slug: {}", markdown::code(&team.slug, 100));
        if let Some(id) = &team.id {
            let _ = writeln!(out, "- Id: {}", markdown::code(id, 40));
        }
        out.push_str("\nOther tools take the slug where they ask for a team.");
        Ok(cx.reply(Answer::new(out), || Created { slug: team.slug, id: team.id, name }))
    }
}

fn checked(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::argument("name", "a team needs a name"));
    }
    let length = name.chars().count();
    if length > LONGEST_NAME {
        let problem =
            format!("{length} characters are too many; Sentry takes at most {LONGEST_NAME}");
        return Err(Error::argument("name", problem));
    }
    Ok(name)
}

/// What the general explanations cannot know: which name it was, and how to look.
fn clearer(cx: &Context<'_>, name: &str, err: sentry_client::Error) -> Error {
    let look = match cx.offers::<FindTeams>() {
        Some(find) => format!("look with `{find}`"),
        None => "ask the user to look in Sentry".to_owned(),
    };
    let name = markdown::code(name, LONGEST_NAME);
    let text = match err.kind() {
        ErrorKind::Conflict { .. } => format!(
            "No team was created: the organization already has a team with the slug that {name} \
             leads to. Next: use that team ({look}), or choose another name."
        ),
        ErrorKind::OutcomeUnknown { .. } => format!(
            "It is not known whether the team {name} was created: the request was sent, and no \
             usable answer came back. Next: {look} before trying again."
        ),
        _ => return Error::Sentry(err),
    };
    Error::explained(text, err)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use scopes::{DEFAULT_GRANT, Granted, Origin};
    use serde_json::{Value, json};
    use test_support::FakeSentry;

    use crate::{
        gate::Grant,
        testing::{call, call_as},
    };

    const PATH: &str = "/api/0/organizations/acme/teams/";

    #[tokio::test]
    async fn says_what_was_created() {
        let team = json!({ "id": 4, "slug": "mobile", "name": "Mobile", "access": null });
        let sentry = FakeSentry::start().await.post(PATH, team).await;
        let args = json!({ "organizationSlug": "acme", "name": " Mobile " });
        let out = call(&sentry, "create_team", args).await;
        assert_snapshot!(out, @r"
        # Team created in `acme`

        - Name: Mobile
        - Slug: `mobile`
        - Id: `4`

        Other tools take the slug where they ask for a team.
        ");
        let requests = sentry.requests().await;
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].body, json!({ "name": "Mobile" }));
    }

    #[tokio::test]
    async fn a_team_without_an_id_is_created_all_the_same() {
        let sentry = FakeSentry::start().await.post(PATH, json!({ "slug": "mobile" })).await;
        let args = json!({ "organizationSlug": "acme", "name": "Mobile" });
        assert_snapshot!(call(&sentry, "create_team", args).await, @r"
        # Team created in `acme`

        - Name: Mobile
        - Slug: `mobile`

        Other tools take the slug where they ask for a team.
        ");
    }

    #[tokio::test]
    async fn a_slug_that_exists_is_told_as_such() {
        let body = json!({ "detail": "A team with this slug already exists." });
        let sentry = FakeSentry::start().await.status("POST", PATH, 409, body).await;
        let args = json!({ "organizationSlug": "acme", "name": "mobile" });
        let out = call(&sentry, "create_team", args).await;
        assert_snapshot!(out, @"error: No team was created: the organization already has a team with the slug that `mobile` leads to. Next: use that team (look with `find_teams`), or choose another name.");
    }

    #[tokio::test]
    async fn a_lost_answer_is_not_called_a_failure() {
        let sentry = FakeSentry::start().await.status("POST", PATH, 502, Value::Null).await;
        let args = json!({ "organizationSlug": "acme", "name": "mobile" });
        let out = call(&sentry, "create_team", args).await;
        assert!(out.contains("not known whether the team `mobile` was created"), "{out}");
        assert!(out.contains("look with `find_teams` before trying again"), "{out}");
        assert_eq!(sentry.requests().await.len(), 1);
    }

    #[tokio::test]
    async fn a_name_is_checked_before_anything_is_sent() {
        let sentry = FakeSentry::start().await;
        for (name, problem) in [(" ".to_owned(), "needs a name"), ("é".repeat(65), "65 characters")]
        {
            let args = json!({ "organizationSlug": "acme", "name": name });
            let out = call(&sentry, "create_team", args).await;
            assert!(out.starts_with("error: ") && out.contains(problem), "{out}");
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn the_default_grant_creates_nothing() {
        let sentry = FakeSentry::start().await;
        let granted = Granted { scopes: DEFAULT_GRANT, origin: Origin::Default };
        let args = json!({ "organizationSlug": "acme", "name": "mobile" });
        let out = call_as(&sentry, &Grant::new(granted), "create_team", args).await;
        assert!(out.contains("team:write"), "{out}");
        assert!(sentry.requests().await.is_empty());
    }
}
