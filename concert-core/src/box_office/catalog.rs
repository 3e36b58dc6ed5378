//! The catalogue: what can be booked.

use super::BoxOffice;
use crate::catalog::{self, ConcertDate, SeatView};
use crate::db;
use crate::error::Error;
use crate::id::ConcertId;

/// The catalogue. Concerts are put on sale and changed in the [`BackOffice`](crate::BackOffice).
///
/// ```no_run
/// # async fn example(office: concert_core::BoxOffice) -> Result<(), concert_core::Error> {
/// for date in office.concert_dates().await? {
///     let seats = office.seats(date.concert).await?;
///     let free = seats.iter().filter(|seat| seat.available).count();
///     println!("{} on {}: {free} of {} seats are free", date.name, date.date, seats.len());
/// }
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// The concerts whose day is not over in the zone of their venue, which have a free seat or were called off, by date; a
    /// closed one says so. Reads each hall up to its first free seat, all of it
    /// where there is none: some 4 ms for 50 000 seats.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn concert_dates(&self) -> Result<Vec<ConcertDate>, Error> {
        db::read(|| catalog::concert_dates(self.pool(), self.policy().time_zone(), self.now())).await
    }

    /// The concerts of this name, by date; those that are over or sold out too.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn concerts_named(&self, name: &str) -> Result<Vec<ConcertDate>, Error> {
        db::read(|| catalog::concerts_named(self.pool(), name, self.policy().time_zone())).await
    }

    /// The seats of a concert, by number. None is available where the concert is over, closed or called off.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn seats(&self, concert: ConcertId) -> Result<Vec<SeatView>, Error> {
        let house = self.policy().time_zone();
        db::read(|| catalog::seats(self.pool(), concert, house, self.now())).await?.ok_or(Error::ConcertNotFound)
    }

    /// Counts this process's changes to the seats of a concert, for a cache of [`BoxOffice::seats`]. A copy that was
    /// read at the current count has every sale that this process has answered for. Concerts may share a counter.
    #[must_use]
    pub fn seat_changes(&self, concert: ConcertId) -> u64 {
        self.inner.seat_changes.count(concert)
    }

    /// Counts this process's changes of concerts, for a cache of [`BoxOffice::concert_dates`], likewise.
    #[must_use]
    pub fn concert_changes(&self) -> u64 {
        self.inner.seat_changes.of_concerts()
    }
}
