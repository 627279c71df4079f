//! Faults on request: what can go wrong between a client and Sentry. Decides which fault a request
//! gets and how an answer is spoiled; does not answer anything by itself.

use std::{
    convert::Infallible,
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::routes::Reply;

/// One rule: which requests fail, how often, and how.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Only requests with this method (`GET`); `None` is every method.
    pub method: Option<String>,
    /// Only requests whose path and query contain this; empty is every request.
    pub path_contains: String,
    /// Only the first so many matching requests; `None` is all.
    pub times: Option<u32>,
    /// What happens to them.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault on every request whose path and query contain `path_contains`.
    pub fn on(path_contains: impl Into<String>, kind: FaultKind) -> Self {
        Self { method: None, path_contains: path_contains.into(), times: None, kind }
    }

    /// The same fault, on the first `times` matching requests only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The same fault, on requests with this method only.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    fn matches(&self, method: &str, target: &str) -> bool {
        self.times != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && target.contains(&self.path_contains)
    }
}

/// What goes wrong.
///
/// `Hang`, `Status`, `Html`, `Reset`, `Oversized`, `Redirect`, `RedirectLoop` and `Body` answer
/// instead of Sentry, so a write does not happen. The others spoil Sentry's answer: a write has
/// happened although its answer is useless.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FaultKind {
    /// The true answer, this much later.
    Latency(Duration),
    /// The request is accepted and never answered.
    Hang,
    /// This answer.
    Status {
        /// The status code; one outside 100–999 becomes 500.
        status: u16,
        /// Header names and values; an invalid one is left out.
        headers: Vec<(String, String)>,
        /// The body as it is.
        body: String,
    },
    /// A page for people, as a login wall or a proxy sends it.
    Html {
        /// The status code, for example 200 or 502.
        status: u16,
    },
    /// The true answer, labeled `text/plain`.
    MislabelAsText,
    /// The true status with an empty body.
    EmptyBody,
    /// The true status with the body `null`.
    Null,
    /// An array with the true object in it, or an object with the true array in it.
    WrongShape,
    /// The first half of the true answer under its full `Content-Length`.
    Truncated,
    /// The connection is reset before any answer.
    Reset,
    /// The connection is reset after half of the true answer.
    ResetInBody,
    /// Valid JSON of about this many bytes, streamed: `{"padding": "xxx…"}`.
    Oversized {
        /// The size of the body.
        bytes: usize,
    },
    /// The true answer, one byte per interval.
    Drip {
        /// The time between two bytes.
        interval: Duration,
    },
    /// 302 to this address.
    Redirect {
        /// The value of `Location`.
        location: String,
    },
    /// 302 to the same address, for ever.
    RedirectLoop,
    /// 200 with this JSON.
    Body(Value),
    /// The true answer with every value `null`, except under keys that hold an id.
    NullOptionals,
}

impl FaultKind {
    /// What `POST /oauth/token/` answers when it refuses: 401 for `invalid_client`, otherwise 400,
    /// with `{"error": …}` (RFC 6749 §5.2).
    pub fn oauth_error(error: &str) -> Self {
        Self::Status {
            status: if error == "invalid_client" { 401 } else { 400 },
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: json!({ "error": error }).to_string(),
        }
    }

    /// Whether the fault answers instead of Sentry.
    pub(crate) fn replaces_answer(&self) -> bool {
        matches!(
            self,
            Self::Hang
                | Self::Status { .. }
                | Self::Html { .. }
                | Self::Reset
                | Self::Oversized { .. }
                | Self::Redirect { .. }
                | Self::RedirectLoop
                | Self::Body(_)
        )
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Whether there are any: the hot path takes no lock.
    any: AtomicBool,
    rules: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(crate) fn inject(&self, fault: Fault) {
        self.lock().push(fault);
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn clear(&self) {
        self.any.store(false, Ordering::Release);
        self.lock().clear();
    }

    /// The fault of this request, if any; counts it.
    pub(crate) fn take(&self, method: &str, target: &str) -> Option<FaultKind> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut rules = self.lock();
        let rule = rules.iter_mut().find(|rule| rule.matches(method, target))?;
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        Some(rule.kind.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer of a fault that replaces Sentry's; `target` is the path and query of the request.
pub(crate) fn replacement(kind: &FaultKind, target: &str) -> Response<Body> {
    match kind {
        FaultKind::Status { status, headers, body } => {
            let mut response = Response::new(Body::from(body.clone()));
            *response.status_mut() = status_code(*status);
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) =
                    (header::HeaderName::try_from(name.as_str()), HeaderValue::from_str(value))
                {
                    response.headers_mut().append(name, value);
                }
            }
            response
        }
        FaultKind::Html { status } => {
            let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
                        <body><h1>Sign in to continue</h1></body></html>\n";
            labeled(status_code(*status), "text/html; charset=utf-8", Body::from(page))
        }
        FaultKind::Oversized { bytes } => {
            labeled(StatusCode::OK, "application/json", oversized(*bytes))
        }
        FaultKind::Redirect { location } => redirect(location),
        FaultKind::RedirectLoop => redirect(target),
        FaultKind::Body(value) => {
            labeled(StatusCode::OK, "application/json", Body::from(value.to_string()))
        }
        // `Hang` and `Reset` never get here: the server holds or drops the connection.
        _ => labeled(StatusCode::INTERNAL_SERVER_ERROR, "application/json", Body::empty()),
    }
}

/// Spoils a true answer.
pub(crate) fn spoil(kind: &FaultKind, mut reply: Reply) -> Response<Body> {
    match kind {
        FaultKind::MislabelAsText => {
            let mut response = reply.into_response();
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            response
        }
        FaultKind::EmptyBody => with_body(reply, Bytes::new()),
        FaultKind::Null => with_body(reply, Bytes::from_static(b"null")),
        FaultKind::WrongShape => {
            let value: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
            let wrong = if value.is_array() { json!({ "data": value }) } else { json!([value]) };
            with_body(reply, Bytes::from(wrong.to_string()))
        }
        FaultKind::NullOptionals => {
            let mut value: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
            null_optionals(&mut value, None);
            with_body(reply, Bytes::from(value.to_string()))
        }
        FaultKind::Truncated | FaultKind::ResetInBody => {
            let full = reply.body.len();
            let half = reply.body.split_to(full / 2);
            reply.body = Bytes::new();
            let mut response = reply.into_response();
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(full.max(2)));
            // Both end in an error, because the promised length was not reached. The pause lets the
            // server flush the first half before that.
            let end = stream::once(tokio::task::yield_now())
                .map(|()| Err(io::Error::from(io::ErrorKind::UnexpectedEof)));
            *response.body_mut() = Body::from_stream(stream::iter([Ok(half)]).chain(end));
            response
        }
        FaultKind::Drip { interval } => {
            let body = std::mem::take(&mut reply.body);
            let mut response = reply.into_response();
            *response.body_mut() = drip(body, *interval);
            response
        }
        _ => reply.into_response(),
    }
}

fn with_body(mut reply: Reply, body: Bytes) -> Response<Body> {
    reply.body = body;
    reply.into_response()
}

fn drip(body: Bytes, interval: Duration) -> Body {
    Body::from_stream(stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(interval).await;
        let byte = rest.split_to(1);
        Some((Ok::<_, Infallible>(byte), rest))
    }))
}

fn oversized(bytes: usize) -> Body {
    const PIECE: &[u8] = &[b'x'; 64 * 1024];
    let frame = "{\"padding\":\"\"}".len();
    let padding = stream::unfold(bytes.saturating_sub(frame), |left| async move {
        let size = left.min(PIECE.len());
        (size > 0).then(|| (Bytes::from_static(PIECE.get(..size).unwrap_or(PIECE)), left - size))
    });
    Body::from_stream(
        stream::iter([Bytes::from_static(b"{\"padding\":\"")])
            .chain(padding)
            .chain(stream::iter([Bytes::from_static(b"\"}")]))
            .map(Ok::<_, Infallible>),
    )
}

fn redirect(location: &str) -> Response<Body> {
    let mut response = labeled(StatusCode::FOUND, "text/html; charset=utf-8", Body::empty());
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn labeled(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Nulls every leaf that is not an id. `key` is the nearest object key above the value.
fn null_optionals(value: &mut Value, key: Option<&str>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| null_optionals(item, key)),
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                null_optionals(field, Some(key));
            }
        }
        leaf => {
            if !key.is_some_and(is_id) {
                *leaf = Value::Null;
            }
        }
    }
}

/// Whether a decoder may insist on the value under this key.
fn is_id(key: &str) -> bool {
    matches!(key, "id" | "slug" | "shortId" | "version" | "type") || key.ends_with("ID")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_with_a_count_stops_when_it_is_used_up() {
        let faults = Faults::default();
        faults.inject(Fault::on("/issues/", FaultKind::Null).times(2).method("get"));
        assert!(faults.take("PUT", "/issues/").is_none());
        assert!(faults.take("GET", "/teams/").is_none());
        assert!(faults.take("GET", "/issues/?query=").is_some());
        assert!(faults.take("GET", "/issues/").is_some());
        assert!(faults.take("GET", "/issues/").is_none());
    }

    #[test]
    fn nulling_optionals_keeps_ids_and_structure() {
        let mut value = json!([{"id": "1", "title": "x", "project": {"slug": "api", "name": "y"}}]);
        null_optionals(&mut value, None);
        assert_eq!(
            value,
            json!([{"id": "1", "title": null, "project": {"slug": "api", "name": null}}])
        );
    }
}
