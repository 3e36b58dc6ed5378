//! The numbers that an operator decides on.

use std::str::FromStr;
use std::time::Duration;

use crate::currency::Currency;
use crate::db;
use crate::error::Error;
use crate::invalid::InvalidInput;
#[cfg(feature = "jwt")]
use crate::jwt::{Claims, JwtKeys};
use crate::money::Money;
use crate::reservation::MOST_HOLDS_IN_A_ROW;
use crate::time_zone::TimeZone;

/// How a box office behaves. Everything has a default, and a `with_*` method that changes it.
///
/// The cap on ACTIVE tokens is not here: it is one number for all processes and lives in the database
/// ([`BackOffice::set_admission`](crate::BackOffice::set_admission)).
///
/// ```
/// use std::time::Duration;
///
/// use concert_core::Policy;
///
/// let policy = Policy::default().with_hold_ttl(Duration::from_secs(600)).with_max_holds_per_user(2);
/// # assert!(policy.check().is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    #[cfg(feature = "jwt")]
    pub(crate) keys: Option<JwtKeys>,
    pub(crate) schema: Option<String>,
    pub(crate) recharge: RechargeBy,
    pub(crate) time_zone: TimeZone,
    pub(crate) currency: Option<Currency>,
    pub(crate) hold_ttl: Duration,
    pub(crate) hold_extension: Duration,
    pub(crate) active_ttl: Duration,
    pub(crate) claim_window: Duration,
    pub(crate) after_payment_ttl: Duration,
    pub(crate) waiting_ttl: Duration,
    pub(crate) session_ttl: Duration,
    pub(crate) bare_joins: bool,
    pub(crate) max_holds_per_user: u32,
    pub(crate) max_holds_in_a_row: u32,
    pub(crate) seat_pause: Duration,
    pub(crate) writers_per_lane: usize,
    pub(crate) lane_capacity: usize,
    pub(crate) max_polls_per_second: u32,
    pub(crate) password_hashes_at_once: usize,
    pub(crate) rerank_every: Duration,
    pub(crate) sweep_every: Duration,
    pub(crate) refresh_every: Duration,
}

/// Who may recharge wallets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RechargeBy {
    /// Everyone, each the own wallet; operators any.
    Everyone,
    /// Operators alone.
    Operators,
}

impl RechargeBy {
    /// As flags and files have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Operators => "operators",
        }
    }
}

impl FromStr for RechargeBy {
    type Err = Error;

    /// Reads `everyone` and `operators`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "everyone" => Ok(Self::Everyone),
            "operators" => Ok(Self::Operators),
            _ => Err(Error::invalid("recharges are made by everyone or by operators")),
        }
    }
}

/// The longest duration that a policy takes: 366 days.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// The shortest and the longest period between two passes.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);
const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 3600);
/// The most writers that a lane takes.
const MOST_WRITERS: usize = 64;

impl Default for Policy {
    /// The defaults that each `with_*` method names, and no keys.
    fn default() -> Self {
        Self {
            #[cfg(feature = "jwt")]
            keys: None,
            hold_ttl: Duration::from_secs(5 * 60),
            hold_extension: Duration::from_secs(2 * 60),
            active_ttl: Duration::from_secs(10 * 60),
            claim_window: Duration::from_secs(60),
            after_payment_ttl: Duration::from_secs(60),
            waiting_ttl: Duration::from_secs(24 * 3600),
            session_ttl: Duration::from_secs(12 * 3600),
            bare_joins: true,
            max_holds_per_user: 4,
            max_holds_in_a_row: 3,
            seat_pause: Duration::from_secs(60),
            writers_per_lane: 2,
            lane_capacity: 16_384,
            max_polls_per_second: 20_000,
            password_hashes_at_once: 2,
            schema: None,
            recharge: RechargeBy::Everyone,
            time_zone: TimeZone::UTC,
            currency: None,
            rerank_every: Duration::from_secs(10),
            sweep_every: Duration::from_secs(60),
            refresh_every: Duration::from_secs(1),
        }
    }
}

impl Policy {
    /// The default policy, with these keys.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn new(keys: JwtKeys) -> Self {
        Self { keys: Some(keys), ..Self::default() }
    }

    /// An access token with these claims, if there are keys.
    #[cfg(feature = "jwt")]
    pub(crate) fn sign(&self, claims: &Claims) -> Result<Option<String>, Error> {
        self.keys.as_ref().map(|keys| keys.sign(claims)).transpose()
    }

    /// The database on the same server that has the box office's tables: 1 to 64 letters, digits and `_`. Default
    /// `None`: the one that the pool or the URL names. A database of its own keeps it apart from an application's
    /// tables and from another box office's; [`BoxOffice::migrate`](crate::BoxOffice::migrate) makes it if it is
    /// missing.
    #[must_use]
    pub fn with_schema(mut self, schema: impl Into<Option<String>>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Who puts money into wallets. Default everyone: the application that embeds the library decides whom it lets.
    #[must_use]
    pub const fn with_recharge(mut self, by: RechargeBy) -> Self {
        self.recharge = by;
        self
    }

    /// The zone of the house: in it is every concert that names none of its own. Default UTC. The process's own zone
    /// plays no part.
    #[must_use]
    pub const fn with_time_zone(mut self, zone: TimeZone) -> Self {
        self.time_zone = zone;
        self
    }

    /// The zone of the house.
    #[must_use]
    pub const fn time_zone(&self) -> TimeZone {
        self.time_zone
    }

    /// The currency of the house. Amounts with more decimal places than it has are refused where they come in: recharges,
    /// prices and first balances. Default `None`: two places, and no name. All processes should have the same.
    #[must_use]
    pub fn with_currency(mut self, currency: impl Into<Option<Currency>>) -> Self {
        self.currency = currency.into();
        self
    }

    /// The currency of the house.
    #[must_use]
    pub const fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// Refuses an amount that the currency of the house does not have.
    pub(crate) fn check_amount(&self, amount: Money) -> Result<(), InvalidInput> {
        self.currency.map_or(Ok(()), |currency| currency.check(amount))
    }

    /// How long a seat stays held before it is paid. Default 5 minutes.
    #[must_use]
    pub const fn with_hold_ttl(mut self, ttl: Duration) -> Self {
        self.hold_ttl = ttl;
        self
    }

    /// By how much the deadline of an order can be moved, once; never past twice the time of a hold, nor past the end of
    /// the longest turn ([`Policy::with_active_ttl`]). Default 2 minutes.
    #[must_use]
    pub const fn with_hold_extension(mut self, extension: Duration) -> Self {
        self.hold_extension = extension;
        self
    }

    /// How long a turn lasts from the moment it is claimed. Default 10 minutes. It lasts longer where something is held
    /// then, until that is paid or its deadline passes, though no longer than this and twice the time of a hold.
    #[must_use]
    pub const fn with_active_ttl(mut self, ttl: Duration) -> Self {
        self.active_ttl = ttl;
        self
    }

    /// How long a user who was let in has to claim the turn, by polling or acting. After that the token ends and the
    /// next user is let in. Default 60 seconds.
    #[must_use]
    pub const fn with_claim_window(mut self, window: Duration) -> Self {
        self.claim_window = window;
        self
    }

    /// How long a turn still lasts after paying, when nothing else is held. Default 60 seconds; as long as a turn, it
    /// changes nothing.
    #[must_use]
    pub const fn with_after_payment_ttl(mut self, ttl: Duration) -> Self {
        self.after_payment_ttl = ttl;
        self
    }

    /// The longest wait in the queue; a token that waited longer ends. Default 24 hours.
    #[must_use]
    pub const fn with_waiting_ttl(mut self, ttl: Duration) -> Self {
        self.waiting_ttl = ttl;
        self
    }

    /// How long a session from log-in lasts. Default 12 hours.
    #[must_use]
    pub const fn with_session_ttl(mut self, ttl: Duration) -> Self {
        self.session_ttl = ttl;
        self
    }

    /// Whether a user without a password joins the queue by id alone, so that whoever knows the id gets a queue token for
    /// that wallet. Default yes, for applications that vouch for their users: they know who asks. Where strangers ask,
    /// as over HTTP, say no; such users then join by [`Caller::verified`](crate::Caller::verified) alone.
    #[must_use]
    pub const fn with_bare_joins(mut self, allowed: bool) -> Self {
        self.bare_joins = allowed;
        self
    }

    /// How many unpaid seats a user may hold at once. Default 4.
    #[must_use]
    pub const fn with_max_holds_per_user(mut self, seats: u32) -> Self {
        self.max_holds_per_user = seats;
        self
    }

    /// How many times in a row a user may hold the same seat and let it go, by giving it back or by not paying in time,
    /// before others come first ([`Policy::with_seat_pause`]). A hold by anybody else begins a new row. Default 3; 1 to
    /// 100.
    #[must_use]
    pub const fn with_max_holds_in_a_row(mut self, holds: u32) -> Self {
        self.max_holds_in_a_row = holds;
        self
    }

    /// How long a user who has let the same seat go too often in a row must leave it to others, from the last time on.
    /// Default 1 minute; at most 1 day; zero: not at all.
    #[must_use]
    pub const fn with_seat_pause(mut self, pause: Duration) -> Self {
        self.seat_pause = pause;
        self
    }

    /// How many transactions each kind of write may have in flight from this process. Default 2. Each has a connection
    /// of its own; the queue has one, since its gate admits one at a time anyway. Below 96 commands at once one is
    /// used.
    #[must_use]
    pub const fn with_writers_per_lane(mut self, writers: usize) -> Self {
        self.writers_per_lane = writers;
        self
    }

    /// How many commands may wait for one writer before [`Error::Overloaded`]. Default 16 384.
    #[must_use]
    pub const fn with_lane_capacity(mut self, commands: usize) -> Self {
        self.lane_capacity = commands;
        self
    }

    /// How many polls per second all WAITING users may make together. Default 20 000. `poll_after_seconds` grows with
    /// the queue to stay below it.
    #[must_use]
    pub const fn with_max_polls_per_second(mut self, polls: u32) -> Self {
        self.max_polls_per_second = polls;
        self
    }

    /// How many passwords of log-ins are hashed at once, and as many of sign-ups; each takes about 30 ms of a core and
    /// 19 MiB. Default 2.
    #[cfg(feature = "password")]
    #[must_use]
    pub const fn with_password_hashes_at_once(mut self, hashes: usize) -> Self {
        self.password_hashes_at_once = hashes;
        self
    }

    /// How often [`BoxOffice::run`](crate::BoxOffice::run) moves the queue. Default 10 seconds.
    #[must_use]
    pub const fn with_rerank_every(mut self, period: Duration) -> Self {
        self.rerank_every = period;
        self
    }

    /// How often [`BoxOffice::run`](crate::BoxOffice::run) releases lapsed holds. Default 60 seconds.
    #[must_use]
    pub const fn with_sweep_every(mut self, period: Duration) -> Self {
        self.sweep_every = period;
        self
    }

    /// How often [`BoxOffice::run`](crate::BoxOffice::run) brings this process's snapshot of the queue up to date.
    /// Default 1 second.
    #[must_use]
    pub const fn with_refresh_every(mut self, period: Duration) -> Self {
        self.refresh_every = period;
        self
    }

    /// The longest wait, and the longest turn after it.
    pub(crate) fn longest_visit(&self) -> Duration {
        self.waiting_ttl + self.claim_window + self.active_ttl + 2 * self.hold_ttl
    }

    /// The longest wait in the queue.
    #[must_use]
    pub const fn waiting_ttl(&self) -> Duration {
        self.waiting_ttl
    }

    /// Who puts money into wallets.
    #[must_use]
    pub const fn recharge(&self) -> RechargeBy {
        self.recharge
    }

    /// The most unpaid seats that one user may hold at once.
    #[must_use]
    pub const fn max_holds_per_user(&self) -> u32 {
        self.max_holds_per_user
    }

    /// The longest life of an access token, of a session or of a place in the queue.
    pub(crate) fn longest_token_life(&self) -> Duration {
        self.session_ttl.max(self.longest_visit())
    }

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
