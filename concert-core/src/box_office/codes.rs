//! Access codes of sales.

use super::BackOffice;
use crate::access_code::{self, CodeEntry, CodesToRevoke, MadeCodes, NewCodes};
use crate::error::Error;
use crate::id::{AccessCodeId, SaleId};
use crate::page::{Page, Paged};

/// Codes that give entry to a sale before others.
///
/// ```no_run
/// use concert_core::{BoxOffice, CodeKind, CodesToRevoke, Error, NewCodes, SaleId};
///
/// # async fn example(office: BoxOffice, sale: SaleId) -> Result<(), Error> {
/// let back_office = office.operator("ann@example.org".parse()?);
/// let made = back_office.make_codes(sale, NewCodes::new(CodeKind::Presale, 500)?).await?;
/// for (_, code) in &made.codes {
///     println!("{code}");
/// }
/// back_office.revoke_codes(sale, CodesToRevoke::All).await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Makes codes for a sale, all or none. They are in the answer and nowhere else: the database has their hashes.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`], [`Error::CodesAlreadyMade`] (with this idempotency key).
    pub async fn make_codes(&self, sale: SaleId, new: NewCodes) -> Result<MadeCodes, Error> {
        access_code::make_codes(self.office.pool(), sale, new, &self.by.sign(), self.office.now()).await
    }

    /// A page of a sale's codes, newest first, revoked ones too.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`], [`Error::InvalidInput`] (`starting_after` is not a code of this sale).
    pub async fn codes(&self, sale: SaleId, page: Page<AccessCodeId>) -> Result<Paged<CodeEntry>, Error> {
        access_code::codes_of(self.office.pool(), sale, &page).await
    }

    /// Revokes codes for good, and answers how many were in force until now. Whoever has redeemed one keeps the place.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (none is named, or more than 1 000), [`Error::SaleNotFound`], [`Error::CodeNotFound`], and then
    /// none is revoked.
    pub async fn revoke_codes(&self, sale: SaleId, which: CodesToRevoke) -> Result<u64, Error> {
        access_code::revoke_codes(self.office.pool(), sale, &which, &self.by.sign(), self.office.now()).await
    }
}
