//! The numbers that an operator decides on.

use std::time::Duration;

use crate::db;
use crate::error::Error;
use crate::jwt::JwtKeys;

/// How a box office behaves. Every field has a default except the keys.
///
/// The cap on ACTIVE tokens is not here: it is one number for all processes and lives in the database
/// ([`BoxOffice::set_max_active`](crate::BoxOffice::set_max_active)).
#[derive(Debug, Clone)]
pub struct Policy {
    /// The keys that access tokens are signed and verified with.
    pub keys: JwtKeys,
    /// How long a seat stays held before it is paid. Default 5 minutes.
    pub hold_ttl: Duration,
    /// By how much the deadline of an order can be moved, once; never past the end of the user's turn, nor past twice
    /// `hold_ttl`. Default 2 minutes.
    pub hold_extension: Duration,
    /// How long a turn lasts once a token is ACTIVE and picked up. Default 10 minutes.
    pub active_ttl: Duration,
    /// How long a token that was let in waits for its user to poll or to act before it ends and the next is let in; the
    /// turn is counted from then. Default 60 seconds.
    pub claim_window: Duration,
    /// How long a turn still lasts after paying, when nothing else is held. Default 60 seconds; equal to `active_ttl`
    /// it changes nothing.
    pub after_payment_ttl: Duration,
    /// The longest wait in the queue; a token that waited longer ends. Default 24 hours.
    pub waiting_ttl: Duration,
    /// How long a session from log-in lasts. Default 12 hours.
    pub session_ttl: Duration,
    /// How many unpaid seats a user may hold at once. Default 4.
    pub max_holds_per_user: u32,
    /// How many transactions each kind of write may have in flight from this process. Default 2. Each has a connection
    /// of its own; the queue has one, since its gate admits one at a time anyway. Fewer than 96 commands at once make do with
    /// one.
    pub writers_per_lane: usize,
    /// How many commands may wait for one writer before [`Error::Overloaded`]. Default 16 384.
    pub lane_capacity: usize,
    /// How many polls per second all who wait may make together. Default 20 000: `poll_after_seconds` grows with the queue
    /// to keep below it.
    pub max_polls_per_second: u32,
    /// How many passwords are hashed at once; each takes about 30 ms of a core and 19 MiB. Default 2.
    pub password_hashes_at_once: usize,
    /// The database on the same server that has the box office's tables: 1 to 64 letters, digits and `_`. Default `None`:
    /// the one that the pool or the URL names. Its own keeps it apart from an application's tables and from another box
    /// office's; [`BoxOffice::migrate`](crate::BoxOffice::migrate) makes it if it is missing.
    pub schema: Option<String>,
}

/// The longest duration that a policy takes: 366 days.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// The most writers that a lane takes.
const MOST_WRITERS: usize = 64;

impl Policy {
    /// The default policy, with these keys.
    #[must_use]
    pub const fn new(keys: JwtKeys) -> Self {
        Self {
            keys,
            hold_ttl: Duration::from_secs(5 * 60),
            hold_extension: Duration::from_secs(2 * 60),
            active_ttl: Duration::from_secs(10 * 60),
            claim_window: Duration::from_secs(60),
            after_payment_ttl: Duration::from_secs(60),
            waiting_ttl: Duration::from_secs(24 * 3600),
            session_ttl: Duration::from_secs(12 * 3600),
            max_holds_per_user: 4,
            writers_per_lane: 2,
            lane_capacity: 16_384,
            max_polls_per_second: 20_000,
            password_hashes_at_once: 2,
            schema: None,
        }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] naming the field.
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
                return Err(Error::invalid(format!("{name} is from 1 second to 366 days")));
            }
        }
        if self.after_payment_ttl > self.active_ttl {
            return Err(Error::invalid("after_payment_ttl is at most active_ttl"));
        }
        let counts = [
            ("max_holds_per_user", self.max_holds_per_user as usize, 1_000_000),
            ("writers_per_lane", self.writers_per_lane, MOST_WRITERS),
            ("lane_capacity", self.lane_capacity, 1 << 24),
            ("max_polls_per_second", self.max_polls_per_second as usize, 1_000_000_000),
            ("password_hashes_at_once", self.password_hashes_at_once, 1024),
        ];
        for (name, count, most) in counts {
            if count == 0 || count > most {
                return Err(Error::invalid(format!("{name} is from 1 to {most}")));
            }
        }
        self.schema.as_deref().map_or(Ok(()), db::check_name)
    }
}
