//! Pages and clients that mean harm, as far as only a browser can tell.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::{
    chrome::Chrome,
    client::{Client, Demo},
};

#[tokio::test]
async fn markup_in_a_name_is_text() {
    let demo = Demo::start().await;
    let name = "<img src=x onerror=document.title='taken'><b id=bold>Agent</b>";
    let client = Client::named(&demo, name).await;
    let chrome = Chrome::start().await;
    chrome.goto(client.authorize_url(&[])).await.expect("a page");
    chrome.screenshot("dialog-markup-in-name").await;
    assert!(chrome.text("h1").await.contains("<b id=bold>"));
    assert!(chrome.find(By::Id("bold")).await.is_err());
    assert_ne!(chrome.title().await.expect("a title"), "taken");
    assert_eq!(chrome.evaluate("return document.scripts.length").await, json!(0));
    chrome.quit().await;
}

#[tokio::test]
async fn the_dialog_shows_itself_in_no_frame() {
    let demo = Demo::start().await;
    let client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    let dialog = client.authorize_url(&[]);
    let (_, query) = dialog.split_once('?').expect("a query");
    let framing = client.redirect.replace("callback", "frame");
    chrome.goto(format!("{framing}?{query}")).await.expect("a page");
    chrome.enter_frame(0).await.expect("a frame");
    assert!(chrome.find(By::Tag("form")).await.is_err(), "the dialog can be clickjacked");
    chrome.quit().await;
}

#[tokio::test]
async fn a_second_browser_cannot_finish_what_the_first_began() {
    let demo = Demo::start().await;
    let client = Client::register(&demo).await;
    let (first, second) = (Chrome::start().await, Chrome::start().await);
    first.goto(client.authorize_url(&[])).await.expect("a page");
    first.click("button[value=approve]").await;
    first.arrive(&demo.sentry).await;
    let at_sentry = first.current_url().await.expect("an address");
    first.quit().await;
    second.goto(at_sentry.as_str()).await.expect("a page");
    second.click("button[value=approve]").await;
    second.arrive(&format!("{}/oauth/callback", demo.server)).await;
    second.screenshot("problem-other-browser").await;
    assert!(second.text("main").await.contains("Nothing was granted"));
    second.quit().await;
}
