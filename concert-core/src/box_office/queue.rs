//! The queue: joining, polling, following, leaving.

use super::{BoxOffice, Follow, wrong_answer};
use crate::caller::{Caller, Proof, QueueTicket};
#[cfg(feature = "jwt")]
use crate::clock::span;
use crate::error::Error;
use crate::id::{TokenId, UserId};
#[cfg(feature = "jwt")]
use crate::jwt::Claims;
use crate::queue::{self, EndedReason, Joined, QueueToken, Standing, Token, TokenStatus};

/// The queue. It moves by the passes, which [`BoxOffice::run`] makes.
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
    /// Joins the queue, or takes up the caller's place in it. ACTIVE at once if nobody waits and there is room.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::LoginRequired`] (the caller proved nothing, and the user has a password or
    /// [bare joins](crate::Policy::with_bare_joins) are off: then nobody learns whether there is such a user),
    /// [`Error::AlreadyInQueue`] (the user has no password and the caller proved nothing).
    pub async fn issue_token(&self, caller: impl Into<Caller>) -> Result<Joined, Error> {
        let caller = caller.into();
        // `decide` refuses it as well. Here it costs strangers no place in a batch, and no row is read.
        if caller.proof == Proof::Bare && !self.policy().bare_joins {
            return Err(Error::LoginRequired);
        }
        let id = TokenId::from_uuid(caller.entity_id("tokens"));
        let user = caller.user;
        let answer = self.inner.queue.submit(queue::Command::Join { caller, id }).await?;
        let queue::Answer::Joined { token, resumed, position } = answer else {
            return Err(wrong_answer());
        };
        let now = self.now();
        let standing = match position {
            Some(position) => self.inner.view.standing_at(&token, position, now),
            None => {
                let latest = self.inner.view.latest_token(self.pool(), user, self.now()).await?;
                let latest = latest.filter(|latest| latest.id == token.id).ok_or(Error::TokenExpired)?;
                let latest = self.picked_up(latest).await;
                let standing = self.inner.view.standing_of(&latest, now)?;
                self.inner.view.note_poll(latest.ticket, &standing, now);
                standing
            }
        };
        Ok(Joined { token: self.queue_token(&token, standing)?, resumed })
    }

    /// The user's standing in the queue; reads the user's row. It counts as a sign of the user, so it claims a due
    /// turn.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`] (never joined), [`Error::TokenExpired`].
    pub async fn token_status(&self, user: UserId) -> Result<QueueToken, Error> {
        self.caught_up(|| self.queue_token_of(user)).await
    }

    async fn queue_token_of(&self, user: UserId) -> Result<QueueToken, Error> {
        let token = self.latest_token(user).await?;
        let found = self.queue_token_now(&self.picked_up(token).await)?;
        self.inner.view.note_poll(found.ticket.ticket, &found.standing, self.now());
        Ok(found)
    }

    /// The standing of the holder of a queue token: from memory, as of the last refresh. The database is read only for
    /// tickets that have ended or are newer than that, and written once per turn: the first poll claims it.
    ///
    /// # Errors
    /// [`Error::TokenExpired`].
    pub async fn poll(&self, ticket: &QueueTicket) -> Result<Standing, Error> {
        let now = self.now();
        let view = &self.inner.view;
        let standing = match view.poll(self.pool(), ticket, now).await {
            // One that is known to have ended is not looked for again.
            Err(Error::TokenExpired) if !view.has_ended(ticket.ticket) && self.catch_up().await? => {
                view.poll(self.pool(), ticket, now).await?
            }
            polled => polled?,
        };
        if standing.status == TokenStatus::Active
            && self.inner.view.should_claim(ticket.ticket)
            && let Some(token) = self.claim(Caller::with_queue_token(ticket.user, ticket.token)).await
        {
            return Ok(self.inner.view.standing_at(&token, 0, now));
        }
        Ok(standing)
    }

    /// Claims the caller's turn. If that fails, the turn stays due and the next call tries again.
    async fn claim(&self, caller: Caller) -> Option<Token> {
        match self.inner.queue.submit(queue::Command::Claim { caller }).await {
            Ok(queue::Answer::Claimed(token)) => Some(token),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, "a turn could not be claimed");
                None
            }
        }
    }

    async fn picked_up(&self, token: Token) -> Token {
        if !(token.is_unclaimed() && token.is_live(self.now())) {
            return token;
        }
        self.claim(Caller::with_queue_token(token.user, token.id)).await.unwrap_or(token)
    }

    /// Runs an act of an ACTIVE user. The rules refuse a user whose turn is not claimed, with the status ACTIVE. Then
    /// this claims the turn and tries again.
    pub(super) async fn act<T, F>(&self, caller: Caller, act: impl Fn(Caller) -> F + Send) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        match act(caller.clone()).await {
            Err(Error::TokenNotActive { status: Some(TokenStatus::Active) })
                if self.claim(caller.clone()).await.is_some() =>
            {
                act(caller).await
            }
            done => done,
        }
    }

    /// Follows a queue token: the standing now, and each time it changes. From memory, for any number of followers;
    /// changes show at the next refresh (see [`BoxOffice::refresh_queue`]). As long as it is followed, the user counts as
    /// there.
    ///
    /// # Errors
    /// As [`BoxOffice::poll`].
    pub async fn follow(&self, ticket: QueueTicket) -> Result<Follow, Error> {
        let moved = self.inner.view.moved();
        let first = self.poll(&ticket).await?;
        let followed = self.inner.view.follow(ticket.ticket);
        Ok(Follow::new(self.clone(), ticket, moved, first, followed))
    }

    pub(crate) fn known_standing(&self, ticket: &QueueTicket) -> Option<Standing> {
        self.inner.view.known_standing(ticket.ticket, self.now())
    }

    /// Leaves the queue. What the user holds unpaid is given back with it.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenNotFound`] (not in the queue, or with another token than the one shown).
    pub async fn leave_queue(&self, caller: impl Into<Caller>) -> Result<(), Error> {
        self.end_token(caller.into(), EndedReason::Left).await
    }

    pub(super) async fn end_token(&self, caller: Caller, reason: EndedReason) -> Result<(), Error> {
        self.inner.queue.submit(queue::Command::Leave { caller, reason }).await.map(drop)
    }

    /// The user's latest token as it is; does not claim a due turn.
    pub(super) async fn latest_token(&self, user: UserId) -> Result<Token, Error> {
        self.inner.view.latest_token(self.pool(), user, self.now()).await?.ok_or(Error::TokenNotFound)
    }

    /// The token as its holder sees it now.
    pub(super) fn queue_token_now(&self, token: &Token) -> Result<QueueToken, Error> {
        let standing = self.inner.view.standing_of(token, self.now())?;
        self.queue_token(token, standing)
    }

    fn queue_token(&self, token: &Token, standing: Standing) -> Result<QueueToken, Error> {
        let ticket = QueueTicket { user: token.user, token: token.id, ticket: token.ticket };
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
