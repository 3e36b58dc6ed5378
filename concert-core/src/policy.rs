//! The numbers that an operator decides on.

mod check;
mod settings;

use std::str::FromStr;
use std::time::Duration;

use crate::currency::Currency;
use crate::error::Error;
use crate::invalid::InvalidInput;
#[cfg(feature = "jwt")]
use crate::jwt::{Claims, JwtKeys};
use crate::money::Money;
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

    /// The zone of the house.
    #[must_use]
    pub const fn time_zone(&self) -> TimeZone {
        self.time_zone
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

    /// The longest wait, and the longest turn after it.
    pub(crate) fn longest_visit(&self) -> Duration {
        // Holds may make a turn last longer, at most twice by a hold's time.
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
}
