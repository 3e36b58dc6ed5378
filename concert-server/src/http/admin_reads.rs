//! `/api/v1/admin`, what operators look at: seats with their owners, explanations, figures.

use concert_core::{
    ConcertId, Error, ExportedSeat, Money, Page, Paged, ReservationId, Role, SeatNumber, Subject, TokenId, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::StatusCode;

use super::body::{Moment, json, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};
use super::words;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/admin/figures", figures),
        get("/api/v1/admin/concerts/{concertId}/seats", seats),
        get("/api/v1/admin/explain/token/{tokenId}", explain_token),
        get("/api/v1/admin/explain/seat/{concertId}", explain_seat),
        get("/api/v1/admin/explain/seat/{concertId}/{seatNumber}", explain_seat_of),
        get("/api/v1/admin/explain/reservation/{reservationId}", explain_reservation),
        get("/api/v1/admin/explain/user/{userId}", explain_user),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SeatsQuery {
    /// The most seats of the page; 1 000 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The number of the last seat of the page before.
    #[serde(default, deserialize_with = "seat_of_text")]
    #[param(value_type = Option<i32>)]
    starting_after: Option<SeatNumber>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SeatQuery {
    /// The seat, unless the path names it after a colon.
    #[serde(default, deserialize_with = "seat_of_text")]
    #[param(value_type = Option<i32>)]
    seat_number: Option<SeatNumber>,
}

fn seat_of_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SeatNumber>, D::Error> {
    let number: Option<i64> = parsed_if_there(deserializer)?;
    number.map(SeatNumber::new).transpose().map_err(serde::de::Error::custom)
}

/// A page of seats.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SeatsBody {
    data: Vec<SeatRow>,
    /// Whether more follow; `startingAfter` the number of the last of these shows them.
    has_more: bool,
}

/// A seat as operators see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SeatRow {
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    section: Option<String>,
    row: Option<String>,
    /// Its place in the row, where neighbours have consecutive places; null: its number.
    place: Option<i32>,
    /// What is special about it.
    #[schema(example = json!(["ACCESSIBLE"]))]
    marks: Vec<String>,
    /// What it costs whoever holds it next.
    #[schema(value_type = f64, example = 120)]
    price: Money,
    /// FREE, HELD, SOLD or BLOCKED.
    #[schema(value_type = words::SeatStatus)]
    status: &'static str,
    /// Why it is not on sale.
    blocked_reason: Option<String>,
    /// The reservation that holds it or has sold it.
    #[schema(value_type = Option<uuid::Uuid>)]
    reservation_id: Option<ReservationId>,
    /// Who holds or owns it.
    #[schema(value_type = Option<uuid::Uuid>)]
    user_id: Option<UserId>,
    username: Option<String>,
    /// What it was held or sold at.
    #[schema(value_type = Option<f64>)]
    taken_at_price: Option<Money>,
    /// The deadline of the hold.
    held_until: Option<Moment>,
}

impl From<ExportedSeat> for SeatRow {
    fn from(found: ExportedSeat) -> Self {
        let marks = found.marks.as_deref().unwrap_or_default();
        Self {
            seat_number: found.place.seat,
            section: found.place.section,
            row: found.place.row,
            place: found.place_in_row,
            marks: marks.split(',').filter(|mark| !mark.is_empty()).map(str::to_owned).collect(),
            price: found.price,
            status: found.status.as_str(),
            blocked_reason: found.blocked_reason,
            reservation_id: found.reservation,
            user_id: found.user,
            username: found.username,
            taken_at_price: found.taken_at_price,
            held_until: found.held_until.map(Moment),
        }
    }
}

#[utoipa::path(
    get, path = "/api/v1/admin/figures", tag = "operators", operation_id = "figures",
    summary = "The queues, the seats of each concert, the holds and the revenue",
    description = "Takes the role viewer. What `concert-cli status --output json` prints. Reads all payments.",
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = Object, description = "The figures, of one moment"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
    )
)]
async fn figures(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    json(StatusCode::OK, &back_office.figures().await?)
}

#[utoipa::path(
    get, path = "/api/v1/admin/concerts/{concertId}/seats", tag = "operators", operation_id = "seatsOfConcert",
    summary = "The seats of a concert with their state and who has them",
    description = "Takes the role viewer. Of all seats at once there is an export.",
    params(("concertId" = uuid::Uuid, Path), SeatsQuery),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = SeatsBody, description = "A page of seats, by number"),
        (status = 400, description = "Not a UUID, or the query is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn seats(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let concert: ConcertId = call.id()?;
    let SeatsQuery { limit, starting_after } = call.query()?;
    let Paged { data, has_more, .. } = back_office.seats(concert, Page::new(limit, starting_after)?).await?;
    json(StatusCode::OK, &SeatsBody { data: data.into_iter().map(SeatRow::from).collect(), has_more })
}

/// Documents an explanation, and answers with it.
macro_rules! explanation {
    ($name:ident, $path:literal, $operation:literal, $summary:literal, ($($params:tt)*), $subject:expr) => {
        #[utoipa::path(
            get, path = $path, tag = "operators", operation_id = $operation, summary = $summary,
            description = "Takes the role viewer. When, why, and what will happen next; it claims no turn.",
            params($($params)*),
            security(("operatorKey" = ["viewer"])),
            responses(
                (status = 200, body = Object, description = "What it is about, how it stands now, what happened, and what is next"),
                (status = 400, description = "Not an id of the right form"),
                (status = 401, description = "No valid operator key"),
                (status = 403, description = "The role of the operator key does not allow this"),
                (status = 404, description = "There is no such thing"),
            )
        )]
        async fn $name(mut call: Call) -> Answer {
            let back_office = call.back_office(Role::Viewer).await?;
            let subject: fn(&Call) -> Result<Subject, Problem> = $subject;
            json(StatusCode::OK, &back_office.explain(subject(&call)?).await?)
        }
    };
}

explanation!(
    explain_token,
    "/api/v1/admin/explain/token/{tokenId}",
    "explainToken",
    "What happened to a visit to the queue",
    (("tokenId" = uuid::Uuid, Path)),
    |call| Ok(call.id::<TokenId>()?.into())
);
explanation!(
    explain_seat,
    "/api/v1/admin/explain/seat/{concertId}",
    "explainSeat",
    "What happened to a seat",
    (
        (
            "concertId" = String,
            Path,
            max_length = 64,
            description = "The concert; the seat follows after a colon, or in the query"
        ),
        SeatQuery
    ),
    |call| {
        let SeatQuery { seat_number } = call.query()?;
        let (concert, seat) = match call.parameter().split_once(':') {
            Some((concert, seat)) => (concert, Some(seat_number_of(seat)?)),
            None => (call.parameter(), seat_number),
        };
        let seat =
            seat.ok_or_else(|| Problem::invalid("name the seat: ../seat/<concert>:<number>, or ?seatNumber="))?;
        Ok((concert.parse::<ConcertId>().map_err(Error::from)?, seat).into())
    }
);
explanation!(
    explain_seat_of,
    "/api/v1/admin/explain/seat/{concertId}/{seatNumber}",
    "explainSeatOfConcert",
    "What happened to a seat",
    (("concertId" = uuid::Uuid, Path), ("seatNumber" = i32, Path)),
    |call| {
        let (concert, seat) = call.two_parameters();
        Ok((concert.parse::<ConcertId>().map_err(Error::from)?, seat_number_of(seat)?).into())
    }
);
explanation!(
    explain_reservation,
    "/api/v1/admin/explain/reservation/{reservationId}",
    "explainReservation",
    "What happened to a reservation",
    (("reservationId" = uuid::Uuid, Path)),
    |call| Ok(call.id::<ReservationId>()?.into())
);
explanation!(
    explain_user,
    "/api/v1/admin/explain/user/{userId}",
    "explainUser",
    "What happened to a user",
    (("userId" = uuid::Uuid, Path)),
    |call| Ok(call.id::<UserId>()?.into())
);

fn seat_number_of(text: &str) -> Result<SeatNumber, Problem> {
    let number = text.parse().map_err(|_| Problem::invalid("a seat number is a whole number"))?;
    Ok(SeatNumber::new(number).map_err(Error::from)?)
}
