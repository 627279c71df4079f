//! A simulated Sentry on loopback: believable data, scopes enforced, faults on request.
//!
//! It does not store anything, does not verify what a real Sentry would charge for, and does not
//! simulate ingestion: the data set is fixed, and writes live as long as the [`Simulation`].
//!
//! # The data set
//!
//! All dates count back from [`BASE_INSTANT`]; two simulations answer alike, except for their ports.
//!
//! | organization | lives on | projects |
//! |---|---|---|
//! | `aurora-labs` (id 101) | [`Simulation::host`] | `checkout-api` (Python), `storefront` (JavaScript), `pricing-engine` (Rust), `order-service` (Java), `gateway` (Go) |
//! | `harbor-works` (id 102) | [`Simulation::region_host`] | `back-office` (Ruby) |
//!
//! Teams: `payments`, `web-platform`, `pricing`, `platform` in the first, `operations` in the second.
//! `gateway` has no releases. Issues have short ids such as `CHECKOUT-API-1`.
//!
//! # The hosts
//!
//! `GET /api/0/users/me/regions/` names both API hosts; each lists the organizations that live there.
//! The main host also answers for an organization of the region, as Sentry's own proxy does; the
//! region host answers 404 for an organization that lives elsewhere. The documentation has a third
//! listener: see [`Simulation::docs_url`].
//!
//! # Tokens
//!
//! See [`tokens`]. Scopes are enforced per endpoint as in Sentry's published API description, and
//! 403 has the same body whatever the reason.

mod auth;
mod data;
mod faults;
mod paging;
mod recorder;
mod routes;
mod search;
mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use crate::{
    auth::tokens,
    data::BASE_INSTANT,
    faults::{Fault, FaultKind},
    recorder::RecordedRequest,
};

/// The slug of the organization on the main host.
pub const ORGANIZATION: &str = "aurora-labs";

/// The slug of the organization on the region host.
pub const REGION_ORGANIZATION: &str = "harbor-works";

/// A running simulated Sentry. Its servers stop when it is dropped.
#[derive(Debug)]
pub struct Simulation {
    shared: Arc<server::Shared>,
    servers: server::Servers,
}

impl Simulation {
    /// Binds three free loopback ports (API, region, documentation) and serves them on the current
    /// tokio runtime.
    pub async fn start() -> std::io::Result<Self> {
        let (shared, servers) = server::start().await?;
        Ok(Self { shared, servers })
    }

    /// The main API host with its scheme, without a trailing slash: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.servers.main)
    }

    /// The main API host: `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.servers.main.to_string()
    }

    /// The API host of the region where `harbor-works` lives: `127.0.0.1:PORT`.
    pub fn region_host(&self) -> String {
        self.servers.region.to_string()
    }

    /// [`Self::region_host`] with its scheme, as in `links.regionUrl`.
    pub fn region_url(&self) -> String {
        format!("http://{}", self.servers.region)
    }

    /// Base of the documentation search: `POST {docs_url}/api/search` with
    /// `{"query", "maxResults", "guide"}`.
    pub fn docs_url(&self) -> String {
        format!("http://{}", self.servers.docs)
    }

    /// Base of the documentation pages: `GET {docs_base_url}/platforms/python.md`. The path
    /// `/platforms/moved.md` answers HTML; an unknown one 404.
    pub fn docs_base_url(&self) -> String {
        self.docs_url()
    }

    /// Makes matching requests fail from now on, on every host. The first matching fault in order
    /// of injection wins.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.inject(fault);
    }

    /// Ends all faults. Requests that already hang stay hanging.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// The requests received so far, oldest first; at most the last 4096.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.recorder.requests()
    }

    /// Forgets the requests received so far.
    pub fn reset_requests(&self) {
        self.shared.recorder.reset();
    }
}
