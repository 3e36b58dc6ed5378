//! What a ticket's QR code says, who gets it, and the keys that it is signed with.

use concert_core::{Error, Page, TicketKey, UserId};
use serde_json::{Value, json};

use super::{Door, payload};
use crate::support::Shortcuts as _;

#[tokio::test]
async fn the_owner_and_nobody_else_gets_the_payload_and_its_qr_code() {
    let door = Door::open().await;
    let (anna, session) = door.site.logged_in("anna").await;
    let (_, bens) = door.site.logged_in("ben").await;
    door.office().recharge(anna, crate::support::money(1_000)).await.expect("recharges");
    door.site.join(anna).await;
    let tickets = door.buy(anna, &[7]).await;
    let (ticket, payload) = &tickets[0];
    let listed = door.site.get(&format!("/api/v1/tickets?userId={anna}")).bearer(&session).send().await.expect(200, "");
    assert_eq!(listed.headers["cache-control"], "no-store");
    assert_eq!(listed.body["data"][0]["payload"], json!(payload));
    let path = format!("/api/v1/tickets/{ticket}");
    let one = door.site.get(&path).bearer(&session).send().await.expect(200, "").body;
    assert_eq!(one, listed.body["data"][0]);
    assert_eq!((&one["status"], &one["version"], &one["checkedInAt"]), (&json!("VALID"), &json!(1), &Value::Null));
    let qr = door.site.get(&format!("{path}/qr")).bearer(&session).send().await.expect(200, "");
    assert_eq!(
        (&qr.headers["content-type"], &qr.headers["cache-control"]),
        (&"image/svg+xml".parse().expect("a value"), &"no-store".parse().expect("a value"))
    );
    assert!(qr.text.starts_with("<svg") && qr.text.len() > 2_000, "{}", qr.text);
    for path in [path.clone(), format!("{path}/qr")] {
        door.site.get(&path).bearer(&bens).send().await.expect(403, "NOT_YOURS");
        door.site.get(&path).send().await.expect(401, "UNAUTHENTICATED");
    }
    let nothing = format!("/api/v1/tickets/{}", UserId::generate());
    door.site.get(&nothing).bearer(&session).send().await.expect(404, "TICKET_NOT_FOUND");
    // What is held is no ticket.
    let held = door.office().hold_one(anna, door.concert, crate::support::seat(8)).await.expect("holds").id;
    door.site.get(&format!("/api/v1/tickets/{held}")).bearer(&session).send().await.expect(404, "TICKET_NOT_FOUND");
    let back_office = door.office().back_office();
    let payment = back_office.ticket(*ticket).await.expect("reads").payment;
    back_office.refund(payment, None).await.expect("refunds");
    let void = door.site.get(&path).bearer(&session).send().await.expect(200, "").body;
    assert_eq!(
        (&void["status"], &void["voidReason"], &void["payload"]),
        (&json!("VOID"), &json!("REFUNDED"), &Value::Null)
    );
    let refused = door.site.get(&format!("{path}/qr")).bearer(&session).send().await.expect(409, "TICKET_VOID").body;
    assert_eq!(refused["reason"], "REFUNDED");
}

#[tokio::test]
async fn tickets_of_earlier_keys_count_until_their_key_is_retired() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 1_000).await[0];
    let other = door.site.house.another_office().await;
    let tickets = door.buy(user, &[1, 2, 3]).await;
    let published = async || door.site.get("/api/v1/tickets/keys").send().await.expect(200, "");
    let first = published().await;
    assert_eq!(first.body["keys"].as_array().expect("a list").len(), 1, "made when it was first needed, once");
    assert_eq!(first.headers["cache-control"], "public, max-age=60");
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    door.site.get("/api/v1/tickets/keys").header("if-none-match", &tag).send().await.expect(304, "");

    // Both servers sign with the new one, and take both.
    let made = door.site.ask(reqwest::Method::POST, "/api/v1/admin/tickets/keys").bearer(&door.operator);
    let made = made.send().await.expect(201, "").body;
    assert_eq!(published().await.body["keys"][1]["publicKey"], made["publicKey"]);
    for office in [door.office(), &other] {
        let renewed = payload(office, user, tickets[0].0).await;
        assert!(renewed.starts_with(&format!("v1.{}.", made["keyId"].as_str().expect("an id"))), "{renewed}");
    }
    door.check_in(&tickets[0].1, "north").send().await.expect(201, "");
    let renewed = payload(&other, user, tickets[1].0).await;
    door.check_in(&renewed, "north").send().await.expect(201, "");

    // Retired by another process: refused at once, and the owner finds a new one.
    let old: TicketKey = door.office().ticket_keys().await.expect("reads").remove(0);
    let retired = other.back_office().retire_ticket_key(old.id).await.expect("retires");
    assert!(retired.retired_at.is_some());
    let refused = door.check_in(&tickets[2].1, "north").send().await.expect(409, "TICKET_KEY_RETIRED").body;
    assert!(refused["retiredAt"].is_string());
    assert_eq!(published().await.body["keys"].as_array().expect("a list").len(), 1);
    door.check_in(&payload(door.office(), user, tickets[2].0).await, "north").send().await.expect(201, "");

    let all = door.site.get("/api/v1/admin/tickets/keys").bearer(&door.gate).send().await.expect(200, "");
    assert_eq!(all.body["keys"].as_array().expect("a list").len(), 2);
    assert!(!all.text.to_lowercase().contains("private"), "{}", all.text);
    let path = format!("/api/v1/admin/tickets/keys/{}/retire", old.id);
    let ask = || door.site.ask(reqwest::Method::POST, &path);
    assert_eq!(ask().bearer(&door.operator).send().await.expect(200, "").body["retiredBy"], "ann@box-office");
    ask().bearer(&door.gate).send().await.expect(403, "ROLE_NOT_ALLOWED");
    let log = door.office().back_office().log(Page::default()).await.expect("reads").data;
    let acts: Vec<_> = log.iter().map(|entry| entry.act.as_str()).filter(|act| act.contains("KEY")).collect();
    assert_eq!(acts, ["TICKET_KEY_RETIRE", "TICKET_KEY_MAKE", "KEY_MAKE", "KEY_MAKE"]);
    door.site.house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_sign_their_first_tickets_at_once_make_one_key() {
    let door = Door::open().await;
    let users = door.site.house.active_users(12, 1_000).await;
    let mut tickets = Vec::new();
    for (nth, user) in users.iter().enumerate() {
        let number = crate::support::seat(nth as i64 + 1);
        let held = door.office().hold_one(*user, door.concert, number).await.expect("holds");
        door.office().pay(*user, held.id, held.price).await.expect("pays");
        tickets.push((*user, held.id));
    }
    let offices = [door.office().clone(), door.site.house.another_office().await];
    let mut race = tokio::task::JoinSet::new();
    for (nth, (user, ticket)) in tickets.into_iter().enumerate() {
        let office = offices[nth % 2].clone();
        race.spawn(async move { payload(&office, user, ticket).await });
    }
    race.join_all().await;
    assert_eq!(door.office().ticket_keys().await.expect("reads").len(), 1);
}

#[tokio::test]
async fn a_key_that_is_made_twice_with_one_idempotency_key_is_one() {
    let door = Door::open().await;
    let make = || door.site.ask(reqwest::Method::POST, "/api/v1/admin/tickets/keys").bearer(&door.operator).key("k");
    let first = make().send().await.expect(201, "").body;
    assert_eq!(make().send().await.expect(201, "").body, first);
    let back_office = door.office().back_office();
    assert!(matches!(
        back_office.retire_ticket_key(concert_core::TicketKeyId::generate()).await,
        Err(Error::TicketKeyNotFound)
    ));
}

#[tokio::test]
async fn whoever_has_the_public_keys_verifies_a_ticket_and_tells_its_seat() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 1_000).await[0];
    let tickets = door.buy(user, &[5]).await;
    let back_office = door.office().back_office();
    let seen = back_office.verify_ticket(&tickets[0].1).await.expect("is good");
    assert!(seen.refusal().is_none());
    assert_eq!((seen.claims.ticket, seen.claims.concert), (tickets[0].0, door.concert));
    assert_eq!((seen.claims.seat.get(), seen.claims.version), (5, 1));
    door.check_in(&tickets[0].1, "north").send().await.expect(201, "");
    let seen = back_office.verify_ticket(&tickets[0].1).await.expect("is good");
    assert!(matches!(seen.refusal(), Some(Error::AlreadyCheckedIn { .. })));
    assert!(seen.check_in.is_some_and(|made| made.gate.as_str() == "north"));
}
