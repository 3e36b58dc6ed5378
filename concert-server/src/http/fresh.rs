//! A reading that is shared by all who ask at the same time, or within a short time.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// How old a reading may be by default. So a crowd that asks costs the database one reading a second.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The last reading, and when it began. Locked while one is made.
pub(super) struct Fresh<T> {
    last: Mutex<Option<(Instant, T)>>,
    max_age: Duration,
}

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self::up_to(MAX_AGE)
    }
}

impl<T> Fresh<T> {
    /// Shares a reading only among those who asked before it began. So a crowd costs one reading at a time, and nobody
    /// gets an old one.
    pub(super) fn of_the_moment() -> Self {
        Self::up_to(Duration::ZERO)
    }

    /// Readings up to this old are shared.
    fn up_to(max_age: Duration) -> Self {
        Self { last: Mutex::new(None), max_age }
    }
}

impl<T: Clone> Fresh<T> {
    /// The last reading if it is not older than it may be or began after this call, else a new one. `read` must end
    /// within a bound: the others wait for it. A caller that is dropped leaves the reading to the next.
    pub(super) async fn get(&self, read: impl Future<Output = T>) -> T {
        self.get_up_to(self.max_age, read).await
    }

    /// The same for a caller that takes a reading of another age.
    pub(super) async fn get_up_to(&self, max_age: Duration, read: impl Future<Output = T>) -> T {
        let asked = Instant::now();
        // Whoever waits here finds, most of the time, what the one before has read.
        let mut last = self.last.lock().await;
        if let Some((begun, value)) = &*last
            && is_fresh(*begun, asked, Instant::now(), max_age)
        {
            return value.clone();
        }
        let begun = Instant::now();
        let value = read.await;
        // A caller that was dropped before this line leaves the old reading; the next one reads anew.
        *last = Some((begun, value.clone()));
        value
    }
}

fn is_fresh(begun: Instant, asked: Instant, now: Instant, max_age: Duration) -> bool {
    begun >= asked || now.duration_since(begun) < max_age
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a10_a_crowd_shares_one_reading() {
        let (fresh, readings) = (Fresh::default(), AtomicU32::new(0));
        let ask = || {
            fresh.get(async {
                tokio::task::yield_now().await;
                readings.fetch_add(1, Ordering::Relaxed)
            })
        };
        assert_eq!(tokio::join!(ask(), ask(), ask()), (0, 0, 0));
    }

    #[tokio::test]
    async fn a_crowd_shares_a_reading_of_the_moment_and_who_asks_later_gets_a_new_one() {
        let (fresh, readings) = (Fresh::of_the_moment(), AtomicU32::new(0));
        let ask = || {
            fresh.get(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                readings.fetch_add(1, Ordering::Relaxed)
            })
        };
        // The second begins after the third has asked.
        assert_eq!(tokio::join!(ask(), ask(), ask()), (0, 1, 1));
        assert_eq!(ask().await, 2);
    }

    #[tokio::test]
    async fn each_says_how_old_a_reading_it_takes() {
        let (fresh, readings) = (Fresh::of_the_moment(), AtomicU32::new(0));
        let read = || async { readings.fetch_add(1, Ordering::Relaxed) };
        assert_eq!(fresh.get_up_to(MAX_AGE, read()).await, 0);
        assert_eq!(fresh.get_up_to(MAX_AGE, read()).await, 0, "that of another");
        assert_eq!(fresh.get(read()).await, 1, "one of the moment");
        assert_eq!(fresh.get_up_to(MAX_AGE, read()).await, 1, "which the others take, too");
    }

    #[test]
    fn a10_a_reading_is_at_most_a_second_old() {
        let begun = Instant::now();
        let after = |milliseconds| begun + Duration::from_millis(milliseconds);
        assert!(is_fresh(begun, after(10), after(999), MAX_AGE));
        assert!(!is_fresh(begun, after(10), after(1_000), MAX_AGE));
        assert!(is_fresh(after(10), begun, after(5_000), MAX_AGE), "it began after the question, however long it took");
    }
}
