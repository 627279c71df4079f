//! The MCP endpoint: who calls, whether the path lies inside the token's resource and exists for
//! the caller, what is missing, and only then the protocol.

mod body;

use std::{sync::Arc, time::Duration, time::Instant};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request},
    response::{IntoResponse as _, Response},
};
use oauth::{resource::Resource, tokens::Access};
use server::{
    config::StepUp,
    http::{Account, Asked, Caller, FenceError, RequestBody},
};
use tower::Service as _;

use self::body::{Held, read};
use crate::{
    app::App,
    auth,
    challenge::{Challenge, Code, no_store, refuse, too_many, unavailable},
    login::Login,
    metadata::{WELL_KNOWN, only},
};

/// The largest body in bytes. No argument of a tool comes near it.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// When to try again after Sentry did not answer.
const OUTAGE_WAIT: Duration = Duration::from_secs(5);
/// When to try again while too many calls of the same person run.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// `/mcp`, `/mcp/{organization}`, `/mcp/{organization}/{project}`.
pub(crate) async fn endpoint(State(app): State<Arc<App>>, request: Request) -> Response {
    let Some(resource) = Resource::at_path(&app.issuer, request.uri().path()) else {
        return refuse(
            StatusCode::NOT_FOUND,
            "there is no MCP endpoint at this path: use /mcp, /mcp/{organization} or \
             /mcp/{organization}/{project}",
        );
    };
    let Ok(origin) = app.hosts.origin(request.headers()) else {
        return refuse(StatusCode::FORBIDDEN, "pages of this origin may not call this server");
    };
    let origin = origin.and_then(|origin| HeaderValue::from_str(origin).ok());
    let response = match *request.method() {
        Method::POST => post(&app, &resource, request).await.unwrap_or_else(|refusal| refusal),
        Method::OPTIONS if origin.is_some() => preflight(),
        _ => only("POST"),
    };
    readable_by(origin, response)
}

async fn post(app: &App, resource: &Resource, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let refused =
        |text: &str| challenge(app, resource, &app.scopes, Some((Code::InvalidToken, text)));
    let access = match bearer(&parts.headers) {
        Bearer::One(token) => auth::authenticate(app, token, resource)
            .await
            .map_err(|denied| denied.answer(refused))?,
        Bearer::None => return Err(challenge(app, resource, &app.scopes, None)),
        Bearer::Malformed(text) => return Err(refused(text)),
        Bearer::Several(text) => {
            let error = Some((Code::InvalidRequest, text));
            return Err(challenge(app, resource, &app.scopes, error));
        }
    };
    let subject = access.subject.clone();
    app.callers.check(&subject).map_err(|err| {
        too_many(Duration::from_secs(err.seconds()), "too many requests of this login")
    })?;
    let Some(place) = app.busy.enter(&subject) else {
        return Err(too_many(BUSY_WAIT, "too many calls of this login at a time"));
    };
    let body = read(&parts.headers, body, MAX_BODY).await?;
    let asked = Asked::read(&body).map_err(|err| {
        let json = [(header::CONTENT_TYPE, "application/json")];
        (StatusCode::BAD_REQUEST, json, err.to_json()).into_response()
    })?;
    // Sentry may have said nothing about scopes, and what is unknown narrows nothing.
    let upstream = Some(access.sentry_scopes).filter(|scopes| !scopes.is_empty());
    let account = Account::new(access.scopes, upstream, resource.fence());
    if app.step_up == StepUp::Challenge
        && let Some(step_up) = app.server.step_up(&account, &asked)
    {
        let error = Some((Code::InsufficientScope, step_up.description.as_str()));
        return Err(challenge(app, resource, &step_up.scopes, error));
    }
    let login = login(app, &access, resource, &account, &asked).await?;
    let sentry = login.as_ref().map_or(app.logins.nobody(), |login| &login.sentry);
    let response = serve(app, parts, body, sentry.caller(&account)).await;
    if let Some(login) = &login
        && login.sentry.was_refused()
    {
        // This answer tells of it; the next request has another token, or is refused.
        let _next = renew(app, &access, login).await;
    }
    Ok(no_store(response.map(|body| Body::new(Held::new(body, place)))))
}

async fn serve(
    app: &App,
    mut head: request::Parts,
    body: Bytes,
    caller: Arc<Caller>,
) -> axum::http::Response<server::http::ResponseBody> {
    // The token has done its work; nothing behind this point could leak it.
    head.headers.remove(header::AUTHORIZATION);
    head.extensions.insert(caller);
    let request = axum::http::Request::from_parts(head, RequestBody::new(body));
    match app.service.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The login of a request that needs one: a call, or a path that has to be checked.
async fn login(
    app: &App,
    access: &Access,
    resource: &Resource,
    account: &Account,
    asked: &Asked,
) -> Result<Option<Arc<Login>>, Response> {
    let grant = access.grant.as_str();
    let path = resource.path();
    let calls = matches!(asked, Asked::Call(_));
    let fenced = account.organization.is_some();
    if !calls {
        let known = || app.logins.known(grant)?.checked(path, Instant::now());
        if !fenced || known() == Some(Ok(())) {
            return Ok(None);
        }
    }
    let refused =
        |text: &str| challenge(app, resource, &app.scopes, Some((Code::InvalidToken, text)));
    let token = auth::sentry_token(app, access).await.map_err(|denied| denied.answer(refused))?;
    let mut login = app.logins.with_token(grant, token);
    if login.sentry.was_refused() {
        // Found out while an answer was streamed.
        login = renew(app, access, &login).await.map_err(|denied| denied.answer(refused))?;
    }
    if !fenced {
        return Ok(Some(login));
    }
    let mut result = admitted(&login, account, path).await;
    if result == Err(FenceError::Unauthorized) {
        login = renew(app, access, &login).await.map_err(|denied| denied.answer(refused))?;
        result = admitted(&login, account, path).await;
    }
    match result {
        Ok(()) => Ok(Some(login)),
        Err(err @ FenceError::Unknown) => Err(refuse(StatusCode::NOT_FOUND, &err.to_string())),
        Err(err) => Err(unavailable(OUTAGE_WAIT, &err.to_string())),
    }
}

/// Whether the organization and the project of the path exist for this login.
async fn admitted(login: &Login, account: &Account, path: &str) -> Result<(), FenceError> {
    let Some(organization) = &account.organization else { return Ok(()) };
    if let Some(result) = login.checked(path, Instant::now()) {
        return result;
    }
    let result = login.sentry.admits(organization, account.project.as_ref()).await;
    login.remember(path, Instant::now(), result);
    result
}

/// A login with another token after Sentry refused this one, if Sentry gives one.
async fn renew(app: &App, access: &Access, login: &Login) -> Result<Arc<Login>, auth::Denial> {
    let grant = access.grant.as_str();
    app.logins.forget(grant);
    let token = auth::after_refusal(app, access, &login.token).await?;
    Ok(app.logins.with_token(grant, token))
}

/// The one challenge of an answer.
fn challenge(app: &App, resource: &Resource, scope: &str, error: Option<(Code, &str)>) -> Response {
    let metadata = format!("{}{WELL_KNOWN}{}", app.origin, resource.path());
    Challenge { metadata: &metadata, scope, error }.into_response()
}

/// What a request has for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearer<'a> {
    One(&'a str),
    /// No token, or another scheme, of which nothing is said (RFC 6750 §3.1, last paragraph).
    None,
    /// `invalid_token`: "malformed, or invalid for other reasons" (RFC 6750 §3.1).
    Malformed(&'static str),
    /// `invalid_request`: "more than one method for including an access token" (RFC 6750 §3.1).
    Several(&'static str),
}

/// The token of the one `Authorization: Bearer` (RFC 6750 §2.1); no other place is looked at.
fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    /// Longer than any token of ours.
    const LONGEST: usize = 512;
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Bearer::None };
    if values.next().is_some() {
        return Bearer::Several("there is more than one Authorization header");
    }
    let text = value.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Bearer::None;
    }
    let token = token.trim_matches(' ');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || token.len() > LONGEST || !token.bytes().all(plain) {
        return Bearer::Malformed("what follows `Bearer` is not a token");
    }
    Bearer::One(token)
}

/// What a browser asks before it sends a request of a page (Fetch standard, CORS preflight).
fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, \
             mcp-session-id, last-event-id",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Lets the page of an allowed origin read the answer. No cookie is ever sent here.
fn readable_by(origin: Option<HeaderValue>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("www-authenticate, retry-after, x-request-id");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers
                .append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        match bearer(&headers) {
            Bearer::One(token) => token.to_owned(),
            Bearer::None => "none".to_owned(),
            Bearer::Malformed(_) => "malformed".to_owned(),
            Bearer::Several(_) => "several".to_owned(),
        }
    }

    #[test]
    fn a_token_is_taken_from_the_one_authorization_header() {
        let long = format!("Bearer {}", "a".repeat(513));
        for (values, expected) in [
            (&[][..], "none"),
            (&["Bearer abc-._~+/="], "abc-._~+/="),
            (&["bearer abc"], "abc"),
            (&["BEARER  abc "], "abc"),
            (&["Bearer"], "malformed"),
            (&["Bearer "], "malformed"),
            (&["Bearer a b"], "malformed"),
            (&["Bearer a,b"], "malformed"),
            (&["Bearer \"abc\""], "malformed"),
            (&[&long], "malformed"),
            (&["Bearer ü"], "none"),
            (&["Basic YTpi"], "none"),
            (&["abc"], "none"),
            (&[""], "none"),
            (&["Bearer a", "Bearer a"], "several"),
            (&["Basic YTpi", "Bearer a"], "several"),
        ] {
            assert_eq!(of(values), expected, "{values:?}");
        }
    }
}
