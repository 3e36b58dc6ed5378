//! The queue: joining, polling, following, leaving.

use std::sync::Arc;

use super::{BoxOffice, Follow, wrong_answer};
use crate::access_code::AccessCode;
use crate::caller::{Caller, Proof, QueueTicket};
#[cfg(feature = "jwt")]
use crate::clock::span;
use crate::db;
use crate::error::Error;
use crate::id::{ConcertId, ReservationId, SaleId, TokenId, UserId};
#[cfg(feature = "jwt")]
use crate::jwt::Claims;
use crate::queue::{self, EndedReason, Join, Joined, QueueToken, QueueView, Standing, Token, TokenStatus};
use crate::{catalog, reservation};

/// From so many waiting commands on, a crowd before the doors is refused from memory.
const MOST_KNOCKING: usize = 64;

/// What an act of an ACTIVE user is about: it tells which sale the turn must be in.
#[derive(Debug, Clone, Copy)]
pub(super) enum ActOn {
    Concert(ConcertId),
    Reservation(ReservationId),
}

/// The queue of a sale. It moves by the passes, which [`BoxOffice::run`] makes.
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, TokenStatus, UserId};
///
/// # async fn example(office: BoxOffice, user: UserId) -> Result<(), Error> {
/// let joined = office.issue_token(user).await?;
/// let mut place = office.follow(joined.token.ticket).await?;
/// while place.standing().status != TokenStatus::Active {
///     println!("{} in front of you", place.standing().queue_position - 1);
///     place.changed().await?;
/// }
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// Joins the queue of the default sale, or takes up the caller's place in it. ACTIVE at once if nobody waits and there is
    /// room.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::LoginRequired`] (the caller proved nothing, and the user has a password or
    /// [bare joins](crate::Policy::with_bare_joins) are off: then nobody learns whether there is such a user),
    /// [`Error::UserDisabled`], [`Error::IdempotencyKeyReused`], [`Error::AlreadyInQueue`] (the user has no password and the
    /// caller proved nothing).
    pub async fn issue_token(&self, caller: impl Into<Caller>) -> Result<Joined, Error> {
        self.join_queue(Join::sale(SaleId::DEFAULT, caller)).await
    }

    /// The same in the queue of a sale, which must have opened its doors. ACTIVE at once only if the sale is open, too.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`]; as [`BoxOffice::issue_token`]; [`Error::CodeRefused`], [`Error::SaleNotOpen`],
    /// [`Error::SaleClosed`].
    pub async fn join_queue(&self, join: impl Into<Join>) -> Result<Joined, Error> {
        let Join { caller, sale, code } = join.into();
        // `decide` refuses it as well. Here it costs strangers no place in a batch, and no row is read.
        if caller.proof == Proof::Bare && !self.policy().bare_joins {
            return Err(Error::LoginRequired);
        }
        let view = self.view_of(sale).await?;
        // A code may give entry before the doors.
        if code.is_none() {
            self.shed_early(&view)?;
        }
        let code = code.as_ref().map(AccessCode::hash);
        let id = TokenId::from_uuid(caller.entity_id("tokens"));
        let user = caller.user;
        let answer = self.inner.queue.submit(queue::Command::Join { sale, caller, id, code }).await?;
        let queue::Answer::Joined { token, resumed, position } = answer else {
            return Err(wrong_answer());
        };
        let now = self.now();
        let standing = match position {
            Some(position) => view.standing_at(&token, position, now),
            None => {
                let latest = view.latest_token(self.pool(), user, self.now()).await?;
                // Another device may have joined and ended it meanwhile. The answer is about the token of this call or
                // about none.
                let latest = latest.filter(|latest| latest.id == token.id).ok_or(Error::TokenExpired)?;
                let latest = self.picked_up(latest).await;
                let standing = view.standing_of(&latest, now)?;
                // Who joins is there, as one who polls is.
                view.note_poll(latest.ticket, &standing, now);
                standing
            }
        };
        Ok(Joined { token: self.queue_token(&token, standing)?, resumed })
    }

    /// The view of a sale's queue.
    pub(super) async fn view_of(&self, sale: SaleId) -> Result<Arc<QueueView>, Error> {
        match self.inner.views.find(sale) {
            Some(view) => Ok(view),
            None => Box::pin(self.inner.views.make(self.pool(), sale, self.now())).await,
        }
    }

    /// Refuses a crowd that knocks before the doors open, from memory: nobody has a place that could be taken up.
    fn shed_early(&self, view: &QueueView) -> Result<(), Error> {
        if self.inner.queue.depth() < MOST_KNOCKING {
            return Ok(());
        }
        view.refuse_early(self.now())
    }

    /// The user's standing in the queue of the default sale; reads the user's row. It counts as a sign of the user, so it
    /// claims a due turn.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`] (never joined), [`Error::TokenExpired`].
    pub async fn token_status(&self, user: UserId) -> Result<QueueToken, Error> {
        self.token_status_in(SaleId::DEFAULT, user).await
    }

    /// The same in the queue of a sale.
    ///
    /// # Errors
    /// As [`BoxOffice::token_status`]; [`Error::SaleNotFound`].
    pub async fn token_status_in(&self, sale: SaleId, user: UserId) -> Result<QueueToken, Error> {
        self.caught_up(|| self.queue_token_of(sale, user)).await
    }

    async fn queue_token_of(&self, sale: SaleId, user: UserId) -> Result<QueueToken, Error> {
        let view = self.view_of(sale).await?;
        let token = self.latest_token(&view, user).await?;
        let found = self.queue_token_now(&view, &self.picked_up(token).await)?;
        view.note_poll(found.ticket.ticket, &found.standing, self.now());
        Ok(found)
    }

    /// The standing of the holder of a queue token: from memory, as of the last refresh. The database is read only for
    /// tickets that have ended or are newer than that, and written once per turn: the first poll claims it.
    ///
    /// # Errors
    /// [`Error::TokenExpired`].
    pub async fn poll(&self, ticket: &QueueTicket) -> Result<Standing, Error> {
        let now = self.now();
        let view = self.view_of(ticket.sale).await?;
        // What is seldom awaited is boxed, here and below: it would make the future of every poll larger.
        let standing = match view.poll(self.pool(), ticket, now).await {
            // One that is known to have ended is not looked for again.
            Err(Error::TokenExpired) if !view.has_ended(ticket.ticket) && Box::pin(self.catch_up()).await? => {
                view.poll(self.pool(), ticket, now).await?
            }
            polled => polled?,
        };
        if standing.status == TokenStatus::Active
            && view.should_claim(ticket.ticket)
            && let Some(token) =
                Box::pin(self.claim(ticket.sale, Caller::with_queue_token(ticket.user, ticket.token))).await
        {
            // From the claimed row: the snapshot still shows the turn as due.
            return Ok(view.standing_at(&token, 0, now));
        }
        Ok(standing)
    }

    /// Claims the caller's turn in a sale. If that fails, the turn stays due and the next call tries again.
    async fn claim(&self, sale: SaleId, caller: Caller) -> Option<Token> {
        match self.inner.queue.submit(queue::Command::Claim { sale, caller }).await {
            Ok(queue::Answer::Claimed(token)) => Some(token),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, "a turn could not be claimed");
                None
            }
        }
    }

    /// The token, with its turn claimed if that was due.
    async fn picked_up(&self, token: Token) -> Token {
        if !(token.is_unclaimed() && token.is_live(self.now())) {
            return token;
        }
        self.claim(token.sale, Caller::with_queue_token(token.user, token.id)).await.unwrap_or(token)
    }

    /// Runs an act of an ACTIVE user. The rules refuse a user whose turn is not claimed, with the status ACTIVE. Then
    /// this claims the turn and tries again.
    pub(super) async fn act<T, F>(
        &self,
        caller: Caller,
        on: ActOn,
        act: impl Fn(Caller) -> F + Send,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        // The act comes first: nearly every caller has claimed already, and then this costs nothing.
        match act(caller.clone()).await {
            Err(Error::TokenNotActive { status: Some(TokenStatus::Active) })
                if self.claim_for(on, caller.clone()).await? =>
            {
                act(caller).await
            }
            done => done,
        }
    }

    /// Claims the turn that an act needs; whether there was one.
    async fn claim_for(&self, on: ActOn, caller: Caller) -> Result<bool, Error> {
        let sale = match on {
            ActOn::Concert(concert) => db::read(|| catalog::sale_of(self.pool(), concert)).await?,
            ActOn::Reservation(id) => db::read(|| reservation::sale_of(self.pool(), id)).await?,
        };
        match sale {
            Some(sale) => Ok(self.claim(sale, caller).await.is_some()),
            None => Ok(false),
        }
    }

    /// Follows a queue token: the standing now, and each time it changes. From memory, for any number of followers;
    /// changes show at the next refresh (see [`BoxOffice::refresh_queue`]). As long as it is followed, the user counts as
    /// there.
    ///
    /// # Errors
    /// As [`BoxOffice::poll`].
    pub async fn follow(&self, ticket: QueueTicket) -> Result<Follow, Error> {
        let view = self.view_of(ticket.sale).await?;
        // Before the first poll, so that no change between it and the first wait is missed.
        let moved = view.moved();
        let first = self.poll(&ticket).await?;
        let followed = view.follow(ticket.ticket);
        Ok(Follow::new(self.clone(), ticket, moved, first, followed))
    }

    pub(crate) fn known_standing(&self, ticket: &QueueTicket) -> Option<Standing> {
        self.inner.views.find(ticket.sale)?.known_standing(ticket.ticket, self.now())
    }

    /// Leaves the queue of the default sale. What the user holds unpaid of its concerts is given back with it.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenNotFound`] (not in the queue, or with another token than the one shown).
    pub async fn leave_queue(&self, caller: impl Into<Caller>) -> Result<(), Error> {
        self.leave_queue_in(SaleId::DEFAULT, caller).await
    }

    /// The same of a sale.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`]; as [`BoxOffice::leave_queue`].
    pub async fn leave_queue_in(&self, sale: SaleId, caller: impl Into<Caller>) -> Result<(), Error> {
        self.end_token(sale, caller.into(), EndedReason::Left).await
    }

    pub(super) async fn end_token(&self, sale: SaleId, caller: Caller, reason: EndedReason) -> Result<(), Error> {
        self.inner.queue.submit(queue::Command::Leave { sale, caller, reason }).await.map(drop)
    }

    /// The user's latest token in a sale as it is; does not claim a due turn.
    pub(super) async fn latest_token(&self, view: &QueueView, user: UserId) -> Result<Token, Error> {
        view.latest_token(self.pool(), user, self.now()).await?.ok_or(Error::TokenNotFound)
    }

    /// The token as its holder sees it now.
    pub(super) fn queue_token_now(&self, view: &QueueView, token: &Token) -> Result<QueueToken, Error> {
        let standing = view.standing_of(token, self.now())?;
        self.queue_token(token, standing)
    }

    fn queue_token(&self, token: &Token, standing: Standing) -> Result<QueueToken, Error> {
        let ticket = QueueTicket { user: token.user, token: token.id, sale: token.sale, ticket: token.ticket };
        #[cfg(feature = "jwt")]
        let jwt = {
            // No shorter than the longest wait and the longest turn after it: the token's row decides when it really ends.
            let until = token.created_at + span(self.policy().longest_visit());
            let generation = self.inner.revocations.generation(ticket.user);
            self.policy().sign(&Claims::of_queue(&ticket, generation, token.created_at, until))?
        };
        #[cfg(not(feature = "jwt"))]
        let jwt = None;
        Ok(QueueToken { ticket, jwt, standing })
    }
}
