//! Seats that are added to a hall, their marks and their places.

use concert_core::{ConcertId, NewSeats, Wanted};
use serde_json::{Value, json};

use super::{available, buy, refused, seats};
use crate::http::Site;
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

#[tokio::test]
async fn seats_are_added_to_a_hall_and_sold_like_the_others() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.hall(1, 4).await);
    let users = house.active_users(2, 1_000).await;
    let row = |numbers: &str| NewSeats::new(money(60), seats(numbers)).in_section("Hall").in_row("1");
    let done = office.back_office().add_seats(concert, row("4-6, 11")).await.expect("adds");
    assert_eq!((done.changed, refused(&done)), (3, vec![(4, "SEAT_EXISTS")]));
    // Number 12 stands where 7 would.
    let done = office.back_office().add_seats(concert, row("12").at_places(&[7]).expect("one each")).await;
    assert_eq!(done.expect("adds").changed, 1);
    let done = office.back_office().add_seats(concert, row("13").at_places(&[7]).expect("one each")).await;
    assert_eq!(refused(&done.expect("answers")), [(13, "PLACE_TAKEN")]);
    let plain = office.back_office().add_seats(concert, NewSeats::new(money(10), seats("20"))).await.expect("adds");
    assert_eq!(plain.changed, 1);

    let figures = office.back_office().figures().await.expect("counts");
    assert_eq!((figures.concerts[0].seats, figures.concerts[0].free), (9, 9));
    assert_eq!(available(office, concert).await, [1, 2, 3, 4, 5, 6, 11, 12, 20]);
    let together = Wanted::BestTogether { count: 4, section: None };
    let order = office.hold(users[0], concert, together).await.expect("holds");
    assert_eq!(order.reservations.len(), 4);
    assert_eq!(buy(office, users[1], concert, 11).await.total, money(60));
    for bad in [
        NewSeats::new(money(1), []),
        NewSeats::new(money(1), seats("30")).in_row(" "),
        NewSeats::new(money(1), seats("30")).in_section("x".repeat(33)),
        NewSeats::new(money(1), seats("30, 31")).at_places(&[1, 1]).expect("one each"),
        NewSeats::new(money(1), seats("30")).at_places(&[0]).expect("one each"),
    ] {
        let refusal = office.back_office().add_seats(concert, bad.clone()).await.expect_err("is refused");
        assert_eq!(refusal.code(), "INVALID_REQUEST", "{bad:?}");
    }
    let nowhere = office.back_office().add_seats(ConcertId::generate(), NewSeats::new(money(1), seats("1"))).await;
    assert_eq!(nowhere.expect_err("no such concert").code(), "CONCERT_NOT_FOUND");
    house.assert_sound().await;
}

#[tokio::test]
async fn added_seats_have_the_marks_that_they_are_given() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.hall(1, 2).await);
    let marks = ["restricted view", "ACCESSIBLE", "accessible"].map(|mark| mark.parse().expect("a mark"));
    let new = NewSeats::new(money(60), seats("3-4")).with_marks(marks.to_vec());
    office.back_office().add_seats(concert, new.clone()).await.expect("adds");
    let marked = "select count(*) from seats where marks = 'ACCESSIBLE,RESTRICTED_VIEW' and seat_number in (3, 4)";
    assert_eq!(house.count(marked).await, 2);
    assert_eq!(house.count("select count(*) from seats where marks is not null").await, 2);
    let too_many = (0..9).map(|nth| format!("A_MARK_OF_THIRTY_TWO_CHARACTERS{nth}").parse().expect("a mark")).collect();
    let refused = office.back_office().add_seats(concert, new.with_marks(too_many)).await.expect_err("is refused");
    assert_eq!(refused.code(), "INVALID_REQUEST");
    let log = office.back_office().log(concert_core::Page::default()).await.expect("lists").data;
    assert_eq!(log[0].after.as_ref().expect("is told")["marks"], json!(["ACCESSIBLE", "RESTRICTED_VIEW"]));
}

#[tokio::test]
async fn neighbours_are_places_and_who_wants_to_sit_together_is_refused_rather_than_split() {
    let site = Site::open().await;
    let house = &site.house;
    let concert = house.concert(1).await;
    // 1 3 5 | 2 4 6 in a row, as its seats are printed; places 4 and 1 to 3 are on either side of the aisle.
    let row = NewSeats::new(money(PRICE), [11, 13, 15, 12, 14, 16].map(seat)).in_section("Hall").in_row("A");
    let row = row.at_places(&[1, 2, 3, 5, 6, 7]).expect("one each");
    house.office.back_office().add_seats(concert, row).await.expect("adds");
    house
        .office
        .back_office()
        .block_seats(concert, seats("1"), "camera".parse().expect("a reason"))
        .await
        .expect("blocks");
    let (user, token) = site.active_user(0).await;
    let ask = |wanted: Value| {
        site.post("/api/v1/reservations", &json!({"concertId": concert, "bestAvailable": wanted, "userId": user}))
            .bearer(&token)
    };
    ask(json!({"count": 4, "together": true})).send().await.expect(409, "SEATS_NOT_TOGETHER");
    ask(json!({"count": 4, "together": "yes"})).send().await.expect(400, "INVALID_REQUEST");
    let listed = site.get(&format!("/api/v1/reservations/{concert}/seats")).send().await.expect(200, "").body;
    let places: Vec<_> = listed.as_array().expect("a list").iter().map(|seat| seat["place"].clone()).collect();
    assert_eq!(places, [json!(null), json!(1), json!(5), json!(2), json!(6), json!(3), json!(7)], "by number");
    let three = ask(json!({"count": 3, "together": true, "section": "Hall"})).send().await.expect(201, "").body;
    let numbers: Vec<_> =
        three["seats"].as_array().expect("a list").iter().map(|seat| seat["seatNumber"].clone()).collect();
    assert_eq!(numbers, [json!(11), json!(13), json!(15)], "beside each other, though not by number");
    ask(json!({"count": 4, "together": true})).send().await.expect(409, "NOT_ENOUGH_SEATS");
    house.assert_sound().await;
}
