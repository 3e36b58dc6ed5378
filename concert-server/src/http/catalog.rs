//! The catalogue: what can be booked. Open to everyone.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime, Timelike as _};
use concert_core::{ConcertDate, ConcertId, Error, Money, SaleId, SeatNumber, SeatView};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use warp::http::HeaderValue;
use warp::http::header::{AGE, CACHE_CONTROL, HeaderName};

use super::board::CachedPage;
use super::body::Moment;
use super::call::Call;
use super::problem::Problem;
use super::representation::Representation;
use super::routing::{Answer, Endpoint, get};
use super::words;

/// How many milliseconds old the answer may be at most; `Cache-Control` knows whole seconds only.
pub(super) const MAX_STALENESS: HeaderName = HeaderName::from_static("x-max-staleness-ms");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/reservations/dates", dates), get("/api/v1/reservations/{concertId}/seats", seats)]
}

/// A concert that can be booked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DateBody {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    concert_name: String,
    /// By the clocks of its venue.
    date: NaiveDate,
    /// When it begins, by the clocks of its venue: `HH:MM`, or `HH:MM:SS`. Null: not said.
    #[schema(example = "20:00")]
    starts_at: Option<String>,
    /// The same moment in UTC.
    starts_at_utc: Option<Moment>,
    /// The zone of its venue, an IANA name.
    #[schema(example = "Asia/Seoul")]
    time_zone: &'static str,
    /// ON_SALE, CLOSED (nothing more is held) or CANCELLED (called off).
    #[schema(value_type = words::ConcertStatus)]
    status: &'static str,
    /// The sale whose queue stands before it.
    #[schema(value_type = uuid::Uuid)]
    sale_id: SaleId,
}

/// A time of day, as short as it can be said.
pub(super) fn time_of_day(time: NaiveTime) -> String {
    let form = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.format(form).to_string()
}

impl From<ConcertDate> for DateBody {
    fn from(found: ConcertDate) -> Self {
        Self {
            starts_at_utc: found.begins().map(Moment),
            concert_id: found.concert,
            concert_name: found.name,
            date: found.date,
            starts_at: found.starts_at.map(time_of_day),
            time_zone: found.time_zone.name(),
            status: found.status.as_str(),
            sale_id: found.sale,
        }
    }
}

/// A seat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeatBody {
    #[schema(value_type = i32, minimum = 1)]
    seat_number: SeatNumber,
    /// Whether it can be reserved now.
    available: bool,
    #[schema(value_type = f64, example = 120)]
    price: Money,
    /// What its part of the hall is called. Not there: the hall has no sections.
    #[schema(value_type = Option<String>, nullable = false, max_length = 32, example = "Front")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "label")]
    section: Option<Arc<str>>,
    /// What its row is called within the section. Not there: there are no rows.
    #[schema(value_type = Option<String>, nullable = false, max_length = 16, example = "12")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "label")]
    row: Option<Arc<str>>,
    /// Its place in the row: neighbours have consecutive places, and an aisle is a gap. Not there: its number.
    #[schema(value_type = Option<i32>, nullable = false, minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<i32>,
}

fn label<S: Serializer>(label: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    label.as_deref().serialize(serializer)
}

impl From<SeatView> for SeatBody {
    fn from(seat: SeatView) -> Self {
        let SeatView { number, section, row, place, available, price, .. } = seat;
        Self { seat_number: number, available, price, section, row, place }
    }
}

#[utoipa::path(
    get, path = "/api/v1/reservations/dates", tag = "catalogue", operation_id = "concertDates",
    summary = "Concerts from today on that have a free seat, or were called off",
    description = "Today is that of each concert's venue. Read once for all who look within a time that X-Max-Staleness-Ms states, longer where the list takes long \
                   to read. Comes compressed (Accept-Encoding: gzip), and not at all while nothing has changed \
                   (If-None-Match).",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the answer that the client has")),
    responses(
        (status = 200, body = [DateBody], description = "The concerts by date", headers(
            ("ETag" = String, description = "Of the content: strong, and the same from every server"),
            ("Cache-Control" = String, description = "max-age: the bound of staleness in whole seconds, rounded down"),
            ("Age" = i64, description = "How old the answer is, in seconds, rounded up"),
            ("X-Max-Staleness-Ms" = i64, description = "The bound of staleness in milliseconds"),
        )),
        (status = 304, description = "As the client has them"),
    )
)]
async fn dates(call: Call) -> Answer {
    let cached = call.app.board.dates(call.box_office()).await?;
    send(&call, &cached, cached.body.as_ref())
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{concertId}/seats", tag = "catalogue", operation_id = "seats",
    summary = "The seats of a concert",
    description = "Read once for all who look within a short time, which X-Max-Staleness-Ms states: sales by another \
                   server may show that much later, those that this server has answered for show at once. Comes \
                   compressed (Accept-Encoding: gzip), and not at all while nothing has changed (If-None-Match).",
    params(
        ("concertId" = uuid::Uuid, Path),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the answer that the client has"),
    ),
    responses(
        (status = 200, body = [SeatBody], description = "The seats by number", headers(
            ("ETag" = String, description = "Of the content: strong, and the same from every server"),
            ("Cache-Control" = String, description = "max-age: the bound of staleness in whole seconds, rounded down"),
            ("Age" = i64, description = "How old the answer is, in seconds, rounded up"),
            ("X-Max-Staleness-Ms" = i64, description = "The bound of staleness in milliseconds"),
        )),
        (status = 304, description = "As the client has them"),
        (status = 400, description = "Not a UUID"),
        (status = 404, description = "No such concert"),
    )
)]
async fn seats(call: Call) -> Answer {
    let cached = call.app.board.seats(call.box_office(), call.id()?).await?;
    send(&call, &cached, cached.body.as_ref())
}

/// A body of a page, and how old it is.
pub(super) fn send(call: &Call, cached: &CachedPage, body: Option<&Arc<Representation>>) -> Answer {
    let mut response = body.ok_or(Error::ConcertNotFound)?.answer(call.headers())?;
    let max_age = cached.max_age;
    let age = (call.box_office().now() - cached.read_at).to_std().unwrap_or_default();
    let caching = format!("public, max-age={}, must-revalidate", max_age.as_secs());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::try_from(caching).map_err(Problem::internal)?);
    // Rounded up: an answer may look older than it is, never younger.
    headers.insert(AGE, age.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).into());
    headers.insert(MAX_STALENESS, u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX).into());
    Ok(response)
}
