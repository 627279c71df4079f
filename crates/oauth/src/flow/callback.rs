//! `GET /oauth/callback`: the person comes back from Sentry. Sentry's code becomes tokens, the
//! decision becomes a grant, and the client gets a code of ours.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use scopes::Scope;
use secrecy::SecretString;

use super::{
    cookies::{Cookie, Cookies},
    decision::{self, Decision},
    request::LONGEST_QUERY,
    respond::{Problem, ReturnTo, with_cookies},
};
use crate::{
    clients::ClientError,
    config::ClientAddress,
    error::{ErrorCode, OAuthError},
    params::Params,
    resource::Resource,
    secret::Digest,
    server::Inner,
    tokens::Approval,
    upstream::{SentryTokens, UpstreamError, held},
};

/// The longest code of Sentry that is sent back to it.
const LONGEST_CODE: usize = 1024;

pub(super) async fn finish(
    State(server): State<Arc<Inner>>,
    address: Option<Extension<ClientAddress>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    // A HEAD must change nothing (RFC 9110 §9.2.1), and this uses up the state.
    if method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    let address = address.map(|Extension(address)| address);
    if let Err(problem) = super::admit(&server, address) {
        return problem.into_response();
    }
    let query = query.unwrap_or_default();
    let cookies = Cookies::new(server.config.secure);
    let (answer, decision, state) = match arrive(&server, cookies, &headers, &query).await {
        Ok(arrival) => arrival,
        Err(problem) => return problem.into_response(),
    };
    if let Err(problem) = check_again(&server, &decision, address).await {
        return problem.into_response();
    }
    let return_to =
        ReturnTo { redirect_uri: decision.redirect_uri.clone(), state: decision.state.clone() };
    let issuer = server.config.issuer_id();
    let response = match complete(&server, &answer, decision).await {
        Ok(code) => return_to.with_code(StatusCode::FOUND, &issuer, &code),
        Err(error) => return_to.with_error(StatusCode::FOUND, &issuer, &error),
    };
    with_cookies(response, [cookies.clear(Cookie::Login(&state))])
}

/// Compares state and cookie, and takes the decision out of the store, once.
async fn arrive(
    server: &Inner,
    cookies: Cookies,
    headers: &HeaderMap,
    query: &str,
) -> Result<(Params, Decision, Digest), Problem> {
    let unusable = || {
        Problem::new(
            ErrorCode::InvalidRequest,
            "This login cannot be finished",
            "The address with which Sentry sent you back is malformed.",
        )
    };
    if query.len() > LONGEST_QUERY {
        return Err(unusable());
    }
    let params = Params::parse(query.as_bytes()).map_err(|_| unusable())?;
    if params.repeats_beside(&[]) {
        return Err(unusable());
    }
    let state = params.required("state").map_err(|_| unusable())?;
    let digest = Digest::of_secret(state).ok_or_else(unusable)?;
    let foreign = || {
        Problem::new(
            ErrorCode::AccessDenied,
            "This login was not started here",
            "It was started in another browser, or it is finished, or more than ten minutes old.",
        )
    };
    let cookie = cookies
        .read(headers, Cookie::Login(&digest))
        .filter(|cookie| decision::is_for(&server.keys, state, cookie))
        .ok_or_else(foreign)?;
    let record = server
        .store
        .take_pending(&digest, server.clock.now())
        .await
        .map_err(|error| Problem::internal(&error))?
        .ok_or_else(foreign)?;
    let decision = Decision::arrive(&server.keys, &record, &cookie).ok_or_else(foreign)?;
    Ok((params, decision, digest))
}

/// The client may have changed since the dialog, and its redirect with it. That its metadata
/// document cannot be fetched right now says nothing: the redirect was checked minutes ago.
async fn check_again(
    server: &Inner,
    decision: &Decision,
    address: Option<ClientAddress>,
) -> Result<(), Problem> {
    let from = address.map(|ClientAddress(address)| address);
    match server.clients.find(&decision.client_id, from).await {
        Ok(client) if client.redirect(&decision.redirect_uri).is_some() => Ok(()),
        Err(ClientError::Unreachable | ClientError::TooMany(_)) => Ok(()),
        Err(error @ ClientError::Store) => Err(Problem::internal(&error)),
        Ok(_) | Err(_) => Err(Problem::new(
            ErrorCode::InvalidRequest,
            "This login cannot be finished",
            "The program is not known any more, or has changed the address to which the answer \
             should go.",
        )),
    }
}

/// Everything after the client is known to be good: it is told whatever happens.
async fn complete(
    server: &Inner,
    answer: &Params,
    decision: Decision,
) -> Result<String, OAuthError> {
    if let Some(error) = answer.one("error")? {
        return Err(refused_by_sentry(error));
    }
    let code = answer.one("code")?.filter(|code| code.len() <= LONGEST_CODE).ok_or_else(|| {
        OAuthError::new(ErrorCode::ServerError, "Sentry sent no code; start the login again")
    })?;
    let verifier = SecretString::from(decision.verifier.clone());
    let tokens = server
        .upstream
        .exchange(code, &verifier, server.clock.now())
        .await
        .map_err(|error| no_token(&error))?;
    issue(server, decision, tokens).await
}

/// An error with which Sentry sent the person back (RFC 6749 §4.1.2.1). What is the operator's
/// to mend is in the log; Sentry's own words are not passed on.
fn refused_by_sentry(error: &str) -> OAuthError {
    let (code, description) = match error {
        "access_denied" => (ErrorCode::AccessDenied, "access was denied at Sentry"),
        "temporarily_unavailable" => {
            (ErrorCode::TemporarilyUnavailable, "Sentry is unavailable; try again later")
        }
        "server_error" => (ErrorCode::ServerError, "Sentry failed; try again later"),
        "invalid_scope" => {
            (ErrorCode::ServerError, "Sentry does not know a permission that was asked for")
        }
        _ => (
            ErrorCode::ServerError,
            "Sentry does not accept this server's application; its operator finds the reason in the log",
        ),
    };
    // Only the names that OAuth defines: the rest of the address is anybody's text.
    let known = error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && error.len() <= 40;
    tracing::warn!(error = if known { error } else { "?" }, "Sentry refused a login");
    OAuthError::new(code, description)
}

fn no_token(error: &UpstreamError) -> OAuthError {
    match error {
        UpstreamError::Unavailable { .. } => OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "Sentry does not answer; start the login again in a moment",
        ),
        UpstreamError::Refused => OAuthError::new(
            ErrorCode::AccessDenied,
            "Sentry did not accept its own code, it may be too old; start the login again",
        ),
        UpstreamError::Misconfigured { .. } => OAuthError::new(
            ErrorCode::ServerError,
            "Sentry does not accept this server's application; its operator finds the reason in the log",
        ),
        UpstreamError::Unreadable(_) => OAuthError::new(
            ErrorCode::ServerError,
            "Sentry's answer could not be understood; its operator finds the reason in the log",
        ),
    }
}

/// Makes the grant and the code for it.
async fn issue(
    server: &Inner,
    decision: Decision,
    tokens: SentryTokens,
) -> Result<String, OAuthError> {
    let Some(user) = tokens.user.clone() else {
        tracing::error!("Sentry's token answer does not say who logged in");
        return Err(OAuthError::server_error());
    };
    // Without a word about scopes, what was asked is what was given (RFC 6749 §5.1).
    let sentry_scopes: Vec<String> = match tokens.scopes {
        Some(given) => given.iter().map(|scope| scope.as_str().to_owned()).collect(),
        None => decision.sentry_scopes.clone(),
    };
    let resource = Resource::parse(&server.config.issuer, &[&decision.resource])
        .map_err(|error| OAuthError::invalid_target(error.to_string()))?;
    let scopes = decision.scopes.iter().filter_map(|name| name.parse::<Scope>().ok()).collect();
    let code = server
        .tokens
        .approve(&Approval {
            client_id: &decision.client_id,
            client_name: decision.client_name.as_deref(),
            redirect_uri: &decision.redirect_uri,
            code_challenge: &decision.code_challenge,
            resource: &resource,
            scopes,
            subject: &user.id,
            label: &user.label,
            sentry: &held::encode(&tokens),
            sentry_scopes: &sentry_scopes,
            sentry_expires_at: tokens.expires_at,
        })
        .await?;
    Ok(code.expose().to_owned())
}
