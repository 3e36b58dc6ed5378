//! The rows of exports.

use std::sync::Arc;

use super::concert::ExportedConcert;
use crate::clock::Timestamp;
use crate::id::{OrderId, PaymentId, ReservationId, SeatNumber, UserId, WalletEntryId};
use crate::money::{BalanceChange, Money};
use crate::payment::PaymentStatus;
use crate::time_zone::TimeZone;
use crate::wallet::{Reference, WalletEntryKind};

/// A seat as all rows name it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedPlace {
    /// The concert.
    pub concert: Arc<ExportedConcert>,
    /// Its number.
    pub seat: SeatNumber,
    /// Its section, if the hall has any.
    pub section: Option<String>,
    /// Its row, if the hall has any.
    pub row: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedPayment {
    /// Its id.
    pub payment: PaymentId,
    /// What was paid for.
    pub place: ExportedPlace,
    /// The reservation of the seat.
    pub reservation: ReservationId,
    /// The order that it belongs to.
    pub order: OrderId,
    /// Who paid.
    pub user: UserId,
    /// The name of who paid.
    pub username: Option<String>,
    /// How much.
    pub amount: Money,
    /// Its state.
    pub status: PaymentStatus,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// When it was refunded, if it was.
    pub refunded_at: Option<Timestamp>,
    /// The operator who refunded it.
    pub refunded_by: Option<String>,
    /// Why it was refunded, if that was said.
    pub refund_reason: Option<String>,
}

/// The state of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeatStatus {
    /// It can be held.
    Free,
    /// It is held, and not paid.
    Held,
    /// It is paid.
    Sold,
    /// It is not on sale.
    Blocked,
}

impl SeatStatus {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Free, Self::Held, Self::Sold, Self::Blocked];

    /// The state as exports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Held => "HELD",
            Self::Sold => "SOLD",
            Self::Blocked => "BLOCKED",
        }
    }
}

/// A seat.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedSeat {
    /// Which.
    pub place: ExportedPlace,
    /// Its place in the row, where neighbours have consecutive places; `None`: its number.
    pub place_in_row: Option<i32>,
    /// What is special about it, with commas between.
    pub marks: Option<String>,
    /// What it costs whoever holds it next.
    pub price: Money,
    /// Its state.
    pub status: SeatStatus,
    /// Why it is not on sale.
    pub blocked_reason: Option<String>,
    /// The reservation that holds it or has sold it.
    pub reservation: Option<ReservationId>,
    /// Who holds or owns it.
    pub user: Option<UserId>,
    /// The name of who holds or owns it.
    pub username: Option<String>,
    /// What it was held or sold at.
    pub taken_at_price: Option<Money>,
    /// The deadline of the hold.
    pub held_until: Option<Timestamp>,
}

/// A change of a balance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedEntry {
    /// Its id.
    pub entry: WalletEntryId,
    /// Whose wallet it is in.
    pub user: UserId,
    /// The name of its owner.
    pub username: Option<String>,
    /// Its number in the wallet.
    pub number: u32,
    /// Why the balance changed.
    pub kind: WalletEntryKind,
    /// By how much.
    pub amount: BalanceChange,
    /// The balance after it.
    pub balance_after: Money,
    /// What was paid or refunded.
    pub payment: Option<PaymentId>,
    /// The concert whose seat was paid or refunded; `None` in an export of the whole house.
    pub concert: Option<Arc<ExportedConcert>>,
    /// That seat.
    pub seat: Option<SeatNumber>,
    /// The payment from outside that a recharge stands for.
    pub reference: Option<Reference>,
    /// When.
    pub created_at: Timestamp,
    /// The zone of the venue; in an export of the whole house, that of the house.
    pub time_zone: TimeZone,
}

/// A sold seat and its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedAttendee {
    /// Which seat.
    pub place: ExportedPlace,
    /// What is special about it, with commas between.
    pub marks: Option<String>,
    /// The reservation, which is the ticket.
    pub ticket: ReservationId,
    /// The order that it belongs to.
    pub order: OrderId,
    /// Who owns it.
    pub user: UserId,
    /// The name of its owner.
    pub username: Option<String>,
    /// What it cost.
    pub price: Money,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// When its owner was checked in; `None`: nobody is in with it.
    pub checked_in_at: Option<Timestamp>,
    /// At which gate.
    pub gate: Option<String>,
}
