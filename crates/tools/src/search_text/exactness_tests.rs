//! What leaves is what was asked: queries through both tools, as Sentry gets them.

use scopes::{Scope, ScopeSet};
use serde_json::{Value, json};
use test_support::{FakeSentry, Received};

use crate::testing::{call, call_as, everything};

const ISSUES: &str = "organizations/acme/issues/";
const EVENTS: &str = "organizations/acme/events/";
const TEAMS: &str = "organizations/acme/teams/";
const AUTH: &str = "/api/0/auth/";

async fn sentry() -> FakeSentry {
    let events = json!({ "data": [], "meta": {} });
    FakeSentry::start().await.get(ISSUES, json!([])).await.get(EVENTS, events).await
}

async fn search(sentry: &FakeSentry, tool: &str, mut args: Value) -> String {
    args["organizationSlug"] = json!("acme");
    call(sentry, tool, args).await
}

/// The query of the search itself.
async fn sent(sentry: &FakeSentry) -> Option<String> {
    let list = |request: &Received| {
        request.path.ends_with("/issues/") || request.path.ends_with("/events/")
    };
    let requests = sentry.requests().await;
    let request = requests.iter().find(|request| list(request))?;
    Some(request.param("query").unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_legal_query_is_sent_byte_for_byte() {
    for query in [
        "is:unresolved  level:error",
        "  connection   refused ",
        r#"message:"a \"b\" c" !has:user"#,
        "größe:ü* release:[a@1.0,\"b c\"]",
        "find me the slow checkout pages",
        "levle:error",
        "tags[a.b]:1 age:-24h timesSeen:>10",
        "",
    ] {
        let sentry = sentry().await;
        search(&sentry, "search_issues", json!({ "query": query })).await;
        assert_eq!(sent(&sentry).await.as_deref(), Some(query.trim()));
    }
    for query in [
        "level:error OR (level:fatal !environment:dev)",
        "count():>5  has:url",
        "a or b",
        "\"select * from\" title:*x*",
    ] {
        let sentry = sentry().await;
        let args = json!({ "query": query, "fields": ["title", "count()"] });
        let out = search(&sentry, "search_events", args).await;
        assert_eq!(sent(&sentry).await.as_deref(), Some(query), "{out}");
        assert!(out.contains(&format!("query `{}`", query.replace("  ", " "))), "{out}");
    }
}

#[tokio::test]
async fn an_addition_is_listed_and_narrows_every_alternative() {
    let sentry = sentry().await;
    let args = json!({ "query": "a:1 OR b:2", "environment": "prod" });
    let out = search(&sentry, "search_events", args).await;
    assert_eq!(sent(&sentry).await.as_deref(), Some("(a:1 OR b:2) environment:prod"));
    assert!(out.contains("`environment:prod` was added to the query."), "{out}");
}

#[tokio::test]
async fn a_syntax_error_costs_no_request() {
    let sentry = sentry().await;
    for (tool, query) in [
        ("search_issues", "is:unresolved OR assigned:me"),
        ("search_issues", "assigned:me message:\"x"),
        ("search_issues", "timesSeen:>many"),
        ("search_events", "(level:error"),
        ("search_events", "cuont():>5"),
        ("search_events", "level:[error,"),
    ] {
        for sentence in [None, Some("crashes")] {
            let mut args = json!({ "query": query, "naturalLanguageQuery": sentence });
            if tool == "search_issues" {
                args["projectSlugOrId"] = json!("api");
            } else {
                args["projectSlug"] = json!("api");
                args["dataset"] = json!("errors");
            }
            let out = search(&sentry, tool, args).await;
            assert!(out.contains("so Sentry was not asked:\n```\nerror: "), "{query}: {out}");
            assert!(out.contains('^') && out.contains(query), "{query}: {out}");
        }
    }
    assert!(sentry.requests().await.is_empty());
}

#[tokio::test]
async fn a_warning_is_shown_below_what_was_executed() {
    for tool in ["search_issues", "search_events"] {
        let sentry = sentry().await;
        let out = search(&sentry, tool, json!({ "query": "levle:error" })).await;
        let executed = out.find("Executed: ").unwrap();
        let warning = out.find("  try: level:error\n").unwrap();
        assert!(executed < warning && out.contains("ran as given"), "{out}");
        assert_eq!(sent(&sentry).await.as_deref(), Some("levle:error"));
    }
    let sentry = sentry().await;
    let out = search(&sentry, "search_events", json!({ "fields": ["titel", "timestamp"] })).await;
    assert!(out.contains("Warning: `titel` is no field of errors"), "{out}");
}

#[tokio::test]
async fn me_is_sent_as_it_is_and_told_as_whom_it_means() {
    let user = json!({ "id": 7, "name": "Member", "email": "member@example.test" });
    let query = "assigned:[me, none] bookmarks:me is:unresolved";
    let sentry = sentry().await.get(AUTH, user).await;
    let out = search(&sentry, "search_issues", json!({ "query": query })).await;
    let who = "is the user `7` (Member, `member@example.test`).";
    let lines = format!("`assigned:[me, none]` {who}\n`bookmarks:me` {who}\n");
    assert!(out.contains(&lines), "{out}");
    assert_eq!(sent(&sentry).await.as_deref(), Some(query));
}

#[tokio::test]
async fn nobody_is_asked_for_where_me_is_a_word_like_any_other() {
    for (tool, query) in [("search_issues", "user.username:me"), ("search_events", "assigned:me")] {
        let sentry = sentry().await;
        search(&sentry, tool, json!({ "query": query })).await;
        assert_eq!(sent(&sentry).await.as_deref(), Some(query));
        assert!(sentry.requests().await.iter().all(|request| !request.path.ends_with(AUTH)));
    }
}

#[tokio::test]
async fn my_teams_are_named_where_the_caller_may_list_teams() {
    let teams = json!([
        { "slug": "backend", "isMember": true },
        { "slug": "web", "isMember": false },
        { "slug": "ops" },
    ]);
    let args = json!({ "organizationSlug": "acme", "query": "assigned:my_teams" });
    for (scopes, expected) in [
        (ScopeSet::ALL, "is the teams of the user `7`: `backend`."),
        (ScopeSet::of(&[Scope::EventRead]), "is the teams of the user `7`."),
    ] {
        let sentry = sentry().await.get(AUTH, json!({ "id": "7" })).await;
        let sentry = sentry.get(TEAMS, teams.clone()).await;
        let mut grant = everything();
        grant.granted.scopes = scopes;
        let out = call_as(&sentry, &grant, "search_issues", args.clone()).await;
        assert!(out.contains(expected), "{out}");
    }
}

#[tokio::test]
async fn a_sentry_that_does_not_tell_who_me_is_spoils_nothing() {
    for status in [401, 403, 500] {
        let sentry = sentry().await.status("GET", AUTH, status, json!({})).await;
        let out = search(&sentry, "search_issues", json!({ "query": "assigned:me" })).await;
        assert!(out.contains("`assigned:me` is whoever the auth token belongs to"), "{out}");
        assert!(out.contains("No issue matches."), "{out}");
    }
}
