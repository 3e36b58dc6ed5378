//! Wallets and payments.

use super::{BoxOffice, wrong_answer};
use crate::caller::Caller;
use crate::db;
use crate::error::Error;
use crate::id::{PaymentId, ReservationId, WalletEntryId};
use crate::money::Money;
use crate::payment::{Pay, Payment};
use crate::reservation::Named;
use crate::wallet::{self, Recharge, Recharged};

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
        let paid = self.pay_for(caller.into(), Named::Reservation(reservation), amount).await?;
        paid.into_iter().next().ok_or_else(wrong_answer)
    }

    /// A payment for each seat, the first under the id that a repeated call has too.
    pub(super) async fn pay_for(&self, caller: Caller, what: Named, amount: Money) -> Result<Vec<Payment>, Error> {
        let id = PaymentId::from_uuid(caller.entity_id("payments/process"));
        self.act(caller, |caller| self.inner.payments.submit(Pay { caller, what, amount, id })).await
    }

    /// The balance, once it is clear that the user exists and that the shown token is in the queue.
    pub(super) async fn account(&self, caller: &Caller) -> Result<Money, Error> {
        let account = db::read(|| wallet::balance(self.pool(), caller.user, self.now())).await?;
        let account = account.ok_or(Error::UserNotFound)?;
        if caller.shows_ended_token(account.live_token) {
            return Err(Error::TokenEnded);
        }
        Ok(account.balance()?)
    }
}
