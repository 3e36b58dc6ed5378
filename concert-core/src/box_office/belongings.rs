//! What a buyer has: open holds, orders, tickets.

use super::BoxOffice;
use crate::caller::Caller;
use crate::db;
use crate::error::Error;
use crate::id::{OrderId, ReservationId};
use crate::page::{Page, Paged};
use crate::reservation::{self, Order, OwnTicket, Reservation};

/// What a user has.
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, Page, UserId};
///
/// # async fn example(office: BoxOffice, user: UserId) -> Result<(), Error> {
/// for order in office.open_orders_of(user).await? {
///     office.pay(user, order.id, order.total).await?;
/// }
/// for ticket in office.tickets_of(user, Page::default()).await?.data {
///     println!("{} on {}: seat {}", ticket.concert_name, ticket.date, ticket.reservation.seat);
/// }
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// What the user holds and can still pay, newest first. Few: the policy bounds it.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn holds_of(&self, caller: impl Into<Caller>) -> Result<Vec<Reservation>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let now = self.now();
        db::read(|| reservation::holds_of(self.pool(), caller.user, now)).await
    }

    /// A page of the user's orders, newest first, as they are now: paid, lapsed and given back ones too.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::InvalidInput`] (the page starts after something that is
    /// not an order of this user).
    pub async fn orders_of(&self, caller: impl Into<Caller>, page: Page<OrderId>) -> Result<Paged<Order>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let now = self.now();
        let found = db::read(|| reservation::orders_of(self.pool(), caller.user, &page, now)).await?;
        found.ok_or_else(|| Error::invalid("startingAfter is not an order of this user"))
    }

    /// The user's orders of which something can still be paid, newest first. Few: the policy bounds them.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn open_orders_of(&self, caller: impl Into<Caller>) -> Result<Vec<Order>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let now = self.now();
        db::read(|| reservation::open_orders_of(self.pool(), caller.user, now)).await
    }

    /// A page of the seats that the user has bought and still owns, newest first.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::InvalidInput`] (the page starts after something that is
    /// not a ticket of this user).
    pub async fn tickets_of(
        &self,
        caller: impl Into<Caller>,
        page: Page<ReservationId>,
    ) -> Result<Paged<OwnTicket>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| reservation::tickets_of(self.pool(), caller.user, &page)).await?;
        let mut found = found.ok_or_else(|| Error::invalid("startingAfter is not a ticket of this user"))?;
        self.sign_tickets(&mut found.data).await?;
        Ok(found)
    }

    /// A ticket of the user, with the code that is shown at the door. One that was refunded is void, and has none.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::TicketNotFound`], [`Error::NotYours`].
    pub async fn ticket_of(&self, caller: impl Into<Caller>, ticket: ReservationId) -> Result<OwnTicket, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let find =
            || async { db::read(|| reservation::ticket_of(self.pool(), ticket)).await?.ok_or(Error::TicketNotFound) };
        let mut found = self.caught_up(find).await?;
        if found.reservation.user != caller.user {
            return Err(Error::NotYours);
        }
        self.sign_tickets(std::slice::from_mut(&mut found)).await?;
        Ok(found)
    }
}
