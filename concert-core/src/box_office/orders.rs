//! Orders: seats, one or several, held, extended and given back as one.

use std::collections::HashMap;

use super::queue::ActOn;
use super::{BoxOffice, wrong_answer};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db;
use crate::error::{Error, HeldSeat};
use crate::id::{ConcertId, ReservationId, UserId};
use crate::page::Page;
use crate::reservation::{
    self, Answer, Command, HoldEnding, Order, OrderRef, Reservation, ReservationList, UserSeats, Wanted,
};

/// The most holds that a refusal for too many of them names.
const MOST_HOLDS_NAMED: usize = 32;

/// Orders. What is held in one call is one order; each seat of it is a reservation, which can be paid or given back
/// alone. So what takes an [`OrderRef`] takes the id of an order or of a reservation.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertId, Error, SeatNumber, UserId, Wanted};
///
/// # async fn example(office: BoxOffice, user: UserId, concert: ConcertId) -> Result<(), Error> {
/// let seven = office.hold(user, concert, SeatNumber::new(7)?).await?;
/// office.cancel(user, seven.id).await?;
///
/// let pair = Wanted::BestAvailable { count: 2, section: None };
/// let pair = office.hold(user, concert, pair).await?;
/// office.extend_hold(user, pair.id).await?;
/// office.pay(user, pair.id, pair.total).await?;
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// Holds seats for as long as the policy says ([`Policy::with_hold_ttl`](crate::Policy::with_hold_ttl)): all that
    /// are wanted, or none. The best available are decided on under lock, so that this does not fail while enough seats
    /// are free. The user's turn lasts until the deadline at least; near the end of the longest turn
    /// ([`Policy::with_active_ttl`](crate::Policy::with_active_ttl)) the deadline is the turn's end.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (no seat, one named twice, more than 256), [`Error::TooManyHolds`] (more than anyone may
    /// hold), [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::UserNotFound`],
    /// [`Error::UserDisabled`], [`Error::ConcertNotFound`], [`Error::SectionNotFound`] or [`Error::SeatNotFound`], [`Error::SaleClosed`], [`Error::ConcertOver`],
    /// [`Error::NotEnoughSeats`] or [`Error::SeatAlreadyReserved`], [`Error::SeatHeldTooOften`], [`Error::SeatLimit`], [`Error::TooManyHolds`].
    pub async fn hold(
        &self,
        caller: impl Into<Caller>,
        concert: ConcertId,
        wanted: impl Into<Wanted>,
    ) -> Result<Order, Error> {
        let (caller, wanted) = (caller.into(), wanted.into().checked()?);
        let user = caller.user;
        let limit = self.policy().max_holds_per_user;
        // No user could hold as many, so no row is needed to refuse it.
        if wanted.count() > limit as usize {
            return Err(Error::TooManyHolds { limit, held: None, yours: Vec::new() });
        }
        // Made here and not in the batch: an attempt that is repeated after a turn was claimed is the same request.
        let ids: Vec<_> = caller.entity_ids("reservations", wanted.count()).map(ReservationId::from_uuid).collect();
        let caller = caller.asking(&[&concert, &wanted]);
        let hold = |caller| {
            let (wanted, ids) = (wanted.clone(), ids.clone());
            self.inner.reservations.submit(Command::Hold { caller, concert, wanted, ids })
        };
        match self.act(caller, ActOn::Concert(concert), hold).await {
            Ok(Answer::Held(held)) => Order::of(held).ok_or_else(wrong_answer),
            Ok(Answer::Cancelled | Answer::Extended(_)) => Err(wrong_answer()),
            // The rules know that there are too many, not which. Who is refused is worth one more read.
            Err(Error::TooManyHolds { limit, .. }) => Err(self.too_many_holds(user, limit).await),
            Err(error) => Err(error),
        }
    }

    /// The refusal with what the user holds. Only who is refused for it pays for this look; without an answer from the
    /// database it is the refusal alone.
    async fn too_many_holds(&self, user: UserId, limit: u32) -> Error {
        let holds = db::read(|| reservation::holds_of(self.pool(), user, self.now())).await;
        // Where the database fails now, the refusal stands without its details.
        let held = holds.as_ref().ok().map(|holds| holds.len() as u32);
        let seat = |hold: Reservation| HeldSeat {
            reservation: hold.id,
            concert: hold.concert,
            seat: hold.seat,
            expires_at: hold.expires_at,
        };
        let yours = holds.unwrap_or_default().into_iter().take(MOST_HOLDS_NAMED).map(seat).collect();
        Error::TooManyHolds { limit, held, yours }
    }

    /// One of the user's orders as it is now, or one reservation of it alone. [`Order::total`] is what
    /// [`BoxOffice::pay`] takes for the same id.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::OrderNotFound`] or [`Error::ReservationNotFound`],
    /// [`Error::NotYours`].
    pub async fn order(&self, caller: impl Into<Caller>, what: impl Into<OrderRef>) -> Result<Order, Error> {
        let (caller, what) = (caller.into(), what.into());
        self.account(&caller).await?;
        let order = self.caught_up(|| self.find_order(what)).await?;
        if order.user == caller.user { Ok(order) } else { Err(Error::NotYours) }
    }

    /// Who ended the holds among these reservations of the user that are CANCELLED.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn hold_endings(
        &self,
        caller: impl Into<Caller>,
        ids: &[ReservationId],
    ) -> Result<HashMap<ReservationId, HoldEnding>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        db::read(|| reservation::endings(self.pool(), caller.user, ids)).await
    }

    async fn find_order(&self, what: OrderRef) -> Result<Order, Error> {
        let found: Vec<_> = match what {
            OrderRef::Reservation(id) => {
                let found = db::read(|| reservation::reservation(self.pool(), id)).await?;
                vec![found.ok_or(Error::ReservationNotFound)?]
            }
            OrderRef::Order(id) => {
                let found = db::read(|| reservation::order(self.pool(), id.into())).await?;
                // The rows are found by any reservation of the order. An id that only names a later seat of one is no
                // order.
                found.into_iter().filter(|found| found.order() == id).collect()
            }
        };
        let now = self.now();
        let found = found.into_iter().map(|found| found.at_time(now)).collect();
        Order::of(found).ok_or(Error::OrderNotFound)
    }

    /// How many seats of a concert and of its sale the user has, held and sold together, and how many more the user may have.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::ConcertNotFound`].
    pub async fn user_seats(&self, caller: impl Into<Caller>, concert: ConcertId) -> Result<UserSeats, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let (of, most, now) = ((caller.user, concert), self.policy().max_holds_per_user, self.now());
        let find = || db::read(move || reservation::user_seats(self.pool(), of, most, now));
        self.caught_up(|| async { find().await?.ok_or(Error::ConcertNotFound) }).await
    }

    /// The user's newest 1 000 reservations, newest first, and every live hold.
    /// [`BoxOffice::reservations_page`] tells whether there are older ones.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn reservations_of(&self, caller: impl Into<Caller>) -> Result<Vec<Reservation>, Error> {
        self.reservations_page(caller, Page::default()).await.map(|list| list.reservations)
    }

    /// A page of the user's reservations, newest first; of 1 000 unless the page has a limit. No live hold is missing on
    /// the first page.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (the page starts after something that is not a reservation of this user),
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn reservations_page(
        &self,
        caller: impl Into<Caller>,
        page: Page<ReservationId>,
    ) -> Result<ReservationList, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let now = self.now();
        let list = db::read(|| reservation::reservations_of(self.pool(), caller.user, page, now)).await?;
        let list = list.ok_or_else(|| Error::invalid("startingAfter is not a reservation of this user"))?;
        let reservations = list.reservations.into_iter().map(|reservation| reservation.at_time(now)).collect();
        Ok(ReservationList { reservations, ..list })
    }

    /// Moves the deadline of an order, which can be done once: by as much as the policy says
    /// ([`Policy::with_hold_extension`](crate::Policy::with_hold_extension)), though not past twice the time of a hold,
    /// nor past the end of the longest turn. The user's turn lasts until then at least. `any` is the order or a
    /// reservation in it. Answers the new deadline.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::UserNotFound`], [`Error::UserDisabled`],
    /// [`Error::ReservationNotFound`], [`Error::NotYours`], [`Error::AlreadyPaid`], [`Error::HoldCancelled`], [`Error::HoldExpired`], [`Error::HoldAlreadyExtended`],
    /// [`Error::HoldOutlastsTurn`].
    pub async fn extend_hold(
        &self,
        caller: impl Into<Caller>,
        any: impl Into<ReservationId>,
    ) -> Result<Timestamp, Error> {
        let (caller, reservation) = (caller.into(), any.into());
        // Without a key, a second call is refused as a second extension.
        let id = caller.key.is_some().then(|| caller.entity_id("reservations/extend"));
        let extend = |caller| self.inner.reservations.submit(Command::Extend { caller, reservation, id });
        match self.act(caller, ActOn::Reservation(reservation), extend).await? {
            Answer::Extended(until) => Ok(until),
            Answer::Held(_) | Answer::Cancelled => Err(wrong_answer()),
        }
    }

    /// Gives back all that is held of an order, or one reservation of it. Holds that are already gone count as given
    /// back; paid seats stay paid.
    ///
    /// # Errors
    /// [`Error::OrderNotFound`] or [`Error::ReservationNotFound`], [`Error::NotYours`], [`Error::TokenEnded`],
    /// [`Error::AlreadyPaid`] (and nothing held).
    pub async fn cancel(&self, caller: impl Into<Caller>, what: impl Into<OrderRef>) -> Result<(), Error> {
        let (caller, what) = (caller.into(), what.into());
        self.inner.reservations.submit(Command::Cancel { caller, what }).await.map(drop)
    }
}
