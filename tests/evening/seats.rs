//! A hall that changes while it sells: seats off sale, prices, new seats, places and aisles.

use std::future::Future;

use concert_core::{
    BoxOffice, ConcertId, Error, Money, NewSeats, Order, RefusedSeat, Role, SeatNumber, SeatRanges, SeatsChanged,
    Section, UserId, Wanted,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::http::Site;
use crate::support::ways::{tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, money, seat, section};

/// Runs all at once and gathers their answers.
async fn all<T: Send + 'static>(futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    futures.into_iter().collect::<JoinSet<T>>().join_all().await
}

fn seats(text: &str) -> Vec<SeatNumber> {
    text.parse::<SeatRanges>().expect("seats").numbers().collect()
}

fn best(count: usize) -> Wanted {
    Wanted::BestAvailable { count, section: None }
}

async fn block(office: &BoxOffice, concert: ConcertId, numbers: &str) -> SeatsChanged {
    let reason = "camera".parse().expect("a reason");
    office.back_office().block_seats(concert, seats(numbers), reason).await.expect("blocks")
}

async fn price(office: &BoxOffice, concert: ConcertId, numbers: &str, price: Money) -> SeatsChanged {
    office.back_office().price_seats(concert, seats(numbers), price).await.expect("prices")
}

async fn available(office: &BoxOffice, concert: ConcertId) -> Vec<i32> {
    let seats = office.seats(concert).await.expect("lists");
    seats.iter().filter(|seat| seat.available).map(|seat| seat.number.get()).collect()
}

fn refused(changed: &SeatsChanged) -> Vec<(i32, &'static str)> {
    changed.refused.iter().map(|RefusedSeat { seat, code, .. }| (seat.get(), *code)).collect()
}

async fn version(house: &House) -> i64 {
    house.count("select cast(version as signed) from concerts").await
}

async fn buy(office: &BoxOffice, user: UserId, concert: ConcertId, number: i64) -> Order {
    let order = office.hold(user, concert, seat(number)).await.expect("holds");
    office.pay(user, order.id, order.total).await.expect("pays");
    order
}

#[tokio::test]
async fn a_blocked_seat_is_not_held_by_any_way_and_everything_knows_it() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.hall(1, 8).await);
    let users = house.active_users(3, 1_000).await;
    buy(office, users[0], concert, 1).await;
    office.hold(users[1], concert, seat(2)).await.expect("holds");

    let done = block(office, concert, "1-4, 99").await;
    assert_eq!((done.changed, done.seats.clone()), (2, seats("3, 4")));
    let codes = [(1, "SEAT_ALREADY_RESERVED"), (2, "SEAT_ALREADY_RESERVED"), (99, "SEAT_NOT_FOUND")];
    assert_eq!(refused(&done), codes);
    assert_eq!((i64::from(done.version), version(&house).await), (2, 2));
    assert_eq!(available(office, concert).await, [5, 6, 7, 8]);

    let refusal = office.hold(users[2], concert, seat(3)).await.expect_err("is not on sale");
    assert!(matches!(refusal, Error::SeatBlocked { ref seats } if *seats == [seat(3)]), "{refusal:?}");
    let named = Wanted::Seats(vec![seat(4), seat(5)]);
    assert_eq!(office.hold(users[2], concert, named).await.expect_err("not both").code(), "SEAT_BLOCKED");
    let four = office.hold(users[2], concert, best(4)).await.expect("the rest");
    assert_eq!(four.reservations.iter().map(|held| held.seat.get()).collect::<Vec<_>>(), [5, 6, 7, 8]);

    let figures = office.back_office().figures().await.expect("counts");
    let hall = &figures.concerts[0];
    assert_eq!((hall.seats, hall.free, hall.held, hall.sold, hall.blocked), (8, 0, 5, 1, 2));
    let told = office.back_office().explain((concert, seat(3))).await.expect("is told");
    assert_eq!(told.now, "not on sale: camera");
    house.assert_sound().await;

    // Again: nothing changes. For another reason: it says so.
    let again = block(office, concert, "3").await;
    assert_eq!((again.changed, again.refused.len(), again.version), (0, 0, 2));
    let other = office.back_office().block_seats(concert, seats("3"), "guests".parse().expect("a reason")).await;
    assert_eq!(refused(&other.expect("answers")), [(3, "SEAT_BLOCKED")]);

    let done = office.back_office().unblock_seats(concert, seats("1-3, 5"), None).await.expect("unblocks");
    assert_eq!((done.changed, done.version), (1, 3));
    assert_eq!(refused(&done).iter().map(|(seat, _)| *seat).collect::<Vec<_>>(), [1, 2, 5]);
    assert_eq!(available(office, concert).await, [3]);
    office.hold(users[1], concert, seat(3)).await.expect("is on sale again");
    let log = office.back_office().log(concert_core::Page::default()).await.expect("lists").data;
    let acts: Vec<_> = log.iter().take(2).map(|entry| (entry.act.as_str(), entry.subject.as_str())).collect();
    assert_eq!(acts, [("SEAT_UNBLOCK", "concert"), ("SEAT_BLOCK", "concert")], "what changes nothing is no act");
    assert_eq!(log[1].after, Some(json!({"changed": 2, "seats": "3, 4", "reason": "camera"})));
    let told = office.back_office().explain((concert, seat(3))).await.expect("is told").events;
    let told: Vec<_> = told.iter().map(|event| (event.what.to_string(), event.detail.as_str())).take(2).collect();
    let by = "by ann@box-office";
    assert_eq!(
        told,
        [("taken off sale".to_owned(), format!("camera; {by}").as_str()), ("on sale again".to_owned(), by)]
    );
    assert_eq!(log[0].before, Some(json!({"blocked": [{"reason": "camera", "seats": "3"}]})));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_lapsed_hold_does_not_keep_a_seat_on_sale() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.concert(2).await);
    let user = house.active_users(1, 0).await[0];
    let held = office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.advance(301);
    assert_eq!(block(office, concert, "1").await.changed, 1);
    house.assert_sound().await;
    assert_eq!(house.count("select count(*) from reservations where status = 'EXPIRED'").await, 1);
    assert_eq!(office.pay(user, held.id, money(PRICE)).await.expect_err("lapsed").code(), "HOLD_EXPIRED");
    assert_eq!(available(office, concert).await, [2]);
}

#[tokio::test]
async fn a_hold_costs_what_its_seat_did_when_it_was_held() {
    let house = House::watched(|policy| policy).await;
    let (office, concert) = (&house.office, house.hall(2, 4).await);
    let users = house.active_users(3, 2_000).await;
    let held = office.hold(users[0], concert, best(2)).await.expect("holds");
    buy(office, users[1], concert, 8).await;
    // It is known now, and held without reading it.
    office.hold(users[2], concert, seat(5)).await.expect("holds");
    ways("reservation");

    let done = price(office, concert, "1-8", money(150)).await;
    assert_eq!((done.changed, done.refused.len()), (8, 0));
    let reserved: Vec<_> = held.reservations.iter().map(|one| one.seat).chain([seat(5), seat(8)]).collect();
    assert_eq!(done.reserved, reserved);
    let listed = office.seats(concert).await.expect("lists");
    assert!(listed.iter().all(|seat| seat.price == money(150)));
    assert_eq!(house.count("select count(*) from seat_runs").await, 2, "a run of each row");

    assert_eq!(office.pay(users[0], held.id, money(300)).await.expect_err("is another price").code(), "WRONG_AMOUNT");
    let paid = office.pay(users[0], held.id, held.total).await.expect("the price of the hold");
    assert_eq!(paid.total, money(2 * PRICE));
    // What was remembered of the hall counts no more.
    let order = office.hold(users[2], concert, seat(6)).await.expect("holds");
    assert_eq!((order.total, ways("reservation")), (money(150), tried_and_locked("guard").to_vec()));
    house.assert_sound().await;

    // One seat of a row: the run is split, and joined again.
    price(office, concert, "3", money(99)).await;
    assert_eq!(house.count("select count(*) from seat_runs").await, 4);
    price(office, concert, "3", money(150)).await;
    assert_eq!(house.count("select count(*) from seat_runs").await, 2);
    house.assert_sound().await;
}

#[tokio::test]
async fn seats_that_cost_nothing_are_held_paid_and_refunded() {
    let house = House::open().await;
    let free = Section::in_rows(1, 3, Money::ZERO).with_name("Guests");
    let date = house.office.now().date_naive();
    let concert = house.concert_in(date, vec![free, section("Hall", 1, 2, PRICE)]).await;
    let (office, user) = (&house.office, house.active_users(1, 0).await[0]);
    let order = office.hold(user, concert, Wanted::Seats(seats("1, 2"))).await.expect("holds");
    assert_eq!(order.total, Money::ZERO);
    assert_eq!(office.pay(user, order.id, money(1)).await.expect_err("costs nothing").code(), "WRONG_AMOUNT");
    let paid = office.pay(user, order.id, Money::ZERO).await.expect("pays nothing");
    assert_eq!((paid.payments.len(), paid.total), (2, Money::ZERO));
    let refund = office.back_office().refund(paid.payments[0].id, None).await.expect("refunds");
    assert_eq!(refund.amount, Money::ZERO);
    price(office, concert, "4", Money::ZERO).await;
    assert_eq!(available(office, concert).await, [1, 3, 4, 5]);
    assert_eq!(office.balance(user).await.expect("reads"), Money::ZERO);
    house.assert_sound().await;
}

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
async fn a_dry_run_says_what_a_change_of_the_hall_would_do_and_does_nothing() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.hall(1, 6).await);
    let user = house.active_users(1, 1_000).await[0];
    office.hold(user, concert, seat(1)).await.expect("holds");
    office.hold(user, concert, seat(4)).await.expect("holds");
    house.advance(200);
    office.hold(user, concert, seat(2)).await.expect("holds");
    house.advance(100);
    // Seats 1 and 4 have lapsed by now, and no sweep has been.
    let hall = office.back_office().hall(concert);
    let (dry, acts) = (hall.clone().dry_run(true), house.count("select count(*) from operator_log").await);
    let reason = || "camera".parse().expect("a reason");
    let would = dry.block(seats("1-3, 9"), reason()).await.expect("says");
    assert_eq!((would.dry_run, would.changed, would.version), (true, 2, 1));
    assert_eq!(refused(&would), [(2, "SEAT_ALREADY_RESERVED"), (9, "SEAT_NOT_FOUND")]);
    assert_eq!(dry.price(seats("1-6"), money(7)).await.expect("says").reserved, seats("2"));
    assert_eq!(dry.unblock(seats("2-3"), None).await.expect("says").refused.len(), 1);
    let row = NewSeats::new(money(60), seats("6-8"));
    assert_eq!(refused(&dry.add(row).await.expect("says")), [(6, "SEAT_EXISTS")]);
    let swap = dry.swap([seat(2), seat(5)], None).await.expect("says");
    assert_eq!((swap.dry_run, swap.moved[0].to), (true, seat(5)));
    assert_eq!(dry.swap([seat(5), seat(6)], None).await.expect_err("is refused").code(), "SEATS_NOT_RESERVED");

    assert_eq!(version(&house).await, 1);
    assert_eq!(house.count("select count(*) from operator_log").await, acts, "no act");
    assert_eq!(available(office, concert).await, [1, 3, 4, 5, 6]);
    assert_eq!(house.count("select count(*) from seats where price = 100").await, 6);
    // The change does what was said.
    let done = hall.block(seats("1-3, 9"), reason()).await.expect("blocks");
    let mut said = would;
    (said.dry_run, said.version) = (false, 2);
    assert_eq!(done, said);
    house.assert_sound().await;
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

#[tokio::test]
async fn operators_change_a_hall_over_rest() {
    let site = Site::open().await;
    let house = &site.house;
    let concert = house.hall(1, 6).await;
    let made = house.office.back_office().make_key(&"ann".parse().expect("a name"), Role::Operator).await;
    let key = made.expect("makes a key").secret.expose_secret().to_owned();
    let path = |rest: &str| format!("/api/v1/admin/concerts/{concert}/seats{rest}");
    let post = |rest: &str, body: Value| site.post(&path(rest), &body).bearer(&key);
    let (user, _) = site.active_user(1_000).await;
    house.office.hold(user, concert, seat(6)).await.expect("holds");

    let said = post("/block", json!({"seatNumbers": [5, 6, 9], "reason": "camera"})).send().await.expect(200, "").body;
    let expected = json!({
        "changed": 1, "seatNumbers": [5], "version": 2,
        "refused": [{"seatNumber": 6, "code": "SEAT_ALREADY_RESERVED"}, {"seatNumber": 9, "code": "SEAT_NOT_FOUND"}],
    });
    assert_eq!(said, expected);
    let said = post("/price", json!({"seats": "1-3, 6", "price": 0})).send().await.expect(200, "").body;
    assert_eq!((&said["changed"], &said["reserved"]), (&json!(4), &json!([6])));
    let said = post("/unblock", json!({"seatNumbers": [5]})).send().await.expect(200, "").body;
    assert_eq!((&said["changed"], &said["version"]), (&json!(1), &json!(4)));
    let dry = post("/block", json!({"seatNumbers": [5, 6], "reason": "camera", "dryRun": true}));
    let said = dry.send().await.expect(200, "").body;
    assert_eq!((&said["changed"], &said["dryRun"], &said["version"]), (&json!(1), &json!(true), &json!(4)));
    let dry = post("/swap", json!({"seatNumbers": [6, 1], "dryRun": true})).send().await.expect(200, "").body;
    assert_eq!((&dry["moved"][0]["to"], &dry["dryRun"]), (&json!(1), &json!(true)));
    let row = json!({"seats": "7-9", "price": 50, "section": "Hall", "row": "1", "places": [8, 9, 10],
        "marks": ["accessible"]});
    assert_eq!(post("", row).send().await.expect(200, "").body["changed"], 3);
    let said =
        post("/swap", json!({"seatNumbers": [6, 1], "reason": "a broken seat"})).send().await.expect(200, "").body;
    assert_eq!((&said["moved"][0]["from"], &said["moved"][0]["to"]), (&json!(6), &json!(1)));
    post("/swap", json!({"seatNumbers": [2, 3]})).send().await.expect(409, "SEATS_NOT_RESERVED");
    for (rest, body) in [
        ("/block", json!({"seatNumbers": [1]})),
        ("/block", json!({"seatNumbers": [], "reason": "camera"})),
        ("/block", json!({"seatNumbers": [0], "reason": "camera"})),
        ("/block", json!({"seatNumbers": [1], "seats": "1", "reason": "camera"})),
        ("/block", json!({"reason": "camera"})),
        ("/price", json!({"seatNumbers": [1], "price": -1})),
        ("/price", json!({"seatNumbers": [1], "price": 0.001})),
        ("/swap", json!({"seatNumbers": [1]})),
        ("/swap", json!({"seatNumbers": [1, 1]})),
        ("", json!({"seatNumbers": [20], "places": [1, 2], "price": 1})),
    ] {
        post(rest, body).send().await.expect(400, "INVALID_REQUEST");
    }
    let listed = site.get(&path("")).bearer(&key).send().await.expect(200, "").body;
    let listed = listed["data"].as_array().or_else(|| listed["seats"].as_array()).expect("a list").clone();
    let seven = listed.iter().find(|seat| seat["seatNumber"] == 7).expect("seat 7");
    assert_eq!(seven["marks"], json!(["ACCESSIBLE"]));
    // A whole hall may be named by its numbers.
    let large = house.hall(50, 100).await;
    let (numbers, block) = ((1..=5_000).collect::<Vec<_>>(), format!("/api/v1/admin/concerts/{large}/seats/block"));
    let blocked = site.post(&block, &json!({"seatNumbers": numbers, "reason": "rebuilt"})).bearer(&key).send().await;
    assert_eq!(blocked.expect(200, "").body["changed"], 5_000);
    let nowhere = format!("/api/v1/admin/concerts/{}/seats/block", ConcertId::generate());
    let blocked = site.post(&nowhere, &json!({"seatNumbers": [1], "reason": "camera"})).bearer(&key).send().await;
    blocked.expect(404, "CONCERT_NOT_FOUND");
    let log = site.get("/api/v1/admin/log").bearer(&key).send().await.expect(200, "").body;
    let acts: Vec<_> =
        log["data"].as_array().expect("a list").iter().skip(2).take(5).map(|entry| entry["act"].clone()).collect();
    assert_eq!(acts, ["SEAT_SWAP", "SEAT_ADD", "SEAT_UNBLOCK", "SEAT_PRICE", "SEAT_BLOCK"]);
    assert_eq!((&log["data"][2]["by"], &log["data"][2]["requestId"]), (&json!("ann"), &json!("test")));
    house.assert_sound().await;
}

/// Operators of one office block seats one after the other while buyers of both hold them, and the best.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_block_and_a_hold_of_one_moment_one_wins() {
    const SEATS: usize = 60;
    let house = House::open().await;
    let concert = house.hall(6, 10).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(SEATS + 20, 1_000).await;
    // Both know the hall.
    for (office, user) in offices.iter().zip(&users[SEATS..]) {
        let held = office.hold(*user, concert, seat(1)).await.expect("holds");
        office.cancel(*user, held.id).await.expect("gives back");
    }
    let mut acts = JoinSet::new();
    for (nth, user) in users.iter().copied().enumerate() {
        let office = offices[nth % 2].clone();
        acts.spawn(async move {
            let wanted = if nth < SEATS { Wanted::from(seat(nth as i64 + 1)) } else { best(1) };
            match office.hold(user, concert, wanted).await {
                Ok(order) => {
                    office.pay(user, order.id, order.total).await.expect("pays");
                    Some(order.reservations[0].seat)
                }
                Err(Error::SeatBlocked { .. } | Error::NotEnoughSeats { .. } | Error::SeatAlreadyReserved { .. }) => {
                    None
                }
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    let mut blocks = JoinSet::new();
    for nth in (0..SEATS).step_by(3) {
        let office = offices[nth % 2].clone();
        blocks.spawn(async move { block(&office, concert, &format!("{}-{}", nth + 1, nth + 2)).await.seats });
    }
    let blocked: Vec<_> = blocks.join_all().await.into_iter().flatten().collect();
    let sold: Vec<_> = acts.join_all().await.into_iter().flatten().collect();
    assert!(sold.iter().all(|seat| !blocked.contains(seat)), "{sold:?} and {blocked:?}");
    assert_eq!(house.count("select count(*) from seats where blocked_reason is not null").await, blocked.len() as i64);
    assert_eq!(house.count("select count(*) from seats where reservation_id is not null").await, sold.len() as i64);
    assert_eq!(
        version(&house).await,
        1 + house.count("select count(*) from operator_log where act = 'SEAT_BLOCK'").await
    );
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_new_price_and_a_hold_of_one_moment_each_hold_has_one_of_the_prices_and_is_paid_at_it() {
    let house = House::open().await;
    let concert = house.hall(10, 12).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(120, 1_000).await;
    let prices = all((1..=8_u32).map(|nth| {
        let office = offices[nth as usize % 2].clone();
        async move { price(&office, concert, "1-120", money(100 + nth)).await.changed }
    }));
    let holds = all(users.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 2].clone();
        async move {
            let order = office.hold(user, concert, seat(nth as i64 + 1)).await.expect("holds");
            assert!((money(100)..=money(108)).contains(&order.total), "{}", order.total);
            office.pay(user, order.id, order.total).await.expect("pays").total
        }
    }));
    let (changed, paid) = tokio::join!(prices, holds);
    assert!(changed.iter().all(|changed| *changed == 120), "{changed:?}");
    assert_eq!(paid.len(), 120);
    house.assert_sound().await;
    assert_eq!(house.count("select count(distinct price) from seats").await, 1, "the last price is that of all");
}
