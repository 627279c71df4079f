//! `POST /oauth/authorize`: the person's decision. Deny answers the client; approve makes the
//! state for Sentry and its cookie, and sends the person there.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use scopes::{Scope, ScopeSet};

use super::{
    authorize::refusal,
    choice::Choices,
    cookies::{Cookie, Cookies},
    decision::{COOKIE_SECONDS, Decision, DepartureError},
    request::{self, AuthorizationRequest},
    respond::{Problem, redirect, with_cookies},
    scope_text,
    ticket::{self, TicketError},
};
use crate::{
    config::{ClientAddress, Config},
    error::{ErrorCode, OAuthError},
    params::Params,
    secret::{Digest, Secret},
    server::Inner,
    store::StoreError,
};

/// How long the last choice is remembered: a year, in seconds.
const CHOICE_SECONDS: u32 = 365 * 24 * 3600;

pub(super) async fn decide(
    State(server): State<Arc<Inner>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let address = address.map(|Extension(address)| address);
    match decided(&server, address, &headers, body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn decided(
    server: &Inner,
    address: Option<ClientAddress>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    super::admit(server, address)?;
    let body = body.map_err(|_| tampered(&OAuthError::too_large()))?;
    if !is_same_origin(headers, &server.config.issuer_id()) {
        return Err(Problem::new(
            ErrorCode::AccessDenied,
            "This decision came from another site",
            "The form was not sent by the page of this server.",
        ));
    }
    let params = Params::from_form(headers, &body).map_err(|error| tampered(&error))?;
    if params.repeats_beside(&["level", "scope"]) {
        return Err(tampered(&OAuthError::invalid_request("a parameter was sent more than once")));
    }
    let cookies = Cookies::new(server.config.secure);
    let query = open_ticket(server, cookies, headers, &params)?;
    // Once more: the client may have changed, and the form is from the outside.
    let request = match request::read(server, &query, address).await {
        Ok(request) => request,
        Err(refused) => return Ok(refusal(server, refused, StatusCode::SEE_OTHER)),
    };
    match params.required("decision").map_err(|error| tampered(&error))? {
        "deny" => {
            let error = OAuthError::new(ErrorCode::AccessDenied, "the person said no");
            let issuer = server.config.issuer_id();
            Ok(request.return_to.with_error(StatusCode::SEE_OTHER, &issuer, &error))
        }
        "approve" => {
            let granted = granted(&server.config, &params)?;
            depart(server, cookies, headers, &request, granted).await
        }
        _ => Err(tampered(&OAuthError::invalid_request("the decision is neither yes nor no"))),
    }
}

fn tampered(error: &OAuthError) -> Problem {
    Problem::new(
        error.code(),
        "This decision cannot be read",
        "The form was changed on its way, or it was not sent by the page of this server.",
    )
    .status(error.status())
}

/// Whether a browser says that the form comes from this server's own page.
///
/// A browser always says so with a POST, by `Sec-Fetch-Site` or `Origin`, and no page can
/// change either (Fetch §2.2.2). What says nothing is no browser and has no cookies that
/// another site could make use of; the ticket holds for it as well.
fn is_same_origin(headers: &HeaderMap, issuer: &str) -> bool {
    let all = |name: HeaderName, good: &str| headers.get_all(name).iter().all(|v| *v == *good);
    all(HeaderName::from_static("sec-fetch-site"), "same-origin") && all(header::ORIGIN, issuer)
}

fn open_ticket(
    server: &Inner,
    cookies: Cookies,
    headers: &HeaderMap,
    params: &Params,
) -> Result<String, Problem> {
    let Some(browser) = cookies.read(headers, Cookie::Browser) else {
        return Err(Problem::new(
            ErrorCode::AccessDenied,
            "The cookie of this login is missing",
            "The form was opened in another browser, or the browser keeps no cookies.",
        )
        .step("Allow cookies for this server, then start the login again in one browser."));
    };
    let request = params.required("request").map_err(|error| tampered(&error))?;
    ticket::open(&server.keys, &browser, request, server.clock.now()).map_err(|error| match error {
        TicketError::Expired => Problem::new(
            ErrorCode::InvalidRequest,
            "This page is too old",
            "It is valid for ten minutes, so that nobody finds it open later.",
        ),
        TicketError::Foreign => {
            tampered(&OAuthError::new(ErrorCode::AccessDenied, "")).status(StatusCode::FORBIDDEN)
        }
    })
}

/// The base, and what was ticked. What the page does not offer is a forgery.
fn granted(config: &Config, params: &Params) -> Result<ScopeSet, Problem> {
    let forged = || tampered(&OAuthError::new(ErrorCode::InvalidScope, ""));
    let mut granted = config.base();
    for id in params.all("level") {
        let level = config.levels.iter().skip(1).find(|level| level.id == id);
        granted = granted.union(level.ok_or_else(forged)?.scopes);
    }
    for name in params.all("scope") {
        let scope: Scope = name.parse().map_err(|_| forged())?;
        if !config.single_scopes.iter().any(|view| view.scope == scope) {
            return Err(forged());
        }
        granted = granted.union(ScopeSet::of(&[scope]));
    }
    Ok(granted)
}

/// Keeps the decision and sends the person to Sentry.
async fn depart(
    server: &Inner,
    cookies: Cookies,
    headers: &HeaderMap,
    request: &AuthorizationRequest,
    granted: ScopeSet,
) -> Result<Response, Problem> {
    let fenced = request.resource.fence().0.is_some();
    let sentry_scopes = (server.config.upstream_scopes)(granted, fenced);
    let verifier = Secret::random().map_err(|error| Problem::internal(&error))?;
    let names = |scopes: ScopeSet| scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    let decision = Decision {
        client_id: request.client.id.clone(),
        client_name: request.client.name.clone(),
        redirect_uri: request.return_to.redirect_uri.clone(),
        state: request.return_to.state.clone(),
        code_challenge: request.code_challenge.clone(),
        resource: request.resource.as_str().to_owned(),
        scopes: names(granted),
        sentry_scopes: names(sentry_scopes),
        verifier: verifier.expose().to_owned(),
    };
    let departure = decision
        .depart(&server.keys, server.clock.now())
        .map_err(|error: DepartureError| Problem::internal(&error))?;
    server
        .store
        .put_pending(&departure.record)
        .await
        .map_err(|error: StoreError| Problem::internal(&error))?;
    let login =
        cookies.set(Cookie::Login(&departure.record.state), &departure.cookie, COOKIE_SECONDS);
    let challenge = Digest::of(verifier.expose()).to_text();
    let url = server.upstream.authorize_url(
        &scope_text(sentry_scopes),
        departure.state.expose(),
        &challenge,
    );
    let response = redirect(StatusCode::SEE_OTHER, url.as_str());
    Ok(with_cookies(response, [login, remember(server, cookies, headers, request, granted)]))
}

/// The cookie with this choice. Without it nothing is lost but some ticks.
fn remember(
    server: &Inner,
    cookies: Cookies,
    headers: &HeaderMap,
    request: &AuthorizationRequest,
    granted: ScopeSet,
) -> Option<HeaderValue> {
    let base = server.config.base();
    let chosen = granted.iter().filter(|&scope| !base.contains(scope)).collect();
    let choices = Choices::read(&server.keys, cookies.read(headers, Cookie::Choice));
    let value = choices.with(&server.keys, &request.client.id, &request.redirect, chosen).ok()?;
    cookies.set(Cookie::Choice, &value, CHOICE_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    const ISSUER: &str = "https://mcp.example.test";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_the_own_page_may_send_the_form() {
        let same = |pairs: &[(&'static str, &str)]| is_same_origin(&headers(pairs), ISSUER);
        assert!(same(&[("origin", ISSUER), ("sec-fetch-site", "same-origin")]));
        assert!(same(&[("origin", ISSUER)]));
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(same(&[]));
        for foreign in [
            &[("origin", "https://evil.test")][..],
            &[("origin", "null")],
            &[("origin", "http://mcp.example.test")],
            &[("origin", "https://mcp.example.test:444")],
            &[("origin", "https://mcp.example.test.evil.test")],
            &[("origin", ISSUER), ("origin", "https://evil.test")],
            &[("origin", ISSUER), ("sec-fetch-site", "cross-site")],
            &[("origin", ISSUER), ("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-site")],
        ] {
            assert!(!same(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn what_the_page_does_not_offer_cannot_be_granted() {
        let grant =
            |form: &str| granted(&config(ISSUER), &Params::parse(form.as_bytes()).unwrap()).ok();
        let base = config(ISSUER).base();
        assert_eq!(grant(""), Some(base));
        let triage = base.union(ScopeSet::of(&[Scope::EventWrite]));
        assert_eq!(grant("level=issue-triage"), Some(triage));
        assert_eq!(grant("scope=event:write&level=issue-triage"), Some(triage));
        assert_eq!(
            grant("scope=org:admin&scope=team:write").map(ScopeSet::len),
            Some(base.len() + 2)
        );
        for forged in ["level=admin", "level=", "level=read-only", "scope=alerts:read", "scope="] {
            assert_eq!(grant(forged), None, "{forged}");
        }
    }
}
