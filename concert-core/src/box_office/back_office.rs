//! The back office: what operators do.

use super::BoxOffice;
use crate::audit::{self, Violation};
use crate::caller::Caller;
use crate::catalog::{self, NewConcert};
use crate::db;
use crate::doctor::{self, Finding};
use crate::error::Error;
use crate::explain::{self, Explanation, Subject, TurnRules};
use crate::figures::{self, Figures, QueueFigures, SaleFigures};
use crate::id::{LogEntryId, SaleId, UserId};
use crate::money::Money;
use crate::operator::{self, LogEntry, Operator};
use crate::page::{Page, Paged};
use crate::reservation;
use crate::user::{self, OpeningUser, SignUp, User};
use crate::wallet::{Recharged, Reference};

/// The operations of an operator, recorded under a name; from [`BoxOffice::operator`]. Cheap to clone.
///
/// Errors and cancel safety are as at [`BoxOffice`].
#[derive(Debug, Clone)]
pub struct BackOffice {
    pub(super) office: BoxOffice,
    pub(super) by: Operator,
}

impl BoxOffice {
    /// The back office for the operator `who`, whose name is recorded with changes and refunds. The application decides
    /// who is an operator.
    #[must_use]
    pub fn operator(&self, who: Operator) -> BackOffice {
        BackOffice { office: self.clone(), by: who }
    }
}

/// Putting things on sale.
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, Money, NewConcert, Operator, Section};
///
/// # async fn example(office: BoxOffice) -> Result<(), Error> {
/// let back_office = office.operator(Operator::application());
/// let hall = vec![Section::in_rows(20, 30, Money::whole(120)?).with_name("Stalls"), Section::plain(80, Money::whole(60)?)];
/// back_office.add_concert(&NewConcert::new("Spring", office.now().date_naive(), hall)).await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Puts a concert on sale, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::ConcertExists`].
    pub async fn add_concert(&self, new: &NewConcert) -> Result<(), Error> {
        self.add_concert_with_progress(new, |_| {}).await
    }

    /// The same; calls `progress` with the number of seats that are inserted so far.
    ///
    /// # Errors
    /// As [`BackOffice::add_concert`].
    pub async fn add_concert_with_progress(
        &self,
        new: &NewConcert,
        progress: impl FnMut(u32) + Send,
    ) -> Result<(), Error> {
        self.check_prices(new)?;
        self.check_not_over(new).await?;
        catalog::add_concert(self.office.pool(), new, &self.by.sign(), self.office.now(), progress).await?;
        self.note_change(new.id);
        Ok(())
    }

    /// Makes a user, as [`BoxOffice::sign_up`] does.
    ///
    /// # Errors
    /// As [`BoxOffice::sign_up`].
    pub async fn add_user(&self, who: impl Into<SignUp>) -> Result<User, Error> {
        self.office.register(who.into(), Some(self.by.sign())).await
    }

    /// Makes many users without passwords, all or none.
    ///
    /// # Errors
    /// [`Error::UsernameTaken`] when any of the names or ids is there already.
    pub async fn add_users(&self, users: &[OpeningUser]) -> Result<(), Error> {
        self.add_users_with_progress(users, |_| {}).await
    }

    /// The same; calls `progress` with the number of users that are inserted so far.
    ///
    /// # Errors
    /// As [`BackOffice::add_users`].
    pub async fn add_users_with_progress(
        &self,
        users: &[OpeningUser],
        progress: impl FnMut(usize) + Send,
    ) -> Result<(), Error> {
        for user in users {
            self.office.policy().check_amount(user.balance)?;
        }
        // All amounts are checked before the first is written.
        user::add_users(self.office.pool(), users, &self.by.sign(), self.office.now(), progress).await
    }
}

/// Acting for users, at the desk or on the telephone.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertId, Error, UserId, Wanted};
///
/// # async fn example(office: BoxOffice, user: UserId, concert: ConcertId) -> Result<(), Error> {
/// let ann = office.operator("ann@example.org".parse()?);
/// let pair = Wanted::BestAvailable { count: 2, section: None };
/// let order = office.hold(ann.acting_for(user), concert, pair).await?;
/// office.pay(ann.acting_for(user), order.id, order.total).await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// The caller for one act that this operator does for a user: joining, holding, extending, giving back, paying or
    /// leaving. The operator vouches for the user, and the act is logged.
    #[must_use]
    pub fn acting_for(&self, user: UserId) -> Caller {
        Caller::signed(user, self.by.sign())
    }

    /// The caller who holds seats for a user past the queue, at the desk or for guests: without a turn, before the opening
    /// too. What is so held can be paid, and its deadline moved, without a turn; leaving the queue does not give it back.
    /// All other rules hold. It is logged, and counted apart in [`QueueFigures::bypassed`]. Other acts are as with
    /// [`BackOffice::acting_for`].
    #[must_use]
    pub fn bypassing_queue_for(&self, user: UserId) -> Caller {
        self.acting_for(user).past_queue()
    }

    /// Puts money into a user's wallet for a payment that came in, whoever may recharge otherwise. A payment is
    /// credited to a user once: the same reference again is refused, and the refusal says what was credited.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (nothing), [`Error::UserNotFound`] (also one who was forgotten), [`Error::UserDisabled`],
    /// [`Error::ReferenceUsed`], [`Error::BalanceLimit`].
    pub async fn recharge(&self, user: UserId, amount: Money, reference: Reference) -> Result<Recharged, Error> {
        self.office.recharge_for(self.acting_for(user), amount, reference).await
    }
}

/// Looking at the sale, and putting it right.
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, PaymentId, UserId};
///
/// # async fn example(office: BoxOffice, user: UserId, payment: PaymentId) -> Result<(), Error> {
/// let back_office = office.operator("ann@example.org".parse()?);
/// assert!(back_office.audit().await?.is_empty());
/// for event in back_office.explain(user).await?.events {
///     println!("{} {}: {}", event.at, event.what, event.detail);
/// }
/// back_office.refund(payment, Some("paid twice by mistake".parse()?)).await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// The rows that break an invariant; empty if all invariants hold. Reads everything, on one snapshot.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn audit(&self) -> Result<Vec<Violation>, Error> {
        self.audit_with_progress(|_, _| {}).await
    }

    /// Whether the database, its settings and its tables are as `servers` processes of this policy need them: what is,
    /// what should be, and the statement or option that mends it. Reads settings and the catalogue of tables, none of the
    /// box office's rows, and works before [`BoxOffice::migrate`] too.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn doctor(&self, servers: u32) -> Result<Vec<Finding>, Error> {
        doctor::examine(self.office.pool(), self.office.crowd(servers)).await
    }

    /// The same; `progress` gets how many checks are done, and how many there are.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn audit_with_progress(
        &self,
        progress: impl FnMut(usize, usize) + Send,
    ) -> Result<Vec<Violation>, Error> {
        audit::audit(self.office.pool(), progress).await
    }

    /// The figures of the sale, on one snapshot. Reads an index of all reservations, and all payments.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn figures(&self) -> Result<Figures, Error> {
        let office = &self.office;
        figures::figures(office.pool(), &office.inner.views, office.now()).await
    }

    /// Whether anybody has ever joined the queue or paid: what is then added or removed for a try meets a real sale.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn is_in_use(&self) -> Result<bool, Error> {
        db::read(|| figures::is_in_use(self.office.pool())).await
    }

    /// The figures of the queue alone. Reads a few rows.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn queue_figures(&self) -> Result<QueueFigures, Error> {
        self.queue_figures_in(SaleId::DEFAULT).await
    }

    /// The figures of the queue of a sale. Reads a few rows.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`].
    pub async fn queue_figures_in(&self, sale: SaleId) -> Result<QueueFigures, Error> {
        let view = self.office.view_of(sale).await?;
        figures::queue_figures(&self.office.inner.scrapes, &view, self.office.now()).await
    }

    /// The figures of the queues of all sales, the default one first. Reads a few rows for each.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn sale_figures(&self) -> Result<Vec<SaleFigures>, Error> {
        let office = &self.office;
        figures::sale_figures(&office.inner.scrapes, &office.inner.views, office.now()).await
    }

    /// How many seats are held unpaid. Reads the holds whose deadlines are to come, paid ones too.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn held_seats(&self) -> Result<u64, Error> {
        db::read(|| reservation::holds(&self.office.inner.scrapes, self.office.now())).await
    }

    /// How many commands wait in this process now, by lane.
    #[must_use]
    pub fn lane_depths(&self) -> [(&'static str, usize); 8] {
        let inner = &self.office.inner;
        [
            ("queue", inner.queue.depth()),
            ("reservation", inner.reservations.depth()),
            ("sweep", inner.sweeps.depth()),
            ("wallet", inner.wallets.depth()),
            ("payment", inner.payments.depth()),
            ("refund", inner.refunds.depth()),
            ("check_in", inner.check_ins.depth()),
            ("user", inner.users.depth()),
        ]
    }

    /// A page of the log of what operators did, newest first. An act and its entry are one transaction.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (`starting_after` is not an entry of the log).
    pub async fn log(&self, page: Page<LogEntryId>) -> Result<Paged<LogEntry>, Error> {
        let found = db::read(|| operator::log_entries(self.office.pool(), &page)).await?;
        found.ok_or_else(|| Error::invalid("startingAfter is not an entry of the log"))
    }

    /// What happened to a visit to the queue, a seat, a reservation or a user, and what will happen next. Reads the
    /// database alone, and does not claim a due turn.
    ///
    /// # Errors
    /// [`Error::TokenUnknown`], [`Error::ConcertNotFound`] or [`Error::SeatNotFound`], [`Error::ReservationNotFound`],
    /// [`Error::UserNotFound`].
    pub async fn explain(&self, what: impl Into<Subject>) -> Result<Explanation, Error> {
        let (pool, now, policy) = (self.office.pool(), self.office.now(), self.office.policy());
        let rules = TurnRules { active_ttl: policy.active_ttl, claim_window: policy.claim_window };
        match what.into() {
            Subject::Token(token) => {
                db::read(|| explain::token(pool, token, rules, now)).await?.ok_or(Error::TokenUnknown)
            }
            Subject::Seat(concert, seat) => {
                if let Some(found) = db::read(|| explain::seat(pool, concert, seat, policy.time_zone(), now)).await? {
                    return Ok(found);
                }
                // The concert is looked for only now, to name what is missing: nearly always both are there.
                let there = db::read(|| catalog::concert_exists(pool, concert)).await?;
                Err(if there { Error::SeatNotFound { seat } } else { Error::ConcertNotFound })
            }
            Subject::Reservation(reservation) => {
                let found = db::read(|| explain::reservation(pool, reservation, now)).await?;
                found.ok_or(Error::ReservationNotFound)
            }
            Subject::User(user) => explain::user(pool, user, rules, now).await,
        }
    }
}
