//! `find_projects`. It lists, and reads no single project.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, Page,
    projects::{ListProjects, Project},
};
use serde::Deserialize;

use super::{ProjectFacts, create_project::CreateProject, given};
use crate::{
    answer::{List, Listing, Reply},
    error::{Error, Result},
    gate::{Constraint, needs},
    params::{Cursor, NamePart, OrganizationSlug, RegionUrl},
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

/// Projects on one page.
const PER_PAGE: u32 = 50;
/// How many pages of all the user's projects are searched for those of one organization.
const MAX_PAGES: usize = 5;

pub(crate) struct FindProjects;

/// List an organization's projects. Use it to get the slugs that other tools need. It shows no
/// settings.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    query: Option<NamePart>,
    cursor: Option<Cursor>,
    region_url: Option<RegionUrl>,
}

impl Tool for FindProjects {
    type Params = Params;
    type Output = List<ProjectFacts>;

    const NAME: &'static str = "find_projects";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::ProjectRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/projects/` or `GET /api/0/projects/",
        accepts: &[needs(Scope::OrgRead), needs(Scope::ProjectRead)],
    };
    const POINTLESS_IN: Option<Constraint> = Some(Constraint::Project);

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<List<ProjectFacts>>> {
        let region = cx.region(params.region_url.as_ref())?;
        let list = ListProjects {
            query: NamePart::of(params.query.as_ref()),
            per_page: Some(PER_PAGE),
            cursor: params.cursor.as_deref(),
            region: region.as_ref(),
        };
        match cx.sentry.list_projects(&params.organization_slug, &list).await {
            Ok(page) => Ok(answer(cx, &params, &page, false)),
            // A token that may list organizations was refused for another reason, which an empty
            // list of the user's own projects would hide.
            Err(err)
                if matches!(err.kind(), ErrorKind::Forbidden { .. })
                    && !cx.token_has(needs(Scope::OrgRead)).await =>
            {
                match own_projects(cx, &params, list).await? {
                    Some(page) => Ok(answer(cx, &params, &page, true)),
                    None => Err(Error::Sentry(err)),
                }
            }
            Err(err) => Err(err.into()),
        }
    }
}

/// A token with `project:read` alone may not list an organization, but may list its user's
/// projects. `None` when that does not help either: then the first refusal says more.
async fn own_projects(
    cx: &Context<'_>,
    params: &Params,
    list: ListProjects<'_>,
) -> Result<Option<Page<Project>>> {
    let organization = params.organization_slug.as_str();
    let belongs = |project: &Project| {
        project.organization.as_ref().is_some_and(|known| known.slug == organization)
    };
    let mut found =
        Page { items: Vec::new(), skipped: 0, next: list.cursor.cloned(), previous: None };
    for _ in 0..MAX_PAGES {
        let list = ListProjects { cursor: found.next.as_ref(), ..list };
        let page = match cx.sentry.list_own_projects(&list).await {
            Ok(page) => page,
            Err(err) => match err.kind() {
                ErrorKind::Forbidden { .. } | ErrorKind::NotFound { .. } => return Ok(None),
                _ => return Err(err.into()),
            },
        };
        found.items.extend(page.items.into_iter().filter(|project| belongs(project)));
        found.skipped += page.skipped;
        found.next = page.next;
        if found.next.is_none() || found.items.len() >= PER_PAGE as usize {
            break;
        }
    }
    // A whole list without a project of the organization is what an outsider sees, too.
    let says_nothing = found.items.is_empty()
        && found.next.is_none()
        && list.cursor.is_none()
        && list.query.is_none();
    Ok((!says_nothing).then_some(found))
}

fn answer(
    cx: &Context<'_>,
    params: &Params,
    page: &Page<Project>,
    own: bool,
) -> Reply<List<ProjectFacts>> {
    let mut out = Listing::titled(&format!("# Projects in `{}`", *params.organization_slug));
    for project in &page.items {
        out.entry(&entry(project), ProjectFacts::of(project));
    }
    if page.items.is_empty() && page.skipped == 0 {
        out.note(&(nothing(cx, params, page) + "\n"));
    }
    if own {
        out.note(
            "\nOnly projects that this user is a member of: the auth token may not list all of \
             the organization (that takes `org:read`).\n",
        );
        if cx.sentry.site().has_regions() && params.region_url.is_none() {
            out.note("Projects in another region are found with `regionUrl`.\n");
        }
    }
    out.end(page);
    out.reply(cx)
}

fn entry(project: &Project) -> String {
    let mut entry = format!("- {}", markdown::code(&project.slug, 100));
    if let Some(name) = given(project.name.as_deref()).filter(|name| *name != project.slug) {
        let _ = write!(entry, ": {}", markdown::line(name, 100));
    }
    if let Some(platform) = given(project.platform.as_deref()) {
        let _ = write!(entry, ", {}", markdown::line(platform, 64));
    }
    if let Some(id) = &project.id {
        let _ = write!(entry, ", id {}", markdown::code(id, 40));
    }
    entry + "\n"
}

fn nothing(cx: &Context<'_>, params: &Params, page: &Page<Project>) -> String {
    if page.next.is_some() {
        return "None on this page.".to_owned();
    }
    if params.cursor.is_some() {
        return "No more projects.".to_owned();
    }
    if let Some(query) = NamePart::of(params.query.as_ref()) {
        let query = markdown::code(query, 100);
        return format!("No project matches {query}. Leave `query` out to list all.");
    }
    match cx.offers::<CreateProject>() {
        Some(tool) => format!("No projects yet. `{tool}` creates one."),
        None => "No projects that this user can see.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};
    use test_support::{FakeSentry, fixture};

    use crate::testing::{call, call_fenced};

    const LIST: &str = "/api/0/organizations/acme/projects/";
    const OWN: &str = "/api/0/projects/";

    fn acme() -> Value {
        json!({ "organizationSlug": "acme" })
    }

    fn own(id: u32, slug: &str, organization: &Value) -> Value {
        json!({ "id": id, "slug": slug, "name": slug, "organization": organization })
    }

    #[tokio::test]
    async fn lists_slug_name_platform_and_id() {
        let sentry = FakeSentry::start().await.get(LIST, fixture!("projects/list.json")).await;
        assert_snapshot!(call(&sentry, "find_projects", acme()).await, @r"
        # Projects in `acme`

        - `checkout-api`: Checkout API, python-django, id `301`
        - `web`, id `302`
        - `odd`: # `x` next, id `303`

        2 entries could not be read and were left out.
        ");
    }

    #[tokio::test]
    async fn the_search_is_sent_and_an_empty_answer_says_what_to_try() {
        let sentry = FakeSentry::start().await.get(LIST, json!([])).await;
        let args = json!({ "organizationSlug": "acme", "query": " a&b ", "cursor": null });
        assert_snapshot!(call(&sentry, "find_projects", args).await, @r"
        # Projects in `acme`

        No project matches `a&b`. Leave `query` out to list all.
        ");
        let asked = sentry.requests().await;
        assert!(asked.iter().any(|request| request.param("query") == Some("a&b")));
    }

    #[tokio::test]
    async fn a_token_that_may_not_list_the_organization_lists_its_user_s_projects_of_it() {
        let projects = json!([
            own(1, "web", &json!({ "slug": "acme" })),
            own(2, "theirs", &json!({ "slug": "other" })),
            own(3, "nobody-s", &Value::Null),
        ]);
        let sentry = FakeSentry::start().await.status("GET", LIST, 403, json!({})).await;
        let sentry = sentry.get(OWN, projects).await;
        assert_snapshot!(call_fenced(&sentry, "acme", None, "find_projects", json!({})).await, @r"
        # Projects in `acme`

        - `web`, id `1`

        Only projects that this user is a member of: the auth token may not list all of the organization (that takes `org:read`).
        ");
    }

    #[tokio::test]
    async fn the_refusal_is_told_when_the_user_has_no_project_there() {
        let sentry = FakeSentry::start().await.status("GET", LIST, 403, json!({})).await;
        let sentry = sentry.get(OWN, json!([own(2, "theirs", &json!({ "slug": "other" }))])).await;
        let out = call(&sentry, "find_projects", acme()).await;
        assert!(
            out.starts_with("error: Sentry refused `GET /api/0/organizations/acme/projects/`"),
            "{out}"
        );
        assert!(!out.contains("theirs"), "{out}");
    }

    #[tokio::test]
    async fn a_foreign_organization_is_refused_and_not_shown_as_empty() {
        let scopes = json!({ "auth": { "scopes": ["org:write", "project:read"] } });
        let sentry = FakeSentry::start().await.status("GET", LIST, 403, json!({})).await;
        let sentry = sentry.get("/api/0/", scopes).await;
        let sentry = sentry
            .get_page(OWN, json!([own(2, "x", &json!({ "slug": "other" }))]), Some("9:50:0"))
            .await;
        let out = call(&sentry, "find_projects", acme()).await;
        assert!(out.contains("although the auth token has every scope this needs"), "{out}");
        assert!(!sentry.requests().await.iter().any(|request| request.path == OWN));
    }

    #[tokio::test]
    async fn projects_that_cannot_be_read_are_not_told_as_none() {
        let sentry = FakeSentry::start().await.get(LIST, json!([null, [1, "x"]])).await;
        let out = call(&sentry, "find_projects", acme()).await;
        assert!(out.ends_with("2 entries could not be read and were left out."), "{out:?}");
        assert!(!out.contains("No projects"), "{out}");
    }

    #[tokio::test]
    async fn the_search_through_own_projects_ends_and_gives_its_cursor() {
        let sentry = FakeSentry::start().await.status("GET", LIST, 403, json!({})).await;
        let sentry = sentry
            .get_page(OWN, json!([own(2, "x", &json!({ "slug": "other" }))]), Some("9:50:0"))
            .await;
        let out = call(&sentry, "find_projects", acme()).await;
        assert!(out.contains("None on this page.") && out.contains("`cursor`: `9:50:0`"), "{out}");
        let pages = sentry.requests().await.iter().filter(|request| request.path == OWN).count();
        assert_eq!(pages, super::MAX_PAGES);
    }

    #[tokio::test]
    async fn another_failure_is_not_hidden_by_the_fallback() {
        let sentry = FakeSentry::start().await.status("GET", LIST, 404, json!({})).await;
        let sentry = sentry.get(OWN, json!([own(1, "web", &json!({ "slug": "acme" }))])).await;
        let out = call(&sentry, "find_projects", acme()).await;
        assert!(out.starts_with("error: Sentry found nothing"), "{out}");
    }

    #[tokio::test]
    async fn a_hostile_slug_never_leaves() {
        let sentry = FakeSentry::start().await;
        for slug in ["..", "a/b", "", "a?b=c", "%2e%2e"] {
            let out = call(&sentry, "find_projects", json!({ "organizationSlug": slug })).await;
            assert!(out.starts_with("error: invalid arguments"), "{slug}: {out}");
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn a_session_with_one_project_has_no_use_for_it() {
        let sentry = FakeSentry::start().await;
        let out = call_fenced(&sentry, "acme", Some("web"), "find_projects", json!({})).await;
        assert!(out.contains("limited to one project"), "{out}");
    }
}
