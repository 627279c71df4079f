//! `search_issues`: a page of issues that match a search. It does not count events, and
//! it passes the search on as it is.

use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, Page, Region, Slug, SlugOrId,
    issues::{Issue, ListIssues},
};
use serde::Deserialize;

use crate::{
    answer::Answer,
    error::{Error, Result},
    gate::needs,
    issues::{get_issue_details::GetIssueDetails, update_issue::UpdateIssue},
    params::{Cursor, OrganizationSlug, ProjectSlugOrId, RegionUrl},
    period, query,
    render::{self, markdown},
    tool::{Context, Effect, Tool, Upstream},
};

pub(crate) struct SearchIssues;

/// List issues (grouped events) that match a search, with status, counts and assignee.
///
/// Use it to find problems. It lists no single events.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    /// Sentry search syntax, such as `is:unresolved level:error timeout`; empty for all.
    #[serde(default = "unresolved")]
    query: String,
    #[serde(default)]
    sort: Sort,
    project_slug_or_id: Option<ProjectSlugOrId>,
    /// Up to 90d, such as 24h.
    #[serde(default = "month")]
    period: String,
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    cursor: Option<Cursor>,
    region_url: Option<RegionUrl>,
}

/// Last seen, events, first seen, users, or Sentry's own mix.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline, description = "")]
enum Sort {
    #[default]
    Date,
    Freq,
    New,
    User,
    Recommended,
}

impl Sort {
    fn as_str(self) -> &'static str {
        match self {
            Sort::Date => "date",
            Sort::Freq => "freq",
            Sort::New => "new",
            Sort::User => "user",
            Sort::Recommended => "recommended",
        }
    }
}

fn unresolved() -> String {
    "is:unresolved".to_owned()
}

fn month() -> String {
    "30d".to_owned()
}

fn ten() -> u32 {
    10
}

impl Tool for SearchIssues {
    type Params = Params;

    const NAME: &'static str = "search_issues";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/issues/",
        accepts: &[needs(Scope::EventRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Answer> {
        let region = cx.region(params.region_url.as_ref())?;
        let org = &*params.organization_slug;
        check_limit(params.limit)?;
        let period = period::checked(&params.period)?;
        let project = params.project_slug_or_id.as_deref();
        let scope = Scoped::to(cx, org, project, params.query.trim(), region.as_ref()).await?;
        query::check(&scope.query)?;
        let search = ListIssues {
            query: &scope.query,
            sort: params.sort.as_str(),
            period: Some(period),
            project: scope.project.as_ref(),
            limit: params.limit,
            cursor: params.cursor.as_deref(),
        };
        let page = match cx.sentry.list_issues(org, &search, region.as_ref()).await {
            Ok(page) => page,
            Err(err) => return Err(query::explained(err, &scope.query)),
        };
        Ok(Answer::new(render(cx, org, &search, &scope, page, Timestamp::now())))
    }
}

/// What a search is limited to, and what that made of the query.
struct Scoped {
    query: String,
    /// The project's id, as the request names it.
    project: Option<SlugOrId>,
    /// The project as the caller named it.
    asked: Option<SlugOrId>,
    /// Why the query is not what the caller wrote.
    note: Option<String>,
}

impl Scoped {
    /// Old Sentrys know a project in a search only by its id, so a slug is looked up.
    async fn to(
        cx: &Context<'_>,
        org: &Slug,
        project: Option<&SlugOrId>,
        query: &str,
        region: Option<&Region>,
    ) -> Result<Scoped> {
        let query = query.to_owned();
        let asked = project.cloned();
        let Some(SlugOrId::Slug(slug)) = project else {
            return Ok(Scoped { query, project: asked.clone(), asked, note: None });
        };
        let reason = match cx.sentry.get_project_id(org, slug, region).await {
            Ok(id) => match id.and_then(|id| id.parse().ok()) {
                Some(id) => return Ok(Scoped { query, project: Some(id), asked, note: None }),
                None => "Sentry did not tell the project's id",
            },
            Err(err) if matches!(err.kind(), ErrorKind::Forbidden { .. }) => {
                "The token may not read the project itself"
            }
            Err(err) => return Err(err.into()),
        };
        let note =
            format!("{reason}, so `project:{slug}` was added to the query instead of the id.");
        Ok(Scoped {
            query: format!("{query} project:{slug}").trim_start().to_owned(),
            project: None,
            asked,
            note: Some(note),
        })
    }
}

fn check_limit(limit: u32) -> Result<()> {
    if (1..=100).contains(&limit) {
        return Ok(());
    }
    let problem = format!("{limit} is out of range; expected 1 to 100, and `cursor` for more");
    Err(Error::argument("limit", problem))
}

/// The same search on the web.
fn list_url(cx: &Context<'_>, org: &Slug, search: &ListIssues<'_>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(project) = search.project {
        query.append_pair("project", project.as_str());
    }
    query.append_pair("query", search.query).append_pair("sort", search.sort);
    if let Some(period) = search.period {
        query.append_pair("statsPeriod", period);
    }
    cx.sentry.site().web_url(org, &format!("/issues/?{}", query.finish()))
}

fn render(
    cx: &Context<'_>,
    org: &Slug,
    search: &ListIssues<'_>,
    scope: &Scoped,
    mut page: Page<Issue>,
    now: Timestamp,
) -> String {
    let found = page.items.len();
    let fence = cx.sentry.fence();
    page.items.retain(|issue| {
        fence.project.is_none()
            || issue.project_slug().is_some_and(|slug| fence.admits_project(slug))
    });
    let mut out = format!("# Issues in `{org}`\n\n");
    write_executed(&mut out, search, scope);
    let _ = writeln!(out, "On the web: {}\n", list_url(cx, org, search));
    for (number, issue) in (1..).zip(&page.items) {
        let url = cx.sentry.site().issue_url(org, &issue.id);
        render::issue::entry(&mut out, number, issue, &url, now);
    }
    if page.items.len() < found {
        out.push_str("\nIssues outside of this session's project were left out.\n");
    }
    if page.items.is_empty() && page.skipped == 0 {
        write_nothing(&mut out, search, page.next.is_some());
    }
    markdown::page_end(&mut out, &page);
    if !page.items.is_empty() {
        write_next(&mut out, cx);
    }
    out
}

fn write_executed(out: &mut String, search: &ListIssues<'_>, scope: &Scoped) {
    let _ = write!(out, "Executed: query {}, sort `{}`", query::shown(search.query), search.sort);
    if let Some(period) = search.period {
        let _ = write!(out, ", period `{period}`");
    }
    if let Some(asked) = &scope.asked {
        let _ = write!(out, ", project `{asked}`");
        if let Some(SlugOrId::Id(id)) = &scope.project
            && id != asked.as_str()
        {
            let _ = write!(out, " (id `{id}`)");
        }
    }
    let _ = write!(out, ", limit {}", search.limit);
    match search.cursor {
        Some(cursor) => _ = writeln!(out, ", cursor `{cursor}`."),
        None => out.push_str(".\n"),
    }
    if let Some(note) = &scope.note {
        let _ = writeln!(out, "{note}");
    }
}

fn write_nothing(out: &mut String, search: &ListIssues<'_>, more: bool) {
    out.push_str(match (more, search.cursor) {
        (true, _) => "No issue on this page; the next one may have some.\n",
        (false, Some(_)) => "There are no more issues.\n",
        (false, None) => {
            "No issue matches. Next: try a longer `period`, fewer filters in `query` (without \
             `is:unresolved` resolved and ignored issues are found too), or another project.\n"
        }
    });
}

fn write_next(out: &mut String, cx: &Context<'_>) {
    let mut next = Vec::new();
    if let Some(details) = cx.offers::<GetIssueDetails>() {
        next.push(format!("`{details}` with an issue's id shows its stack trace"));
    }
    if let Some(update) = cx.offers::<UpdateIssue>() {
        next.push(format!("`{update}` resolves, ignores or assigns it"));
    }
    if !next.is_empty() {
        let _ = writeln!(out, "\nNext: {}.", next.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::{FakeSentry, fixture};

    use super::*;
    use crate::testing::{call, call_as, call_fenced, everything};

    const LIST: &str = "organizations/acme/issues/";

    /// The host of the fake differs from run to run.
    fn stable(sentry: &FakeSentry, out: &str) -> String {
        out.replace(&sentry.uri(), "https://sentry.example.test")
    }

    async fn search(sentry: &FakeSentry, mut args: Value) -> String {
        args["organizationSlug"] = json!("acme");
        stable(sentry, &call(sentry, SearchIssues::NAME, args).await)
    }

    async fn sent(sentry: &FakeSentry) -> Vec<(String, String)> {
        sentry.requests().await.pop().unwrap().query
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[tokio::test]
    async fn the_answer_says_what_was_executed_and_lists_the_issues() {
        let sentry = FakeSentry::start()
            .await
            .get("projects/acme/api/", json!({ "id": "2", "slug": "api" }))
            .await
            .get_page(LIST, fixture!("issues/list.json"), Some("1700000000:10:0"))
            .await;
        let args = json!({ "projectSlugOrId": "api", "sort": "freq", "period": "14d", "limit": 4 });
        insta::assert_snapshot!(search(&sentry, args).await, @r"
        # Issues in `acme`

        Executed: query `is:unresolved`, sort `freq`, period `14d`, project `api` (id `2`), limit 4.
        On the web: https://sentry.example.test/organizations/acme/issues/?project=2&query=is%3Aunresolved&sort=freq&statsPeriod=14d

        1. [API-1](https://sentry.example.test/organizations/acme/issues/1/): ZeroDivisionError: division by zero
           - unresolved (ongoing), level error, high priority, assigned to team backend (`team:3`)
           - 3 events (12 in all), 2 users, first seen 2024-04-01T08:00:00Z, last seen 2024-05-02T13:36:57Z
           - in `/shop.cart/total`, project `api`
        2. [4](https://sentry.example.test/organizations/acme/issues/4/): N+1 Query # not a heading
           - ignored until 10 more events within 60 minutes, level info, category performance, assigned to backend
           - 1 event, last seen 2024-05-02T13:36:57Z
           - project `api`

        1 entry could not be read and was left out.

        There are more: call again with `cursor`: `1700000000:10:0`

        Next: `get_issue_details` with an issue's id shows its stack trace; `update_issue` resolves, ignores or assigns it.
        ");
        let expected = [
            ("query", "is:unresolved"),
            ("sort", "freq"),
            ("limit", "4"),
            ("collapse", "unhandled"),
            ("statsPeriod", "14d"),
            ("project", "2"),
        ];
        assert_eq!(sent(&sentry).await, pairs(&expected));
    }

    #[tokio::test]
    async fn a_query_is_passed_on_verbatim_and_a_numeric_project_is_not_looked_up() {
        let sentry = FakeSentry::start().await.get(LIST, json!([])).await;
        let query = r#"!has:user "50% off" release:[1.0, 2.0] a&b=c"#;
        let args = json!({ "query": query, "projectSlugOrId": 17, "cursor": "0:10:0" });
        let out = search(&sentry, args).await;
        assert!(out.contains("project `17`, limit 10, cursor `0:10:0`."), "{out}");
        assert!(out.contains("There are no more issues."), "{out}");
        let query = ("query".to_owned(), query.to_owned());
        assert!(sent(&sentry).await.contains(&query));
        assert_eq!(sentry.requests().await.len(), 1);
    }

    #[tokio::test]
    async fn an_empty_result_says_what_to_try() {
        let sentry = FakeSentry::start().await.get(LIST, json!([])).await;
        insta::assert_snapshot!(search(&sentry, json!({ "query": " " })).await, @r"
        # Issues in `acme`

        Executed: query (empty: every issue), sort `date`, period `30d`, limit 10.
        On the web: https://sentry.example.test/organizations/acme/issues/?query=&sort=date&statsPeriod=30d

        No issue matches. Next: try a longer `period`, fewer filters in `query` (without `is:unresolved` resolved and ignored issues are found too), or another project.
        ");
    }

    #[tokio::test]
    async fn a_project_that_may_not_be_read_becomes_part_of_the_query() {
        let forbidden = json!({ "detail": "You do not have permission to perform this action." });
        let sentry = FakeSentry::start()
            .await
            .status("GET", "projects/acme/api/", 403, forbidden)
            .await
            .get(LIST, json!([]))
            .await;
        let out = search(&sentry, json!({ "projectSlugOrId": "api" })).await;
        assert!(out.contains("Executed: query `is:unresolved project:api`, sort"), "{out}");
        assert!(out.contains("`project:api` was added to the query"), "{out}");
        assert!(sent(&sentry).await.iter().all(|(name, _)| name != "project"));
    }

    #[tokio::test]
    async fn a_project_is_known_by_its_id_alone_and_without_one_by_its_slug() {
        let found = |project| async move {
            let sentry = FakeSentry::start().await.get("projects/acme/api/", project).await;
            let sentry = sentry.get(LIST, json!([])).await;
            search(&sentry, json!({ "projectSlugOrId": "api" })).await
        };
        let out = found(json!({ "id": 2 })).await;
        assert!(out.contains("query `is:unresolved`, sort") && out.contains("(id `2`)"), "{out}");
        let out = found(json!({ "slug": "api" })).await;
        assert!(out.contains("Sentry did not tell the project's id, so `project:api`"), "{out}");
        assert!(out.contains("query `is:unresolved project:api`, sort"), "{out}");
    }

    #[tokio::test]
    async fn an_unknown_project_is_an_error() {
        let sentry = FakeSentry::start().await.get(LIST, json!([])).await;
        let out = search(&sentry, json!({ "projectSlugOrId": "nope" })).await;
        assert!(out.starts_with("error: Sentry found nothing"), "{out}");
    }

    #[tokio::test]
    async fn a_fenced_session_never_shows_an_issue_of_another_project() {
        let issues = json!([
            { "id": "1", "title": "ours", "project": { "id": "2", "slug": "api" } },
            { "id": "2", "title": "theirs", "project": { "id": "3", "slug": "web" } },
            { "id": "3", "title": "whose" },
        ]);
        let sentry = FakeSentry::start()
            .await
            .get("projects/acme/api/", json!({ "id": "2", "slug": "api" }))
            .await
            .get(LIST, issues)
            .await;
        let out = call_fenced(&sentry, "acme", Some("api"), SearchIssues::NAME, json!({})).await;
        assert!(out.contains("ours") && out.contains("were left out"), "{out}");
        assert!(
            !out.contains("theirs") && !out.contains("whose") && !out.contains("`web`"),
            "{out}"
        );
        let args = json!({ "projectSlugOrId": "web" });
        let out = call_fenced(&sentry, "acme", Some("api"), SearchIssues::NAME, args).await;
        assert!(out.contains("limited to `api`"), "{out}");
    }

    #[tokio::test]
    async fn a_search_that_sentry_does_not_understand_is_explained() {
        let detail = json!({ "detail": "Error parsing search query: Empty string after 'is:'" });
        let sentry = FakeSentry::start().await.status("GET", LIST, 400, detail).await;
        let out = search(&sentry, json!({ "query": "is:" })).await;
        assert!(
            out.contains("did not understand the query `is:`: \"Error parsing search"),
            "{out}"
        );
        let sentry = FakeSentry::start()
            .await
            .status("GET", LIST, 400, json!({ "detail": "Invalid cursor parameter." }))
            .await;
        let out = search(&sentry, json!({ "cursor": "1:2:3" })).await;
        assert!(out.contains("did not accept `cursor`"), "{out}");
    }

    #[tokio::test]
    async fn wrong_arguments_are_refused_before_anything_is_sent() {
        let sentry = FakeSentry::start().await;
        let table = [
            (json!({ "limit": 0 }), "`limit`: 0 is out of range"),
            (json!({ "limit": 101 }), "`limit`: 101 is out of range"),
            (json!({ "period": "30" }), "`30` is not a period"),
            (json!({ "period": "0d" }), "not a period"),
            (json!({ "period": "-1d" }), "not a period"),
            (json!({ "period": "91d" }), "at most `90d`"),
            (json!({ "period": "99999999999999999999w" }), "not a period"),
            (json!({ "period": "1 day" }), "not a period"),
            (json!({ "sort": "best" }), "`sort`"),
            (json!({ "projectSlugOrId": "../x" }), "projectSlugOrId"),
            (json!({ "cursor": "a b" }), "cursor"),
            (json!({ "query": "x".repeat(4_001) }), "4001 bytes are too long"),
            (json!({ "naturalLanguageQuery": "crashes" }), "unknown argument"),
        ];
        for (args, expected) in table {
            let out = search(&sentry, args.clone()).await;
            assert!(out.starts_with("error: ") && out.contains(expected), "{args}: {out}");
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn only_tools_that_the_caller_can_call_are_offered() {
        let sentry = FakeSentry::start().await.get(LIST, json!([{ "id": 1 }])).await;
        let mut grant = everything();
        grant.granted.scopes = ScopeSet::of(&[Scope::EventRead]);
        let args = json!({ "organizationSlug": "acme" });
        let out = call_as(&sentry, &grant, SearchIssues::NAME, args).await;
        assert!(out.contains(GetIssueDetails::NAME), "{out}");
        assert!(!out.contains(UpdateIssue::NAME), "{out}");
    }
}
