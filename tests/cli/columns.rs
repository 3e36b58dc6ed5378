//! Everything that is printed for people fits into 80 columns, whatever the names in the database are.

use std::fs;
use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

use super::desk::{CONCERT, Desk, Ran, USERS, concert, concert_cli, user};
use crate::support::{Shortcuts as _, money, seat};

const COLUMNS: usize = 80;

#[track_caller]
fn assert_fits(what: &str, text: &str) {
    // A usage line is one line, to be copied.
    for line in text.lines().filter(|line| !line.starts_with("Usage: ")) {
        assert!(line.width() <= COLUMNS, "{what} prints {} columns: {line}\n{text}", line.width());
    }
}

/// Every command, from the help: `["queue", "set"]`.
fn commands(path: &[String], found: &mut Vec<Vec<String>>) {
    let args: Vec<_> = path.iter().map(String::as_str).chain(["-h"]).collect();
    let help = Ran::from(concert_cli(&args), b"").ok();
    assert_fits(&args.join(" "), &help);
    let listed = help.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> =
        names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    if names.is_empty() {
        found.push(path.to_vec());
    }
    for name in names {
        commands(&[path, &[name.to_owned()]].concat(), found);
    }
}

#[test]
fn every_command_has_a_short_help_that_fits() {
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 30, "{found:?}");
    assert!(found.contains(&vec!["queue".to_owned(), "set".to_owned()]));
    for command in found {
        let args: Vec<_> = command.iter().map(String::as_str).chain(["-h"]).collect();
        let help = Ran::from(concert_cli(&args), b"").ok();
        assert!(help.lines().count() < 60, "{args:?} is short:\n{help}");
        assert!(help.contains("Global options:") && !help.contains("--seat-pause"), "{args:?}:\n{help}");
    }
}

/// A database in which every name is as long as it can be, in syllables that take two columns.
async fn long_names() -> Desk {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let house = &desk.house;
    house.tamper("update concerts set concert_name = rpad('서울 국제 여름 음악 축제 개막 공연 ', 255, '그리고 아주 긴 이름 ')").await;
    house.tamper("update users set username = concat(rpad('김수한무거북이와두루미', 62, '삼천갑자동방삭'), right(username, 2))").await;
    house.tamper("update sales set name = rpad('아주 긴 이름의 판매 ', 255, '그리고 더 ')").await;
    let office = &house.office;
    office.issue_token(user(0)).await.expect("joins");
    let sold = office.hold_one(user(0), concert(), seat(1)).await.expect("holds");
    office.pay(user(0), sold.id, money(150)).await.expect("pays");
    let name = "한국예술종합학교 서울 석관동 캠퍼스 예매 창구 담당자 김수한무거북이와두루미";
    desk.run(&["key", "make", "--role", "viewer", "--name", name, "--as", name]).ok();
    desk.run(&["queue", "set", "--max-active", "20", "--as", name]).ok();
    desk
}

/// Runs it as on a screen of 80 columns.
fn narrow(desk: &Desk, args: &[&str]) -> Ran {
    let mut command = desk.command(args);
    command.env_remove("COLUMNS");
    Ran::from(command, b"")
}

#[tokio::test]
async fn every_table_fits_whatever_the_names_are() {
    let desk = long_names().await;
    let hold = |seats: &'static str| ["hold", USERS[0], "--concert", CONCERT, "--seats", seats];
    let order = desk.run(&[&hold("2")[..], &["--output", "json"]].concat()).json()["orderId"]
        .as_str()
        .expect("text")
        .to_owned();
    let shown: Vec<Vec<&str>> = vec![
        vec!["status"],
        vec!["audit"],
        vec!["key", "list"],
        vec!["log", "--limit", "100"],
        vec!["queue", "log"],
        vec!["sale", "list"],
        vec!["sale", "show", "00000000-0000-7000-8000-000000000001"],
        vec!["user", "show", USERS[0]],
        hold("3").to_vec(),
        vec!["pay", USERS[0], "--order", &order],
        vec!["explain", "user", USERS[0]],
        vec!["explain", "seat", CONCERT, "1"],
        vec!["explain", "reservation", &order],
        vec!["sweep", "--dry-run"],
        vec!["rerank", "--dry-run"],
        vec!["seed", "--seed", "7", "--yes"],
    ];
    for args in shown {
        let text = narrow(&desk, &args).ok();
        assert!(!text.is_empty());
        assert_fits(&args.join(" "), &text);
    }
    desk.house.tamper("update seats set reserved_by = null where seat_number = 1").await;
    let broken = narrow(&desk, &["audit"]);
    assert_eq!(broken.code, Some(1));
    assert_fits("audit", &broken.stdout);
    assert!(broken.stdout.contains(CONCERT), "ids are as `explain` takes them: {}", broken.stdout);
}

#[test]
fn tables_are_made_in_one_place() {
    let commands = Path::new(env!("CARGO_MANIFEST_DIR")).join("../concert-cli/src/commands");
    for file in fs::read_dir(commands).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        assert!(!text.contains("comfy_table") && !text.contains("println!"), "{}", file.display());
    }
}
