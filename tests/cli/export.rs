//! `export`, `man`, names wherever ids are taken, and sentences that help.

use std::io::{BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::desk::{CONCERT, Desk, Ran, USERS, concert, concert_cli, user};
use crate::support::{Shortcuts as _, money, seat};

async fn sold() -> Desk {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let office = &desk.house.office;
    office.issue_token(user(0)).await.expect("joins");
    for number in [1, 2] {
        let held = office.hold_one(user(0), concert(), seat(number)).await.expect("holds");
        let price = held.price;
        office.pay(user(0), held.id, price).await.expect("pays");
    }
    desk
}

#[tokio::test]
async fn export_writes_csv_or_json_to_stdout_or_a_file_and_the_sums_are_those_of_status() {
    let desk = sold().await;
    let revenue = desk.run(&["status", "--output", "json"]).json()["revenue"].as_f64();
    let csv = desk.run(&["export", "payments", "--format", "csv"]).ok();
    assert!(csv.starts_with("concertId,") && csv.lines().count() == 3, "{csv}");
    assert!(desk.run(&["export", "payments", "--bom"]).ok().starts_with("\u{feff}concertId,"));
    for args in [&["export", "payments", "--concert", CONCERT][..], &["export", "payments", "Concert 1-1"]] {
        assert_eq!(desk.run(args).ok(), csv, "{args:?}");
    }
    let rows: Value = serde_json::from_str(&desk.run(&["export", "payments", "--format", "json"]).ok()).expect("JSON");
    let sum: f64 = rows.as_array().expect("a list").iter().filter_map(|row| row["amount"].as_f64()).sum();
    assert_eq!(Some(sum), revenue);
    let seats: Value = serde_json::from_str(&desk.run(&["export", "seats", "--output", "json"]).ok()).expect("JSON");
    assert_eq!(seats.as_array().map(Vec::len), Some(4));

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("attendees.csv");
    let out = file.to_str().expect("text");
    let sums = desk.run(&["export", "attendees", "--out", out, "--output", "json"]).json();
    assert_eq!((sums["rows"].as_u64(), sums["kept"].as_f64()), (Some(2), revenue));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "no unfinished file is left");
    desk.run(&["export", "tokens"]).refused(2);
    desk.run(&["export", "seats", "--format", "json", "--bom"]).refused(2);
    assert!(desk.run(&["export", "seats", "Nothing"]).refused(1).contains("CONCERT_NOT_FOUND"));
}

/// The peak of the process's memory so far, in kilobytes.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn an_export_of_any_length_takes_little_memory() {
    let desk = Desk::seeded().await;
    let digits = "(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 \
                  union all select 6 union all select 7 union all select 8 union all select 9)";
    let insert = format!(
        "insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, created_at) \
         select unhex(lpad(hex(n + 1000000), 32, '0')), x'{}', n + 2, 'RECHARGE', 1, 1001 + n, '2027-03-01' from \
         (select a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d as n from {digits} a, {digits} b, {digits} c, {digits} e, {digits} f) rows_",
        USERS[0].replace('-', "")
    );
    sqlx::query(sqlx::AssertSqlSafe(insert)).execute(desk.house.office.pool()).await.expect("inserts");
    desk.house.tamper("update users set balance = balance + 100000, entries = 100001 order by username limit 1").await;
    let mut child = desk.command(&["export", "entries"]).stdout(Stdio::piped()).spawn().expect("runs");
    let (mut most, mut bytes, mut buffer) = (0, 0, vec![0; 64 * 1024]);
    let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
    loop {
        most = most.max(peak(child.id()));
        match stdout.read(&mut buffer).expect("reads") {
            0 => break,
            read => bytes += read,
        }
    }
    assert!(child.wait().expect("ends").success());
    assert!(bytes > 10_000_000, "{bytes} bytes");
    assert!(most < 50 * 1024, "{most} kB");
}

#[tokio::test]
async fn names_are_taken_wherever_ids_are() {
    let desk = Desk::seeded().await;
    desk.run_with_secret(&["token", "issue", "user-1-1"]).ok();
    let held = desk.run(&["hold", "user-1-1", "--concert", "Concert 1-1", "--seats", "1", "--output", "json"]).json();
    let order = held["orderId"].as_str().expect("text");
    desk.run(&["extend", "user-1-1", "--order", order]).ok();
    desk.run(&["pay", "user-1-1", "--order", order]).ok();
    assert!(desk.run(&["explain", "seat", "Concert 1-1", "1"]).ok().contains("seat paid"));
    desk.run(&["token", "expire", "user-1-1"]).ok();
    assert!(desk.run(&["hold", "nobody", "--concert", CONCERT, "--best", "1"]).refused(1).contains("USER_NOT_FOUND"));
    desk.house.tamper("update concerts set concert_name = 'Twice'").await;
    desk.run(&["seed", "--seed", "2", "--yes"]).ok();
    desk.house.tamper("update concerts set concert_name = 'Twice'").await;
    let refused = desk.run(&["explain", "seat", "Twice", "1"]).refused(2);
    assert!(refused.contains("several concerts have this name") && refused.contains(CONCERT), "{refused}");
}

#[tokio::test]
async fn seeding_again_never_touches_a_sold_seat() {
    let desk = sold().await;
    let seats = || async { desk.house.office.seats(concert()).await.expect("lists") };
    let before = seats().await;
    assert!(desk.run(&["seed", "--seed", "1", "--seats", "4", "--yes"]).refused(1).contains("already"));
    desk.run(&["seed", "--seats", "4", "--yes"]).ok();
    assert_eq!(seats().await, before);
    assert_eq!(desk.house.count("select count(*) from reservations where status = 'CONFIRMED'").await, 2);
    assert_eq!(desk.house.office.balance(user(0)).await.expect("reads"), money(1_000 - 300 + 30));
    desk.house.assert_sound().await;
}

#[test]
fn what_is_mistyped_gets_a_sentence_that_helps() {
    let refused = |args: &[&str]| Ran::from(concert_cli(args), b"").refused(2);
    assert!(refused(&["status", "--watch=x"]).contains("--watch=5"));
    assert!(refused(&["status", "--database-url", "postgres://a@b/c"]).contains("must be MariaDB or MySQL"));
    let usage = refused(&["refund", "--database-url", "mysql://a@b/c"]);
    assert!(usage.contains("Usage: concert-cli refund [OPTIONS] <PAYMENT_ID>"), "{usage}");
    let mut command = concert_cli(&["hold"]);
    command.env("DATABASE_URL", "mysql://a@b/c").env("CONCERT_SCHEMA", "x");
    let usage = Ran::from(command, b"").refused(2);
    assert!(!usage.contains("--schema") && !usage.contains("--database-url"), "{usage}");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("pages");
    Ran::from(concert_cli(&["man", "--out", out.to_str().expect("text")]), b"").ok();
    for page in ["concert-cli.1", "concert-cli-hold.1", "concert-cli-queue-set.1", "concert-cli-export.1"] {
        let text = std::fs::read_to_string(out.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".TH") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
}

#[test]
fn bash_completes_commands_and_kinds() {
    let script = Ran::from(concert_cli(&["completions", "bash"]), b"").ok();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("completions");
    std::fs::write(&file, script).expect("writes");
    let complete = |words: &str, last: usize| {
        let test = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={last}; _concert__cli concert-cli \"${{COMP_WORDS[{last}]}}\" x; echo ${{COMPREPLY[@]}}",
            file.display()
        );
        let ran = Command::new("bash").args(["--norc", "-c", &test]).output().expect("runs");
        String::from_utf8(ran.stdout).expect("text")
    };
    assert_eq!(complete("concert-cli expo", 1).trim(), "export");
    assert!(complete("concert-cli queue se", 2).contains("set"));
    assert!(complete("concert-cli export --form", 2).contains("--format"));
}
