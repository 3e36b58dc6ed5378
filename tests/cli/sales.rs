//! `sale`, and the commands that take one.

use serde_json::json;

use super::desk::{CONCERT, Desk};

#[tokio::test]
async fn sales_are_run_from_the_command_line() {
    let desk = Desk::open().await;
    desk.catch_up();
    let user = desk.house.user(0).await;
    let made = desk.run(&[
        "sale",
        "add",
        "Friday",
        "--opens",
        "2099-01-01T20:00:00+09:00",
        "--max-active",
        "3",
        "--output",
        "json",
    ]);
    let made = made.json();
    assert_eq!((made["phase"].as_str(), made["opensAt"].as_str()), (Some("DOORS"), Some("2099-01-01T11:00:00Z")));
    let text = desk.run(&["sale", "list"]).ok();
    assert!(text.contains("Friday") && text.contains("Default"), "{text}");
    let user = user.to_string();
    let issued = desk.run_with_secret(&["token", "issue", &user, "--sale", "friday", "--output", "json"]).json();
    assert_eq!((issued["status"].as_str(), issued["phase"].as_str()), (Some("WAITING"), Some("DOORS")));
    assert_eq!(issued["saleId"], made["saleId"]);
    let opened = desk.run(&["sale", "set", "Friday", "--opens", "now", "--if-version", "1", "--output", "json"]).json();
    assert_eq!((opened["phase"].as_str(), opened["active"].as_u64()), (Some("OPEN"), Some(1)), "{opened}");
    desk.run(&["sale", "set", "Friday", "--opens", "none", "--if-version", "1"]).refused(1);
    desk.run(&["sale", "set", "Friday"]).refused(2);
    desk.run(&["sale", "show", "Thursday"]).refused(1);
    desk.run(&["queue", "pause", "--sale", "Friday"]).ok();
    let shown = desk.run(&["sale", "show", "Friday"]).ok();
    assert!(
        shown.contains("paused") && shown.contains("yes") && shown.contains(&made["saleId"].to_string()[1..37]),
        "{shown}"
    );
    let log = desk.run(&["queue", "log", "--sale", "Friday", "--output", "json"]).json();
    assert_eq!(log["changes"][0]["setting"], "paused");
    assert_eq!(desk.run(&["queue", "log", "--output", "json"]).json()["changes"], json!([]));
}

#[tokio::test]
async fn sales_and_concerts_whose_names_look_like_ids_are_found_unless_one_has_that_id() {
    let desk = Desk::seeded().await;
    let free = "00000000-0000-0000-0000-000000000007";
    let made = desk.run(&["sale", "add", free, "--output", "json"]).json();
    let taken = made["saleId"].as_str().expect("an id");
    let other = desk.run(&["sale", "add", taken, "--output", "json"]).json();
    let name = |sale: &str| desk.run(&["sale", "show", sale, "--output", "json"]).json()["name"].clone();
    assert_eq!((name(free), name(taken)), (json!(free), json!(free)), "the id comes first");
    assert_eq!(name(other["saleId"].as_str().expect("an id")), taken);
    assert!(desk.run(&["sale", "show", CONCERT]).refused(1).contains("SALE_NOT_FOUND"));

    desk.run(&["seed", "--seed", "2", "--seats", "4", "--users", "1", "--starting", "2099-12-30"]).ok();
    desk.run(&["concert", "edit", "Concert 2-1", "--name", free]).ok();
    let shown = |concert: &str| desk.run(&["concert", "show", concert, "--output", "json"]).json();
    assert_eq!(shown(free)["name"], free);
    desk.run(&["concert", "edit", free, "--name", CONCERT]).ok();
    assert_eq!(shown(CONCERT)["concertId"], CONCERT, "the id comes first");
    desk.run(&["seat", "block", free, "1", "--reason", "camera"]).refused(1);
}

#[tokio::test]
async fn the_status_of_a_concert_is_taken_in_any_case_and_another_word_is_refused_with_those_that_there_are() {
    let desk = Desk::seeded().await;
    let edit = |status| desk.run(&["concert", "edit", CONCERT, "--status", status, "--output", "json"]);
    assert_eq!(edit("closed").json()["status"], "CLOSED");
    assert_eq!(edit("ON_SALE").json()["status"], "ON_SALE");
    for refused in ["shut", "CANCELLED"] {
        let refused = edit(refused).refused(2);
        assert!(refused.contains("[possible values: ON_SALE, CLOSED]"), "{refused}");
    }
}
