//! The table: every route, and what each credential gets there.

/// What a caller shows. Requests are about Anna, who has a password and is ACTIVE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Garbage,
    /// Signed with our secret, for somebody else.
    OtherAudience,
    ExpiredSession,
    ExpiredToken,
    BensSession,
    BensToken,
    /// The queue token of a visit that is over.
    EndedToken,
    ViewerKey,
    GateKey,
    OperatorKey,
    Session,
    Token,
    /// A session that was logged out.
    EndedSession,
    /// A queue token from before all sessions of its user were ended.
    RevokedToken,
}

use Shown::*;

pub(super) const COLUMNS: [Shown; 15] = [
    Nothing,
    Garbage,
    OtherAudience,
    ExpiredSession,
    ExpiredToken,
    BensSession,
    BensToken,
    EndedToken,
    ViewerKey,
    GateKey,
    OperatorKey,
    Session,
    Token,
    EndedSession,
    RevokedToken,
];

/// An answer: its status, and its code unless it is a success.
pub(super) type Cell = (u16, &'static str);

pub(super) const UNAUTHENTICATED: Cell = (401, "UNAUTHENTICATED");
pub(super) const LOGIN_REQUIRED: Cell = (401, "LOGIN_REQUIRED");
const TOKEN_ENDED: Cell = (401, "TOKEN_ENDED");
pub(super) const NOT_YOURS: Cell = (403, "NOT_YOURS");
const NOT_ACTIVE: Cell = (403, "TOKEN_NOT_ACTIVE");
pub(super) const NOT_ALLOWED: Cell = (403, "ROLE_NOT_ALLOWED");
const NOT_FOUND: Cell = (404, "TOKEN_NOT_FOUND");
const GONE: Cell = (410, "TOKEN_EXPIRED");

/// Whoever asks is answered alike; credentials are not looked at.
const fn open(done: u16) -> [Cell; COLUMNS.len()] {
    [(done, ""); COLUMNS.len()]
}

/// For Anna alone: with her session, or with her queue token while it is in the queue.
const fn own(ended: Cell, done: u16) -> [Cell; COLUMNS.len()] {
    let (no, bens, done) = (UNAUTHENTICATED, NOT_YOURS, (done, ""));
    [no, no, no, no, no, bens, bens, ended, no, no, no, done, done, no, TOKEN_ENDED]
}

/// Anna's second join resumes her place. A key of the role `operator` joins users.
const fn join() -> [Cell; COLUMNS.len()] {
    let (no, bens, done) = (UNAUTHENTICATED, NOT_YOURS, (200, ""));
    let role = NOT_ALLOWED;
    [LOGIN_REQUIRED, no, no, no, no, bens, bens, LOGIN_REQUIRED, role, role, done, done, done, no, TOKEN_ENDED]
}

/// For whoever shows a session, about that session.
pub(super) const fn session() -> [Cell; COLUMNS.len()] {
    let (no, done) = (UNAUTHENTICATED, (204, ""));
    [no, no, no, no, no, done, no, no, no, no, no, done, no, no, TOKEN_ENDED]
}

/// For operators, from the role `viewer`, `gate` or `operator` on.
const fn operators(roles: [Cell; 3]) -> [Cell; COLUMNS.len()] {
    let no = UNAUTHENTICATED;
    [no, no, no, no, no, no, no, no, roles[0], roles[1], roles[2], no, no, no, no]
}

/// The row of a route: what it answers to each of [`COLUMNS`]. `None`: the table has no such route.
pub(super) fn row(route: &str) -> Option<[Cell; COLUMNS.len()]> {
    let any_role = [(200, ""); 3];
    Some(match route {
        "POST /api/v1/users" => open(201),
        "POST /api/v1/users/login" => open(200),
        "POST /api/v1/users/logout" | "POST /api/v1/users/password" => session(),
        "POST /api/v1/tokens" | "POST /api/v1/queue" => join(),
        "GET /api/v1/tokens/{userId}" | "GET /api/v1/tokens/{userId}/events" => own(GONE, 200),
        "DELETE /api/v1/tokens/{userId}" => own(NOT_FOUND, 204),
        "GET /api/v1/reservations/dates"
        | "GET /api/v1/reservations/{concertId}/seats"
        | "GET /api/v1/reservations/{concertId}/plan"
        | "GET /api/v1/reservations/{concertId}/plan/state" => open(200),
        "GET /api/v1/tickets/keys" => open(200),
        "GET /api/v1/tickets/{ticketId}" | "GET /api/v1/tickets/{ticketId}/qr" => own(TOKEN_ENDED, 200),
        "POST /api/v1/admin/concerts/{concertId}/checkins" => operators([NOT_ALLOWED, (201, ""), (201, "")]),
        "GET /api/v1/admin/concerts/{concertId}/checkins"
        | "GET /api/v1/admin/concerts/{concertId}/void-tickets"
        | "GET /api/v1/admin/tickets/keys" => operators(any_role),
        "POST /api/v1/admin/tickets/keys" => operators([NOT_ALLOWED, NOT_ALLOWED, (201, "")]),
        "POST /api/v1/admin/tickets/keys/{keyId}/retire" => operators([NOT_ALLOWED, NOT_ALLOWED, (200, "")]),
        "POST /api/v1/reservations" => own(NOT_ACTIVE, 201),
        "POST /api/v1/reservations/{reservationId}/extend" => own(NOT_ACTIVE, 200),
        "GET /api/v1/reservations"
        | "GET /api/v1/reservations/{reservationId}"
        | "GET /api/v1/reservations/{concertId}/limits" => own(TOKEN_ENDED, 200),
        "DELETE /api/v1/reservations/{reservationId}" => own(TOKEN_ENDED, 204),
        "POST /api/v1/payments/recharge" => own(TOKEN_ENDED, 200),
        "POST /api/v1/payments/process" => own(NOT_ACTIVE, 200),
        "GET /api/v1/payments/balance/{userId}"
        | "GET /api/v1/payments"
        | "GET /api/v1/payments/{paymentId}"
        | "GET /api/v1/orders"
        | "GET /api/v1/orders/{orderId}"
        | "GET /api/v1/tickets"
        | "GET /api/v1/payments/entries/{userId}" => own(TOKEN_ENDED, 200),
        "GET /api/v1/sales" | "GET /api/v1/sales/{saleId}" => open(200),
        "GET /api/v1/admin/sales" | "GET /api/v1/admin/sales/{saleId}" => operators(any_role),
        "POST /api/v1/admin/sales" => operators([NOT_ALLOWED, NOT_ALLOWED, (201, "")]),
        // The default sale is ordered by arrival.
        "POST /api/v1/admin/sales/{saleId}/draw" => operators([NOT_ALLOWED, NOT_ALLOWED, (400, "INVALID_REQUEST")]),
        "PATCH /api/v1/admin/sales/{saleId}" => operators([NOT_ALLOWED, NOT_ALLOWED, (200, "")]),
        "GET /api/v1/admin/sales/{saleId}/codes" => operators(any_role),
        "POST /api/v1/admin/sales/{saleId}/codes" => operators([NOT_ALLOWED, NOT_ALLOWED, (201, "")]),
        "POST /api/v1/admin/sales/{saleId}/codes/revoke" => operators([NOT_ALLOWED, NOT_ALLOWED, (200, "")]),
        "GET /api/v1/admin/concerts" | "GET /api/v1/admin/concerts/{concertId}" => operators(any_role),
        "POST /api/v1/admin/concerts" => operators([NOT_ALLOWED, NOT_ALLOWED, (201, "")]),
        "PATCH /api/v1/admin/concerts/{concertId}" => operators([NOT_ALLOWED, NOT_ALLOWED, (200, "")]),
        "POST /api/v1/admin/payments/{paymentId}/refund"
        | "POST /api/v1/admin/tickets/{ticketId}/move"
        | "POST /api/v1/admin/concerts/{concertId}/cancel" => operators([NOT_ALLOWED, NOT_ALLOWED, (200, "")]),
        "GET /api/v1/admin/tickets/{ticketId}" | "GET /api/v1/admin/concerts/{concertId}/cancel" => operators(any_role),
        "GET /api/v1/admin/key"
        | "GET /api/v1/admin/log"
        | "GET /api/v1/admin/figures"
        | "GET /api/v1/admin/concerts/{concertId}/seats"
        | "GET /api/v1/admin/concerts/{concertId}/export/{kind}"
        | "GET /api/v1/admin/explain/token/{tokenId}"
        | "GET /api/v1/admin/explain/seat/{concertId}"
        | "GET /api/v1/admin/explain/seat/{concertId}/{seatNumber}"
        | "GET /api/v1/admin/explain/reservation/{reservationId}"
        | "GET /api/v1/admin/explain/user/{userId}" => operators(any_role),
        "POST /api/v1/admin/users/{userId}/recharge" => operators([NOT_ALLOWED, NOT_ALLOWED, (200, "")]),
        "POST /api/v1/admin/concerts/{concertId}/seats/block"
        | "POST /api/v1/admin/concerts/{concertId}/seats/unblock"
        | "POST /api/v1/admin/concerts/{concertId}/seats/price"
        | "POST /api/v1/admin/concerts/{concertId}/seats/swap"
        | "POST /api/v1/admin/concerts/{concertId}/seats" => operators([NOT_ALLOWED, NOT_ALLOWED, (200, "")]),
        "GET /health/live" | "GET /health/ready" | "GET /metrics" | "GET /api-docs/openapi.json" => open(200),
        "GET /docs" => open(308),
        "GET /docs/" | "GET /docs/{file}" => open(200),
        _ => return None,
    })
}
