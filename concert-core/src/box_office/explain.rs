//! What happened and what will: for the support desk.

use super::BoxOffice;
use crate::catalog;
use crate::db;
use crate::error::Error;
use crate::explain::{self, Explanation, Rules};
use crate::id::{ConcertId, ReservationId, SeatNumber, TokenId, UserId};

/// Explanations, from the database alone. They change nothing: no turn is picked up by looking at it.
impl BoxOffice {
    /// What happened to a visit to the queue, and what will.
    ///
    /// # Errors
    /// [`Error::TokenUnknown`].
    pub async fn explain_token(&self, token: TokenId) -> Result<Explanation, Error> {
        let rules = self.explain_rules();
        let found = db::read(|| explain::token(self.pool(), token, rules, self.now())).await?;
        found.ok_or(Error::TokenUnknown)
    }

    /// What happened to a seat, and what will.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`], [`Error::SeatNotFound`].
    pub async fn explain_seat(&self, concert: ConcertId, seat: SeatNumber) -> Result<Explanation, Error> {
        if let Some(found) = db::read(|| explain::seat(self.pool(), concert, seat, self.now())).await? {
            return Ok(found);
        }
        let there = db::read(|| catalog::concert_exists(self.pool(), concert)).await?;
        Err(if there { Error::SeatNotFound { seat } } else { Error::ConcertNotFound })
    }

    /// What happened to a reservation, and what will.
    ///
    /// # Errors
    /// [`Error::ReservationNotFound`].
    pub async fn explain_reservation(&self, reservation: ReservationId) -> Result<Explanation, Error> {
        let found = db::read(|| explain::reservation(self.pool(), reservation, self.now())).await?;
        found.ok_or(Error::ReservationNotFound)
    }

    /// What happened to a user, and what will: account, queue, seats and money.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn explain_user(&self, user: UserId) -> Result<Explanation, Error> {
        explain::user(self.pool(), user, self.explain_rules(), self.now()).await
    }

    fn explain_rules(&self) -> Rules {
        let policy = self.policy();
        Rules { active_ttl: policy.active_ttl, claim_window: policy.claim_window }
    }
}
