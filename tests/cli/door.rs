//! `ticket verify`, `ticket key`, and what the other commands say about who is in.

use concert_core::PresentedTicket;
use serde_json::json;

use super::desk::{Desk, concert, user};
use crate::support::{Shortcuts as _, seat};

#[tokio::test]
async fn a_payload_is_verified_and_says_who_is_in() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let office = &desk.house.office;
    office.issue_token(user(0)).await.expect("joins");
    let held = office.hold_one(user(0), concert(), seat(2)).await.expect("holds");
    office.pay(user(0), held.id, held.price).await.expect("pays");
    let id = held.id.to_string();
    let payload = office.ticket_of(user(0), held.id).await.expect("is the user's").payload.expect("counts");
    let good = desk.run(&["ticket", "verify", &payload, "--output", "json"]).json();
    assert_eq!((&good["valid"], &good["ticketId"], &good["seatNumber"]), (&json!(true), &json!(id), &json!(2)));
    assert_eq!((&good["version"], &good["voidReason"], &good["checkIn"]), (&json!(1), &json!(null), &json!(null)));

    let shown = PresentedTicket::new(&payload, "north".parse().expect("a name"));
    office.back_office().check_in(concert(), shown).await.expect("is in");
    let used = desk.run(&["ticket", "verify", &payload, "--output", "json"]);
    assert_eq!(used.code, Some(1));
    assert!(used.stdout.contains(r#""valid":false"#) && used.stdout.contains(r#""gate":"north""#), "{used:?}");
    assert!(used.stderr.contains("ALREADY_CHECKED_IN"), "{used:?}");
    let text = desk.run(&["ticket", "verify", &payload]);
    assert!(text.stdout.contains("gate north, by ann@box-office"), "{text:?}");
    assert!(desk.run(&["ticket", "show", &id]).ok().contains("gate north, by ann@box-office"));
    assert!(desk.run(&["explain", "reservation", &id]).ok().contains("checked in"));
    assert_eq!(desk.run(&["status", "--output", "json"]).json()["concerts"][0]["checkedIn"], 1);
    let attendees = desk.run(&["export", "attendees"]).ok();
    let header = attendees.lines().next().expect("a header");
    assert!(header.ends_with("paidAt,paidAtUtc,checkedInAt,checkedInAtUtc,gate"), "{header}");
    assert!(attendees.lines().nth(1).expect("a row").ends_with(",north"), "{attendees}");
    let forged = payload.replacen("v1.0", "v1.1", 1);
    assert!(desk.run(&["ticket", "verify", &forged]).refused(1).contains("key"), "another key");
    assert!(desk.run(&["ticket", "verify", "hello"]).refused(1).contains("no ticket"));
    desk.run(&["audit"]).ok();
}

#[tokio::test]
async fn keys_of_tickets_are_made_listed_and_retired() {
    let desk = Desk::open().await;
    let made = desk.run(&["ticket", "key", "make", "--output", "json"]).json();
    let id = made["keyId"].as_str().expect("an id");
    let list = desk.run(&["ticket", "key", "list", "--output", "json"]).json();
    assert_eq!(list["keys"][0]["publicKey"], made["publicKey"]);
    assert!(desk.run(&["ticket", "key", "list"]).ok().contains(id));
    let dry = desk.run(&["ticket", "key", "retire", id, "--dry-run", "--output", "json"]).json();
    assert_eq!((&dry["dryRun"], &dry["retiredAt"]), (&json!(true), &json!(null)));
    assert_eq!(desk.run(&["ticket", "key", "retire", id]).code, Some(2), "it asks first");
    let retired = desk.run(&["ticket", "key", "retire", id, "--yes", "--output", "json"]).json();
    assert!(retired["retiredAt"].is_string());
    let unknown = concert_core::TicketKeyId::generate().to_string();
    assert!(
        desk.run(&["ticket", "key", "retire", &unknown, "--yes"])
            .refused(1)
            .contains("this box office has no such ticket key")
    );
    let log = desk.run(&["log", "--output", "json"]).ok();
    assert!(log.contains("TICKET_KEY_MAKE") && log.contains("TICKET_KEY_RETIRE"), "{log}");
}
