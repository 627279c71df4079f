//! Checking an access token at a request.
//! It says who calls and what was granted; what that opens is decided elsewhere.

use std::sync::Arc;

use scopes::ScopeSet;
use thiserror::Error;

use super::{Tokens, stored_scopes};
use crate::{
    resource::Resource,
    secret::Digest,
    store::{AccessRecord, GrantId, GrantRecord, MINUTE, Millis, StoreError},
};

/// How exact `last_used_at` of a grant is. It is written in the background.
const USE_NOTED_EVERY: Millis = 5 * MINUTE;

/// What a valid access token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The grant. To be logged instead of the token.
    pub grant: GrantId,
    /// The id of the person at Sentry.
    pub subject: String,
    /// The client that the token was given to.
    pub client_id: String,
    /// What the client called itself.
    pub client_name: Option<String>,
    /// What was granted, unexpanded. Stored scopes that do not exist are dropped.
    pub scopes: ScopeSet,
    /// What Sentry gave, as far as it is among our sixteen.
    pub sentry_scopes: ScopeSet,
    /// Where the token is valid, and the fence that applies wherever it is used.
    pub resource: Resource,
    /// When it ends.
    pub expires_at: Millis,
}

/// A request does not get in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Denied {
    /// There is no such token: `invalid_token` (RFC 6750 section 3.1).
    #[error("the access token is unknown; authorize again")]
    Unknown,
    /// It ended: `invalid_token`.
    #[error("the access token has expired; refresh it")]
    Expired,
    /// Its grant ended: `invalid_token`.
    #[error("access was revoked: {reason}; authorize again")]
    Revoked {
        /// Why, in words for the person.
        reason: String,
    },
    /// It is for another resource (RFC 8707 section 2): `invalid_token`.
    #[error("the access token is for another resource; authorize for this one")]
    WrongResource,
    /// The store failed, which says nothing about the token: 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Tokens {
    /// Checks a token for a request to a path: known, not ended, not revoked, and for this
    /// resource or one that contains it (RFC 6750 section 3.1, RFC 8707 section 2).
    ///
    /// What this process revokes is refused from then on. What another process with the same
    /// store revokes is refused after five seconds at most, see the module `cache`.
    pub async fn authenticate(&self, presented: &str, path: &str) -> Result<Arc<Access>, Denied> {
        let digest = Digest::of_secret(presented).ok_or(Denied::Unknown)?;
        let now = self.clock.now();
        let access = match self.cache.find(&digest, now) {
            Ok(access) => access,
            Err(ticket) => {
                let (token, grant) = self.store.access(&digest).await?.ok_or(Denied::Unknown)?;
                let access = Arc::new(self.judge(&token, &grant)?);
                self.note_use(&grant, now);
                self.cache.keep(ticket, digest, Arc::clone(&access), now);
                access
            }
        };
        if access.expires_at <= now {
            return Err(Denied::Expired);
        }
        if !access.resource.opens(path) {
            return Err(Denied::WrongResource);
        }
        Ok(access)
    }

    fn judge(&self, token: &AccessRecord, grant: &GrantRecord) -> Result<Access, Denied> {
        if grant.revoked_at.is_some() {
            let reason = grant.revoked_reason.clone().unwrap_or_default();
            return Err(Denied::Revoked { reason });
        }
        // Stored under another public address: that was another server.
        let resource =
            Resource::parse(&self.issuer, &[&token.resource]).map_err(|_| Denied::WrongResource)?;
        // A token never has more than its grant, whatever its row says.
        let granted = stored_scopes(&grant.id, &grant.scopes);
        let scopes = stored_scopes(&grant.id, &token.scopes);
        let scopes =
            scopes.iter().filter(|scope| granted.covers(ScopeSet::of(&[*scope]))).collect();
        let (sentry_scopes, _) =
            ScopeSet::parse_lenient(grant.sentry_scopes.iter().map(String::as_str));
        Ok(Access {
            grant: grant.id.clone(),
            subject: grant.subject.clone(),
            client_id: grant.client_id.clone(),
            client_name: grant.client_name.clone(),
            scopes,
            sentry_scopes,
            resource,
            expires_at: token.expires_at,
        })
    }

    /// Notes the use of a grant without making the request wait.
    fn note_use(&self, grant: &GrantRecord, now: Millis) {
        if now.saturating_sub(grant.last_used_at) < USE_NOTED_EVERY {
            return;
        }
        let (store, id) = (Arc::clone(&self.store), grant.id.clone());
        tokio::spawn(async move {
            if let Err(error) = store.touch_grant(&id, now).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(grant = %id, error, "the use of a grant could not be noted");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ACCESS_LIFETIME, testing::Fixture},
        *,
    };

    async fn denied(fixture: &Fixture, token: &str, path: &str) -> Denied {
        fixture.tokens.authenticate(token, path).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_token_says_who_calls_and_what_was_granted() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let token = Fixture::field(&answer, "access_token");
        let access = fixture.tokens.authenticate(&token, "/mcp/acme").await.unwrap();
        assert_eq!(&access.grant, answer.grant());
        assert_eq!((access.subject.as_str(), access.client_id.as_str()), ("17", "client"));
        assert_eq!(access.scopes, Fixture::scopes());
        assert_eq!(access.sentry_scopes.to_string(), "org:read");
        assert_eq!(access.resource.path(), "/mcp");
        // The second time without the store.
        assert_eq!(fixture.tokens.authenticate(&token, "/mcp/acme").await.unwrap(), access);
    }

    #[tokio::test]
    async fn a_token_ends_after_an_hour_also_when_it_was_just_used() {
        let fixture = Fixture::new().await;
        let token = Fixture::field(&fixture.login("client").await, "access_token");
        fixture.clock.advance(ACCESS_LIFETIME - 1);
        fixture.tokens.authenticate(&token, "/mcp").await.unwrap();
        fixture.clock.advance(1);
        assert!(matches!(denied(&fixture, &token, "/mcp").await, Denied::Expired));
    }

    #[tokio::test]
    async fn what_is_no_access_token_is_unknown() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let refresh = Fixture::field(&answer, "refresh_token");
        let mut changed = Fixture::field(&answer, "access_token");
        changed.replace_range(0..1, if changed.starts_with('A') { "B" } else { "A" });
        for token in [refresh.as_str(), &changed, "", "Bearer", &"A".repeat(100_000)] {
            assert!(matches!(denied(&fixture, token, "/mcp").await, Denied::Unknown));
        }
    }

    #[tokio::test]
    async fn a_token_is_valid_at_its_resource_and_below() {
        let fixture = Fixture::new().await;
        let answer = fixture.login_for("client", "https://mcp.example.test/mcp/acme").await;
        let token = Fixture::field(&answer, "access_token");
        for path in ["/mcp/acme", "/mcp/acme/api"] {
            fixture.tokens.authenticate(&token, path).await.unwrap();
        }
        for path in ["/mcp", "/mcp/acme2", "/mcp/other", "/", "", "/oauth/token", "/mcp/acme/a/b"] {
            let error = denied(&fixture, &token, path).await;
            assert!(matches!(error, Denied::WrongResource), "{path}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_token_of_another_public_address_is_for_another_resource() {
        let fixture = Fixture::new().await;
        let token = Fixture::field(&fixture.login("client").await, "access_token");
        let moved = fixture.at_issuer("https://other.example.test");
        let error = moved.authenticate(&token, "/mcp").await.unwrap_err();
        assert!(matches!(error, Denied::WrongResource), "{error:?}");
    }

    #[tokio::test]
    async fn a_revocation_is_immediate_here_and_seen_elsewhere_after_five_seconds() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let token = Fixture::field(&answer, "access_token");
        let replica = fixture.at_issuer(Fixture::ISSUER);
        fixture.tokens.authenticate(&token, "/mcp").await.unwrap();
        replica.authenticate(&token, "/mcp").await.unwrap();

        fixture.tokens.revoke_grant(answer.grant(), "because").await.unwrap();
        let error = denied(&fixture, &token, "/mcp").await;
        assert!(error.to_string().contains("because"), "{error}");
        fixture.clock.advance(super::super::cache::FRESH);
        assert!(matches!(replica.authenticate(&token, "/mcp").await, Err(Denied::Revoked { .. })));
    }

    #[tokio::test]
    async fn a_scope_that_does_not_exist_is_dropped_and_the_rest_is_kept() {
        let fixture = Fixture::new().await;
        let mut grant = fixture.grant_record("client");
        grant.scopes = vec!["org:read".into(), "planet:read".into()];
        let token = fixture.token_with(&grant, &["org:read", "planet:read", "event:admin"]).await;
        let access = fixture.tokens.authenticate(&token, "/mcp").await.unwrap();
        assert_eq!(access.scopes.to_string(), "org:read");
    }

    #[tokio::test]
    async fn a_use_is_noted_within_five_minutes() {
        let fixture = Fixture::new().await;
        let answer = fixture.login("client").await;
        let token = Fixture::field(&answer, "access_token");
        let store = fixture.tokens.store();
        let noted = async || store.grant(answer.grant()).await.unwrap().unwrap().last_used_at;
        let before = noted().await;
        fixture.clock.advance(USE_NOTED_EVERY);
        fixture.tokens.authenticate(&token, "/mcp").await.unwrap();
        while noted().await == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(noted().await, before + USE_NOTED_EVERY);
    }
}
