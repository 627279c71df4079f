//! What a deployment offers besides Sentry's API, and the limits it sets. It fetches nothing.

use sentry_client::docs::DocsService;

use crate::answer;

/// What this deployment offers, and how much it says at a time.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Where the documentation is searched and read; `None` where it is switched off.
    pub docs: Option<DocsService>,
    /// The budget of an answer in tokens, where a call does not choose its own.
    pub max_tokens: usize,
    /// The largest attachment that is downloaded, in bytes.
    pub max_attachment: usize,
}

impl Default for Installation {
    fn default() -> Installation {
        Installation {
            docs: None,
            max_tokens: answer::DEFAULT_BUDGET,
            max_attachment: 8 * 1024 * 1024,
        }
    }
}
