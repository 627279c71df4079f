//! How often one caller may ask: a token bucket per key, in bounded memory.
//! It answers no request itself and knows no endpoint.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};

/// Keys that are remembered at the same time; some 50 bytes each.
const CAPACITY: usize = 20_000;

/// The shortest time between two walks over all buckets.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Registrations of one address (RFC 7591 section 5 advises a limit).
pub const REGISTER: Rate = Rate::per_minute(20);
/// Authorization requests and decisions of one address.
pub const AUTHORIZE: Rate = Rate::per_minute(60);
/// Requests of one address to the token and revocation endpoints.
pub const TOKEN: Rate = Rate::per_minute(120);
/// Metadata documents that one address may make this server fetch.
pub const FETCH: Rate = Rate::per_minute(10);

/// A bucket's size and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_minute: NonZeroU32,
    burst: NonZeroU32,
}

impl Rate {
    /// So many a minute, and as many at once; zero counts as one.
    pub const fn per_minute(count: u32) -> Rate {
        let count = match NonZeroU32::new(count) {
            Some(count) => count,
            None => NonZeroU32::MIN,
        };
        Rate { per_minute: count, burst: count }
    }

    /// The same rate with another number at once; zero counts as one.
    #[must_use]
    pub const fn with_burst(self, burst: u32) -> Rate {
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        Rate { burst, ..self }
    }
}

/// The bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; try again in {} s", self.seconds())]
pub struct TooMany {
    wait: Duration,
}

impl TooMany {
    /// A place is missing right now; a few seconds later there may be one.
    pub(crate) fn for_now() -> TooMany {
        TooMany { wait: Duration::from_secs(5) }
    }

    /// The value of `Retry-After` (RFC 9110 section 10.2.3): whole seconds, at least one.
    pub fn seconds(&self) -> u64 {
        self.wait.as_secs().saturating_add(u64::from(self.wait.subsec_nanos() > 0)).max(1)
    }
}

/// A caller by its address: an IPv4 address, or the /64 of an IPv6 address, because a /64 is
/// what one household or one machine is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressKey(IpAddr);

impl AddressKey {
    /// The key of a request whose address may be unknown; all those share one bucket.
    pub fn of(address: Option<IpAddr>) -> AddressKey {
        address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)).into()
    }
}

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> AddressKey {
        AddressKey(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
        })
    }
}

/// Token buckets, one per key.
///
/// At most 20,000 keys are remembered. Past that, buckets that are full again are forgotten, and
/// if there are none, unknown keys share one bucket: a flood from many addresses then slows
/// newcomers, and costs neither memory nor the callers that are already known.
///
/// Each replica counts for itself.
pub struct Limiter<K = AddressKey, C = MonotonicClock>
where
    K: Clone + Eq + Hash,
    C: Clock + Clone,
{
    inner: RateLimiter<K, Buckets<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    capacity: usize,
    /// When full buckets were last looked for, which costs a walk over all of them.
    swept: Mutex<C::Instant>,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// A limiter whose buckets are all full.
    pub fn new(rate: Rate) -> Limiter<K> {
        Limiter::with_clock(rate, CAPACITY, MonotonicClock)
    }
}

impl<K: Clone + Eq + Hash, C: Clock + Clone> Limiter<K, C> {
    fn with_clock(rate: Rate, capacity: usize, clock: C) -> Limiter<K, C> {
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        let inner = RateLimiter::new(quota, Buckets::new(capacity), clock.clone());
        let swept = Mutex::new(clock.now());
        Limiter { inner, clock, capacity, swept }
    }

    /// Takes one token out of the key's bucket.
    pub fn check(&self, key: &K) -> Result<(), TooMany> {
        if self.inner.len() >= self.capacity {
            self.sweep();
        }
        self.inner
            .check_key(key)
            .map_err(|refusal| TooMany { wait: refusal.wait_time_from(self.clock.now()) })
    }

    fn sweep(&self) {
        let now = self.clock.now();
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if Duration::from(now.duration_since(*swept)) >= SWEEP_EVERY {
            *swept = now;
            drop(swept);
            self.inner.retain_recent();
        }
    }
}

impl<K: Clone + Eq + Hash, C: Clock + Clone> fmt::Debug for Limiter<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("keys", &self.inner.len()).finish_non_exhaustive()
    }
}

/// The buckets themselves: governor's arithmetic over a map that does not outgrow its capacity.
struct Buckets<K> {
    capacity: usize,
    state: Mutex<State<K>>,
}

struct State<K> {
    known: HashMap<K, Nanos>,
    /// The one bucket of all keys that found no place.
    overflow: Option<Nanos>,
}

impl<K> Buckets<K> {
    fn new(capacity: usize) -> Buckets<K> {
        Buckets { capacity, state: Mutex::new(State { known: HashMap::new(), overflow: None }) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> StateStore for Buckets<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut state = self.state();
        if let Some(bucket) = state.known.get_mut(key) {
            let (answer, next) = decide(Some(*bucket))?;
            *bucket = next;
            return Ok(answer);
        }
        if state.known.len() < self.capacity {
            let (answer, next) = decide(None)?;
            state.known.insert(key.clone(), next);
            return Ok(answer);
        }
        let (answer, next) = decide(state.overflow)?;
        state.overflow = Some(next);
        Ok(answer)
    }
}

impl<K: Clone + Eq + Hash> ShrinkableKeyedStateStore<K> for Buckets<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.state().known.retain(|_, bucket| *bucket > drop_below);
    }

    fn len(&self) -> usize {
        self.state().known.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limiter(
        rate: Rate,
        capacity: usize,
    ) -> (Limiter<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Limiter::with_clock(rate, capacity, clock.clone()), clock)
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let (limiter, clock) = limiter(Rate::per_minute(60).with_burst(2), 10);
        assert_eq!((limiter.check(&1), limiter.check(&1)), (Ok(()), Ok(())));
        assert_eq!(limiter.check(&1).unwrap_err().seconds(), 1);
        assert_eq!(limiter.check(&2), Ok(()), "another key has its own bucket");
        clock.advance(Duration::from_secs(1));
        assert_eq!(limiter.check(&1), Ok(()));
        assert!(limiter.check(&1).is_err());
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds_rounded_up() {
        let (limiter, clock) = limiter(Rate::per_minute(2).with_burst(1), 10);
        limiter.check(&1).unwrap();
        clock.advance(Duration::from_millis(500));
        let refusal = limiter.check(&1).unwrap_err();
        assert_eq!(refusal.seconds(), 30);
        assert_eq!(refusal.to_string(), "too many requests; try again in 30 s");
        clock.advance(Duration::from_millis(29_500));
        assert_eq!(limiter.check(&1), Ok(()));
    }

    #[test]
    fn memory_stays_bounded_and_known_callers_unharmed_under_a_flood() {
        let (limiter, _clock) = limiter(Rate::per_minute(5), 100);
        let mut allowed = 0;
        for key in 0..10_000 {
            allowed += u32::from(limiter.check(&key).is_ok());
        }
        assert_eq!(limiter.inner.len(), 100);
        assert_eq!(allowed, 105, "a hundred buckets of their own and one that is shared");
        assert_eq!(limiter.check(&7), Ok(()), "a known caller keeps its bucket");
        assert!(limiter.check(&20_000).is_err());
    }

    #[test]
    fn full_buckets_make_room() {
        let (limiter, clock) = limiter(Rate::per_minute(5), 100);
        for key in 0..200 {
            let _ = limiter.check(&key);
        }
        clock.advance(Duration::from_mins(2));
        assert_eq!(limiter.check(&1_000), Ok(()));
        assert_eq!(limiter.inner.len(), 1);
    }

    #[test]
    fn zero_counts_as_one() {
        assert_eq!(Rate::per_minute(0), Rate::per_minute(1));
        assert_eq!(Rate::per_minute(1).with_burst(0), Rate::per_minute(1));
    }

    #[test]
    fn an_ipv6_network_is_one_caller_and_a_mapped_address_is_its_ipv4_address() {
        let key = |text: &str| AddressKey::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
