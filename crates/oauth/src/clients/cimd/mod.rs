//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document, as the MCP
//! authorization specification 2026-07-28 wants them): fetching, checking, remembering.
//!
//! Which addresses may be asked is decided in `egress`. No document grants anything.

mod document;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Response, StatusCode,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE},
};
use sentry_client::http::{Reach, build_strangers_client};
use tokio::sync::{OnceCell, Semaphore};
use tracing::info;
use url::Url;

pub use self::document::DocumentFlaw;
use self::document::parse_id;
pub(super) use self::document::unfetched;
use super::{AllowedSchemes, Client, ClientError, egress::PublicOnly, freshness::lifetime};
use crate::{
    config::HttpSetup,
    limits::{AddressKey, FETCH, Limiter, TooMany},
    store::{Clock, MINUTE, Millis},
};

/// The draft's section "Maximum Response Size for Client Metadata Documents" recommends 5 KB.
const MAX_BYTES: usize = 5 * 1024;
/// For name lookup, connection, TLS and body together.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a failure is remembered. The draft forbids to *cache* errors like documents; this is
/// the minute in which a stranger cannot make this server ask the same host again and again.
const FAILURE: Millis = MINUTE;
/// Documents and failures that are remembered; some 2 KB each.
const REMEMBERED: usize = 1_000;
/// Fetches under way at the same time.
const CONCURRENT: usize = 16;

/// Why a document could not be had; for the log only, because it tells about the inside.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("it took longer than {LIMIT:?}")]
    Slow,
    #[error("the connection went to an address that is not public")]
    Closed,
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Document(#[from] DocumentFlaw),
}

struct Entry {
    outcome: Result<Client, ClientError>,
    until: Millis,
}

/// One client id. Whoever comes first fetches, all others wait for that; if the first one goes
/// away, the next one takes over.
#[derive(Default)]
struct Cell {
    entry: OnceCell<Entry>,
    used: AtomicI64,
}

impl Cell {
    fn is_stale(&self, now: Millis) -> bool {
        self.entry.get().is_some_and(|entry| entry.until <= now)
    }
}

/// The metadata documents of clients, fetched when needed and remembered for a while.
pub(crate) struct Documents {
    http: reqwest::Client,
    /// `None` behind a proxy, which knows the addresses instead.
    gate: Option<PublicOnly>,
    limit: Duration,
    schemes: AllowedSchemes,
    clock: Arc<dyn Clock>,
    cells: Mutex<HashMap<String, Arc<Cell>>>,
    fetches: Limiter,
    under_way: Semaphore,
}

impl Documents {
    /// Fetches directly from the public internet, or through a proxy that enforces egress.
    pub(crate) fn new(
        proxy: Option<&Url>,
        schemes: AllowedSchemes,
        clock: Arc<dyn Clock>,
    ) -> Result<Documents, HttpSetup> {
        let gate = proxy.is_none().then(PublicOnly::new);
        let reach = match (proxy, &gate) {
            (Some(proxy), _) => Reach::Proxy(proxy.clone()),
            (None, Some(gate)) => Reach::Direct(Arc::new(gate.clone())),
            (None, None) => Reach::Direct(Arc::new(PublicOnly::new())),
        };
        Documents::over(reach, gate, LIMIT, Vec::new(), schemes, clock)
    }

    fn over(
        reach: Reach,
        gate: Option<PublicOnly>,
        limit: Duration,
        roots: Vec<reqwest::Certificate>,
        schemes: AllowedSchemes,
        clock: Arc<dyn Clock>,
    ) -> Result<Documents, HttpSetup> {
        let http = build_strangers_client(reach, limit, roots)
            .map_err(|error| HttpSetup(error.to_string()))?;
        Ok(Documents {
            http,
            gate,
            limit,
            schemes,
            clock,
            cells: Mutex::default(),
            fetches: Limiter::new(FETCH),
            under_way: Semaphore::new(CONCURRENT),
        })
    }

    /// The client whose id is this URL.
    pub(crate) async fn find(&self, id: &str, from: AddressKey) -> Result<Client, ClientError> {
        let url = parse_id(id).ok_or(ClientError::BadId)?;
        let now = self.clock.now();
        let cell = self.cell(id, now);
        cell.used.store(now, Ordering::Relaxed);
        // The limits are inside, so that each fetch counts and a remembered document costs
        // nothing. A refusal is nobody's fault at the other end: it is not remembered.
        let entry = cell
            .entry
            .get_or_try_init(|| async {
                self.fetches.check(&from)?;
                let place = tokio::time::timeout(self.limit, self.under_way.acquire()).await;
                let _place = place.ok().and_then(Result::ok).ok_or(TooMany::for_now())?;
                Ok::<Entry, ClientError>(self.entry(url, id).await)
            })
            .await?;
        entry.outcome.clone()
    }

    fn cell(&self, id: &str, now: Millis) -> Arc<Cell> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(id).filter(|cell| !cell.is_stale(now)) {
            return Arc::clone(cell);
        }
        if cells.len() >= REMEMBERED {
            cells.retain(|_, cell| !cell.is_stale(now));
        }
        if cells.len() >= REMEMBERED {
            let oldest = cells.iter().min_by_key(|(_, cell)| cell.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                cells.remove(&oldest);
            }
        }
        let cell = Arc::new(Cell::default());
        cells.insert(id.to_owned(), Arc::clone(&cell));
        cell
    }

    async fn entry(&self, url: Url, id: &str) -> Entry {
        let fetched = tokio::time::timeout(self.limit, self.fetch(url, id)).await;
        let fetched = fetched.unwrap_or(Err(FetchError::Slow));
        let now = self.clock.now();
        match fetched {
            Ok((client, lifetime)) => Entry { outcome: Ok(client), until: now + lifetime },
            Err(error) => {
                let reason = &error as &dyn std::error::Error;
                info!(client_id = id, reason, "a client's metadata document cannot be used");
                let outcome = Err(match error {
                    FetchError::Document(flaw) => ClientError::Document(flaw),
                    _ => ClientError::Unreachable,
                });
                Entry { outcome, until: now + FAILURE }
            }
        }
    }

    async fn fetch(&self, url: Url, id: &str) -> Result<(Client, Millis), FetchError> {
        let response = self.http.get(url).header(ACCEPT, "application/json").send().await?;
        // The resolver has decided already; this holds even if the connection was made around it.
        if let Some(gate) = &self.gate
            && !response.remote_addr().is_some_and(|peer| gate.permits(peer.ip()))
        {
            return Err(FetchError::Closed);
        }
        if response.status() != StatusCode::OK {
            return Err(DocumentFlaw::Status.into());
        }
        if !is_json(&response) {
            return Err(DocumentFlaw::ContentType.into());
        }
        let lifetime = lifetime(response.headers(), self.clock.now());
        let body = read(response).await?;
        Ok((document::client(&body, id, &self.schemes)?, lifetime))
    }
}

/// Exactly one `Content-Type`, JSON, and the bytes as they are.
fn is_json(response: &Response) -> bool {
    let mut types = response.headers().get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else { return false };
    let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    json && !response.headers().contains_key(CONTENT_ENCODING)
}

async fn read(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |length| length > MAX_BYTES) {
        return Err(DocumentFlaw::TooLarge.into());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(DocumentFlaw::TooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
