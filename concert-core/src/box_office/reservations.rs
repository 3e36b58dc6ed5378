//! Seats: looking, holding, giving back, sweeping.

use std::time::Instant;

use super::{BoxOffice, wrong_answer};
use crate::caller::Caller;
use crate::catalog::{self, ConcertDate, NewConcert, SeatView};
use crate::db;
use crate::error::Error;
use crate::id::{ConcertId, ReservationId, SeatNumber};
use crate::reservation::{self, Named, Reservation, SweepFrom, SweepReport, Wanted};

/// The most batches in one pass of the sweep: 128 000 holds. What is left is the next pass's.
const MOST_BATCHES: usize = 2_000;
/// The most reservations that a list shows, newest first.
const MOST_RESERVATIONS: u32 = 1_000;

/// The catalogue.
impl BoxOffice {
    /// The concerts from today on that have a free seat, by date. Reads each hall up to its first free seat, all of it where
    /// there is none: some 4 ms for 50 000 seats.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn concert_dates(&self) -> Result<Vec<ConcertDate>, Error> {
        db::read(|| catalog::concert_dates(self.pool(), self.now())).await
    }

    /// The seats of a concert, by number.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn seats(&self, concert: ConcertId) -> Result<Vec<SeatView>, Error> {
        db::read(|| catalog::seats(self.pool(), concert, self.now())).await?.ok_or(Error::ConcertNotFound)
    }

    /// Counts this process's changes to who has a seat of a concert: for whoever keeps a copy of [`BoxOffice::seats`]. A
    /// copy whose reading began at the same count lacks nothing that this process has answered for. Concerts may share a
    /// counter.
    #[must_use]
    pub fn seat_changes(&self, concert: ConcertId) -> u64 {
        self.inner.seat_changes.count(concert)
    }

    /// Puts a concert on sale, all of it or nothing. Calls `progress` with how many seats are in so far.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::ConcertExists`].
    pub async fn add_concert(&self, new: &NewConcert, progress: impl FnMut(u32) + Send) -> Result<(), Error> {
        catalog::add_concert(self.pool(), new, self.now(), progress).await?;
        self.inner.seat_changes.note(new.id);
        Ok(())
    }
}

/// Reservations.
impl BoxOffice {
    /// Holds a seat for [`Policy::hold_ttl`](crate::Policy::hold_ttl).
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::TokenNotActive`], [`Error::ConcertNotFound`], [`Error::SeatNotFound`],
    /// [`Error::ConcertOver`], [`Error::SeatAlreadyReserved`], [`Error::TooManyHolds`].
    pub async fn reserve(
        &self,
        caller: impl Into<Caller>,
        concert: ConcertId,
        seat: SeatNumber,
    ) -> Result<Reservation, Error> {
        let held = self.hold_wanted(caller.into(), concert, Wanted::Seats(vec![seat])).await?;
        held.into_iter().next().ok_or_else(wrong_answer)
    }

    /// Gives a hold back, whatever else is in its order. One that is gone already counts as given back.
    ///
    /// # Errors
    /// [`Error::ReservationNotFound`], [`Error::NotYours`], [`Error::TokenEnded`], [`Error::AlreadyPaid`].
    pub async fn cancel_reservation(&self, caller: impl Into<Caller>, reservation: ReservationId) -> Result<(), Error> {
        let what = Named::Reservation(reservation);
        self.inner.reservations.submit(reservation::Command::Cancel { caller: caller.into(), what }).await.map(drop)
    }

    /// The user's reservations, newest first, 1 000 at most.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`].
    pub async fn reservations_of(&self, caller: impl Into<Caller>) -> Result<Vec<Reservation>, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| reservation::reservations_of(self.pool(), caller.user, MOST_RESERVATIONS)).await?;
        let now = self.now();
        Ok(found.into_iter().map(|reservation| reservation.at_time(now)).collect())
    }

    /// One of the user's reservations.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::TokenEnded`], [`Error::ReservationNotFound`], [`Error::NotYours`].
    pub async fn reservation(&self, caller: impl Into<Caller>, id: ReservationId) -> Result<Reservation, Error> {
        let caller = caller.into();
        self.account(&caller).await?;
        let found = db::read(|| reservation::reservation(self.pool(), id)).await?;
        let found = found.ok_or(Error::ReservationNotFound)?;
        if found.user == caller.user { Ok(found.at_time(self.now())) } else { Err(Error::NotYours) }
    }

    /// One sweep pass, bounded: lapsed holds give their seats back. After each batch it pauses for as long as the batch
    /// took, so that buyers have the database for at least half of the time.
    ///
    /// Cancel safety: what was released stays released.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn sweep_expired(&self) -> Result<SweepReport, Error> {
        let (mut report, mut from) = (SweepReport::default(), None);
        for _ in 0..MOST_BATCHES {
            let begun = Instant::now();
            let swept = self.inner.sweeps.submit(SweepFrom(from)).await?;
            report.released += swept.released;
            from = swept.next;
            if from.is_none() {
                break;
            }
            tokio::time::sleep(begun.elapsed()).await;
        }
        Ok(report)
    }

    /// What [`BoxOffice::sweep_expired`] would do now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn preview_sweep(&self) -> Result<SweepReport, Error> {
        let released = db::read(|| reservation::lapsed_holds(self.pool(), self.now())).await?;
        Ok(SweepReport { released })
    }
}
