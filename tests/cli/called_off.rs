//! `concert cancel`, `ticket` and `refund --off-sale`.

use std::process::Stdio;
use std::time::Duration;

use concert_core::{Clock as _, Page, SystemClock};
use serde_json::{Value, json};

use super::desk::{Desk, url};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

async fn desk() -> Desk {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(5_000)).await;
    house.clock.set(SystemClock.now());
    let url = url(&house.database);
    Desk { house, url }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_that_is_killed_goes_on_where_it_was_and_refunds_each_payment_once() {
    let desk = desk().await;
    let date = concert_core::chrono::NaiveDate::from_ymd_opt(2099, 4, 1).expect("a date");
    let concert = desk.house.concert_on(date, 3_000).await;
    let user = desk.house.active_users(1, 1_000_000).await[0];
    let numbers: Vec<_> = (1..=3_000).map(seat).collect();
    for some in numbers.chunks(250) {
        let order = desk.house.office.hold(user, concert, some.to_vec()).await.expect("holds");
        desk.house.office.pay(user, order.id, order.total).await.expect("pays");
    }
    let id = concert.to_string();
    let dry = desk.run(&["concert", "cancel", &id, "--reason", "no singer", "--dry-run", "--output", "json"]).json();
    assert_eq!((&dry["dryRun"], &dry["payments"], &dry["amount"]), (&json!(true), &json!(3_000), &json!(300_000)));

    let unasked = desk.run(&["concert", "cancel", &id, "--reason", "no singer"]);
    assert!(
        unasked.refused(2).contains("There is no terminal to ask at: add --yes"),
        "nobody is asked, so nothing is done"
    );
    let args = ["concert", "cancel", &id, "--reason", "no singer", "--yes", "--output", "json"];
    let mut killed = 0;
    for _ in 0..4 {
        let before = desk.house.office.back_office().cancellation(concert).await.expect("reads");
        let mut child = desk.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
        // Until it has refunded some more, or has ended.
        while child.try_wait().expect("looks").is_none() {
            let now = desk.house.office.back_office().cancellation(concert).await.expect("reads");
            if now.refunded > before.refunded {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // SIGKILL.
        child.kill().expect("kills");
        child.wait().expect("ends");
        let left = desk.house.office.back_office().cancellation(concert).await.expect("reads");
        killed += u32::from(left.refunded < 3_000);
        desk.house.assert_sound().await;
    }
    assert!(killed > 0, "it was killed before it was done");
    let done = desk.run(&args).json();
    assert_eq!((&done["payments"], &done["refunded"], &done["done"]), (&json!(3_000), &json!(3_000), &json!(true)));
    assert_eq!(done["amountRefunded"], 300_000);
    assert_eq!(desk.house.office.balance(user).await.expect("reads"), money(1_000_000));
    assert_eq!(desk.house.count("select count(*) from wallet_entries where kind = 'REFUND'").await, 3_000);
    assert_eq!(desk.run(&args).json(), done, "once more, it only says so");
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn calling_off_a_second_time_says_so_and_that_the_first_reason_stays() {
    let desk = Desk::seeded().await;
    let cancel = |reason| ["concert", "cancel", "Concert 1-1", "--reason", reason, "--yes", "--output", "json"];
    assert_eq!(desk.run(&cancel("no singer")).json()["calledOffBefore"], false);
    let again = desk.run(&cancel("a flood"));
    assert_eq!(
        (again.code, again.stderr.as_str()),
        (Some(0), "this concert was called off before; its reason stays \"no singer\", the new one is not recorded\n")
    );
    let said: Value = serde_json::from_str(&again.stdout).expect("is JSON");
    assert_eq!((&said["calledOffBefore"], &said["reason"]), (&json!(true), &json!("no singer")));
    let dry = desk.run(&["concert", "cancel", "Concert 1-1", "--reason", "a flood", "--dry-run"]);
    assert!(dry.stderr.contains("no singer") && dry.stdout.contains("called off before  yes"), "{dry:?}");
    // The same reason is no other one.
    assert_eq!(desk.run(&cancel("no singer")).json()["calledOffBefore"], true);
}

#[tokio::test]
async fn tickets_are_shown_and_moved_and_refunds_keep_seats_off_sale() {
    let desk = desk().await;
    let date = concert_core::chrono::NaiveDate::from_ymd_opt(2099, 4, 1).expect("a date");
    let concert = desk.house.concert_on(date, 2).await;
    let users = desk.house.active_users(2, 1_000).await;
    let held = desk.house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    desk.house.office.pay(users[0], held.id, money(PRICE)).await.expect("pays");
    let (ticket, to) = (held.id.to_string(), format!("user-{}", users[1]));
    let moved = ["ticket", "move", &ticket, "--to", &to, "--reason", "a gift", "--as", "ann", "--output", "json"];
    let moved = desk.run(&moved).json();
    assert_eq!(
        (&moved["userId"], &moved["paidBy"], &moved["version"]),
        (&json!(users[1]), &json!(users[0]), &json!(2))
    );
    let shown = desk.run(&["ticket", "show", &ticket]).ok();
    assert!(shown.contains("VALID") && shown.contains("a gift") && shown.contains(&to), "{shown}");
    let payment = desk.house.office.payments_of(users[0], Page::default()).await.expect("reads").data[0].id.to_string();
    let both = desk.run(&["refund", &payment, "--to-sale", "--off-sale", "--yes"]).refused(2);
    assert!(both.contains("--off-sale"), "{both}");
    let refund = ["refund", &payment, "--off-sale", "--reason", "a pillar", "--yes", "--output", "json"];
    let refund = desk.run(&refund).json();
    assert_eq!((&refund["seat"], &refund["userId"]), (&json!("OFF_SALE"), &json!(users[0])));
    assert!(!desk.house.office.seats(concert).await.expect("lists")[0].available);
    assert!(desk.run(&["ticket", "show", &ticket]).ok().contains("VOID"));
    let gone = desk.run(&["ticket", "show", "018f7d0e-0000-7000-8000-000000000000"]).refused(1);
    assert!(gone.contains("there is no such ticket"), "{gone}");
    desk.house.assert_sound().await;
}
