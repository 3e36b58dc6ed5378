//! For operators: the audit, the figures and refunds.

use super::BoxOffice;
use crate::audit::{self, Violation};
use crate::db;
use crate::error::Error;
use crate::figures::{self, Figures, QueueFigures};
use crate::id::{PaymentId, WalletEntryId};
use crate::payment::{Refund, RefundPayment, RefundReason};
use crate::queue::Operator;
use crate::reservation;

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

    /// How many seats are held unpaid. Reads the holds whose deadlines are to come, paid ones too.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn holds(&self) -> Result<u64, Error> {
        db::read(|| reservation::holds(self.pool(), self.now())).await
    }

    /// Refunds a payment: the money goes back to the wallet and the seat is for sale again, in one transaction. Recorded with
    /// who did it and why. A concert that is over may be refunded.
    ///
    /// # Errors
    /// [`Error::PaymentNotFound`], [`Error::AlreadyRefunded`], [`Error::BalanceLimit`].
    pub async fn refund(
        &self,
        by: &Operator,
        payment: PaymentId,
        reason: Option<RefundReason>,
    ) -> Result<Refund, Error> {
        let entry = WalletEntryId::generate();
        self.inner.refunds.submit(RefundPayment { payment, by: by.clone(), reason, entry }).await
    }

    /// How many commands wait in this process now, by lane.
    #[must_use]
    pub fn lane_depths(&self) -> [(&'static str, usize); 7] {
        let inner = &self.inner;
        [
            ("queue", inner.queue.depth()),
            ("reservation", inner.reservations.depth()),
            ("sweep", inner.sweeps.depth()),
            ("wallet", inner.wallets.depth()),
            ("payment", inner.payments.depth()),
            ("refund", inner.refunds.depth()),
            ("user", inner.users.depth()),
        ]
    }
}
