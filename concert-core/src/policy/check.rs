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
    /// [`Error::InvalidInput`] naming the setting.
    pub fn check(&self) -> Result<(), Error> {
        let durations = [
            ("hold_ttl", self.hold_ttl),
            ("hold_extension", self.hold_extension),
            ("active_ttl", self.active_ttl),
            ("claim_window", self.claim_window),
            ("after_payment_ttl", self.after_payment_ttl),
            ("waiting_ttl", self.waiting_ttl),
            ("session_ttl", self.session_ttl),
        ];
        for (name, duration) in durations {
            if duration < Duration::from_secs(1) || duration > LONGEST {
                return Err(Error::invalid(format!("{name} must be from 1 second to 366 days")));
            }
        }
        if self.seat_pause > LONGEST_PERIOD {
            return Err(Error::invalid("seat_pause must be at most 1 day"));
        }
        // It shortens a turn after the last payment, and must not lengthen one.
        if self.after_payment_ttl > self.active_ttl {
            return Err(Error::invalid("after_payment_ttl must be at most active_ttl"));
        }
        let periods = [
            ("rerank_every", self.rerank_every),
            ("sweep_every", self.sweep_every),
            ("refresh_every", self.refresh_every),
        ];
        for (name, period) in periods {
            if period < SHORTEST_PERIOD || period > LONGEST_PERIOD {
                return Err(Error::invalid(format!("{name} must be from 100 milliseconds to 1 day")));
            }
        }
        let counts = [
            ("max_holds_per_user", self.max_holds_per_user as usize, 1_000_000),
            ("max_holds_in_a_row", self.max_holds_in_a_row as usize, MOST_HOLDS_IN_A_ROW as usize),
            ("writers_per_lane", self.writers_per_lane, MOST_WRITERS),
            ("lane_capacity", self.lane_capacity, 1 << 24),
            ("max_polls_per_second", self.max_polls_per_second as usize, 1_000_000_000),
            ("password_hashes_at_once", self.password_hashes_at_once, 1024),
        ];
        for (name, count, most) in counts {
            if count == 0 || count > most {
                return Err(Error::invalid(format!("{name} must be from 1 to {most}")));
            }
        }
        self.schema.as_deref().map_or(Ok(()), db::check_name)
    }
}
