//! The queue: joining, polling, leaving, passes, and what operators set.

use std::time::Duration;

use super::{BoxOffice, MOST_ROUNDS, wrong_answer};
use crate::caller::Caller;
use crate::clock::span;
use crate::db;
use crate::error::Error;
use crate::id::{TokenId, UserId};
use crate::jwt::{Claims, QueueTicket};
use crate::queue::{
    self, Change, EndedReason, Follow, Joined, Operator, Pass, QueueChange, QueueToken, RerankReport, Standing, Token,
    TokenStatus,
};

/// The queue.
impl BoxOffice {
    /// Joins the queue, or takes up the caller's place in it. ACTIVE at once if nobody waits and there is room.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::LoginRequired`] (the user has a password and the caller proved nothing),
    /// [`Error::AlreadyInQueue`] (the user has no password and the caller proved nothing).
    pub async fn issue_token(&self, caller: impl Into<Caller>) -> Result<Joined, Error> {
        let caller = caller.into();
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
                self.inner.view.standing_of(&latest, now)?
            }
        };
        Ok(Joined { token: self.queue_token(&token, standing)?, resumed })
    }

    /// Where a user stands in the queue; reads the user's row. It is the user who asks: a turn that is due is picked up.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`] (never joined), [`Error::TokenExpired`].
    pub async fn token_status(&self, user: UserId) -> Result<QueueToken, Error> {
        let token = self.inner.view.latest_token(self.pool(), user, self.now()).await?.ok_or(Error::TokenNotFound)?;
        let token = self.picked_up(token).await;
        let standing = self.inner.view.standing_of(&token, self.now())?;
        self.queue_token(&token, standing)
    }

    /// The same, looked up by somebody else: nothing is picked up.
    ///
    /// # Errors
    /// As [`BoxOffice::token_status`].
    pub async fn inspect_token(&self, user: UserId) -> Result<QueueToken, Error> {
        let token = self.inner.view.latest_token(self.pool(), user, self.now()).await?.ok_or(Error::TokenNotFound)?;
        let standing = self.inner.view.standing_of(&token, self.now())?;
        self.queue_token(&token, standing)
    }

    /// Where the holder of a queue token stands: from memory, as of the last refresh. The database is asked only about
    /// tickets that have ended or are newer than that, and written to once per turn: the first poll picks it up.
    ///
    /// # Errors
    /// [`Error::TokenExpired`].
    pub async fn poll(&self, ticket: &QueueTicket) -> Result<Standing, Error> {
        let now = self.now();
        let standing = self.inner.view.poll(self.pool(), ticket, now).await?;
        if standing.status == TokenStatus::Active
            && self.inner.view.should_claim(ticket.ticket)
            && let Some(token) = self.claim(Caller::with_queue_token(ticket.user, ticket.token)).await
        {
            return Ok(self.inner.view.standing_at(&token, 0, now));
        }
        Ok(standing)
    }

    /// Picks the caller's turn up. If that cannot be done now, the turn stays due and the next call tries again.
    async fn claim(&self, caller: Caller) -> Option<Token> {
        match self.inner.queue.submit(queue::Command::Claim { caller }).await {
            Ok(queue::Answer::Claimed(token)) => Some(token),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, "a turn was not picked up");
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

    /// Runs an act of an ACTIVE user. One whose turn is not picked up is refused by the rules, which say that the token is
    /// ACTIVE all the same: then this picks it up and tries again.
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

    /// Follows the holder of a queue token: the standing now, and each time it changes. From memory, however many do so;
    /// changes show at the next refresh (see [`BoxOffice::refresh_queue`]).
    ///
    /// # Errors
    /// As [`BoxOffice::poll`].
    pub async fn follow(&self, ticket: QueueTicket) -> Result<Follow, Error> {
        let moved = self.inner.view.moved();
        let first = self.poll(&ticket).await?;
        Ok(Follow::new(self.clone(), ticket, moved, first))
    }

    pub(crate) fn known_standing(&self, ticket: &QueueTicket) -> Option<Standing> {
        self.inner.view.known_standing(ticket.ticket, self.now())
    }

    /// Leaves the queue.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenNotFound`] (not in the queue, or with another token than the one shown).
    pub async fn leave_queue(&self, caller: impl Into<Caller>) -> Result<(), Error> {
        self.end_token(caller.into(), EndedReason::Left).await
    }

    /// Ends a user's token, as an operator.
    ///
    /// # Errors
    /// As [`BoxOffice::leave_queue`].
    pub async fn expire_token(&self, user: UserId) -> Result<(), Error> {
        self.end_token(Caller::verified(user), EndedReason::Operator).await
    }

    async fn end_token(&self, caller: Caller, reason: EndedReason) -> Result<(), Error> {
        self.inner.queue.submit(queue::Command::Leave { caller, reason }).await.map(drop)
    }

    /// One rerank pass, bounded: ends the tokens whose time is over, admits the head of the queue up to the cap, refreshes
    /// this process's snapshot.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn rerank_queue(&self) -> Result<RerankReport, Error> {
        let mut report = RerankReport::default();
        for _ in 0..MOST_ROUNDS {
            let answer = self.inner.queue.submit(queue::Command::Rerank).await?;
            let queue::Answer::Reranked { report: round, more } = answer else {
                return Err(wrong_answer());
            };
            report.expired += round.expired;
            report.no_shows += round.no_shows;
            report.admitted += round.admitted;
            if !more {
                break;
            }
        }
        self.refresh_queue().await?;
        Ok(report)
    }

    /// What [`BoxOffice::rerank_queue`] would do now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn preview_rerank(&self) -> Result<RerankReport, Error> {
        db::read(|| queue::preview_rerank(self.pool(), self.now())).await
    }

    /// Brings this process's snapshot of the queue up to date. Servers do so every second; without it, polls do so
    /// themselves when it is older than two.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn refresh_queue(&self) -> Result<(), Error> {
        self.inner.view.refresh(self.pool(), self.now()).await
    }

    /// Sets the cap on ACTIVE tokens, for all processes: at least 1. Whoever is in stays in. Recorded as a change by the
    /// application; [`BoxOffice::set_admission`] says by whom.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for 0.
    pub async fn set_max_active(&self, max_active: u32) -> Result<(), Error> {
        self.set_admission(&Operator::application(), Some(max_active), None).await.map(drop)
    }

    /// Lets nobody in any more, in any process, until [`BoxOffice::resume_queue`]: who joins waits, who is in stays in.
    /// Returns whether it was not paused before.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn pause_queue(&self, by: &Operator) -> Result<bool, Error> {
        self.change_queue(by, Change { paused: Some(true), ..Change::default() }).await
    }

    /// Lets people in again. Returns whether the queue was paused.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn resume_queue(&self, by: &Operator) -> Result<bool, Error> {
        self.change_queue(by, Change { paused: Some(false), ..Change::default() }).await
    }

    /// Sets, for all processes, how many tokens may be ACTIVE, and how many become ACTIVE within any 60 seconds, counted
    /// from when that limit is set; `Some(None)` lifts it. What is `None` stays as it is. Returns whether anything changed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for 0, for more than 100 000 000, and for nothing to change.
    pub async fn set_admission(
        &self,
        by: &Operator,
        max_active: Option<u32>,
        per_minute: Option<Option<u32>>,
    ) -> Result<bool, Error> {
        self.change_queue(by, Change { paused: None, max_active, per_minute }).await
    }

    async fn change_queue(&self, by: &Operator, change: Change) -> Result<bool, Error> {
        change.check()?;
        match self.inner.queue.submit(queue::Command::Set { change, by: by.clone() }).await? {
            queue::Answer::Set { changed } => Ok(changed),
            _ => Err(wrong_answer()),
        }
    }

    /// Who changed which setting of the queue, and when: newest first, `limit` at most.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn queue_log(&self, limit: u32) -> Result<Vec<QueueChange>, Error> {
        db::read(|| queue::control_log(self.pool(), limit)).await
    }

    /// Takes this process's turn at a periodic pass; `false`: some process took it less than `period` ago. Timers fire a
    /// little early or late, so ask for a little less than the period they have.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn take_turn(&self, pass: Pass, period: Duration) -> Result<bool, Error> {
        queue::acquire_pass(self.pool(), pass, period, self.now()).await.map_err(db::to_error)
    }

    fn queue_token(&self, token: &Token, standing: Standing) -> Result<QueueToken, Error> {
        let ticket = QueueTicket { user: token.user, token: token.id, ticket: token.ticket };
        // It outlasts the longest wait and the turn after it; the row decides before that.
        let longest = self.policy().waiting_ttl + self.policy().active_ttl;
        let claims = Claims::queue(&ticket, token.created_at, token.created_at + span(longest));
        Ok(QueueToken { ticket, jwt: self.policy().keys.sign(&claims)?, standing })
    }
}
