//! Sending: one request with its retries, redirects, limits in time and size.
//! It reads no body but as bytes, and knows no resource.

use std::{
    borrow::Cow,
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use reqwest::{
    Method, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};
use url::Url;

use crate::{
    Client, ConnectReason, Deadline, ErrorKind, Slug,
    http::innermost,
    status::{failure, retry_after},
};

/// A read is repeated at most this often.
const RETRIES: u32 = 2;
/// At most this many redirects in a row are followed.
const REDIRECTS: u32 = 3;
/// The longest wait before one retry, whatever Sentry asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The wait before the first retry is between nothing and this; it doubles with each.
const BACKOFF: Duration = Duration::from_millis(250);
/// As much is read of the body of an error.
const ERROR_BODY: usize = 64 * 1024;
/// A buffer starts no larger than this, whatever the answer says about its length.
const FIRST_BUFFER: usize = 1024 * 1024;

/// A request that is ready to be sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) client: &'a Client,
    pub(crate) method: &'a Method,
    pub(crate) host: Cow<'a, str>,
    pub(crate) url: Url,
    pub(crate) body: Option<Bytes>,
    /// The headers of a request to a host that is not Sentry, sent instead of the token's.
    pub(crate) external: Option<HeaderMap>,
    /// The content of a file is asked for, of at most this many bytes.
    pub(crate) file: Option<usize>,
}

/// What came back, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An attempt that brought no answer.
struct Failed {
    kind: ErrorKind,
    /// Whether it is worth trying again, for a read.
    transient: bool,
}

impl Failed {
    fn told(kind: ErrorKind) -> Failed {
        Failed { kind, transient: false }
    }
}

impl Outgoing<'_> {
    /// Sends the request until there is a success, a failure that is worth telling, or no
    /// time left. Dropping the future cancels whatever is under way.
    pub(crate) async fn send(mut self) -> Result<Answer, ErrorKind> {
        let deadline = self.client.deadline();
        let credential;
        let headers = if let Some(headers) = &self.external {
            headers
        } else {
            credential = self.client.credential()?;
            credential.headers()
        };
        let (mut attempts, mut redirects) = (0, 0);
        // A file may lie with a storage service, which must not see the token.
        let mut stored = None;
        loop {
            attempts += 1;
            let headers = stored.as_ref().unwrap_or(headers);
            let http = self.client.http(&self.url).await?;
            let (kind, wait) = match self.attempt(http, headers, deadline).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) => {
                    if let Some(target) = self.redirect(&answer).filter(|_| redirects < REDIRECTS) {
                        self.url = target;
                        redirects += 1;
                        attempts -= 1;
                        continue;
                    }
                    if let Some(target) = self.storage(&answer).filter(|_| stored.is_none()) {
                        stored = Some(without_token(headers));
                        self.host = Cow::Owned(authority(&target));
                        self.url = target;
                        attempts -= 1;
                        continue;
                    }
                    let wait = wait_for(&answer, attempts);
                    let kind = if stored.is_some() {
                        not_handed_out(answer.status)
                    } else {
                        failure(self.is_read(), &answer, attempts)
                    };
                    if stored.is_none() {
                        self.note(&kind);
                    }
                    (kind, wait)
                }
                Err(failed) => (failed.kind, failed.transient.then(|| backoff(attempts))),
            };
            match wait {
                Some(wait) if self.is_read() && attempts <= RETRIES && fits(wait, deadline) => {
                    sleep(wait).await;
                }
                _ => return Err(kind),
            }
        }
    }

    /// Remembers that Sentry refused the credential; another host's 401 says nothing about it.
    fn note(&self, kind: &ErrorKind) {
        if self.external.is_none() && matches!(kind, ErrorKind::Unauthorized { .. }) {
            self.client.account.refused.store(true, Ordering::Relaxed);
        }
    }

    fn is_read(&self) -> bool {
        // Nothing outside of Sentry is ever changed: a search there is a `POST`.
        *self.method == Method::GET || self.external.is_some()
    }

    /// A Sentry that hangs must not keep other hosts from answering.
    fn permits(&self) -> &Semaphore {
        let account = &self.client.account;
        if self.external.is_some() { &account.external_permits } else { &account.permits }
    }

    async fn attempt(
        &self,
        http: &reqwest::Client,
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<Answer, Failed> {
        let used_up = |phase| Failed::told(self.timeout(deadline.limit, phase));
        let Ok(permit) = timeout_at(deadline.at, self.permits().acquire()).await else {
            return Err(used_up("other requests of this token took the whole time"));
        };
        if Instant::now() >= deadline.at {
            return Err(used_up("the call's time was used up"));
        }
        let first_byte = self.client.settings().first_byte_timeout;
        let until =
            Instant::now().checked_add(first_byte).map_or(deadline.at, |at| at.min(deadline.at));
        let mut response = match timeout_at(until, http.execute(self.request(headers))).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.broken(&error)),
            Err(_) if until == deadline.at => {
                return Err(self.sent(used_up("the call's time was used up")));
            }
            Err(_) => {
                return Err(
                    self.sent(Failed::told(self.timeout(first_byte, "waiting for the first byte")))
                );
            }
        };
        let status = response.status().as_u16();
        let body = if response.status().is_success() {
            let limit = self.file.unwrap_or(self.client.settings().max_body);
            match timeout_at(deadline.at, self.read(&mut response, limit)).await {
                Ok(Ok(body)) => body,
                Ok(Err(kind)) => return Err(self.sent(Failed::told(kind))),
                Err(_) => return Err(self.sent(used_up("reading the answer"))),
            }
        } else {
            read_some(&mut response, until).await
        };
        drop(permit);
        Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body })
    }

    fn request(&self, headers: &HeaderMap) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        let mut headers = headers.clone();
        if let Some(body) = &self.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.clone().into());
        }
        if self.file.is_some() {
            headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        }
        *request.headers_mut() = headers;
        request
    }

    /// Reads a body into one buffer, which is sized once where the length is known.
    async fn read(&self, response: &mut Response, limit: usize) -> Result<Bytes, ErrorKind> {
        let too_large = || ErrorKind::TooLarge { limit };
        let told = response.content_length().and_then(|length| usize::try_from(length).ok());
        if told.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        // Most bodies arrive in one piece, which is then not copied.
        let Some(first) = self.chunk(response).await? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(too_large());
        }
        let Some(second) = self.chunk(response).await? else { return Ok(first) };
        let guess = told.unwrap_or(4 * (first.len() + second.len())).min(FIRST_BUFFER);
        let mut buffer = Vec::with_capacity(guess);
        buffer.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if buffer.len() + chunk.len() > limit {
                return Err(too_large());
            }
            buffer.extend_from_slice(&chunk);
            next = self.chunk(response).await?;
        }
        Ok(buffer.into())
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, ErrorKind> {
        let broken = |_| ErrorKind::Interrupted {
            host: self.host.to_string(),
            phase: "the answer was being read",
        };
        response.chunk().await.map_err(broken)
    }

    /// Where a redirect leads, if it may be followed: a read, to the same origin, within the fence.
    fn redirect(&self, answer: &Answer) -> Option<Url> {
        if !self.is_read() || !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let target = self.url.join(answer.headers.get(LOCATION)?.to_str().ok()?).ok()?;
        let plain = target.username().is_empty() && target.password().is_none();
        (plain && target.origin() == self.url.origin() && self.admits(&target)).then_some(target)
    }

    /// Where a file lies, if Sentry does not hold it itself: at another origin, and no worse
    /// protected on its way than Sentry is.
    fn storage(&self, answer: &Answer) -> Option<Url> {
        if self.file.is_none() || !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let target = self.url.join(answer.headers.get(LOCATION)?.to_str().ok()?).ok()?;
        let plain = target.username().is_empty() && target.password().is_none();
        let safe = target.scheme() == "https"
            || (target.scheme() == "http" && self.url.scheme() == "http");
        (plain && safe && target.origin() != self.url.origin()).then_some(target)
    }

    /// Whether the fence admits a path that Sentry named.
    fn admits(&self, target: &Url) -> bool {
        let fence = self.client.fence();
        if self.external.is_some() || (fence.organization.is_none() && fence.project.is_none()) {
            return true;
        }
        let Some(path) = target.path().strip_prefix("/api/0/") else { return false };
        let mut segments = path.split('/');
        let (resource, organization, project) = (segments.next(), segments.next(), segments.next());
        let organization = organization.and_then(|text| text.parse::<Slug>().ok());
        let inside =
            organization.is_some_and(|organization| fence.admits_organization(&organization));
        match resource {
            Some("organizations" | "teams") => inside,
            Some("projects") => {
                inside && project.is_some_and(|project| fence.admits_project(project))
            }
            _ => false,
        }
    }

    fn timeout(&self, after: Duration, phase: &'static str) -> ErrorKind {
        ErrorKind::Timeout { host: self.host.to_string(), after, phase }
    }

    /// A failure after the request was sent: of a write, nobody knows what became of it.
    fn sent(&self, failed: Failed) -> Failed {
        if self.is_read() {
            return failed;
        }
        Failed::told(ErrorKind::OutcomeUnknown { reason: failed.kind.fact() })
    }

    fn broken(&self, error: &reqwest::Error) -> Failed {
        let host = self.host.to_string();
        if !error.is_connect() {
            let phase = "waiting for the answer";
            return self
                .sent(Failed { kind: ErrorKind::Interrupted { host, phase }, transient: true });
        }
        let reason = connect_reason(error);
        let transient = !matches!(reason, ConnectReason::Tls(_));
        Failed { kind: ErrorKind::Connect { host, reason }, transient }
    }
}

/// The headers for a host that is not Sentry.
fn without_token(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(AUTHORIZATION);
    headers
}

/// Host and port of a URL, as an error names them.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A storage service knows nothing of Sentry's tokens, so its status means none of Sentry's reasons.
fn not_handed_out(status: u16) -> ErrorKind {
    let detail = Some("the storage service that Sentry named does not hand out the file".into());
    ErrorKind::Status { status, detail }
}

/// What there is of an error's body: it only explains, so nothing about it is an error.
async fn read_some(response: &mut Response, until: Instant) -> Bytes {
    let mut buffer = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
        let room = ERROR_BODY.saturating_sub(buffer.len()).min(chunk.len());
        buffer.extend_from_slice(chunk.get(..room).unwrap_or_default());
        if buffer.len() >= ERROR_BODY {
            break;
        }
    }
    buffer.into()
}

fn connect_reason(error: &reqwest::Error) -> ConnectReason {
    if error.is_dns() {
        return ConnectReason::Dns;
    }
    if error.is_timeout() {
        return ConnectReason::Timeout;
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        source = error.source();
        let Some(io) = error.downcast_ref::<std::io::Error>() else { continue };
        // An I/O error passes over the error that it wraps when it is asked for its source.
        source = io.get_ref().map_or(source, |inner| Some(inner));
        match io.kind() {
            std::io::ErrorKind::ConnectionRefused => return ConnectReason::Refused,
            // What rustls reports: a bad certificate, or something that is not TLS.
            std::io::ErrorKind::InvalidData => return ConnectReason::Tls(innermost(error)),
            _ => {}
        }
    }
    ConnectReason::Other
}

/// How long to wait before asking again, if this answer is worth it.
fn wait_for(answer: &Answer, attempts: u32) -> Option<Duration> {
    matches!(answer.status, 429 | 502..=504).then(|| {
        retry_after(&answer.headers, SystemTime::now()).unwrap_or_else(|| backoff(attempts))
    })
}

/// Full jitter: anything between nothing and a limit that doubles with each attempt.
fn backoff(attempts: u32) -> Duration {
    let limit = BACKOFF.saturating_mul(1 << (attempts - 1).min(5));
    limit.mul_f64(fastrand::f64())
}

fn fits(wait: Duration, deadline: Deadline) -> bool {
    wait <= LONGEST_WAIT && Instant::now() + wait < deadline.at
}
