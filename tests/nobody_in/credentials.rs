//! Every route with every credential. A route without its row fails; a new credential is a column of every row.

use std::collections::BTreeSet;

use concert_core::{ConcertId, PaymentId, ReservationId, Role, SaleId, TicketKeyId, TokenId, UserId};
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::http::{Ask, Site, documented, reservation};
use crate::support::{PRICE, SECRET, Shortcuts as _, money, seat};

/// What a caller shows. Requests are about Anna, who has a password and is ACTIVE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
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

const COLUMNS: [Shown; 15] = [
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
type Cell = (u16, &'static str);

const UNAUTHENTICATED: Cell = (401, "UNAUTHENTICATED");
const LOGIN_REQUIRED: Cell = (401, "LOGIN_REQUIRED");
const TOKEN_ENDED: Cell = (401, "TOKEN_ENDED");
const NOT_YOURS: Cell = (403, "NOT_YOURS");
const NOT_ACTIVE: Cell = (403, "TOKEN_NOT_ACTIVE");
const NOT_ALLOWED: Cell = (403, "ROLE_NOT_ALLOWED");
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
const fn session() -> [Cell; COLUMNS.len()] {
    let (no, done) = (UNAUTHENTICATED, (204, ""));
    [no, no, no, no, no, done, no, no, no, no, no, done, no, no, TOKEN_ENDED]
}

/// For operators, from the role `viewer`, `gate` or `operator` on.
const fn operators(roles: [Cell; 3]) -> [Cell; COLUMNS.len()] {
    let no = UNAUTHENTICATED;
    [no, no, no, no, no, no, no, no, roles[0], roles[1], roles[2], no, no, no, no]
}

/// The table.
fn row(route: &str) -> Option<[Cell; COLUMNS.len()]> {
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
        "GET /api/v1/admin/log"
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

/// Anna and Ben, and all that they and others can show.
struct Stage {
    site: Site,
    concert: ConcertId,
    anna: UserId,
    session: String,
    bens_session: String,
    ben: UserId,
    expired: [String; 2],
    revoked: [String; 2],
    keys: [String; 3],
    ticket_key: TicketKeyId,
}

/// What one request is about, fresh for each.
struct Scene {
    token: String,
    token_id: TokenId,
    ended: String,
    bens_token: String,
    held: ReservationId,
    payment: PaymentId,
    ticket: ReservationId,
    payload: String,
}

impl Stage {
    async fn open() -> Self {
        // Any number of holds, of seats that nobody else wants.
        let site = Site::open_with(|policy| policy.with_max_holds_per_user(10_000)).await;
        site.house.office.set_max_active(100).await.expect("sets the cap");
        let (anna, old_session) = site.logged_in("anna").await;
        let (ben, _) = site.logged_in("ben").await;
        let expired = [old_session, site.join(anna).await];
        // Past the end of sessions and of queue tokens.
        site.house.advance(25 * 3600);
        site.house.office.rerank_queue().await.expect("reranks");
        let revoked_token = site.join(anna).await;
        site.house.office.back_office().end_sessions(anna).await.expect("ends them");
        let ended_session = log_in(&site, "anna").await;
        let logged_out = site.post("/api/v1/users/logout", &json!({})).bearer(&ended_session).send().await;
        logged_out.expect(204, "");
        let revoked = [ended_session, revoked_token];
        let (session, bens_session) = (log_in(&site, "anna").await, log_in(&site, "ben").await);
        let mut keys = Vec::new();
        for role in [Role::Viewer, Role::Gate, Role::Operator] {
            let made = site.house.office.back_office().make_key(&role.to_string().parse().expect("a name"), role).await;
            keys.push(made.expect("makes a key").secret.expose_secret().to_owned());
        }
        let keys = keys.try_into().expect("three");
        let concert = site.house.concert(12_000).await;
        site.house.office.recharge(anna, money(1_000_000)).await.expect("recharges");
        let ticket_key = site.house.office.back_office().make_ticket_key(None).await.expect("makes a key").id;
        Self { site, concert, anna, session, bens_session, ben, expired, revoked, keys, ticket_key }
    }

    /// New sessions, after a request that may have ended the old ones.
    async fn renew_sessions(&mut self) {
        self.session = log_in(&self.site, "anna").await;
        self.bens_session = log_in(&self.site, "ben").await;
    }

    /// Anna is in again, holds the seat after `used` seats, and has paid the one after that.
    async fn scene(&self, used: &mut i64) -> Scene {
        let office = &self.site.house.office;
        let ended = self.site.join(self.anna).await;
        office.leave_queue(self.anna).await.expect("leaves");
        let (token, bens_token) = (self.site.join(self.anna).await, self.site.join(self.ben).await);
        *used += 3;
        let hold = async |number| office.hold_one(self.anna, self.concert, seat(number)).await.expect("holds").id;
        let (held, paid) = (hold(*used - 2).await, hold(*used - 1).await);
        let payment = office.pay(self.anna, paid, money(PRICE)).await.expect("pays").payments[0].id;
        let token_id = office.token_status(self.anna).await.expect("is in").ticket.token;
        let payload = office.ticket_of(self.anna, paid).await.expect("is hers").payload.expect("counts");
        Scene { token, token_id, ended, bens_token, held, payment, ticket: paid, payload }
    }

    fn credential(&self, shown: Shown, scene: &Scene) -> Option<String> {
        let other_audience = || {
            let claims = json!({"iss": "concert", "aud": "concert-admin", "sub": self.anna, "iat": 1, "exp": 99_999_999_999_i64});
            encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("signs")
        };
        Some(match shown {
            Nothing => return None,
            Garbage => "garbage".to_owned(),
            OtherAudience => other_audience(),
            ExpiredSession => self.expired[0].clone(),
            ExpiredToken => self.expired[1].clone(),
            BensSession => self.bens_session.clone(),
            BensToken => scene.bens_token.clone(),
            EndedToken => scene.ended.clone(),
            ViewerKey => self.keys[0].clone(),
            GateKey => self.keys[1].clone(),
            OperatorKey => self.keys[2].clone(),
            Session => self.session.clone(),
            Token => scene.token.clone(),
            EndedSession => self.revoked[0].clone(),
            RevokedToken => self.revoked[1].clone(),
        })
    }

    /// A good request to a route, about Anna; `nth` makes names unique.
    fn ask(&self, route: &str, scene: &Scene, (number, nth): (i64, usize)) -> Ask<'_> {
        let (method, template) = route.split_once(' ').expect("a method and a path");
        let path = template
            .replace("{userId}", &self.anna.to_string())
            .replace("{concertId}", &self.concert.to_string())
            .replace("{reservationId}", &scene.held.to_string())
            .replace("{paymentId}", &scene.payment.to_string())
            .replace("{saleId}", &SaleId::DEFAULT.to_string())
            .replace("{ticketId}", &scene.ticket.to_string())
            .replace("{orderId}", &scene.held.to_string())
            .replace("{tokenId}", &scene.token_id.to_string())
            .replace("{keyId}", &self.ticket_key.to_string())
            .replace("{kind}", "payments")
            .replace("{seatNumber}", "1")
            .replace("{file}", "index.html");
        let path = if template.ends_with("/explain/seat/{concertId}") { format!("{path}:1") } else { path };
        let user = json!({"userId": self.anna});
        let person = |name: &str| json!({"username": name, "password": "correct horse"});
        let body: Option<Value> = match route {
            "POST /api/v1/users" => Some(person(&format!("new {nth}"))),
            "POST /api/v1/users/login" => Some(person("anna")),
            "POST /api/v1/users/password" => {
                Some(json!({"currentPassword": "correct horse", "newPassword": "correct horse"}))
            }
            "POST /api/v1/tokens" | "POST /api/v1/queue" => Some(user),
            "POST /api/v1/reservations" => Some(reservation(self.concert, number, self.anna)),
            "POST /api/v1/payments/recharge" => Some(json!({"userId": self.anna, "amount": 1})),
            "POST /api/v1/admin/sales" => Some(json!({"name": format!("sale {nth}")})),
            "POST /api/v1/admin/sales/{saleId}/codes" => Some(json!({"kind": "FRONT"})),
            "POST /api/v1/admin/sales/{saleId}/codes/revoke" => Some(json!({"all": true})),
            "POST /api/v1/admin/sales/{saleId}/draw" => Some(json!({"publicValue": "4 8 15"})),
            "POST /api/v1/admin/concerts" => {
                Some(json!({"name": "Autumn", "date": "2027-10-01", "sections": [{"price": 1, "seats": 1}]}))
            }
            "PATCH /api/v1/admin/concerts/{concertId}" => Some(json!({"name": format!("concert {nth}")})),
            "PATCH /api/v1/admin/sales/{saleId}" => Some(json!({"maxActive": 100})),
            "POST /api/v1/admin/payments/{paymentId}/refund" => {
                Some(json!({"reason": "a broken chair", "seat": "TO_SALE"}))
            }
            "POST /api/v1/admin/concerts/{concertId}/checkins" => {
                Some(json!({"ticket": scene.payload, "gate": "north"}))
            }
            "POST /api/v1/admin/tickets/{ticketId}/move" => Some(json!({"userId": self.ben, "reason": "she is ill"})),
            // A dry run: the concert is needed for the rest of the table.
            "POST /api/v1/admin/concerts/{concertId}/cancel" => Some(json!({"reason": "no singer", "dryRun": true})),
            "POST /api/v1/admin/users/{userId}/recharge" => Some(json!({"amount": 1, "reference": "till 7"})),
            "POST /api/v1/admin/concerts/{concertId}/seats/block" => {
                Some(json!({"seatNumbers": [number], "reason": "camera"}))
            }
            "POST /api/v1/admin/concerts/{concertId}/seats/unblock" => Some(json!({"seatNumbers": [number]})),
            "POST /api/v1/admin/concerts/{concertId}/seats/price" => {
                Some(json!({"seatNumbers": [number], "price": PRICE}))
            }
            // The seat that Anna holds, and the free one.
            "POST /api/v1/admin/concerts/{concertId}/seats/swap" => Some(json!({"seatNumbers": [number - 2, number]})),
            "POST /api/v1/admin/concerts/{concertId}/seats" => {
                Some(json!({"seatNumbers": [10_000 + nth], "price": PRICE}))
            }
            "POST /api/v1/payments/process" => {
                Some(json!({"reservationId": scene.held, "amount": PRICE, "userId": self.anna}))
            }
            _ => None,
        };
        match (body, template) {
            (Some(body), _) if method == "PATCH" => self.site.patch(&path, &body),
            (Some(body), _) => self.site.post(&path, &body),
            (
                None,
                "/api/v1/reservations"
                | "/api/v1/payments"
                | "/api/v1/orders"
                | "/api/v1/tickets"
                | "/api/v1/reservations/{concertId}/limits",
            ) => self.site.get(&format!("{path}?userId={}", self.anna)),
            (None, _) => self.site.ask(Method::from_bytes(method.as_bytes()).expect("a method"), &path),
        }
    }

    async fn answer(&self, route: &str, ask: Ask<'_>) -> (u16, String) {
        if route.ends_with("/events") {
            // A stream does not end by itself.
            let response = ask.open().await;
            let status = response.status().as_u16();
            let refusal = if status == 200 { Value::Null } else { response.json().await.expect("a problem") };
            return (status, refusal["code"].as_str().unwrap_or_default().to_owned());
        }
        let answer = ask.send().await;
        (answer.status.as_u16(), answer.code().to_owned())
    }
}

async fn log_in(site: &Site, name: &str) -> String {
    let password = "correct horse".parse().expect("a password");
    let session = site.house.office.log_in(name, &password).await.expect("logs in");
    session.access_token.expect("is signed")
}

fn served() -> Vec<String> {
    concert_server::routes().into_iter().map(|route| format!("{} {}", route.method, route.template)).collect()
}

#[tokio::test]
async fn a1_to_a10_every_route_answers_every_credential_as_the_table_says() {
    let mut stage = Stage::open().await;
    let (mut used, mut wrong, mut nth) = (0, Vec::new(), 0);
    for route in served() {
        let row = row(&route).unwrap_or_else(|| panic!("{route} has no row in the table of routes and credentials"));
        for (shown, expected) in COLUMNS.into_iter().zip(row) {
            nth += 1;
            let scene = stage.scene(&mut used).await;
            let ask = stage.ask(&route, &scene, (used, nth));
            let ask = match stage.credential(shown, &scene) {
                Some(credential) => ask.bearer(&credential),
                None => ask,
            };
            let (status, code) = stage.answer(&route, ask).await;
            if (status, code.as_str()) != expected {
                wrong.push(format!("{route} with {shown:?}: {status} {code}, not {expected:?}"));
            }
            if row == session() && status < 300 {
                stage.renew_sessions().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    stage.site.house.assert_sound().await;
}

#[test]
fn a1_to_a10_the_table_has_the_columns_once_and_no_row_of_a_route_that_is_gone() {
    let columns: BTreeSet<_> = COLUMNS.iter().map(|shown| format!("{shown:?}")).collect();
    assert_eq!(columns.len(), COLUMNS.len());
    assert!(row("GET /nowhere").is_none());
}

/// A key changes nothing of who may: with the key of Anna's request, others are answered as without one.
#[tokio::test]
async fn a1_a_known_key_opens_no_route_to_anybody() {
    let stage = Stage::open().await;
    let (mut used, mut wrong) = (0, Vec::new());
    let keyed: Vec<_> =
        served().into_iter().filter(|route| route.starts_with("POST /api/v1/") && is_own(route)).collect();
    assert!(keyed.len() >= 6, "{keyed:?}");
    for route in keyed {
        let row = row(&route).expect("a row");
        for (shown, expected) in COLUMNS.into_iter().zip(row).filter(|(_, (status, _))| *status >= 400) {
            let scene = stage.scene(&mut used).await;
            let key = format!("key {used}");
            let ask = || stage.ask(&route, &scene, (used, 0)).key(&key);
            let (status, code) = stage.answer(&route, ask().bearer(&stage.session)).await;
            assert!(status < 300, "{route}: {status} {code}");
            let again = match stage.credential(shown, &scene) {
                Some(credential) => ask().bearer(&credential),
                None => ask(),
            };
            let (status, code) = stage.answer(&route, again).await;
            // Whoever pays again with an ended token learns that it is paid, and no more.
            let is_paid = route.ends_with("/process") && shown == EndedToken && code == "ALREADY_PAID";
            if (status, code.as_str()) != expected && !is_paid {
                wrong.push(format!("{route} with {shown:?} and the key: {status} {code}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether the route is for the user whom the request is about.
fn is_own(route: &str) -> bool {
    row(route).is_some_and(|row| COLUMNS.into_iter().zip(row).any(|cell| matches!(cell, (BensSession, NOT_YOURS))))
}

/// What the document says about a route's credentials, as the table has it: which kinds are taken, and from which role
/// on.
fn taken(row: &[Cell; COLUMNS.len()]) -> BTreeSet<(&'static str, &'static str)> {
    let cell = |shown: Shown| row[COLUMNS.iter().position(|column| *column == shown).expect("a column")];
    let mut taken = BTreeSet::new();
    if cell(Garbage) != UNAUTHENTICATED {
        return taken;
    }
    for (shown, scheme) in [(Session, "session"), (Token, "queueToken")] {
        if cell(shown) != UNAUTHENTICATED {
            taken.insert((scheme, ""));
        }
    }
    let roles = [(ViewerKey, "viewer"), (GateKey, "gate"), (OperatorKey, "operator")];
    if let Some((_, role)) = roles.iter().find(|(key, _)| ![UNAUTHENTICATED, NOT_ALLOWED].contains(&cell(*key))) {
        taken.insert(("operatorKey", role));
    }
    // Users without a password join by id where that is allowed.
    if cell(Nothing) == LOGIN_REQUIRED {
        taken.insert(("", ""));
    }
    taken
}

#[test]
fn the_document_says_what_each_route_takes() {
    for route in concert_server::routes() {
        let line = format!("{} {}", route.method, route.template);
        let Some(operation) = documented::operation(&line) else { continue };
        let row = row(&line).unwrap_or_else(|| panic!("{line} has no row in the table"));
        let said: BTreeSet<_> = operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|scheme| match scheme.as_object().and_then(|scheme| scheme.iter().next()) {
                Some((name, roles)) => (name.as_str(), roles[0].as_str().unwrap_or_default()),
                None => ("", ""),
            })
            .collect();
        assert_eq!(said, taken(&row), "{line}");
    }
}
