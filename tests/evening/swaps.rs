//! Seats that change places.

use std::future::Future;

use concert_core::{BoxOffice, ConcertId, Error, SeatNumber, SeatsSwapped, UserId};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::ways::{tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

async fn all<T: Send + 'static>(futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    futures.into_iter().collect::<JoinSet<T>>().join_all().await
}

async fn swap(office: &BoxOffice, concert: ConcertId, one: i64, other: i64) -> Result<SeatsSwapped, Error> {
    office.back_office().swap_seats(concert, [seat(one), seat(other)], None).await
}

fn moves(swapped: &SeatsSwapped) -> Vec<(i32, i32)> {
    swapped.moved.iter().map(|one| (one.from.get(), one.to.get())).collect()
}

async fn seats_of(office: &BoxOffice, user: UserId) -> Vec<SeatNumber> {
    let mut seats: Vec<_> = office.reservations_of(user).await.expect("lists").iter().map(|one| one.seat).collect();
    seats.sort_unstable();
    seats
}

#[tokio::test]
async fn sold_and_held_seats_change_places_and_holders_move_to_free_ones() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.hall(1, 6).await);
    let users = house.active_users(3, 1_000).await;
    let sold = office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    let payment = office.pay(users[0], sold.id, money(PRICE)).await.expect("pays").payments[0].id;
    let held = office.hold_one(users[1], concert, seat(2)).await.expect("holds");
    office.back_office().price_seats(concert, [seat(3)], money(500)).await.expect("prices");

    assert_eq!(moves(&swap(office, concert, 1, 2).await.expect("swaps")), [(1, 2), (2, 1)]);
    assert_eq!(seats_of(office, users[0]).await, [seat(2)]);
    assert_eq!(seats_of(office, users[1]).await, [seat(1)]);
    house.assert_sound().await;
    // The holder of seat 1 moves to a dearer one, and pays what the hold costs.
    assert_eq!(moves(&swap(office, concert, 3, 1).await.expect("moves")), [(1, 3)]);
    let order = office.order(users[1], held.id).await.expect("is there");
    assert_eq!((order.reservations[0].seat, order.total, order.expires_at), (seat(3), money(PRICE), held.expires_at));
    house.assert_sound().await;
    office.pay(users[1], held.id, money(PRICE)).await.expect("pays");
    house.assert_sound().await;

    let free: Vec<_> = office.seats(concert).await.expect("lists").iter().map(|seat| seat.available).collect();
    assert_eq!(free, [true, false, false, true, true, true]);
    let refund = office.back_office().refund(payment, None).await.expect("refunds");
    assert_eq!(refund.seat, seat(2), "the seat that it has now");
    let told = office.back_office().explain(sold.id).await.expect("is told");
    assert!(told.subject.contains("seat 2"), "{}", told.subject);
    house.assert_sound().await;

    assert_eq!(swap(office, concert, 1, 2).await.expect_err("both are free").code(), "SEATS_NOT_RESERVED");
    assert_eq!(swap(office, concert, 3, 3).await.expect_err("one seat").code(), "INVALID_REQUEST");
    assert_eq!(swap(office, concert, 3, 9).await.expect_err("no such seat").code(), "SEAT_NOT_FOUND");
    assert_eq!(swap(office, ConcertId::generate(), 1, 2).await.expect_err("nowhere").code(), "CONCERT_NOT_FOUND");
    office.back_office().block_seats(concert, [seat(6)], "camera".parse().expect("a reason")).await.expect("blocks");
    assert_eq!(swap(office, concert, 3, 6).await.expect_err("is not on sale").code(), "SEAT_BLOCKED");
    let log = office.back_office().log(concert_core::Page::default()).await.expect("lists").data;
    let swaps: Vec<_> = log.iter().filter(|entry| entry.act == "SEAT_SWAP").collect();
    assert_eq!(swaps.len(), 2, "what is refused is no act");
    assert_eq!(swaps[1].after.as_ref().expect("is told")["moved"][0]["userId"], json!(users[0]));
    house.assert_sound().await;
}

/// The office remembers which seat a hold was made of. After a swap it must not sell that one.
#[tokio::test]
async fn who_pays_after_a_swap_gets_the_new_seat_though_the_old_one_is_remembered() {
    let house = House::watched(|policy| policy).await;
    let (office, other, concert) = (&house.office, house.another_office().await, house.concert(4).await);
    let users = house.active_users(2, 1_000).await;
    let first = office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    office.hold_one(users[1], concert, seat(2)).await.expect("holds");
    swap(&other, concert, 1, 2).await.expect("swaps");
    ways("payment");
    office.pay(users[0], first.id, money(PRICE)).await.expect("pays");
    assert_eq!(ways("payment"), tried_and_locked("guard"), "what was remembered is not so");
    house.assert_sound().await;
    let sold = "select cast(seat_number as signed) from seats where is_reserved = 1 and reserved_until is null";
    assert_eq!(house.count(sold).await, 2, "the seat that it has now, and no other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn swaps_payments_and_holds_that_are_given_back_lose_nothing() {
    const PAIRS: i64 = 20;
    let house = House::open().await;
    let concert = house.hall(4, 10).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(2 * PAIRS as usize, 1_000).await;
    let mut held = Vec::new();
    for (nth, user) in users.iter().enumerate() {
        let office = &offices[nth % 2];
        held.push((*user, office.hold_one(*user, concert, seat(nth as i64 + 1)).await.expect("holds").id));
    }
    let swaps = all((0..3 * PAIRS).map(|nth| {
        let office = offices[nth as usize % 2].clone();
        // Neighbours, and now and then seats that are far apart.
        let (one, other) = (nth % (2 * PAIRS) + 1, (nth * 7 + 3) % (2 * PAIRS) + 1);
        async move {
            match swap(&office, concert, one, other).await {
                Ok(swapped) => swapped.moved.len(),
                Err(error) if ["INVALID_REQUEST", "SEATS_NOT_RESERVED"].contains(&error.code()) => 0,
                Err(error) => panic!("{error:?}"),
            }
        }
    }));
    let ends = all(held.into_iter().enumerate().map(|(nth, (user, id))| {
        let office = offices[(nth / 2) % 2].clone();
        async move {
            if nth % 4 == 3 {
                office.cancel(user, id).await.expect("gives back");
                return false;
            }
            office.pay(user, id, money(PRICE)).await.expect("pays");
            true
        }
    }));
    let (swapped, ended) = tokio::join!(swaps, ends);
    assert!(swapped.iter().sum::<usize>() > 0);
    let paid = ended.iter().filter(|paid| **paid).count() as i64;
    assert_eq!(house.count("select count(*) from reservations where status = 'CONFIRMED'").await, paid);
    assert_eq!(house.count("select count(*) from reservations where status = 'CANCELLED'").await, 2 * PAIRS - paid);
    assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, paid);
    house.assert_sound().await;
}
