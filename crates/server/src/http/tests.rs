//! What the dialog is told, and the check of a fence. The service itself is tested end to end,
//! where there is a socket.

use scopes::{DEFAULT_GRANT, Scope, ScopeSet};
use sentry_client::{Client, Settings, Site, Slug, TokenSource};
use serde_json::json;
use test_support::FakeSentry;
use tools::{installation::Installation, registry::Catalog};

use super::*;

fn server() -> McpServer {
    McpServer::without_caller(Catalog::new(Installation::default()))
}

#[test]
fn each_level_names_the_tools_that_it_opens_and_the_base_has_the_others() {
    let levels = server().levels();
    let tools = |id: &str| {
        let level = levels.iter().find(|level| level.id == id).unwrap();
        level.tools.iter().map(String::as_str).collect::<Vec<_>>()
    };
    assert!(tools("read-only").contains(&"search_issues"));
    assert!(!tools("read-only").contains(&"update_issue"));
    assert!(tools("issue-triage").contains(&"update_issue"));
    assert!(!tools("issue-triage").contains(&"search_issues"), "the base has it");
    assert!(tools("project-management").contains(&"create_team"));
    assert_eq!(server().scopes().len(), 16);
    let releases = server().scopes().into_iter().find(|view| view.scope == Scope::ProjectReleases);
    assert!(releases.unwrap().tools.is_empty());
}

#[test]
fn sentry_is_asked_for_what_the_opened_tools_need_and_no_more() {
    let base = server().upstream_scopes(DEFAULT_GRANT, false);
    assert!(DEFAULT_GRANT.covers(base), "{base}");
    let triage = DEFAULT_GRANT.union(ScopeSet::of(&[Scope::EventWrite]));
    let asked = server().upstream_scopes(triage, false);
    assert!(asked.covers(ScopeSet::of(&[Scope::EventWrite])), "{asked}");
    assert!(!asked.covers(ScopeSet::of(&[Scope::ProjectWrite])), "{asked}");
    assert_eq!(server().upstream_scopes(ScopeSet::EMPTY, false), ScopeSet::EMPTY);
    let fenced = server().upstream_scopes(ScopeSet::EMPTY, true);
    assert_eq!(fenced, ScopeSet::of(&[Scope::OrgRead]));
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

async fn admits(sentry: &FakeSentry, project: Option<&str>) -> Result<(), FenceError> {
    let site = Site::parse_host(&sentry.host(), true).unwrap();
    let client = Client::new(Settings { site, ..Settings::default() }, TokenSource::fixed("t"));
    let project = project.map(slug);
    account::Sentry::with(client).admits(&slug("acme"), project.as_ref()).await
}

#[tokio::test]
async fn a_fence_holds_only_under_the_name_that_sentry_uses() {
    const ORGANIZATION: &str = "/api/0/organizations/acme/";
    const PROJECT: &str = "/api/0/projects/acme/old/";
    let organization = || async {
        FakeSentry::start().await.get(ORGANIZATION, json!({ "slug": "acme", "name": "Acme" })).await
    };
    assert_eq!(admits(&organization().await, None).await, Ok(()));
    let renamed = organization().await.get(PROJECT, json!({ "id": "1", "slug": "new" })).await;
    assert_eq!(admits(&renamed, Some("old")).await, Err(FenceError::Unknown));
    let same = organization().await.get(PROJECT, json!({ "id": "1", "slug": "old" })).await;
    assert_eq!(admits(&same, Some("old")).await, Ok(()));
    assert_eq!(admits(&organization().await, Some("old")).await, Err(FenceError::Unknown));
    for (status, expected) in [
        (401, FenceError::Unauthorized),
        (403, FenceError::Unknown),
        (404, FenceError::Unknown),
        (429, FenceError::Unavailable),
        (500, FenceError::Unavailable),
    ] {
        let sentry = FakeSentry::start().await.status("GET", ORGANIZATION, status, json!({})).await;
        assert_eq!(admits(&sentry, None).await, Err(expected), "{status}");
    }
}
