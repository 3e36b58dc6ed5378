//! The catalogue: what can be booked. Open to everyone.

use std::sync::Arc;

use chrono::NaiveDate;
use concert_core::{ConcertDate, ConcertId, Error, Money, SeatNumber, SeatView};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use warp::Reply as _;
use warp::http::header::{
    ACCEPT_ENCODING, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, VARY,
};
use warp::http::{HeaderMap, HeaderValue, StatusCode};
use warp::reply::Response;

use super::board::CachedPage;
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};

/// How many milliseconds old the answer may be at most; `Cache-Control` knows whole seconds only.
const MAX_STALENESS: HeaderName = HeaderName::from_static("x-max-staleness-ms");

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
    /// What its row is called within the section; neighbours in it have consecutive numbers. Not there: there are no
    /// rows.
    #[schema(value_type = Option<String>, nullable = false, max_length = 16, example = "12")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "label")]
    row: Option<Arc<str>>,
}

fn label<S: Serializer>(label: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    label.as_deref().serialize(serializer)
}

impl From<SeatView> for SeatBody {
    fn from(seat: SeatView) -> Self {
        let SeatView { number, section, row, available, price, .. } = seat;
        Self { seat_number: number, available, price, section, row }
    }
}

#[utoipa::path(
    get, path = "/api/v1/reservations/dates", tag = "catalogue", operation_id = "concertDates",
    summary = "Concerts from today on that have a free seat",
    description = "Read once for all who look within a time that X-Max-Staleness-Ms states, longer where the list takes long \
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
    send(&call, &cached)
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
    send(&call, &cached)
}

fn send(call: &Call, cached: &CachedPage) -> Answer {
    let (asked, max_age) = (&call.headers, cached.max_age);
    let age = (call.box_office().now() - cached.read_at).to_std().unwrap_or_default();
    let body = cached.body.as_ref().ok_or(Error::ConcertNotFound)?;
    // Two representations, two tags; whichever of them the client has, it is this page.
    let tags = [format!("\"{}\"", body.tag), format!("\"{}-gzip\"", body.tag)];
    let gzip = takes_gzip(asked);
    let mut response = if has_any(asked, &tags) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(if gzip { body.gzip.clone() } else { body.json.clone() }.into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if gzip {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    };
    let text = |text: String| HeaderValue::try_from(text).map_err(Problem::internal);
    let headers = response.headers_mut();
    headers.insert(ETAG, text(tags[usize::from(gzip)].clone())?);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_CONTROL, text(format!("public, max-age={}, must-revalidate", max_age.as_secs()))?);
    headers.insert(AGE, age.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).into());
    headers.insert(MAX_STALENESS, u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX).into());
    Ok(response)
}

/// Whether the client named gzip, or everything, and did not rule it out.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        let lines = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), |q| q.trim().parse::<f32>());
            name.trim().eq_ignore_ascii_case(wanted).then(|| weight.unwrap_or_default())
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

/// Whether the client has one of these representations: compared weakly, as `If-None-Match` is (RFC 9110, 13.1.2).
fn has_any(asked: &HeaderMap, tags: &[String]) -> bool {
    let lines = asked.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tags.iter().any(|ours| ours == tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        for value in ["gzip", "br, GZIP;q=0.5", "*", "deflate, gzip;q=1.0", "identity;q=0, * ; q=0.1"] {
            assert!(takes_gzip(&sent(ACCEPT_ENCODING, value)), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzip;q=x", "x-gzipped"] {
            assert!(!takes_gzip(&sent(ACCEPT_ENCODING, value)), "{value}");
        }
    }

    #[test]
    fn a_tag_is_compared_weakly_in_a_list() {
        let ours = [String::from("\"a\""), String::from("\"a-gzip\"")];
        for value in ["\"a\"", "W/\"a\"", "\"b\", \"a-gzip\"", "*"] {
            assert!(has_any(&sent(IF_NONE_MATCH, value), &ours), "{value}");
        }
        for value in ["", "a", "\"b\"", "W/", "\"a"] {
            assert!(!has_any(&sent(IF_NONE_MATCH, value), &ours), "{value}");
        }
    }
}
