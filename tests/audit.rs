//! The audit finds what is wrong, and each kind of wrong by its invariant.

use concert_core::{ConcertChange, Error, Wanted};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

/// A sale with a sold seat, a held seat, a refunded seat, somebody waiting and money in a wallet.
async fn sale() -> House {
    let house = House::open().await;
    let concert = house.concert(4).await;
    let user = house.active_users(1, 500).await[0];
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.office.pay(user, held.id, money(PRICE)).await.expect("pays");
    house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    let refunded = house.office.hold_one(user, concert, seat(4)).await.expect("holds");
    let payment = house.office.pay(user, refunded.id, money(PRICE)).await.expect("pays").payments[0].id;
    house.office.operator("ann".parse().expect("a name")).refund(payment, None).await.expect("refunds");
    house.office.set_max_active(1).await.expect("sets the cap");
    let waiting = house.user(0).await;
    house.office.issue_token(waiting).await.expect("joins");
    house.assert_sound().await;
    house
}

#[tokio::test]
async fn each_tampering_is_found_under_its_invariant() {
    let cases: [(&'static str, u8); 30] = [
        (
            "update seats set reserved_by = null, reserved_until = null, reservation_id = null, is_reserved = 0 where seat_number = 1",
            1,
        ),
        ("update seats set reserved_until = reserved_until + interval 1 hour where seat_number = 2", 1),
        ("update seats set reserved_by = unhex(repeat('0', 32)) where seat_number = 1", 1),
        ("update seats set is_reserved = 1 where seat_number = 3", 1),
        ("update reservations set status = 'EXPIRED' where seat_number = 2", 1),
        ("delete from reservations where seat_number = 1", 2),
        ("delete from payments", 2),
        ("update payments set amount = amount - 1", 2),
        ("update users set balance = balance + 1", 3),
        ("delete from wallet_entries where kind = 'RECHARGE'", 3),
        ("update wallet_entries set amount = amount - 1, balance_after = balance_after - 1 where kind = 'PAYMENT'", 3),
        ("update reservations set status = 'CANCELLED' where seat_number = 4", 2),
        ("update reservations set price = price + 1 where seat_number = 4", 2),
        ("delete from payments where payment_status = 'REFUNDED'", 2),
        ("update payments set payment_status = 'SUCCESS' where payment_status = 'REFUNDED'", 2),
        ("update payments set payment_status = 'REFUNDED' where payment_status = 'SUCCESS'", 2),
        ("update payments set payment_status = 'PENDING' where payment_status = 'SUCCESS'", 2),
        ("update payments set refunded_by = null", 2),
        ("update payments set refunded_at = paid_at where payment_status = 'SUCCESS'", 2),
        ("delete from wallet_entries where kind = 'REFUND'", 3),
        ("update wallet_entries set payment_id = null where kind = 'REFUND'", 3),
        ("update wallet_entries set amount = 0 - amount where kind = 'REFUND'", 3),
        ("update wallet_entries set payment_id = id where kind = 'REFUND'", 3),
        ("update wallet_entries set nth = nth + 1 where kind = 'REFUND'", 3),
        ("update wallet_entries set balance_after = balance_after + 1 where kind = 'REFUND'", 3),
        ("update queue_gate set active = active + 1", 4),
        ("update tokens set status = 'ACTIVE', admitted_at = '2100-01-01' where status = 'WAITING'", 4),
        ("delete from tokens where status = 'WAITING'", 4),
        ("update queue_gate set no_shows = 1", 4),
        ("update tokens set claimed_at = created_at where status = 'WAITING'", 4),
    ];
    for (tampering, invariant) in cases {
        let house = sale().await;
        assert!(house.tamper(tampering).await > 0, "{tampering}");
        let found = house.office.back_office().audit().await.expect("audits");
        assert!(found.iter().any(|violation| violation.invariant == invariant), "{tampering}: {found:#?}");
    }
}

#[tokio::test]
async fn an_order_that_fell_apart_is_found() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let user = house.active_users(1, 0).await[0];
    let wanted = Wanted::Seats([1, 2, 3].map(seat).to_vec());
    house.office.hold(user, concert, wanted).await.expect("holds");
    house.assert_sound().await;
    // Seat and reservation agree, though not with the others.
    let later = "update reservations r join seats s on s.reservation_id = r.id \
         set r.expires_at = r.expires_at + interval 1 second, s.reserved_until = s.reserved_until + interval 1 second \
         where s.seat_number = 2";
    assert!(house.tamper(later).await > 0);
    let found = house.office.back_office().audit().await.expect("audits");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].what.starts_with("an order is of more than one") && found[0].row.ends_with(": 3 reservations"));
}

#[tokio::test]
async fn the_schema_itself_refuses_to_sell_twice() {
    let house = sale().await;
    let twice = [
        "insert into reservations (id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, expires_at, last_updated_at) \
         select unhex(repeat('1', 32)), user_id, concert_id, seat_number, 'HELD', price, performance_date, reserved_at, expires_at, last_updated_at \
         from reservations where status = 'CONFIRMED'",
        "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) \
         select unhex(repeat('1', 32)), user_id, reservation_id, amount, payment_status, paid_at from payments where successful",
        "insert into tokens (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq) \
         select unhex(repeat('1', 32)), user_id, 99, 'WAITING', created_at, expires_at, last_updated_at, change_seq from tokens where status = 'ACTIVE'",
        "update users set balance = -1",
    ];
    for statement in twice {
        assert!(sqlx::query(statement).execute(house.office.pool()).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn the_figures_are_those_of_the_sale() {
    let house = sale().await;
    let figures = house.office.back_office().figures().await.expect("reads");
    let concert = &figures.concerts[0];
    assert_eq!((concert.seats, concert.free, concert.held, concert.sold), (4, 2, 1, 1));
    assert_eq!((figures.holds, figures.payments, figures.revenue), (1, 1, PRICE.into()));
    assert_eq!((figures.queue.active, figures.queue.waiting, figures.queue.admission.max_active), (1, 1, 1));
    house.advance(300);
    let figures = house.office.back_office().figures().await.expect("reads");
    assert_eq!((figures.concerts[0].free, figures.holds), (3, 0), "a lapsed hold is a free seat");
}

/// Seats past a limit, by hand: the schema does not know the limit.
#[tokio::test]
async fn more_seats_than_a_limit_in_force_are_found_and_those_from_before_it_are_not() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100)).await;
    let concert = house.concert(9).await;
    let users = house.active_users(2, 10_000).await;
    let hold =
        |user, seats: std::ops::Range<i64>| house.office.hold(user, concert, Wanted::Seats(seats.map(seat).collect()));
    let limit = |seats| {
        let operator = house.office.operator("ann".parse().expect("a name"));
        let change = ConcertChange::new().with_max_seats_per_user(Some(seats));
        async move { operator.change_concert(concert, &change, None).await.expect("sets a limit") }
    };
    hold(users[0], 1..4).await.expect("holds");
    house.advance(10);
    limit(2).await;
    house.advance(10);
    hold(users[1], 4..6).await.expect("holds");
    assert!(matches!(hold(users[1], 6..7).await, Err(Error::SeatLimit { .. })));
    house.assert_sound().await;

    let one_more = "update reservations r join seats s on s.reservation_id = r.id join users u on u.id = r.user_id \
        set r.user_id = (select reserved_by from seats x where x.concert_id = r.concert_id and x.seat_number = 4) \
        where s.seat_number = 1";
    assert!(house.tamper(one_more).await > 0);
    let found = house.office.back_office().audit().await.expect("audits");
    let over = found.iter().filter(|one| one.what == "a user has more seats of a concert than its limit");
    let over: Vec<_> = over.map(|one| one.row.as_str()).collect();
    assert!(over.len() == 1 && over[0].ends_with(&format!("user {}: 3 seats, limit 2", users[1])), "{found:#?}");
}
