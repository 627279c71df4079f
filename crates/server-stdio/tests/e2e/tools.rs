//! What the tools answer, end to end, on believable data.

use sentry_sim::{Simulation, tokens};
use serde_json::{Value, json};

use crate::harness::{Era, Server, command_as};

const ORGANIZATION: &str = "aurora-labs";

/// Calls a tool in the first organization and expects words in its answer.
async fn expect(server: &mut Server, tool: &str, mut args: Value, words: &[&str]) -> String {
    if args.get("organizationSlug").is_none() && args.get("issueUrl").is_none() {
        args["organizationSlug"] = ORGANIZATION.into();
    }
    let answer = server.call(tool, args.clone()).await;
    let answer = answer.unwrap_or_else(|err| panic!("{tool} {args}: {err}"));
    for word in words {
        assert!(answer.contains(word), "{tool} {args}: `{word}` is not in: {answer}");
    }
    answer
}

#[tokio::test]
async fn the_reads_find_what_is_there() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    let organizations = server.call("find_organizations", json!({})).await.unwrap();
    assert!(organizations.contains("harbor-works"), "{organizations}");
    expect(&mut server, "find_projects", json!({}), &["checkout-api", "storefront"]).await;
    expect(&mut server, "find_teams", json!({ "query": "pay" }), &["payments"]).await;
    expect(
        &mut server,
        "find_releases",
        json!({ "projectSlug": "checkout-api" }),
        &["checkout-api"],
    )
    .await;
    expect(&mut server, "find_dsns", json!({ "projectSlug": "checkout-api" }), &["http"]).await;
    expect(&mut server, "search_issues", json!({ "query": "is:unresolved" }), &["CHECKOUT-API-"])
        .await;
    let docs = server.call("search_docs", json!({ "query": "python" })).await.unwrap();
    assert!(docs.contains(".md"), "{docs}");
}

#[tokio::test]
async fn an_organization_of_another_region_is_asked_there() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    let args = json!({ "organizationSlug": "harbor-works" });
    for _ in 0..2 {
        expect(&mut server, "find_teams", args.clone(), &["operations"]).await;
    }
    let requests = sentry.requests();
    let teams = requests.iter().filter(|request| request.path.ends_with("/teams/"));
    assert!(teams.clone().all(|request| request.host == sentry.region_host()));
    assert_eq!(teams.count(), 2);
    let lookups =
        requests.iter().filter(|request| request.path.ends_with("/organizations/harbor-works/"));
    assert_eq!(lookups.count(), 1, "a region is looked up once");
}

#[tokio::test]
async fn an_issue_is_read_by_id_by_url_and_by_event() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    let by_id = expect(
        &mut server,
        "get_issue_details",
        json!({ "issueId": "checkout-api-1" }),
        &["CHECKOUT-API-1"],
    )
    .await;
    let event = by_id.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() == 32);
    let event = event.expect("the event's id is in the answer").to_owned();
    for url in [
        format!("{}/organizations/{ORGANIZATION}/issues/CHECKOUT-API-1/?project=1", sentry.url()),
        format!(
            "{}/organizations/{ORGANIZATION}/issues/CHECKOUT-API-1/events/{event}/",
            sentry.url()
        ),
    ] {
        expect(
            &mut server,
            "get_issue_details",
            json!({ "issueUrl": url }),
            &["CHECKOUT-API-1", &event],
        )
        .await;
    }
    expect(
        &mut server,
        "get_issue_details",
        json!({ "eventId": event }),
        &["CHECKOUT-API-1", &event],
    )
    .await;
}

#[tokio::test]
async fn every_issue_of_the_data_set_can_be_read() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &[]).await;
    let mut seen = 0;
    let mut cursor = Value::Null;
    loop {
        let args = json!({ "query": "", "limit": 20, "period": "90d", "cursor": cursor });
        let found = expect(&mut server, "search_issues", args, &[]).await;
        let prefixes =
            ["CHECKOUT-API-", "STOREFRONT-", "PRICING-ENGINE-", "ORDER-SERVICE-", "GATEWAY-"];
        let words = found.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let mut ids: Vec<&str> =
            words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix))).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            expect(&mut server, "get_issue_details", json!({ "issueId": id }), &[id]).await;
            seen += 1;
        }
        let next = found.split("`cursor`: `").nth(1).and_then(|rest| rest.split('`').next());
        match next {
            Some(next) => cursor = next.into(),
            None => break,
        }
    }
    assert!(seen >= 35, "{seen} issues");
}

#[tokio::test]
async fn a_write_changes_the_state_and_says_so() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, &["--all-scopes"]).await;
    let args = json!({ "issueId": "CHECKOUT-API-2", "status": "resolved" });
    expect(&mut server, "update_issue", args.clone(), &["resolved"]).await;
    let puts = || sentry.requests().iter().filter(|request| request.method == "PUT").count();
    assert_eq!(puts(), 1);
    expect(&mut server, "update_issue", args, &["already"]).await;
    assert_eq!(puts(), 1, "what already holds is not written again");

    expect(&mut server, "create_team", json!({ "name": "Night Watch" }), &["night-watch"]).await;
    let args = json!({ "teamSlug": "night-watch", "name": "Watch Tower", "platform": "go" });
    expect(&mut server, "create_project", args, &["watch-tower", "http"]).await;
    let args = json!({ "projectSlug": "watch-tower", "name": "Tower", "teamSlug": "platform" });
    expect(&mut server, "update_project", args, &["Tower"]).await;
    let args = json!({ "projectSlug": "watch-tower", "name": "Staging" });
    expect(&mut server, "create_dsn", args, &["Staging"]).await;
    expect(&mut server, "find_dsns", json!({ "projectSlug": "watch-tower" }), &["Staging"]).await;
}

#[tokio::test]
async fn a_token_of_projects_only_still_finds_projects() {
    let sentry = Simulation::start().await.unwrap();
    let mut command = command_as(&sentry, tokens::PROJECT_READ, &[]);
    let mut server = Server::spawn(Era::Stateless, &mut command).await;
    expect(&mut server, "find_projects", json!({}), &["checkout-api"]).await;
}

#[tokio::test]
async fn wrong_arguments_are_told_with_the_way_to_repair_them() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &["--all-scopes"]).await;
    let long = "a".repeat(101);
    for (tool, args, words) in [
        ("find_teams", json!({}), "organizationSlug"),
        ("find_teams", json!({ "organization_slug": ORGANIZATION }), "`organizationSlug`"),
        ("find_teams", json!({ "organizationSlug": "../acme" }), "organizationSlug"),
        ("find_teams", json!({ "organizationSlug": "%2e%2e" }), "organizationSlug"),
        ("find_teams", json!({ "organizationSlug": "ünïcode" }), "organizationSlug"),
        ("find_teams", json!({ "organizationSlug": long }), "organizationSlug"),
        ("find_teams", json!({ "organizationSlug": ["a"] }), "organizationSlug"),
        ("find_teams", json!({ "organizationSlug": ORGANIZATION, "cursor": "<script>" }), "cursor"),
        (
            "find_teams",
            json!({ "organizationSlug": ORGANIZATION, "regionUrl": "https://evilsentry.io" }),
            "regionUrl",
        ),
        ("search_issues", json!({ "organizationSlug": ORGANIZATION, "limit": 1_000_000 }), "limit"),
        ("search_issues", json!({ "organizationSlug": ORGANIZATION, "limit": -1 }), "limit"),
        ("search_issues", json!({ "organizationSlug": ORGANIZATION, "sort": "newest" }), "sort"),
        ("search_issues", json!({ "organizationSlug": ORGANIZATION, "period": "soon" }), "period"),
        ("get_issue_details", json!({ "issueId": "CHECKOUT-API-1" }), "organizationSlug"),
        (
            "get_issue_details",
            json!({ "organizationSlug": ORGANIZATION, "issueId": "a/b" }),
            "issueId",
        ),
        ("get_issue_details", json!({ "issueUrl": "not a url" }), "issueUrl"),
        (
            "update_issue",
            json!({ "organizationSlug": ORGANIZATION, "issueId": "CHECKOUT-API-1" }),
            "status",
        ),
        ("get_doc", json!({ "path": "https://evil.test/x.md" }), "path"),
    ] {
        let text = server.call(tool, args.clone()).await.expect_err("a refusal");
        assert!(text.contains(words), "{tool} {args}: {text}");
        assert!(text.len() < 700, "{text}");
    }
    assert!(sentry.requests().is_empty(), "no request for wrong arguments");
}

#[tokio::test]
async fn what_is_not_there_is_told_with_what_was_asked() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    let args = json!({ "organizationSlug": ORGANIZATION, "issueId": "NOPE-77" });
    let text = server.call("get_issue_details", args).await.unwrap_err();
    assert!(text.contains("NOPE-77") && text.contains(ORGANIZATION), "{text}");
}
