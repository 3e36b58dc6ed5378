//! `migrate`, `status`, `sweep`, `rerank`, `queue`, `audit`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::desk::{CONCERT, Desk, Ran, concert, concert_cli, url, user};
use crate::support::{Shortcuts as _, fresh_database, money, seat};

#[tokio::test]
async fn an_unmigrated_database_says_so_and_migrating_twice_is_fine() {
    let url = url(&fresh_database().await);
    let run = |args: &[&str]| Ran::from(concert_cli(&[args, &["--database-url", &url]].concat()), b"");
    assert_snapshot!(run(&["status"]).refused(1), @"error: the database cannot be used: its schema is missing or out of date; run `concert-cli migrate` (DATABASE_SETUP)");
    for command in ["audit", "sweep", "rerank"] {
        assert!(run(&[command]).refused(1).ends_with("run `concert-cli migrate` (DATABASE_SETUP)\n"), "{command}");
    }
    assert_snapshot!(run(&["migrate"]).ok(), @"the schema is up to date");
    assert_eq!(run(&["migrate", "--output", "json"]).json(), json!({"migrated": true}));
    assert_snapshot!(run(&["audit"]).ok(), @"all invariants hold");
}

/// The first user is ACTIVE and holds seats 1 and 2; the first is paid.
async fn sell_one_hold_one(desk: &Desk) {
    let office = &desk.house.office;
    office.issue_token(user(0)).await.expect("joins");
    let sold = office.hold_one(user(0), concert(), seat(1)).await.expect("holds");
    office.hold_one(user(0), concert(), seat(2)).await.expect("holds");
    office.pay(user(0), sold.id, money(150)).await.expect("pays");
}

#[tokio::test]
async fn status_shows_the_queue_the_seats_the_holds_and_the_revenue() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    sell_one_hold_one(&desk).await;
    assert_snapshot!(desk.run(&["status"]).ok(), @"
    ┌────────┬─────────┬────────────┬────────┬─────────┬──────┬────────┬───────────────┬───────────────┬──────────┬──────────────┐
    │ Active ┆ At most ┆ Per minute ┆ Paused ┆ Waiting ┆ Seen ┆ Unseen ┆ Joined so far ┆ Let in so far ┆ No-shows ┆ Let in per s │
    ╞════════╪═════════╪════════════╪════════╪═════════╪══════╪════════╪═══════════════╪═══════════════╪══════════╪══════════════╡
    │      1 ┆      10 ┆ -          ┆ no     ┆       0 ┆    0 ┆      0 ┆             1 ┆             0 ┆        0 ┆ -            │
    └────────┴─────────┴────────────┴────────┴─────────┴──────┴────────┴───────────────┴───────────────┴──────────┴──────────────┘
    ┌────────────┬─────────────┬───────┬──────┬──────┬──────┬─────────┬────┬──────────────────────────────────────┐
    │ Date       ┆ Concert     ┆ Seats ┆ Free ┆ Held ┆ Sold ┆ Blocked ┆ In ┆ Concert id                           │
    ╞════════════╪═════════════╪═══════╪══════╪══════╪══════╪═════════╪════╪══════════════════════════════════════╡
    │ 2099-12-30 ┆ Concert 1-1 ┆     4 ┆    2 ┆    1 ┆    1 ┆       0 ┆  0 ┆ 350753f5-0040-5c88-b2ad-ebaea9ef7fe4 │
    └────────────┴─────────────┴───────┴──────┴──────┴──────┴─────────┴────┴──────────────────────────────────────┘
    ┌───────┬────────────────┬──────────┬─────────┬─────────┬──────────┐
    │ Holds ┆ Past the queue ┆ Payments ┆ Revenue ┆ Refunds ┆ Refunded │
    ╞═══════╪════════════════╪══════════╪═════════╪═════════╪══════════╡
    │     1 ┆              0 ┆        1 ┆     150 ┆       0 ┆        0 │
    └───────┴────────────────┴──────────┴─────────┴─────────┴──────────┘
    ");
    let expected = json!({
        "queue": {"active": 1, "waiting": 0, "seen": 0, "unseen": 0, "maxActive": 10, "paused": false, "perMinute": null, "joined": 1,
            "admitted": 0, "noShows": 0, "departed": 0, "bypassed": 0, "admittedPerSecond": null},
        "concerts": [{
            "concertId": CONCERT, "concertName": "Concert 1-1", "date": "2099-12-30",
            "seats": 4, "free": 2, "held": 1, "sold": 1, "blocked": 0, "checkedIn": 0,
        }],
        "holds": 1, "payments": 1, "revenue": 150, "refunds": 0, "refunded": 0,
    });
    assert_eq!(desk.run(&["status", "--output", "json"]).json(), expected);
}

#[tokio::test]
async fn status_watches_until_it_is_interrupted() {
    let desk = Desk::seeded().await;
    let mut command = desk.command(&["status", "--watch", "1", "--output", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("goes on").expect("is text");
        assert_eq!(serde_json::from_str::<Value>(&line).expect("is JSON")["concerts"][0]["free"], 4);
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("runs");
    assert!(killed.success());
    let ended = child.wait_with_output().expect("ends");
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), vec![]));
}

#[tokio::test]
async fn what_is_watched_is_not_mixed_with_screen_codes_where_there_is_no_screen() {
    let desk = Desk::seeded().await;
    let mut child = desk.command(&["status", "--watch"]).stdout(Stdio::piped()).spawn().expect("runs");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let first = lines.next().expect("prints").expect("is text");
    child.kill().expect("is killed");
    child.wait().expect("ends");
    assert!(first.starts_with('┌'), "{first:?}");
}

#[tokio::test]
async fn a_sweep_gives_lapsed_holds_back_and_a_dry_run_changes_nothing() {
    let desk = Desk::seeded().await;
    sell_one_hold_one(&desk).await;
    let held = || desk.house.count("select count(*) from reservations where status = 'HELD'");
    assert_snapshot!(desk.run(&["sweep", "--dry-run"]).ok(), @" holds to release  1");
    assert_eq!(desk.run(&["sweep", "--dry-run", "--output", "json"]).json(), json!({"dryRun": true, "released": 1}));
    assert_eq!(held().await, 1);
    assert_snapshot!(desk.run(&["sweep"]).ok(), @" holds released  1");
    assert_eq!(held().await, 0);
    assert_eq!(desk.run(&["sweep", "--output", "json"]).json(), json!({"dryRun": false, "released": 0}));
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn a_rerank_ends_turns_lets_in_the_head_and_a_dry_run_changes_nothing() {
    let desk = Desk::seeded().await;
    let office = &desk.house.office;
    office.set_max_active(1).await.expect("sets the cap");
    office.issue_token(user(0)).await.expect("is in");
    office.issue_token(user(1)).await.expect("waits");
    let waiting = || desk.house.count("select count(*) from tokens where status = 'WAITING'");
    assert_snapshot!(desk.run(&["rerank", "--dry-run"]).ok(), @"
    tokens to end      1
    of these no-shows  0
    tokens to let in   1
    ");
    assert_eq!(
        desk.run(&["rerank", "--dry-run", "--output", "json"]).json(),
        json!({"dryRun": true, "expired": 1, "noShows": 0, "admitted": 1})
    );
    assert_eq!(waiting().await, 1);
    assert_snapshot!(desk.run(&["rerank", "--claim-window", "2h"]).ok(), @"
    tokens ended       1
    of these no-shows  0
    tokens let in      1
    ");
    assert_eq!(waiting().await, 0);
    let now = desk.catch_up();
    let ends =
        office.back_office().inspect_token(user(1)).await.expect("is in").standing.expires_at.expect("is ACTIVE");
    assert!(ends > now + chrono::TimeDelta::minutes(119), "there is as much time to show up as told");
    assert_eq!(
        desk.run(&["rerank", "--output", "json"]).json(),
        json!({"dryRun": false, "expired": 0, "noShows": 0, "admitted": 0})
    );
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn the_queue_is_paused_paced_and_resumed_and_the_log_says_by_whom() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    assert_snapshot!(desk.run(&["queue", "pause", "--as", "ann"]).ok(), @"
    changed     yes
    paused      yes
    max active  10
    per minute  no limit
    ");
    let office = &desk.house.office;
    let joined = office.issue_token(user(0)).await.expect("joins").token.standing;
    assert_eq!(joined.queue_position, 1, "a process that runs on knows at once");
    assert_eq!(
        desk.run(&["queue", "pause", "--output", "json"]).json(),
        json!({"changed": false, "paused": true, "maxActive": 10, "perMinute": null})
    );
    assert_eq!(
        desk.run(&["queue", "set", "--max-active", "50", "--per-minute", "100", "--as", "bob", "--output", "json"])
            .json(),
        json!({"changed": true, "paused": true, "maxActive": 50, "perMinute": 100})
    );
    assert_snapshot!(desk.run(&["queue", "resume", "--as", "ann"]).ok(), @"
    changed     yes
    paused      no
    max active  50
    per minute  100
    ");
    assert_eq!(office.rerank_queue().await.expect("reranks").admitted, 1);
    let log = desk.run(&["queue", "log", "--limit", "5", "--output", "json"]).json();
    let told: Vec<_> = log["changes"].as_array().expect("a list").iter().map(who_set_what).collect();
    assert_eq!(
        told,
        ["ann: paused yes -> no", "bob: per_minute none -> 100", "bob: max_active 10 -> 50", "ann: paused no -> yes"]
    );
    let table = desk.run(&["queue", "log"]).ok();
    assert!(table.contains("Became") && table.contains("ann ("), "{table}");
    desk.run(&["queue", "set", "--per-minute", "none"]).ok();
    let log = desk.run(&["queue", "log", "--limit", "1", "--output", "json"]).json();
    let newest = &log["changes"][0];
    assert_eq!(
        (&newest["setting"], &newest["was"], &newest["becomes"]),
        (&json!("per_minute"), &json!("100"), &json!("none"))
    );
    assert!(newest["by"].as_str().is_some_and(|by| by.contains('@')), "the user and the host: {newest}");
    desk.house.assert_sound().await;
}

/// A change in short. The name that was given stands before the user and the host of the process.
fn who_set_what(change: &Value) -> String {
    let text = |field: &str| change[field].as_str().expect("is text").to_owned();
    let by = text("by");
    let (name, at) = by.split_once(" (").expect("a name and where from");
    assert!(at.contains('@') && at.ends_with(')'), "{by}");
    format!("{name}: {} {} -> {}", text("setting"), text("was"), text("becomes"))
}

#[tokio::test]
async fn settings_of_the_queue_that_make_no_sense_are_refused() {
    let desk = Desk::seeded().await;
    assert_snapshot!(desk.run(&["queue", "set"]).refused(2), @"error: say what to change: maxActive, perMinute or both (INVALID_REQUEST)");
    assert_snapshot!(desk.run(&["queue", "set", "--max-active", "0"]).refused(2), @"error: maxActive must be from 1 to 100000000; to let nobody in, pause the queue (INVALID_REQUEST)");
    assert_snapshot!(desk.run(&["queue", "set", "--per-minute", "0"]).refused(2), @"error: perMinute must be from 1 to 100000000; to let nobody in, pause the queue (INVALID_REQUEST)");
    for args in [
        &["queue"][..],
        &["queue", "set", "--per-minute", "-1"],
        &["queue", "set", "--max-active", "many"],
        &["queue", "pause", "--as", ""],
        &["queue", "log", "--limit", "0"],
    ] {
        desk.run(args).refused(2);
    }
    assert_eq!(desk.house.count("select count(*) from operator_log where subject = 'queue'").await, 0);
}

#[tokio::test]
async fn an_audit_of_a_sound_database_says_that_all_invariants_hold() {
    let desk = Desk::seeded().await;
    sell_one_hold_one(&desk).await;
    assert_snapshot!(desk.run(&["audit"]).ok(), @"all invariants hold");
    assert_eq!(desk.run(&["audit", "--output", "json"]).json(), json!({"violations": []}));
}

#[tokio::test]
async fn an_audit_of_a_corrupted_database_shows_the_rows_and_exits_1() {
    let desk = Desk::seeded().await;
    assert_eq!(desk.house.tamper("update users set balance = 1 where username = 'user-1-2'").await, 1);
    let found = desk.run(&["audit"]);
    assert_eq!(found.code, Some(1));
    assert_snapshot!(found.stdout, @"
    ┌───────────┬────────────────────────────────────────────────┬──────────────────────────────────────────────────────────────────────────┐
    │ Invariant ┆ What is wrong                                  ┆ Row                                                                      │
    ╞═══════════╪════════════════════════════════════════════════╪══════════════════════════════════════════════════════════════════════════╡
    │         3 ┆ a balance is not the sum of its wallet entries ┆ user 1fb625d8-2941-5404-a03b-8ebda1438408: balance 1.00, entries 1000.00 │
    └───────────┴────────────────────────────────────────────────┴──────────────────────────────────────────────────────────────────────────┘
    ");
    assert_snapshot!(found.stderr, @"error: the database breaks an invariant; offending rows: 1 (INVARIANT_VIOLATED)");

    let found = desk.run(&["audit", "--output", "json"]);
    assert_eq!(found.code, Some(1));
    assert_eq!(
        serde_json::from_str::<Value>(&found.stdout).expect("is JSON"),
        json!({"violations": [{
            "invariant": 3,
            "what": "a balance is not the sum of its wallet entries",
            "row": "user 1fb625d8-2941-5404-a03b-8ebda1438408: balance 1.00, entries 1000.00",
        }]})
    );
    assert_snapshot!(found.stderr, @r#"
    error: the database breaks an invariant; offending rows: 1 (INVARIANT_VIOLATED)
    {"error":{"code":"INVARIANT_VIOLATED","message":"the database breaks an invariant; offending rows: 1"}}
    "#);
}
