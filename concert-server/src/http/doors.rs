//! `/api/v1/admin`: the doors. Who is in, which tickets count no more, and the keys that tickets are signed with.

use concert_core::texts::Locale;
use concert_core::{
    BackOffice, CheckIn, ConcertId, Error, Gate, OperatorKeyId, Page, Paged, PresentedTicket, PublicKey, ReservationId,
    Role, SeatNumber, TicketKey, TicketKeyId, VoidTicket, VoidTickets,
};
use flate2::Compression;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::header::CACHE_CONTROL;
use warp::http::{HeaderValue, StatusCode};

use super::body::{Instant, Moment, created, if_there, json, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::representation::Representation;
use super::routing::{Answer, Endpoint, get, post};
use super::words;
use crate::texts::Texts;

/// The most check-ins of one delivery.
const MOST_AT_ONCE: usize = 500;
/// The largest body of a delivery, in bytes: a check-in takes some 300.
const LARGEST_DELIVERY: usize = 256 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/admin/concerts/{concertId}/checkins", check_in),
        get("/api/v1/admin/concerts/{concertId}/checkins", check_ins),
        get("/api/v1/admin/concerts/{concertId}/void-tickets", void_tickets),
        get("/api/v1/admin/tickets/keys", keys),
        post("/api/v1/admin/tickets/keys", make_key),
        post("/api/v1/admin/tickets/keys/{keyId}/retire", retire_key),
    ]
}

/// What is sent to check in: a ticket that is shown at a gate, or those that a gate let in without the network.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the document: bodies are read as `CheckInSent`, whose refusals say what is wrong")]
enum CheckInRequest {
    #[schema(title = "One ticket")]
    One(ShownTicket),
    #[schema(title = "A delivery")]
    Delivery(Delivery),
}

/// A ticket that is shown at a gate.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ShownTicket {
    /// Its payload, as it was scanned.
    ticket: String,
    /// The gate, by the name that it goes by: 1 to 64 characters.
    gate: String,
    /// When the gate let it in, where it was without the network: at most 24 hours ago.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = Instant, required = false)]
    checked_in_at: Option<Instant>,
}

/// Those that a gate let in without the network.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document")]
struct Delivery {
    checkins: Vec<ShownTicket>,
}

impl ShownTicket {
    fn presented(self) -> Result<PresentedTicket, Error> {
        let gate: Gate = self.gate.parse()?;
        Ok(PresentedTicket::new(self.ticket, gate).checked_in_at(self.checked_in_at.map(|at| at.0)))
    }
}

/// Either of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CheckInSent {
    #[serde(default, deserialize_with = "if_there")]
    ticket: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    gate: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    checked_in_at: Option<Instant>,
    #[serde(default, deserialize_with = "if_there")]
    checkins: Option<Vec<ShownTicket>>,
}

/// A ticket that was checked in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CheckInBody {
    #[schema(value_type = uuid::Uuid)]
    ticket_id: ReservationId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    /// The seat as it is now.
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    section: Option<String>,
    row: Option<String>,
    /// The version that was shown.
    version: u32,
    #[schema(example = "north 2")]
    gate: String,
    /// When the gate let it in.
    checked_in_at: Moment,
    /// When that was recorded: later, where the gate was without the network.
    recorded_at: Moment,
    /// The operator's name.
    checked_in_by: String,
    #[schema(value_type = Option<uuid::Uuid>)]
    key_id: Option<OperatorKeyId>,
}

impl From<CheckIn> for CheckInBody {
    fn from(made: CheckIn) -> Self {
        Self {
            ticket_id: made.ticket,
            concert_id: made.concert,
            seat_number: made.seat,
            section: made.section,
            row: made.row,
            version: made.version,
            gate: made.gate.as_str().to_owned(),
            checked_in_at: Moment(made.checked_in_at),
            recorded_at: Moment(made.recorded_at),
            checked_in_by: made.by,
            key_id: made.key,
        }
    }
}

/// What became of a delivery, in its order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryBody {
    /// How many are in with it.
    checked_in: usize,
    /// How many are in conflict: each says why.
    refused: usize,
    results: Vec<DeliveredBody>,
}

/// What became of one of them: a check-in, or a refusal with the members of its problem.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
enum DeliveredBody {
    CheckedIn(CheckInBody),
    Refused(ConflictBody),
}

/// Why somebody whom a gate let in is not in by the records.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConflictBody {
    #[schema(value_type = words::ProblemCode)]
    code: &'static str,
    detail: String,
    /// What belongs to the code: `checkedInAt` and `gate` of ALREADY_CHECKED_IN, `reason` of TICKET_VOID.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    members: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CheckInsQuery {
    /// The most check-ins of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The ticket of the last check-in of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<ReservationId>,
}

/// A page of check-ins.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CheckInsBody {
    data: Vec<CheckInBody>,
    /// Whether older ones follow; `startingAfter` the ticket of the last of these shows them.
    has_more: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VoidTicketsQuery {
    /// `nextSince` of the last answer; all where it is left out.
    #[param(value_type = Option<Instant>)]
    since: Option<Instant>,
    /// About how many: those of one moment are all on one page.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
}

/// Tickets that count no more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VoidTicketsBody {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    /// CANCELLED: no ticket of this concert counts, whether or not it is listed.
    #[schema(value_type = words::ConcertStatus)]
    concert_status: &'static str,
    /// In the order in which they became void. A ticket may be there several times.
    data: Vec<VoidTicketBody>,
    /// Whether more follow at once, since `nextSince`.
    has_more: bool,
    /// What to ask for the next time. Some may come again; none is left out.
    next_since: Moment,
}

/// A ticket that counts no more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VoidTicketBody {
    #[schema(value_type = uuid::Uuid)]
    ticket_id: ReservationId,
    /// The newest version that is void: it and all before it.
    version: u32,
    #[schema(value_type = words::VoidReason)]
    reason: &'static str,
    voided_at: Moment,
}

impl From<VoidTicket> for VoidTicketBody {
    fn from(found: VoidTicket) -> Self {
        let VoidTicket { ticket, version, reason, voided_at, .. } = found;
        Self { ticket_id: ticket, version, reason: reason.as_str(), voided_at: Moment(voided_at) }
    }
}

/// The keys that tickets are signed with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketKeysBody {
    /// In the order in which they were made; the last one in force signs.
    keys: Vec<TicketKeyBody>,
}

/// A key that tickets are signed with. Nobody can read its private half.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketKeyBody {
    #[schema(value_type = uuid::Uuid)]
    key_id: TicketKeyId,
    #[schema(example = "Ed25519")]
    algorithm: &'static str,
    /// 32 bytes, in base64url without padding.
    #[schema(value_type = String, example = "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw")]
    public_key: PublicKey,
    created_at: Moment,
    /// By which operator; `first use`: for the first ticket that was shown.
    created_by: String,
    /// Since when no ticket that is signed with it counts; null: it is in force.
    retired_at: Option<Moment>,
    retired_by: Option<String>,
}

impl From<TicketKey> for TicketKeyBody {
    fn from(key: TicketKey) -> Self {
        Self {
            key_id: key.id,
            algorithm: "Ed25519",
            public_key: key.public_key,
            created_at: Moment(key.created_at),
            created_by: key.created_by,
            retired_at: key.retired_at.map(Moment),
            retired_by: key.retired_by,
        }
    }
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/checkins", tag = "doors", operation_id = "checkIn",
    summary = "Check a ticket in, or deliver those that a gate let in without the network",
    description = "Takes the role gate. A ticket is checked in once. With an Idempotency-Key, a repeated call gets the \
        first answer again. A delivery is answered check-in by check-in; the same check-in (ticket, gate, checkedInAt) \
        delivered again is taken as the one that it is.",
    params(("concertId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = CheckInRequest,
    security(("operatorKey" = ["gate"])),
    responses(
        (status = 201, body = CheckInBody, description = "Checked in"),
        (status = 200, body = DeliveryBody, description = "A delivery, and what became of each"),
        (status = 400, description = "The body is not valid, or what was shown is no ticket, or is forged, or the time cannot be"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert, no such ticket, or it is signed with a key of somebody else"),
        (status = 409, description = "ALREADY_CHECKED_IN with checkedInAt and gate; TICKET_VOID with its reason; it is for another concert; its key was retired"),
        (status = 422, description = "The Idempotency-Key was used with another request"),
    )
)]
async fn check_in(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Gate).await?;
    let (concert, key): (ConcertId, _) = (call.id()?, call.idempotency_key()?);
    let CheckInSent { ticket, gate, checked_in_at, checkins } = call.large_json(LARGEST_DELIVERY).await?;
    let one = match (ticket, gate, checkins) {
        (Some(ticket), Some(gate), None) => ShownTicket { ticket, gate, checked_in_at },
        (None, None, Some(delivered)) if checked_in_at.is_none() && key.is_none() => {
            let locale = Locale::new(Texts::language(&call.headers), call.box_office().policy());
            return deliver(&back_office, concert, delivered, locale).await;
        }
        _ => {
            return Err(Problem::invalid(
                "send ticket and gate (and checkedInAt, if the gate was without the network); or checkins alone, a list of \
                 such, without an Idempotency-Key",
            ));
        }
    };
    let made = back_office.check_in(concert, one.presented()?.with_key(key)).await?;
    created(&format!("/api/v1/admin/tickets/{}", made.ticket), &CheckInBody::from(made))
}

/// Each for itself: one that is refused keeps none of the others out.
async fn deliver(back_office: &BackOffice, concert: ConcertId, delivered: Vec<ShownTicket>, locale: Locale) -> Answer {
    if !(1..=MOST_AT_ONCE).contains(&delivered.len()) {
        return Err(Problem::invalid(format!("a delivery has 1 to {MOST_AT_ONCE} check-ins")));
    }
    let one = async |shown: ShownTicket| back_office.check_in(concert, shown.presented()?).await;
    let answers: Vec<Result<CheckIn, Error>> = join_all(delivered.into_iter().map(one)).await;
    // Whatever has not to do with a ticket is the answer to the whole: nothing of what was carried out is lost, and
    // delivering it again finds it.
    let failed = |error: &Error| {
        error.is_retryable()
            || matches!(error, Error::ConcertNotFound | Error::ShutDown | Error::Internal(_) | Error::Setup(_))
    };
    if let Some(error) = answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| failed(error)) {
        return Err(error.clone().into());
    }
    let checked_in = answers.iter().filter(|answer| answer.is_ok()).count();
    let results: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer {
            Ok(made) => DeliveredBody::CheckedIn(made.into()),
            Err(error) => {
                let problem = Problem::from(error);
                let (code, detail) = (problem.code(), problem.detail(locale));
                DeliveredBody::Refused(ConflictBody { code, detail, members: problem.members().clone() })
            }
        })
        .collect();
    json(StatusCode::OK, &DeliveryBody { checked_in, refused: results.len() - checked_in, results })
}

#[utoipa::path(
    get, path = "/api/v1/admin/concerts/{concertId}/checkins", tag = "doors", operation_id = "listCheckIns",
    summary = "Who is in",
    description = "Takes the role viewer.",
    params(("concertId" = uuid::Uuid, Path), CheckInsQuery),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = CheckInsBody, description = "A page of check-ins, newest first"),
        (status = 400, description = "The query is not valid, or startingAfter is no check-in of this concert"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn check_ins(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let concert: ConcertId = call.id()?;
    let CheckInsQuery { limit, starting_after } = call.query()?;
    let Paged { data, has_more, .. } = back_office.check_ins(concert, Page::new(limit, starting_after)?).await?;
    json(StatusCode::OK, &CheckInsBody { data: data.into_iter().map(CheckInBody::from).collect(), has_more })
}

#[utoipa::path(
    get, path = "/api/v1/admin/concerts/{concertId}/void-tickets", tag = "doors", operation_id = "voidTickets",
    summary = "Tickets that count no more, for gates without the network",
    description = "Takes the role viewer. A payload is void if its version is at most that of its ticket here.",
    params(
        ("concertId" = uuid::Uuid, Path),
        VoidTicketsQuery,
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the answer that the client has"),
    ),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = VoidTicketsBody, description = "A page of void tickets, with an ETag"),
        (status = 304, description = "It is the page that the caller has"),
        (status = 400, description = "The query is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn void_tickets(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let concert: ConcertId = call.id()?;
    let VoidTicketsQuery { since, limit } = call.query()?;
    let VoidTickets { status, tickets, has_more, next_since, .. } =
        back_office.void_tickets(concert, since.map(|since| since.0), limit).await?;
    let body = VoidTicketsBody {
        concert_id: concert,
        concert_status: status.as_str(),
        data: tickets.into_iter().map(VoidTicketBody::from).collect(),
        has_more,
        next_since: Moment(next_since),
    };
    let body = serde_json::to_vec(&body).map_err(Problem::internal)?;
    let mut response =
        Representation::new("application/json", &body, Compression::fast(), None).answer(&call.headers)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

#[utoipa::path(
    get, path = "/api/v1/admin/tickets/keys", tag = "doors", operation_id = "allTicketKeys",
    summary = "The keys that tickets are signed with, retired ones too",
    description = "Takes the role viewer.",
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = TicketKeysBody, description = "The keys, without their private halves"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
    )
)]
async fn keys(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let keys = back_office.ticket_keys().await?.into_iter().map(TicketKeyBody::from).collect();
    json(StatusCode::OK, &TicketKeysBody { keys })
}

#[utoipa::path(
    post, path = "/api/v1/admin/tickets/keys", tag = "doors", operation_id = "makeTicketKey",
    summary = "Make a key, with which all tickets are signed from now on",
    description = "Takes the role operator. Tickets that were signed with earlier keys count until those are retired.",
    params(("Idempotency-Key" = Option<String>, Header)),
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 201, body = TicketKeyBody, description = "Made"),
        (status = 400, description = "100 keys are in force already"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
    )
)]
async fn make_key(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let made = back_office.make_ticket_key(call.idempotency_key()?.as_ref()).await?;
    created("/api/v1/admin/tickets/keys", &TicketKeyBody::from(made))
}

#[utoipa::path(
    post, path = "/api/v1/admin/tickets/keys/{keyId}/retire", tag = "doors", operation_id = "retireTicketKey",
    summary = "Retire a key, for good: no ticket that is signed with it counts from now on",
    description = "Takes the role operator. The owners of the tickets find new payloads where they found the old ones.",
    params(("keyId" = uuid::Uuid, Path)),
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = TicketKeyBody, description = "Retired, now or before"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such key"),
    )
)]
async fn retire_key(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let retired = back_office.retire_ticket_key(call.id()?).await?;
    json(StatusCode::OK, &TicketKeyBody::from(retired))
}
