//! Refreshing (RFC 6749 section 6) with rotation (RFC 9700 section 4.14.2).
//!
//! Each use of a refresh token replaces it. The answer with the new tokens can get lost, and
//! two windows of one program can refresh at the same time, so for 30 s the old token gets the
//! **identical** answer again. What is stored for that is sealed under a key that is derived
//! from the old token: who has only the store cannot open it.
//!
//! That ends as soon as the successor was used, which proves that the answer arrived. Only the
//! use of the new *refresh* token counts. The use of the new access token does not: of two
//! windows that refresh together, the first calls a tool at once, and would otherwise end the
//! session of both. The price is small. A thief who repeats an old refresh token inside its
//! 30 s shares the new one with its owner, and whichever of them refreshes second ends the
//! family.

use scopes::{Scope, ScopeSet};
use secrecy::{ExposeSecret as _, SecretString};

use super::{TokenAnswer, TokenError, Tokens, stored_scopes};
use crate::{
    resource::Resource,
    seal::{Key, Place, SealError, Sealed},
    secret::Digest,
    store::{GrantId, GrantRecord, REPLAY_WINDOW, Replay, Rotated, Rotation},
};

/// Why a grant ends whose refresh token was used twice, in words for the person.
const REFRESH_TOKEN_REUSED: &str =
    "one of its refresh tokens was used twice, as if it had been stolen";

/// For what a key is derived from a refresh token.
const REPLAY: &str = "replay";

/// A token request with a refresh token, of a client that was authenticated.
#[derive(Clone, Copy)]
pub struct Refresh<'a> {
    /// The client.
    pub client_id: &'a str,
    /// `refresh_token`
    pub refresh_token: &'a str,
    /// `scope`, if it was sent.
    pub scope: Option<&'a str>,
    /// `resource`, as often as it was sent.
    pub resources: &'a [&'a str],
}

impl Refresh<'_> {
    /// What tells requests with the same token apart.
    fn fingerprint(&self) -> Digest {
        Digest::of(&serde_json::json!([self.scope, self.resources]).to_string())
    }
}

impl Tokens {
    /// Replaces a refresh token, and gives a new access token with it.
    ///
    /// The access token may be asked for with fewer scopes (RFC 6749 section 6) and for a part
    /// of the resource (RFC 8707 section 2.2), never for more. The new refresh token has what
    /// was approved. A token of another client is refused and stays as it is.
    pub async fn refresh(&self, request: Refresh<'_>) -> Result<TokenAnswer, TokenError> {
        let digest = Digest::of_secret(request.refresh_token).ok_or(TokenError::RefreshToken)?;
        let (token, grant) = self.store.refresh(&digest).await?.ok_or(TokenError::RefreshToken)?;
        if token.client_id != request.client_id {
            return Err(TokenError::RefreshToken);
        }
        if grant.revoked_at.is_some() {
            return Err(TokenError::Revoked { reason: grant.revoked_reason.unwrap_or_default() });
        }
        let superseded = token.superseded_at.is_some();
        if !superseded && token.expires_at <= self.clock.now() {
            return Err(TokenError::RefreshToken);
        }
        let (scopes, resource) = match self.asked(&grant, &request) {
            // A superseded token is judged as such, whatever it is used for; nothing of
            // what is made for it below is kept.
            Err(_) if superseded => {
                self.asked(&grant, &Refresh { scope: None, resources: &[], ..request })?
            }
            other => other?,
        };
        let (issued, answer) = self.issue(&grant, scopes, &resource)?;
        let replay = Replay {
            answer: seal_answer(&request, &digest, answer.json())?,
            request: request.fingerprint(),
        };
        let rotation = Rotation {
            presented: &digest,
            issued: &issued,
            replay: &replay,
            window: REPLAY_WINDOW,
            reuse_reason: REFRESH_TOKEN_REUSED,
            now: self.clock.now(),
        };
        // Held over the call, in case nobody waits for its end.
        let _forgotten = superseded.then(|| self.cache.forgetting(&grant.id));
        match self.store.rotate_refresh(rotation).await? {
            Rotated::Yes => Ok(answer),
            Rotated::Replay { request: earlier, .. } if earlier != replay.request => {
                Err(TokenError::Replaced)
            }
            Rotated::Replay { answer, .. } => repeat(&request, &digest, &grant.id, &answer),
            Rotated::Reused(grant) => {
                drop(self.cache.forgetting(&grant));
                let client = &token.client_id;
                tracing::warn!(%grant, %client, "a refresh token was used twice");
                Err(TokenError::RefreshTokenReused)
            }
            Rotated::No => Err(TokenError::RefreshToken),
        }
    }

    fn asked(
        &self,
        grant: &GrantRecord,
        request: &Refresh<'_>,
    ) -> Result<(ScopeSet, Resource), TokenError> {
        let granted = stored_scopes(&grant.id, &grant.scopes);
        let scopes = fewer(granted, request.scope.unwrap_or_default())?;
        let approved = Resource::parse(&self.issuer, &[&grant.resource])?;
        Ok((scopes, approved.narrowed(&self.issuer, request.resources)?))
    }
}

/// The scopes that a request names, if they were granted; all that were granted if it names
/// none (RFC 6749 section 3.1: a parameter without a value was not sent).
fn fewer(granted: ScopeSet, asked: &str) -> Result<ScopeSet, TokenError> {
    let names = asked.split(' ').filter(|name| !name.is_empty());
    let scopes =
        names.map(str::parse).collect::<Result<Vec<Scope>, _>>().map_err(|_| TokenError::Scope)?;
    if scopes.is_empty() {
        return Ok(granted);
    }
    let asked = ScopeSet::of(&scopes);
    if granted.covers(asked) { Ok(asked) } else { Err(TokenError::Scope) }
}

fn replay_place(row: &str) -> Place<'_> {
    Place { table: "refresh_tokens", row, column: "replay" }
}

fn seal_answer(request: &Refresh<'_>, digest: &Digest, json: &str) -> Result<Sealed, SealError> {
    let key = Key::from_secret(request.refresh_token, REPLAY);
    key.seal(replay_place(&digest.to_text()), json.as_bytes())
}

/// The answer that was given before, byte by byte.
fn repeat(
    request: &Refresh<'_>,
    digest: &Digest,
    grant: &GrantId,
    answer: &Sealed,
) -> Result<TokenAnswer, TokenError> {
    let key = Key::from_secret(request.refresh_token, REPLAY);
    let plain = key.open(replay_place(&digest.to_text()), answer)?;
    let json = std::str::from_utf8(plain.expose_secret()).map_err(|_| SealError::Broken)?;
    Ok(TokenAnswer { grant: grant.clone(), json: SecretString::from(json) })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{REFRESH_LIFETIME, testing::Fixture},
        *,
    };
    use crate::{error::ErrorCode, store::SECOND};

    #[tokio::test]
    async fn a_refresh_replaces_the_refresh_token_and_widens_nothing() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let second = fixture.refresh("client", &first).await.unwrap();
        for which in ["access_token", "refresh_token"] {
            assert_ne!(Fixture::field(&first, which), Fixture::field(&second, which));
        }
        assert_eq!(Fixture::field(&second, "scope"), "org:read event:write");
        assert_eq!(first.grant(), second.grant());
    }

    #[tokio::test]
    async fn inside_30_seconds_the_old_token_gets_the_identical_answer() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let second = fixture.refresh("client", &first).await.unwrap();
        // The new access token may have been used.
        let access = Fixture::field(&second, "access_token");
        fixture.tokens.authenticate(&access, "/mcp").await.unwrap();
        fixture.clock.advance(REPLAY_WINDOW - 1);
        let again = fixture.refresh("client", &first).await.unwrap();
        assert_eq!(again.json(), second.json());
        fixture.refresh("client", &again).await.unwrap();
    }

    #[tokio::test]
    async fn after_30_seconds_the_old_token_is_reuse_and_ends_the_family() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let second = fixture.refresh("client", &first).await.unwrap();
        fixture.clock.advance(REPLAY_WINDOW);
        let error = fixture.refresh("client", &first).await.unwrap_err();
        assert!(matches!(error, TokenError::RefreshTokenReused), "{error:?}");
        ended(&fixture, &second).await;
    }

    #[tokio::test]
    async fn once_the_successor_was_used_the_old_token_is_reuse_and_ends_the_family() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let second = fixture.refresh("client", &first).await.unwrap();
        let third = fixture.refresh("client", &second).await.unwrap();
        let access = Fixture::field(&third, "access_token");
        fixture.tokens.authenticate(&access, "/mcp").await.unwrap();
        fixture.clock.advance(SECOND);
        let error = fixture.refresh("client", &first).await.unwrap_err();
        assert!(matches!(error, TokenError::RefreshTokenReused), "{error:?}");
        ended(&fixture, &third).await;
        // Once more, and for the successors: the reason is told.
        for answer in [&first, &second, &third] {
            let error = fixture.refresh("client", answer).await.unwrap_err();
            assert!(error.to_string().contains("used twice"), "{error}");
        }
    }

    async fn ended(fixture: &Fixture, answer: &TokenAnswer) {
        let access = Fixture::field(answer, "access_token");
        assert!(fixture.tokens.authenticate(&access, "/mcp").await.is_err());
        let error = fixture.refresh("client", answer).await.unwrap_err();
        assert!(matches!(error, TokenError::Revoked { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn another_client_gets_nothing_and_ends_nothing() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let error = fixture.refresh("other", &first).await.unwrap_err();
        assert!(matches!(error, TokenError::RefreshToken), "{error:?}");
        let second = fixture.refresh("client", &first).await.unwrap();
        // The superseded one neither, in its window and after.
        for _ in 0..2 {
            let error = fixture.refresh("other", &first).await.unwrap_err();
            assert!(matches!(error, TokenError::RefreshToken), "{error:?}");
            fixture.clock.advance(REPLAY_WINDOW);
        }
        fixture.refresh("client", &second).await.unwrap();
    }

    #[tokio::test]
    async fn a_refresh_token_ends_30_days_after_it_was_issued() {
        for (age, valid) in [(REFRESH_LIFETIME - 1, true), (REFRESH_LIFETIME, false)] {
            let fixture = Fixture::new().await;
            let first = fixture.login("client").await;
            fixture.clock.advance(age);
            assert_eq!(fixture.refresh("client", &first).await.is_ok(), valid, "{age}");
        }
    }

    #[tokio::test]
    async fn what_is_no_refresh_token_is_refused() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let access = Fixture::field(&answer, "access_token");
        for token in [access.as_str(), "", "unknown", &"A".repeat(43), &"é".repeat(50_000)] {
            let error = fixture.refresh_with("client", token, None, &[]).await.unwrap_err();
            assert!(matches!(error, TokenError::RefreshToken), "{error:?}");
        }
    }

    #[tokio::test]
    async fn an_access_token_can_have_less_and_the_next_one_all_again() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let token = Fixture::field(&first, "refresh_token");
        let part = ["https://mcp.example.test/mcp/acme"];
        let second =
            fixture.refresh_with("client", &token, Some("event:read"), &part).await.unwrap();
        assert_eq!(Fixture::field(&second, "scope"), "event:read");
        let access = Fixture::field(&second, "access_token");
        let access = fixture.tokens.authenticate(&access, "/mcp/acme").await.unwrap();
        assert_eq!(access.scopes.to_string(), "event:read");
        assert_eq!(access.resource.path(), "/mcp/acme");

        let third = fixture.refresh("client", &second).await.unwrap();
        assert_eq!(Fixture::field(&third, "scope"), "org:read event:write");
    }

    #[tokio::test]
    async fn asking_for_more_is_refused_and_does_not_use_up_the_token() {
        let fixture = Fixture::new().await;
        let answer = fixture.login_for("client", "https://mcp.example.test/mcp/acme").await;
        let token = Fixture::field(&answer, "refresh_token");
        for (scope, resource, expected) in [
            (Some("event:admin"), None, ErrorCode::InvalidScope),
            (Some("org:read planet:read"), None, ErrorCode::InvalidScope),
            (Some("org:read,event:read"), None, ErrorCode::InvalidScope),
            (None, Some("https://mcp.example.test/mcp"), ErrorCode::InvalidTarget),
            (None, Some("https://mcp.example.test/mcp/acme2"), ErrorCode::InvalidTarget),
            (None, Some("https://other.example.test/mcp/acme"), ErrorCode::InvalidTarget),
        ] {
            let resources: Vec<&str> = resource.into_iter().collect();
            let result = fixture.refresh_with("client", &token, scope, &resources).await;
            assert_eq!(result.unwrap_err().code(), expected, "{scope:?} {resource:?}");
        }
        fixture.refresh("client", &answer).await.unwrap();
    }

    #[tokio::test]
    async fn the_answer_is_repeated_only_to_the_same_request() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let token = Fixture::field(&first, "refresh_token");
        let second = fixture.refresh("client", &first).await.unwrap();
        let other = fixture.refresh_with("client", &token, Some("org:read"), &[]).await;
        assert!(matches!(other, Err(TokenError::Replaced)), "{other:?}");
        // Neither did it end anything.
        fixture.refresh("client", &second).await.unwrap();
    }

    #[tokio::test]
    async fn a_wrong_parameter_does_not_hide_a_reuse() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let token = Fixture::field(&first, "refresh_token");
        let second = fixture.refresh("client", &first).await.unwrap();
        fixture.clock.advance(REPLAY_WINDOW);
        let result = fixture.refresh_with("client", &token, Some("org:admin"), &[]).await;
        assert!(matches!(result, Err(TokenError::RefreshTokenReused)), "{result:?}");
        ended(&fixture, &second).await;
    }

    #[tokio::test]
    async fn the_store_alone_cannot_open_what_it_repeats() {
        let fixture = Fixture::new().await;
        let first = fixture.login("client").await;
        let second = fixture.refresh("client", &first).await.unwrap();
        let stored = fixture.dump().await;
        for answer in [&first, &second] {
            for which in ["access_token", "refresh_token"] {
                assert!(!stored.contains(&Fixture::field(answer, which)), "{which}");
            }
        }
        assert!(!stored.contains("sentry-token") && !stored.contains("access_token\""));
    }

    #[tokio::test]
    async fn simultaneous_refreshes_get_one_answer() {
        let fixture = Fixture::on_file().await;
        let first = fixture.login("client").await;
        let token = Fixture::field(&first, "refresh_token");
        let results = fixture.at_once(8, |tokens| {
            let token = token.clone();
            async move {
                let request = Refresh {
                    client_id: "client",
                    refresh_token: &token,
                    scope: None,
                    resources: &[],
                };
                tokens.refresh(request).await
            }
        });
        let answers: Vec<_> = results.await.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
        assert_ne!(Fixture::field(&answers[0], "refresh_token"), token);
        fixture.refresh("client", &answers[0]).await.unwrap();
    }
}
