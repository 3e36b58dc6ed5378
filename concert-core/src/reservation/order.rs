//! Orders: the seats that are held in one call, with one deadline.

use std::fmt;

use super::{Known, Reservation, ReservationStatus};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ConcertId, OrderId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::name::{LONGEST_SECTION, SECTION_RULE, free_text};

/// The most seats of one order, whatever the policy says: an order is one list in each statement.
pub(crate) const MOST_SEATS: usize = 256;

/// Which seats to hold, all of them or none. A [`SeatNumber`] converts into that seat alone, a list of them into those.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// These seats.
    Seats(Vec<SeatNumber>),
    /// This many of the best free seats: next to each other in one row where possible, and without leaving a single
    /// seat over where that can be avoided.
    BestAvailable {
        /// How many.
        count: usize,
        /// Only seats of this section; `None`: any seats.
        section: Option<String>,
    },
    /// The same, but next to each other in one row, with no aisle between them, or none at all.
    BestTogether {
        /// How many.
        count: usize,
        /// Only seats of this section; `None`: any seats.
        section: Option<String>,
    },
}

/// Seats that the hall chooses, as somebody wants them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Best<'a> {
    pub(crate) count: usize,
    pub(crate) section: Option<&'a str>,
    /// Beside each other or not at all.
    pub(crate) together: bool,
}

impl From<SeatNumber> for Wanted {
    fn from(seat: SeatNumber) -> Self {
        Self::Seats(vec![seat])
    }
}

impl From<Vec<SeatNumber>> for Wanted {
    fn from(seats: Vec<SeatNumber>) -> Self {
        Self::Seats(seats)
    }
}

impl Wanted {
    /// How many seats.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Seats(seats) => seats.len(),
            Self::BestAvailable { count, .. } | Self::BestTogether { count, .. } => *count,
        }
    }

    /// What the hall is to choose; `None`: the seats are named.
    pub(crate) fn best(&self) -> Option<Best<'_>> {
        match self {
            Self::Seats(_) => None,
            Self::BestAvailable { count, section } => {
                Some(Best { count: *count, section: section.as_deref(), together: false })
            }
            Self::BestTogether { count, section } => {
                Some(Best { count: *count, section: section.as_deref(), together: true })
            }
        }
    }

    /// The same with the seats in order and the section's name as it is stored; refuses none, too many, and a seat that is named twice.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        if !(1..=MOST_SEATS).contains(&self.count()) {
            return Err(Error::invalid(format!("an order is of 1 to {MOST_SEATS} seats")));
        }
        if let Self::Seats(seats) = &mut self {
            seats.sort_unstable();
            if let Some(twice) = seats.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(Error::invalid(format!("seat {} is named more than once", twice[0])));
            }
        }
        // A text that no section can have is left as it is: the refusal then says that there is none of this name.
        if let Self::BestAvailable { section: Some(section), .. } | Self::BestTogether { section: Some(section), .. } =
            &mut self
            && let Ok(name) = free_text(section, LONGEST_SECTION, SECTION_RULE)
        {
            *section = name;
        }
        Ok(self)
    }
}

impl fmt::Display for Wanted {
    /// In one form for all ways to ask for the same, once it is checked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Seats(seats) = self {
            f.write_str("seats")?;
            return seats.iter().try_for_each(|seat| write!(f, " {seat}"));
        }
        let Some(Best { count, section, together }) = self.best() else { return Ok(()) };
        write!(f, "the best {count}")?;
        section.map_or(Ok(()), |section| write!(f, " of {section:?}"))?;
        if together { f.write_str(" together") } else { Ok(()) }
    }
}

/// The seats that were held in one call, or one of them alone, where a reservation was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Order {
    /// The order's id: that of its first reservation.
    pub id: OrderId,
    /// Whose it is.
    pub user: UserId,
    /// The concert.
    pub concert: ConcertId,
    /// A reservation for each seat, by number. Each can be paid or given back by itself.
    pub reservations: Vec<Reservation>,
    /// What paying for those that are HELD costs.
    pub total: Money,
    /// The deadline for paying.
    pub expires_at: Timestamp,
}

impl Order {
    /// The order that these reservations are, as they are now; `None` if there are none.
    pub(crate) fn of(mut reservations: Vec<Reservation>) -> Option<Self> {
        reservations.sort_unstable_by_key(|reservation| reservation.seat);
        // A held one where there is one: an extension moves the deadline of what is held, and no other.
        let held = reservations.iter().find(|reservation| reservation.is_held());
        let first = held.or(reservations.first())?;
        let (id, user, concert, expires_at) = (first.order(), first.user, first.concert, first.expires_at);
        let due = reservations.iter().filter(|reservation| reservation.is_held());
        // An order whose total is past what a wallet can hold was not made.
        let total = total(due.map(|reservation| reservation.price)).unwrap_or(Money::MAX);
        Some(Self { id, user, concert, reservations, total, expires_at })
    }

    /// What has become of it, whose seats can each be paid or given back alone: HELD while anything of it can be paid, else
    /// CONFIRMED while any seat of it is sold, else REFUNDED, EXPIRED or CANCELLED, the first of these that a seat is.
    #[must_use]
    pub fn status(&self) -> ReservationStatus {
        use ReservationStatus::{Cancelled, Confirmed, Expired, Held, Refunded};
        let has = |status: &ReservationStatus| self.reservations.iter().any(|found| found.status == *status);
        [Held, Confirmed, Refunded, Expired].into_iter().find(has).unwrap_or(Cancelled)
    }
}

/// The sum; `None` when it is more than [`Money::MAX`].
pub(crate) fn total(prices: impl IntoIterator<Item = Money>) -> Option<Money> {
    prices.into_iter().try_fold(Money::ZERO, Money::checked_add)
}

/// The refusal when none of the named reservations is held. `sold`: some of them are sold.
pub(crate) fn refusal_for(named: &[Reservation], sold: bool) -> Error {
    // A paid reservation without its seat was refunded since it was read.
    let refunded = |one: &Reservation| matches!(one.status, ReservationStatus::Refunded | ReservationStatus::Confirmed);
    if sold {
        Error::AlreadyPaid
    } else if named.iter().all(|one| one.status == ReservationStatus::Cancelled) {
        Error::HoldCancelled
    } else if named.iter().any(refunded) {
        Error::AlreadyRefunded
    } else {
        Error::HoldExpired
    }
}

/// Names what is shown, paid or given back: a whole order, or one reservation of it. Both ids convert into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderRef {
    /// One reservation, whatever order it belongs to.
    Reservation(ReservationId),
    /// All reservations of an order.
    Order(OrderId),
}

impl OrderRef {
    /// A reservation that it names, the first of an order.
    pub(crate) fn any(self) -> ReservationId {
        match self {
            Self::Reservation(id) => id,
            Self::Order(id) => id.into(),
        }
    }
}

impl From<ReservationId> for OrderRef {
    fn from(id: ReservationId) -> Self {
        Self::Reservation(id)
    }
}

impl From<OrderId> for OrderRef {
    fn from(id: OrderId) -> Self {
        Self::Order(id)
    }
}

impl fmt::Display for OrderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reservation(id) => write!(f, "reservation {id}"),
            Self::Order(id) => write!(f, "order {id}"),
        }
    }
}

impl OrderRef {
    /// The reservation, if it names one alone.
    pub(crate) const fn alone(self) -> Option<ReservationId> {
        match self {
            Self::Reservation(id) => Some(id),
            Self::Order(_) => None,
        }
    }

    pub(crate) fn covers(self, reservation: &Reservation) -> bool {
        match self {
            Self::Reservation(id) => reservation.id == id,
            Self::Order(order) => reservation.order() == order,
        }
    }

    /// The named reservations among `known`, by seat. Refuses if there are none.
    pub(crate) fn among(self, known: &Known) -> Result<Vec<&Reservation>, Error> {
        match self {
            Self::Reservation(id) => known.get(&id).map(|found| vec![found]).ok_or(Error::ReservationNotFound),
            Self::Order(_) => {
                let mut found: Vec<_> = known.values().filter(|reservation| self.covers(reservation)).collect();
                found.sort_unstable_by_key(|reservation| reservation.seat);
                if found.is_empty() { Err(Error::OrderNotFound) } else { Ok(found) }
            }
        }
    }
}
