//! When the gate's changes were, by this process's clock alone.
//!
//! The limit per minute counts admissions by other processes, whose clocks may differ. This process knows from its own
//! readings of the gate that some changes are more than a minute old, and that others are not. Only for those between
//! two readings do the recorded moments decide.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp, span};

/// What `per_minute` counts over.
const MINUTE: Duration = Duration::from_secs(60);
/// Readings within this time are kept as one, so that there are few however often the gate is read.
const ONE_READING: Duration = Duration::from_millis(500);

/// A reading of the gate's `change_seq`, or several that came close after each other.
#[derive(Debug, Clone, Copy)]
struct GateReading {
    /// Changes after `first_seq` happened after this.
    begun: Timestamp,
    first_seq: u64,
    /// Changes up to `last_seq` happened before this.
    done: Timestamp,
    last_seq: u64,
}

/// Which changes of the gate happened within the minute before a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MinuteBefore {
    /// Changes up to this one happened earlier.
    pub(super) over: u64,
    /// Changes after this one happened within it.
    pub(super) within: u64,
    /// When the minute began: for the changes between.
    pub(super) from: Timestamp,
}

/// The readings of the gate over the last minute.
pub(super) struct ChangeTimes {
    clock: Arc<dyn Clock>,
    readings: Mutex<VecDeque<GateReading>>,
}

impl ChangeTimes {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, readings: Mutex::default() }
    }

    /// Notes that a reading, begun at `begun` and done now, has found the gate at `change_seq`. Returns now.
    pub(super) fn note(&self, begun: Timestamp, change_seq: u64) -> Timestamp {
        let done = self.clock.now();
        let mut readings = self.readings();
        // The clock was set back: what was noted before says nothing about it.
        if readings.back().is_some_and(|last| done < last.done) {
            readings.clear();
        }
        match readings.back_mut() {
            // It was read before the last one, and is noted after it.
            Some(last) if change_seq < last.last_seq => {}
            Some(last) if begun < last.begun + span(ONE_READING) => {
                (last.done, last.last_seq) = (done, change_seq);
            }
            _ => readings.push_back(GateReading { begun, first_seq: change_seq, done, last_seq: change_seq }),
        }
        // Of those that are older than a minute, only the last says anything.
        let began = done - span(MINUTE);
        while readings.get(1).is_some_and(|second| second.done <= began) {
            readings.pop_front();
        }
        done
    }

    /// What this process knows of the minute before `now`.
    pub(super) fn minute_before(&self, now: Timestamp) -> MinuteBefore {
        let from = now - span(MINUTE);
        let readings = self.readings();
        let over = readings.iter().rev().find(|reading| reading.done <= from).map_or(0, |reading| reading.last_seq);
        let within = readings.iter().find(|reading| reading.begun > from).map_or(u64::MAX, |reading| reading.first_seq);
        MinuteBefore { over, within, from }
    }

    /// The same, of the minute before this moment.
    pub(super) fn last_minute(&self) -> MinuteBefore {
        self.minute_before(self.clock.now())
    }

    fn readings(&self) -> MutexGuard<'_, VecDeque<GateReading>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn at(seconds: u64) -> Timestamp {
        let noon = Timestamp::from_timestamp(1_803_902_400, 0).expect("in range");
        noon + span(Duration::from_secs(seconds))
    }

    #[test]
    fn what_was_seen_says_which_changes_are_older_than_a_minute_and_which_are_not() {
        let clock = Arc::new(ManualClock::new(at(100)));
        let times = ChangeTimes::new(clock.clone());
        assert_eq!(times.last_minute(), MinuteBefore { over: 0, within: u64::MAX, from: at(40) }, "nothing is known");
        for seconds in 100..=190 {
            clock.set(at(seconds));
            let now = times.note(clock.now(), 10 * seconds);
            times.note(now, 10 * seconds + 5);
        }
        // What was seen at 130 s is a minute old; what had not happened by 131 s is younger.
        assert_eq!(times.last_minute(), MinuteBefore { over: 1_305, within: 1_310, from: at(130) });
        assert!(times.readings().len() < 64, "{}", times.readings().len());
        clock.set(at(100));
        times.note(at(100), 2_000);
        assert_eq!(times.last_minute(), MinuteBefore { over: 0, within: 2_000, from: at(40) }, "it was set back");
    }

    #[test]
    fn a_reading_that_took_long_says_less() {
        let clock = Arc::new(ManualClock::new(at(110)));
        let times = ChangeTimes::new(clock.clone());
        times.note(at(100), 7);
        clock.set(at(165));
        assert_eq!(times.last_minute(), MinuteBefore { over: 0, within: u64::MAX, from: at(105) }, "100 s to 110 s");
        clock.set(at(170));
        assert_eq!(times.last_minute().over, 7);
    }
}
