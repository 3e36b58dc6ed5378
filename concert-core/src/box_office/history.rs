//! A buyer's history: payments and wallet entries.

use super::BoxOffice;
use crate::caller::Caller;
use crate::db;
use crate::error::Error;
use crate::id::{PaymentId, WalletEntryId};
use crate::page::{Page, Paged};
use crate::payment::{self, PaymentView};
use crate::wallet::{self, WalletEntryView};

/// A user's history.
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, Page, UserId};
///
/// # async fn example(office: BoxOffice, user: UserId) -> Result<(), Error> {
/// let mut page = office.payments_of(user, Page::default()).await?;
/// while let (true, Some(last)) = (page.has_more, page.data.last()) {
///     page = office.payments_of(user, Page::new(Some(100), Some(last.id))?).await?;
/// }
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// A page of the user's payments, newest first.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::InvalidInput`] (`starting_after` is not a payment of
    /// this user).
    pub async fn payments_of(
        &self,
        caller: impl Into<Caller>,
        page: Page<PaymentId>,
    ) -> Result<Paged<PaymentView>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| payment::payments_of(self.pool(), caller.user, &page)).await?;
        found.ok_or_else(|| Error::invalid("startingAfter is not a payment of this user"))
    }

    /// One of the user's payments.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::PaymentNotFound`], [`Error::NotYours`].
    pub async fn payment(&self, caller: impl Into<Caller>, id: PaymentId) -> Result<PaymentView, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let find = || async { db::read(|| payment::payment(self.pool(), id)).await?.ok_or(Error::PaymentNotFound) };
        let found = self.caught_up(find).await?;
        if found.user == caller.user { Ok(found) } else { Err(Error::NotYours) }
    }

    /// A page of the changes of the user's balance, newest first.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::InvalidInput`] (`starting_after` is not a wallet entry
    /// of this user).
    pub async fn wallet_entries(
        &self,
        caller: impl Into<Caller>,
        page: Page<WalletEntryId>,
    ) -> Result<Paged<WalletEntryView>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| wallet::entries_of(self.pool(), caller.user, &page)).await?;
        found.ok_or_else(|| Error::invalid("startingAfter is not a wallet entry of this user"))
    }
}
