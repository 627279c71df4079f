//! From the registration of a client to its last call, with a person in between.

use reqwest::StatusCode;
use thirtyfour::prelude::*;

use crate::{
    chrome::Chrome,
    client::{Client, Demo, NAME, tool_names, value},
};

#[tokio::test]
async fn a_person_allows_triage_and_takes_it_back() {
    let demo = Demo::start().await;
    let mut client = Client::register(&demo).await;
    let refused = client.list_tools(None).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.headers().contains_key("www-authenticate"));

    let chrome = Chrome::start().await;
    chrome.goto(client.authorize_url(&[])).await.expect("a page");
    assert!(chrome.text("h1").await.contains(NAME));
    assert!(chrome.text("main").await.contains("127.0.0.1"), "the redirect's host is shown");
    let base = chrome.find(By::Id("base")).await.expect("the base level");
    assert!(base.is_selected().await.expect("a box") && !base.is_enabled().await.expect("a box"));
    chrome.screenshot("dialog").await;
    chrome.click("label[for=level-issue-triage]").await;
    chrome.screenshot("dialog-triage").await;
    chrome.click("button[value=approve]").await;

    chrome.arrive(&demo.sentry).await;
    let asked = chrome.text("ul").await;
    assert!(asked.contains("event:write") && !asked.contains("project:write"), "{asked}");
    chrome.screenshot("sentry").await;
    chrome.click("button[value=approve]").await;
    chrome.arrive(&client.redirect).await;
    chrome.quit().await;

    let code = value(&client.arrival().await, "code").to_owned();
    let token = client.token(&code).await;
    let scope = token["scope"].as_str().expect("a scope");
    assert!(scope.split(' ').any(|scope| scope == "event:write"), "{scope}");
    let access = token["access_token"].as_str().expect("a token");
    let tools = tool_names(client.list_tools(Some(access)).await).await;
    assert!(tools.iter().any(|tool| tool == "update_issue"), "{tools:?}");
    assert!(!tools.iter().any(|tool| tool == "create_project"), "{tools:?}");

    client.revoke(access).await;
    assert_eq!(client.list_tools(Some(access)).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_keyboard_alone_is_enough() {
    let demo = Demo::start().await;
    let mut client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    chrome.goto(client.authorize_url(&[])).await.expect("a page");
    chrome.tab_to("#level-project-management").await;
    chrome.press(Key::Space).await;
    chrome.screenshot("dialog-focus").await;
    chrome.tab_to("summary").await;
    chrome.press(Key::Enter).await;
    chrome.tab_to("input[value='member:read']").await;
    chrome.press(Key::Space).await;
    chrome.screenshot("dialog-advanced").await;
    chrome.tab_to("button[value=approve]").await;
    chrome.press(Key::Enter).await;
    chrome.arrive(&demo.sentry).await;
    chrome.tab_to("button[value=approve]").await;
    chrome.press(Key::Enter).await;
    chrome.arrive(&client.redirect).await;
    chrome.quit().await;

    let code = value(&client.arrival().await, "code").to_owned();
    let token = client.token(&code).await;
    let mut scopes: Vec<&str> = token["scope"].as_str().expect("a scope").split(' ').collect();
    scopes.retain(|scope| !["event:read", "org:read", "project:read", "team:read"].contains(scope));
    scopes.sort_unstable();
    assert_eq!(scopes, ["member:read", "project:write", "team:write"]);
}

#[tokio::test]
async fn no_script_is_needed() {
    let demo = Demo::start().await;
    let mut client = Client::register(&demo).await;
    let chrome = Chrome::without_scripts().await;
    chrome.goto(client.authorize_url(&[("scope", "event:write")])).await.expect("a page");
    let triage = chrome.find(By::Id("level-issue-triage")).await.expect("a level");
    assert!(triage.is_selected().await.expect("a box"), "what was asked for is ticked");
    chrome.screenshot("dialog-no-script").await;
    chrome.click("button[value=approve]").await;
    chrome.arrive(&demo.sentry).await;
    chrome.click("button[value=approve]").await;
    chrome.arrive(&client.redirect).await;
    chrome.quit().await;
    let code = value(&client.arrival().await, "code").to_owned();
    let token = client.token(&code).await;
    assert!(token["scope"].as_str().expect("a scope").contains("event:write"));
}

#[tokio::test]
async fn denying_is_one_click_here_and_at_sentry() {
    let demo = Demo::start().await;
    let mut client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    chrome.goto(client.authorize_url(&[])).await.expect("a page");
    chrome.click("button[value=deny]").await;
    chrome.arrive(&client.redirect).await;
    assert_eq!(value(&client.arrival().await, "error"), "access_denied");

    chrome.goto(client.authorize_url(&[])).await.expect("a page");
    chrome.click("button[value=approve]").await;
    chrome.arrive(&demo.sentry).await;
    chrome.click("button[value=deny]").await;
    chrome.arrive(&client.redirect).await;
    assert_eq!(value(&client.arrival().await, "error"), "access_denied");
    chrome.quit().await;
}

#[tokio::test]
async fn the_last_choice_is_ticked_again_but_never_approved_by_itself() {
    let demo = Demo::start().await;
    let mut client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    for first in [true, false] {
        chrome.goto(client.authorize_url(&[])).await.expect("a page");
        let triage = chrome.find(By::Id("level-issue-triage")).await.expect("a level");
        assert_ne!(triage.is_selected().await.expect("a box"), first);
        if first {
            triage.click().await.expect("a box");
        }
        chrome.click("button[value=approve]").await;
        chrome.arrive(&demo.sentry).await;
        chrome.click("button[value=approve]").await;
        chrome.arrive(&client.redirect).await;
        assert!(!value(&client.arrival().await, "code").is_empty());
    }
    let other = Client::named(&demo, "Other Agent").await;
    chrome.goto(other.authorize_url(&[])).await.expect("a page");
    let triage = chrome.find(By::Id("level-issue-triage")).await.expect("a level");
    assert!(!triage.is_selected().await.expect("a box"), "another client's choice is its own");
    chrome.quit().await;
}
