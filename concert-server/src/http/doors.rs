//! `/api/v1/admin`: the doors. Who is in, which tickets count no more, and the keys that tickets are signed with.

mod bodies;

use concert_core::texts::Locale;
use concert_core::{BackOffice, CheckIn, ConcertId, Error, ErrorKind, Page, Paged, Role, VoidTickets};
use flate2::Compression;
use futures_util::future::join_all;
use warp::http::header::CACHE_CONTROL;
use warp::http::{HeaderValue, StatusCode};

use self::bodies::{
    CheckInBody, CheckInRequest, CheckInSent, CheckInsBody, CheckInsQuery, ConflictBody, DeliveredBody, DeliveryBody,
    ShownTicket, TicketKeyBody, TicketKeysBody, VoidTicketBody, VoidTicketsBody, VoidTicketsQuery,
};
use super::body::{Moment, created, json};
use super::call::Call;
use super::problem::Problem;
use super::representation::Representation;
use super::routing::{Answer, Endpoint, get, post};
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
        // A key stands for one answer; each check-in of a delivery is known by itself when it comes again.
        (None, None, Some(delivered)) if checked_in_at.is_none() && key.is_none() => {
            let locale = Locale::new(Texts::language(call.headers()), call.box_office().policy());
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
    // At once and not one after the other: together they fill one batch of the lane.
    let one = async |shown: ShownTicket| back_office.check_in(concert, shown.presented()?).await;
    let answers: Vec<Result<CheckIn, Error>> = join_all(delivered.into_iter().map(one)).await;
    // Whatever has not to do with a ticket is the answer to the whole: nothing of what was carried out is lost, and
    // delivering it again finds it.
    let failed = |error: &Error| {
        matches!(error, Error::ConcertNotFound) || matches!(error.kind(), ErrorKind::TryAgain | ErrorKind::Internal)
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
        Representation::new("application/json", &body, Compression::fast(), None).answer(call.headers())?;
    // The gate keeps it and asks each time whether it still holds, which mostly costs a 304.
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
    // A key has no address of its own; it is found in the list.
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
