//! `seat`: a hall that changes while it sells.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::desk::{CONCERT, Desk, USERS, concert, redacted, user};
use crate::support::seat;

#[tokio::test]
async fn the_desk_holds_past_the_queue_and_is_paid() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let money = |amount: u32| concert_core::Money::whole(amount).expect("in range");
    desk.house.office.recharge(user(1), money(500)).await.expect("recharges");
    let hold = |more: &[&str]| desk.run(&[&["hold", USERS[1], "--concert", CONCERT, "--best", "2"][..], more].concat());
    let refused = hold(&["--together"]).refused(1);
    assert!(refused.contains("TOKEN_NOT_ACTIVE"), "{refused}");
    let held = hold(&["--together", "--bypass-queue", "--as", "ann", "--output", "json"]).json();
    let order = held["orderId"].as_str().expect("an id");
    let status = desk.run(&["status", "--output", "json"]).json();
    assert_eq!((&status["queue"]["bypassed"], &status["queue"]["joined"]), (&json!(2), &json!(0)));
    let paid = desk.run(&["pay", USERS[1], "--order", order, "--output", "json"]).json();
    assert_eq!(paid["total"], held["total"]);
    let log = desk.run(&["log", "--output", "json"]).json();
    assert_eq!((&log["data"][0]["act"], &log["data"][1]["after"]["bypassQueue"]), (&json!("PAY"), &json!(true)));
    desk.run(&["audit"]).ok();
}

#[tokio::test]
async fn an_act_of_which_seats_are_refused_exits_1_with_its_result_and_so_does_its_dry_run() {
    let desk = Desk::seeded().await;
    let some = ["seat", "block", CONCERT, "2,9", "--reason", "camera"];
    let none = ["seat", "block", CONCERT, "8-9", "--reason", "camera"];
    let there = ["seat", "add", CONCERT, "1-2", "--price", "70"];
    for (args, changed, refused) in [(&some[..], 1, 1), (&none, 0, 2), (&there, 0, 2)] {
        for more in [&["--dry-run"][..], &[]] {
            let (result, complaint) = desk.run(&[args, &["--output", "json"], more].concat()).in_part();
            let result: Value = serde_json::from_str(&result).expect("is JSON");
            assert_eq!(
                (&result["changed"], result["refused"].as_array().map(Vec::len)),
                (&json!(changed), Some(refused))
            );
            let object = json!({"error": {"code": "SEATS_REFUSED", "message": format!("refused seats: {refused}")}});
            assert_eq!(complaint.lines().last(), Some(object.to_string().as_str()), "{args:?} {more:?}");
        }
    }
    // Seats that are so already are not refused.
    desk.run(&["seat", "block", CONCERT, "2", "--reason", "camera"]).ok();
}

#[tokio::test]
async fn seats_are_blocked_priced_added_and_swapped_at_the_desk() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let office = &desk.house.office;
    office.issue_token(user(0)).await.expect("joins");
    office.hold(user(0), concert(), seat(1)).await.expect("holds");
    let (blocked, refused) =
        desk.run(&["seat", "block", CONCERT, "1-2,9", "--reason", "camera", "--as", "ann"]).in_part();
    assert_eq!(refused, "error: refused seats: 2 (SEATS_REFUSED)\n");
    assert_snapshot!(blocked, @"
     changed  1
     seats    2
     version  2
    ┌─────────┬───────────────────────┐
    │ Refused ┆ Why                   │
    ╞═════════╪═══════════════════════╡
    │       1 ┆ SEAT_ALREADY_RESERVED │
    │       9 ┆ SEAT_NOT_FOUND        │
    └─────────┴───────────────────────┘
    ");
    // By its name as well.
    let name = office.concert_dates().await.expect("lists")[0].name.clone();
    let again = desk.run(&["seat", "block", &name, "2", "--reason", "camera", "--output", "json"]).json();
    assert_eq!((&again["changed"], &again["refused"]), (&json!(0), &json!([])));
    let explained = desk.run(&["explain", "seat", CONCERT, "2"]).ok();
    assert!(explained.contains("Now: not on sale: camera"), "{explained}");
    let status = desk.run(&["status", "--output", "json"]).json();
    let hall = &status["concerts"][0];
    assert_eq!((&hall["free"], &hall["held"], &hall["blocked"]), (&json!(2), &json!(1), &json!(1)));
    let priced = ["seat", "price", CONCERT, "--seats", "1-4", "--price", "0", "--output", "json"];
    let priced = desk.run(&priced).json();
    assert_eq!((&priced["changed"], &priced["reserved"], &priced["refused"]), (&json!(4), &json!([1]), &json!([])));
    let unblocked = desk.run(&["seat", "unblock", CONCERT, "2", "--output", "json"]).json();
    assert_eq!((&unblocked["changed"], &unblocked["seatNumbers"]), (&json!(1), &json!([2])));
    let dry = desk.run(&["seat", "price", CONCERT, "1-2", "--price", "9", "--dry-run"]).ok();
    let dry = dry.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(dry, "would change 2 seats 1, 2 of them reserved 1 version 4");
    let marked =
        ["seat", "add", CONCERT, "30", "--price", "70", "--mark", "accessible,aisle", "--dry-run", "--output", "json"];
    assert_eq!(desk.run(&marked).json()["dryRun"], json!(true));
    let added =
        ["seat", "add", CONCERT, "5-8", "--price", "70", "--section", "Side", "--row", "A", "--first-place", "1"];
    let added = desk.run(&[&added[..], &["--output", "json"]].concat()).json();
    assert_eq!((&added["changed"], &added["version"]), (&json!(4), &json!(5)));
    let side = desk.run(&["seat", "price", CONCERT, "--section", "Side", "--price", "75", "--output", "json"]).json();
    assert_eq!(side["seatNumbers"], json!([5, 6, 7, 8]));
    let swapped = desk.run(&["seat", "swap", CONCERT, "1", "6", "--reason", "a broken seat"]).ok();
    redacted(|| {
        assert_snapshot!(swapped, @"
        ┌──────┬────┬──────────────────────────────────────┐
        │ From ┆ To ┆ Reservation id                       │
        ╞══════╪════╪══════════════════════════════════════╡
        │    1 ┆  6 ┆ [id] │
        └──────┴────┴──────────────────────────────────────┘
        ");
    });
    desk.run(&["audit"]).ok();

    for args in [
        &["seat"][..],
        &["seat", "block", CONCERT, "1"],
        &["seat", "block", CONCERT, "--reason", "camera"],
        &["seat", "block", CONCERT, "0", "--reason", "camera"],
        &["seat", "block", CONCERT, "2-1", "--reason", "camera"],
        &["seat", "block", CONCERT, "1", "--section", "Side", "--reason", "camera"],
        &["seat", "price", CONCERT, "1", "--price", "-1"],
        &["seat", "add", CONCERT, "--price", "1"],
        &["seat", "swap", CONCERT, "1"],
    ] {
        desk.run(args).refused(2);
    }
    let moon = desk.run(&["seat", "price", CONCERT, "--section", "Moon", "--price", "1"]).refused(1);
    assert!(moon.contains("SECTION_NOT_FOUND"), "{moon}");
    let free = desk.run(&["seat", "swap", CONCERT, "2", "3"]).refused(1);
    assert!(free.contains("SEATS_NOT_RESERVED"), "{free}");
}
