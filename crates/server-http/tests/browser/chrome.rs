//! Starts chromedriver and Chromium, with a profile of its own that disappears with it.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Nothing in these tests may take longer; what hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A browser window.
pub(crate) struct Chrome {
    driver: WebDriver,
    /// Killed when the test ends.
    _chromedriver: Child,
}

impl std::ops::Deref for Chrome {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}

impl Chrome {
    /// A browser as most people have it.
    pub(crate) async fn start() -> Chrome {
        Chrome::with_preferences(json!({})).await
    }

    /// One that runs no script of any page.
    pub(crate) async fn without_scripts() -> Chrome {
        let block = json!({ "profile.managed_default_content_settings.javascript": 2 });
        Chrome::with_preferences(block).await
    }

    async fn with_preferences(preferences: Value) -> Chrome {
        let (chromedriver, port) = chromedriver().await;
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ] {
            capabilities.add_arg(argument).expect("a well-formed argument");
        }
        capabilities.add_experimental_option("prefs", preferences).expect("well-formed");
        let url = format!("http://127.0.0.1:{port}");
        let driver = timeout(PATIENCE, WebDriver::new(url, capabilities));
        let driver = driver.await.expect("in time").expect("Chromium starts");
        Chrome { driver, _chromedriver: chromedriver }
    }

    /// Ends the session.
    pub(crate) async fn quit(self) {
        self.driver.clone().quit().await.expect("the session ends");
    }

    /// Writes the whole page, however long, to `target/screenshots/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) {
        let options = json!({ "captureBeyondViewport": true });
        let answer = self.cdp().send_raw("Page.captureScreenshot", options).await.expect("a page");
        let data = answer["data"].as_str().expect("an image");
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).expect("the target folder is writable");
        let image = STANDARD.decode(data).expect("base64");
        std::fs::write(folder.join(format!("{name}.png")), image).expect("writable");
    }

    /// The size of the screen in CSS pixels, as on a phone.
    pub(crate) async fn set_screen(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.emulate("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What the person prefers: `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.emulate("Emulation.setEmulatedMedia", media).await;
    }

    async fn emulate(&self, method: &str, parameters: Value) {
        self.cdp().send_raw(method, parameters).await.expect("Chromium can emulate it");
    }

    /// What a function body returns in the page.
    pub(crate) async fn evaluate(&self, body: &str) -> Value {
        self.execute(body, Vec::new()).await.expect("the script runs").json().clone()
    }

    /// Presses a key where the focus is.
    pub(crate) async fn press(&self, key: Key) {
        self.action_chain().send_keys(key + "").perform().await.expect("a key");
    }

    /// Presses Tab until an element that matches has the focus; it must show that it has.
    pub(crate) async fn tab_to(&self, selector: &str) {
        for _ in 0..60 {
            self.press(Key::Tab).await;
            let focused = self.active_element().await.expect("a focus");
            let here = format!("return document.activeElement.matches({selector:?})");
            if self.evaluate(&here).await == json!(true) {
                let outline = focused.css_value("outline-style").await.expect("a style");
                assert_ne!(outline, "none", "{selector} does not show its focus");
                return;
            }
        }
        panic!("Tab does not lead to {selector}");
    }

    /// Clicks the element that matches.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(By::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("no {selector}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("cannot click {selector}: {error}"));
    }

    /// The text of the element that matches.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let element = self.find(By::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("no {selector}: {error}"));
        element.text().await.expect("text")
    }

    /// Waits until the address starts with this.
    pub(crate) async fn arrive(&self, start: &str) {
        let begin = Instant::now();
        loop {
            let url = self.current_url().await.expect("an address");
            if url.as_str().starts_with(start) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "still at {url}, not at {start}");
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Chrome {
    /// After a failure nobody can ask for an end, and Chromium would outlive the test.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let capabilities = serde_json::to_value(self.driver.capabilities()).unwrap_or_default();
        if let Some(process) = capabilities["goog:processID"].as_u64() {
            let _gone = std::process::Command::new("kill").arg(process.to_string()).status();
        }
        let _ended = self.driver.clone().leak();
    }
}

/// chromedriver on a port that it chose.
async fn chromedriver() -> (Child, u16) {
    let child = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child =
        child.expect("chromedriver is installed (Debian: chromium and chromium-driver)");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let port = timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.expect("text") {
            // `ChromeDriver was started successfully on port 41235.`
            if let Some((_, port)) = line.split_once("successfully on port ") {
                return port.trim_end_matches('.').parse().expect("a port");
            }
        }
        panic!("chromedriver ended without a port");
    });
    let port = port.await.expect("in time");
    // It must be able to write on.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, port)
}
