//! The approval dialog in a real browser: Chromium, which chromedriver drives, against the demo.
//!
//! What the server answers to clients that misbehave is tested without a browser, in `e2e`.
//! Screenshots are written to `target/screenshots`.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod appearance;
mod approval;
mod chrome;
mod client;
mod hostile;
