//! Which redirects are followed: a read, to the same host, within the fence, three at most.

use serde_json::json;
use test_support::FakeSentry;
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{method, path},
};

use crate::{
    Client, ErrorKind, Fence, Result, Slug,
    request::Route,
    testing::{client, told},
};

const OLD: &str = "/api/0/projects/acme/api/";
const NEW: &str = "/api/0/projects/acme/api-renamed/";

fn redirect(from: &str, to: &str) -> Mock {
    let body = json!({
        "slug": "api-renamed",
        "detail": {"code": "resource-moved", "extra": {"url": NEW, "slug": "api-renamed"}},
    });
    let answer = ResponseTemplate::new(302).insert_header("Location", to).set_body_json(body);
    Mock::given(path(from)).respond_with(answer)
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

async fn read(client: &Client) -> Result<serde_json::Value> {
    client.get(Route::project(&slug("acme"), "api")).json().await
}

async fn paths(sentry: &FakeSentry) -> Vec<String> {
    sentry.requests().await.into_iter().map(|request| request.path).collect()
}

#[tokio::test]
async fn a_renamed_project_is_followed_on_a_read() {
    let sentry = FakeSentry::start()
        .await
        .mount(redirect(OLD, NEW))
        .await
        .get(NEW, json!({"slug": "api-renamed"}))
        .await;
    assert_eq!(read(&client(&sentry)).await.unwrap(), json!({"slug": "api-renamed"}));
    assert_eq!(paths(&sentry).await, [OLD, NEW]);
}

#[tokio::test]
async fn a_renamed_project_is_told_on_a_write() {
    let sentry =
        FakeSentry::start().await.mount(redirect(OLD, NEW)).await.put(NEW, json!({})).await;
    let (client, acme) = (client(&sentry), slug("acme"));
    let error = client.put(Route::project(&acme, "api")).body(&json!({})).done().await.unwrap_err();
    assert!(told(&error).contains("it is now called `api-renamed`"), "{error:?}");
    assert_eq!(paths(&sentry).await, [OLD]);
}

#[tokio::test]
async fn another_host_never_gets_the_token() {
    let other = FakeSentry::start().await.get(NEW, json!({})).await;
    for target in [
        format!("{}{NEW}", other.uri()),
        format!("//{}{NEW}", other.host()),
        format!("https://127.0.0.1:1{NEW}"),
        format!("http://user:secret@127.0.0.1:1{NEW}?token=secret"),
    ] {
        let sentry = FakeSentry::start().await.mount(redirect(OLD, &target)).await;
        let error = read(&client(&sentry)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Moved { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert_eq!(paths(&sentry).await, [OLD]);
    }
    assert_eq!(other.requests().await.len(), 0);
}

#[tokio::test]
async fn a_loop_ends_after_three_redirects() {
    let sentry = FakeSentry::start().await.mount(redirect(OLD, OLD)).await;
    let error = read(&client(&sentry)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Moved { .. }), "{error:?}");
    assert_eq!(paths(&sentry).await.len(), 4);
}

#[tokio::test]
async fn a_redirect_cannot_leave_the_fence() {
    let fence = Fence { organization: Some(slug("acme")), project: Some(slug("api")) };
    for target in [
        NEW,
        "/api/0/projects/other/api/",
        "/api/0/issues/7/",
        "/auth/login/",
        "/api/0/organizations/other/",
    ] {
        let sentry = FakeSentry::start()
            .await
            .mount(redirect(OLD, target))
            .await
            .get(target, json!({}))
            .await;
        let error = read(&client(&sentry).with_fence(fence.clone())).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Moved { .. }), "{error:?}");
        assert_eq!(paths(&sentry).await, [OLD]);
    }
    let inside = "/api/0/organizations/acme/";
    let sentry =
        FakeSentry::start().await.mount(redirect(OLD, inside)).await.get(inside, json!({})).await;
    assert!(read(&client(&sentry).with_fence(fence)).await.is_ok());
}

#[tokio::test]
async fn outside_of_the_fence_nothing_is_sent() {
    let fence = Fence { organization: Some(slug("acme")), project: Some(slug("web")) };
    let sentry = FakeSentry::start().await;
    let client = client(&sentry).with_fence(fence);
    let error = read(&client).await.unwrap_err();
    assert!(told(&error).contains("limited to the project `web`"), "{error:?}");
    let error = client.get_organization(&slug("other"), None).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OutsideFence { .. }), "{error:?}");
    assert_eq!(sentry.requests().await.len(), 0);
}

#[tokio::test]
async fn a_redirect_without_a_target_is_told() {
    let answer = Mock::given(method("GET")).respond_with(ResponseTemplate::new(302));
    let sentry = FakeSentry::start().await.mount(answer).await;
    let error = read(&client(&sentry)).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Moved { to_slug: None, location: None }),
        "{error:?}"
    );
}
