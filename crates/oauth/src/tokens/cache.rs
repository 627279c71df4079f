//! The access tokens that were checked a moment ago, so that a busy client costs the store one
//! read in five seconds.
//!
//! What ends in this process is forgotten at once. What another process ends is noticed
//! after [`FRESH`] at most; whoever needs it sooner runs one process. An entry never outlives
//! its token, which is compared with the clock at each use.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use super::Access;
use crate::{
    secret::Digest,
    store::{GrantId, Millis, SECOND},
};

/// How long an entry is used before the store is asked again.
pub(super) const FRESH: Millis = 5 * SECOND;

/// The most entries, about 2 MB. The one that was not used for longest makes room.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

pub(super) struct Cache(Mutex<Inner>);

struct Inner {
    entries: LruCache<Digest, (Arc<Access>, Millis)>,
    /// Counts what was forgotten: an answer of the store that was asked for before is not
    /// kept after.
    generation: u64,
}

/// Until when an answer of the store may be kept.
#[derive(Clone, Copy)]
pub(super) struct Ticket(u64);

/// Forgets a grant when it is made and again when it is dropped, so that an answer that the
/// store gave in between is not kept.
pub(super) struct Forgetting<'a> {
    cache: &'a Cache,
    grant: &'a GrantId,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.cache.forget(self.grant);
    }
}

impl Cache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known about a token, or the permission to keep what the store answers.
    pub(super) fn find(&self, digest: &Digest, now: Millis) -> Result<Arc<Access>, Ticket> {
        let mut inner = self.inner();
        match inner.entries.get(digest) {
            // A clock that was set back makes an entry old, not young.
            Some((access, read_at)) if (0..FRESH).contains(&now.saturating_sub(*read_at)) => {
                Ok(Arc::clone(access))
            }
            _ => Err(Ticket(inner.generation)),
        }
    }

    /// Keeps what the store answered, unless something was forgotten since it was asked.
    pub(super) fn keep(&self, ticket: Ticket, digest: Digest, access: Arc<Access>, now: Millis) {
        let mut inner = self.inner();
        if inner.generation == ticket.0 {
            inner.entries.put(digest, (access, now));
        }
    }

    /// To be held while the store changes a grant.
    pub(super) fn forgetting<'a>(&'a self, grant: &'a GrantId) -> Forgetting<'a> {
        self.forget(grant);
        Forgetting { cache: self, grant }
    }

    fn forget(&self, grant: &GrantId) {
        let mut inner = self.inner();
        inner.generation = inner.generation.wrapping_add(1);
        let gone: Vec<Digest> = inner
            .entries
            .iter()
            .filter(|(_, (access, _))| access.grant == *grant)
            .map(|(digest, _)| *digest)
            .collect();
        for digest in gone {
            inner.entries.pop(&digest);
        }
    }
}

impl Default for Cache {
    fn default() -> Cache {
        // Room is taken as it is needed: most servers have few clients.
        let entries = LruCache::unbounded();
        let mut inner = Inner { entries, generation: 0 };
        inner.entries.resize(CAPACITY);
        Cache(Mutex::new(inner))
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("entries", &self.inner().entries.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::resource::Resource;

    fn access(grant: &str) -> Arc<Access> {
        let issuer: Url = "https://mcp.example.test".parse().unwrap();
        Arc::new(Access {
            grant: GrantId::from_text(grant),
            subject: "1".into(),
            client_id: "client".into(),
            client_name: None,
            scopes: scopes::DEFAULT_GRANT,
            sentry_scopes: scopes::DEFAULT_GRANT,
            resource: Resource::parse(&issuer, &[]).unwrap(),
            expires_at: Millis::MAX,
        })
    }

    fn ticket(cache: &Cache, digest: &Digest) -> Ticket {
        cache.find(digest, 0).err().unwrap()
    }

    #[test]
    fn an_entry_is_used_for_five_seconds() {
        let (cache, digest) = (Cache::default(), Digest::of("a"));
        cache.keep(ticket(&cache, &digest), digest, access("g"), 0);
        for (now, known) in [(0, true), (FRESH - 1, true), (FRESH, false), (-1, false)] {
            assert_eq!(cache.find(&digest, now).is_ok(), known, "{now}");
        }
    }

    #[test]
    fn only_the_tokens_of_the_grant_are_forgotten() {
        let cache = Cache::default();
        for (token, grant) in [("a", "g"), ("b", "g"), ("c", "h")] {
            let digest = Digest::of(token);
            cache.keep(ticket(&cache, &digest), digest, access(grant), 0);
        }
        drop(cache.forgetting(&GrantId::from_text("g")));
        let known = ["a", "b", "c"].map(|token| cache.find(&Digest::of(token), 0).is_ok());
        assert_eq!(known, [false, false, true]);
    }

    #[test]
    fn an_answer_from_before_a_revocation_is_not_kept_after_it() {
        let (cache, digest) = (Cache::default(), Digest::of("a"));
        let grant = GrantId::from_text("g");
        let asked_before = ticket(&cache, &digest);
        let revocation = cache.forgetting(&grant);
        cache.keep(asked_before, digest, access("g"), 0);
        assert!(cache.find(&digest, 0).is_err());

        let asked_during = ticket(&cache, &digest);
        drop(revocation);
        cache.keep(asked_during, digest, access("g"), 0);
        assert!(cache.find(&digest, 0).is_err());
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let cache = Cache::default();
        for token in 0..2 * CAPACITY.get() {
            let digest = Digest::of(&token.to_string());
            cache.keep(ticket(&cache, &digest), digest, access("g"), 0);
        }
        assert_eq!(cache.inner().entries.len(), CAPACITY.get());
    }
}
