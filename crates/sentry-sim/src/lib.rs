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
//!
//! More are made by signing in: `GET /oauth/authorize/` of the main host shows a form (fields
//! `user`, 1 or 2, and `op`, `approve` or `deny`), `POST /oauth/token/` exchanges codes and refresh
//! tokens, and the API honors the scopes that were asked. [`OAUTH_CLIENT_ID`] is the one client; any
//! loopback redirect is accepted. See [`Simulation::approve_oauth_as`] and what follows it, and
//! [`FaultKind::oauth_error`].
//!
//! # Traces
//!
//! [`TRACE`], [`FAILING_TRACE`], [`BIG_TRACE`], [`HUGE_TRACE`], [`STUBBORN_TRACE`] and
//! [`DEEP_TRACE`]; the computed ones are made when somebody asks for them. Beside them every event
//! that names a trace has a small one: its own span, three more, and those of its `spans` entry.
//! Without `limit` at most 10,000 spans are sent. An unknown trace, or one of another organization,
//! is an empty list with counts of zero. Attributes are sent whether or not
//! `additional_attributes` asks for them; if it does, only those.
//!
//! # Event search
//!
//! `events/` knows the data sets `errors`, `discover`, `spans`, `ourlogs` (`logs`), `tracemetrics`
//! and `profiles`: the stored events, the spans of the written traces, and computed rows of the
//! last 13 days. Parentheses in a query group nothing, and equations are refused. The body of
//! `events/validate/` has the parts `projects`, `dataset`, `environment`, `fields`, `query` (with
//! `fields`), `orderby` and `timerange`, each with `valid` and `error`, and `valid` for all; it is
//! 400 if that is false. An unknown field is invalid there and null in `events/`.
//!
//! # Seer
//!
//! | issue | run |
//! |---|---|
//! | `CHECKOUT-API-1` | `completed`, artifacts in `blocks`, a pull request |
//! | `CHECKOUT-API-2` | `COMPLETED`, the older `steps` |
//! | `CHECKOUT-API-3` | `processing`, complete after [`SEER_POLLS`] looks |
//! | `CHECKOUT-API-4` | `awaiting_user_input` |
//! | `CHECKOUT-API-5` | `error` |
//! | `CHECKOUT-API-6` | `defragmenting`, a status that nobody knows |
//! | `STOREFRONT-1` | `processing` for ever |
//! | others | none; `POST` starts one like that of `CHECKOUT-API-3` |
//!
//! `harbor-works` has no AI features: `POST` is 403 there, with a reason.
//!
//! # Event types
//!
//! The constants ending in `_ISSUE` name issues with the rarer events. The other performance
//! problems are `CHECKOUT-API-J` (consecutive queries), `STOREFRONT-A` (render-blocking asset),
//! `PRICING-ENGINE-6` (file access on the main thread), `STOREFRONT-B` (large payload),
//! `STOREFRONT-C` (uncompressed asset), `ORDER-SERVICE-7` (queries on the main thread) and
//! `STOREFRONT-D` (HTTP/1.1 overhead). `CHECKOUT-API-A` is an endpoint regression,
//! `CHECKOUT-API-B` a cron failure, `CHECKOUT-API-C` a downtime, `STOREFRONT-4` a CSP report,
//! `STOREFRONT-5` a feedback, `CHECKOUT-API-8` an event of nulls, `CHECKOUT-API-7` a message of
//! 60 KiB.

mod auth;
mod data;
mod faults;
mod oauth;
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
    oauth::{OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, OAuthUser},
    recorder::RecordedRequest,
};

/// The slug of the organization on the main host.
pub const ORGANIZATION: &str = "aurora-labs";

/// The slug of the organization on the region host.
pub const REGION_ORGANIZATION: &str = "harbor-works";

/// The trace of the newest event of `CHECKOUT-API-1`: 41 spans of three projects, one error.
pub const TRACE: &str = "6318a51b5461086035db960734e3d7ad";

/// The trace of the newest event of `GATEWAY-1`: it fails in two projects, has three errors (one
/// without a span), spans without operation or description, and counts with the older names.
pub const FAILING_TRACE: &str = "119b331db84064f3fee9774d07905624";

/// A computed trace of 5,000 spans.
pub const BIG_TRACE: &str = "1a617d4d2dae57b94b45a4e2933d51fd";

/// A computed trace of 50,000 spans, of which at most 10,000 are sent.
pub const HUGE_TRACE: &str = "a325f81c9b1bf432e2231fcbb6df0a33";

/// A trace of 50,000 spans that are all sent whatever `limit` is.
pub const STUBBORN_TRACE: &str = "7c6cd6300faa9a6fb19d387422fea09d";

/// A trace of 200 spans, each inside the one before: deeper than many JSON decoders go.
pub const DEEP_TRACE: &str = "aa7fac7d57d63092357d6afe0de62fa8";

/// An event of every issue with a stack: its newest one, with a stack of 6,000 frames. No list
/// has it.
pub const RECURSIVE_EVENT: &str = "5eb0c1f2a9d34e6688f7d0c2b1a3e4f5";

/// The trace of the issue [`AI_ISSUE`], with the conversation `conv-support-4100`.
pub const AI_TRACE: &str = "ce4d5bf642ee92263aa839969523237f";

/// The newest event of `CHECKOUT-API-1`, in `checkout-api`: the one event with attachments. They
/// are 7001 (text), 7002 (PNG), 7003 (minidump), 7004 (empty), 7005 (9 MiB), 7006 (wrong SHA-1),
/// 7007 (said to have 2 KiB, has 9 MiB) and 7008 (a name with a path in it).
pub const EVENT_WITH_ATTACHMENTS: &str = "9a36d282dc0384c1ba130b2e31a93888";

/// A replay that belongs to [`REPLAY_ISSUE`].
pub const REPLAY: &str = "9c6e45e35a99811485def966fc1554b9";

/// How often a run of Seer is looked at before it is complete: the next look finds it so.
pub const SEER_POLLS: u32 = 3;

/// A performance issue: 24 repeated queries, numbers as text, all spans in the event.
pub const N_PLUS_ONE_DB_ISSUE: &str = "CHECKOUT-API-G";

/// A performance issue: 12 repeated requests.
pub const N_PLUS_ONE_API_ISSUE: &str = "STOREFRONT-9";

/// A performance issue: one slow query.
pub const SLOW_DB_ISSUE: &str = "CHECKOUT-API-H";

/// A performance issue: three requests in a row.
pub const CONSECUTIVE_HTTP_ISSUE: &str = "GATEWAY-6";

/// A function that became slower; `CHECKOUT-API-A` is the same of an endpoint.
pub const FUNCTION_REGRESSION_ISSUE: &str = "PRICING-ENGINE-7";

/// A metric alert (occurrence type 8001) with a number as value.
pub const METRIC_ALERT_ISSUE: &str = "CHECKOUT-API-K";

/// A metric alert whose value is an object and whose condition type is a number.
pub const METRIC_ALERT_OBJECT_ISSUE: &str = "CHECKOUT-API-M";

/// An event with 13 threads, of which one crashed, and no exception.
pub const THREADS_ISSUE: &str = "ORDER-SERVICE-8";

/// Events with a replay in contexts and tags; seven replays belong to it.
pub const REPLAY_ISSUE: &str = "STOREFRONT-E";

/// An event of an AI agent; its trace is [`AI_TRACE`].
pub const AI_ISSUE: &str = "CHECKOUT-API-N";

/// An event of the type `mystery` with an unknown entry.
pub const UNKNOWN_EVENT_TYPE_ISSUE: &str = "GATEWAY-7";

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
