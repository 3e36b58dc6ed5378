//! `seed`.

use chrono::{Days, NaiveDate};
use concert_core::SeatView;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::desk::{CONCERT, Desk, Ran, USERS, concert, concert_cli, url, user};
use crate::support::{fresh_database, money};

#[tokio::test]
async fn seeding_prints_what_it_made_as_tables() {
    let desk = Desk::open().await;
    let args = [
        "seed",
        "--seed",
        "1",
        "--concerts",
        "2",
        "--seats",
        "20",
        "--users",
        "3",
        "--balance",
        "12.50",
        "--starting",
        "2099-12-31",
    ];
    assert_snapshot!(desk.run(&args).ok(), @"
    ┌──────────────────────────────────────┬─────────────┬────────────┬───────┐
    │ Concert id                           ┆ Concert     ┆ Date       ┆ Seats │
    ╞══════════════════════════════════════╪═════════════╪════════════╪═══════╡
    │ 350753f5-0040-5c88-b2ad-ebaea9ef7fe4 ┆ Concert 1-1 ┆ 2099-12-31 ┆    20 │
    │ 1c34edc2-f6a7-5f47-8cb8-5ff4e4102706 ┆ Concert 1-2 ┆ 2100-01-01 ┆    20 │
    └──────────────────────────────────────┴─────────────┴────────────┴───────┘
    ┌──────────────────────────────────────┬──────────┬─────────┐
    │ User id                              ┆ User     ┆ Balance │
    ╞══════════════════════════════════════╪══════════╪═════════╡
    │ fa46dca4-4364-508b-b370-8878f43df7df ┆ user-1-1 ┆    12.5 │
    │ 1fb625d8-2941-5404-a03b-8ebda1438408 ┆ user-1-2 ┆    12.5 │
    │ 57f5bed0-d196-5c46-9358-8b0dc053d4cc ┆ user-1-3 ┆    12.5 │
    └──────────────────────────────────────┴──────────┴─────────┘
    ");
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn seeding_prints_exactly_the_promised_json_and_the_same_ids_for_the_same_seed() {
    let args = [
        "seed",
        "--seed",
        "1",
        "--seats",
        "3",
        "--users",
        "2",
        "--balance",
        "12.50",
        "--starting",
        "2099-12-30",
        "--output",
        "json",
    ];
    let expected = json!({
        "concerts": [{"concertId": CONCERT, "concertName": "Concert 1-1", "date": "2099-12-30", "seats": 3}],
        "users": [
            {"userId": USERS[0], "username": "user-1-1", "balance": 12.5},
            {"userId": USERS[1], "username": "user-1-2", "balance": 12.5},
        ],
    });
    assert_eq!(Desk::open().await.run(&args).json(), expected);
    assert_eq!(Desk::open().await.run(&args).json(), expected);

    let other: Value = Desk::open().await.run(&[&["seed", "--seed", "2"], &args[3..]].concat()).json();
    assert_ne!(other["concerts"][0]["concertId"], CONCERT);
    assert_ne!(other["users"][0]["userId"], USERS[0]);
}

#[tokio::test]
async fn seeded_seats_are_priced_by_section_and_seeded_users_have_their_balance() {
    let desk = Desk::open().await;
    desk.run(&["seed", "--seed", "1", "--seats", "20", "--balance", "12.50"]).ok();
    let seats: Vec<SeatView> = desk.house.office.seats(concert()).await.expect("lists");
    let prices = |numbers: std::ops::Range<usize>| seats[numbers].iter().map(|seat| seat.price).collect::<Vec<_>>();
    assert_eq!(seats.len(), 20);
    assert_eq!(prices(0..2), vec![money(150); 2]);
    assert_eq!(prices(2..8), vec![money(120); 6]);
    assert_eq!(prices(8..20), vec![money(80); 12]);
    assert!(seats.iter().all(|seat| seat.available));
    assert_eq!(desk.house.office.balance(user(1)).await.expect("reads").to_string(), "12.5");
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn seeded_sections_have_names_and_whole_rows_if_asked_and_the_ids_stay() {
    let seeded = async |args: &[&str]| -> Vec<String> {
        let desk = Desk::open().await;
        assert_eq!(
            desk.run(&[&["seed", "--seed", "1", "--output", "json"], args].concat()).json()["concerts"][0]["concertId"],
            CONCERT
        );
        let seats = desk.house.office.seats(concert()).await.expect("lists");
        let label = |label: Option<&str>| label.unwrap_or("-").to_owned();
        let place = |seat: &SeatView| (label(seat.section.as_deref()), label(seat.row.as_deref()));
        let parts = seats.chunk_by(|one, next| place(one) == place(next));
        parts
            .map(|part| format!("{} {}: {} at {}", place(&part[0]).0, place(&part[0]).1, part.len(), part[0].price))
            .collect()
    };
    let rows = seeded(&["--seats", "20", "--rows", "5"]).await;
    assert_eq!(
        rows,
        ["Front 1: 4 at 150", "Middle 1: 4 at 120", "Middle 2: 4 at 120", "Back 1: 4 at 80", "Back 2: 4 at 80"]
    );
    assert_eq!(seeded(&["--seats", "20"]).await, ["Front -: 2 at 150", "Middle -: 6 at 120", "Back -: 12 at 80"]);
    assert_eq!(seeded(&["--seats", "20", "--rows", "1"]).await, ["- 1: 20 at 150"]);
}

#[tokio::test]
async fn seeding_migrates_first_and_starts_tomorrow_unless_told_otherwise() {
    let mut command = concert_cli(&["seed", "--output", "json"]);
    command.env("DATABASE_URL", url(&fresh_database().await));
    let before = today();
    let seeded = Ran::from(command, b"").json();
    let date: NaiveDate = serde_json::from_value(seeded["concerts"][0]["date"].clone()).expect("is a date");
    assert!([before, today()].map(|day| day + Days::new(1)).contains(&date));
    assert_eq!(seeded["concerts"][0]["seats"], 50);
    assert_eq!(seeded["users"].as_array().map(Vec::len), Some(10));
}

fn today() -> NaiveDate {
    use concert_core::Clock as _;
    concert_core::SystemClock.now().date_naive()
}

#[tokio::test]
async fn a_second_seeding_with_the_same_seed_is_refused_and_changes_nothing() {
    let desk = Desk::seeded().await;
    let figures = || async { desk.run(&["status", "--output", "json"]).json() };
    let before = figures().await;
    assert_snapshot!(desk.run(&["seed", "--seed", "1"]).refused(1), @"error: this database has data of seed 1 already; choose another --seed (USERNAME_TAKEN)");
    assert_snapshot!(desk.run(&["seed", "--seed", "1", "--users", "0", "--output", "json"]).refused(1), @r#"
    error: this database has data of seed 1 already; choose another --seed (CONCERT_EXISTS)
    {"error":{"code":"CONCERT_EXISTS","message":"this database has data of seed 1 already; choose another --seed"}}
    "#);
    assert_snapshot!(desk.run(&["seed", "--seed", "1", "--concerts", "0", "--users", "50"]).refused(1), @"error: this database has data of seed 1 already; choose another --seed (USERNAME_TAKEN)");
    assert_eq!(figures().await, before);
    assert_eq!(desk.house.count("select count(*) from users").await, 2);

    desk.run(&["seed", "--seed", "2"]).ok();
    assert_eq!(desk.house.count("select count(*) from concerts").await, 2);
}

#[tokio::test]
async fn a_long_table_is_cut_and_json_is_not() {
    let desk = Desk::open().await;
    let cut = desk.run(&["seed", "--concerts", "0", "--users", "101"]);
    assert_eq!(cut.code, Some(0));
    assert_snapshot!(cut.stderr, @"only the first 100 are shown; --output json has them all");
    assert!(cut.stdout.contains("user-1-100 ") && !cut.stdout.contains("user-1-101"));
    let whole = desk.run(&["seed", "--concerts", "0", "--users", "101", "--seed", "2", "--output", "json"]).json();
    assert_eq!(whole["users"].as_array().map(Vec::len), Some(101));
}

#[tokio::test]
async fn what_cannot_be_seeded_is_a_usage_error() {
    let desk = Desk::open().await;
    for args in [
        ["--seats", "0"],
        ["--seats", "10000001"],
        ["--seats", "-1"],
        ["--concerts", "10001"],
        ["--users", "5000001"],
        ["--balance", "0.001"],
        ["--balance", "100000000"],
        ["--starting", "2099-02-30"],
        ["--seed", "x"],
        ["--rows", "0"],
        ["--rows", "51"],
    ] {
        desk.run(&[&["seed"], &args[..]].concat()).refused(2);
    }
    let refused = desk.run(&["seed", "--starting", "9999-12-31", "--concerts", "2"]).refused(2);
    assert_snapshot!(refused, @"error: a concert would be after the year 9999 (INVALID_REQUEST)");
    let refused = desk.run(&["seed", "--seats", "50", "--rows", "7"]).refused(2);
    assert_snapshot!(refused, @"error: 50 seats do not make 7 rows of equal length (INVALID_REQUEST)");
    assert_eq!(desk.house.count("select count(*) from concerts").await, 0);
}

#[tokio::test]
async fn a4_without_a_seed_the_ids_are_random_and_the_names_have_the_next_number() {
    let ids = |seeded: &Value| [seeded["users"][0]["userId"].clone(), seeded["concerts"][0]["concertId"].clone()];
    let seed = ["seed", "--users", "3", "--output", "json"];
    let (desk, other) = (Desk::open().await, Desk::open().await);
    let seeded = [desk.run(&seed).json(), desk.run(&seed).json(), other.run(&seed).json()];
    let names: Vec<_> = seeded.iter().map(|seeded| seeded["users"][0]["username"].clone()).collect();
    assert_eq!(names, ["user-1-1", "user-2-1", "user-1-1"]);
    assert_eq!(seeded[1]["concerts"][0]["concertName"], "Concert 2-1");
    for (nth, one) in seeded.iter().enumerate() {
        let [user, concert] = ids(one);
        assert_ne!((user.as_str(), concert.as_str()), (Some(USERS[0]), Some(CONCERT)));
        // Random in all bits but those that say so.
        for id in [&user, &concert] {
            assert_eq!(id.as_str().and_then(|id| id.chars().nth(14)), Some('4'), "{id}");
        }
        assert!(seeded[..nth].iter().all(|before| ids(before)[0] != user && ids(before)[1] != concert));
    }
    // A number whose names are taken leaves nothing behind.
    desk.run(&["seed", "--seed", "1"]).refused(1);
    assert_eq!(desk.house.count("select count(*) from concerts").await, 2);
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn a4_a_database_with_tokens_or_payments_is_not_seeded_unasked() {
    let desk = Desk::seeded().await;
    desk.run(&["seed"]).ok();
    desk.catch_up();
    desk.house.office.issue_token(user(0)).await.expect("joins");
    assert_snapshot!(desk.run(&["seed"]).refused(2), @"error: This database has queue tokens or payments, so it may be a live sale. Seeding adds to it: concerts 1, users without passwords 10. There is no terminal to ask at: add --yes to do it (INVALID_REQUEST)");
    assert_eq!(desk.run_with_input(&["seed"], b"y\n").code, Some(2), "what is piped is no answer of a person");
    assert_eq!(desk.house.count("select count(*) from concerts").await, 2);
    desk.run(&["seed", "--yes"]).ok();
    assert_eq!(desk.house.count("select count(*) from concerts").await, 3);
    desk.house.assert_sound().await;

    // The same for payments alone.
    let desk = Desk::seeded().await;
    desk.house
        .tamper(
            "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) \
                       values (x'00', x'01', x'02', 1, 'SUCCESS', '2027-01-01')",
        )
        .await;
    desk.run(&["seed"]).refused(2);
}
