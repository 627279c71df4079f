//! A typed client for the parts of the Sentry web API that the tools use.
//! It knows no scopes, no tools, no MCP, and does not read the environment.
//!
//! One module per API resource. A module holds the resource's types, its query
//! parameters, and the `impl Client` block with its endpoints, so that a change upstream
//! is a change to one file here.

pub mod attachments;
pub mod auth;
pub mod client_keys;
mod decode;
pub mod discover;
pub mod docs;
pub mod drift;
pub mod enrichment;
mod error;
pub mod events;
mod external;
#[cfg(test)]
mod faults;
mod fence;
pub mod fields;
pub mod http;
mod ids;
pub mod issues;
mod links;
mod open_enum;
pub mod organizations;
mod page;
pub mod projects;
#[cfg(test)]
mod redirects;
mod regions;
pub mod releases;
pub mod repositories;
mod request;
mod route;
pub mod seer;
mod send;
mod site;
mod status;
pub mod teams;
#[cfg(test)]
mod testing;
mod token;
pub mod traces;
mod untrusted;

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OnceCell, Semaphore},
    time::Instant,
};
use url::Url;

pub use crate::{
    error::{ConnectReason, Error, ErrorKind, NotJson, Result},
    fence::Fence,
    ids::{EventId, EventRef, InvalidId, IssueId, ReleaseVersion, Slug, SlugOrId},
    page::{Cursor, Page},
    site::{Region, Site, SiteError},
    token::{TokenScopes, TokenSource},
    untrusted::Untrusted,
};
use crate::{
    route::Route,
    token::{Credential, Token},
};

/// Where Sentry is and how long and how much to take from it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where Sentry is.
    pub site: Site,
    /// Further certificate authorities in PEM form, added to the system's.
    pub ca_file: Option<PathBuf>,
    /// The longest wait for a connection. Default 5 s.
    pub connect_timeout: Duration,
    /// The longest wait of one attempt until its response headers. Default 10 s.
    pub first_byte_timeout: Duration,
    /// The longest time over all requests of one call. Default 45 s.
    pub call_timeout: Duration,
    /// The largest body in bytes, after decompression. Default 16 MiB.
    pub max_body: usize,
    /// The most requests at a time per credential. Default 8; 0 counts as 1.
    pub max_concurrent: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            site: Site::saas(),
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(45),
            max_body: 16 * 1024 * 1024,
            max_concurrent: 8,
        }
    }
}

/// A connection to one Sentry on behalf of one credential. Cheap to clone: the clones share
/// the connection pool, the limit of concurrent requests, and what was learnt about regions.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    account: Arc<Account>,
    fence: Arc<Fence>,
    deadline: Option<Deadline>,
}

/// What all credentials of a site share.
struct Transport {
    settings: Settings,
    http: OnceCell<reqwest::Client>,
    /// For this machine itself, which no proxy can reach for us.
    direct: OnceCell<reqwest::Client>,
}

/// What belongs to one credential.
struct Account {
    token: Token,
    permits: Semaphore,
    /// The same bound for hosts that are not Sentry.
    external_permits: Semaphore,
    /// Sentry answered 401 at least once.
    refused: AtomicBool,
}

impl Account {
    fn new(token: TokenSource, settings: &Settings) -> Account {
        let permits = settings.max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        Account {
            token: Token::new(token),
            permits: Semaphore::new(permits),
            external_permits: Semaphore::new(permits),
            refused: AtomicBool::new(false),
        }
    }
}

/// When a call must be over, and how long it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) limit: Duration,
}

impl Deadline {
    fn after(limit: Duration) -> Deadline {
        // A century stands for "never": `Instant` cannot hold every duration.
        let limit = limit.min(Duration::from_hours(876_600));
        Deadline { at: Instant::now() + limit, limit }
    }
}

impl Client {
    /// A client for one credential. No I/O: the HTTP client is built at the first request.
    pub fn new(settings: Settings, token: TokenSource) -> Client {
        let account = Arc::new(Account::new(token, &settings));
        Client {
            transport: Arc::new(Transport {
                settings,
                http: OnceCell::new(),
                direct: OnceCell::new(),
            }),
            account,
            fence: Arc::default(),
            deadline: None,
        }
    }

    /// A client for another credential at the same site: it shares the connection pool and
    /// the TLS roots, and has its own limit of concurrent requests and its own caches.
    /// The fence is kept, the deadline is not.
    #[must_use]
    pub fn with_token(&self, token: TokenSource) -> Client {
        Client {
            transport: Arc::clone(&self.transport),
            account: Arc::new(Account::new(token, &self.transport.settings)),
            fence: Arc::clone(&self.fence),
            deadline: None,
        }
    }

    /// The same client, limited to what the fence admits.
    #[must_use]
    pub fn with_fence(self, fence: Fence) -> Client {
        Client { fence: Arc::new(fence), ..self }
    }

    /// What this client is limited to.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Where Sentry is.
    pub fn site(&self) -> &Site {
        &self.transport.settings.site
    }

    /// The limits this client was made with.
    pub fn settings(&self) -> &Settings {
        &self.transport.settings
    }

    /// Whether Sentry has refused this credential with status 401 since the client was made.
    ///
    /// For whoever keeps credentials: this one has ended, or needs to be refreshed.
    pub fn was_refused(&self) -> bool {
        self.account.refused.load(Ordering::Relaxed)
    }

    /// The same client for one call: all its requests together must be over within
    /// [`Settings::call_timeout`] from now.
    #[must_use]
    pub fn for_call(&self) -> Client {
        self.for_call_within(self.transport.settings.call_timeout)
    }

    /// The same client for one call that must be over within `limit` from now.
    #[must_use]
    pub fn for_call_within(&self, limit: Duration) -> Client {
        Client { deadline: Some(Deadline::after(limit)), ..self.clone() }
    }

    /// For a side request of a call: the deadline is this client's own, or `limit` from now
    /// if that is earlier.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Client {
        let mine = Deadline::after(limit);
        let deadline = self.deadline.filter(|own| own.at <= mine.at).unwrap_or(mine);
        Client { deadline: Some(deadline), ..self.clone() }
    }

    fn deadline(&self) -> Deadline {
        self.deadline.unwrap_or_else(|| Deadline::after(self.transport.settings.call_timeout))
    }

    fn credential(&self) -> Result<Arc<Credential>, ErrorKind> {
        self.account.token.credential()
    }

    fn known_credential(&self) -> Option<Arc<Credential>> {
        self.account.token.known()
    }

    async fn http(&self, url: &Url) -> Result<&reqwest::Client, ErrorKind> {
        let Transport { settings, http, direct } = &*self.transport;
        let client = if http::is_loopback(url) {
            direct.get_or_try_init(|| async { http::build_direct_client(settings) }).await
        } else {
            http.get_or_try_init(|| async { http::build_client(settings) }).await
        };
        client.map_err(|error| ErrorKind::Setup { reason: error.to_string() })
    }

    /// The error of a request that was not sent.
    fn error(&self, method: &str, route: &Route<'_>, kind: ErrorKind) -> Error {
        Error::new(format!("{method} {}", route.path()), self.site().main().host(), kind)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.transport.settings)
            .field("token", self.account.token.source())
            .field("fence", &self.fence)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
