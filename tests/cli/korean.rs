//! That nothing is left in English where the tool speaks Korean.

use std::collections::BTreeSet;

use super::desk::{CONCERT, Desk, Ran, USERS, concert, user};
use crate::support::{SECRET, Shortcuts as _, money, seat};

/// What stays as it is in any language: roles, orders and other words that are typed, names that somebody gave, and what a
/// row of the database has in it.
const NAMES: [&str; 15] = [
    "id", "viewer", "arrival", "draw", "Concert", "Front", "Middle", "Back", "Default", "Friday", "user", "ann",
    "door", "balance", "entries",
];

/// A house in which everything has happened that the commands tell of.
struct Evening {
    desk: Desk,
    /// Of a seat that was bought, moved, swapped and refunded.
    ticket: String,
    payload: String,
    token: String,
}

impl Evening {
    async fn new() -> Self {
        let desk = Desk::seeded().await;
        desk.catch_up();
        let office = &desk.house.office;
        let act = |args: &[&str]| drop(desk.run(&[args, &["--as", "ann"]].concat()).ok());
        act(&["sale", "add", "Friday", "--opens", "2099-01-01T20:00:00+09:00", "--order", "draw", "--max-active", "3"]);
        act(&[
            "sale",
            "set",
            "Friday",
            "--per-minute",
            "60",
            "--max-seats-per-user",
            "4",
            "--closes",
            "2099-02-01T00:00:00Z",
        ]);
        act(&["queue", "pause"]);
        act(&["queue", "resume"]);
        act(&["queue", "set", "--max-active", "20", "--per-minute", "none"]);
        act(&["codes", "make", "friday", "--count", "2", "--kind", "FRONT", "--uses", "3"]);
        act(&["key", "make", "--role", "viewer", "--name", "door"]);
        act(&["concert", "edit", CONCERT, "--start", "20:00", "--zone", "Asia/Seoul"]);
        let token = office.issue_token(user(0)).await.expect("joins").token.ticket.token.to_string();
        let held = office.hold_one(user(0), concert(), seat(1)).await.expect("holds");
        office.pay(user(0), held.id, money(150)).await.expect("pays");
        office.hold_one(user(0), concert(), seat(2)).await.expect("holds");
        let ticket = held.id.to_string();
        act(&["ticket", "move", &ticket, "--to", "user-1-2", "--reason", "선물", "--yes"]);
        act(&["seat", "swap", CONCERT, "1", "3", "--reason", "고장"]);
        act(&["seat", "block", CONCERT, "4", "--reason", "카메라"]);
        act(&["seat", "unblock", CONCERT, "4"]);
        act(&["seat", "price", CONCERT, "4", "--price", "70"]);
        let payload = office.ticket_of(user(1), held.id).await.expect("reads").payload.expect("is signed");
        Self { desk, ticket, payload, token }
    }

    /// What is shown in Korean, on a screen that is wide enough for every table.
    fn shown(&self, args: &[&str]) -> String {
        let mut command = self.desk.command(args);
        command.env("LANG", "ko_KR.UTF-8").env("CONCERT_JWT_SECRET", SECRET).env("COLUMNS", "1000");
        let Ran { stdout, stderr, .. } = Ran::from(command, b"");
        stdout + &stderr
    }
}

/// The words in small letters that are neither names nor parts of ids, moments, keys, codes and what else has digits or
/// signs in it.
fn english(text: &str) -> BTreeSet<String> {
    let is_in_a_word = |c: char| c.is_ascii_alphanumeric() || "_-./:+@{}\"".contains(c);
    let words = text.split(|c: char| !is_in_a_word(c)).map(|word| word.trim_matches(['.', ':']));
    let words = words.filter(|word| word.chars().any(|c| c.is_ascii_lowercase()));
    let words = words.filter(|word| word.chars().all(|c| c.is_ascii_alphabetic()));
    words.filter(|word| word.len() > 1 && !NAMES.contains(word)).map(str::to_owned).collect()
}

#[tokio::test]
async fn no_command_that_shows_something_leaves_english_in_korean() {
    let evening = Evening::new().await;
    let Evening { ticket, payload, token, .. } = &evening;
    let mut faults = Vec::new();
    let mut look = |args: &[&str]| {
        let shown = evening.shown(args);
        let left = english(&shown);
        if shown.is_empty() || !left.is_empty() {
            faults.push(format!("{}: {left:?}\n{shown}", args.join(" ")));
        }
    };
    let reads: [&[&str]; 23] = [
        &["status"],
        &["audit"],
        &["sale", "list"],
        &["sale", "show", "Friday"],
        &["queue", "log"],
        &["queue", "log", "--sale", "Friday"],
        &["codes", "list", "Friday"],
        &["key", "list"],
        &["concert", "list"],
        &["concert", "show", CONCERT],
        &["concert", "edit", CONCERT, "--name", "Concert", "--max-seats-per-user", "4", "--start", "none", "--dry-run"],
        &["user", "show", "user-1-1"],
        &["token", "show", "user-1-1"],
        &["ticket", "show", ticket],
        &["ticket", "verify", payload],
        &["ticket", "key", "list"],
        &["explain", "user", "user-1-1"],
        &["explain", "token", token],
        &["explain", "reservation", ticket],
        &["explain", "seat", CONCERT, "3"],
        &["explain", "seat", CONCERT, "4"],
        &["seat", "swap", CONCERT, "3", "4", "--dry-run"],
        &["seat", "price", CONCERT, "3-9", "--price", "9", "--dry-run"],
    ];
    reads.iter().for_each(|args| look(args));
    evening.desk.run(&["concert", "cancel", CONCERT, "--reason", "홍수", "--yes"]).ok();
    for args in [
        &["concert", "cancel", CONCERT, "--reason", "취소", "--yes"][..],
        &["concert", "show", CONCERT],
        &["explain", "reservation", ticket],
        &["explain", "user", USERS[0]],
        &["export", "entries", "--out", "/dev/null"],
        &["export", "attendees", "--out", "/dev/null"],
    ] {
        look(args);
    }
    evening.desk.house.tamper("update users set balance = balance + 1").await;
    look(&["audit"]);
    assert!(faults.is_empty(), "give each a text in concert-cli/texts:\n{}", faults.join("\n"));
}
