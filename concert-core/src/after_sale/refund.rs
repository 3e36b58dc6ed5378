//! Refunds: the money goes back to the wallet that paid, and the seat is for sale again or kept, in one transaction.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::rows::Paid;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ConcertId, PaymentId, ReservationId, SeatNumber, UserId, WalletEntryId};
use crate::money::Money;
use crate::operator::{Done, Reason, Signature};
use crate::reservation::SeatKey;

/// Why a payment is refunded.
pub type RefundReason = Reason;

/// Where the seat of a refunded payment goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum SeatAfterRefund {
    /// It is for sale again.
    #[default]
    ToSale,
    /// It is blocked, until somebody unblocks it.
    OffSale,
}

impl SeatAfterRefund {
    /// Both places.
    pub const ALL: [Self; 2] = [Self::ToSale, Self::OffSale];

    /// As JSON writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToSale => "TO_SALE",
            Self::OffSale => "OFF_SALE",
        }
    }
}

impl FromStr for SeatAfterRefund {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|goes| goes.as_str() == text)
            .ok_or_else(|| Error::invalid("the seat of a refund goes TO_SALE or OFF_SALE"))
    }
}

/// A payment that was refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Refund {
    /// The payment.
    #[serde(rename = "paymentId")]
    pub payment: PaymentId,
    /// Who has the money back: the user who paid, whoever has the ticket now.
    #[serde(rename = "userId")]
    pub user: UserId,
    /// The reservation that ended.
    #[serde(rename = "reservationId")]
    pub reservation: ReservationId,
    /// The concert.
    #[serde(rename = "concertId")]
    pub concert: ConcertId,
    /// The seat.
    #[serde(rename = "seatNumber")]
    pub seat: SeatNumber,
    /// Where the seat goes. Seats of a concert that was called off stay off sale.
    #[serde(rename = "seat")]
    pub seat_goes: SeatAfterRefund,
    /// How much.
    pub amount: Money,
    /// The balance with it.
    pub balance: Money,
    /// When.
    pub refunded_at: Timestamp,
}

/// Refunds one payment.
#[derive(Debug)]
pub(crate) struct RefundPayment {
    pub(crate) payment: PaymentId,
    pub(crate) by: Signature,
    pub(crate) reason: Option<RefundReason>,
    pub(crate) seat_goes: SeatAfterRefund,
    /// The id of the wallet entry that it makes.
    pub(crate) entry: WalletEntryId,
}

pub(super) fn refund(
    payment: PaymentId,
    paid: Paid,
    (seat_goes, balance): (SeatAfterRefund, Money),
    refunded_at: Timestamp,
) -> Refund {
    let Paid { user, reservation, seat: SeatKey { concert, seat }, amount } = paid;
    Refund { payment, user, reservation, concert, seat, seat_goes, amount, balance, refunded_at }
}

/// What the log keeps of a refund's answer.
#[derive(Deserialize)]
struct LoggedRefund {
    seat: String,
    balance: Number,
}

/// The first answer to a command that is repeated, whatever is in the wallet by now.
pub(super) fn logged(payment: PaymentId, paid: Paid, done: &Done) -> Result<Refund, Error> {
    let LoggedRefund { seat, balance } = done.read()?;
    // A number is logged as an amount is written, so its text gives the amount back exactly.
    Ok(refund(payment, paid, (seat.parse()?, balance.to_string().parse()?), done.at))
}
