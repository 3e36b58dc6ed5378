//! Wallets and payments.

use super::queue::ActOn;
use super::{BoxOffice, wrong_answer};
use crate::caller::Caller;
use crate::db;
use crate::error::Error;
use crate::id::{PaymentId, WalletEntryId};
use crate::money::Money;
use crate::payment::{PaidOrder, Pay};
use crate::policy::RechargeBy;
use crate::reservation::{OrderRef, total};
use crate::wallet::{self, Deposit, Recharge, Recharged, Reference};

/// Wallets and payments. Refunds are made in the [`BackOffice`](crate::BackOffice).
///
/// ```no_run
/// use concert_core::{BoxOffice, Caller, Error, Money, Order, UserId};
///
/// # async fn example(office: BoxOffice, user: UserId, order: Order) -> Result<(), Error> {
/// if office.balance(user).await? < order.total {
///     office.recharge(user, order.total).await?;
/// }
/// // However often this is repeated, it is paid once and answers the same.
/// let caller = Caller::from(user).with_key("order-4711".parse().ok());
/// let paid = office.pay(caller, order.id, order.total).await?;
/// assert_eq!(paid.total, order.total);
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// Puts money into a user's wallet.
    ///
    /// # Errors
    /// [`Error::RechargeNotAllowed`] (only operators may, by [`Policy::with_recharge`](crate::Policy::with_recharge)),
    /// [`Error::InvalidInput`] (nothing, or more decimal places than the currency has), [`Error::UserNotFound`], [`Error::TokenEnded`],
    /// [`Error::IdempotencyKeyReused`], [`Error::BalanceLimit`].
    pub async fn recharge(&self, caller: impl Into<Caller>, amount: Money) -> Result<Recharged, Error> {
        self.recharge_for(caller, amount, None).await
    }

    /// The same, for the payment of this reference, which is credited to a user once.
    ///
    /// # Errors
    /// As [`BoxOffice::recharge`]; [`Error::ReferenceUsed`], and [`Error::InvalidInput`] where an operator names no
    /// payment.
    pub async fn recharge_for(
        &self,
        caller: impl Into<Caller>,
        amount: Money,
        reference: impl Into<Option<Reference>>,
    ) -> Result<Recharged, Error> {
        let (caller, deposit) = (caller.into(), Deposit { amount, reference: reference.into() });
        // Neither rule looks at a row, so a stranger who is refused costs the database nothing.
        match &caller.signature {
            None if self.policy().recharge == RechargeBy::Operators => return Err(Error::RechargeNotAllowed),
            Some(_) if deposit.reference.is_none() => {
                return Err(Error::invalid("say which payment the recharge stands for: its reference"));
            }
            _ => {}
        }
        deposit.amount.positive()?;
        self.policy().check_amount(deposit.amount)?;
        // Of the key if there is one, so that a repeated call finds the entry of the first.
        let id = WalletEntryId::from_uuid(caller.entity_id("payments/recharge"));
        // No reference is empty.
        let asked = deposit.reference.as_ref().map_or("", Reference::as_str);
        let caller = caller.asking(&[&deposit.amount, &asked]);
        self.inner.wallets.submit(Recharge { caller, deposit, id }).await
    }

    /// The balance of a user's wallet.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn balance(&self, caller: impl Into<Caller>) -> Result<Money, Error> {
        self.account(&caller.into()).await
    }

    /// Pays all that is held of an order, or one reservation, at once or not at all: held seats become sold ones.
    /// `amount` is the sum of their prices, the [`Order::total`](crate::Order::total) that [`BoxOffice::order`] answers
    /// for the same id.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::OrderNotFound`] or
    /// [`Error::ReservationNotFound`], [`Error::NotYours`], [`Error::AlreadyPaid`], [`Error::HoldCancelled`],
    /// [`Error::HoldExpired`], [`Error::WrongAmount`], [`Error::InsufficientBalance`].
    pub async fn pay(
        &self,
        caller: impl Into<Caller>,
        what: impl Into<OrderRef>,
        amount: Money,
    ) -> Result<PaidOrder, Error> {
        let (caller, what) = (caller.into(), what.into());
        // Of the first payment, so that a repeated call finds it.
        let id = PaymentId::from_uuid(caller.entity_id("payments/process"));
        let caller = caller.asking(&[&what, &amount]);
        let pay = |caller| self.inner.payments.submit(Pay { caller, what, amount, id });
        let payments = self.act(caller, ActOn::Reservation(what.any()), pay).await?;
        // The sum fits: the batch has taken it from one wallet.
        let total = total(payments.iter().map(|payment| payment.amount)).ok_or_else(wrong_answer)?;
        Ok(PaidOrder { payments, total })
    }

    /// The balance. Checks first that the user exists and that a shown token is still in the queue.
    pub(super) async fn account(&self, caller: &Caller) -> Result<Money, Error> {
        let look = || async {
            let account =
                db::read(|| wallet::balance(self.pool(), caller.user, caller.shown_token(), self.now())).await?;
            let account = account.ok_or(Error::UserNotFound)?;
            if caller.shows_ended_token(&account.live_tokens) {
                return Err(Error::TokenEnded);
            }
            Ok(account.balance()?)
        };
        self.caught_up(look).await
    }
}
