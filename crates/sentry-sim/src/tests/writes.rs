//! Writes: validated as Sentry does, and visible afterwards.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::simulation;
use crate::tokens;

const ISSUE: &str = "organizations/aurora-labs/issues/CHECKOUT-API-1/";

#[tokio::test]
async fn a_changed_issue_is_changed_everywhere() {
    let simulation = simulation().await;
    let change = json!({ "status": "resolved", "assignedTo": "user:4" });
    let answer = simulation.put(ISSUE, change).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["substatus"], Value::Null);
    for path in [ISSUE, "issues/9001/"] {
        let issue = simulation.get(path).await.json();
        assert_eq!(issue["status"], "resolved");
        assert_eq!(issue["assignedTo"]["email"], "payments-lead@example.test");
    }
    let open = simulation.get("organizations/aurora-labs/issues/?query=is:unresolved").await;
    assert!(!open.text.contains("\"CHECKOUT-API-1\""));
    let resolved = simulation.get("organizations/aurora-labs/issues/?query=is:resolved").await;
    assert!(resolved.text.contains("\"CHECKOUT-API-1\""));
}

#[tokio::test]
async fn archiving_follows_its_conditions() {
    let simulation = simulation().await;
    for (change, substatus, detail) in [
        (json!({}), "archived_forever", json!({})),
        (
            json!({ "substatus": "archived_until_escalating" }),
            "archived_until_escalating",
            json!({}),
        ),
        (
            json!({ "ignoreDuration": 60 }),
            "archived_until_condition_met",
            json!({ "ignoreUntil": "2026-11-16T13:00:00Z" }),
        ),
        (
            json!({ "ignoreCount": 10, "ignoreWindow": 60 }),
            "archived_until_condition_met",
            json!({ "ignoreCount": 10, "ignoreWindow": 60 }),
        ),
        (
            json!({ "statusDetails": { "ignoreUserCount": 5 } }),
            "archived_until_condition_met",
            json!({ "ignoreUserCount": 5 }),
        ),
    ] {
        let mut change = change;
        change["status"] = json!("ignored");
        let issue = simulation.put(ISSUE, change).await.json();
        assert_eq!(issue["substatus"], substatus, "{issue}");
        for (key, value) in detail.as_object().expect("an object") {
            assert_eq!(issue["statusDetails"][key], *value);
        }
        if detail == json!({}) {
            assert_eq!(issue["statusDetails"], detail);
        }
    }
}

#[tokio::test]
async fn a_bad_change_names_its_field_and_changes_nothing() {
    let simulation = simulation().await;
    let before = simulation.get(ISSUE).await.text;
    for (change, field) in [
        (json!({ "status": "closed" }), "status"),
        (json!({ "status": "resolved", "assignedTo": "nobody@example.test" }), "assignedTo"),
        (json!({ "assignedTo": "team:nope" }), "assignedTo"),
        // It exists, but its projects are others.
        (json!({ "assignedTo": "team:web-platform" }), "assignedTo"),
        (json!({ "assignedTo": "robot:1" }), "assignedTo"),
        (json!({ "status": "ignored", "ignoreCount": 0 }), "ignoreCount"),
        (json!({ "status": "ignored", "ignoreWindow": 5 }), "ignoreWindow"),
        (json!({ "status": "ignored", "ignoreCount": 1, "ignoreWindow": 10_081 }), "ignoreWindow"),
        (json!({ "status": "ignored", "substatus": "ongoing" }), "substatus"),
        (json!({ "isBookmarked": "maybe" }), "isBookmarked"),
    ] {
        let answer = simulation.put(ISSUE, change.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change}");
        assert!(answer.json()[field][0].is_string(), "{change}: {}", answer.text);
    }
    assert_eq!(simulation.get(ISSUE).await.text, before);
}

#[tokio::test]
async fn the_next_release_needs_a_release() {
    let simulation = simulation().await;
    let next = || json!({ "status": "resolvedInNextRelease" });
    let issue = simulation.put(ISSUE, next()).await.json();
    assert_eq!(issue["status"], "resolved");
    assert_eq!(issue["statusDetails"]["inNextRelease"], true);
    let answer = simulation.put("organizations/aurora-labs/issues/GATEWAY-1/", next()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json()["statusDetails"]["inNextRelease"].is_array());
}

#[tokio::test]
async fn assignment_takes_people_teams_and_nobody() {
    let simulation = simulation().await;
    for (actor, name) in [
        ("me", json!("On-call Engineer")),
        ("team:payments", json!("payments")),
        ("team:201", json!("payments")),
        ("PAYMENTS-LEAD@example.test", json!("Payments Lead")),
        ("7", json!("Platform Lead")),
        ("", Value::Null),
    ] {
        let issue = simulation.put(ISSUE, json!({ "assignedTo": actor })).await.json();
        assert_eq!(issue["assignedTo"]["name"], name, "{actor}");
    }
}

#[tokio::test]
async fn many_issues_are_changed_at_once() {
    let simulation = simulation().await;
    let path = "organizations/aurora-labs/issues/?id=9001&id=9002";
    let answer = simulation.put(path, json!({ "status": "ignored" })).await;
    assert_eq!(answer.json()["status"], "ignored");
    for id in ["9001", "9002"] {
        let issue = simulation.get(&format!("issues/{id}/")).await.json();
        assert_eq!(issue["status"], "ignored");
    }
}

#[tokio::test]
async fn a_comment_appears_on_the_issue() {
    let simulation = simulation().await;
    let before = simulation.get(ISSUE).await.json()["numComments"].as_u64().expect("a number");
    let note = simulation.post(&format!("{ISSUE}notes/"), json!({ "text": "on it" })).await;
    assert_eq!(note.status, StatusCode::CREATED);
    let notes = simulation.get(&format!("{ISSUE}comments/")).await.json();
    assert_eq!(notes[0], note.json());
    assert_eq!(simulation.get(ISSUE).await.json()["numComments"], before + 1);
    let blank = simulation.post(&format!("{ISSUE}notes/"), json!({ "text": " " })).await;
    assert_eq!(blank.json()["text"][0], "This field may not be blank.");
}

#[tokio::test]
async fn a_team_a_project_and_a_key_can_be_made() {
    let simulation = simulation().await;
    let team = simulation.post("organizations/aurora-labs/teams/", json!({ "name": "Mobile App" }));
    assert_eq!(team.await.json()["slug"], "mobile-app");
    let again =
        simulation.post("organizations/aurora-labs/teams/", json!({ "name": "Mobile App" }));
    assert_eq!(again.await.status, StatusCode::CONFLICT);
    let body = json!({ "name": "iOS app", "platform": "apple-ios" });
    let project = simulation.post("teams/aurora-labs/mobile-app/projects/", body).await;
    assert_eq!(project.status, StatusCode::CREATED);
    assert_eq!(project.json()["slug"], "ios-app");
    let keys = simulation.get("projects/aurora-labs/ios-app/keys/").await.json();
    assert_eq!(keys[0]["name"], "Default");
    let key = simulation.post("projects/aurora-labs/ios-app/keys/", json!({ "name": "CI" })).await;
    assert_eq!(key.status, StatusCode::CREATED);
    let keys = simulation.get("projects/aurora-labs/ios-app/keys/").await.json();
    assert_eq!(keys[1], key.json());
    let taken = json!({ "name": "Gateway", "slug": "gateway" });
    let taken = simulation.post("teams/aurora-labs/payments/projects/", taken).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let wrong = json!({ "name": "x", "platform": "cobol" });
    let wrong = simulation.post("teams/aurora-labs/payments/projects/", wrong).await;
    assert_eq!(wrong.json(), json!({ "platform": ["Invalid platform"] }));
}

#[tokio::test]
async fn a_renamed_project_redirects_and_takes_its_issues_along() {
    let simulation = simulation().await;
    let old = "projects/aurora-labs/checkout-api/";
    let renamed = simulation.put(old, json!({ "slug": "checkout" })).await;
    assert_eq!(renamed.json()["slug"], "checkout");
    let moved = simulation.get(old).await;
    assert_eq!(moved.status, StatusCode::FOUND);
    assert_eq!(moved.headers["location"], "/api/0/projects/aurora-labs/checkout/");
    assert_eq!(moved.json()["detail"]["code"], "resource-moved");
    let keys = simulation.get("projects/aurora-labs/checkout-api/keys/").await;
    assert_eq!(keys.headers["location"], "/api/0/projects/aurora-labs/checkout/keys/");
    for id in ["CHECKOUT-1", "CHECKOUT-API-1"] {
        let issue = simulation.get(&format!("organizations/aurora-labs/issues/{id}/")).await;
        assert_eq!(issue.json()["shortId"], "CHECKOUT-1", "{id}");
    }
    let taken = simulation.put("projects/aurora-labs/checkout/", json!({ "slug": "gateway" }));
    assert_eq!(taken.await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_reader_may_bookmark_a_project_but_not_rename_it() {
    let simulation = simulation().await;
    let path = "projects/aurora-labs/gateway/";
    let put = |body| simulation.ask(Method::PUT, path, tokens::PROJECT_READ, Some(body));
    assert_eq!(put(json!({ "isBookmarked": true })).await.json()["isBookmarked"], true);
    assert_eq!(put(json!({ "name": "x" })).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_team_is_added_to_a_project_and_removed() {
    let simulation = simulation().await;
    let path = "projects/aurora-labs/gateway/teams/";
    let names = |list: Value| list.as_array().expect("a list").len();
    assert_eq!(names(simulation.get(path).await.json()), 1);
    simulation.post(&format!("{path}payments/"), json!({})).await;
    assert_eq!(names(simulation.get(path).await.json()), 2);
    let one = format!("{path}payments/");
    simulation.ask(Method::DELETE, &one, tokens::ADMIN, None).await;
    assert_eq!(names(simulation.get(path).await.json()), 1);
}

#[tokio::test]
async fn a_repository_is_mapped_to_a_project() {
    let simulation = simulation().await;
    let body = |repository: &str| {
        json!({
            "project": "gateway", "repository": repository, "provider": "github",
            "mappings": [{ "stackRoot": "", "sourceRoot": "" }],
        })
    };
    let path = "organizations/aurora-labs/code-mappings/bulk/";
    let made = simulation.post(path, body("aurora-labs/gateway")).await.json();
    assert_eq!((&made["created"], &made["errors"]), (&json!(1), &json!(0)));
    assert_eq!(simulation.post(path, body("x/y")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let simulation = simulation().await;
    let text = "x".repeat(1024 * 1024);
    let answer = simulation.post(&format!("{ISSUE}notes/"), json!({ "text": text })).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
