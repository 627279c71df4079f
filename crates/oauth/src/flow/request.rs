//! The authorization request (RFC 6749 §4.1.1, OAuth 2.1 §4.1.1), read and checked.
//!
//! It is read twice: when the dialog is shown and when the person has decided. It changes
//! nothing and shows nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use scopes::{Scope, ScopeSet};

use super::respond::{Problem, ReturnTo};
use crate::{
    clients::{Client, redirect::RedirectUri},
    config::{ClientAddress, Config},
    error::{ErrorCode, OAuthError},
    params::Params,
    resource::Resource,
    server::Inner,
};

/// The longest query of an authorization request, in bytes.
pub(super) const LONGEST_QUERY: usize = 8 * 1024;

/// The longest `state` that is carried around, in bytes; it is opaque, and some are JSON.
const LONGEST_STATE: usize = 2048;

/// The longest `scope`; all of ours together have some 220 bytes.
const LONGEST_SCOPE: usize = 2048;

/// A request to which the dialog can be shown.
#[derive(Debug)]
pub(super) struct AuthorizationRequest {
    /// Who asks.
    pub(super) client: Client,
    /// Where the answer goes.
    pub(super) redirect: RedirectUri,
    /// The same with the client's state.
    pub(super) return_to: ReturnTo,
    /// The S256 challenge (RFC 7636 §4.3).
    pub(super) code_challenge: String,
    /// The scopes it asked for, of those there are.
    pub(super) asked: ScopeSet,
    /// What the token will be for.
    pub(super) resource: Resource,
}

/// A request to which it cannot.
#[derive(Debug)]
pub(super) enum Refused {
    /// Client or redirect are not known to be good: nobody is sent anywhere
    /// (RFC 6749 §4.1.2.1).
    Page(Box<Problem>),
    /// The client is told.
    Client(ReturnTo, OAuthError),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused::Page(Box::new(problem))
    }
}

/// Reads and checks the query of an authorization request.
pub(super) async fn read(
    server: &Inner,
    query: &str,
    from: Option<ClientAddress>,
) -> Result<AuthorizationRequest, Refused> {
    let unusable = |error: &OAuthError| {
        Problem::new(error.code(), "This login link cannot be used", sentence(error.description()))
    };
    if query.len() > LONGEST_QUERY {
        return Err(unusable(&OAuthError::invalid_request("the address is too long")).into());
    }
    let params = Params::parse(query.as_bytes()).map_err(|error| unusable(&error))?;
    let client_id = params.required("client_id").map_err(|error| unusable(&error))?;
    let redirect_uri = params.required("redirect_uri").map_err(|error| unusable(&error))?;
    let client = super::find_client(server, client_id, from).await?;
    let Some(redirect) = client.redirect(redirect_uri) else {
        return Err(Problem::new(
            ErrorCode::InvalidRequest,
            "This login link cannot be used",
            "The address to which the answer should go is not one that this program has registered.",
        )
        .into());
    };
    let redirect_uri = redirect.as_str().to_owned();
    // A state that cannot be returned as it came is not returned at all.
    let state = match state(&params) {
        Ok(state) => state,
        Err(error) => return Err(Refused::Client(ReturnTo { redirect_uri, state: None }, error)),
    };
    let return_to = ReturnTo { redirect_uri, state };
    match rest(&server.config, &params) {
        Ok((code_challenge, asked, resource)) => Ok(AuthorizationRequest {
            client,
            redirect,
            return_to,
            code_challenge,
            asked,
            resource,
        }),
        Err(error) => Err(Refused::Client(return_to, error)),
    }
}

/// VSCHAR, as RFC 6749 appendix A.5 has it.
fn state(params: &Params) -> Result<Option<String>, OAuthError> {
    let Some(state) = params.one("state")? else { return Ok(None) };
    if state.len() > LONGEST_STATE || !state.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Err(OAuthError::invalid_request(
            "state must be at most 2048 visible ASCII characters",
        ));
    }
    Ok(Some(state.to_owned()))
}

/// What is answered to the redirect URI if it is wrong.
fn rest(config: &Config, params: &Params) -> Result<(String, ScopeSet, Resource), OAuthError> {
    // `resource` has an error of its own for this (RFC 8707 §2).
    if params.repeats_beside(&["resource"]) {
        return Err(OAuthError::invalid_request("a parameter was sent more than once"));
    }
    // A request object would say something else than the parameters that are checked here.
    for name in ["request", "request_uri"] {
        if params.one(name)?.is_some() {
            return Err(OAuthError::new(
                ErrorCode::RequestNotSupported,
                "request objects are not supported; send the parameters themselves",
            ));
        }
    }
    if params.required("response_type")? != "code" {
        return Err(OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "response_type must be code",
        ));
    }
    if params.one("response_mode")?.is_some_and(|mode| mode != "query") {
        return Err(OAuthError::invalid_request("response_mode must be query"));
    }
    let resources: Vec<&str> = params.all("resource").collect();
    let resource = Resource::parse(&config.issuer, &resources)
        .map_err(|error| OAuthError::invalid_target(error.to_string()))?;
    let challenge = challenge(params)?;
    Ok((challenge, asked(params)?, resource))
}

/// PKCE with S256 from every client (RFC 9700 §2.1.1). An absent method means `plain`
/// (RFC 7636 §4.3), which is refused like a present one.
fn challenge(params: &Params) -> Result<String, OAuthError> {
    let challenge = params.required("code_challenge")?;
    if params.one("code_challenge_method")? != Some("S256") {
        return Err(OAuthError::invalid_request("code_challenge_method must be S256"));
    }
    // Exactly what SHA-256 and base64url without padding give (RFC 7636 §4.2).
    match URL_SAFE_NO_PAD.decode(challenge) {
        Ok(digest) if digest.len() == 32 => Ok(challenge.to_owned()),
        _ => Err(OAuthError::invalid_request(
            "code_challenge must be the base64url of a SHA-256, 43 characters",
        )),
    }
}

/// The scopes that the client asks for. Names this server does not have are ignored, as
/// RFC 6749 §3.3 allows: the person decides anyway, and the token answer says what was granted.
fn asked(params: &Params) -> Result<ScopeSet, OAuthError> {
    let Some(text) = params.one("scope")? else { return Ok(ScopeSet::EMPTY) };
    let token = |b: u8| matches!(b, b'!' | b'#'..=b'[' | b']'..=b'~' | b' ');
    if text.len() > LONGEST_SCOPE || !text.bytes().all(token) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "the scope is malformed"));
    }
    Ok(text.split(' ').filter_map(|name| name.parse::<Scope>().ok()).collect())
}

/// A description as a sentence for a page.
pub(super) fn sentence(description: &str) -> String {
    let mut chars = description.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    let end = if description.ends_with('.') { "" } else { "." };
    first.into_iter().chain(chars).chain(end.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    const GOOD: &str = "response_type=code&code_challenge_method=S256\
                        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn rest_of(query: &str) -> Result<(String, ScopeSet, Resource), OAuthError> {
        rest(&config("https://mcp.example.test"), &Params::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn the_least_request_is_for_everything_and_asks_for_nothing() {
        let (_, asked, resource) = rest_of(GOOD).unwrap();
        assert!(asked.is_empty());
        assert_eq!(resource.path(), "/mcp");
    }

    #[test]
    fn unknown_scopes_are_ignored_and_malformed_ones_refused() {
        let asked = |scope: &str| rest_of(&format!("{GOOD}&scope={scope}")).map(|rest| rest.1);
        assert_eq!(
            asked("event:write+offline_access+Event:Read").unwrap().to_string(),
            "event:write"
        );
        assert_eq!(asked("event:read++org:read").unwrap().to_string(), "org:read, event:read");
        for bad in ["a%22b", "a%5Cb", "%C3%A9", &"x".repeat(LONGEST_SCOPE + 1)] {
            assert_eq!(asked(bad).unwrap_err().code(), ErrorCode::InvalidScope, "{bad}");
        }
    }

    #[test]
    fn every_other_mistake_has_its_code() {
        let change = |from: &str, to: &str| GOOD.replace(from, to);
        for (query, code) in [
            (change("response_type=code", "x=y"), ErrorCode::InvalidRequest),
            (change("=code&", "=token&"), ErrorCode::UnsupportedResponseType),
            (change("=code&", "=code+id_token&"), ErrorCode::UnsupportedResponseType),
            (change("S256", "plain"), ErrorCode::InvalidRequest),
            (change("S256", "s256"), ErrorCode::InvalidRequest),
            (change("code_challenge_method=S256", "x=y"), ErrorCode::InvalidRequest),
            (change("E9Mel", "E9Me"), ErrorCode::InvalidRequest),
            (change("E9Mel", "E9Mel="), ErrorCode::InvalidRequest),
            (change("E9Mel", "E9Me%2B"), ErrorCode::InvalidRequest),
            (format!("{GOOD}&code_challenge=x"), ErrorCode::InvalidRequest),
            (format!("{GOOD}&unknown=1&unknown=2"), ErrorCode::InvalidRequest),
            (format!("{GOOD}&response_mode=fragment"), ErrorCode::InvalidRequest),
            (format!("{GOOD}&response_mode=form_post"), ErrorCode::InvalidRequest),
            (format!("{GOOD}&request=ey"), ErrorCode::RequestNotSupported),
            (format!("{GOOD}&request_uri=https://a.test"), ErrorCode::RequestNotSupported),
            (format!("{GOOD}&resource="), ErrorCode::InvalidTarget),
            (format!("{GOOD}&resource=https://other.test/mcp"), ErrorCode::InvalidTarget),
            (
                format!(
                    "{GOOD}&resource=https://mcp.example.test/mcp&resource=https://mcp.example.test/mcp"
                ),
                ErrorCode::InvalidTarget,
            ),
        ] {
            assert_eq!(rest_of(&query).unwrap_err().code(), code, "{query}");
        }
    }

    #[test]
    fn a_state_is_returned_as_it_came_or_not_at_all() {
        let state_of = |query: &str| state(&Params::parse(query.as_bytes()).unwrap());
        assert_eq!(state_of("state=a%20b%26c").unwrap().as_deref(), Some("a b&c"));
        assert_eq!(state_of("x=1").unwrap(), None);
        for bad in ["state=1&state=2", "state=%C3%A9", &format!("state={}", "x".repeat(2049))] {
            assert!(state_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_description_becomes_a_sentence() {
        assert_eq!(sentence("the address is too long"), "The address is too long.");
        assert_eq!(sentence(""), ".");
    }
}
