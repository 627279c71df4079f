//! What every request passes first: whether all agree on where it ends, whose it is, how often
//! that address may ask, and whether it was meant for this server. It knows no token and no
//! message.

use std::{net::IpAddr, sync::Arc, time::Duration, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use oauth::{config::ClientAddress, limits::AddressKey};
use tracing::Instrument as _;

use crate::{
    app::App,
    challenge::{refuse, too_many},
    listen::Peer,
};

/// The name under which a request is found in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A year: browsers shall not try plain http again (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The first layer.
pub(crate) async fn front(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let address = app.proxies.client(peer.unwrap_or(UNKNOWN), request.headers());
    let id = format!("{:016x}", fastrand::u64(..));
    let span = tracing::info_span!("request", id, %address);
    let route = route(request.uri().path());
    let method = request.method().clone();
    let mut response = async {
        if let Some(refusal) = ambiguous(request.headers()) {
            return refusal;
        }
        // A load balancer asks by address, often, and for nothing else.
        if is_probe(route) {
            return next.run(request).await;
        }
        if let Some(refusal) = refusal(&app, address, &request) {
            return refusal;
        }
        request.extensions_mut().insert(ClientAddress(address));
        let response = next.run(request).await;
        bounded(&app, address, response)
    }
    .instrument(span.clone())
    .await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if app.secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if app.end.draining.is_cancelled() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    tracing::info!(parent: &span, %method, route, status, ?elapsed, "answered");
    response
}

/// Stands for a peer that nobody named, which only a test could be.
const UNKNOWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

/// The refusal of a transfer coding that is anything but one `chunked` (RFC 9112 §6.1): a proxy
/// in front could see another end of the request than this server. The connection closes, so
/// nothing behind it is read as the next request. What `Content-Length` and `chunked` together
/// mean is said by hyper, which drops the length and closes as well (RFC 9112 §6.3).
fn ambiguous(headers: &HeaderMap) -> Option<Response> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let status = match (codings.next(), codings.next()) {
        (None, _) => return None,
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => return None,
        (Some(_), None) => StatusCode::NOT_IMPLEMENTED,
        (Some(_), Some(_)) => StatusCode::BAD_REQUEST,
    };
    let mut response = refuse(status, "the only transfer coding is `chunked`, named once");
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

fn refusal(app: &App, address: IpAddr, request: &Request) -> Option<Response> {
    if let Err(err) = app.addresses.check(&AddressKey::from(address)) {
        let wait = Duration::from_secs(err.seconds());
        return Some(too_many(wait, "too many requests from this address"));
    }
    if !app.hosts.is_for_us(request.uri(), request.headers()) {
        return Some(refuse(StatusCode::FORBIDDEN, "the Host of the request is not this server"));
    }
    None
}

/// An address that keeps failing is told to slow down: guessing costs it more than us.
fn bounded(app: &App, address: IpAddr, response: Response) -> Response {
    if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return response;
    }
    match app.failures.check(&AddressKey::from(address)) {
        Ok(()) => response,
        Err(err) => {
            let wait = Duration::from_secs(err.seconds());
            too_many(wait, "too many refused requests from this address")
        }
    }
}

/// The path without what differs between people, for the log.
fn route(path: &str) -> &'static str {
    match path {
        "/livez" => "/livez",
        "/readyz" => "/readyz",
        "/mcp" => "/mcp",
        "/oauth/token" => "/oauth/token",
        _ if path.starts_with("/mcp/") => "/mcp/…",
        _ if path.starts_with("/oauth/") => "/oauth/…",
        _ if path.starts_with("/.well-known/") => "/.well-known/…",
        _ => "other",
    }
}

fn is_probe(route: &str) -> bool {
    matches!(route, "/livez" | "/readyz")
}
