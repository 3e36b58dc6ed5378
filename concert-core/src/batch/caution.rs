//! When to try a batch without reading its rows first.

/// How many batches are read before the next one is tried without: twice as many after each that was in vain.
#[derive(Debug, Default)]
pub(super) struct Caution {
    in_vain: u32,
    reads: u32,
}

/// The most batches that are read before one is tried again.
const MOST_READS: u32 = 64;

impl Caution {
    /// Whether to try this batch without reading.
    pub(super) fn dares(&mut self) -> bool {
        let dares = self.reads == 0;
        self.reads = self.reads.saturating_sub(1);
        dares
    }

    pub(super) fn learn(&mut self, went_well: bool) {
        self.in_vain = if went_well { 0 } else { self.in_vain + 1 };
        self.reads = if went_well { 0 } else { MOST_READS.min(1 << self.in_vain.min(16)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_tries_in_vain_tries_less_often_until_it_goes_well() {
        let mut caution = Caution::default();
        let mut reads_until_next_try = |went_well| {
            caution.learn(went_well);
            (0..).take_while(|_| !caution.dares()).count()
        };
        assert_eq!([false; 7].map(&mut reads_until_next_try), [2, 4, 8, 16, 32, 64, 64]);
        assert_eq!([true, true, false].map(&mut reads_until_next_try), [0, 0, 2]);
    }
}
