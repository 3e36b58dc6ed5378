//! What a batch reads, and what it changes.

use hashbrown::{HashMap, HashSet};

use super::TicketMove;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, OrderId, PaymentId, ReservationId, SaleId, UserId};
use crate::money::Money;
use crate::operator::{DoneBefore, LogEntry, Reason};
use crate::reservation::{AddedSeats, ReservationStatus, Seat, SeatKey, SeatLimit, TakenSeats};
use crate::wallet::{Account, Recipient, WalletEntry};

/// A payment. Nothing of it changes but its seat, where seats are swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paid {
    /// Who paid.
    pub(crate) user: UserId,
    pub(crate) reservation: ReservationId,
    pub(crate) seat: SeatKey,
    pub(crate) amount: Money,
}

/// A reservation that was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) owner: UserId,
    pub(crate) seat: SeatKey,
    /// The order that it shares with others, and the others of it that the owner has.
    pub(crate) order: Option<OrderId>,
    pub(crate) others: Vec<ReservationId>,
    /// How it got from owner to owner, the last move last.
    pub(crate) moves: Vec<TicketMove>,
}

/// A concert, as it stands when its seats are locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConcertState {
    pub(crate) status: ConcertStatus,
    pub(crate) sale: SaleId,
    /// Of one that was called off: why, by whom and when.
    pub(crate) called_off: Option<(Reason, String, Timestamp)>,
    /// How many seats of it, and of its sale, one user may have.
    pub(crate) limits: Vec<SeatLimit>,
}

/// The rows that a batch concerns.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Those that commands name, and the successful ones of seats that are cleared.
    pub(crate) payments: HashMap<PaymentId, Paid>,
    /// Those that commands name, if they were ever paid.
    pub(crate) tickets: HashMap<ReservationId, Ticket>,
    pub(crate) concerts: HashMap<ConcertId, ConcertState>,
    /// They tell whether a payment is refunded: its reservation then no longer has its seat.
    pub(crate) seats: HashMap<SeatKey, Seat>,
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Those who are to get tickets, if there are such users.
    pub(crate) recipients: HashMap<UserId, Recipient>,
    /// What those who get tickets have of what is limited.
    pub(crate) taken: TakenSeats,
    pub(crate) done: DoneBefore,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) called_off: Vec<CalledOff>,
    pub(crate) refunds: Vec<Refunded>,
    /// Holds that end, and as what. Their seats go off sale.
    pub(crate) released: Vec<(ReservationId, ReservationStatus)>,
    /// Seats that nobody has and that go off sale.
    pub(crate) blocked: HashSet<SeatKey>,
    pub(crate) entries: Vec<WalletEntry>,
    pub(crate) moves: Vec<Moved>,
    /// Seats that are added to users under a limit.
    pub(crate) added: AddedSeats,
    pub(crate) log: Vec<LogEntry>,
}

/// A concert that is called off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CalledOff {
    pub(crate) concert: ConcertId,
    pub(crate) reason: Reason,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
}

/// A payment to refund, with the operator and the reason for the record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refunded {
    pub(crate) payment: PaymentId,
    pub(crate) reservation: ReservationId,
    pub(crate) seat: SeatKey,
    /// The operator's name.
    pub(crate) by: String,
    pub(crate) reason: Option<Reason>,
    /// Why the seat is blocked from now on; `None`: it is for sale again.
    pub(crate) off_sale: Option<String>,
    pub(crate) at: Timestamp,
}

/// A ticket that gets another owner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) change: TicketMove,
    pub(crate) seat: SeatKey,
    /// Those that stay behind in the order, and the order that they are from now on: a moved ticket is an order of its
    /// own, and an order has the id of one of its reservations.
    pub(crate) left_behind: Vec<ReservationId>,
    pub(crate) order: Option<OrderId>,
}
