//! The bodies of changes of a hall.

use concert_core::{
    ConcertId, Money, MovedSeat, Reason, RefusedSeat, ReservationId, SeatNumber, SeatRanges, SeatsChanged,
    SeatsSwapped, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body::{amount, if_there, parsed, parsed_if_there, seats_if_there};
use crate::http::words;

/// Exactly one of `seatNumbers` and `seats` says which seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BlockRequest {
    /// The seats, by number.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    pub(super) seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "1-20, 25")]
    pub(super) seats: Option<SeatRanges>,
    /// Why: 1 to 255 characters.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "camera")]
    pub(super) reason: Reason,
    /// Whether to say only what would be changed.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// Exactly one of `seatNumbers` and `seats` says which seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UnblockRequest {
    /// The seats, by number.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    pub(super) seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "1-20, 25")]
    pub(super) seats: Option<SeatRanges>,
    /// Why, for the log: 1 to 255 characters.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false)]
    pub(super) reason: Option<Reason>,
    /// Whether to say only what would be changed.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// Exactly one of `seatNumbers` and `seats` says which seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PriceRequest {
    /// The seats, by number.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    pub(super) seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "1-20, 25")]
    pub(super) seats: Option<SeatRanges>,
    /// What each costs from now on: 0 or more.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, example = 80)]
    pub(super) price: Money,
    /// Whether to say only what would be changed.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// Two seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SwapRequest {
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 2, max_items = 2, required = true)]
    pub(super) seat_numbers: Option<Vec<SeatNumber>>,
    /// Why, for the log: 1 to 255 characters.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false)]
    pub(super) reason: Option<Reason>,
    /// Whether to say only what would be changed.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// Seats to add: a row, or a part of one. Exactly one of `seatNumbers` and `seats` says their numbers.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AddRequest {
    /// Their numbers, which no other seat of the concert has.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    pub(super) seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "501-510")]
    pub(super) seats: Option<SeatRanges>,
    /// What each costs: 0 or more.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, example = 60)]
    pub(super) price: Money,
    /// What their part of the hall is called.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = String, required = false)]
    pub(super) section: Option<String>,
    /// What their row is called.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = String, required = false)]
    pub(super) row: Option<String>,
    /// Their places in the row, in the order of the numbers: neighbours have consecutive places, an aisle is a gap. Left
    /// out: their numbers.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = Vec<i32>, required = false)]
    pub(super) places: Option<Vec<i32>>,
    /// What is special about them, such as ACCESSIBLE or RESTRICTED_VIEW.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = Vec<String>, required = false)]
    pub(super) marks: Option<Vec<String>>,
    /// Whether to say only what would be changed.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// What became of the seats.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeatsChangedBody {
    /// How many were changed. Those that were so already are neither changed nor refused.
    changed: usize,
    /// Those that were changed.
    #[schema(value_type = Vec<i32>)]
    seat_numbers: Vec<SeatNumber>,
    /// Those that stayed as they were.
    refused: Vec<RefusedBody>,
    /// Of a new price: those of the changed ones that are held or sold, and paid at the price they were held at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<i32>, required = false)]
    reserved: Vec<SeatNumber>,
    /// The version of the concert now.
    version: u32,
    /// Whether this is what would be changed, and nothing was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    dry_run: bool,
}

/// A seat that stayed as it was.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RefusedBody {
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    #[schema(value_type = words::SeatRefusal)]
    code: &'static str,
}

impl From<SeatsChanged> for SeatsChangedBody {
    fn from(done: SeatsChanged) -> Self {
        let refused = |RefusedSeat { seat, code, .. }| RefusedBody { seat_number: seat, code };
        Self {
            changed: done.changed,
            seat_numbers: done.seats,
            refused: done.refused.into_iter().map(refused).collect(),
            reserved: done.reserved,
            version: done.version,
            dry_run: done.dry_run,
        }
    }
}

/// What a swap has moved.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SwappedBody {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    /// One reservation or two.
    moved: Vec<MovedBody>,
    /// Whether this is what would be moved, and nothing was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    dry_run: bool,
}

/// A reservation that has another seat than before.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MovedBody {
    #[schema(value_type = uuid::Uuid)]
    reservation_id: ReservationId,
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// The seat that it had.
    #[schema(value_type = i32)]
    from: SeatNumber,
    /// The seat that it has.
    #[schema(value_type = i32)]
    to: SeatNumber,
}

impl From<SeatsSwapped> for SwappedBody {
    fn from(done: SeatsSwapped) -> Self {
        let moved = |MovedSeat { reservation, user, from, to, .. }| MovedBody {
            reservation_id: reservation,
            user_id: user,
            from,
            to,
        };
        Self { concert_id: done.concert, moved: done.moved.into_iter().map(moved).collect(), dry_run: done.dry_run }
    }
}
