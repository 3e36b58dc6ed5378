//! A reading that is shared by all who ask within a short time.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// How old a reading may be. So a crowd that asks costs the database one reading a second.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The last reading, and when it began. Locked while one is made.
pub(super) struct Fresh<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Fresh<T> {
    /// The last reading if it is at most [`MAX_AGE`] old or began after this call, else a new one. `read` must end
    /// within a bound: the others wait for it. A caller that is dropped leaves the reading to the next.
    pub(super) async fn get(&self, read: impl Future<Output = T>) -> T {
        let asked = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((begun, value)) = &*last
            && is_fresh(*begun, asked, Instant::now())
        {
            return value.clone();
        }
        let begun = Instant::now();
        let value = read.await;
        *last = Some((begun, value.clone()));
        value
    }
}

fn is_fresh(begun: Instant, asked: Instant, now: Instant) -> bool {
    begun >= asked || now.duration_since(begun) < MAX_AGE
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

    #[test]
    fn a10_a_reading_is_at_most_a_second_old() {
        let begun = Instant::now();
        let after = |milliseconds| begun + Duration::from_millis(milliseconds);
        assert!(is_fresh(begun, after(10), after(999)));
        assert!(!is_fresh(begun, after(10), after(1_000)));
        assert!(is_fresh(after(10), begun, after(5_000)), "it began after the question, however long it took");
    }
}
