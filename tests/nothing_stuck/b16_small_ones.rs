//! B16: keys of holds and extensions, long lists, erased users.

use concert_core::{Error, Page, Reservation, ReservationId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::{Answer, Site, reservation};
use crate::support::{House, PRICE, Shortcuts as _, keyed, money, seat};

const PATH: &str = "/api/v1/reservations";

#[tokio::test]
async fn b16_a_hold_repeated_with_its_key_says_held_only_until_it_lapses() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let hold = |number| site.post(PATH, &reservation(concert, number, user)).bearer(&token).key(&format!("k{number}"));
    let first = hold(1).send().await.expect(201, "");
    assert_eq!(first.body["status"], "HELD");
    site.house.advance(299);
    assert_eq!(hold(1).send().await.expect(201, "").body, first.body, "the first answer until the deadline");
    let paid = hold(2).send().await.expect(201, "");
    let body = json!({"reservationId": paid.body["reservationId"], "amount": PRICE, "userId": user});
    site.post("/api/v1/payments/process", &body).bearer(&token).send().await.expect(200, "");
    site.house.advance(1);
    let lapsed = hold(1).send().await.expect(201, "");
    assert_eq!((&lapsed.body["status"], &lapsed.body["total"]), (&json!("EXPIRED"), &json!(0)));
    assert_eq!(lapsed.body["reservationId"], first.body["reservationId"]);
    site.house.office.sweep_expired().await.expect("sweeps");
    assert_eq!(hold(1).send().await.expect(201, "").body, lapsed.body, "swept or not");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn b16_a_hold_that_was_paid_or_given_back_says_so_after_its_deadline() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let hold = |number: i64| house.office.hold_one(keyed(user, &number.to_string()), concert, seat(number));
    let (paid, given_back) = (hold(1).await.expect("holds"), hold(2).await.expect("holds"));
    house.office.pay(user, paid.id, money(PRICE)).await.expect("pays");
    house.office.cancel(user, given_back.id).await.expect("gives back");
    house.advance(301);
    let status = |answer: Result<Reservation, Error>| answer.expect("answers").status.as_str();
    assert_eq!((status(hold(1).await), status(hold(2).await)), ("CONFIRMED", "CANCELLED"));
}

#[tokio::test]
async fn b16_an_extension_repeated_with_its_key_answers_as_the_first() {
    let site = Site::open().await;
    let concert = site.house.concert(2).await;
    let (user, token) = site.active_user(500).await;
    let order = json!({"concertId": concert, "seatNumbers": [1, 2], "userId": user});
    let order = site.post(PATH, &order).bearer(&token).send().await.expect(201, "").body;
    let extend = |key: Option<&str>| {
        let path = format!("{PATH}/{}/extend", order["orderId"].as_str().expect("an id"));
        let ask = site.ask(Method::POST, &path).bearer(&token);
        if let Some(key) = key { ask.key(key) } else { ask }
    };
    let first = extend(Some("k")).send().await.expect(200, "");
    site.house.advance(10);
    assert_eq!(extend(Some("k")).send().await.expect(200, "").body, first.body);
    extend(None).send().await.expect(409, "HOLD_ALREADY_EXTENDED");
    extend(Some("other")).send().await.expect(409, "HOLD_ALREADY_EXTENDED");
    extend(Some("")).send().await.expect(400, "INVALID_REQUEST");
    let body = json!({"orderId": order["orderId"], "amount": 2 * PRICE, "userId": user});
    site.post("/api/v1/payments/process", &body).bearer(&token).send().await.expect(200, "");
    assert_eq!(extend(Some("k")).send().await.expect(200, "").body, first.body, "also once it is paid");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn b16_an_extension_names_a_seat_that_was_given_back() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let order = house.office.hold(user, concert, vec![seat(1), seat(2)]).await.expect("holds");
    let [gone, _] = &order.reservations[..] else { panic!("two seats") };
    house.office.cancel(user, gone.id).await.expect("gives back");
    let extend = || house.office.extend_hold(keyed(user, "k"), gone.id);
    let until = extend().await.expect("extends what is held");
    assert!(until > order.expires_at);
    assert_eq!(extend().await.expect("the same"), until);
    house.assert_sound().await;
}

/// Reservations of one user that were given back, `count` of them, after what is there already.
async fn add_past_reservations(house: &House, count: usize) {
    let one = "insert into reservations (id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, \
               expires_at, last_updated_at) select unhex(left(sha2(concat('past ', seq.n), 256), 32)), r.user_id, r.concert_id, 1, 'CANCELLED', \
               1, '2027-04-01', r.reserved_at + interval seq.n second, r.reserved_at + interval seq.n second, r.reserved_at \
               from (select min(id) as id from reservations) first join reservations r on r.id = first.id \
               join (select a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 1 as n from ";
    let digits = "(select 0 as n union all select 1 union all select 2 union all select 3 union all select 4 union all \
                  select 5 union all select 6 union all select 7 union all select 8 union all select 9)";
    let all = format!("{one}{digits} a, {digits} b, {digits} c, {digits} d) seq where seq.n <= {count}");
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(all)).execute(house.office.pool()).await.expect("inserts");
    assert_eq!(done.rows_affected() as usize, count);
}

fn next_page(answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().expect("is text");
    let (target, relation) = link.strip_prefix('<').and_then(|link| link.split_once('>')).expect("a link");
    assert_eq!(relation, "; rel=\"next\"");
    Some(format!("{PATH}{target}"))
}

#[tokio::test]
async fn b16_a_long_list_of_reservations_is_not_cut_silently_and_has_every_live_hold() {
    let site = Site::open().await;
    let concert = site.house.concert(1).await;
    let (user, token) = site.active_user(0).await;
    let live = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    add_past_reservations(&site.house, 2_345).await;
    for (limit, pages) in [("", 3), ("&limit=100", 24)] {
        let (mut path, mut seen, mut asked) = (Some(format!("{PATH}?userId={user}{limit}")), Vec::new(), 0);
        while let Some(next) = path.take() {
            let page = site.get(&next).bearer(&token).send().await.expect(200, "");
            let ids: Vec<_> =
                page.body.as_array().expect("a list").iter().map(|one| one["reservationId"].clone()).collect();
            if asked == 0 {
                assert_eq!(ids.last(), Some(&json!(live)), "the live hold, older than all of the page");
                assert_eq!(page.body.as_array().expect("a list").last().expect("one")["status"], "HELD");
            }
            asked += 1;
            seen.extend(ids);
            path = next_page(&page);
        }
        assert_eq!((asked, seen.len()), (pages, 2_345 + 2), "the live hold on the first page and in its place");
        seen.sort_unstable_by_key(Value::to_string);
        seen.dedup();
        assert_eq!(seen.len(), 2_346);
    }
    let elsewhere = format!("{PATH}?userId={user}&startingAfter={}", ReservationId::generate());
    site.get(&elsewhere).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    site.get(&format!("{PATH}?userId={user}&limit=0")).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    let list = site.house.office.reservations_page(user, Page::default()).await.expect("lists");
    assert!(list.next.is_some() && list.reservations.len() == 1_001);
}

#[tokio::test]
async fn b16_an_erased_user_neither_holds_nor_extends() {
    let site = Site::open().await;
    let concert = site.house.concert(6).await;
    let (user, token) = site.active_user(0).await;
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    let erase = format!("delete from users where id = x'{}'", user.as_uuid().simple());
    sqlx::raw_sql(sqlx::AssertSqlSafe(erase)).execute(site.house.office.pool()).await.expect("erases");
    let ask = |body: Value| site.post(PATH, &body).bearer(&token).send();
    // By number, which may be assumed, and the best available, which is locked.
    ask(reservation(concert, 2, user)).await.expect(404, "USER_NOT_FOUND");
    let best = json!({"concertId": concert, "bestAvailable": {"count": 1}, "userId": user});
    ask(best).await.expect(404, "USER_NOT_FOUND");
    let extend = site.ask(Method::POST, &format!("{PATH}/{held}/extend")).bearer(&token);
    extend.send().await.expect(404, "USER_NOT_FOUND");
    assert_eq!(site.house.count("select count(*) from reservations").await, 1);
    let seats = site.house.office.seats(concert).await.expect("lists");
    assert_eq!(seats.iter().filter(|seat| seat.available).count(), 5);
}

#[tokio::test]
async fn b16_an_order_with_a_sold_seat_is_confirmed_whichever_of_its_seats_that_is() {
    let site = Site::open().await;
    let concert = site.house.concert(4).await;
    let (user, token) = site.active_user(1_000).await;
    for (sold, seats) in [(0, [1, 2]), (1, [3, 4])] {
        let held = site.house.office.hold(user, concert, seats.map(seat).to_vec()).await.expect("holds");
        site.house.office.cancel(user, held.reservations[1 - sold].id).await.expect("gives one back");
        let status = async || {
            let order = site.get(&format!("/api/v1/orders/{}", held.id)).bearer(&token).send().await.expect(200, "");
            (order.body["status"].clone(), order.body["total"].clone())
        };
        assert_eq!(status().await, (json!("HELD"), json!(PRICE)));
        site.house.office.pay(user, held.reservations[sold].id, money(PRICE)).await.expect("pays");
        assert_eq!(status().await, (json!("CONFIRMED"), json!(0)));
    }
}

#[tokio::test]
async fn b16_who_leaves_names_no_other_sale_than_the_queue_token() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let leave = |sale: concert_core::SaleId| {
        site.ask(Method::DELETE, &format!("/api/v1/tokens/{user}?saleId={sale}")).bearer(&token).send()
    };
    leave(concert_core::SaleId::generate()).await.expect(400, "INVALID_REQUEST");
    site.get(&format!("/api/v1/tokens/{user}")).bearer(&token).send().await.expect(200, "");
    leave(concert_core::SaleId::DEFAULT).await.expect(204, "");
}
