//! The back office's part for the queue.

use super::{BackOffice, wrong_answer};
use crate::db;
use crate::error::Error;
use crate::id::{SaleId, UserId};
use crate::queue::{self, AdmissionChange, EndedReason, QueueChange, QueueToken, RerankReport, SaleChange};
use crate::reservation::{self, SweepReport};

/// Steering the queue, for all processes.
///
/// ```no_run
/// use concert_core::{AdmissionChange, BoxOffice, Error, PerMinute};
///
/// # async fn example(office: BoxOffice) -> Result<(), Error> {
/// let back_office = office.operator("ann@example.org".parse()?);
/// back_office.pause_queue().await?;
/// let slower = AdmissionChange::new().with_max_active(200).with_per_minute(PerMinute::AtMost(50));
/// back_office.set_admission(slower).await?;
/// back_office.resume_queue().await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Lets nobody in, in any process, until [`BackOffice::resume_queue`]. New users wait; ACTIVE users stay ACTIVE.
    /// Returns whether it was not paused before.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn pause_queue(&self) -> Result<bool, Error> {
        self.set_admission(AdmissionChange::paused(true)).await
    }

    /// Lets users in again. Returns whether the queue was paused.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn resume_queue(&self) -> Result<bool, Error> {
        self.set_admission(AdmissionChange::paused(false)).await
    }

    /// Sets how many tokens may be ACTIVE, and how many become so per minute. Returns whether anything changed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for 0, for more than 100 000 000, and for nothing to change.
    pub async fn set_admission(&self, change: AdmissionChange) -> Result<bool, Error> {
        self.set_admission_in(SaleId::DEFAULT, change).await
    }

    /// The same in a sale.
    ///
    /// # Errors
    /// As [`BackOffice::set_admission`]; [`Error::SaleNotFound`].
    pub async fn set_admission_in(&self, sale: SaleId, change: AdmissionChange) -> Result<bool, Error> {
        change.check()?;
        self.change_sale(sale, change.into(), None).await
    }

    /// Lets nobody in to a sale, or lets people in again. Returns whether that was otherwise before.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`].
    pub async fn set_paused_in(&self, sale: SaleId, paused: bool) -> Result<bool, Error> {
        self.set_admission_in(sale, AdmissionChange::paused(paused)).await
    }

    /// Returns whether anything changed.
    pub(super) async fn change_sale(
        &self,
        sale: SaleId,
        change: SaleChange,
        if_version: Option<u32>,
    ) -> Result<bool, Error> {
        let set = queue::Command::Set { sale, change, if_version, by: self.by.sign() };
        match self.office.inner.queue.submit(set).await? {
            queue::Answer::Set { changed, .. } => Ok(changed),
            _ => Err(wrong_answer()),
        }
    }

    /// Who changed which setting of the queue, and when: newest first, `limit` at most.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn queue_log(&self, limit: u32) -> Result<Vec<QueueChange>, Error> {
        self.queue_log_in(SaleId::DEFAULT, limit).await
    }

    /// The same of a sale.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn queue_log_in(&self, sale: SaleId, limit: u32) -> Result<Vec<QueueChange>, Error> {
        db::read(|| queue::control_log(self.office.pool(), sale, limit)).await
    }

    /// A user's standing in the queue. Unlike [`BoxOffice::token_status`](crate::BoxOffice::token_status), it does not
    /// claim a due turn.
    ///
    /// # Errors
    /// As [`BoxOffice::token_status`](crate::BoxOffice::token_status).
    pub async fn inspect_token(&self, user: UserId) -> Result<QueueToken, Error> {
        self.inspect_token_in(SaleId::DEFAULT, user).await
    }

    /// The same in the queue of a sale.
    ///
    /// # Errors
    /// As [`BackOffice::inspect_token`]; [`Error::SaleNotFound`].
    pub async fn inspect_token_in(&self, sale: SaleId, user: UserId) -> Result<QueueToken, Error> {
        let view = self.office.view_of(sale).await?;
        let token = self.office.latest_token(&view, user).await?;
        self.office.queue_token_now(&view, &token)
    }

    /// Ends a user's token. What the user holds unpaid is given back with it.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenNotFound`] (not in the queue).
    pub async fn expire_token(&self, user: UserId) -> Result<(), Error> {
        self.expire_token_in(SaleId::DEFAULT, user).await
    }

    /// The same in the queue of a sale.
    ///
    /// # Errors
    /// As [`BackOffice::expire_token`]; [`Error::SaleNotFound`].
    pub async fn expire_token_in(&self, sale: SaleId, user: UserId) -> Result<(), Error> {
        self.office.end_token(sale, self.acting_for(user), EndedReason::Operator).await
    }

    /// What [`BoxOffice::rerank_queue`](crate::BoxOffice::rerank_queue) would do now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn preview_rerank(&self) -> Result<RerankReport, Error> {
        let (views, pool, now) = (&self.office.inner.views, self.office.pool(), self.office.now());
        let mut report = RerankReport::default();
        for gate in views.refresh(pool, now).await? {
            // Whether or not the pass would skip the sale: its own rules then find nothing to do.
            report.add(views.of(gate.sale).preview_rerank(pool, now).await?);
        }
        Ok(report)
    }

    /// What [`BoxOffice::sweep_expired`](crate::BoxOffice::sweep_expired) would do now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn preview_sweep(&self) -> Result<SweepReport, Error> {
        let released = db::read(|| reservation::lapsed_holds(self.office.pool(), self.office.now())).await?;
        Ok(SweepReport { released })
    }
}
