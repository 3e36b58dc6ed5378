//! What operators do at the desk: keys, the log, and the question before what cannot be undone.

use concert_core::{Role, TokenStatus};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::desk::{Desk, USERS, concert, redacted, user};
use crate::support::{Shortcuts as _, money, seat};

/// The log, newest first: who did what to which thing.
fn acts(desk: &Desk) -> Vec<(String, Value, Value)> {
    let log = desk.run(&["log", "--output", "json"]).json();
    let entries = log["data"].as_array().expect("a list");
    let who = |entry: &Value| entry["by"].as_str().expect("a name").split(" (").next().unwrap_or_default().to_owned();
    entries.iter().map(|entry| (who(entry), entry["act"].clone(), entry["subject"].clone())).collect()
}

#[tokio::test]
async fn a7_a_key_is_made_listed_and_revoked() {
    let desk = Desk::open().await;
    let made =
        desk.run(&["key", "make", "--role", "gate", "--name", "door 3", "--as", "ann", "--output", "json"]).json();
    let fields: Vec<_> = made.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["key", "keyId", "name", "role"]);
    let (id, key) = (made["keyId"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    let office = &desk.house.office;
    assert_eq!(office.authenticate_operator(key, Role::Gate).await.expect("is valid").as_str(), "door 3");
    let listed = desk.run(&["key", "list", "--output", "json"]).json();
    assert_eq!(
        (&listed["keys"][0]["keyId"], &listed["keys"][0]["role"], &listed["keys"][0]["revokedAt"]),
        (&made["keyId"], &json!("gate"), &json!(null))
    );
    assert!(!listed.to_string().contains(key));

    let revoke = ["key", "revoke", id, "--as", "bob"];
    let asked = desk.run(&revoke).refused(2);
    assert!(asked.contains("--yes") && asked.contains("door 3"), "{asked}");
    let dry = desk.run(&[&revoke[..], &["--dry-run", "--output", "json"]].concat()).json();
    assert_eq!((&dry["dryRun"], &dry["revokedAt"]), (&json!(true), &json!(null)));
    office.authenticate_operator(key, Role::Gate).await.expect("nothing was done");
    let revoked = desk.run(&[&revoke[..], &["--yes"]].concat()).ok();
    redacted(|| {
        assert_snapshot!(revoked, @"
        key id   [id]
        name     door 3
        role     gate
        revoked  [time]
        ");
    });
    desk.house.advance(2);
    office.authenticate_operator(key, Role::Gate).await.expect_err("is revoked");
    assert_eq!(
        acts(&desk),
        [("bob".into(), json!("KEY_REVOKE"), json!("key")), ("ann".into(), json!("KEY_MAKE"), json!("key"))]
    );
    for args in [
        &["key"][..],
        &["key", "make", "--role", "root", "--name", "x"],
        &["key", "make", "--role", "gate"],
        &["key", "make", "--role", "gate", "--name", " "],
        &["key", "revoke", "7", "--yes"],
        &["log", "--limit", "0"],
        &["log", "--starting-after", "7"],
    ] {
        desk.run(args).refused(2);
    }
    assert_snapshot!(desk.run(&["key", "revoke", USERS[0], "--yes"]).refused(1), @"error: there is no such operator key (OPERATOR_KEY_NOT_FOUND)");
}

#[tokio::test]
async fn a7_a_refund_is_asked_about_and_a_dry_run_changes_nothing() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let office = &desk.house.office;
    office.issue_token(user(0)).await.expect("joins");
    let held = office.hold_one(user(0), concert(), seat(1)).await.expect("holds");
    let payment = office.pay(user(0), held.id, money(150)).await.expect("pays").payments[0].id.to_string();
    let asked = desk.run(&["refund", &payment]).refused(2);
    assert!(asked.contains("--yes") && asked.contains("--dry-run"), "{asked}");
    let dry = desk.run(&["refund", &payment, "--dry-run"]).ok();
    redacted(|| {
        assert_snapshot!(dry, @"
        payment id   [id]
        amount       150
        user id      [id]
        balance      1000
        concert id   [id]
        seat number  1
        seat         on sale again
        refunded at  not yet: this is a dry run
        ");
    });
    let dry = desk.run(&["refund", &payment, "--dry-run", "--output", "json"]).json();
    assert_eq!((&dry["dryRun"], &dry["amount"], &dry["paymentId"]), (&json!(true), &json!(150), &json!(payment)));
    assert_eq!(office.balance(user(0)).await.expect("reads"), money(850), "nothing was done");
    assert_snapshot!(desk.run(&["refund", USERS[0], "--dry-run"]).refused(1), @"error: there is no such payment (PAYMENT_NOT_FOUND)");
    desk.run(&["refund", &payment, "--yes", "--dry-run"]).refused(2);
    desk.run(&["refund", &payment, "--yes", "--as", "ann"]).ok();
    assert_eq!(acts(&desk)[0], ("ann".into(), json!("REFUND"), json!("payment")));
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn a7_ending_a_token_at_the_desk_is_logged_and_can_be_tried_dry() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let office = &desk.house.office;
    office.issue_token(user(0)).await.expect("joins");
    assert_eq!(
        desk.run(&["token", "expire", USERS[0], "--dry-run", "--output", "json"]).json(),
        json!({"dryRun": true, "userId": USERS[0], "status": "ACTIVE"})
    );
    assert_eq!(office.token_status(user(0)).await.expect("is in").standing.status, TokenStatus::Active);
    desk.run(&["token", "expire", USERS[0], "--as", "ann"]).ok();
    assert_eq!(acts(&desk)[0], ("ann".into(), json!("TOKEN_EXPIRE"), json!("user")));
    assert_snapshot!(desk.run(&["token", "expire", USERS[0], "--dry-run"]).refused(1), @"error: this user is not in the queue (TOKEN_NOT_FOUND)");
    let table = desk.run(&["log", "--limit", "1"]).ok();
    assert!(table.contains("TOKEN_EXPIRE") && table.contains(USERS[0]) && table.contains("ann ("), "{table}");
}

#[tokio::test]
async fn a7_whoever_acts_at_the_desk_leaves_a_record() {
    let desk = Desk::open().await;
    desk.catch_up();
    let json = ["--as", "ann", "--output", "json"];
    let run = |args: &[&str]| desk.run(&[args, &json[..]].concat()).json();
    desk.run(&["seed", "--seats", "4", "--users", "1", "--starting", "2099-12-30"]).ok();
    let concerts = desk.run(&["status", "--output", "json"]).json();
    let concert = concerts["concerts"][0]["concertId"].as_str().expect("an id");
    let made = run(&["user", "create", "minji", "--balance", "1000"]);
    let id = made["userId"].as_str().expect("an id");
    desk.run_with_secret(&["token", "issue", id, "--as", "ann"]).ok();
    let held = run(&["hold", id, "--concert", concert, "--seats", "1"]);
    let order = held["orderId"].as_str().expect("an id");
    run(&["extend", id, "--order", order]);
    run(&["pay", id, "--order", order]);
    run(&["token", "expire", id]);
    let log = acts(&desk);
    let told: Vec<_> = log.iter().map(|(by, act, _)| format!("{by} {}", act.as_str().expect("is text"))).collect();
    assert_eq!(
        told[..7],
        ["ann TOKEN_EXPIRE", "ann PAY", "ann EXTEND", "ann HOLD", "ann TOKEN_ISSUE", "ann RECHARGE", "ann USER_CREATE"]
    );
    assert!(told[7].ends_with("USERS_ADD") && told[8].ends_with("CONCERT_ADD"), "{told:?}");
    assert!(told[7].contains('@'), "without --as it is the user and the host: {}", told[7]);
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn a5_the_desk_recharges_for_a_payment_that_came_in_once() {
    let desk = Desk::seeded().await;
    let recharged = desk.run(&["recharge", USERS[0], "12.50", "--reference", "INV-7", "--as", "ann"]).ok();
    redacted(|| {
        assert_snapshot!(recharged, @"
        user id         [id]
        amount          12.5
        reference       INV-7
        balance before  1000
        balance         1012.5
        ");
    });
    let by_name = desk.run(&["recharge", "user-1-1", "1", "--reference", "INV-8", "--output", "json"]).json();
    assert_eq!(
        by_name,
        json!({"userId": USERS[0], "amount": 1, "reference": "INV-8", "currentBalance": 1012.5, "newBalance": 1013.5})
    );
    let again = desk.run(&["recharge", USERS[0], "12.50", "--reference", "INV-7"]).refused(1);
    assert!(again.contains("12.5, at ") && again.ends_with("(REFERENCE_USED)\n"), "{again}");
    assert_eq!(acts(&desk)[1], ("ann".into(), json!("RECHARGE"), json!("user")));
    let told = desk.run(&["explain", "user", USERS[0]]).ok();
    assert!(told.contains("reference INV-7"), "{told}");
    for args in [
        &["recharge", USERS[0], "1"][..],
        &["recharge", USERS[0], "--reference", "x"],
        &["recharge", USERS[0], "0", "--reference", "x"],
        &["recharge", USERS[0], "1", "--reference", ""],
    ] {
        desk.run(args).refused(2);
    }
    assert_snapshot!(desk.run(&["recharge", "nobody", "1", "--reference", "x"]).refused(1), @"error: there is no such user (USER_NOT_FOUND)");
    desk.house.assert_sound().await;
}
