//! `sale`, and the commands that take one.

use serde_json::json;

use super::desk::Desk;

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
