//! What is kept of a login between requests: a client for Sentry, and which organizations it was
//! seen in. Bounded, and nothing here outlives the token it was made with.
//!
//! It decides about no token: that is asked anew for each request.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lru::LruCache;
use secrecy::{ExposeSecret as _, SecretString};
use server::http::{FenceError, Sentry};

/// Logins that are kept at a time.
const LOGINS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);
/// Paths per login whose check is remembered.
const PATHS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);
/// How long an organization that was seen counts as seen: access that is taken away at Sentry
/// still opens the path for so long, and no request behind it.
const SEEN_FOR: Duration = Duration::from_mins(5);
/// How long an organization that was not seen counts as not there.
const MISSED_FOR: Duration = Duration::from_secs(10);

/// The logins of late.
pub(crate) struct Logins {
    kept: Mutex<LruCache<String, Arc<Login>>>,
    base: Sentry,
}

/// One grant, with the token that Sentry gave for it.
pub(crate) struct Login {
    pub(crate) sentry: Sentry,
    pub(crate) token: SecretString,
    checked: Mutex<LruCache<String, Checked>>,
}

#[derive(Clone, Copy)]
struct Checked {
    at: Instant,
    result: Result<(), FenceError>,
}

impl Logins {
    pub(crate) fn new(base: Sentry) -> Logins {
        Logins { kept: Mutex::new(LruCache::new(LOGINS)), base }
    }

    /// Sentry without anybody's token, for requests that ask it nothing.
    pub(crate) fn nobody(&self) -> &Sentry {
        &self.base
    }

    /// What is kept for a grant, without asking for its token.
    pub(crate) fn known(&self, grant: &str) -> Option<Arc<Login>> {
        lock(&self.kept).get(grant).cloned()
    }

    /// The login of a grant with this token; another token begins anew.
    pub(crate) fn with_token(&self, grant: &str, token: SecretString) -> Arc<Login> {
        let mut kept = lock(&self.kept);
        if let Some(login) = kept.get(grant)
            && login.token.expose_secret() == token.expose_secret()
        {
            return Arc::clone(login);
        }
        let login = Arc::new(Login {
            sentry: self.base.logged_in(token.clone()),
            token,
            checked: Mutex::new(LruCache::new(PATHS)),
        });
        kept.put(grant.to_owned(), Arc::clone(&login));
        login
    }

    /// Forgets a login that Sentry refused.
    pub(crate) fn forget(&self, grant: &str) {
        lock(&self.kept).pop(grant);
    }
}

impl Login {
    /// What the last check of a path found, while it counts.
    pub(crate) fn checked(&self, path: &str, now: Instant) -> Option<Result<(), FenceError>> {
        let checked = *lock(&self.checked).get(path)?;
        let lasts = match checked.result {
            Ok(()) => SEEN_FOR,
            Err(FenceError::Unknown) => MISSED_FOR,
            Err(FenceError::Unauthorized | FenceError::Unavailable) => return None,
        };
        (now.saturating_duration_since(checked.at) < lasts).then_some(checked.result)
    }

    /// Remembers a check.
    pub(crate) fn remember(&self, path: &str, now: Instant, result: Result<(), FenceError>) {
        lock(&self.checked).put(path.to_owned(), Checked { at: now, result });
    }
}

/// How many of something are under way per key.
#[derive(Debug)]
pub(crate) struct Busy<K: Eq + Hash + Clone> {
    counts: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
}

/// One of them; it counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Eq + Hash + Clone> {
    counts: Arc<Mutex<HashMap<K, usize>>>,
    key: K,
}

impl<K: Eq + Hash + Clone> Busy<K> {
    pub(crate) fn new(most: usize) -> Busy<K> {
        Busy { counts: Arc::default(), most }
    }

    /// A place for one more, if there is room.
    pub(crate) fn enter(&self, key: &K) -> Option<Place<K>> {
        let mut counts = lock(&self.counts);
        let count = counts.get(key).copied().unwrap_or_default();
        if count >= self.most {
            return None;
        }
        counts.insert(key.clone(), count + 1);
        Some(Place { counts: Arc::clone(&self.counts), key: key.clone() })
    }
}

impl<K: Eq + Hash + Clone> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        match counts.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(&self.key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use server::config::HttpLoaded;

    use super::*;

    fn logins() -> Logins {
        let loaded = HttpLoaded::read(None, &figment::Figment::from(("store", "memory"))).unwrap();
        Logins::new(Sentry::of(&loaded))
    }

    #[test]
    fn a_login_is_kept_until_its_token_changes_or_sentry_refuses_it() {
        let logins = logins();
        assert!(logins.known("g").is_none());
        let first = logins.with_token("g", "one".into());
        assert!(Arc::ptr_eq(&first, &logins.with_token("g", "one".into())));
        let second = logins.with_token("g", "two".into());
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&second, &logins.known("g").unwrap()));
        logins.forget("g");
        assert!(logins.known("g").is_none());
    }

    #[test]
    fn no_more_logins_are_kept_than_there_is_room_for() {
        let logins = logins();
        for number in 0..=LOGINS.get() {
            logins.with_token(&number.to_string(), "token".into());
        }
        assert!(logins.known("0").is_none(), "the oldest went first");
        assert!(logins.known("1").is_some());
    }

    #[test]
    fn a_check_counts_for_its_time_and_a_failure_of_sentry_not_at_all() {
        let login = logins().with_token("g", "one".into());
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(login.checked("/mcp/acme", start), None);
        login.remember("/mcp/acme", start, Ok(()));
        login.remember("/mcp/other", start, Err(FenceError::Unknown));
        login.remember("/mcp/down", start, Err(FenceError::Unavailable));
        assert_eq!(login.checked("/mcp/acme", after(299)), Some(Ok(())));
        assert_eq!(login.checked("/mcp/acme", after(300)), None);
        assert_eq!(login.checked("/mcp/other", after(9)), Some(Err(FenceError::Unknown)));
        assert_eq!(login.checked("/mcp/other", after(10)), None);
        assert_eq!(login.checked("/mcp/down", start), None);
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let busy = Busy::new(2);
        let (one, two) = (busy.enter(&"a"), busy.enter(&"a"));
        assert!(one.is_some() && two.is_some() && busy.enter(&"a").is_none());
        assert!(busy.enter(&"b").is_some(), "each key counts for itself");
        drop(one);
        assert!(busy.enter(&"a").is_some());
        drop(two);
        assert!(lock(&busy.counts).is_empty(), "nothing is left behind");
    }
}
