//! Halls: sections, rows, and the numbers of seats.

use concert_core::{ConcertId, Error, NewConcert, SeatView, Section};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

fn section(name: &str, rows: u32, seats_per_row: u32) -> Section {
    Section::in_rows(rows, seats_per_row, money(PRICE)).with_name(name)
}

async fn build(house: &House, sections: Vec<Section>) -> Result<ConcertId, Error> {
    let id = ConcertId::generate();
    let date = house.office.now().date_naive();
    let new = NewConcert::new("Spring", date, sections).with_id(id);
    house.office.back_office().add_concert(&new).await.map(|()| id)
}

fn labels(seat: &SeatView) -> (i32, Option<&str>, Option<&str>) {
    (seat.number.get(), seat.section.as_deref(), seat.row.as_deref())
}

#[tokio::test]
async fn seats_are_numbered_through_rows_and_sections_in_their_order() {
    let house = House::open().await;
    let nameless_rows = Section::in_rows(2, 1, money(PRICE));
    let sections =
        vec![section("Parkett ♪", 2, 3), section("Standing", 0, 2), nameless_rows, Section::plain(1, money(50))];
    let concert = build(&house, sections).await.expect("is built");
    let seats = house.office.seats(concert).await.expect("lists");
    let parkett = Some("Parkett ♪");
    let expected = [
        (1, parkett, Some("1")),
        (2, parkett, Some("1")),
        (3, parkett, Some("1")),
        (4, parkett, Some("2")),
        (5, parkett, Some("2")),
        (6, parkett, Some("2")),
        (7, Some("Standing"), None),
        (8, Some("Standing"), None),
        (9, None, Some("1")),
        (10, None, Some("2")),
        (11, None, None),
    ];
    assert_eq!(seats.iter().map(labels).collect::<Vec<_>>(), expected);
    assert_eq!(seats[10].price, money(50));
    house.assert_sound().await;
}

#[tokio::test]
async fn rows_are_the_same_however_the_seats_went_in() {
    let house = House::open().await;
    // Seats go in by the ten thousand, which is in the middle of a row here.
    let concert = build(&house, vec![section("Front", 1, 7), section("Back", 30, 701)]).await.expect("is built");
    let seats = house.office.seats(concert).await.expect("lists");
    assert_eq!(seats.len(), 7 + 30 * 701);
    for (nth, seat) in seats[7..].iter().enumerate() {
        let row = (nth / 701 + 1).to_string();
        assert_eq!(labels(seat), (nth as i32 + 8, Some("Back"), Some(row.as_str())));
    }
}

#[tokio::test]
async fn a_seat_keeps_its_section_and_row_when_it_is_sold_and_one_without_them_is_sold_as_ever() {
    let house = House::open().await;
    let concert = build(&house, vec![section("Front", 1, 2)]).await.expect("is built");
    // As seats from before there were sections are.
    house.tamper("update seats set section = null, seat_row = null where seat_number = 2").await;
    let user = house.active_users(1, 1_000).await[0];
    for number in [1, 2] {
        let held = house.office.hold_one(user, concert, seat(number)).await.expect("holds");
        house.office.pay(user, held.id, held.price).await.expect("pays");
    }
    let seats = house.office.seats(concert).await.expect("lists");
    assert_eq!(seats.iter().map(labels).collect::<Vec<_>>(), [(1, Some("Front"), Some("1")), (2, None, None)]);
    assert!(seats.iter().all(|seat| !seat.available));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_hall_that_cannot_be_is_refused_and_nothing_of_it_stays() {
    let house = House::open().await;
    let longest = "é".repeat(32);
    build(&house, vec![section(&longest, 1, 1)]).await.expect("is built");
    let nameless = || Section::in_rows(1, 1, money(PRICE));
    let refused = [
        (vec![], "a concert has 1 to 2147483647 seats"),
        (vec![section(&"é".repeat(33), 1, 1)], "the name of a section is 1 to 32 characters, no spaces around"),
        (vec![section("", 1, 1)], "the name of a section is 1 to 32 characters, no spaces around"),
        (vec![section("Front ", 1, 1)], "the name of a section is 1 to 32 characters, no spaces around"),
        (vec![section("Front", 5, 0)], "a section has at least 1 seat, and in each of its rows"),
        (vec![Section::plain(0, money(1))], "a section has at least 1 seat, and in each of its rows"),
        (
            vec![section("Front", 1, 1), section("Back", 1, 1), section("Front", 2, 1)],
            "two sections with rows are called Front: nobody could tell their rows apart",
        ),
        (vec![nameless(), nameless()], "two sections with rows are without a name: nobody could tell their rows apart"),
        (
            vec![section("Front", u32::MAX, u32::MAX), section("Back", u32::MAX, u32::MAX)],
            "a concert has 1 to 2147483647 seats",
        ),
        (vec![section("Front", 1 << 16, 1 << 15)], "a concert has 1 to 2147483647 seats"),
        // Each seat is numbered before anything is written: that must end.
        (vec![section("Front", 1_000, 1_001)], "at most 1000000 seats are added at once"),
    ];
    for (sections, why) in refused {
        let error = build(&house, sections).await.expect_err(why);
        assert_eq!((error.code(), error.to_string().as_str()), ("INVALID_REQUEST", why));
    }
    assert_eq!(house.count("select count(*) from concerts").await, 1);
}
