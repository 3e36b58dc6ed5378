//! `/api/v1/tickets`: a buyer's tickets, their QR codes, and the public keys that these are verified with.

use std::sync::Arc;

use chrono::NaiveDate;
use concert_core::{
    ConcertId, Money, OrderId, OwnTicket, Page, Paged, PaymentId, PublicKey, ReservationId, SeatNumber, TicketKey,
    TicketKeyId, UserId, VoidReason,
};
use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, QRCode};
use flate2::Compression;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use warp::http::{HeaderValue, StatusCode};
use warp::reply::Response;

use super::auth;
use super::body::{Moment, called_off, json, parsed, parsed_if_there};
use super::call::Call;
use super::catalog::time_of_day;
use super::problem::Problem;
use super::representation::Representation;
use super::routing::{Answer, Endpoint, get};
use super::words;

/// The white frame around a QR code, in modules: the standard asks for four.
const QUIET_ZONE: usize = 4;
/// How long caches may keep the public keys: a gate that sees an unknown key asks again.
const KEYS_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// Whoever has a ticket's code gets in with it.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-store");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/tickets", tickets),
        get("/api/v1/tickets/keys", keys),
        get("/api/v1/tickets/{ticketId}", ticket),
        get("/api/v1/tickets/{ticketId}/qr", qr),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TicketsQuery {
    /// Whose: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
    /// The most tickets of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last ticket of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<ReservationId>,
}

/// A page of tickets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketsBody {
    data: Vec<OwnTicketBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

/// A seat that its owner has bought.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OwnTicketBody {
    /// The reservation's id.
    #[schema(value_type = uuid::Uuid)]
    ticket_id: ReservationId,
    #[schema(value_type = words::TicketStatus)]
    status: &'static str,
    /// Of a void ticket, why: REFUNDED, or CANCELLED with its concert.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::VoidReason, required = false)]
    void_reason: Option<&'static str>,
    /// How many owners it has had: what was shown or printed for an earlier one is void.
    #[schema(example = 1)]
    version: u32,
    /// What is shown at the door, as a QR code: `v1.<key id>.<ticket>.<signature>`. Null where it is void.
    payload: Option<String>,
    /// When it was checked in, if it was.
    checked_in_at: Option<Moment>,
    /// At which gate.
    gate: Option<String>,
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    concert_name: String,
    /// CANCELLED where the concert was called off, until the ticket is refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::CalledOff, required = false)]
    concert_status: Option<&'static str>,
    /// In the zone of the venue.
    date: NaiveDate,
    /// When it begins, by the clocks of the venue; null where that is not said.
    #[schema(example = "20:00")]
    starts_at: Option<String>,
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    /// If the hall has sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    section: Option<Arc<str>>,
    /// If the hall has rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    row: Option<Arc<str>>,
    /// What is special about the seat.
    #[schema(example = json!(["ACCESSIBLE"]))]
    marks: Vec<String>,
    /// What it cost.
    #[schema(value_type = f64, example = 120)]
    price: Money,
    #[schema(value_type = Option<uuid::Uuid>)]
    payment_id: Option<PaymentId>,
    paid_at: Option<Moment>,
}

impl From<OwnTicket> for OwnTicketBody {
    fn from(found: OwnTicket) -> Self {
        let bought = found.reservation;
        let marks = found.marks.as_deref().unwrap_or_default();
        let (at, gate) = found.checked_in.map_or((None, None), |(at, gate)| (Some(Moment(at)), Some(gate)));
        Self {
            ticket_id: bought.id,
            status: if found.void.is_none() { "VALID" } else { "VOID" },
            void_reason: found.void.map(VoidReason::as_str),
            version: found.version,
            payload: found.payload,
            checked_in_at: at,
            gate,
            order_id: bought.order(),
            concert_id: bought.concert,
            concert_name: found.concert_name.to_string(),
            concert_status: called_off(bought.concert_status),
            date: found.date,
            starts_at: found.starts_at.map(time_of_day),
            seat_number: bought.seat,
            section: bought.section,
            row: bought.row,
            marks: marks.split(',').filter(|mark| !mark.is_empty()).map(str::to_owned).collect(),
            price: bought.price,
            payment_id: found.payment,
            paid_at: found.paid_at.map(Moment),
        }
    }
}

/// The public keys of tickets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicKeysBody {
    /// Those in force, in the order in which they were made.
    keys: Vec<PublicKeyBody>,
}

/// A public key of tickets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicKeyBody {
    /// Payloads name it.
    #[schema(value_type = uuid::Uuid)]
    key_id: TicketKeyId,
    /// Ed25519 (RFC 8032).
    #[schema(example = "Ed25519")]
    algorithm: &'static str,
    /// 32 bytes, in base64url without padding.
    #[schema(value_type = String, example = "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw")]
    public_key: PublicKey,
    created_at: Moment,
}

impl From<TicketKey> for PublicKeyBody {
    fn from(key: TicketKey) -> Self {
        let created_at = Moment(key.created_at);
        Self { key_id: key.id, algorithm: "Ed25519", public_key: key.public_key, created_at }
    }
}

#[utoipa::path(
    get, path = "/api/v1/tickets", tag = "reservations", operation_id = "listTickets",
    summary = "The seats that the caller has bought",
    description = "Those that were refunded are left out.",
    params(TicketsQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = TicketsBody, description = "A page of tickets, newest first"),
        (status = 400, description = "The query is not valid, or startingAfter is not a ticket of this user"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such user"),
    )
)]
async fn tickets(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let TicketsQuery { user_id, limit, starting_after } = call.query()?;
    let (caller, page) = (auth::caller(credential, user_id)?, Page::new(limit, starting_after)?);
    let Paged { data, has_more, .. } = call.box_office().tickets_of(caller, page).await?;
    let body = TicketsBody { data: data.into_iter().map(OwnTicketBody::from).collect(), has_more };
    unkept(json(StatusCode::OK, &body)?)
}

#[utoipa::path(
    get, path = "/api/v1/tickets/keys", tag = "reservations", operation_id = "ticketKeys",
    summary = "The public keys that tickets are verified with",
    description = "For everyone. A payload is verified with the key that it names; one that is not here is retired or \
        was never made.",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the answer that the client has")),
    responses(
        (status = 200, body = PublicKeysBody, description = "The keys in force"),
        (status = 304, description = "They are those that the caller has"),
    )
)]
async fn keys(call: Call) -> Answer {
    let keys = call.box_office().ticket_keys().await?.into_iter().map(PublicKeyBody::from).collect();
    let body = serde_json::to_vec(&PublicKeysBody { keys }).map_err(Problem::internal)?;
    let mut response =
        Representation::new("application/json", &body, Compression::fast(), None).answer(call.headers())?;
    // The same for everyone, so any cache on the way may keep it.
    response.headers_mut().insert(CACHE_CONTROL, KEYS_CACHE);
    Ok(response)
}

#[utoipa::path(
    get, path = "/api/v1/tickets/{ticketId}", tag = "reservations", operation_id = "ownTicket",
    summary = "One ticket of the caller",
    description = "One that was refunded is void, and has no payload.",
    params(("ticketId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = OwnTicketBody, description = "The ticket"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such ticket"),
    )
)]
async fn ticket(mut call: Call) -> Answer {
    let caller = call.credential().await?.caller();
    let found = call.box_office().ticket_of(caller, call.id::<ReservationId>()?).await?;
    unkept(json(StatusCode::OK, &OwnTicketBody::from(found))?)
}

#[utoipa::path(
    get, path = "/api/v1/tickets/{ticketId}/qr", tag = "reservations", operation_id = "ticketQr",
    summary = "The QR code of a ticket, as an image",
    params(("ticketId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = String, content_type = "image/svg+xml", description = "The QR code of its payload"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such ticket"),
        (status = 409, description = "The ticket is void"),
    )
)]
async fn qr(mut call: Call) -> Answer {
    let caller = call.credential().await?.caller();
    let found = call.box_office().ticket_of(caller, call.id::<ReservationId>()?).await?;
    // No picture: whoever shows it at the door would be turned away there.
    if let Some(reason) = found.void {
        return Err(concert_core::Error::TicketVoid { reason }.into());
    }
    let mut response = Response::new(svg(found.payload.as_deref().unwrap_or_default())?.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    unkept(response)
}

/// The QR code of a payload. Half of it may be unreadable on a crumpled sheet: of the four levels of correction the
/// second, which keeps the modules large enough for a telephone's screen.
pub(crate) fn svg(payload: &str) -> Result<String, Problem> {
    let code: QRCode = QRBuilder::new(payload)
        .ecl(ECL::M)
        .build()
        .map_err(|error| Problem::internal(format!("no QR code for a ticket: {error:?}")))?;
    Ok(SvgBuilder::default().margin(QUIET_ZONE).to_str(&code))
}

fn unkept(mut response: Response) -> Answer {
    response.headers_mut().insert(CACHE_CONTROL, NO_CACHE);
    Ok(response)
}
