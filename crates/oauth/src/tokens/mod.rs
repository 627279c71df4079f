//! Codes and tokens: what is issued, what is accepted, and what ends it.
//!
//! All of them are opaque random texts that point at a grant. This module decides about them;
//! the store keeps them, and the endpoints read the requests and write the answers. Nothing
//! here talks to Sentry.
//!
//! Everything that ends a grant goes through [`Tokens`], because it also empties the cache of
//! [`Tokens::authenticate`].

mod access;
mod cache;
mod code;
mod error;
mod keys;
mod refresh;
#[cfg(test)]
mod testing;

use std::{fmt, sync::Arc};

use scopes::ScopeSet;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Serialize;
use url::Url;

use self::cache::Cache;
pub use self::{
    access::{Access, Denied},
    code::{Approval, CodeExchange},
    error::TokenError,
    keys::{UnknownKeys, rekey},
    refresh::Refresh,
};
use crate::{
    resource::Resource,
    seal::KeyRing,
    secret::{NoRandomness, Secret},
    store::{
        AccessRecord, Clock, DAY, GrantId, GrantRecord, GrantStore, HOUR, Issued, Millis,
        RefreshRecord, SECOND, StoreError, Swept,
    },
};

/// How long a code can be redeemed. RFC 6749 section 4.1.2 allows ten minutes at most.
pub const CODE_LIFETIME: Millis = 60 * SECOND;

/// How long an access token lives.
pub const ACCESS_LIFETIME: Millis = HOUR;

/// How long a refresh token lives unless it is used; each use starts a new one.
pub const REFRESH_LIFETIME: Millis = 30 * DAY;

/// The most rows that one sweep removes.
const SWEEP_LIMIT: u32 = 10_000;

/// The most rows that one step of a sweep removes, so that no request waits long for it.
const SWEEP_STEP: u32 = 500;

/// Issues, checks and ends codes and tokens.
#[derive(Debug)]
pub struct Tokens {
    store: Arc<dyn GrantStore>,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
    issuer: Url,
    cache: Cache,
}

/// Sentry's tokens of a grant.
pub struct SentryTokens {
    /// What was stored, opened.
    pub plain: SecretSlice<u8>,
    /// To be given back to [`Tokens::replace_sentry_tokens`].
    pub version: i64,
    /// The scopes that Sentry gave, as it named them.
    pub scopes: Vec<String>,
    /// When Sentry's access token ends, if Sentry said so.
    pub expires_at: Option<Millis>,
}

impl fmt::Debug for SentryTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryTokens")
            .field("version", &self.version)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A successful answer of the token endpoint (RFC 6749 section 5.1).
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    grant: GrantId,
    json: SecretString,
}

impl TokenAnswer {
    /// The grant that the tokens belong to.
    pub fn grant(&self) -> &GrantId {
        &self.grant
    }

    /// The body, to be sent as it is, with `Cache-Control: no-store`.
    pub fn json(&self) -> &str {
        self.json.expose_secret()
    }
}

/// The body of a [`TokenAnswer`].
#[derive(Serialize)]
struct Body<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: Millis,
    refresh_token: &'a str,
    scope: &'a str,
}

impl Tokens {
    /// Works on a store, whose tables are up to date. `issuer` is the public address of the
    /// server, which every resource lies under.
    pub fn new(
        store: Arc<dyn GrantStore>,
        keys: KeyRing,
        clock: Arc<dyn Clock>,
        issuer: Url,
    ) -> Tokens {
        Tokens { store, keys, clock, issuer, cache: Cache::default() }
    }

    /// The store, for what has no rules: clients, people at Sentry, locks.
    pub fn store(&self) -> &Arc<dyn GrantStore> {
        &self.store
    }

    /// The keys for sealing and for cookies.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Opens Sentry's tokens of a grant; `None` if it is revoked or there is none.
    pub async fn sentry_tokens(&self, id: &GrantId) -> Result<Option<SentryTokens>, TokenError> {
        let Some(grant) = self.store.grant(id).await? else { return Ok(None) };
        let Some(sealed) = grant.sentry.filter(|_| grant.revoked_at.is_none()) else {
            return Ok(None);
        };
        Ok(Some(SentryTokens {
            plain: self.keys.open(GrantRecord::sentry_place(id), &sealed)?,
            version: grant.sentry_version,
            scopes: grant.sentry_scopes,
            expires_at: grant.sentry_expires_at,
        }))
    }

    /// Replaces Sentry's tokens of a grant, unless somebody did since they were read, or the
    /// grant ended. Whether it did. `tokens.version` is the one that was read.
    pub async fn replace_sentry_tokens(
        &self,
        id: &GrantId,
        tokens: &SentryTokens,
    ) -> Result<bool, TokenError> {
        let sealed = self.keys.seal(GrantRecord::sentry_place(id), tokens.plain.expose_secret())?;
        let _forgotten = self.cache.forgetting(id);
        let store = &self.store;
        Ok(store
            .replace_sentry_token(id, tokens.version, &sealed, &tokens.scopes, tokens.expires_at)
            .await?)
    }

    /// Ends a grant with all its tokens. The reason is told to the person. Whether it was live.
    pub async fn revoke_grant(&self, id: &GrantId, reason: &str) -> Result<bool, StoreError> {
        let _forgotten = self.cache.forgetting(id);
        let was_live = self.store.revoke_grant(id, reason, self.clock.now()).await?;
        if was_live {
            tracing::info!(grant = %id, reason, "a grant was revoked");
        }
        Ok(was_live)
    }

    /// Ends the grant of a token, if it belongs to the client and has not ended
    /// (RFC 7009 section 2.1). Anything else has no effect and is no error (section 2.2).
    ///
    /// An access token ends its grant like a refresh token does, which section 2.1 allows:
    /// whoever revokes wants to be out, and a refresh token that stays would be forgotten
    /// along with the Sentry tokens behind it.
    pub async fn revoke_token(&self, client_id: &str, presented: &str) -> Result<(), StoreError> {
        let Some(digest) = crate::secret::Digest::of_secret(presented) else { return Ok(()) };
        let now = self.clock.now();
        let found = match self.store.refresh(&digest).await? {
            Some((token, grant)) => Some((token.expires_at, grant)),
            None => {
                self.store.access(&digest).await?.map(|(token, grant)| (token.expires_at, grant))
            }
        };
        if let Some((expires_at, grant)) = found
            && grant.client_id == client_id
            && expires_at > now
        {
            self.revoke_grant(&grant.id, "the client ended it").await?;
        }
        Ok(())
    }

    /// Removes rows whose time is over, at most 10,000, in steps between which others can
    /// write. To be called every few minutes; doing it in several processes at once is fine.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let mut total = Swept::default();
        for _ in 0..SWEEP_LIMIT / SWEEP_STEP {
            let swept = self.store.sweep(self.clock.now(), SWEEP_STEP).await?;
            total.rows += swept.rows;
            total.more = swept.more;
            if !swept.more {
                break;
            }
        }
        Ok(total)
    }

    /// New tokens for a grant, and the answer that hands them out.
    fn issue(
        &self,
        grant: &GrantRecord,
        scopes: ScopeSet,
        resource: &Resource,
    ) -> Result<(Issued, TokenAnswer), NoRandomness> {
        let (access, refresh) = (Secret::random()?, Secret::random()?);
        let now = self.clock.now();
        let names: Vec<String> = scopes.iter().map(|scope| scope.to_string()).collect();
        let body = Body {
            access_token: access.expose(),
            token_type: "Bearer",
            expires_in: ACCESS_LIFETIME / SECOND,
            refresh_token: refresh.expose(),
            scope: &names.join(" "),
        };
        // A struct of texts and a number always becomes JSON.
        let json = SecretString::from(serde_json::to_string(&body).unwrap_or_default());
        let issued = Issued {
            access: AccessRecord {
                digest: access.digest(),
                grant: grant.id.clone(),
                scopes: names,
                resource: resource.as_str().to_owned(),
                expires_at: now.saturating_add(ACCESS_LIFETIME),
            },
            refresh: RefreshRecord {
                digest: refresh.digest(),
                grant: grant.id.clone(),
                client_id: grant.client_id.clone(),
                expires_at: now.saturating_add(REFRESH_LIFETIME),
                superseded_at: None,
            },
        };
        Ok((issued, TokenAnswer { grant: grant.id.clone(), json }))
    }
}

/// The scopes of a stored list; what is no scope of ours is dropped, with a warning.
fn stored_scopes(grant: &GrantId, names: &[String]) -> ScopeSet {
    let (scopes, unknown) = ScopeSet::parse_lenient(names.iter().map(String::as_str));
    if !unknown.is_empty() {
        tracing::warn!(%grant, ?unknown, "a stored grant lost scopes that do not exist");
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::{testing::Fixture, *};

    #[tokio::test]
    async fn sentrys_tokens_are_sealed_and_replaced_by_one_only() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let tokens = &fixture.tokens;
        let read = tokens.sentry_tokens(answer.grant()).await.unwrap().unwrap();
        assert_eq!(read.plain.expose_secret(), b"sentry-token");
        assert!(!format!("{read:?}").contains("115, 101"));

        let fresh = |plain: &str, version| SentryTokens {
            plain: SecretSlice::from(plain.as_bytes().to_vec()),
            version,
            scopes: vec!["org:read".into()],
            expires_at: Some(7),
        };
        let first = fresh("second", read.version);
        assert!(tokens.replace_sentry_tokens(answer.grant(), &first).await.unwrap());
        let late = fresh("third", read.version);
        assert!(!tokens.replace_sentry_tokens(answer.grant(), &late).await.unwrap());
        let read = tokens.sentry_tokens(answer.grant()).await.unwrap().unwrap();
        assert_eq!(read.plain.expose_secret(), b"second");
        assert_eq!((read.expires_at, read.scopes), (Some(7), vec!["org:read".to_owned()]));
    }

    #[tokio::test]
    async fn a_revoked_grant_forgets_sentrys_tokens_and_keeps_the_first_reason() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        assert!(fixture.tokens.revoke_grant(answer.grant(), "first").await.unwrap());
        assert!(!fixture.tokens.revoke_grant(answer.grant(), "second").await.unwrap());
        assert!(fixture.tokens.sentry_tokens(answer.grant()).await.unwrap().is_none());
        let grant = fixture.tokens.store().grant(answer.grant()).await.unwrap().unwrap();
        assert_eq!((grant.sentry, grant.revoked_reason.as_deref()), (None, Some("first")));
        let late = SentryTokens {
            plain: SecretSlice::from(b"late".to_vec()),
            version: 1,
            scopes: vec![],
            expires_at: None,
        };
        assert!(!fixture.tokens.replace_sentry_tokens(answer.grant(), &late).await.unwrap());
    }

    #[tokio::test]
    async fn revoking_either_token_ends_both_at_once() {
        for which in ["access_token", "refresh_token"] {
            let fixture = Fixture::new().await;
            let answer = fixture.login("client").await;
            let access = Fixture::field(&answer, "access_token");
            fixture.tokens.authenticate(&access, "/mcp").await.unwrap();

            let presented = Fixture::field(&answer, which);
            fixture.tokens.revoke_token("client", &presented).await.unwrap();
            let denied = fixture.tokens.authenticate(&access, "/mcp").await.unwrap_err();
            assert!(matches!(denied, Denied::Revoked { .. }), "{denied:?}");
            let error = fixture.refresh("client", &answer).await.unwrap_err();
            assert!(matches!(error, TokenError::Revoked { .. }), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_token_of_another_client_or_none_at_all_is_not_revoked_and_no_error() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let access = Fixture::field(&answer, "access_token");
        let refresh = Fixture::field(&answer, "refresh_token");
        for token in [access.as_str(), &refresh, "", "unknown", &"A".repeat(43), &"A".repeat(9999)]
        {
            fixture.tokens.revoke_token("other", token).await.unwrap();
        }
        fixture.tokens.authenticate(&access, "/mcp").await.unwrap();
        fixture.refresh("client", &answer).await.unwrap();
    }

    #[tokio::test]
    async fn a_token_that_has_ended_revokes_nothing() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        fixture.clock.advance(ACCESS_LIFETIME);
        let access = Fixture::field(&answer, "access_token");
        fixture.tokens.revoke_token("client", &access).await.unwrap();
        fixture.refresh("client", &answer).await.unwrap();
    }

    #[tokio::test]
    async fn no_secret_is_in_the_debug_text_of_an_answer() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let shown = format!("{answer:?} {:?}", fixture.tokens);
        for which in ["access_token", "refresh_token"] {
            assert!(!shown.contains(&Fixture::field(&answer, which)), "{shown}");
        }
    }
}
