//! A good request to every route.

use concert_core::SaleId;
use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{Scene, Stage};
use crate::http::{Ask, reservation};
use crate::support::PRICE;

impl Stage {
    /// A good request to a route, about Anna; `nth` makes names unique.
    pub(super) fn ask(&self, route: &str, scene: &Scene, (number, nth): (i64, usize)) -> Ask<'_> {
        let (method, template) = route.split_once(' ').expect("a method and a path");
        let (path, body) = (self.path(template, scene), self.body(route, scene, (number, nth)));
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

    fn path(&self, template: &str, scene: &Scene) -> String {
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
        if template.ends_with("/explain/seat/{concertId}") { format!("{path}:1") } else { path }
    }

    fn body(&self, route: &str, scene: &Scene, (number, nth): (i64, usize)) -> Option<Value> {
        let user = json!({"userId": self.anna});
        let person = |name: &str| json!({"username": name, "password": "correct horse"});
        match route {
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
        }
    }

    /// The status of the answer, and its code unless it is a success.
    pub(super) async fn answer(&self, route: &str, ask: Ask<'_>) -> (u16, String) {
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
