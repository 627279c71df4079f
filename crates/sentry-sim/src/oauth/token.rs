//! `POST /oauth/token/`: codes and refresh tokens become access tokens. Shows no page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    auth::Scopes,
    data::{World, date},
    oauth::{
        LIFETIME, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, OAuthUser, State, expand_scopes,
        grants::Issued, now,
    },
    routes::{Call, Reply, parse_query},
};

/// An OAuth error code with an explanation for people.
type Refused = (&'static str, &'static str);

/// Answers with the token, or with `{"error", "error_description"}`.
pub(super) fn answer(state: &mut State, world: &World, call: &Call<'_>) -> Reply {
    let body = String::from_utf8_lossy(call.body);
    let form = parse_query(&body);
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
    let known = field("client_id") == Some(OAUTH_CLIENT_ID)
        && field("client_secret") == Some(OAUTH_CLIENT_SECRET);
    let issued = if known {
        match field("grant_type") {
            Some("authorization_code") => redeem(state, field),
            Some("refresh_token") => refresh(state, field),
            _ => Err(("unsupported_grant_type", "The grant type is not supported.")),
        }
    } else {
        Err(("invalid_client", "The client is unknown, or its secret is wrong."))
    };
    let reply = match issued {
        Ok(issued) => token(world, &issued),
        Err((error, text)) => Reply::json(
            if error == "invalid_client" { 401 } else { 400 },
            &json!({ "error": error, "error_description": text }),
        ),
    };
    reply.header("cache-control", "no-store".to_owned()).header("pragma", "no-cache".to_owned())
}

fn redeem<'f>(
    state: &mut State,
    field: impl Fn(&str) -> Option<&'f str>,
) -> Result<Issued, Refused> {
    let code = field("code").ok_or(("invalid_request", "There is no code."))?;
    let approval = state
        .grants
        .redeem(code, now())
        .ok_or(("invalid_grant", "The code is unknown, expired or already used."))?;
    if field("redirect_uri") != Some(&approval.redirect_uri) {
        return Err(("invalid_grant", "The redirect_uri is not the one of the authorization."));
    }
    let verifier = field("code_verifier");
    if verifier.map(challenge) != approval.challenge {
        return Err(("invalid_grant", "The code_verifier does not match."));
    }
    Ok(issue(state, approval.user, Scopes::Owned(approval.scopes)))
}

/// The old pair is gone at once: Sentry replaces it in place.
fn refresh<'f>(
    state: &mut State,
    field: impl Fn(&str) -> Option<&'f str>,
) -> Result<Issued, Refused> {
    let token = field("refresh_token").ok_or(("invalid_request", "There is no refresh_token."))?;
    let mut scopes = match field("scope").map(expand_scopes) {
        None => None,
        Some(Ok(scopes)) => Some(scopes),
        Some(Err(_unknown)) => return Err(("invalid_scope", "A scope is unknown.")),
    };
    let old = state.grants.take(token).ok_or(("invalid_grant", "The refresh token is unknown."))?;
    if let Some(scopes) = &mut scopes {
        scopes.retain(|scope| old.scopes.contains(scope));
    }
    Ok(issue(state, old.user, scopes.map_or(old.scopes, Scopes::Owned)))
}

fn issue(state: &mut State, user: OAuthUser, scopes: Scopes) -> Issued {
    let lifetime = state.lifetime.unwrap_or(LIFETIME).as_secs();
    let expires_at = now().saturating_add(i64::try_from(lifetime).unwrap_or(i64::MAX));
    state.grants.issue(user, scopes, expires_at)
}

fn token(world: &World, issued: &Issued) -> Reply {
    let user = world.user(issued.user.id());
    Reply::json(
        200,
        &json!({
            "access_token": issued.access,
            "refresh_token": issued.refresh,
            "token_type": "Bearer",
            "expires_in": issued.expires_at - now(),
            "expires_at": date(issued.expires_at),
            "scope": issued.scopes.join(" "),
            "user": {
                "id": issued.user.id().to_string(),
                "name": user.map(|user| user.name),
                "email": user.map(|user| user.email),
            },
        }),
    )
}

/// S256 (RFC 7636 §4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
