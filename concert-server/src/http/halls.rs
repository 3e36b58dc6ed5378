//! `/api/v1/admin/concerts/{concertId}/seats`: changing a hall while its seats sell.

mod bodies;

use concert_core::{HallDesk, NewSeats, Role, SeatNumber, SeatRanges};
use warp::http::StatusCode;

use self::bodies::{
    AddRequest, BlockRequest, PriceRequest, SeatsChangedBody, SwapRequest, SwappedBody, UnblockRequest,
};
use super::admin_concerts::read_marks;
use super::body::json;
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

/// The hall of the path, for an operator. Before the body: of a stranger not even a short list is read.
async fn hall(call: &mut Call) -> Result<HallDesk, Problem> {
    let back_office = call.back_office(Role::Operator).await?;
    Ok(back_office.hall(call.id()?).with_key(call.idempotency_key()?))
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
    params(("concertId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = BlockRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn block(mut call: Call) -> Answer {
    let hall = hall(&mut call).await?;
    let BlockRequest { seat_numbers, seats, reason, dry_run } = call.large_json(LARGEST_LIST).await?;
    let done = hall.dry_run(dry_run).block(named(seat_numbers, seats)?, reason).await?;
    json(StatusCode::OK, &SeatsChangedBody::from(done))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats/unblock", tag = "operators", operation_id = "unblockSeats",
    summary = "Put blocked seats on sale again",
    description = "Takes the role operator. Held and sold seats are refused; free ones stay so.",
    params(("concertId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = UnblockRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn unblock(mut call: Call) -> Answer {
    let hall = hall(&mut call).await?;
    let UnblockRequest { seat_numbers, seats, reason, dry_run } = call.large_json(LARGEST_LIST).await?;
    let done = hall.dry_run(dry_run).unblock(named(seat_numbers, seats)?, reason).await?;
    json(StatusCode::OK, &SeatsChangedBody::from(done))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats/price", tag = "operators", operation_id = "priceSeats",
    summary = "Set what seats cost",
    description = "Takes the role operator. A hold costs what its seat did when it was held, and what is paid stays paid: \
        seats that are held or sold get the price for whoever has them next, and the answer names them.",
    params(("concertId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = PriceRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn price(mut call: Call) -> Answer {
    let hall = hall(&mut call).await?;
    let PriceRequest { seat_numbers, seats, price, dry_run } = call.large_json(LARGEST_LIST).await?;
    let done = hall.dry_run(dry_run).price(named(seat_numbers, seats)?, price).await?;
    json(StatusCode::OK, &SeatsChangedBody::from(done))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats/swap", tag = "operators", operation_id = "swapSeats",
    summary = "Let two seats change places",
    description = "Takes the role operator. Whoever has one of the seats, held or sold, has the other from then on; if \
        nobody has one of them, the other's holder moves there. Prices, deadlines, orders and owners stay as they are.",
    params(("concertId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = SwapRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SwappedBody, description = "Who was moved"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert or seat"),
        (status = 409, description = "A seat is not on sale, or nobody has either of them"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn swap(mut call: Call) -> Answer {
    let hall = hall(&mut call).await?;
    let SwapRequest { seat_numbers, reason, dry_run } = call.large_json(LARGEST_LIST).await?;
    // None at all is as wrong as three, and is told the same.
    let seats = <[SeatNumber; 2]>::try_from(seat_numbers.unwrap_or_default());
    let seats = seats.map_err(|_| Problem::invalid("seatNumbers are the two seats that change places"))?;
    json(StatusCode::OK, &SwappedBody::from(hall.dry_run(dry_run).swap(seats, reason).await?))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/seats", tag = "operators", operation_id = "addSeats",
    summary = "Add seats to a hall",
    description = "Takes the role operator. The seats are free and on sale. Those whose number another seat of the concert \
        has, or whose place in the row, are refused.",
    params(("concertId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = AddRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = SeatsChangedBody, description = "What became of each"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn add(mut call: Call) -> Answer {
    let hall = hall(&mut call).await?;
    let AddRequest { seat_numbers, seats, price, section, row, places, marks, dry_run } =
        call.large_json(LARGEST_LIST).await?;
    let mut new = NewSeats::new(price, named(seat_numbers, seats)?);
    (new.section, new.row, new.marks) = (section, row, read_marks(&marks.unwrap_or_default())?);
    if let Some(places) = places {
        new = new.at_places(&places)?;
    }
    json(StatusCode::OK, &SeatsChangedBody::from(hall.dry_run(dry_run).add(new).await?))
}
