//! What a deployment offers besides Sentry's API. It holds addresses, and fetches nothing.

use sentry_client::docs::DocsService;

/// What this deployment offers.
#[derive(Clone, Debug, Default)]
pub struct Installation {
    /// Where the documentation is searched and read; `None` where it is switched off.
    pub docs: Option<DocsService>,
}
