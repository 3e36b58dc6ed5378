//! The catalogue: what can be booked. Open to everyone.

use chrono::NaiveDate;
use concert_core::{ConcertDate, ConcertId, Money, SeatNumber, SeatView};
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::body::json;
use super::call::Call;
use super::routing::{Answer, Endpoint, get};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/reservations/dates", dates), get("/api/v1/reservations/{concertId}/seats", seats)]
}

/// A concert that can be booked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DateBody {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    concert_name: String,
    /// In UTC.
    date: NaiveDate,
}

impl From<ConcertDate> for DateBody {
    fn from(found: ConcertDate) -> Self {
        Self { concert_id: found.concert, concert_name: found.name, date: found.date }
    }
}

/// A seat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SeatBody {
    #[schema(value_type = i32, minimum = 1)]
    seat_number: SeatNumber,
    /// Whether it can be reserved now.
    available: bool,
    #[schema(value_type = f64, example = 120)]
    price: Money,
}

impl From<SeatView> for SeatBody {
    fn from(seat: SeatView) -> Self {
        Self { seat_number: seat.number, available: seat.available, price: seat.price }
    }
}

#[utoipa::path(
    get, path = "/api/v1/reservations/dates", tag = "catalogue", operation_id = "concertDates",
    summary = "Concerts from today on that have a free seat",
    responses((status = 200, body = [DateBody], description = "The concerts by date"))
)]
async fn dates(call: Call) -> Answer {
    let found = call.box_office().concert_dates().await?;
    json(StatusCode::OK, &found.into_iter().map(DateBody::from).collect::<Vec<_>>())
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{concertId}/seats", tag = "catalogue", operation_id = "seats",
    summary = "The seats of a concert",
    params(("concertId" = uuid::Uuid, Path)),
    responses(
        (status = 200, body = [SeatBody], description = "The seats by number"),
        (status = 400, description = "Not a UUID"),
        (status = 404, description = "No such concert"),
    )
)]
async fn seats(call: Call) -> Answer {
    let found = call.box_office().seats(call.id()?).await?;
    json(StatusCode::OK, &found.into_iter().map(SeatBody::from).collect::<Vec<_>>())
}
