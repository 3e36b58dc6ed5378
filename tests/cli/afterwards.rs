//! `explain` and `refund`.

use insta::assert_snapshot;
use serde_json::json;

use super::desk::{CONCERT, Desk, USERS, concert, redacted, user};
use crate::support::{Shortcuts as _, money, seat};

#[tokio::test]
async fn explain_tells_what_happened_and_what_comes_next() {
    let desk = Desk::seeded().await;
    let now = desk.catch_up();
    let office = &desk.house.office;
    let token = office.issue_token(user(0)).await.expect("joins").token.ticket.token.to_string();
    let held = office.hold_one(user(0), concert(), seat(2)).await.expect("holds").id.to_string();
    redacted(|| {
        assert_snapshot!(desk.run(&["explain", "token", &token]).ok(), @"
        token [id], ticket 1, of user [id]
        Now: ACTIVE
        ┌──────────────────────┬──────────────────┬──────────────────────────────────────────────────────┐
        │ When                 ┆ What             ┆ Why                                                  │
        ╞══════════════════════╪══════════════════╪══════════════════════════════════════════════════════╡
        │ [time] ┆ joined the queue ┆ ticket 1, token [id] │
        │ [time] ┆ let in           ┆ at once: nobody waited and there was room            │
        └──────────────────────┴──────────────────┴──────────────────────────────────────────────────────┘
        Next: the turn ends at [time]; earlier if the user leaves or has paid all holds, later if seats are held for longer
        ");
        assert_snapshot!(desk.run(&["explain", "seat", CONCERT, "2"]).ok(), @"
        seat 2 of Concert 1-1 on 2099-12-30, 120; concert [id]
        Now: held by user [id] since [time]
        ┌──────────────────────┬───────────┬─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
        │ When                 ┆ What      ┆ Why                                                                                                                                 │
        ╞══════════════════════╪═══════════╪═════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════╡
        │ [time] ┆ seat held ┆ 120 to be paid by [time]; user [id], reservation [id] │
        └──────────────────────┴───────────┴─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
        Next: seat 2 becomes free at [time] unless it is paid before
        ");
        assert_snapshot!(desk.run(&["explain", "seat", CONCERT, "1"]).ok(), @"
        seat 1 of Concert 1-1 on 2099-12-30, 150; concert [id]
        Now: free
        Nothing happened to it yet.
        Next: any ACTIVE user can reserve it
        ");
        assert_snapshot!(desk.run(&["explain", "user", "user-1-1"]).ok(), @"
        user user-1-1 ([id])
        Now: ACTIVE; balance 1000
        ┌──────────────────────┬──────────────────┬─────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
        │ When                 ┆ What             ┆ Why                                                                                                             │
        ╞══════════════════════╪══════════════════╪═════════════════════════════════════════════════════════════════════════════════════════════════════════════════╡
        │ [time] ┆ signed up        ┆ without a password                                                                                              │
        │ [time] ┆ balance changed  ┆ +1000 (RECHARGE), 1000 after it                                                                                 │
        │ [time] ┆ joined the queue ┆ ticket 1, token [id]                                                            │
        │ [time] ┆ let in           ┆ at once: nobody waited and there was room                                                                       │
        │ [time] ┆ seat held        ┆ 120 to be paid by [time]; seat 2 of Concert 1-1, reservation [id] │
        └──────────────────────┴──────────────────┴─────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
        Next: the turn ends at [time]; earlier if the user leaves or has paid all holds, later if seats are held for longer
        Next: seat 2 becomes free at [time] unless it is paid before
        ");
    });
    assert_eq!(desk.run(&["explain", "user", USERS[0]]).ok(), desk.run(&["explain", "user", "user-1-1"]).ok());
    let told = desk.run(&["explain", "reservation", &held, "--output", "json"]).json();
    assert_eq!(told["now"], "HELD");
    assert_eq!(told["events"].as_array().map(Vec::len), Some(1));
    assert_eq!(told["events"][0]["what"], "HELD");
    assert_eq!(told["events"][0]["at"], json!(now));
    assert_eq!(told["olderLeftOut"], false);
    assert!(told["next"][0].as_str().is_some_and(|next| next.starts_with("seat 2 becomes free at ")), "{told}");
    assert_eq!(desk.house.count("select count(*) from tokens where claimed_at is null").await, 0, "nothing is touched");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_explained() {
    let desk = Desk::seeded().await;
    let nobody = "018f7d0e-0000-7000-8000-000000000000";
    assert_snapshot!(desk.run(&["explain", "token", nobody]).refused(1), @"error: there is no such queue token (TOKEN_UNKNOWN)");
    assert_snapshot!(desk.run(&["explain", "reservation", nobody]).refused(1), @"error: there is no such reservation (RESERVATION_NOT_FOUND)");
    assert_snapshot!(desk.run(&["explain", "seat", nobody, "1"]).refused(1), @"error: there is no such concert (CONCERT_NOT_FOUND)");
    assert_snapshot!(desk.run(&["explain", "seat", CONCERT, "5"]).refused(1), @"error: this concert has no seat 5 (SEAT_NOT_FOUND)");
    assert_snapshot!(desk.run(&["explain", "user", "nobody"]).refused(1), @"error: there is no such user (USER_NOT_FOUND)");
    for args in [
        &["explain"][..],
        &["explain", "token", "1"],
        &["explain", "seat", CONCERT],
        &["explain", "seat", CONCERT, "0"],
    ] {
        desk.run(args).refused(2);
    }
}

#[tokio::test]
async fn a_refund_gives_money_and_seat_back_once_and_is_recorded() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let office = &desk.house.office;
    office.issue_token(user(0)).await.expect("joins");
    let mut paid = Vec::new();
    for number in 1..=2 {
        let held = office.hold_one(user(0), concert(), seat(number)).await.expect("holds");
        paid.extend(office.pay(user(0), held.id, held.price).await.expect("pays").payments);
    }
    let before = office.balance(user(0)).await.expect("reads");
    let (first, second) = (paid[0].id.to_string(), paid[1].id.to_string());

    let refunded = desk.run(&["refund", &first, "--reason", "a pillar in front of it", "--as", "ann", "--yes"]).ok();
    redacted(|| {
        assert_snapshot!(refunded, @"
    payment id   [id]
    amount       150
    user id      [id]
    balance      880
    concert id   [id]
    seat number  1
    seat         on sale again
    refunded at  [time]
    ");
    });
    assert_eq!(office.balance(user(0)).await.expect("reads"), before.checked_add(paid[0].amount).expect("in range"));
    assert!(office.seats(concert()).await.expect("lists")[0].available);
    assert_snapshot!(desk.run(&["refund", &first, "--yes"]).refused(1), @"error: this payment is already refunded (ALREADY_REFUNDED)");
    assert_snapshot!(desk.run(&["refund", USERS[0], "--yes"]).refused(1), @"error: there is no such payment (PAYMENT_NOT_FOUND)");
    let refunded = desk.run(&["refund", &second, "--by", "bob", "--yes", "--output", "json"]).json();
    assert_eq!(
        (&refunded["paymentId"], &refunded["seatNumber"], &refunded["balance"]),
        (&json!(second), &json!(2), &json!(1_000))
    );
    assert_eq!(office.balance(user(0)).await.expect("reads"), money(1_000));
    let recorded = "select count(*) from payments where (refunded_by like 'ann (%@%)' and refund_reason = 'a pillar in front of it') \
         or (refunded_by like 'bob (%@%)' and refund_reason is null)";
    assert_eq!(desk.house.count(recorded).await, 2);
    let told = desk.run(&["explain", "seat", CONCERT, "1"]).ok();
    assert!(told.contains("by ann (") && told.contains("): a pillar in front of it"), "{told}");
    for args in
        [&["refund"][..], &["refund", "1"], &["refund", &first, "--reason", ""], &["refund", &first, "--as", " "]]
    {
        desk.run(args).refused(2);
    }
    assert_snapshot!(desk.run(&["audit"]).ok(), @"all invariants hold");
}
