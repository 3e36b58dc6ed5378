//! Orders: several seats, held, paid, extended and given back as one.

use super::{BoxOffice, wrong_answer};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::id::{ConcertId, OrderId, ReservationId};
use crate::money::Money;
use crate::payment::PaidOrder;
use crate::reservation::{self, Answer, Command, Named, Order, Reservation, Wanted, total};

/// Orders.
impl BoxOffice {
    /// Holds seats for [`Policy::hold_ttl`](crate::Policy::hold_ttl): all that are wanted, or none. The best available are
    /// decided on under lock, so that this does not fail while enough seats are free.
    ///
    /// ```no_run
    /// use concert_core::{BoxOffice, ConcertId, Error, UserId, Wanted};
    ///
    /// # async fn buy(box_office: BoxOffice, user: UserId, concert: ConcertId) -> Result<(), Error> {
    /// let pair = Wanted::BestAvailable { count: 2, section: None };
    /// let order = box_office.hold(user, concert, pair).await?;
    /// box_office.pay_order(user, order.id, order.total).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (no seat, one named twice, more than 256), [`Error::TooManyHolds`] (more than anyone may
    /// hold), [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::ConcertNotFound`],
    /// [`Error::SectionNotFound`] or [`Error::SeatNotFound`], [`Error::ConcertOver`], [`Error::NotEnoughSeats`] or
    /// [`Error::SeatAlreadyReserved`], [`Error::TooManyHolds`].
    pub async fn hold(&self, caller: impl Into<Caller>, concert: ConcertId, wanted: Wanted) -> Result<Order, Error> {
        Order::of(self.hold_wanted(caller.into(), concert, wanted.checked()?).await?).ok_or_else(wrong_answer)
    }

    pub(super) async fn hold_wanted(
        &self,
        caller: Caller,
        concert: ConcertId,
        wanted: Wanted,
    ) -> Result<Vec<Reservation>, Error> {
        let limit = self.policy().max_holds_per_user;
        if wanted.count() > limit as usize {
            return Err(Error::TooManyHolds { limit });
        }
        let ids: Vec<_> = caller.entity_ids("reservations", wanted.count()).map(ReservationId::from_uuid).collect();
        let hold = |caller| {
            let (wanted, ids) = (wanted.clone(), ids.clone());
            self.inner.reservations.submit(Command::Hold { caller, concert, wanted, ids })
        };
        match self.act(caller, hold).await? {
            Answer::Held(held) => Ok(held),
            Answer::Cancelled | Answer::Extended(_) => Err(wrong_answer()),
        }
    }

    /// One of the user's orders, as it is now; a reservation that was held alone is one, too.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::OrderNotFound`], [`Error::NotYours`].
    pub async fn order(&self, caller: impl Into<Caller>, id: OrderId) -> Result<Order, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| reservation::order(self.pool(), id.into())).await?;
        let now = self.now();
        let found = found.into_iter().filter(|found| found.order() == id).map(|found| found.at_time(now));
        let order = Order::of(found.collect()).ok_or(Error::OrderNotFound)?;
        if order.user == caller.user { Ok(order) } else { Err(Error::NotYours) }
    }

    /// Pays all that is held of an order, at once or not at all: its seats become sold ones. `amount` is the sum of their
    /// prices, [`Order::total`].
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::OrderNotFound`], [`Error::NotYours`],
    /// [`Error::AlreadyPaid`], [`Error::HoldCancelled`], [`Error::HoldExpired`], [`Error::WrongAmount`],
    /// [`Error::InsufficientBalance`].
    pub async fn pay_order(
        &self,
        caller: impl Into<Caller>,
        order: OrderId,
        amount: Money,
    ) -> Result<PaidOrder, Error> {
        let payments = self.pay_for(caller.into(), Named::Order(order), amount).await?;
        let total = total(payments.iter().map(|payment| payment.amount)).ok_or_else(wrong_answer)?;
        Ok(PaidOrder { order, payments, total })
    }

    /// Moves the deadline of an order, which can be done once: by [`Policy::hold_extension`](crate::Policy::hold_extension),
    /// though not past the end of the user's turn, nor past twice [`Policy::hold_ttl`](crate::Policy::hold_ttl). `any` is
    /// the order or a reservation in it. Answers the new deadline.
    ///
    /// # Errors
    /// [`Error::TokenNotActive`], [`Error::ReservationNotFound`], [`Error::NotYours`], [`Error::AlreadyPaid`],
    /// [`Error::HoldCancelled`], [`Error::HoldExpired`], [`Error::HoldAlreadyExtended`], [`Error::HoldOutlastsTurn`].
    pub async fn extend_hold(
        &self,
        caller: impl Into<Caller>,
        any: impl Into<ReservationId>,
    ) -> Result<Timestamp, Error> {
        let reservation = any.into();
        let extend = |caller| self.inner.reservations.submit(Command::Extend { caller, reservation });
        match self.act(caller.into(), extend).await? {
            Answer::Extended(until) => Ok(until),
            Answer::Held(_) | Answer::Cancelled => Err(wrong_answer()),
        }
    }

    /// Gives all that is held of an order back. What is gone already counts as given back; what is paid stays so.
    ///
    /// # Errors
    /// [`Error::OrderNotFound`], [`Error::NotYours`], [`Error::TokenEnded`], [`Error::AlreadyPaid`] (and nothing held).
    pub async fn cancel_order(&self, caller: impl Into<Caller>, order: OrderId) -> Result<(), Error> {
        let what = Named::Order(order);
        self.inner.reservations.submit(Command::Cancel { caller: caller.into(), what }).await.map(drop)
    }
}
