//! The handle: one method per operation.

use std::sync::Arc;
use std::time::Duration;

use sqlx::MySqlPool;
use sqlx::mysql::MySqlConnectOptions;

use crate::audit::Violation;
use crate::batch::Lane;
use crate::caller::{Caller, IdempotencyKey};
use crate::catalog::{ConcertDate, NewConcert, SeatView};
use crate::clock::{Clock, SystemClock, Timestamp, span};
use crate::error::Error;
use crate::figures::{Figures, QueueFigures};
use crate::id::{ConcertId, PaymentId, ReservationId, SeatNumber, TokenId, UserId, WalletEntryId};
use crate::jwt::{Claims, Credential, QueueTicket};
use crate::money::Money;
use crate::payment::{Pay, Payment, PaymentBatch};
use crate::policy::Policy;
use crate::queue::{
    Change, EndedReason, Follow, Joined, Operator, Pass, QueueBatch, QueueChange, QueueToken, QueueView, RERANK_LIMIT,
    RerankReport, Standing, Token, TokenStatus,
};
use crate::reservation::{Reservation, ReservationBatch, Rules, SWEEP_LIMIT, SeatChanges, SweepBatch, SweepReport};
use crate::user::{OpeningUser, Password, Passwords, Register, Session, User, UserBatch, Username};
use crate::wallet::{Recharge, Recharged, WalletBatch};
use crate::{audit, catalog, db, figures, migrate, queue, reservation, user, wallet};

/// The most batches of one pass: a backlog that is longer waits for the next.
const MOST_ROUNDS: usize = 1_000;
/// The most reservations that a list shows, newest first.
const MOST_RESERVATIONS: u32 = 1_000;

/// A box office over a MySQL database. Cheap to clone; all clones share their lanes.
///
/// # Cancel safety
/// Every write runs in a task of the box office. A future that is dropped leaves an act done or not done, never half
/// done, and no transaction open. Reads can be dropped at any point.
///
/// # Errors
/// Every operation can fail with [`Error::Unavailable`] (the database), every write with [`Error::Overloaded`] (too much
/// is waiting). The other refusals are named at each operation, in the order in which they are checked.
#[derive(Clone)]
pub struct BoxOffice {
    inner: Arc<Inner>,
}

struct Inner {
    pool: MySqlPool,
    policy: Policy,
    clock: Arc<dyn Clock>,
    view: Arc<QueueView>,
    seat_changes: Arc<SeatChanges>,
    passwords: Passwords,
    queue: Lane<QueueBatch>,
    reservations: Lane<ReservationBatch>,
    sweeps: Lane<SweepBatch>,
    wallets: Lane<WalletBatch>,
    payments: Lane<PaymentBatch>,
    users: Lane<UserBatch>,
}

impl BoxOffice {
    /// A box office on `pool`. Reads borrow from the pool; each writer opens a connection of its own with the pool's
    /// options when it first needs one. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a policy that cannot work.
    pub fn new(pool: MySqlPool, policy: Policy, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        policy.check()?;
        let view = Arc::new(QueueView::new(policy.active_ttl, policy.max_polls_per_second));
        let (writers, capacity) = (policy.writers_per_lane, policy.lane_capacity);
        let queue_rules = queue::Rules {
            active_ttl: policy.active_ttl,
            claim_window: policy.claim_window,
            waiting_ttl: policy.waiting_ttl,
        };
        let queue = QueueBatch { rules: queue_rules, view: Arc::clone(&view) };
        let rules = Rules { hold_ttl: policy.hold_ttl, max_holds_per_user: policy.max_holds_per_user };
        let payment = PaymentBatch { after_payment_ttl: policy.after_payment_ttl, active_ttl: policy.active_ttl };
        let seat_changes = Arc::new(SeatChanges::new());
        let reservations = ReservationBatch { rules, changes: Arc::clone(&seat_changes) };
        let sweeps = SweepBatch { changes: Arc::clone(&seat_changes) };
        let inner = Inner {
            queue: Lane::start(queue, 1, capacity, &pool, &clock),
            reservations: Lane::start(reservations, writers, capacity, &pool, &clock),
            sweeps: Lane::start(sweeps, 1, capacity, &pool, &clock),
            wallets: Lane::start(WalletBatch, writers, capacity, &pool, &clock),
            payments: Lane::start(payment, writers, capacity, &pool, &clock),
            users: Lane::start(UserBatch, 1, capacity, &pool, &clock),
            passwords: Passwords::new(policy.password_hashes_at_once),
            view,
            seat_changes,
            pool,
            policy,
            clock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A box office with a pool of its own, set up well (READ COMMITTED, UTC, strict, bounded), and the system's clock.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a URL that is not `mysql://user:password@host:3306/name`.
    pub async fn connect(url: &str, policy: Policy) -> Result<Self, Error> {
        Self::new(db::connect(url).await?, policy, Arc::new(SystemClock))
    }

    /// The same, from options instead of a URL: for a unix socket, for one.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for options that name no database.
    pub async fn connect_with(
        options: MySqlConnectOptions,
        policy: Policy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Self::new(db::connect_with(options).await?, policy, clock)
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &MySqlPool {
        &self.inner.pool
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// The box office's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Brings the schema up to date. Any number of processes may do so at once.
    ///
    /// # Errors
    /// [`Error::Setup`] when the schema cannot be brought up to date.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate::migrate(self.pool()).await
    }

    /// Answers once the database does, with a schema that this library works with: for readiness.
    ///
    /// # Errors
    /// [`Error::Setup`] before [`BoxOffice::migrate`].
    pub async fn ping(&self) -> Result<(), Error> {
        match db::read(|| migrate::is_current(self.pool())).await? {
            true => Ok(()),
            false => Err(Error::Setup("its schema is missing or out of date: migrate it".to_owned())),
        }
    }
}

/// Users.
impl BoxOffice {
    /// Makes a user; one without a password cannot log in, and joins the queue by id alone. A call that is repeated with
    /// the same key answers the same user.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::UsernameTaken`].
    pub async fn register_user(
        &self,
        username: Username,
        password: Option<Password>,
        key: Option<IdempotencyKey>,
    ) -> Result<User, Error> {
        let id = key.as_ref().map_or_else(UserId::generate, |key| UserId::from_uuid(key.derive(None, "users")));
        if key.is_some()
            && let Some((there, phc)) = db::read(|| user::user(self.pool(), id)).await?
        {
            let same_password = match &password {
                Some(password) => self.inner.passwords.verify(password, Some(&phc)).await?,
                None => !there.has_password,
            };
            let same = same_password && there.username == username.as_str();
            return if same { Ok(there) } else { Err(Error::IdempotencyKeyReused) };
        }
        let password = match password {
            Some(password) => self.inner.passwords.hash(&password).await?,
            None => user::NO_PASSWORD.to_owned(),
        };
        self.inner.users.submit(Register { id, username, password, repeatable: key.is_some() }).await
    }

    /// Makes many users without passwords, all or none: for operators. Calls `progress` with how many are in so far.
    ///
    /// # Errors
    /// [`Error::UsernameTaken`] when any of the names or ids is there already.
    pub async fn add_users(&self, users: &[OpeningUser], progress: impl FnMut(usize) + Send) -> Result<(), Error> {
        user::add_users(self.pool(), users, self.now(), progress).await
    }

    /// Looks a user up.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        let found = db::read(|| user::user(self.pool(), id)).await?;
        found.map(|(user, _)| user).ok_or(Error::UserNotFound)
    }

    /// Looks a user up by name.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user_named(&self, name: &Username) -> Result<User, Error> {
        let found = db::read(|| user::user_named(self.pool(), name.as_str())).await?;
        found.map(|(user, _)| user).ok_or(Error::UserNotFound)
    }

    /// Exchanges a name and a password for a session. An unknown name and a wrong password answer alike and take alike.
    ///
    /// # Errors
    /// [`Error::BadCredentials`].
    pub async fn log_in(&self, username: &str, password: &Password) -> Result<Session, Error> {
        let found = db::read(|| user::user_named(self.pool(), username)).await?;
        let phc = found.as_ref().filter(|(user, _)| user.has_password).map(|(_, phc)| phc.as_str());
        let matches = self.inner.passwords.verify(password, phc).await?;
        let (user, _) = found.filter(|_| matches).ok_or(Error::BadCredentials)?;
        let now = self.now();
        let claims = Claims::session(user.id, now, now + span(self.policy().session_ttl));
        let access_token = self.policy().keys.sign(&claims)?;
        Ok(Session { user: user.id, access_token, expires_at: claims.expires_at() })
    }

    /// Reads an access token. Whether a queue token is still in the queue shows when it is used.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for one that is not ours, not meant for this, altered or over.
    pub fn authenticate(&self, access_token: &str) -> Result<Credential, Error> {
        self.policy().keys.verify(access_token, self.now())
    }
}

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
    async fn act<T, F>(&self, caller: Caller, act: impl Fn(Caller) -> F + Send) -> Result<T, Error>
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
            let queue::Answer::Reranked(round) = self.inner.queue.submit(queue::Command::Rerank).await? else {
                return Err(wrong_answer());
            };
            report.expired += round.expired;
            report.no_shows += round.no_shows;
            report.admitted += round.admitted;
            if round.expired < RERANK_LIMIT as u64 && round.admitted < RERANK_LIMIT as u64 {
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
        queue::take_turn(self.pool(), pass, period, self.now()).await.map_err(db::to_error)
    }

    fn queue_token(&self, token: &Token, standing: Standing) -> Result<QueueToken, Error> {
        let ticket = QueueTicket { user: token.user, token: token.id, ticket: token.ticket };
        // It outlasts the longest wait and the turn after it; the row decides before that.
        let longest = self.policy().waiting_ttl + self.policy().active_ttl;
        let claims = Claims::queue(&ticket, token.created_at, token.created_at + span(longest));
        Ok(QueueToken { ticket, jwt: self.policy().keys.sign(&claims)?, standing })
    }
}

/// The catalogue.
impl BoxOffice {
    /// The concerts from today on that have a free seat, by date.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn concert_dates(&self) -> Result<Vec<ConcertDate>, Error> {
        db::read(|| catalog::concert_dates(self.pool(), self.now())).await
    }

    /// The seats of a concert, by number.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn seats(&self, concert: ConcertId) -> Result<Vec<SeatView>, Error> {
        db::read(|| catalog::seats(self.pool(), concert, self.now())).await?.ok_or(Error::ConcertNotFound)
    }

    /// Counts this process's changes to who has a seat of a concert: for whoever keeps a copy of [`BoxOffice::seats`]. A
    /// copy whose reading began at the same count lacks nothing that this process has answered for. Concerts may share a
    /// counter.
    #[must_use]
    pub fn seat_changes(&self, concert: ConcertId) -> u64 {
        self.inner.seat_changes.count(concert)
    }

    /// Puts a concert on sale, all of it or nothing. Calls `progress` with how many seats are in so far.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::ConcertExists`].
    pub async fn add_concert(&self, new: &NewConcert, progress: impl FnMut(u32) + Send) -> Result<(), Error> {
        catalog::add_concert(self.pool(), new, self.now(), progress).await?;
        self.inner.seat_changes.note(new.id);
        Ok(())
    }
}

/// Reservations.
impl BoxOffice {
    /// Holds a seat for [`Policy::hold_ttl`].
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::ConcertNotFound`], [`Error::SeatNotFound`],
    /// [`Error::ConcertOver`], [`Error::SeatAlreadyReserved`], [`Error::TooManyHolds`].
    pub async fn reserve(
        &self,
        caller: impl Into<Caller>,
        concert: ConcertId,
        seat: SeatNumber,
    ) -> Result<Reservation, Error> {
        let caller = caller.into();
        let id = ReservationId::from_uuid(caller.entity_id("reservations"));
        let reserve =
            |caller| self.inner.reservations.submit(reservation::Command::Reserve { caller, concert, seat, id });
        match self.act(caller, reserve).await? {
            reservation::Answer::Held(held) => Ok(held),
            reservation::Answer::Cancelled => Err(wrong_answer()),
        }
    }

    /// Gives a hold back. One that is gone already counts as given back.
    ///
    /// # Errors
    /// [`Error::ReservationNotFound`], [`Error::NotYours`], [`Error::TokenEnded`], [`Error::AlreadyPaid`].
    pub async fn cancel_reservation(&self, caller: impl Into<Caller>, reservation: ReservationId) -> Result<(), Error> {
        let command = reservation::Command::Cancel { caller: caller.into(), reservation };
        self.inner.reservations.submit(command).await.map(drop)
    }

    /// The user's reservations, newest first, 1 000 at most.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn reservations_of(&self, caller: impl Into<Caller>) -> Result<Vec<Reservation>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| reservation::reservations_of(self.pool(), caller.user, MOST_RESERVATIONS)).await?;
        let now = self.now();
        Ok(found.into_iter().map(|reservation| reservation.at_time(now)).collect())
    }

    /// One of the user's reservations.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::ReservationNotFound`], [`Error::NotYours`].
    pub async fn reservation(&self, caller: impl Into<Caller>, id: ReservationId) -> Result<Reservation, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| reservation::reservation(self.pool(), id)).await?;
        let found = found.ok_or(Error::ReservationNotFound)?;
        if found.user == caller.user { Ok(found.at_time(self.now())) } else { Err(Error::NotYours) }
    }

    /// One sweep pass, bounded: lapsed holds give their seats back.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn sweep_expired(&self) -> Result<SweepReport, Error> {
        let mut report = SweepReport::default();
        for _ in 0..MOST_ROUNDS {
            let released = self.inner.sweeps.submit(()).await?;
            report.released += released;
            if released < SWEEP_LIMIT as u64 {
                break;
            }
        }
        Ok(report)
    }

    /// What [`BoxOffice::sweep_expired`] would do now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn preview_sweep(&self) -> Result<SweepReport, Error> {
        let released = db::read(|| reservation::lapsed_holds(self.pool(), self.now())).await?;
        Ok(SweepReport { released })
    }
}

/// Wallets and payments.
impl BoxOffice {
    /// Puts money into a user's wallet.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (nothing), [`Error::UserNotFound`], [`Error::TokenEnded`],
    /// [`Error::IdempotencyKeyReused`], [`Error::BalanceLimit`].
    pub async fn recharge(&self, caller: impl Into<Caller>, amount: Money) -> Result<Recharged, Error> {
        let (caller, amount) = (caller.into(), amount.positive()?);
        let id = WalletEntryId::from_uuid(caller.entity_id("payments/recharge"));
        self.inner.wallets.submit(Recharge { caller, amount, id }).await
    }

    /// What a user's wallet holds.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn balance(&self, caller: impl Into<Caller>) -> Result<Money, Error> {
        self.account(&caller.into()).await
    }

    /// Pays a held seat: it becomes a sold one.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::ReservationNotFound`], [`Error::NotYours`],
    /// [`Error::AlreadyPaid`], [`Error::HoldCancelled`], [`Error::HoldExpired`], [`Error::WrongAmount`],
    /// [`Error::InsufficientBalance`].
    pub async fn pay(
        &self,
        caller: impl Into<Caller>,
        reservation: ReservationId,
        amount: Money,
    ) -> Result<Payment, Error> {
        let caller = caller.into();
        let id = PaymentId::from_uuid(caller.entity_id("payments/process"));
        self.act(caller, |caller| self.inner.payments.submit(Pay { caller, reservation, amount, id })).await
    }

    /// The balance, once it is clear that the user exists and that the shown token is in the queue.
    async fn account(&self, caller: &Caller) -> Result<Money, Error> {
        let account = db::read(|| wallet::balance(self.pool(), caller.user, self.now())).await?;
        let account = account.ok_or(Error::UserNotFound)?;
        if caller.shows_ended_token(account.live_token) {
            return Err(Error::TokenEnded);
        }
        Ok(account.balance)
    }
}

/// For operators.
impl BoxOffice {
    /// What is wrong in the database: nothing, if all invariants hold. Reads everything, on one snapshot.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn audit(&self) -> Result<Vec<Violation>, Error> {
        audit::audit(self.pool()).await
    }

    /// The figures of the sale. Reads all seats.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn figures(&self) -> Result<Figures, Error> {
        figures::figures(self.pool(), self.now()).await
    }

    /// The figures of the queue alone. Reads a few rows.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn queue_figures(&self) -> Result<QueueFigures, Error> {
        db::read(|| figures::queue_figures(self.pool())).await
    }

    /// How many seats are held unpaid. Reads an index.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn holds(&self) -> Result<u64, Error> {
        db::read(|| reservation::holds(self.pool(), self.now())).await
    }

    /// How many commands wait in this process now, by lane.
    #[must_use]
    pub fn lane_depths(&self) -> [(&'static str, usize); 6] {
        let inner = &self.inner;
        [
            ("queue", inner.queue.depth()),
            ("reservation", inner.reservations.depth()),
            ("sweep", inner.sweeps.depth()),
            ("wallet", inner.wallets.depth()),
            ("payment", inner.payments.depth()),
            ("user", inner.users.depth()),
        ]
    }
}

impl std::fmt::Debug for BoxOffice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoxOffice").field("policy", &self.inner.policy).finish_non_exhaustive()
    }
}

fn wrong_answer() -> Error {
    Error::internal(std::io::Error::other("a lane answered another command"))
}
