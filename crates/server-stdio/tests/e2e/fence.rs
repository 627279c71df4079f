//! A session that is limited to one organization, or to one project of it.

use sentry_sim::Simulation;
use serde_json::json;

use crate::harness::{Era, Server, command_for, run};

const ORGANIZATION: &[&str] = &["--organization-slug=aurora-labs", "--all-scopes"];
const PROJECT: &[&str] =
    &["--organization-slug=aurora-labs", "--project-slug=checkout-api", "--all-scopes"];

#[tokio::test]
async fn fixed_parameters_disappear_and_pointless_tools_vanish() {
    let sentry = Simulation::start().await.unwrap();
    for (flags, gone, parameters) in [
        (ORGANIZATION, &["find_organizations"][..], &["organizationSlug"][..]),
        (
            PROJECT,
            &["find_organizations", "find_projects", "create_project"],
            &["organizationSlug", "projectSlug", "projectSlugOrId"],
        ),
    ] {
        let mut server = Server::start(Era::Stateless, &sentry, flags).await;
        let answer = server.request("tools/list", json!({})).await;
        for tool in answer["result"]["tools"].as_array().unwrap() {
            assert!(!gone.contains(&tool["name"].as_str().unwrap()), "{tool}");
            for parameter in parameters {
                assert!(!tool.to_string().contains(&format!("\"{parameter}\"")), "{tool}");
            }
        }
        for tool in gone {
            let refusal = server.call(tool, json!({})).await.unwrap_err();
            assert!(refusal.contains("limited to one"), "{refusal}");
        }
    }
}

#[tokio::test]
async fn the_fixed_organization_is_used_and_no_other() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, ORGANIZATION).await;
    let teams = server.call("find_teams", json!({})).await.unwrap();
    assert!(teams.contains("payments"), "{teams}");
    sentry.reset_requests();
    for args in [
        json!({ "organizationSlug": "harbor-works" }),
        json!({ "organizationSlug": "../harbor-works" }),
    ] {
        let refusal = server.call("find_teams", args).await.unwrap_err();
        assert!(refusal.contains("limited to `aurora-labs`"), "{refusal}");
    }
    assert!(sentry.requests().is_empty());
}

#[tokio::test]
async fn an_issue_of_another_project_is_refused_before_anything_of_it_is_shown() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, PROJECT).await;
    let inside = server.call("get_issue_details", json!({ "issueId": "CHECKOUT-API-1" })).await;
    assert!(inside.unwrap().contains("CHECKOUT-API-1"));

    let outside = server.call("get_issue_details", json!({ "issueId": "STOREFRONT-1" })).await;
    let refusal = outside.unwrap_err();
    assert!(refusal.contains("limited to that project"), "{refusal}");
    let args = json!({ "issueId": "STOREFRONT-1", "status": "resolved" });
    let refusal = server.call("update_issue", args).await.unwrap_err();
    assert!(refusal.contains("limited to that project"), "{refusal}");
    assert!(sentry.requests().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn an_issue_url_cannot_leave_the_fence() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, ORGANIZATION).await;
    let url = format!("{}/organizations/harbor-works/issues/1/", sentry.url());
    let refusal = server.call("get_issue_details", json!({ "issueUrl": url })).await.unwrap_err();
    assert!(refusal.contains("aurora-labs"), "{refusal}");
    assert!(sentry.requests().is_empty());
}

#[tokio::test]
async fn a_search_shows_only_the_fixed_project() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Handshake, &sentry, PROJECT).await;
    let found = server.call("search_issues", json!({ "query": "", "limit": 100 })).await.unwrap();
    assert!(found.contains("CHECKOUT-API-"), "{found}");
    for other in ["STOREFRONT-", "PRICING-ENGINE-", "ORDER-SERVICE-", "GATEWAY-"] {
        assert!(!found.contains(other), "{other} in: {found}");
    }
}

#[tokio::test]
async fn a_project_without_its_organization_is_a_usage_error() {
    let sentry = Simulation::start().await.unwrap();
    let finished = run(command_for(&sentry, &["--project-slug=checkout-api"])).await;
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("--organization-slug"), "{}", finished.stderr);
}
