//! Exports: lists for the accountants and the doors.

use std::sync::Arc;

use super::BackOffice;
use crate::db;
use crate::error::Error;
use crate::export::{self, Export, Exported, ExportedSeat};
#[cfg(feature = "csv")]
use crate::export::{AnyExport, ExportDocument, ExportFormat, ExportKind};
use crate::id::{ConcertId, SeatNumber};
use crate::page::{Page, Paged};

/// The most seats of a page without a limit.
const USUAL_PAGE: u32 = 1_000;

/// Lists of everything.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertId, Error, ExportedPayment};
///
/// # async fn example(office: BoxOffice, concert: ConcertId) -> Result<(), Error> {
/// let back_office = office.operator("ann@example.org".parse()?);
/// let mut export = back_office.export::<ExportedPayment>(Some(concert)).await?;
/// while let Some(payments) = export.next_page().await? {
///     for payment in payments {
///         println!("{} {}", payment.paid_at, payment.amount);
///     }
/// }
/// println!("{} in all", export.so_far().kept());
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// All payments, seats, wallet entries or attendees, of a concert or of all: [`ExportedPayment`](crate::ExportedPayment),
    /// [`ExportedSeat`](crate::ExportedSeat), [`ExportedEntry`](crate::ExportedEntry) or
    /// [`ExportedAttendee`](crate::ExportedAttendee). It shows one moment, and takes as much memory as a page of some
    /// thousand rows. It has a connection of its own until it is over or dropped; whoever does not ask for the next
    /// page within a minute loses it.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`]; [`Error::Overloaded`] while four are being made.
    pub async fn export<R: Exported>(&self, concert: Option<ConcertId>) -> Result<Export<R>, Error> {
        let exports = Arc::clone(&self.office.inner.exports);
        let permit = exports.try_acquire_owned().map_err(|_| Error::Overloaded { lane: "export" })?;
        let begun =
            Export::begin(self.office.pool(), concert, self.office.now(), self.office.policy().time_zone(), permit)
                .await?;
        begun.ok_or(Error::ConcertNotFound)
    }

    /// A page of a concert's seats with their state and who has them, by number; of 1 000 unless the page has a limit.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn seats(&self, concert: ConcertId, page: Page<SeatNumber>) -> Result<Paged<ExportedSeat>, Error> {
        let (page, now) = (page.or_limit(USUAL_PAGE), self.office.now());
        let found =
            db::read(|| export::seats_page(self.office.pool(), concert, &page, now, self.office.policy().time_zone()))
                .await?;
        found.ok_or(Error::ConcertNotFound)
    }

    /// An export as text.
    ///
    /// # Errors
    /// As [`BackOffice::export`].
    #[cfg(feature = "csv")]
    pub async fn export_document(
        &self,
        kind: ExportKind,
        concert: Option<ConcertId>,
        format: ExportFormat,
    ) -> Result<ExportDocument, Error> {
        let export = match kind {
            ExportKind::Payments => AnyExport::Payments(self.export(concert).await?),
            ExportKind::Seats => AnyExport::Seats(self.export(concert).await?),
            ExportKind::Entries => AnyExport::Entries(self.export(concert).await?),
            ExportKind::Attendees => AnyExport::Attendees(self.export(concert).await?),
        };
        Ok(ExportDocument::new(export, format))
    }
}
