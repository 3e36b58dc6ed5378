//! `sale draw` and `queue verify-draw`.

use std::path::Path;
use std::process::Command;

use chrono::TimeDelta;
use concert_core::{Join, QueueTicket, SaleId};
use serde_json::json;

use super::desk::Desk;
use crate::support::House;

async fn join_all(house: &House, sale: SaleId, count: usize) -> Vec<QueueTicket> {
    let mut tickets = Vec::new();
    for user in house.users(count, 0).await {
        tickets.push(house.office.join_queue(Join::sale(sale, user)).await.expect("joins").token.ticket);
    }
    tickets
}

#[tokio::test]
async fn the_command_line_names_the_public_value_and_verifies_the_draw() {
    let desk = Desk::open().await;
    let now = desk.catch_up();
    let opens = (now + TimeDelta::hours(1)).to_rfc3339();
    desk.run(&["sale", "add", "Friday", "--opens", &opens, "--order", "draw", "--max-active", "2"]).ok();
    let sale = desk.house.office.sale_named("friday").await.expect("is there");
    let tickets = join_all(&desk.house, sale, 30).await;
    let named = desk.run(&["sale", "draw", "Friday", "--public-value", "4 8 15 16 23 42", "--output", "json"]).json();
    assert_eq!(named["draw"]["publicValue"], "4 8 15 16 23 42");
    assert!(named["draw"]["secret"].is_null());
    let early = desk.run(&["queue", "verify-draw", "Friday"]).refused(2);
    assert!(early.contains("still to come"), "{early}");
    desk.run(&["sale", "set", "Friday", "--opens", "now"]).ok();
    desk.run(&["rerank"]).ok();

    let folder = tempfile::tempdir().expect("a folder");
    let (sale_file, places_file) = (folder.path().join("sale.json"), folder.path().join("places.csv"));
    let places = places_file.to_str().expect("text");
    let verified = desk.run(&["queue", "verify-draw", "Friday", "--places", places, "--output", "json"]).json();
    assert_eq!((&verified["agrees"], &verified["tokens"]), (&json!(true), &json!(30)), "{verified}");
    assert!(desk.run(&["queue", "verify-draw", "Friday"]).ok().trim_end().ends_with("all places agree"));
    let draw =
        desk.house.office.sale(sale).await.expect("is there").draw.expect("a draw").places().expect("it is made");
    let written = std::fs::read_to_string(&places_file).expect("reads");
    let expected =
        tickets.iter().map(|ticket| format!("{},{},{}\n", ticket.ticket, ticket.token, draw.place_of(ticket.ticket)));
    assert_eq!(written, format!("ticket,tokenId,place\n{}", expected.collect::<String>()));
    assert_another_program_agrees(&desk, sale, &sale_file, places);

    desk.house.tamper("update tokens set id = reverse(id) where ticket = 7").await;
    let wrong = desk.run(&["queue", "verify-draw", "Friday"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.stdout.contains("does NOT agree") && wrong.stderr.contains("DRAW_DISAGREES"), "{wrong:?}");
}

/// The recomputation that is published for everybody: another program in another language.
fn assert_another_program_agrees(desk: &Desk, sale: SaleId, sale_file: &Path, places: &str) {
    let shown = desk.run(&["sale", "show", &sale.to_string(), "--output", "json"]).json();
    std::fs::write(sale_file, shown.to_string()).expect("writes");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/draw.py");
    let python = Command::new("python3").arg(script).arg(sale_file).args(["--places", places]).output();
    // A machine without Python still has the vectors of `docs/draw-vectors.json`.
    let Ok(ran) = python else { return eprintln!("python3 is not here: docs/draw.py was not run") };
    assert!(ran.status.success(), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stdout).ends_with("all agrees\n"), "{ran:?}");
}
