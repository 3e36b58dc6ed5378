//! `token` and `user`.

use std::os::unix::fs::PermissionsExt as _;

use concert_core::{Password, Username};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::desk::{Desk, USERS, redacted, user};
use crate::support::{SECRET, Shortcuts as _};

#[tokio::test]
async fn a_token_is_issued_taken_up_again_shown_and_ended() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    let issued = desk.run_with_secret(&["token", "issue", USERS[0]]).ok();
    redacted(|| {
        assert_snapshot!(issued, @"
    user id         [id]
    status          ACTIVE
    queue position  0
    remaining time  [seconds] s
    expires at      [time]
    token           [jwt]
    ");
    });
    let again = desk.run_with_secret(&["token", "issue", USERS[0], "--output", "json"]).json();
    let shown = desk.run_with_secret(&["token", "show", USERS[0], "--output", "json"]).json();
    assert_eq!(again["token"], shown["token"], "the place is taken up, not made anew");
    let token = shown["token"].as_str().expect("is text");
    assert_eq!(desk.house.office.authenticate(token).await.expect("is the server's").user(), user(0));

    assert_snapshot!(desk.run(&["token", "expire", USERS[0]]).ok(), @"
    user id  fa46dca4-4364-508b-b370-8878f43df7df
    status   EXPIRED
    ");
    assert_snapshot!(desk.run_with_secret(&["token", "show", USERS[0]]).refused(1), @"error: this queue token has ended; join the queue again (TOKEN_EXPIRED)");
    assert_snapshot!(desk.run(&["token", "expire", USERS[0]]).refused(1), @"error: this user is not in the queue (TOKEN_NOT_FOUND)");
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn a_waiting_token_shows_its_position_and_no_end() {
    let desk = Desk::seeded().await;
    desk.catch_up();
    desk.house.office.set_max_active(1).await.expect("sets the cap");
    desk.run_with_secret(&["token", "issue", USERS[0]]).ok();
    let mut issued = desk.run_with_secret(&["token", "issue", USERS[1], "--output", "json"]).json();
    assert!(issued["remainingTime"].take().is_u64());
    assert!(issued["token"].take().is_string());
    assert_eq!(
        issued,
        json!({
            "userId": USERS[1], "status": "WAITING", "queuePosition": 1, "remainingTime": null, "expiresAt": null,
            "token": null,
        })
    );
    let shown = desk.run_with_secret(&["token", "show", USERS[1]]).ok();
    redacted(|| {
        assert_snapshot!(shown, @"
    user id         [id]
    status          WAITING
    queue position  1
    remaining time  [seconds] s
    expires at      -
    token           [jwt]
    ");
    });
    assert_eq!(
        desk.run(&["token", "expire", USERS[1], "--output", "json"]).json(),
        json!({"userId": USERS[1], "status": "EXPIRED"})
    );
}

#[tokio::test]
async fn tokens_of_nobody_are_refused() {
    let desk = Desk::seeded().await;
    let nobody = "00000000-0000-0000-0000-000000000000";
    assert_snapshot!(desk.run_with_secret(&["token", "issue", nobody]).refused(1), @"error: there is no such user (USER_NOT_FOUND)");
    assert_snapshot!(desk.run_with_secret(&["token", "show", USERS[0]]).refused(1), @"error: this user is not in the queue (TOKEN_NOT_FOUND)");
    assert_snapshot!(desk.run_with_secret(&["token", "issue", "nobody"]).refused(1), @"error: there is no such user (USER_NOT_FOUND)");
}

#[tokio::test]
async fn only_commands_that_sign_tokens_want_the_secret() {
    let desk = Desk::seeded().await;
    assert_snapshot!(desk.run(&["token", "issue", USERS[0]]).refused(2), @"error: this command signs an access token: give the server's secret by --jwt-secret-file, --jwt-secret or CONCERT_JWT_SECRET (INVALID_REQUEST)");
    assert_snapshot!(desk.run(&["token", "issue", USERS[0], "--jwt-secret", "short", "--output", "json"]).refused(2), @r#"
    error: the JWT secret has 5 bytes; it needs 32 (INVALID_REQUEST)
    {"error":{"code":"INVALID_REQUEST","message":"the JWT secret has 5 bytes; it needs 32"}}
    "#);
    assert_snapshot!(desk.run(&["token", "show", USERS[0], "--jwt-secret-file", "/no/such"]).refused(1), @"error: cannot read /no/such: No such file or directory (os error 2) (IO)");
    // The argument counts, not the environment.
    desk.run_with_secret(&["token", "show", USERS[0], "--jwt-secret-file", "/no/such"]).refused(1);
    assert_eq!(desk.house.count("select count(*) from tokens").await, 0);

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).expect("writes");
    // A file that others may read is warned about.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("is ours");
    let file = file.to_str().expect("is text");
    let issued = desk.run(&["token", "issue", USERS[0], "--jwt-secret-file", file, "--output", "json"]).json();
    let token = issued["token"].as_str().expect("is text");
    desk.house.office.authenticate(token).await.expect("the line's end is no part of the secret");
}

#[tokio::test]
async fn a_user_is_made_and_shown_by_name_and_by_id() {
    let desk = Desk::open().await;
    let made = desk.run(&["user", "create", "ann", "--balance", "12.50"]).ok();
    redacted(|| {
        assert_snapshot!(made, @"
    user id     [id]
    username    ann
    created at  [time]
    password    no
    balance     12.5
    ");
    });
    let by_name = desk.run(&["user", "show", "ann", "--output", "json"]).json();
    let id = by_name["userId"].as_str().expect("is text");
    assert_eq!(desk.run(&["user", "show", id, "--output", "json"]).json(), by_name);
    let expected = json!({
        "userId": id, "username": "ann", "createdAt": by_name["createdAt"], "hasPassword": false, "balance": 12.5,
    });
    assert_eq!(by_name, expected);
    assert!(by_name["createdAt"].as_str().is_some_and(|at| at.ends_with('Z')));

    assert_snapshot!(desk.run(&["user", "create", "ann"]).refused(1), @"error: this username is taken (USERNAME_TAKEN)");
    assert_snapshot!(desk.run(&["user", "show", "bob"]).refused(1), @"error: there is no such user (USER_NOT_FOUND)");
    assert_snapshot!(desk.run(&["user", "create", " ann"]).refused(2), @"
    error: invalid value ' ann' for '<NAME>': a username is 1 to 64 characters, without control characters and without white space at its ends

    For more information, try '--help'.
    ");
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn a_name_that_looks_like_an_id_is_found_unless_a_user_has_that_id() {
    let desk = Desk::seeded().await;
    let free = "00000000-0000-0000-0000-000000000007";
    desk.run(&["user", "create", free]).ok();
    desk.run(&["user", "create", USERS[0]]).ok();
    let name = |args: &[&str]| -> Value { desk.run(args).json()["username"].clone() };
    assert_eq!(name(&["user", "show", free, "--output", "json"]), free);
    assert_eq!(name(&["user", "show", USERS[0], "--output", "json"]), "user-1-1");
    let issued = desk.run_with_secret(&["token", "issue", free, "--output", "json"]).json();
    assert_eq!(issued["userId"], desk.run(&["user", "show", free, "--output", "json"]).json()["userId"]);
}

#[tokio::test]
async fn a_password_comes_from_stdin_alone() {
    let desk = Desk::open().await;
    let create = ["user", "create", "ann", "--password-stdin", "--output", "json"];
    assert_snapshot!(desk.run_with_input(&create[..4], b"seven77\n").refused(2), @"error: a password is 8 to 256 bytes (INVALID_REQUEST)");
    assert_snapshot!(desk.run_with_input(&create[..4], b"\xff\xfe not text").refused(2), @"error: the password on stdin is not UTF-8 (INVALID_REQUEST)");
    let long = [b'x'; 10_000];
    assert_snapshot!(desk.run_with_input(&create[..4], &long).refused(2), @"error: a password is 8 to 256 bytes (INVALID_REQUEST)");
    desk.run(&["user", "create", "ann", "--password", "correct horse"]).refused(2);
    assert_eq!(desk.house.count("select count(*) from users").await, 0);

    let made = desk.run_with_input(&create, b" correct horse \r\n").json();
    assert_eq!(made["hasPassword"], true);
    let office = &desk.house.office;
    let log_in = |password: &'static str| async move { office.log_in("ann", &Password::unchecked(password)).await };
    assert!(log_in(" correct horse ").await.is_ok(), "the line's end is no part of it, blanks are");
    assert!(log_in("correct horse").await.is_err());
    let ann = office.user_named(&"ann".parse::<Username>().expect("a name")).await.expect("is there");
    assert_eq!(made["userId"], ann.id.to_string());
}

#[tokio::test]
async fn a8_nothing_that_is_printed_steers_a_terminal() {
    let desk = Desk::seeded().await;
    // As a build before the rule for names, or another program, may have left them.
    let hostile_name = "convert(unhex('616e6e1b5b324ae280aee2808bc29b0a6572726f723a') using utf8mb4)";
    let tamper = |text: String| desk.house.tamper(Box::leak(text.into_boxed_str()));
    tamper(format!("update users set username = concat({hostile_name}, right(hex(id), 8))")).await;
    tamper(format!("update concerts set concert_name = {hostile_name}")).await;
    let hostile =
        |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || ['\u{202e}', '\u{200b}'].contains(&c)));
    for args in [&["user", "show", USERS[0]][..], &["explain", "user", USERS[0]], &["status"]] {
        let said = desk.run(args).ok();
        assert!(!hostile(&said), "{said:?}");
        assert!(said.contains(r"ann\u{1b}[2J\u{202e}\u{200b}\u{9b}\nerror:"), "{said}");
    }
    let json = desk.run(&["user", "show", USERS[0], "--output", "json"]).json();
    assert!(json["username"].as_str().is_some_and(hostile), "JSON is for programs: {json}");

    // Arguments come back in complaints.
    for args in [&["user", "show", "ann\u{1b}[2J\u{202e}"][..], &["\u{1b}[2J\u{202e}"], &["--output", "\u{9b}2J"]] {
        let said = desk.run(args).refused(2);
        assert!(!hostile(&said) && said.contains(r"\u{"), "{said:?}");
    }
    let missing =
        desk.run_with_secret(&["token", "show", USERS[0], "--jwt-secret-file", "/no/\u{1b}[2J\nerror: no"]).refused(1);
    assert!(!hostile(&missing), "{missing:?}");
}
