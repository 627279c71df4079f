//! Sentry's own OAuth pages: `/oauth/authorize/` and `/oauth/token/`, with what tests set about
//! them. Does not know the API: it only says whose token one is, and registers no client.
//!
//! Facts: Sentry's public documentation of OAuth (docs.sentry.io/api/auth/): the parameters, the
//! `user` and `scope` in the answer, S256, tokens that live 30 days, refresh tokens that rotate.

mod authorize;
mod grants;
mod pages;
mod token;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    Simulation,
    auth::{self, ADMIN_USER, Identity, MEMBER_USER, Unauthenticated},
    data::World,
    oauth::grants::Grants,
    routes::{Call, Reply},
};

/// The id of the one client that the simulated Sentry knows.
pub const OAUTH_CLIENT_ID: &str = "simulated-client";

/// The secret of [`OAUTH_CLIENT_ID`]. It opens nothing but simulations.
pub const OAUTH_CLIENT_SECRET: &str = "simulated-client-secret";

/// How long an access token lives unless a test says otherwise; Sentry's 30 days.
const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Who can sign in to the simulated Sentry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthUser {
    /// User 1, an owner of both organizations.
    Owner,
    /// User 2, a plain member of `aurora-labs`.
    Member,
}

impl OAuthUser {
    const ALL: [Self; 2] = [Self::Owner, Self::Member];

    /// Sentry's id of the user: the `user.id` of the token answer, and the value of the form's
    /// field `user`.
    pub fn id(self) -> u64 {
        match self {
            Self::Owner => ADMIN_USER,
            Self::Member => MEMBER_USER,
        }
    }
}

/// What tests set, and what was issued.
#[derive(Debug, Default)]
pub(crate) struct OAuth(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    grants: Grants,
    /// Who approves without being asked.
    approves: Option<OAuthUser>,
    lifetime: Option<Duration>,
    /// At most these scopes are given.
    scope_limit: Option<Vec<String>>,
    /// Redirects beside the loopback ones.
    redirects: Vec<String>,
}

impl OAuth {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The identity behind an access token that was issued here.
    pub(crate) fn identity(&self, token: &str) -> Result<Identity, Unauthenticated> {
        self.lock().grants.identity(token, now())
    }
}

/// Answers a request under `/oauth/`.
pub(crate) fn answer(oauth: &OAuth, world: &World, call: &Call<'_>) -> Reply {
    let state = &mut *oauth.lock();
    match (call.path, call.method) {
        ("/oauth/authorize/", "GET") => authorize::ask(state, world, call),
        ("/oauth/authorize/", "POST") => authorize::decide(state, call),
        ("/oauth/token/", "POST") => token::answer(state, world, call),
        ("/oauth/authorize/" | "/oauth/token/", _) => pages::refusal(405, "Method not allowed."),
        _ => Reply::no_page(),
    }
}

/// The form with its secrets blanked: what may be remembered about a request.
pub(crate) fn without_secrets(form: &str) -> String {
    const SECRET: [&str; 4] = ["client_secret", "code", "code_verifier", "refresh_token"];
    let blank = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if SECRET.contains(&name) => format!("{name}=[redacted]"),
        _ => pair.to_owned(),
    };
    form.split('&').map(blank).collect::<Vec<_>>().join("&")
}

/// Seconds since the Unix epoch. Tokens live in real time, unlike the data set.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Scopes as Sentry stores them: only known ones, with what they include, in a fixed order.
/// `Err` names an unknown one.
fn expand_scopes(asked: &str) -> Result<Vec<&'static str>, String> {
    let asked: Vec<&str> = asked.split_ascii_whitespace().collect();
    if let Some(unknown) = asked.iter().find(|scope| !auth::ALL_SCOPES.contains(scope)) {
        return Err((*unknown).to_owned());
    }
    let held = |scope: &&str| asked.iter().any(|asked| auth::covers(asked, scope));
    Ok(auth::ALL_SCOPES.iter().copied().filter(|scope| held(scope)).collect())
}

impl Simulation {
    /// Where a browser is sent to sign in and approve: `{url}/oauth/authorize/`.
    pub fn oauth_authorize_url(&self) -> String {
        format!("{}/oauth/authorize/", self.url())
    }

    /// Where codes and refresh tokens are exchanged: `{url}/oauth/token/`.
    pub fn oauth_token_url(&self) -> String {
        format!("{}/oauth/token/", self.url())
    }

    /// Makes this user approve everything from now on, without a page; `None` shows the page.
    pub fn approve_oauth_as(&self, user: Option<OAuthUser>) {
        self.shared.oauth.lock().approves = user;
    }

    /// Sets how long the access tokens made from now on live; Sentry's own live 30 days.
    pub fn set_oauth_token_lifetime(&self, lifetime: Duration) {
        self.shared.oauth.lock().lifetime = Some(lifetime);
    }

    /// Gives at most these scopes from now on, whatever is asked; `None` gives what is asked.
    pub fn limit_oauth_scopes(&self, scopes: Option<&[&str]>) {
        let scopes = scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect());
        self.shared.oauth.lock().scope_limit = scopes;
    }

    /// Accepts this redirect URI beside those on loopback, which are always accepted.
    pub fn allow_oauth_redirect(&self, uri: impl Into<String>) {
        self.shared.oauth.lock().redirects.push(uri.into());
    }

    /// Ends the life of every access token made so far; their refresh tokens still work.
    pub fn expire_oauth_tokens(&self) {
        self.shared.oauth.lock().grants.expire_all();
    }

    /// Forgets every code and token made so far, as when the person removes the application in
    /// Sentry: the API says 401, and refreshing says `invalid_grant`.
    pub fn revoke_oauth_tokens(&self) {
        self.shared.oauth.lock().grants.revoke_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_brings_what_it_includes_and_an_unknown_one_is_named() {
        assert_eq!(
            expand_scopes("team:read event:write"),
            Ok(vec!["event:read", "event:write", "team:read"])
        );
        assert_eq!(expand_scopes("event:read seer"), Err("seer".to_owned()));
        assert_eq!(expand_scopes(" "), Ok(vec![]));
    }

    #[test]
    fn what_is_remembered_of_a_form_holds_no_secret() {
        assert_eq!(
            without_secrets("grant_type=refresh_token&refresh_token=a&client_secret=b&scope=c"),
            "grant_type=refresh_token&refresh_token=[redacted]&client_secret=[redacted]&scope=c"
        );
        assert_eq!(without_secrets(""), "");
    }
}
