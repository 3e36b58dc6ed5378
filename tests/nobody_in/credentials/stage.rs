//! Who asks, and with what: Anna, Ben, operators, and all that they can show.

use concert_core::{ConcertId, PaymentId, ReservationId, Role, TicketKeyId, TokenId, UserId};
use jsonwebtoken::{EncodingKey, Header, encode};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::table::Shown;
use crate::http::Site;
use crate::support::{PRICE, SECRET, Shortcuts as _, money, seat};

/// Anna and Ben, and all that they and others can show.
pub(super) struct Stage {
    pub(super) site: Site,
    pub(super) concert: ConcertId,
    pub(super) anna: UserId,
    pub(super) session: String,
    bens_session: String,
    pub(super) ben: UserId,
    expired: [String; 2],
    revoked: [String; 2],
    keys: [String; 3],
    pub(super) ticket_key: TicketKeyId,
}

/// What one request is about, fresh for each.
pub(super) struct Scene {
    token: String,
    pub(super) token_id: TokenId,
    ended: String,
    bens_token: String,
    pub(super) held: ReservationId,
    pub(super) payment: PaymentId,
    pub(super) ticket: ReservationId,
    pub(super) payload: String,
}

impl Stage {
    pub(super) async fn open() -> Self {
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
    pub(super) async fn renew_sessions(&mut self) {
        self.session = log_in(&self.site, "anna").await;
        self.bens_session = log_in(&self.site, "ben").await;
    }

    /// Anna is in again, holds the seat after `used` seats, and has paid the one after that.
    pub(super) async fn scene(&self, used: &mut i64) -> Scene {
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

    pub(super) fn credential(&self, shown: Shown, scene: &Scene) -> Option<String> {
        let other_audience = || {
            let claims = json!({"iss": "concert", "aud": "concert-admin", "sub": self.anna, "iat": 1, "exp": 99_999_999_999_i64});
            encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("signs")
        };
        use Shown::*;
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
}

async fn log_in(site: &Site, name: &str) -> String {
    let password = "correct horse".parse().expect("a password");
    let session = site.house.office.log_in(name, &password).await.expect("logs in");
    session.access_token.expect("is signed")
}
