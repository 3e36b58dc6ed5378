//! How many seats one user may have: held and sold together, on all ways, and never one more.

use std::future::Future;

use concert_core::{
    BoxOffice, Caller, ConcertId, Error, Join, NewSale, OrderRef, ReservationStatus, SaleChange, SaleId, UserId, Wanted,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::http::{Site, reservation};
use crate::support::ways::{ASSUMED, LOCKED, tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, keyed, money, seat};

const LANE: &str = "reservation";

/// Sets the limit of every concert there is.
async fn limit_concerts(house: &House, most: u32) {
    let limit = "update concerts set max_seats_per_user = ?, version = version + 1";
    sqlx::query(limit).bind(most).execute(house.office.pool()).await.expect("sets the limit");
}

/// A concert with rows of 20, of which one user may have `most` seats, and users who are in.
async fn limited(most: u32, users: usize) -> (House, ConcertId, Vec<UserId>) {
    limited_in(House::open_with(|policy| policy.with_max_holds_per_user(100)).await, most, users).await
}

async fn limited_in(house: House, most: u32, users: usize) -> (House, ConcertId, Vec<UserId>) {
    let concert = house.hall(10, 20).await;
    limit_concerts(&house, most).await;
    let users = house.active_users(users, 10_000).await;
    (house, concert, users)
}

fn seats(numbers: impl IntoIterator<Item = i64>) -> Wanted {
    Wanted::Seats(numbers.into_iter().map(seat).collect())
}

fn best(count: usize) -> Wanted {
    Wanted::BestAvailable { count, section: None }
}

#[track_caller]
fn assert_left<T: std::fmt::Debug>(answer: Result<T, Error>, most: u32, still: u32) {
    let is_refused =
        matches!(answer, Err(Error::SeatLimit { of: "concert", limit, left }) if (limit, left) == (most, still));
    assert!(is_refused, "{answer:?}, not {still} left of {most}");
}

/// How many seats a user has, by the database.
async fn has(house: &House, user: UserId) -> i64 {
    let live = "select count(*) from reservations where live = 1 and user_id = ?";
    sqlx::query_scalar(live).bind(user.as_uuid()).fetch_one(house.office.pool()).await.expect("counts")
}

/// Runs all at once and gathers their answers.
async fn all<T: Send + 'static>(futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    futures.into_iter().collect::<JoinSet<T>>().join_all().await
}

#[tokio::test]
async fn held_and_sold_seats_count_together_and_a_refusal_says_how_many_are_left() {
    let (house, concert, users) = limited(3, 2).await;
    let [user, other] = users[..] else { unreachable!() };
    let first = house.office.hold_one(user, concert, seat(1)).await.expect("one of three");
    house.office.pay(user, first.id, money(PRICE)).await.expect("pays");
    assert_left(house.office.hold(user, concert, seats([2, 3, 4])).await, 3, 2);
    assert_eq!(has(&house, user).await, 1, "nothing of a refused order is held");
    house.office.hold(user, concert, best(2)).await.expect("the best two, and there are no more");
    assert_left(house.office.hold(user, concert, best(1)).await, 3, 0);
    assert_left(house.office.hold_one(user, concert, seat(9)).await, 3, 0);
    house.office.hold(other, concert, seats([5, 6, 7])).await.expect("others have their own");
    let taken = house.office.hold_one(user, concert, seat(5)).await;
    assert!(matches!(taken, Err(Error::SeatAlreadyReserved { .. })), "who is at the limit learns what is taken");
    let elsewhere = house.concert(9).await;
    house.office.hold(user, elsewhere, seats([1, 2, 3, 4])).await.expect("a concert without a limit");
    house.assert_sound().await;
}

#[tokio::test]
async fn what_is_given_back_lapses_or_is_refunded_counts_no_more() {
    let (house, concert, users) = limited(1, 1).await;
    let user = users[0];
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    assert_left(house.office.hold_one(user, concert, seat(2)).await, 1, 0);
    house.office.cancel(user, held.id).await.expect("gives back");
    house.office.hold_one(user, concert, seat(2)).await.expect("it was given back");
    house.advance(299);
    assert_left(house.office.hold_one(user, concert, seat(3)).await, 1, 0);
    house.advance(1);
    let third = house.office.hold_one(user, concert, seat(3)).await.expect("the hold has lapsed, swept or not");
    let paid = house.office.pay(user, third.id, money(PRICE)).await.expect("pays").payments[0].id;
    assert_left(house.office.hold_one(user, concert, seat(4)).await, 1, 0);
    house.office.back_office().refund(paid, None).await.expect("refunds");
    house.office.hold_one(user, concert, seat(4)).await.expect("the payment was refunded");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_order_is_answered_at_the_limit_and_a_limit_that_is_lowered_takes_nothing_away() {
    let (house, concert, users) = limited(2, 1).await;
    let user = users[0];
    let caller = || keyed(user, "the only one");
    let order = house.office.hold(caller(), concert, seats([1, 2])).await.expect("holds");
    assert_eq!(house.office.hold(caller(), concert, seats([1, 2])).await.expect("the same").id, order.id);
    limit_concerts(&house, 1).await;
    house.office.pay(user, order.id, money(2 * PRICE)).await.expect("what is held can be paid");
    assert_left(house.office.hold_one(user, concert, seat(3)).await, 1, 0);
    assert_eq!(has(&house, user).await, 2);
}

#[tokio::test]
async fn holds_under_a_limit_are_assumed_and_the_script_itself_keeps_it() {
    let house = House::watched(|policy| policy.with_max_holds_per_user(100)).await;
    let (house, concert, users) = limited_in(house, 2, 2).await;
    let user = users[0];
    house.office.hold_one(users[1], concert, seat(100)).await.expect("the hall is known from now on");
    ways(LANE);
    house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    assert_eq!(ways(LANE), [ASSUMED]);
    // Another process adds the second seat, which this one does not know.
    let another = house.another_office().await;
    another.hold_one(user, concert, seat(2)).await.expect("holds");
    assert_eq!(ways(LANE), [LOCKED]);
    assert_left(house.office.hold_one(user, concert, seat(3)).await, 2, 0);
    assert_eq!(ways(LANE), tried_and_locked("guard"));
    assert_eq!(has(&house, user).await, 2);
    house.assert_sound().await;
}

/// Two concerts of one sale in which one user may have `most` seats, and a user who is in.
async fn limited_sale(most: u32) -> (House, SaleId, [ConcertId; 2], UserId) {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100)).await;
    let back_office = house.office.back_office();
    let change = SaleChange::new().with_max_seats_per_user(Some(most));
    let sale = back_office.add_sale(&NewSale::new("Spring").with_settings(change)).await.expect("adds a sale").id;
    let concerts = [house.hall(10, 20).await, house.hall(10, 20).await];
    let into_sale = sqlx::query("update concerts set sale_id = ?").bind(sale.as_uuid());
    into_sale.execute(house.office.pool()).await.expect("puts them into the sale");
    let user = house.user(10_000).await;
    house.office.join_queue(Join::sale(sale, user)).await.expect("joins");
    (house, sale, concerts, user)
}

#[tokio::test]
async fn the_limit_of_a_sale_counts_over_all_its_concerts_and_can_be_changed_live() {
    let (house, sale, [one, other], user) = limited_sale(3).await;
    let office = &house.office;
    office.hold(user, one, seats([1, 2])).await.expect("two of three");
    let two = office.hold(user, other, seats([1, 2])).await;
    assert!(matches!(two, Err(Error::SeatLimit { of: "sale", limit: 3, left: 1 })), "{two:?}");
    let third = office.hold_one(user, other, seat(1)).await.expect("the third");
    let best = office.hold(user, one, best(1)).await;
    assert!(matches!(best, Err(Error::SeatLimit { of: "sale", left: 0, .. })), "{best:?}");
    office.cancel(user, third.id).await.expect("gives back");
    office.hold_one(user, one, seat(9)).await.expect("one is left again");
    let found = office.user_seats(user, other).await.expect("asks");
    assert_eq!((found.of_concert.held, found.of_sale.held, found.left), (0, 3, Some(0)));
    let elsewhere = house.concert(5).await;
    office.issue_token(user).await.expect("joins the default sale");
    office.hold_one(user, elsewhere, seat(1)).await.expect("another sale");
    // Another process that knows the halls learns of the change by the version of the concerts.
    let another = house.another_office().await;
    let change = SaleChange::new().with_max_seats_per_user(Some(4));
    another.back_office().set_sale(sale, change, None).await.expect("raises the limit");
    office.hold_one(user, other, seat(5)).await.expect("the fourth");
    let fifth = office.hold_one(user, other, seat(6)).await;
    assert!(matches!(fifth, Err(Error::SeatLimit { of: "sale", limit: 4, left: 0 })), "{fifth:?}");
    another
        .back_office()
        .set_sale(sale, SaleChange::new().with_max_seats_per_user(None), None)
        .await
        .expect("no limit");
    office.hold(user, other, seats([6, 7, 8])).await.expect("as many as one likes");
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_at_once_of_several_concerts_never_pass_the_limit_of_their_sale() {
    const MOST: usize = 7;
    let (house, _, concerts, user) = limited_sale(MOST as u32).await;
    let offices = [house.office.clone(), house.another_office().await];
    for _ in 0..4 {
        let orders = (0..64).map(|nth| {
            let office = offices[nth / 2 % 2].clone();
            let caller = if nth % 3 == 0 { office.back_office().acting_for(user) } else { Caller::from(user) };
            one_order(office, caller, concerts[nth % 2], nth)
        });
        let answers = all(orders).await;
        let got: usize = answers.iter().flatten().sum();
        assert!((MOST - 1..=MOST).contains(&got), "{got} of {MOST}: {answers:?}");
        assert_eq!(has(&house, user).await as usize, got);
        let own = house.office.reservations_of(user).await.expect("lists");
        for held in own.into_iter().filter(|held| held.status == ReservationStatus::Held) {
            house.office.cancel(user, held.id).await.expect("gives back");
        }
        // Whoever let seats go twice in a row leaves them to others for a minute.
        house.advance(61);
    }
    house.assert_sound().await;
}

/// One order of many: by which office, of which seats.
async fn one_order(office: BoxOffice, caller: Caller, concert: ConcertId, nth: usize) -> Result<usize, Error> {
    // At the back, away from the best seats.
    let number = 101 + nth as i64 / 4 * 4;
    let wanted = match nth % 4 {
        0 => seats([number]),
        1 => seats([number + 1, number + 2]),
        2 => best(1),
        _ => best(2),
    };
    office.hold(caller, concert, wanted).await.map(|order| order.reservations.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_orders_at_once_over_two_offices_and_the_desk_none_passes_the_limit() {
    const MOST: usize = 5;
    let (house, concert, users) = limited(MOST as u32, 8).await;
    let offices = [house.office.clone(), house.another_office().await];
    for user in users {
        let orders = (0..64).map(|nth| {
            let office = offices[nth % 2].clone();
            let caller = if nth % 3 == 0 { office.back_office().acting_for(user) } else { Caller::from(user) };
            one_order(office, caller, concert, nth)
        });
        let answers = all(orders).await;
        let got: usize = answers.iter().flatten().sum();
        assert!((MOST - 1..=MOST).contains(&got), "{got} of {MOST}: {answers:?}");
        assert_eq!(has(&house, user).await as usize, got);
        for refused in answers.into_iter().filter(Result::is_err) {
            assert!(matches!(refused, Err(Error::SeatLimit { left: 0 | 1, .. })), "{refused:?}");
        }
        // Others may have all that is left over.
        house.office.leave_queue(user).await.expect("gives everything back");
    }
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_payments_refunds_and_returns_at_once_never_pass_the_limit() {
    const MOST: i64 = 3;
    let (house, concert, users) = limited(MOST as u32, 4).await;
    let offices = [house.office.clone(), house.another_office().await];
    let lives = users.iter().flat_map(|user| (0..6).map(move |nth| (*user, nth))).map(|(user, nth)| {
        let office = offices[nth % 2].clone();
        async move {
            for round in 0..12 {
                let number = seat((nth * 30 + round) as i64 % 200 + 1);
                let Ok(held) = office.hold_one(user, concert, number).await else { continue };
                if round % 3 == 0 {
                    let _ = office.cancel(user, held.id).await;
                } else if let Ok(paid) = office.pay(user, OrderRef::from(held.id), money(PRICE)).await
                    && round % 3 == 1
                {
                    office.back_office().refund(paid.payments[0].id, None).await.expect("refunds");
                }
            }
        }
    });
    let watched = users.clone();
    let watching = tokio::spawn({
        let office = house.office.clone();
        async move {
            loop {
                for user in &watched {
                    let live = "select count(*) from reservations where live = 1 and user_id = ?";
                    let has: i64 =
                        sqlx::query_scalar(live).bind(user.as_uuid()).fetch_one(office.pool()).await.expect("counts");
                    assert!(has <= MOST, "{has} of {MOST}");
                }
                tokio::task::yield_now().await;
            }
        }
    });
    all(lives).await;
    assert!(!watching.is_finished(), "nobody ever had more");
    watching.abort();
    house.assert_sound().await;
}

#[tokio::test]
async fn over_rest_a_refusal_says_what_is_left_and_the_limits_can_be_asked_for() {
    let house = House::open().await;
    let (house, concert, _) = limited_in(house, 2, 0).await;
    let site = Site::serve(house, concert_server::Limits::default()).await;
    let (user, token) = site.active_user(1_000).await;
    let path = format!("/api/v1/reservations/{concert}/limits?userId={user}");
    let limits = async || site.get(&path).bearer(&token).send().await.expect(200, "").body;
    let none = limits().await;
    assert_eq!(none["left"], 2);
    assert_eq!((&none["held"], &none["sold"], &none["maxSeatsPerUser"]), (&json!(0), &json!(0), &json!(2)));
    assert_eq!((&none["sale"]["left"], &none["sale"]["maxSeatsPerUser"]), (&json!(null), &json!(null)));
    let hold = async |body| site.post("/api/v1/reservations", &body).bearer(&token).send().await;
    hold(reservation(concert, 1, user)).await.expect(201, "");
    let two = json!({"concertId": concert, "seatNumbers": [2, 3], "userId": user});
    let refused = hold(two).await.expect(409, "SEAT_LIMIT").body;
    assert_eq!((&refused["of"], &refused["limit"], &refused["left"]), (&json!("concert"), &json!(2), &json!(1)));
    let one = limits().await;
    assert_eq!(
        (&one["held"], &one["sold"], &one["left"], &one["unpaid"]),
        (&json!(1), &json!(0), &json!(1), &json!(1))
    );
    let elsewhere = site.house.concert(3).await;
    let free = site.get(&format!("/api/v1/reservations/{elsewhere}/limits?userId={user}")).bearer(&token).send().await;
    assert_eq!(free.expect(200, "").body["left"], json!(null), "no limit");
    let nowhere = ConcertId::generate();
    let path = format!("/api/v1/reservations/{nowhere}/limits?userId={user}");
    site.get(&path).bearer(&token).send().await.expect(404, "CONCERT_NOT_FOUND");
    let path = format!("/api/v1/reservations/x/limits?userId={user}");
    site.get(&path).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
}

#[test]
fn a_refusal_reads_well() {
    let refusal = |left| Error::SeatLimit { of: "concert", limit: 4, left }.to_string();
    assert_eq!(refusal(0), "one user may have at most 4 seats of this concert; this user has them all");
    assert_eq!(refusal(2), "one user may have at most 4 seats of this concert; this user may have 2 more");
}
