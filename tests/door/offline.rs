//! Gates that go on without the network: what they fetch beforehand, and what they deliver later.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Door, payload};
use crate::support::Shortcuts as _;

fn ill() -> concert_core::Reason {
    "the buyer is ill".parse().expect("a reason")
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[tokio::test]
async fn a_gate_delivers_later_whom_it_let_in_and_is_shown_what_conflicts() {
    let door = Door::open().await;
    let users = door.site.house.active_users(2, 10_000).await;
    let tickets = door.buy(users[0], &[1, 2, 3, 4, 5]).await;
    let began = door.office().now();
    let back_office = door.office().back_office();
    // While it was without the network, another gate let one in, one was refunded, one got another owner.
    door.check_in(&tickets[1].1, "south").send().await.expect(201, "");
    let payment = back_office.ticket(tickets[2].0).await.expect("reads").payment;
    back_office.refund(payment, None).await.expect("refunds");
    back_office.move_ticket(tickets[3].0, users[1], ill()).await.expect("moves");
    door.site.house.advance(3_600);
    let at = |minute: i64| text(began + Duration::minutes(minute));
    let delivered: Vec<Value> = (0..5)
        .map(|nth| json!({"ticket": tickets[nth].1, "gate": "north", "checkedInAt": at(nth as i64 + 1)}))
        .chain([json!({"ticket": "hello", "gate": "north", "checkedInAt": at(9)})])
        .collect();
    let answer = door.send(&json!({"checkins": delivered})).send().await.expect(200, "").body;
    assert_eq!((&answer["checkedIn"], &answer["refused"]), (&json!(2), &json!(4)), "{answer:#}");
    let results = answer["results"].as_array().expect("a list");
    let told: Vec<_> =
        results.iter().map(|one| one["code"].as_str().or(one["status"].as_str()).expect("says")).collect();
    let expected =
        ["CHECKED_IN", "ALREADY_CHECKED_IN", "TICKET_VOID", "TICKET_VOID", "CHECKED_IN", "TICKET_UNREADABLE"];
    assert_eq!(told, expected);
    assert_eq!((&results[1]["gate"], &results[1]["status"]), (&json!("south"), &json!("REFUSED")));
    assert_eq!((&results[2]["reason"], &results[3]["reason"]), (&json!("REFUNDED"), &json!("MOVED")));
    assert_eq!(results[0]["checkedInAt"], "2027-03-01T12:01:00.000000Z", "when the gate let it in");
    assert_eq!(results[0]["recordedAt"], "2027-03-01T13:00:00.000000Z");

    // The answer was lost, so the gate delivers the same again: nothing is doubled.
    door.site.house.advance(60);
    let again = door.send(&json!({"checkins": delivered})).send().await.expect(200, "").body;
    assert_eq!(again, answer);
    // One by one as well.
    let same = json!({"ticket": tickets[0].1, "gate": "north", "checkedInAt": at(1)});
    door.send(&same).send().await.expect(201, "");
    let other = json!({"ticket": tickets[0].1, "gate": "east", "checkedInAt": at(1)});
    door.send(&other).send().await.expect(409, "ALREADY_CHECKED_IN");
    assert_eq!(door.site.house.count("select count(*) from check_ins").await, 3);
    assert_eq!(door.site.house.count("select count(*) from operator_log where act = 'CHECK_IN'").await, 3);
    door.site.house.assert_sound().await;
}

#[tokio::test]
async fn what_is_too_long_ago_or_still_to_come_is_refused() {
    let door = Door::open().await;
    let user = door.site.house.active_users(1, 1_000).await[0];
    let tickets = door.buy(user, &[1, 2]).await;
    let now = door.office().now();
    let at = |nth: usize, at: DateTime<Utc>| {
        door.send(&json!({"ticket": tickets[nth].1, "gate": "north", "checkedInAt": text(at)}))
    };
    at(0, now - Duration::hours(25)).send().await.expect(400, "INVALID_REQUEST");
    at(0, now + Duration::minutes(6)).send().await.expect(400, "INVALID_REQUEST");
    at(0, now - Duration::hours(23)).send().await.expect(201, "");
    let ahead = at(1, now + Duration::minutes(4)).send().await.expect(201, "").body;
    assert_eq!(ahead["checkedInAt"], "2027-03-01T12:00:00.000000Z", "a clock that is ahead counts as now");
    at(1, now + Duration::minutes(4)).send().await.expect(201, "");
    for body in [
        json!({"checkins": []}),
        json!({"checkins": vec![json!({"ticket": "a", "gate": "b"}); 501]}),
        json!({"checkins": [{"ticket": tickets[0].1, "gate": "a"}], "gate": "a"}),
        json!({"ticket": tickets[0].1, "gate": "a", "checkedInAt": "yesterday"}),
    ] {
        door.send(&body).send().await.expect(400, "INVALID_REQUEST");
    }
    let keyed = door.send(&json!({"checkins": [{"ticket": tickets[0].1, "gate": "a"}]})).key("k");
    keyed.send().await.expect(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_gate_without_the_network_knows_which_tickets_are_void() {
    let door = Door::open().await;
    let users = door.site.house.active_users(3, 10_000).await;
    let tickets = door.buy(users[0], &[1, 2, 3, 4]).await;
    let back_office = door.office().back_office();
    let list = async |query: &str| {
        let path = format!("{}{query}", door.void_tickets());
        door.site.get(&path).bearer(&door.gate).send().await.expect(200, "")
    };
    let empty = list("").await;
    assert_eq!((&empty.body["data"], &empty.body["concertStatus"]), (&json!([]), &json!("ON_SALE")));
    let tag = empty.headers["etag"].to_str().expect("text").to_owned();
    door.site.house.advance(30);
    let unchanged = door.site.get(&door.void_tickets()).bearer(&door.gate).header("if-none-match", &tag);
    unchanged.send().await.expect(304, "");

    back_office.move_ticket(tickets[0].0, users[1], ill()).await.expect("moves");
    back_office.move_ticket(tickets[0].0, users[2], ill()).await.expect("moves on");
    door.site.house.advance(1);
    let payment = back_office.ticket(tickets[1].0).await.expect("reads").payment;
    back_office.refund(payment, None).await.expect("refunds");
    let told = |page: &Value| -> Vec<(Value, Value, Value)> {
        let told = page["data"].as_array().expect("a list").iter();
        told.map(|one| (one["ticketId"].clone(), one["version"].clone(), one["reason"].clone())).collect()
    };
    let all = list("").await.body;
    let moved = |version: u32| (json!(tickets[0].0), json!(version), json!("MOVED"));
    let refunded = (json!(tickets[1].0), json!(1), json!("REFUNDED"));
    assert_eq!(told(&all), [moved(1), moved(2), refunded.clone()]);

    // In pages: those of one moment are on one page, and nothing is left out.
    let first = list("?limit=1").await.body;
    assert_eq!((told(&first), &first["hasMore"]), (vec![moved(1), moved(2)], &json!(true)));
    let rest = list(&format!("?limit=1&since={}", first["nextSince"].as_str().expect("an instant"))).await.body;
    assert_eq!((told(&rest), &rest["hasMore"]), (vec![refunded.clone()], &json!(false)));
    // What was committed a moment ago comes again, since something of the same time may still be on its way.
    let next = |page: &Value| format!("?since={}", page["nextSince"].as_str().expect("an instant"));
    assert!(told(&list(&next(&rest)).await.body).contains(&refunded));
    door.site.house.advance(60);
    let settled = list("").await.body;
    assert_eq!(told(&list(&next(&settled)).await.body), []);

    // The newest owner's ticket is not among them.
    let newest = payload(door.office(), users[2], tickets[0].0).await;
    door.check_in(&newest, "north").send().await.expect(201, "");
    back_office.cancel_concert(door.concert, ill()).await.expect("calls it off");
    back_office.finish_cancellation(door.concert, |_| {}).await.expect("clears");
    let off = list("").await.body;
    assert_eq!((told(&off).len(), &off["concertStatus"]), (3 + 3, &json!("CANCELLED")));
    for query in ["?limit=0", "?limit=1001", "?since=yesterday", "?more=1"] {
        let path = format!("{}{query}", door.void_tickets());
        door.site.get(&path).bearer(&door.gate).send().await.expect(400, "INVALID_REQUEST");
    }
    door.site.house.assert_sound().await;
}
