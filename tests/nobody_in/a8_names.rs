//! A8: one rule for names, in code: the same on every database, whatever its collation.

use chrono::NaiveDate;
use concert_core::{Error, NewConcert, Operator, Password, RefundReason, Section, SignUp, Username, Wanted};
use serde_json::json;

use crate::http::Site;
use crate::support::{House, PRICE, Shortcuts as _, money, section};

/// Characters that are not seen for what they are: control characters, of no width, and of the direction.
const HIDDEN: [char; 9] =
    ['\u{1b}', '\n', '\u{9b}', '\u{200b}', '\u{2060}', '\u{feff}', '\u{202e}', '\u{2066}', '\u{200f}'];

fn password() -> Password {
    "correct horse".parse().expect("a password")
}

async fn sign_up(house: &House, name: &str) -> Result<concert_core::User, Error> {
    house.office.sign_up(SignUp::new(name.parse()?).with_password(password())).await
}

#[tokio::test]
async fn a8_a_name_is_one_name_whatever_its_case_width_and_composition() {
    let site = Site::open().await;
    let user = |name: &str| json!({"username": name, "password": "correct horse"});
    for (shown, same) in [
        ("Ann", ["ann", "ANN", "\u{ff21}\u{ff4e}\u{ff4e}"]),
        ("Ren\u{e9}e", ["Rene\u{301}e", "REN\u{c9}E", "rene\u{301}E"]),
        ("\u{c548}\u{b098}", ["\u{110b}\u{1161}\u{11ab}\u{1102}\u{1161}"; 3]),
    ] {
        let made = site.post("/api/v1/users", &user(shown)).send().await.expect(201, "");
        assert_eq!(made.body["username"], shown, "it is shown as it was given");
        for name in same {
            site.post("/api/v1/users", &user(name)).send().await.expect(409, "USERNAME_TAKEN");
            let session = site.post("/api/v1/users/login", &user(name)).send().await.expect(200, "");
            assert_eq!(session.body["userId"], made.body["userId"], "{name:?}");
        }
    }
    let wide = site.post("/api/v1/users", &user("\u{ff22}ob")).send().await.expect(201, "");
    assert_eq!(wide.body["username"], "Bob", "in normal width");
}

#[tokio::test]
async fn a8_no_collation_makes_different_names_one() {
    let house = House::open().await;
    for name in ["strasse", "stra\u{df}e", "renee", "ren\u{e9}e", "i", "\u{131}"] {
        sign_up(&house, name).await.unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
}

#[tokio::test]
async fn a8_what_cannot_be_seen_is_no_part_of_any_name() {
    let site = Site::open().await;
    let (house, date) = (&site.house, NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date"));
    for hidden in HIDDEN {
        let name = format!("an{hidden}n");
        let user = json!({"username": name, "password": "correct horse"});
        site.post("/api/v1/users", &user).send().await.expect(400, "INVALID_REQUEST");
        site.post("/api/v1/users/login", &user).send().await.expect(401, "BAD_CREDENTIALS");
        assert!(name.parse::<Username>().is_err(), "{name:?}");
        assert!(name.parse::<Operator>().is_err(), "{name:?}");
        assert!(name.parse::<RefundReason>().is_err(), "{name:?}");
        let plain = vec![Section::plain(1, money(PRICE))];
        for new in [
            NewConcert::new(name.clone(), date, plain),
            NewConcert::new("Spring", date, vec![section(&name, 1, 1, PRICE)]),
        ] {
            let refused = house.office.back_office().add_concert(&new).await;
            assert!(matches!(refused, Err(Error::InvalidInput(_))), "{name:?}: {refused:?}");
        }
    }
    assert_eq!(house.count("select count(*) from users").await + house.count("select count(*) from concerts").await, 0);
}

#[tokio::test]
async fn a8_a_section_is_found_however_its_name_is_composed() {
    let house = House::open().await;
    let date = NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
    let concert = house.concert_in(date, vec![section("Gale\u{301}rie", 1, 4, PRICE)]).await;
    let user = house.active_users(1, 0).await[0];
    for name in ["Gal\u{e9}rie", "Gale\u{301}rie"] {
        let wanted = Wanted::BestAvailable { count: 1, section: Some(name.to_owned()) };
        let held = house.office.hold(user, concert, wanted).await.expect("holds");
        assert_eq!(held.reservations[0].section.as_deref(), Some("Gal\u{e9}rie"));
    }
    house.assert_sound().await;
}
