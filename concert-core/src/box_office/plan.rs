//! The plans of halls, and the states of their seats.

use super::BoxOffice;
use crate::db;
use crate::error::Error;
use crate::id::ConcertId;
use crate::plan::{self, HallPlan, SeatStates};

/// What a drawing of a hall needs.
///
/// ```no_run
/// # async fn example(office: concert_core::BoxOffice, concert: concert_core::ConcertId)
/// #     -> Result<(), concert_core::Error> {
/// let plan = office.hall_plan(concert).await?;
/// let states = office.seat_states(concert).await?;
/// assert_eq!(plan.version, states.version, "unless seats were added or prices changed in between");
/// let seat = plan.seats().next().expect("a hall has seats");
/// println!("seat {} stands at {}, {} and costs {}", seat.number, seat.x, seat.y, seat.price);
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// The plan of a concert's hall. Where no points are given, they are made from sections, rows and places. Reads the whole
    /// hall: some 100 ms for 50 000 seats. Keep it for as long as [`SeatStates::version`] is the same.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn hall_plan(&self, concert: ConcertId) -> Result<HallPlan, Error> {
        db::read(|| plan::plan(self.pool(), concert)).await?.ok_or(Error::ConcertNotFound)
    }

    /// The states of a concert's seats, by number. [`BoxOffice::seat_changes`] says when a copy is out of date.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn seat_states(&self, concert: ConcertId) -> Result<SeatStates, Error> {
        let house = self.policy().time_zone();
        db::read(|| plan::seat_states(self.pool(), concert, house, self.now())).await?.ok_or(Error::ConcertNotFound)
    }
}
