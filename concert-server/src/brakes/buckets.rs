//! The buckets of one brake: one per key, of a bounded number of keys.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use governor::clock::{Clock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{NotUntil, RateLimiter};

use super::limit::Limit;

/// How many parts the map has, each with a lock of its own; a power of two.
const SHARDS: usize = 64;
/// The bits of a key that say which part it is in. Tables use the highest and the lowest ones.
const SHARD_BITS: u64 = (SHARDS as u64 - 1) << 32;
/// The most keys with a bucket of their own, in each part: with the shared ones, as many as a table of 4096 places takes.
/// All parts full are some 225 000 keys and 5 MB.
const MOST_KEYS: usize = 3_584 - SHARED as usize;
/// How many buckets those keys share in each part that come when it is full.
const SHARED: u64 = 64;

/// A monotonic clock. In tests, one that is moved by hand.
#[derive(Debug, Clone)]
pub struct BrakeClock(Source);

#[derive(Debug, Clone)]
enum Source {
    System(Instant),
    Manual(Arc<AtomicU64>),
}

impl BrakeClock {
    /// The system's.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Instant::now()))
    }

    /// One that stands still; its clones move together.
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::default()))
    }

    /// Moves a clock that stands still.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
        }
    }
}

impl Clock for BrakeClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match &self.0 {
            Source::System(begun) => Nanos::from(begun.elapsed()),
            Source::Manual(now) => Nanos::new(now.load(Ordering::Relaxed)),
        }
    }
}

/// The buckets of a brake, by key: a hash that nobody outside can foresee.
pub(super) struct Buckets {
    taking: RateLimiter<u64, Taking, BrakeClock, NoOpMiddleware<Nanos>>,
    looking: RateLimiter<u64, Looking, BrakeClock, NoOpMiddleware<Nanos>>,
    clock: BrakeClock,
}

impl Buckets {
    /// `None`: there is no limit.
    pub(super) fn new(limit: Limit, clock: &BrakeClock) -> Option<Self> {
        // Two limiters over one store, since a limiter of this crate always takes: one takes, the other only looks.
        let (quota, store) = (limit.quota()?, Arc::new(Store::default()));
        let taking = RateLimiter::new(quota, Taking(Arc::clone(&store)), clock.clone());
        let looking = RateLimiter::new(quota, Looking(store), clock.clone());
        Some(Self { taking, looking, clock: clock.clone() })
    }

    /// Takes one from a key's bucket. `Err`: it is empty, and for how long.
    pub(super) fn take(&self, key: u64) -> Result<(), Duration> {
        self.taking.check_key(&key).map_err(|not_until| self.wait(&not_until))
    }

    /// The same, without taking it.
    pub(super) fn look(&self, key: u64) -> Result<(), Duration> {
        self.looking.check_key(&key).map_err(|not_until| self.wait(&not_until))
    }

    /// Forgets the keys whose buckets are full again.
    pub(super) fn forget_unused(&self) {
        self.taking.retain_recent();
    }

    #[cfg(test)]
    fn keys(&self) -> usize {
        self.taking.len()
    }

    fn wait(&self, not_until: &NotUntil<Nanos>) -> Duration {
        let (earliest, now) = (not_until.earliest_possible(), self.clock.now());
        earliest.duration_since(earliest.min(now)).into()
    }
}

/// By key, when the bucket is full again if nothing is taken: all that the limiter keeps of it.
#[derive(Default)]
struct Shard(RwLock<HashMap<u64, AtomicU64, BuildHasherDefault<Hashed>>>);

struct Store(Box<[Shard]>);

impl Default for Store {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Shard::default()).collect())
    }
}

impl Store {
    fn shard(&self, key: u64) -> &Shard {
        &self.0[((key & SHARD_BITS) >> SHARD_BITS.trailing_zeros()) as usize]
    }
}

/// A key without a bucket of its own shares one.
const fn shared(key: u64) -> u64 {
    (key & SHARD_BITS) | (key % SHARED)
}

fn replace<T, E>(bucket: &AtomicU64, decide: impl Fn(Option<Nanos>) -> Result<(T, Nanos), E>) -> Result<T, E> {
    // Two requests at once must not both take the last drop: whoever loses decides again, over what the other left.
    let mut before = bucket.load(Ordering::Relaxed);
    loop {
        let (answer, after) = decide((before > 0).then(|| Nanos::new(before)))?;
        match bucket.compare_exchange_weak(before, after.as_u64(), Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Ok(answer),
            Err(other) => before = other,
        }
    }
}

struct Taking(Arc<Store>);

impl StateStore for Taking {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Shard(buckets) = self.0.shard(*key);
        // The usual case, under a lock that all may have at once. Only a new key needs the other lock.
        if let Some(bucket) = buckets.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return replace(bucket, decide);
        }
        let mut buckets = buckets.write().unwrap_or_else(PoisonError::into_inner);
        // A flood of new keys must neither fill the memory nor push out those that are braked: it shares buckets.
        let key = if buckets.len() < MOST_KEYS { *key } else { shared(*key) };
        replace(buckets.entry(key).or_default(), decide)
    }
}

impl ShrinkableKeyedStateStore<u64> for Taking {
    fn retain_recent(&self, drop_below: Nanos) {
        for Shard(buckets) in &self.0.0 {
            let mut buckets = buckets.write().unwrap_or_else(PoisonError::into_inner);
            // A full bucket is the same as none.
            buckets.retain(|_, full_at| *full_at.get_mut() > drop_below.as_u64());
        }
    }

    fn len(&self) -> usize {
        self.0.0.iter().map(|Shard(buckets)| buckets.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The same buckets for one who only looks.
struct Looking(Arc<Store>);

impl StateStore for Looking {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Shard(buckets) = self.0.shard(*key);
        let buckets = buckets.read().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get(key).or_else(|| buckets.get(&shared(*key)));
        let full_at = bucket.map_or(0, |bucket| bucket.load(Ordering::Relaxed));
        decide((full_at > 0).then(|| Nanos::new(full_at))).map(|(answer, _)| answer)
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, RandomState};

    use super::*;

    fn buckets(count: u32, seconds: u64) -> (Buckets, BrakeClock) {
        let clock = BrakeClock::manual();
        (Buckets::new(Limit::new(count, seconds), &clock).expect("a limit"), clock)
    }

    #[test]
    fn a_bucket_is_used_up_at_once_or_bit_by_bit_and_fills_evenly() {
        let (buckets, clock) = buckets(3, 30);
        for _ in 0..3 {
            assert_eq!((buckets.look(1), buckets.take(1)), (Ok(()), Ok(())));
        }
        let ten = Duration::from_secs(10);
        assert_eq!((buckets.look(1), buckets.take(1)), (Err(ten), Err(ten)));
        assert_eq!(buckets.take(2), Ok(()), "another's bucket");
        clock.advance(ten - Duration::from_millis(1));
        assert_eq!(buckets.take(1), Err(Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert_eq!((buckets.look(1), buckets.look(1), buckets.take(1)), (Ok(()), Ok(()), Ok(())), "looking takes none");
        assert_eq!(buckets.take(1), Err(ten));
        clock.advance(3 * ten);
        assert_eq!([(); 4].map(|()| buckets.take(1).is_ok()), [true, true, true, false]);
    }

    #[test]
    fn keys_are_bounded_and_those_beyond_the_bound_share_buckets() {
        let (buckets, clock) = buckets(2, 60);
        let keys = RandomState::new();
        for number in 0..2_000_000_u32 {
            let _ = buckets.take(keys.hash_one(number));
        }
        let most = SHARDS * (MOST_KEYS + SHARED as usize);
        assert!((SHARDS * MOST_KEYS..=most).contains(&buckets.keys()), "{} keys", buckets.keys());
        assert!(buckets.take(keys.hash_one("late")).is_err(), "what strangers share is used up");
        assert_eq!((buckets.take(keys.hash_one(0)), buckets.take(keys.hash_one(0)).is_err()), (Ok(()), true));
        clock.advance(Duration::from_secs(91));
        buckets.forget_unused();
        assert_eq!(buckets.keys(), 0);
        assert_eq!(buckets.take(keys.hash_one("late")), Ok(()));
    }

    #[test]
    fn a_bucket_that_is_not_full_is_kept() {
        let (buckets, clock) = buckets(2, 60);
        let _ = buckets.take(1);
        clock.advance(Duration::from_secs(29));
        buckets.forget_unused();
        assert_eq!((buckets.keys(), buckets.take(1), buckets.take(1).is_err()), (1, Ok(()), true));
    }
}
