//! `search_issues` against a fake Sentry.

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
    assert!(!out.contains("theirs") && !out.contains("whose") && !out.contains("`web`"), "{out}");
    let args = json!({ "projectSlugOrId": "web" });
    let out = call_fenced(&sentry, "acme", Some("api"), SearchIssues::NAME, args).await;
    assert!(out.contains("limited to `api`"), "{out}");
}

#[tokio::test]
async fn a_search_that_sentry_does_not_understand_is_explained() {
    let detail = json!({ "detail": "Invalid value 'a' for 'zz' search" });
    let sentry = FakeSentry::start().await.status("GET", LIST, 400, detail).await;
    insta::assert_snapshot!(search(&sentry, json!({ "query": "is:unresolved zz:a" })).await, @r#"
    error: Sentry did not understand the query `is:unresolved zz:a`: "Invalid value 'a' for 'zz' search". It seems to mean:
    ```
    error: Sentry says: Invalid value 'a' for 'zz' search
      is:unresolved zz:a
                       ^
    ```
    Next: correct `query` and call again.
    "#);
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
