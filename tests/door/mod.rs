//! Tickets at the door: payloads, keys, check-ins, gates without the network.

mod check_ins;
mod offline;
mod payloads;

use concert_core::{BoxOffice, ConcertId, Gate, PresentedTicket, ReservationId, Role, UserId};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::http::{Ask, Site};
use crate::support::{Shortcuts as _, seat};

/// A site with a concert, whose doors are open, and keys for those who stand there.
struct Door {
    site: Site,
    concert: ConcertId,
    gate: String,
    operator: String,
}

impl Door {
    async fn open() -> Self {
        let site = Site::open_with(|policy| policy.with_max_holds_per_user(1_000)).await;
        let concert = site.house.hall(10, 20).await;
        let back_office = site.house.office.back_office();
        let key = async |name: &str, role| {
            let made = back_office.make_key(&name.parse().expect("a name"), role).await.expect("makes a key");
            made.secret.expose_secret().to_owned()
        };
        let (gate, operator) = (key("turnstile", Role::Gate).await, key("ann", Role::Operator).await);
        Self { site, concert, gate, operator }
    }

    fn office(&self) -> &BoxOffice {
        &self.site.house.office
    }

    fn check_ins(&self) -> String {
        format!("/api/v1/admin/concerts/{}/checkins", self.concert)
    }

    fn void_tickets(&self) -> String {
        format!("/api/v1/admin/concerts/{}/void-tickets", self.concert)
    }

    fn check_in(&self, ticket: &str, gate: &str) -> Ask<'_> {
        self.send(&json!({"ticket": ticket, "gate": gate}))
    }

    fn send(&self, body: &Value) -> Ask<'_> {
        self.site.post(&self.check_ins(), body).bearer(&self.gate)
    }

    /// Seats that the user buys, as tickets with their payloads.
    async fn buy(&self, user: UserId, seats: &[i64]) -> Vec<(ReservationId, String)> {
        buy(self.office(), user, self.concert, seats).await
    }
}

async fn buy(office: &BoxOffice, user: UserId, concert: ConcertId, seats: &[i64]) -> Vec<(ReservationId, String)> {
    let mut tickets = Vec::new();
    for number in seats {
        let held = office.hold_one(user, concert, seat(*number)).await.expect("holds");
        office.pay(user, held.id, held.price).await.expect("pays");
        tickets.push((held.id, payload(office, user, held.id).await));
    }
    tickets
}

/// What the owner shows.
async fn payload(office: &BoxOffice, user: UserId, ticket: ReservationId) -> String {
    office.ticket_of(user, ticket).await.expect("is the user's").payload.expect("counts")
}

fn north() -> Gate {
    "north".parse().expect("a name")
}

fn shown(payload: &str) -> PresentedTicket {
    PresentedTicket::new(payload, north())
}
