//! Keeping Sentry's token of a grant fresh: once at a time, across replicas, and without
//! ending a session for an outage. It talks to no client of ours.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    SentryTokens, UpstreamError,
    held::{self, Held, Need, Unreadable},
};
use crate::{
    secret::{NoRandomness, Secret},
    server::Inner,
    store::{GrantId, Millis, SECOND, StoreError},
    tokens::{self, TokenError},
};

/// Longer than a refresh can take, so that the lock of a replica that still works on it does
/// not end.
const LEASE: Millis = 30 * SECOND;

/// A token that Sentry's API refuses right after it was given is not exchanged again: it would
/// be refused like this one, each call would do it, and nothing definite was said.
const TRUSTED: Millis = 30 * SECOND;

/// How often a replica looks whether another one is done.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long it does so.
const LOOKS: u32 = 150;

/// Grants whose state is remembered before those at rest are forgotten.
const MOST_GATES: usize = 1_000;

/// Why the person is asked to log in again when Sentry says no.
pub const REASON_REFUSED: &str = "Sentry ended the authorization; log in again";

/// The same when there is nothing to refresh with.
pub const REASON_ENDED: &str = "the login at Sentry ended; log in again";

/// Why there is no token of Sentry for a call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SentryTokenError {
    /// The grant is revoked or unknown. The reason is for the person.
    #[error("{reason}")]
    Ended {
        /// Why.
        reason: String,
    },
    /// Sentry's token ended and Sentry does not give another one at the moment. The session
    /// goes on.
    #[error("Sentry does not renew its token at the moment; try again in {} s", retry_after.as_secs().max(1))]
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store failed; the session goes on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tokens cannot be opened, a key may be missing; or the store failed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What was opened is nothing that was sealed here.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// No name for the lock.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Who is refreshing in this process, and who was told to wait.
#[derive(Default)]
pub(crate) struct Gates(Mutex<HashMap<GrantId, Arc<Gate>>>);

#[derive(Default)]
struct Gate {
    one_at_a_time: tokio::sync::Mutex<()>,
    /// Sentry is not asked before.
    not_before: AtomicI64,
    /// When it last gave a token.
    renewed_at: AtomicI64,
}

impl Gates {
    fn of(&self, grant: &GrantId, now: Millis) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= MOST_GATES {
            gates.retain(|_, gate| {
                Arc::strong_count(gate) > 1 || gate.not_before.load(Ordering::Relaxed) > now
            });
        }
        Arc::clone(gates.entry(grant.clone()).or_default())
    }
}

/// What to do about a token that was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// It works still: no wait for another replica.
    Early,
    /// It does not work.
    Due,
}

/// The token for a call. It waits for Sentry only if the token ended.
pub(crate) async fn current(
    server: &Arc<Inner>,
    grant: &GrantId,
) -> Result<SecretString, SentryTokenError> {
    let held = read(server, grant).await?;
    let now = server.clock.now();
    match held.need(now) {
        Need::None => Ok(held.access),
        Need::Soon => {
            let gate = server.gates.of(grant, now);
            let busy = gate.one_at_a_time.try_lock().is_err();
            if !busy && gate.not_before.load(Ordering::Relaxed) <= now {
                drop(tokio::spawn(renew(
                    Arc::clone(server),
                    grant.clone(),
                    held.version,
                    Urgency::Early,
                )));
            }
            Ok(held.access)
        }
        Need::Now => renewed(server, grant, held.version).await,
    }
}

/// Another token, because Sentry's API answered 401 to this one.
pub(crate) async fn after_refusal(
    server: &Arc<Inner>,
    grant: &GrantId,
    rejected: &SecretString,
) -> Result<SecretString, SentryTokenError> {
    let held = read(server, grant).await?;
    if held.access.expose_secret() != rejected.expose_secret() {
        return Ok(held.access);
    }
    let now = server.clock.now();
    let age = now - server.gates.of(grant, now).renewed_at.load(Ordering::Relaxed);
    if age < TRUSTED {
        return Err(unavailable(TRUSTED - age));
    }
    renewed(server, grant, held.version).await
}

/// Renews in a task of its own: if the caller goes away in the middle, Sentry's new refresh
/// token, which is handed out once, is kept all the same.
async fn renewed(
    server: &Arc<Inner>,
    grant: &GrantId,
    version: i64,
) -> Result<SecretString, SentryTokenError> {
    let task = tokio::spawn(renew(Arc::clone(server), grant.clone(), version, Urgency::Due));
    match task.await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "renewing a token of Sentry did not finish");
            Err(unavailable(5 * SECOND))
        }
    }
}

/// Replaces the token that was read as `version`, or finds that somebody did.
async fn renew(
    server: Arc<Inner>,
    grant: GrantId,
    version: i64,
    urgency: Urgency,
) -> Result<SecretString, SentryTokenError> {
    let gate = server.gates.of(&grant, server.clock.now());
    let _one = gate.one_at_a_time.lock().await;
    let name = format!("sentry-refresh:{grant}");
    let holder = Secret::random()?;
    for _ in 0..LOOKS {
        let held = read(&server, &grant).await?;
        if held.version != version {
            return Ok(held.access);
        }
        let now = server.clock.now();
        let wait = gate.not_before.load(Ordering::Relaxed) - now;
        if wait > 0 {
            return Err(unavailable(wait));
        }
        if server.store.lease(&name, holder.expose(), now + LEASE, now).await? {
            let result = ask(&server, &grant, &gate, version).await;
            if let Err(error) = server.store.release(&name, holder.expose()).await {
                tracing::warn!(%error, "a lock in the store ends only by its time");
            }
            return result;
        }
        if urgency == Urgency::Early {
            return Ok(held.access);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    // Those who queue behind this one need not wait as long.
    gate.not_before.store(server.clock.now() + 2 * SECOND, Ordering::Relaxed);
    Err(unavailable(2 * SECOND))
}

fn unavailable(wait: Millis) -> SentryTokenError {
    SentryTokenError::Unavailable { retry_after: Duration::from_millis(wait.unsigned_abs()) }
}

/// Asks Sentry, under the lock. The row is read again: the last holder may just have finished.
async fn ask(
    server: &Inner,
    grant: &GrantId,
    gate: &Gate,
    version: i64,
) -> Result<SecretString, SentryTokenError> {
    let held = read(server, grant).await?;
    if held.version != version {
        return Ok(held.access);
    }
    let Some(refresh) = &held.refresh else {
        return Err(end(server, grant, REASON_ENDED).await?);
    };
    match server.upstream.refresh(refresh, server.clock.now()).await {
        Ok(fresh) => {
            gate.renewed_at.store(server.clock.now(), Ordering::Relaxed);
            store(server, grant, &held, fresh).await
        }
        Err(UpstreamError::Refused) => {
            // Whoever has a newer token refreshed in spite of the lock; then the old one is
            // refused rightly, and the session is alive.
            let again = read(server, grant).await?;
            if again.version != version {
                return Ok(again.access);
            }
            Err(end(server, grant, REASON_REFUSED).await?)
        }
        Err(error) => {
            let retry_after = match error {
                UpstreamError::Unavailable { retry_after } => retry_after,
                // Nothing to hope for until somebody acts, but nothing of the person's either.
                _ => Duration::from_secs(30),
            };
            let wait = Millis::try_from(retry_after.as_millis()).unwrap_or(Millis::MAX);
            let until = server.clock.now().saturating_add(wait);
            gate.not_before.store(until, Ordering::Relaxed);
            tracing::warn!(%grant, %error, "Sentry's token was not renewed; the session goes on");
            Err(SentryTokenError::Unavailable { retry_after })
        }
    }
}

/// Keeps what Sentry gave. The old refresh token is worth nothing by now, so a store that
/// stumbles is asked again.
async fn store(
    server: &Inner,
    grant: &GrantId,
    held: &Held,
    mut fresh: SentryTokens,
) -> Result<SecretString, SentryTokenError> {
    // No new refresh token means that the old one stays (RFC 6749 §6).
    if fresh.refresh.is_none() {
        fresh.refresh.clone_from(&held.refresh);
    }
    let stored = server.tokens.sentry_tokens(grant).await?;
    let replacement = tokens::SentryTokens {
        plain: held::encode(&fresh),
        version: held.version,
        // Without a word about scopes they are what they were (RFC 6749 §6).
        scopes: match fresh.scopes {
            Some(scopes) => scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            None => stored.map(|stored| stored.scopes).unwrap_or_default(),
        },
        expires_at: fresh.expires_at,
    };
    let mut tries = 0;
    loop {
        tries += 1;
        match server.tokens.replace_sentry_tokens(grant, &replacement).await {
            Ok(true) => return Ok(fresh.access),
            // Revoked meanwhile, which `read` says, or replaced by somebody.
            Ok(false) => return Ok(read(server, grant).await?.access),
            Err(error) if tries >= 5 => {
                tracing::error!(%grant, %error, "a new token of Sentry was not kept");
                return Err(error.into());
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// Revokes this grant alone.
async fn end(
    server: &Inner,
    grant: &GrantId,
    reason: &str,
) -> Result<SentryTokenError, SentryTokenError> {
    server.tokens.revoke_grant(grant, reason).await?;
    Ok(SentryTokenError::Ended { reason: reason.to_owned() })
}

/// What a live grant holds; for one that ended, why.
async fn read(server: &Inner, grant: &GrantId) -> Result<Held, SentryTokenError> {
    if let Some(stored) = server.tokens.sentry_tokens(grant).await? {
        return Ok(Held::decode(&stored)?);
    }
    let record = server.store.grant(grant).await?;
    let reason = record.and_then(|grant| grant.revoked_reason);
    Err(SentryTokenError::Ended { reason: reason.unwrap_or_else(|| REASON_ENDED.to_owned()) })
}

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod tests;
