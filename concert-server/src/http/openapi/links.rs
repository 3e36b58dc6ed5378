//! What follows what: from each answer to the calls that take something of it.

use serde_json::{Map, Value, json};

use super::operations;

/// A link: from the answer of an operation with these statuses to another one, with parameters and a body.
struct Link {
    from: &'static str,
    statuses: &'static [&'static str],
    name: &'static str,
    to: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    body: &'static [(&'static str, &'static str)],
    description: &'static str,
}

const JOINED: &[&str] = &["200", "201"];
const OK: &[&str] = &["200"];
const CREATED: &[&str] = &["201"];

const LINKS: &[Link] = &[
    link("signUp", CREATED, "logIn", "logIn")
        .with_body(&[("username", "$request.body#/username"), ("password", "$request.body#/password")]),
    link("logIn", OK, "join", "issueToken")
        .with_body(&[("userId", "$response.body#/userId")])
        .saying("With the access token of the answer."),
    link("issueToken", JOINED, "poll", "tokenStatus")
        .with_parameters(&[("userId", "$request.body#/userId")])
        .saying("With the token of the answer, every pollAfterSeconds, until the status is ACTIVE."),
    link("issueToken", JOINED, "follow", "tokenEvents")
        .with_parameters(&[("userId", "$request.body#/userId")])
        .saying("With the token of the answer: the same as polling, pushed."),
    link("issueToken", JOINED, "hold", "reserve")
        .with_body(&[("userId", "$request.body#/userId")])
        .saying("With the token of the answer, once the status is ACTIVE."),
    link("issueToken", JOINED, "leave", "leaveQueue").with_parameters(&[("userId", "$request.body#/userId")]),
    link("tokenStatus", OK, "pollAgain", "tokenStatus").with_parameters(&[("userId", "$request.path.userId")]),
    link("tokenStatus", OK, "hold", "reserve")
        .with_body(&[("userId", "$request.path.userId")])
        .saying("Once the status is ACTIVE."),
    link("concertDates", OK, "seats", "seats").with_parameters(&[("concertId", "$response.body#/0/concertId")]),
    link("concertDates", OK, "sale", "sale").with_parameters(&[("saleId", "$response.body#/0/saleId")]),
    link("seats", OK, "hold", "reserve")
        .with_body(&[("concertId", "$request.path.concertId"), ("seatNumber", "$response.body#/0/seatNumber")])
        .saying("A seat that is available, by a user with a turn."),
    link("reserve", CREATED, "pay", "pay").with_body(&[
        ("orderId", "$response.body#/orderId"),
        ("amount", "$response.body#/total"),
        ("userId", "$request.body#/userId"),
    ]),
    link("reserve", CREATED, "extend", "extendHold").with_parameters(&[("reservationId", "$response.body#/orderId")]),
    link("reserve", CREATED, "order", "order").with_parameters(&[("orderId", "$response.body#/orderId")]),
    link("reserve", CREATED, "giveBack", "cancelReservation")
        .with_parameters(&[("reservationId", "$response.body#/seats/0/reservationId")]),
    link("pay", OK, "payment", "payment").with_parameters(&[("paymentId", "$response.body#/paymentId")]),
    link("pay", OK, "tickets", "listTickets").with_parameters(&[("userId", "$request.body#/userId")]),
    link("recharge", OK, "balance", "balance").with_parameters(&[("userId", "$request.body#/userId")]),
    link("addSale", CREATED, "sale", "saleForOperators").with_parameters(&[("saleId", "$response.body#/saleId")]),
    link("addSale", CREATED, "change", "changeSale").with_parameters(&[("saleId", "$response.body#/saleId")]),
    link("addConcert", CREATED, "concert", "concertForOperators")
        .with_parameters(&[("concertId", "$response.body#/concertId")]),
    link("addConcert", CREATED, "seats", "seats").with_parameters(&[("concertId", "$response.body#/concertId")]),
];

const fn link(from: &'static str, statuses: &'static [&'static str], name: &'static str, to: &'static str) -> Link {
    Link { from, statuses, name, to, parameters: &[], body: &[], description: "" }
}

impl Link {
    const fn with_parameters(self, parameters: &'static [(&'static str, &'static str)]) -> Self {
        Self { parameters, ..self }
    }

    const fn with_body(self, body: &'static [(&'static str, &'static str)]) -> Self {
        Self { body, ..self }
    }

    const fn saying(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    fn object(&self) -> Value {
        let named = |pairs: &[(&str, &str)]| -> Map<String, Value> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
        };
        let mut object = json!({"operationId": self.to});
        if !self.parameters.is_empty() {
            object["parameters"] = named(self.parameters).into();
        }
        if !self.body.is_empty() {
            object["requestBody"] = named(self.body).into();
        }
        if !self.description.is_empty() {
            object["description"] = json!(self.description);
        }
        object
    }
}

pub(super) fn complete(document: &mut Value) {
    for (_, _, operation) in operations(document) {
        let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
        for link in LINKS.iter().filter(|link| link.from == name) {
            for status in link.statuses {
                // A test finds a link from an answer that its operation does not have.
                operation["responses"][status]["links"][link.name] = link.object();
            }
        }
    }
}

/// Whether each link leads from an answer that its operation has.
#[cfg(test)]
pub(super) fn are_used(document: &mut Value) -> bool {
    let mut left: Vec<_> =
        LINKS.iter().flat_map(|link| link.statuses.iter().map(move |status| (link.from, *status))).collect();
    for (_, _, operation) in operations(document) {
        left.retain(|(from, status)| {
            operation["operationId"] != *from || operation["responses"][status]["description"].is_null()
        });
    }
    left.is_empty()
}
