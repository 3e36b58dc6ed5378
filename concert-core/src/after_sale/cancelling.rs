//! Concerts that are called off.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, PaymentId, SeatNumber, WalletEntryId};
use crate::operator::{Reason, Signature};

/// Why seats of a concert that was called off are not on sale: short, since every seat of the hall keeps it.
pub(super) const CALLED_OFF: &str = "called off";

/// Marks a concert as called off.
#[derive(Debug)]
pub(crate) struct CallOff {
    pub(crate) concert: ConcertId,
    pub(crate) reason: Reason,
    pub(crate) by: Signature,
}

/// Clears seats of a concert that was called off.
#[derive(Debug)]
pub(crate) struct ClearSeats {
    pub(crate) concert: ConcertId,
    /// Each with the id of the wallet entry that its refund makes.
    pub(crate) seats: Vec<(SeatNumber, WalletEntryId)>,
}

/// What became of seats that were cleared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleared {
    pub(crate) refunded: u64,
    pub(crate) amount: Decimal,
    pub(crate) released: u64,
    /// Payments whose wallets cannot take the money.
    pub(crate) stuck: Vec<PaymentId>,
}

/// How far it is with calling a concert off, or what it would come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Cancellation {
    /// The concert.
    #[serde(rename = "concertId")]
    pub concert: ConcertId,
    /// Its name.
    pub concert_name: String,
    /// Its status: CANCELLED once it is called off.
    pub status: ConcertStatus,
    /// Why it was called off.
    pub reason: Option<String>,
    /// When it was called off.
    pub cancelled_at: Option<Timestamp>,
    /// By which operator.
    pub cancelled_by: Option<String>,
    /// How many payments are refunded, or were when it was called off; those refunded before are not counted.
    pub payments: u64,
    /// How many of them are refunded.
    pub refunded: u64,
    /// What the payments add up to.
    #[serde(serialize_with = "crate::money::as_number")]
    pub amount: Decimal,
    /// How much of it is refunded.
    #[serde(serialize_with = "crate::money::as_number")]
    pub amount_refunded: Decimal,
    /// How many seats are still held unpaid.
    pub holds: u64,
    /// How many holds have ended since it was called off.
    pub holds_released: u64,
    /// Payments that cannot be refunded, since the wallet would pass its limit; at most 100 of them. Calling the concert
    /// off again tries them again.
    pub stuck: Vec<PaymentId>,
    /// Whether all is done: every payment refunded, every hold ended, every seat off sale.
    pub done: bool,
}
