//! Tests of `update_project`.

use insta::assert_snapshot;
use serde_json::{Value, json};
use test_support::FakeSentry;

use crate::testing::{call, call_fenced};

const WEB: &str = "/api/0/projects/acme/web/";
const TEAM: &str = "/api/0/projects/acme/web/teams/mobile/";

fn args(more: &Value) -> Value {
    let mut args = json!({ "organizationSlug": "acme", "projectSlug": "web" });
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    args
}

fn project(slug: &str, name: &str, platform: &Value) -> Value {
    json!({
        "id": "2", "slug": slug, "name": name, "platform": platform,
        "teams": [{ "id": "9", "slug": "backend", "name": "Backend" }],
    })
}

async fn web() -> FakeSentry {
    FakeSentry::start().await.get(WEB, project("web", "Web", &Value::Null)).await
}

/// The writes, in order: method, path, and body.
async fn writes(sentry: &FakeSentry) -> Vec<(String, String, Value)> {
    let requests = sentry.requests().await;
    let writes = requests.iter().filter(|request| request.method != "GET");
    writes
        .map(|request| (request.method.clone(), request.path.clone(), request.body.clone()))
        .collect()
}

#[tokio::test]
async fn tells_what_was_and_what_is() {
    let after = project("shop", "Shop", &json!("python-django"));
    let sentry = web().await.put(WEB, after).await;
    let sentry = sentry.post(TEAM, project("web", "Web", &Value::Null)).await;
    let more = json!({
        "name": "Shop", "slug": "shop", "platform": "Python-Django", "teamSlug": "mobile",
    });
    assert_snapshot!(call(&sentry, "update_project", args(&more)).await, @r"
    # Project updated

    - Slug: `shop`
    - Id: `2`
    - Name: Shop
    - Platform: `python-django`

    ## Changes

    - name: `Web` → `Shop`
    - slug: `web` → `shop`
    - platform: `python-django`
    - team: `mobile` has access now

    Use the new slug from now on.
    ");
    let put = json!({ "name": "Shop", "slug": "shop", "platform": "python-django" });
    let expected =
        [("POST".to_owned(), TEAM.to_owned(), json!({})), ("PUT".to_owned(), WEB.to_owned(), put)];
    assert_eq!(writes(&sentry).await, expected);
}

#[tokio::test]
async fn what_already_holds_is_not_sent() {
    let sentry = web().await;
    let more = json!({ "name": "Web", "slug": "web", "teamSlug": "backend" });
    assert_snapshot!(call(&sentry, "update_project", args(&more)).await, @r"
    # Nothing to change

    The project already is as asked; nothing was sent.

    - Slug: `web`
    - Id: `2`
    - Name: Web
    ");
    assert!(writes(&sentry).await.is_empty());
}

#[tokio::test]
async fn only_the_difference_is_sent() {
    let sentry = web().await.put(WEB, project("web", "Web", &json!("go"))).await;
    let out =
        call(&sentry, "update_project", args(&json!({ "name": "Web", "platform": "go" }))).await;
    assert!(out.contains("- platform: `go`") && !out.contains("- name:"), "{out}");
    assert_eq!(writes(&sentry).await[0].2, json!({ "platform": "go" }));
}

#[tokio::test]
async fn a_value_that_sentry_did_not_take_is_told() {
    let sentry = web().await.put(WEB, project("shop-2", "Web", &Value::Null)).await;
    let out = call(&sentry, "update_project", args(&json!({ "slug": "shop" }))).await;
    assert!(out.contains("- slug: `web` → `shop-2` (asked for `shop`, but"), "{out}");
}

#[tokio::test]
async fn a_project_that_may_not_be_read_is_changed_all_the_same() {
    let sentry = FakeSentry::start().await.status("GET", WEB, 403, json!({})).await;
    let sentry = sentry.put(WEB, project("web", "Shop", &Value::Null)).await;
    let out = call(&sentry, "update_project", args(&json!({ "name": "Shop" }))).await;
    assert!(out.contains("- name: `Shop`\n"), "{out}");
    assert!(out.contains("the values before are unknown"), "{out}");
}

#[tokio::test]
async fn a_failed_second_step_says_that_the_first_is_done() {
    let complaint = json!({ "platform": ["Invalid platform"] });
    let sentry = web().await.status("PUT", WEB, 400, complaint).await;
    let sentry = sentry.post(TEAM, project("web", "Web", &Value::Null)).await;
    let more = json!({ "platform": "cobol", "teamSlug": "mobile" });
    let out = call(&sentry, "update_project", args(&more)).await;
    assert!(out.contains("the team `mobile` was added to the project"), "{out}");
    assert!(out.contains("platform: Invalid platform"), "{out}");
    assert!(out.contains("call again without `teamSlug`"), "{out}");
}

#[tokio::test]
async fn a_failed_first_step_ends_it() {
    let sentry = web().await.status("POST", TEAM, 404, json!({})).await;
    let more = json!({ "name": "Shop", "teamSlug": "mobile" });
    let out = call(&sentry, "update_project", args(&more)).await;
    assert!(out.starts_with("error: Sentry found nothing"), "{out}");
    assert_eq!(writes(&sentry).await.len(), 1);
}

#[tokio::test]
async fn an_unknown_outcome_says_how_to_check() {
    let sentry = web().await.put(WEB, json!([])).await;
    let out = call(&sentry, "update_project", args(&json!({ "name": "Shop" }))).await;
    assert!(out.contains("The change may have been made. Next: call `find_projects`"), "{out}");
}

#[tokio::test]
async fn an_old_slug_leads_to_the_new_one() {
    // The read follows the redirect, so it answers with another slug.
    let sentry = FakeSentry::start().await.get(WEB, project("shop", "Shop", &Value::Null)).await;
    let out = call(&sentry, "update_project", args(&json!({ "name": "X" }))).await;
    assert!(out.contains("call again with `projectSlug`: `shop`"), "{out}");
    assert!(writes(&sentry).await.is_empty());

    let moved = json!({ "slug": "shop", "detail": { "extra": { "slug": "shop" } } });
    let sentry = FakeSentry::start().await.status("GET", WEB, 403, json!({})).await;
    let sentry = sentry.status("PUT", WEB, 302, moved).await;
    let out = call(&sentry, "update_project", args(&json!({ "name": "X" }))).await;
    assert!(out.contains("call again with `projectSlug`: `shop`"), "{out}");
}

#[tokio::test]
async fn a_session_with_one_project_keeps_its_slug() {
    let sentry = web().await.put(WEB, project("web", "Shop", &Value::Null)).await;
    let slug = json!({ "slug": "shop" });
    let out = call_fenced(&sentry, "acme", Some("web"), "update_project", slug).await;
    assert!(out.contains("the slug cannot be changed here"), "{out}");
    assert!(sentry.requests().await.is_empty());
    let name = json!({ "name": "Shop" });
    let out = call_fenced(&sentry, "acme", Some("web"), "update_project", name).await;
    assert!(out.starts_with("# Project updated"), "{out}");
}

#[tokio::test]
async fn nothing_to_change_is_an_input_error() {
    let sentry = FakeSentry::start().await;
    let out = call(&sentry, "update_project", args(&json!({ "name": " ", "slug": null }))).await;
    assert!(out.contains("pass at least one of `name`, `slug`, `platform`, `teamSlug`"), "{out}");
    assert!(sentry.requests().await.is_empty());
}
