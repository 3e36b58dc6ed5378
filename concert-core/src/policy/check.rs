//! What the settings of a policy may be.

use std::time::Duration;

use super::Policy;
use crate::db;
use crate::error::Error;
use crate::reservation::MOST_HOLDS_IN_A_ROW;

/// The longest duration that a policy takes: 366 days.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// The shortest and the longest period between two passes.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);
const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 3600);
/// The most writers that a lane takes.
const MOST_WRITERS: usize = 64;

impl Policy {
    /// Checks the settings. Every constructor of a box office calls this.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] naming the first setting that cannot work.
    pub fn check(&self) -> Result<(), Error> {
        self.faults().into_iter().next().map_or(Ok(()), Err)
    }

    /// All that [`Policy::check`] refuses, each naming its setting.
    #[must_use]
    pub fn faults(&self) -> Vec<Error> {
        let faults = self.durations().into_iter().chain(self.periods()).chain(self.counts());
        let schema = self.schema.as_deref().and_then(|schema| db::check_name(schema).err());
        faults.map(Error::invalid).chain(schema).collect()
    }

    /// Checks the URL of a database as a connect does, and connects to nothing.
    ///
    /// # Errors
    /// [`Error::InvalidInput`].
    pub fn check_url(&self, url: &str) -> Result<(), Error> {
        db::own_options(&db::parse_url(url)?, self.schema.as_deref()).map(drop)
    }

    fn durations(&self) -> Vec<String> {
        let durations = [
            ("hold_ttl", self.hold_ttl),
            ("hold_extension", self.hold_extension),
            ("active_ttl", self.active_ttl),
            ("claim_window", self.claim_window),
            ("after_payment_ttl", self.after_payment_ttl),
            ("waiting_ttl", self.waiting_ttl),
            ("session_ttl", self.session_ttl),
        ];
        let fits = Duration::from_secs(1)..=LONGEST;
        let wrong = durations.iter().filter(|(_, duration)| !fits.contains(duration));
        let mut faults: Vec<_> = wrong.map(|(name, _)| format!("{name} must be from 1 second to 366 days")).collect();
        if self.seat_pause > LONGEST_PERIOD {
            faults.push("seat_pause must be at most 1 day".to_owned());
        }
        // It shortens a turn after the last payment, and must not lengthen one.
        if self.after_payment_ttl > self.active_ttl {
            faults.push("after_payment_ttl must be at most active_ttl".to_owned());
        }
        faults
    }

    fn periods(&self) -> Vec<String> {
        let periods = [
            ("rerank_every", self.rerank_every),
            ("sweep_every", self.sweep_every),
            ("refresh_every", self.refresh_every),
        ];
        let fits = SHORTEST_PERIOD..=LONGEST_PERIOD;
        let wrong = periods.iter().filter(|(_, period)| !fits.contains(period));
        wrong.map(|(name, _)| format!("{name} must be from 100 milliseconds to 1 day")).collect()
    }

    fn counts(&self) -> Vec<String> {
        let counts = [
            ("max_holds_per_user", self.max_holds_per_user as usize, 1_000_000),
            ("max_holds_in_a_row", self.max_holds_in_a_row as usize, MOST_HOLDS_IN_A_ROW as usize),
            ("writers_per_lane", self.writers_per_lane, MOST_WRITERS),
            ("lane_capacity", self.lane_capacity, 1 << 24),
            ("max_polls_per_second", self.max_polls_per_second as usize, 1_000_000_000),
            ("password_hashes_at_once", self.password_hashes_at_once, 1024),
        ];
        let wrong = counts.iter().filter(|(_, count, most)| !(1..=*most).contains(count));
        wrong.map(|(name, _, most)| format!("{name} must be from 1 to {most}")).collect()
    }
}
