//! Whether everybody can read and use the dialog: small screens, dark mode, contrast, labels.

use serde_json::json;

use crate::{
    chrome::Chrome,
    client::{Client, Demo},
};

/// The narrowest screen that WCAG 2.2 reflow (1.4.10) asks for, in CSS pixels.
const NARROW: u32 = 320;

/// Texts with less contrast than WCAG 2.2 AA (1.4.3) asks for, each with its ratio.
const FAINT: &str = r"
const channels = color => color.match(/[\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b]
  .map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const over = (top, below) => {
  const alpha = top[3] ?? 1;
  return [0, 1, 2].map(i => top[i] * alpha + below[i] * (1 - alpha));
};
const background = element => {
  if (!element) return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  return over(channels(getComputedStyle(element).backgroundColor), background(element.parentElement));
};
const faint = [];
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest('[aria-hidden=true]')) continue;
  const style = getComputedStyle(element);
  const below = background(element);
  const [a, b] = [luminance(over(channels(style.color), below)), luminance(below)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 60)}`);
}
return faint;";

/// Controls without a label, and ids that are not unique.
const NAMELESS: &str = r"
const controls = [...document.querySelectorAll('input:not([type=hidden]), button, summary')];
const nameless = controls.filter(c => !(c.labels?.length || c.textContent.trim()));
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
const described = [...document.querySelectorAll('[aria-describedby], [aria-labelledby]')]
  .flatMap(e => [e.getAttribute('aria-describedby'), e.getAttribute('aria-labelledby')])
  .filter(id => id && !document.getElementById(id));
return [...nameless.map(c => c.outerHTML), ...ids.filter((id, i) => ids.indexOf(id) !== i), ...described];";

#[tokio::test]
async fn everything_is_readable_on_a_phone_and_on_a_desk_in_light_and_dark() {
    let demo = Demo::start().await;
    let client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    for (width, height) in [(NARROW, 640), (1280, 900)] {
        chrome.set_screen(width, height).await;
        for scheme in ["light", "dark"] {
            chrome.prefer(scheme).await;
            let fenced = format!("{}/mcp/aurora-labs/checkout-api", demo.server);
            let asked = [("scope", "event:write member:admin"), ("resource", &fenced)];
            chrome.goto(client.authorize_url(&asked)).await.expect("a page");
            chrome.evaluate("document.querySelector('details').open = true").await;
            let name = format!("dialog-{width}-{scheme}");
            chrome.screenshot(&name).await;
            let wide = chrome.evaluate("return document.documentElement.scrollWidth").await;
            assert!(wide.as_u64().is_some_and(|wide| wide <= width.into()), "{name}: {wide} wide");
            assert_eq!(chrome.evaluate(FAINT).await, json!([]), "{name}");
            assert_eq!(chrome.evaluate(NAMELESS).await, json!([]), "{name}");
        }
    }
    let text = chrome.text("main").await;
    assert!(text.contains("aurora-labs") && text.contains("checkout-api"), "the fence is shown");
    chrome.quit().await;
}

#[tokio::test]
async fn the_boxes_and_buttons_are_large_enough_for_a_thumb() {
    let demo = Demo::start().await;
    let client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    chrome.set_screen(NARROW, 640).await;
    chrome.goto(client.authorize_url(&[])).await.expect("a page");
    chrome.evaluate("document.querySelector('details').open = true").await;
    // Twice the 24 CSS pixels of WCAG 2.2 AA (2.5.8) for what is pressed most; the whole card of a
    // level toggles it.
    let small = r"
        const size = t => t.getBoundingClientRect();
        const small = (selector, least) => [...document.querySelectorAll(selector)]
            .filter(t => Math.min(size(t).height, size(t).width) < least).map(t => t.textContent);
        return [...small('button, summary, .choice', 44), ...small('.single label', 24)];";
    assert_eq!(chrome.evaluate(small).await, json!([]));
    let corner = r"
        const card = document.querySelector('#level-issue-triage').closest('.choice');
        card.scrollIntoView();
        const { right, bottom } = card.getBoundingClientRect();
        document.elementFromPoint(right - 8, bottom - 8).click();
        return document.querySelector('#level-issue-triage').checked;";
    assert_eq!(chrome.evaluate(corner).await, json!(true));
    chrome.quit().await;
}

#[tokio::test]
async fn the_list_for_sentry_follows_the_boxes() {
    let demo = Demo::start().await;
    let client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    chrome.goto(client.authorize_url(&[])).await.expect("a page");
    assert!(!chrome.text(".upstream").await.contains("event:write"));
    chrome.click("label[for=level-issue-triage]").await;
    assert!(chrome.text(".upstream").await.contains("event:write"));
    assert!(!chrome.text(".upstream").await.contains("project:write"));
    chrome.quit().await;
}

#[tokio::test]
async fn an_error_page_says_what_to_do() {
    let demo = Demo::start().await;
    let client = Client::register(&demo).await;
    let chrome = Chrome::start().await;
    for scheme in ["light", "dark"] {
        chrome.prefer(scheme).await;
        let url = client.authorize_url(&[]).replace("callback", "elsewhere");
        chrome.goto(url).await.expect("a page");
        assert!(chrome.text("main").await.contains("What to do"));
        assert_eq!(chrome.evaluate(FAINT).await, json!([]), "{scheme}");
        chrome.screenshot(&format!("problem-{scheme}")).await;
    }
    chrome.quit().await;
}
