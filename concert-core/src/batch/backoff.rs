//! When to try a batch over assumed rows.

/// Exponential backoff, counted in batches: each failed try doubles the batches that are locked before the next try.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    batches_to_skip: u32,
}

/// The most batches that are locked before one is assumed again.
const MOST_SKIPPED: u32 = 64;

impl Backoff {
    /// Whether to assume this batch.
    pub(super) fn should_try(&mut self) -> bool {
        let should_try = self.batches_to_skip == 0;
        self.batches_to_skip = self.batches_to_skip.saturating_sub(1);
        should_try
    }

    /// Records whether the assumptions of the last try held.
    pub(super) fn record(&mut self, held: bool) {
        self.failures = if held { 0 } else { self.failures + 1 };
        // The exponent has a bound, too: failures go on being counted, and a shift must stay within the number.
        self.batches_to_skip = if held { 0 } else { MOST_SKIPPED.min(1 << self.failures.min(16)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_batches_until_the_next_try_and_a_success_ends_that() {
        let mut backoff = Backoff::default();
        let mut skipped_after = |held| {
            backoff.record(held);
            (0..).take_while(|_| !backoff.should_try()).count()
        };
        assert_eq!([false; 7].map(&mut skipped_after), [2, 4, 8, 16, 32, 64, 64]);
        assert_eq!([true, true, false].map(&mut skipped_after), [0, 0, 2]);
    }
}
