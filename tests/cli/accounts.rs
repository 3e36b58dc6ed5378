//! `user disable | enable | forget | rename | set-password | end-sessions`.

use concert_core::{Caller, Error, Password};
use serde_json::{Value, json};

use super::desk::{Desk, USERS, user};
use crate::support::Shortcuts as _;

/// The acts in the log, newest first.
async fn acts(desk: &Desk) -> Vec<String> {
    let log = desk.house.office.back_office().log(concert_core::Page::default()).await.expect("reads").data;
    log.into_iter().filter(|entry| entry.subject == "user").map(|entry| format!("{} {}", entry.act, entry.by)).collect()
}

#[tokio::test]
async fn a6_an_operator_ends_sessions_sets_passwords_and_keeps_users_out() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let office = &desk.house.office;
    let log_in = |password: &'static str| async move {
        office
            .log_in("user-1-1", &Password::unchecked(password))
            .await
            .map(|session| session.access_token.expect("is signed"))
    };
    let set = ["user", "set-password", "user-1-1", "--as", "ann", "--output", "json"];
    let has = desk.run_with_input(&set, b"correct horse\n").json();
    assert_eq!((&has["hasPassword"], &has["dryRun"]), (&json!(true), &json!(false)));
    desk.run_with_input(&set[..3], b"short\n").refused(2);
    desk.run(&["user", "set-password", "user-1-1", "--password", "correct horse"]).refused(2);
    let session = log_in("correct horse").await.expect("logs in");
    office.authenticate(&session).await.expect("holds");

    desk.run(&["user", "end-sessions", USERS[0], "--as", "ann"]).ok();
    let later = desk.house.another_office().await;
    assert!(matches!(later.authenticate(&session).await, Err(Error::Unauthenticated(_))));

    let session = log_in("correct horse").await.expect("logs in");
    office.issue_token(Caller::verified(user(0))).await.expect("joins");
    let dry = desk.run(&["user", "disable", "user-1-1", "--dry-run", "--output", "json"]).json();
    assert_eq!((&dry["dryRun"], &dry["disabledAt"]), (&json!(true), &Value::Null));
    let out = desk.run(&["user", "disable", "user-1-1", "--as", "ann", "--output", "json"]).json();
    assert!(out["disabledAt"].is_string(), "{out}");
    assert!(matches!(log_in("correct horse").await, Err(Error::BadCredentials)));
    let later = desk.house.another_office().await;
    assert!(matches!(later.authenticate(&session).await, Err(Error::Unauthenticated(_))));
    assert!(matches!(office.issue_token(Caller::verified(user(0))).await, Err(Error::UserDisabled)));
    let text = desk.run(&["user", "show", "user-1-1"]).ok();
    assert!(text.contains("disabled at"), "{text}");
    desk.run(&["user", "enable", "user-1-1", "--as", "ann"]).ok();
    log_in("correct horse").await.expect("logs in");

    let acts = acts(&desk).await;
    let acts: Vec<_> = acts.iter().map(|act| act.split('@').next().unwrap_or_default()).collect();
    for act in ["USER_SET_PASSWORD", "USER_END_SESSIONS", "USER_DISABLE", "TOKEN_EXPIRE", "USER_ENABLE"] {
        assert_eq!(acts.iter().filter(|done| done.starts_with(&format!("{act} ann ("))).count(), 1, "{act}: {acts:?}");
    }
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn a6_a_person_is_renamed_and_forgotten_only_when_somebody_says_so() {
    let desk = Desk::seeded().await;
    let renamed = desk.run(&["user", "rename", "user-1-1", "Ann Lee", "--output", "json"]).json();
    assert_eq!((&renamed["username"], &renamed["userId"]), (&json!("Ann Lee"), &json!(USERS[0])));
    let taken = desk.run(&["user", "rename", "user-1-2", "ANN LEE"]).refused(1);
    assert!(taken.contains("USERNAME_TAKEN"), "{taken}");
    let nobody = desk.run(&["user", "rename", "user-1-1", "Bob"]).refused(1);
    assert!(nobody.contains("USER_NOT_FOUND"), "{nobody}");

    let asked = desk.run(&["user", "forget", "ann lee"]).refused(2);
    assert!(asked.contains("--yes") && asked.contains("Ann Lee"), "{asked}");
    let dry = desk.run(&["user", "forget", "ann lee", "--dry-run", "--output", "json"]).json();
    assert_eq!((&dry["dryRun"], &dry["username"]), (&json!(true), &json!("Ann Lee")));
    let gone = desk.run(&["user", "forget", "ann lee", "--yes", "--output", "json"]).json();
    let said = gone["username"].as_str().expect("a name").to_owned();
    assert!(!said.to_lowercase().contains("ann") && gone["forgottenAt"].is_string(), "{gone}");
    assert_eq!((&gone["hasPassword"], &gone["balance"]), (&json!(false), &json!(1000)), "the ledger stays");
    let again = desk.run(&["user", "forget", USERS[0], "--yes", "--output", "json"]).json();
    assert_eq!(again, gone);
    desk.run(&["user", "show", "ann lee"]).refused(1);
    desk.run(&["user", "enable", USERS[0]]).refused(1);
    let log = desk.house.office.back_office().log(concert_core::Page::default()).await.expect("reads").data;
    let log = serde_json::to_string(&log).expect("JSON");
    assert!(log.contains("USER_RENAME") && log.contains("USER_FORGET") && !log.contains("Ann"), "{log}");
    let audit = desk.run(&["audit"]).ok();
    assert!(audit.contains("all invariants hold"), "{audit}");
}
