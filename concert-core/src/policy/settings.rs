//! The settings of a policy, one method each: what it means, and its default.

use std::time::Duration;

use super::{Policy, RechargeBy};
use crate::currency::Currency;
use crate::time_zone::TimeZone;

impl Policy {
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

    /// The currency of the house. Amounts with more decimal places than it has are refused where they come in: recharges,
    /// prices and first balances. Default `None`: two places, and no name. All processes should have the same.
    #[must_use]
    pub fn with_currency(mut self, currency: impl Into<Option<Currency>>) -> Self {
        self.currency = currency.into();
        self
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

    /// How many commands may wait for one writer before [`Error::Overloaded`](crate::Error::Overloaded). Default
    /// 16 384.
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
}
