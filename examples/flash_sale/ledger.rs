//! The buyers' own ledger: what they were told. `compare` says whether it is so.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use concert_core::{Money, OrderId, OrderRef, PaymentId, ReservationId, SeatNumber, UserId};
use rust_decimal::Decimal;

use crate::buyer::Way;

/// A hold that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    pub user: UserId,
    /// Which of the concerts.
    pub concert: usize,
    pub reservation: ReservationId,
    pub seat: SeatNumber,
    pub price: Decimal,
}

/// A payment that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Payment {
    pub id: PaymentId,
    pub hold: Hold,
}

/// What was paid in one call.
#[derive(Debug, Clone)]
pub struct Purchase {
    pub payments: Vec<Payment>,
    pub order: OrderId,
    /// As it was answered.
    pub first: PaymentId,
    /// Under which it was asked for.
    pub key: String,
    pub total: Money,
    pub way: Option<Way>,
}

impl Purchase {
    /// Whose it is, and what was paid for.
    pub fn of(&self) -> Option<(UserId, OrderRef)> {
        let first = self.payments.first()?.hold;
        let what = if self.payments.len() == 1 { first.reservation.into() } else { self.order.into() };
        Some((first.user, what))
    }
}

#[derive(Default)]
pub struct Ledger(Mutex<Books>);

/// What buyers were told.
#[derive(Default)]
pub struct Books {
    pub holds: Vec<Hold>,
    pub recharges: Vec<(UserId, Money)>,
    /// Each with when, since the beginning.
    pub purchases: Vec<(Purchase, Duration)>,
    /// Whose last act never got an answer: whether it was carried out is not known.
    pub open: HashSet<UserId>,
    /// How often the leaked code counted.
    pub leaked: u32,
    pub seats_sold: usize,
}

impl Books {
    pub fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.purchases.iter().flat_map(|(purchase, _)| &purchase.payments)
    }
}

impl Ledger {
    pub fn held(&self, holds: &[Hold]) {
        self.books().holds.extend(holds);
    }

    pub fn recharged(&self, user: UserId, amount: Money) {
        self.books().recharges.push((user, amount));
    }

    /// Returns how many seats are sold now.
    pub fn paid(&self, purchase: Purchase, at: Duration) -> usize {
        let mut books = self.books();
        books.seats_sold += purchase.payments.len();
        books.purchases.push((purchase, at));
        books.seats_sold
    }

    pub fn left_open(&self, user: UserId) {
        self.books().open.insert(user);
    }

    pub fn redeemed_leaked(&self) {
        self.books().leaked += 1;
    }

    pub fn seats_sold(&self) -> usize {
        self.books().seats_sold
    }

    /// When the seats were sold, in order.
    pub fn sold_at(&self) -> Vec<Duration> {
        let books = self.books();
        let of = |(purchase, at): &(Purchase, Duration)| vec![*at; purchase.payments.len()];
        let mut times: Vec<_> = books.purchases.iter().flat_map(of).collect();
        times.sort_unstable();
        times
    }

    /// How many orders there were, by size and by how the seats were asked for.
    pub fn orders(&self) -> BTreeMap<(usize, &'static str), u64> {
        let mut orders = BTreeMap::new();
        for (purchase, _) in &self.books().purchases {
            let way = purchase.way.map_or("", Way::name);
            *orders.entry((purchase.payments.len(), way)).or_default() += 1;
        }
        orders
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
