//! `/oauth/authorize/`: checks the request, asks the person, sends the browser back. Makes no token.

use crate::{
    data::World,
    oauth::{OAUTH_CLIENT_ID, OAuthUser, State, expand_scopes, grants::Approval, now, pages},
    routes::{Call, Reply, encode_query, parse_query},
};

/// What a client asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) state: Option<String>,
    pub(super) challenge: Option<String>,
}

/// Where a refusal is shown: to the person, or to the client through its redirect.
enum Refusal {
    Page(Reply),
    Redirect(Reply),
}

/// The form, or the redirect if somebody approves without being asked.
pub(super) fn ask(state: &mut State, world: &World, call: &Call<'_>) -> Reply {
    match checked(state, |name| call.param(name).map(str::to_owned)) {
        Ok((request, scopes)) => match state.approves {
            Some(user) => approve(state, &request, scopes, user),
            None => pages::consent(world, &request, &scopes),
        },
        Err(Refusal::Page(reply) | Refusal::Redirect(reply)) => reply,
    }
}

/// The answer to the form. It carries the whole request again, because nobody has a session here.
pub(super) fn decide(state: &mut State, call: &Call<'_>) -> Reply {
    let body = String::from_utf8_lossy(call.body);
    let form = parse_query(&body);
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_string());
    let (request, scopes) = match checked(state, field) {
        Ok(checked) => checked,
        Err(Refusal::Page(reply) | Refusal::Redirect(reply)) => return reply,
    };
    match field("op").as_deref() {
        Some("approve") => {
            let user = field("user").and_then(|id| id.parse().ok());
            match OAuthUser::ALL.into_iter().find(|known| Some(known.id()) == user) {
                Some(user) => approve(state, &request, scopes, user),
                None => pages::refusal(400, "Choose who signs in."),
            }
        }
        Some("deny") => back(&request, &[("error", "access_denied")]),
        _ => pages::refusal(400, "Choose to approve or to deny."),
    }
}

fn approve(
    state: &mut State,
    request: &Request,
    mut scopes: Vec<&'static str>,
    user: OAuthUser,
) -> Reply {
    if let Some(limit) = &state.scope_limit {
        scopes.retain(|scope| limit.iter().any(|allowed| allowed == scope));
    }
    let approval = Approval {
        user,
        scopes,
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
    };
    let code = state.grants.issue_code(approval, now());
    back(request, &[("code", &code)])
}

/// The checks in Sentry's order: an unknown client or redirect never gets a redirect.
fn checked(
    state: &State,
    field: impl Fn(&str) -> Option<String>,
) -> Result<(Request, Vec<&'static str>), Refusal> {
    let page = |text| Err(Refusal::Page(pages::refusal(400, text)));
    if field("client_id").as_deref() != Some(OAUTH_CLIENT_ID) {
        return page("Missing or invalid client_id parameter.");
    }
    let request = Request {
        redirect_uri: field("redirect_uri").unwrap_or_default(),
        scope: field("scope").unwrap_or_default(),
        state: field("state"),
        challenge: field("code_challenge"),
    };
    if !is_loopback(&request.redirect_uri) && !state.redirects.contains(&request.redirect_uri) {
        return page("Missing or invalid redirect_uri parameter.");
    }
    let refuse = |error| Err(Refusal::Redirect(back(&request, &[("error", error)])));
    if field("response_type").as_deref() != Some("code") {
        return refuse("unsupported_response_type");
    }
    // `plain` is not accepted, and without a method it would be plain (RFC 7636 §4.3).
    let method = field("code_challenge_method");
    if request.challenge.is_some() != method.is_some() || method.is_some_and(|name| name != "S256")
    {
        return refuse("invalid_request");
    }
    match expand_scopes(&request.scope) {
        Ok(scopes) => Ok((request, scopes)),
        Err(_unknown) => refuse("invalid_scope"),
    }
}

/// The redirect to the client, with its `state`.
fn back(request: &Request, fields: &[(&str, &str)]) -> Reply {
    let state = request.state.as_deref().map(|state| ("state", state));
    let query = encode_query(fields.iter().copied().chain(state));
    let separator = if request.redirect_uri.contains('?') { '&' } else { '?' };
    Reply::redirect(format!("{}{separator}{query}", request.redirect_uri))
}

/// Whether the address is plain http to this machine, with any port.
fn is_loopback(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_to_this_machine_is_loopback() {
        for uri in ["http://127.0.0.1:8787/oauth/callback", "http://localhost/", "http://[::1]:1"] {
            assert!(is_loopback(uri), "{uri}");
        }
        for uri in [
            "",
            "https://mcp.example.test/oauth/callback",
            "http://127.0.0.1.example.test/",
            "http://127.0.0.1@example.test/",
            "http://127.0.0.1:80@example.test/",
            "http://localhost.example.test:80/",
        ] {
            assert!(!is_loopback(uri), "{uri}");
        }
    }
}
