//! Who is let in, and who is not.

use chrono::Duration;
use concert_core::{Error, ExportedAttendee, Page, SeatAfterRefund, UserId, VoidReason};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Door, buy, payload, shown};
use crate::support::{Shortcuts as _, operator};

fn ill() -> concert_core::Reason {
    "the buyer is ill".parse().expect("a reason")
}

#[tokio::test]
async fn a_ticket_is_let_in_once_and_the_second_gate_learns_when_and_where() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 1_000).await[0];
    let tickets = door.buy(user, &[21]).await;
    let (ticket, payload) = &tickets[0];
    let made = door.check_in(payload, "north 2").send().await.expect(201, "");
    assert_eq!(made.headers["location"], format!("/api/v1/admin/tickets/{ticket}"));
    assert_eq!((&made.body["seatNumber"], &made.body["gate"]), (&json!(21), &json!("north 2")));
    assert_eq!((&made.body["section"], &made.body["row"]), (&json!("Hall"), &json!("2")));
    assert_eq!(made.body["checkedInAt"], "2027-03-01T12:00:00.000000Z");
    door.site.house.advance(60);
    for gate in ["north 2", "south"] {
        let again = door.check_in(payload, gate).send().await.expect(409, "ALREADY_CHECKED_IN").body;
        assert_eq!((&again["checkedInAt"], &again["gate"]), (&made.body["checkedInAt"], &json!("north 2")));
    }

    // Everybody who looks sees it.
    let listed = door.site.get(&door.check_ins()).bearer(&door.gate).send().await.expect(200, "").body;
    assert_eq!((&listed["data"][0], &listed["hasMore"]), (&made.body, &json!(false)));
    let own = door.office().ticket_of(user, *ticket).await.expect("reads");
    assert_eq!(own.checked_in.map(|(_, gate)| gate).as_deref(), Some("north 2"));
    let back_office = door.office().back_office();
    assert_eq!(back_office.ticket(*ticket).await.expect("reads").check_in.expect("is in").seat.get(), 21);
    let figures = back_office.figures().await.expect("reads");
    assert_eq!((figures.concerts[0].sold, figures.concerts[0].checked_in), (1, 1));
    let story = back_office.explain(*ticket).await.expect("explains").events;
    assert!(story.iter().any(|event| event.what.to_string() == "checked in" && event.detail.contains("north 2")));
    let entry = &back_office.log(Page::default()).await.expect("reads").data[0];
    assert_eq!(
        (entry.act.as_str(), entry.by.as_str(), entry.subject_id),
        ("CHECK_IN", "turnstile", Some(ticket.as_uuid()))
    );
    assert_eq!(entry.after.as_ref().expect("says what")["gate"], "north 2");
    let mut attendees = back_office.export::<ExportedAttendee>(Some(door.concert)).await.expect("begins");
    let page = attendees.next_page().await.expect("reads").expect("a page");
    assert_eq!((page[0].gate.as_deref(), page[0].checked_in_at.is_some()), (Some("north 2"), true));
    door.site.house.assert_sound().await;
}

#[tokio::test]
async fn a_void_ticket_is_refused_and_says_why() {
    let door = Door::open().await;
    let users = door.site.house.active_users(2, 1_000).await;
    let tickets = door.buy(users[0], &[1, 2, 3]).await;
    let back_office = door.office().back_office();
    let refund = async |ticket| {
        let payment = back_office.ticket(ticket).await.expect("reads").payment;
        back_office.refund_to(payment, None, SeatAfterRefund::ToSale).await.expect("refunds")
    };
    let refused = async |payload: &str, reason: &str| {
        let refused = door.check_in(payload, "north").send().await.expect(409, "TICKET_VOID").body;
        assert_eq!(refused["reason"], reason);
    };
    refund(tickets[0].0).await;
    refused(&tickets[0].1, "REFUNDED").await;
    // The seat is sold again, and that is another ticket.
    let sold_again = door.buy(users[1], &[1]).await;
    door.check_in(&sold_again[0].1, "north").send().await.expect(201, "");

    back_office.move_ticket(tickets[1].0, users[1], ill()).await.expect("moves");
    refused(&tickets[1].1, "MOVED").await;
    let new = payload(door.office(), users[1], tickets[1].0).await;
    assert!(matches!(door.office().ticket_of(users[0], tickets[1].0).await, Err(Error::NotYours)));
    door.check_in(&new, "north").send().await.expect(201, "");

    // A ticket with which somebody is in can be refunded, or get another owner: that they were in stays on record.
    back_office.move_ticket(tickets[1].0, users[0], ill()).await.expect("moves");
    refused(&new, "MOVED").await;
    let newest = payload(door.office(), users[0], tickets[1].0).await;
    door.check_in(&newest, "north").send().await.expect(409, "ALREADY_CHECKED_IN");
    refund(tickets[1].0).await;
    refused(&newest, "REFUNDED").await;
    assert!(back_office.ticket(tickets[1].0).await.expect("reads").check_in.is_some());
    let own = door.office().ticket_of(users[0], tickets[1].0).await.expect("is still seen");
    assert_eq!((own.void, own.payload), (Some(VoidReason::Refunded), None));

    back_office.cancel_concert(door.concert, ill()).await.expect("calls it off");
    refused(&tickets[2].1, "CANCELLED").await;
    back_office.finish_cancellation(door.concert, |_| {}).await.expect("clears");
    refused(&tickets[2].1, "CANCELLED").await;
    door.site.house.assert_sound().await;
}

#[tokio::test]
async fn what_is_no_ticket_of_this_door_is_refused_for_what_it_is() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 10_000).await[0];
    let tickets = door.buy(user, &[1]).await;
    let payload = &tickets[0].1;
    for garbage in ["", "hello", "v1.a.b.c", &payload[1..], &tickets[0].0.to_string()] {
        door.check_in(garbage, "north").send().await.expect(400, "TICKET_UNREADABLE");
    }
    // Another seat under the same signature.
    let parts: Vec<&str> = payload.split('.').collect();
    let other = buy(door.office(), user, door.concert, &[2]).await.remove(0).1;
    let other: Vec<&str> = other.split('.').collect();
    let forged = [parts[0], parts[1], parts[2], other[3]].join(".");
    door.check_in(&forged, "north").send().await.expect(400, "TICKET_FORGED");
    let unknown = [parts[0], &UserId::generate().to_string(), parts[2], parts[3]].join(".");
    door.check_in(&unknown, "north").send().await.expect(404, "TICKET_KEY_NOT_FOUND");
    let elsewhere = door.site.house.concert(1).await;
    let of_another = buy(door.office(), user, elsewhere, &[1]).await.remove(0).1;
    let refused = door.check_in(&of_another, "north").send().await.expect(409, "TICKET_FOR_OTHER_CONCERT");
    assert_eq!(refused.body["concertId"], json!(elsewhere));
    let nowhere = format!("/api/v1/admin/concerts/{}/checkins", UserId::generate());
    let ask = || json!({"ticket": payload, "gate": "north"});
    door.site.post(&nowhere, &ask()).bearer(&door.gate).send().await.expect(404, "CONCERT_NOT_FOUND");
    for body in [
        json!({}),
        json!({"ticket": payload}),
        json!({"ticket": payload, "gate": ""}),
        json!({"ticket": 1, "gate": "a"}),
    ] {
        door.send(&body).send().await.expect(400, "INVALID_REQUEST");
    }
    assert_eq!(door.site.house.count("select count(*) from check_ins").await, 0);
    door.check_in(&format!("  {payload}\r\n"), "north").send().await.expect(201, "");
    door.site.house.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_check_in_with_its_key_is_answered_as_the_first() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 1_000).await[0];
    let tickets = door.buy(user, &[1, 2]).await;
    let check_in = |nth: usize, gate| door.check_in(&tickets[nth].1, gate).key("scan 1");
    let first = check_in(0, "north").send().await.expect(201, "");
    door.site.house.advance(5);
    assert_eq!(check_in(0, "north").send().await.expect(201, "").body, first.body);
    check_in(0, "south").send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    check_in(1, "north").send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    // Another operator's key is another one.
    let ask = door.site.post(&door.check_ins(), &json!({"ticket": tickets[0].1, "gate": "north"}));
    ask.bearer(&door.operator).key("scan 1").send().await.expect(409, "ALREADY_CHECKED_IN");
    // A refund does not take back what was answered.
    let back_office = door.office().back_office();
    let payment = back_office.ticket(tickets[0].0).await.expect("reads").payment;
    back_office.refund(payment, None).await.expect("refunds");
    assert_eq!(check_in(0, "north").send().await.expect(201, "").body, first.body);
    assert_eq!(door.site.house.count("select count(*) from operator_log where act = 'CHECK_IN'").await, 1);
    door.site.house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_gates_of_two_servers_with_one_ticket_one_lets_it_in() {
    let door = Door::open().await;
    let users = door.site.house.active_users(1, 10_000).await;
    let tickets = door.buy(users[0], &(1..=20).collect::<Vec<_>>()).await;
    let offices = [door.office().clone(), door.site.house.another_office().await];
    let mut race = JoinSet::new();
    for nth in 0..400 {
        let (office, payload, concert) = (offices[nth % 2].clone(), tickets[nth / 2 % 20].1.clone(), door.concert);
        race.spawn(async move { office.operator(operator()).check_in(concert, shown(&payload)).await.map(|_| ()) });
    }
    let answers = race.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20, "{answers:?}");
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Error::AlreadyCheckedIn { .. }))).count();
    assert_eq!(refused, 380, "{answers:?}");
    door.site.house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn check_ins_and_refunds_and_moves_of_the_same_tickets_never_contradict() {
    let door = Door::open().await;
    let users = door.site.house.active_users(2, 10_000).await;
    let tickets = door.buy(users[0], &(1..=30).collect::<Vec<_>>()).await;
    let offices = [door.office().clone(), door.site.house.another_office().await];
    let mut race = JoinSet::new();
    for (nth, (ticket, payload)) in tickets.iter().cloned().enumerate() {
        let (one, other, concert, to) =
            (offices[nth % 2].clone(), offices[(nth + 1) % 2].clone(), door.concert, users[1]);
        race.spawn(async move {
            let back_office = one.operator(operator());
            if nth % 3 == 0 {
                back_office.move_ticket(ticket, to, ill()).await.map(drop)
            } else {
                let payment = back_office.ticket(ticket).await?.payment;
                back_office.refund(payment, None).await.map(drop)
            }
        });
        race.spawn(async move {
            match other.operator(operator()).check_in(concert, shown(&payload)).await {
                Ok(_) | Err(Error::TicketVoid { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        });
    }
    let failed: Vec<_> = race.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
    // Whoever was let in was let in before the ticket was void.
    let late = "select count(*) from check_ins k join void_tickets v on v.ticket_id = k.ticket_id \
                and v.version >= k.version and v.voided_at + interval 10 second < k.recorded_at";
    assert_eq!(door.site.house.count(late).await, 0);
    door.site.house.assert_sound().await;
}

#[tokio::test]
async fn seats_that_change_places_keep_their_tickets_and_the_door_tells_the_seat_as_it_is() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 1_000).await[0];
    let tickets = door.buy(user, &[1]).await;
    let back_office = door.office().back_office();
    let swap = [crate::support::seat(1), crate::support::seat(45)];
    back_office.swap_seats(door.concert, swap, None).await.expect("swaps");
    let made = door.check_in(&tickets[0].1, "north").send().await.expect(201, "").body;
    assert_eq!((&made["seatNumber"], &made["row"]), (&json!(45), &json!("3")));
    door.site.house.assert_sound().await;
}

#[tokio::test]
async fn check_ins_come_in_pages_newest_first() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 1_000).await[0];
    let tickets = door.buy(user, &[1, 2, 3]).await;
    for (_, payload) in &tickets {
        door.check_in(payload, "north").send().await.expect(201, "");
        door.site.house.clock.advance(Duration::seconds(1).to_std().expect("positive"));
    }
    let page = async |query: String| {
        let path = format!("{}?limit=2{query}", door.check_ins());
        let page = door.site.get(&path).bearer(&door.gate).send().await.expect(200, "").body;
        let seats: Vec<_> =
            page["data"].as_array().expect("a list").iter().map(|one| one["seatNumber"].clone()).collect();
        (seats, page["hasMore"].clone())
    };
    assert_eq!(page(String::new()).await, (vec![json!(3), json!(2)], json!(true)));
    assert_eq!(page(format!("&startingAfter={}", tickets[1].0)).await, (vec![json!(1)], json!(false)));
    let path = format!("{}?startingAfter={}", door.check_ins(), UserId::generate());
    door.site.get(&path).bearer(&door.gate).send().await.expect(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn the_audit_shows_check_ins_that_cannot_be() {
    let door = Door::open().await;
    let users = door.site.house.active_users(2, 1_000).await;
    let tickets = door.buy(users[0], &[1, 2]).await;
    let back_office = door.office().back_office();
    back_office.move_ticket(tickets[1].0, users[1], ill()).await.expect("moves");
    let (payment, held) = (back_office.ticket(tickets[0].0).await.expect("reads").payment, 3);
    door.check_in(&tickets[0].1, "north").send().await.expect(201, "");
    back_office.refund(payment, None).await.expect("refunds");
    door.office().hold_one(users[0], door.concert, crate::support::seat(held)).await.expect("holds");
    door.site.house.assert_sound().await;
    let found = async |what: &str| {
        let found = back_office.audit().await.expect("audits");
        assert!(found.iter().any(|one| one.invariant == 6 && one.what.contains(what)), "{what}: {found:#?}");
    };
    door.site.house.tamper("update check_ins set version = 2").await;
    found("a version that it never had").await;
    door.site.house.tamper("update check_ins set version = 1, entry_id = ticket_id").await;
    found("not in the operators' log").await;
    door.site
        .house
        .tamper("update check_ins set ticket_id = (select id from reservations where status = 'HELD')")
        .await;
    found("never sold").await;
    door.site.house.tamper("delete from void_tickets where reason = 'REFUNDED'").await;
    found("refunded ticket").await;
    door.site.house.tamper("delete from void_tickets").await;
    found("moved ticket").await;
}
