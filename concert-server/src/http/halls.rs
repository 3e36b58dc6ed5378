//! `/api/v1/admin/concerts/{concertId}/seats`: changing a hall while its seats sell.

use concert_core::Role;
use concert_core::{
    ConcertId, Money, MovedSeat, NewSeats, Reason, RefusedSeat, ReservationId, SeatNumber, SeatRanges, SeatsChanged,
    SeatsSwapped, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::admin_concerts::read_marks;
use super::body::{amount, if_there, json, parsed, parsed_if_there, seats_if_there};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, post};

/// The largest body that names seats, in bytes: 65 536 of them by number, and their places.
const LARGEST_LIST: usize = 1024 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/admin/concerts/{concertId}/seats/block", block),
        post("/api/v1/admin/concerts/{concertId}/seats/unblock", unblock),
        post("/api/v1/admin/concerts/{concertId}/seats/price", price),
        post("/api/v1/admin/concerts/{concertId}/seats/swap", swap),
        post("/api/v1/admin/concerts/{concertId}/seats", add),
    ]
}

/// Exactly one of `seatNumbers` and `seats` says which seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BlockRequest {
    /// The seats, by number.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "1-20, 25")]
    seats: Option<SeatRanges>,
    /// Why: 1 to 255 characters.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "camera")]
    reason: Reason,
    /// Whether to say only what would be changed.
    #[serde(default)]
    dry_run: bool,
}

/// Exactly one of `seatNumbers` and `seats` says which seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UnblockRequest {
    /// The seats, by number.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "1-20, 25")]
    seats: Option<SeatRanges>,
    /// Why, for the log: 1 to 255 characters.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false)]
    reason: Option<Reason>,
    /// Whether to say only what would be changed.
    #[serde(default)]
    dry_run: bool,
}

/// Exactly one of `seatNumbers` and `seats` says which seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PriceRequest {
    /// The seats, by number.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "1-20, 25")]
    seats: Option<SeatRanges>,
    /// What each costs from now on: 0 or more.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, example = 80)]
    price: Money,
    /// Whether to say only what would be changed.
    #[serde(default)]
    dry_run: bool,
}

/// Two seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SwapRequest {
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 2, max_items = 2, required = true)]
    seat_numbers: Option<Vec<SeatNumber>>,
    /// Why, for the log: 1 to 255 characters.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false)]
    reason: Option<Reason>,
    /// Whether to say only what would be changed.
    #[serde(default)]
    dry_run: bool,
}

/// Seats to add: a row, or a part of one. Exactly one of `seatNumbers` and `seats` says their numbers.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AddRequest {
    /// Their numbers, which no other seat of the concert has.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    seat_numbers: Option<Vec<SeatNumber>>,
    /// The same, as numbers and ranges of numbers.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false, example = "501-510")]
    seats: Option<SeatRanges>,
    /// What each costs: 0 or more.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, example = 60)]
    price: Money,
    /// What their part of the hall is called.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = String, required = false)]
    section: Option<String>,
    /// What their row is called.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = String, required = false)]
    row: Option<String>,
    /// Their places in the row, in the order of the numbers: neighbours have consecutive places, an aisle is a gap. Left
    /// out: their numbers.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = Vec<i32>, required = false)]
    places: Option<Vec<i32>>,
    /// What is special about them, such as ACCESSIBLE or RESTRICTED_VIEW.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = Vec<String>, required = false)]
    marks: Option<Vec<String>>,
    /// Whether to say only what would be changed.
    #[serde(default)]
    dry_run: bool,
}

/// What became of the seats.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SeatsChangedBody {
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
    /// SEAT_NOT_FOUND, SEAT_ALREADY_RESERVED (held or sold), SEAT_BLOCKED (for another reason), SEAT_EXISTS or
    /// PLACE_TAKEN.
    #[schema(example = "SEAT_ALREADY_RESERVED")]
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
struct SwappedBody {
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

/// The seats that a body names in one of two ways.
fn named(numbers: Option<Vec<SeatNumber>>, ranges: Option<SeatRanges>) -> Result<Vec<SeatNumber>, Problem> {
    match (numbers, ranges) {
        (Some(numbers), None) => Ok(numbers),
        (None, Some(ranges)) => Ok(ranges.numbers().collect()),
        _ => Err(Problem::invalid("name exactly one of seatNumbers and seats")),
    }
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats/block", tag = "operators", operation_id = "blockSeats",
    summary = "Take seats off sale",
    description = "Takes the role operator. Seats that nobody has cannot be held from then on; held and sold ones are \
        refused and stay as they are. Seats that are blocked for the same reason already stay so.",
    params(("concertId" = uuid::Uuid, Path)),
    request_body = BlockRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn block(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let concert = call.id()?;
    let BlockRequest { seat_numbers, seats, reason, dry_run } = call.large_json(LARGEST_LIST).await?;
    let hall = back_office.hall(concert).dry_run(dry_run);
    let done = hall.block(named(seat_numbers, seats)?, reason).await?;
    json(StatusCode::OK, &SeatsChangedBody::from(done))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats/unblock", tag = "operators", operation_id = "unblockSeats",
    summary = "Put blocked seats on sale again",
    description = "Takes the role operator. Held and sold seats are refused; free ones stay so.",
    params(("concertId" = uuid::Uuid, Path)),
    request_body = UnblockRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn unblock(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let concert = call.id()?;
    let UnblockRequest { seat_numbers, seats, reason, dry_run } = call.large_json(LARGEST_LIST).await?;
    let hall = back_office.hall(concert).dry_run(dry_run);
    let done = hall.unblock(named(seat_numbers, seats)?, reason).await?;
    json(StatusCode::OK, &SeatsChangedBody::from(done))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats/price", tag = "operators", operation_id = "priceSeats",
    summary = "Set what seats cost",
    description = "Takes the role operator. A hold costs what its seat did when it was held, and what is paid stays paid: \
        seats that are held or sold get the price for whoever has them next, and the answer names them.",
    params(("concertId" = uuid::Uuid, Path)),
    request_body = PriceRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn price(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let concert = call.id()?;
    let PriceRequest { seat_numbers, seats, price, dry_run } = call.large_json(LARGEST_LIST).await?;
    let hall = back_office.hall(concert).dry_run(dry_run);
    let done = hall.price(named(seat_numbers, seats)?, price).await?;
    json(StatusCode::OK, &SeatsChangedBody::from(done))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats/swap", tag = "operators", operation_id = "swapSeats",
    summary = "Let two seats change places",
    description = "Takes the role operator. Whoever has one of the seats, held or sold, has the other from then on; if \
        nobody has one of them, the other's holder moves there. Prices, deadlines, orders and owners stay as they are.",
    params(("concertId" = uuid::Uuid, Path)),
    request_body = SwapRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SwappedBody, description = "Who was moved"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert or seat"),
        (status = 409, description = "A seat is not on sale, or nobody has either of them"),
    )
)]
async fn swap(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let concert = call.id()?;
    let SwapRequest { seat_numbers, reason, dry_run } = call.large_json(LARGEST_LIST).await?;
    let hall = back_office.hall(concert).dry_run(dry_run);
    let seats = <[SeatNumber; 2]>::try_from(seat_numbers.unwrap_or_default());
    let seats = seats.map_err(|_| Problem::invalid("seatNumbers are the two seats that change places"))?;
    json(StatusCode::OK, &SwappedBody::from(hall.swap(seats, reason).await?))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats", tag = "operators", operation_id = "addSeats",
    summary = "Add seats to a hall",
    description = "Takes the role operator. The seats are free and on sale. Those whose number another seat of the concert \
        has, or whose place in the row, are refused.",
    params(("concertId" = uuid::Uuid, Path)),
    request_body = AddRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn add(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let concert = call.id()?;
    let AddRequest { seat_numbers, seats, price, section, row, places, marks, dry_run } =
        call.large_json(LARGEST_LIST).await?;
    let hall = back_office.hall(concert).dry_run(dry_run);
    let mut new = NewSeats::new(price, named(seat_numbers, seats)?);
    (new.section, new.row, new.marks) = (section, row, read_marks(&marks.unwrap_or_default())?);
    if let Some(places) = places {
        new = new.at_places(&places)?;
    }
    json(StatusCode::OK, &SeatsChangedBody::from(hall.add(new).await?))
}
