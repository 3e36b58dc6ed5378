//! Lists for the accountants and the doors: all payments, seats, wallet entries or attendees, of a concert or of all.
//!
//! An export reads one snapshot of the database in pages, each beginning after the last row of the one before. So it
//! takes as much memory as a page, however long it is, and shows one moment, whatever is sold meanwhile.

mod columns;
mod concert;
#[cfg(feature = "csv")]
mod document;
mod entries;
mod pages;
mod read;
mod rows;
mod sums;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{MySqlConnection, MySqlPool};
use tokio::sync::OwnedSemaphorePermit;

pub use self::concert::ExportedConcert;
#[cfg(feature = "csv")]
pub(crate) use self::document::AnyExport;
#[cfg(feature = "csv")]
pub use self::document::{ExportDocument, ExportFormat};
pub(crate) use self::pages::seats_page;
use self::pages::{Cursor, Pages};
pub use self::rows::{ExportedAttendee, ExportedEntry, ExportedPayment, ExportedPlace, ExportedSeat, SeatStatus};
pub(crate) use self::sums::paid;
use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::id::ConcertId;
use crate::invalid::InvalidInput;
use crate::time_zone::TimeZone;

/// How many exports a box office makes at once: each has a connection and a snapshot of its own.
pub(crate) const MOST_AT_ONCE: usize = 4;
/// How long an export may take: the database keeps what has changed since as long.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] =
    &[concert::STATEMENTS, pages::STATEMENTS, entries::STATEMENTS, sums::STATEMENTS];

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportKind {
    /// Each payment, refunded ones too.
    Payments,
    /// Each seat, with its state.
    Seats,
    /// Each change of a wallet; of a concert, those by its payments and refunds.
    Entries,
    /// Each sold seat with its owner.
    Attendees,
}

impl ExportKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Payments, Self::Seats, Self::Entries, Self::Attendees];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Seats => "seats",
            Self::Entries => "entries",
            Self::Attendees => "attendees",
        }
    }
}

impl fmt::Display for ExportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ExportKind {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| InvalidInput::new("an export is of payments, seats, entries or attendees"))
    }
}

/// What the rows of an export add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportTotals {
    /// How many rows.
    pub rows: u64,
    /// Of payments: what was paid. Of seats and attendees: what those that are sold have cost. Of entries: by how much
    /// they changed balances.
    #[serde(serialize_with = "crate::money::as_number")]
    pub amount: Decimal,
    /// Of payments: the part of it that was given back. Otherwise nothing.
    #[serde(serialize_with = "crate::money::as_number")]
    pub refunded: Decimal,
}

impl ExportTotals {
    /// What is left after refunds. Of payments of all concerts it is the revenue that the figures show.
    #[must_use]
    pub fn kept(&self) -> Decimal {
        self.amount - self.refunded
    }

    fn add(&mut self, amount: Decimal, refunded: Decimal) {
        self.rows += 1;
        self.amount += amount;
        self.refunded += refunded;
    }
}

/// What an export is of: [`ExportedPayment`], [`ExportedSeat`], [`ExportedEntry`] or [`ExportedAttendee`].
pub trait Exported: Pages {}

impl<R: Pages> Exported for R {}

/// An export in the making; from [`BackOffice::export`](crate::BackOffice::export). Dropped, it ends.
pub struct Export<R> {
    connection: Option<MySqlConnection>,
    begun: Instant,
    /// The concerts that are still to come, the current one first. Entries of the whole house belong to none.
    sources: VecDeque<Option<Arc<ExportedConcert>>>,
    cursor: Cursor,
    page: Vec<R>,
    expected: ExportTotals,
    so_far: ExportTotals,
    _permit: OwnedSemaphorePermit,
}

impl<R: Exported> Export<R> {
    /// Begins one; `None`: there is no such concert.
    pub(crate) async fn begin(
        pool: &MySqlPool,
        concert: Option<ConcertId>,
        now: Timestamp,
        house: TimeZone,
        permit: OwnedSemaphorePermit,
    ) -> Result<Option<Self>, Error> {
        let mut connection = db::patient_connection(pool).await.map_err(db::to_error)?;
        let begin = async {
            db::start_snapshot(&mut connection).await?;
            let sources = match concert {
                Some(concert) => {
                    concert::find(&mut connection, concert, now, house).await?.into_iter().map(Some).collect()
                }
                None if R::BELONGS_TO_CONCERTS => {
                    concert::all(&mut connection, now, house).await?.into_iter().map(Some).collect()
                }
                None => VecDeque::from([None]),
            };
            // In the same snapshot, so that nothing that happens meanwhile can make the two differ.
            let expected = R::expected(&mut connection, concert).await?;
            Ok::<_, sqlx::Error>((sources, expected))
        };
        let (sources, expected): (VecDeque<_>, _) = begin.await.map_err(db::to_error)?;
        if concert.is_some() && sources.is_empty() {
            db::close(connection).await;
            return Ok(None);
        }
        Ok(Some(Self {
            connection: Some(connection),
            begun: Instant::now(),
            sources,
            cursor: Cursor::of(house),
            page: Vec::new(),
            expected,
            so_far: ExportTotals::default(),
            _permit: permit,
        }))
    }

    /// What all rows add up to: counted by the database in another way than the rows are read.
    #[must_use]
    pub const fn expected(&self) -> ExportTotals {
        self.expected
    }

    /// What the rows so far add up to.
    #[must_use]
    pub const fn so_far(&self) -> ExportTotals {
        self.so_far
    }

    /// The next rows; `None`: there are no more, and they add up to [`Export::expected`].
    ///
    /// # Errors
    /// Those of every operation; [`Error::Internal`] where the rows do not add up: the audit says what is wrong.
    pub async fn next_page(&mut self) -> Result<Option<&[R]>, Error> {
        self.page.clear();
        while self.page.is_empty() {
            if self.begun.elapsed() > LONGEST {
                self.connection = None;
                return Err(Error::Unavailable(Arc::new(sqlx::Error::Io(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("an export takes {} minutes at most", LONGEST.as_secs() / 60),
                )))));
            }
            let (Some(connection), Some(source)) = (&mut self.connection, self.sources.front()) else {
                return self.end().await;
            };
            match R::page(connection, source.as_ref(), &mut self.cursor).await {
                Ok(Some(page)) => self.page = page,
                Ok(None) => {
                    // Each concert is read from its first seat on, so the cursor begins anew.
                    self.sources.pop_front();
                    self.cursor = Cursor::of(self.cursor.house);
                }
                Err(error) => {
                    self.connection = None;
                    // The connection is gone as well: an answer may still come on it, and would be taken for that of
                    // the next page.
                    return Err(db::to_error(error));
                }
            }
        }
        for row in &self.page {
            let (amount, refunded) = row.amounts();
            self.so_far.add(amount, refunded);
        }
        Ok(Some(&self.page))
    }

    async fn end(&mut self) -> Result<Option<&[R]>, Error> {
        if let Some(connection) = self.connection.take() {
            db::close(connection).await;
        }
        // Accountants must not get a list that lacks something. So the end is an error where a row is missing or comes
        // twice.
        if self.so_far == self.expected {
            return Ok(None);
        }
        Err(Error::internal(io::Error::other(format!(
            "the rows of the export add up to {:?}, and the database counts {:?}: the audit says what is wrong",
            self.so_far, self.expected
        ))))
    }
}

impl<R> fmt::Debug for Export<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("so_far", &self.so_far).field("expected", &self.expected).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for kind in ExportKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("payment".parse::<ExportKind>().is_err());
    }

    #[test]
    fn what_is_kept_is_what_was_not_given_back() {
        let mut totals = ExportTotals::default();
        totals.add(Decimal::from(100), Decimal::ZERO);
        totals.add(Decimal::from(50), Decimal::from(50));
        assert_eq!((totals.rows, totals.amount, totals.kept()), (2, Decimal::from(150), Decimal::from(100)));
    }
}
