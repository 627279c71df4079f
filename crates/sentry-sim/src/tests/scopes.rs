//! Who may do what: tokens, roles, memberships, and the bodies of refusals.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{send, simulation};
use crate::tokens;

const FORBIDDEN: &str = "You do not have permission to perform this action.";

/// Path and the one-scope tokens that may read it, of: org, project, team, member, event read.
const READS: [(&str, [bool; 5]); 35] = [
    ("", [true; 5]),
    ("auth/", [true; 5]),
    ("users/me/", [false; 5]),
    ("users/me/regions/", [true, false, false, false, false]),
    ("organizations/", [true, false, false, false, false]),
    ("projects/", [false, true, false, false, false]),
    ("organizations/aurora-labs/", [true, false, false, false, false]),
    ("organizations/aurora-labs/projects/", [true, false, false, false, false]),
    ("organizations/aurora-labs/teams/", [true, false, false, false, false]),
    ("organizations/aurora-labs/releases/", [false, true, false, false, false]),
    ("organizations/aurora-labs/repos/", [true, false, false, false, false]),
    ("organizations/aurora-labs/members/", [false, false, false, true, false]),
    ("organizations/aurora-labs/environments/", [true, false, false, false, false]),
    ("organizations/aurora-labs/tags/", [true, false, false, false, false]),
    ("organizations/aurora-labs/tags/level/values/", [true, false, false, false, false]),
    ("organizations/aurora-labs/issues/", [false, false, false, false, true]),
    ("organizations/aurora-labs/issues/CHECKOUT-API-1/", [false, false, false, false, true]),
    (
        "organizations/aurora-labs/issues/CHECKOUT-API-1/events/latest/",
        [false, false, false, false, true],
    ),
    ("organizations/aurora-labs/shortids/CHECKOUT-API-1/", [false, false, false, false, true]),
    ("issues/9001/", [false, false, false, false, true]),
    ("projects/aurora-labs/checkout-api/", [false, true, false, false, false]),
    ("projects/aurora-labs/checkout-api/keys/", [false, true, false, false, false]),
    ("projects/aurora-labs/checkout-api/releases/", [false, true, false, false, false]),
    ("organizations/aurora-labs/events/?field=id", [true, false, false, false, false]),
    (
        "organizations/aurora-labs/events/validate/?field=id&dataset=errors",
        [true, false, false, false, false],
    ),
    (
        "organizations/aurora-labs/trace/6318a51b5461086035db960734e3d7ad/",
        [true, false, false, false, false],
    ),
    (
        "organizations/aurora-labs/trace-meta/6318a51b5461086035db960734e3d7ad/",
        [true, false, false, false, false],
    ),
    ("organizations/aurora-labs/replays/", [true, false, false, false, false]),
    (
        "organizations/aurora-labs/replay-count/?query=issue.id:9001",
        [true, false, false, false, false],
    ),
    ("organizations/aurora-labs/trace-items/attributes/", [true, false, false, false, false]),
    (
        "organizations/aurora-labs/issues/CHECKOUT-API-1/autofix/",
        [false, false, false, false, true],
    ),
    (
        "organizations/aurora-labs/issues/CHECKOUT-API-1/external-issues/",
        [false, false, false, false, true],
    ),
    (
        "organizations/aurora-labs/issues/CHECKOUT-API-1/tags/level/",
        [false, false, false, false, true],
    ),
    (
        "projects/aurora-labs/checkout-api/events/9a36d282dc0384c1ba130b2e31a93888/attachments/",
        [false, true, false, false, false],
    ),
    (
        "projects/aurora-labs/checkout-api/stacktrace-link/?file=a.py",
        [false, true, false, false, false],
    ),
];

#[tokio::test]
async fn each_endpoint_accepts_exactly_its_scopes() {
    let simulation = simulation().await;
    let holders = [
        tokens::ORG_READ,
        tokens::PROJECT_READ,
        tokens::TEAM_READ,
        tokens::MEMBER_READ,
        tokens::EVENT_READ,
    ];
    for (path, allowed) in READS {
        for (token, allowed) in holders.into_iter().zip(allowed) {
            let answer = simulation.ask(Method::GET, path, token, None).await;
            if allowed {
                assert_eq!(answer.status, StatusCode::OK, "{path} with {token}");
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with {token}");
                assert_eq!(answer.detail(), FORBIDDEN);
            }
        }
    }
}

#[tokio::test]
async fn reading_tokens_cannot_write() {
    let simulation = simulation().await;
    let issue = "organizations/aurora-labs/issues/CHECKOUT-API-1/";
    let body = || Some(json!({ "status": "resolved", "name": "x", "text": "x" }));
    let writes = [
        (Method::PUT, issue),
        (Method::POST, "organizations/aurora-labs/issues/CHECKOUT-API-1/notes/"),
        (Method::POST, "organizations/aurora-labs/teams/"),
        (Method::POST, "projects/aurora-labs/checkout-api/keys/"),
        (Method::POST, "teams/aurora-labs/payments/projects/"),
        (Method::PUT, "projects/aurora-labs/checkout-api/"),
    ];
    for (method, path) in &writes {
        let answer = simulation.ask(method.clone(), path, tokens::READ_ONLY, body()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    for token in [tokens::TRIAGE, tokens::EVENT_ADMIN] {
        let answer = simulation.ask(Method::PUT, issue, token, body()).await;
        assert_eq!(answer.status, StatusCode::OK, "{token}");
    }
    for (method, path) in writes.into_iter().skip(2) {
        let answer = simulation.ask(method, path, tokens::PROJECT_MANAGEMENT, body()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_member_with_every_scope_may_triage_but_not_create() {
    let simulation = simulation().await;
    let body = || Some(json!({ "name": "x" }));
    for path in [
        "organizations/aurora-labs/teams/",
        "projects/aurora-labs/checkout-api/keys/",
        "teams/aurora-labs/payments/projects/",
    ] {
        let answer = simulation.ask(Method::POST, path, tokens::MEMBER, body()).await;
        assert_eq!((answer.status, answer.detail().as_str()), (StatusCode::FORBIDDEN, FORBIDDEN));
    }
    let issue = "organizations/aurora-labs/issues/CHECKOUT-API-1/";
    let change = Some(json!({ "assignedTo": "me" }));
    let answer = simulation.ask(Method::PUT, issue, tokens::MEMBER, change).await;
    assert_eq!(answer.json()["assignedTo"]["email"], "support@example.test");
}

#[tokio::test]
async fn an_outsider_sees_no_organization() {
    let simulation = simulation().await;
    for path in ["organizations/aurora-labs/", "issues/9001/", "projects/aurora-labs/gateway/"] {
        let answer = simulation.ask(Method::GET, path, tokens::OUTSIDER, None).await;
        assert_eq!((answer.status, answer.detail().as_str()), (StatusCode::FORBIDDEN, FORBIDDEN));
    }
    let answer = simulation.ask(Method::GET, "organizations/", tokens::OUTSIDER, None).await;
    assert_eq!(answer.json(), json!([]));
    let member = simulation.ask(Method::GET, "organizations/harbor-works/", tokens::MEMBER, None);
    assert_eq!(member.await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_bad_token_gets_401_with_the_odd_challenge() {
    let simulation = simulation().await;
    let url = format!("{}/api/0/", simulation.url());
    for (token, detail) in [
        (None, "Authentication credentials were not provided."),
        (Some(tokens::INVALID), "Invalid token"),
        (Some(tokens::EXPIRED), "Token expired"),
    ] {
        let answer = send(url.clone(), Method::GET, token, None).await.expect("an answer");
        assert_eq!((answer.status, answer.detail().as_str()), (StatusCode::UNAUTHORIZED, detail));
        assert_eq!(answer.headers["www-authenticate"], "xBasic realm=\"api\"");
    }
}

#[tokio::test]
async fn the_root_names_the_scopes_of_the_token() {
    let simulation = simulation().await;
    let answer = simulation.ask(Method::GET, "", tokens::READ_ONLY, None).await;
    let scopes = answer.json()["auth"]["scopes"].clone();
    assert_eq!(scopes, json!(["event:read", "org:read", "project:read", "team:read"]));
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let simulation = simulation().await;
    for path in [
        "organizations/nope/",
        "projects/aurora-labs/nope/",
        "organizations/aurora-labs/issues/NOPE-1/",
        // It exists, but in the other organization.
        "organizations/aurora-labs/issues/BACK-OFFICE-1/",
    ] {
        let answer = simulation.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.detail(), "The requested resource does not exist");
    }
    let answer = simulation.get("organizations/aurora-labs/does-not-exist/").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NOT_FOUND, ""));
    let page = send(format!("{}/settings/", simulation.url()), Method::GET, None, None).await;
    assert!(page.expect("an answer").text.starts_with("<!DOCTYPE html>"));
    let answer = simulation.ask(Method::DELETE, "projects/", tokens::ADMIN, None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_region_has_its_own_organization_and_the_main_host_knows_the_way() {
    let simulation = simulation().await;
    let regions = simulation.get("users/me/regions/").await.json();
    assert_eq!(regions["regions"][1]["url"], simulation.region_url());
    let own = simulation.get("organizations/").await.json();
    assert_eq!(own[0]["slug"], "aurora-labs");
    assert_eq!(own.as_array().map(Vec::len), Some(1));
    let far = simulation.get("organizations/harbor-works/").await.json();
    assert_eq!(far["links"]["regionUrl"], simulation.region_url());
    let at_region = |path: &str| {
        let url = format!("{}/api/0/{path}", simulation.region_url());
        send(url, Method::GET, Some(tokens::ADMIN), None)
    };
    let list = at_region("organizations/").await.expect("an answer").json();
    assert_eq!(list[0]["slug"], "harbor-works");
    let issues = at_region("organizations/harbor-works/issues/").await.expect("an answer");
    assert_eq!(issues.status, StatusCode::OK);
    let foreign = at_region("organizations/aurora-labs/").await.expect("an answer");
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}
