//! A seat that a refusal names because the user holds it.

use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber};

/// A seat that a user holds unpaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldSeat {
    /// The hold.
    pub reservation: ReservationId,
    /// The concert.
    pub concert: ConcertId,
    /// The seat.
    pub seat: SeatNumber,
    /// Until when it is held.
    pub expires_at: Timestamp,
}
