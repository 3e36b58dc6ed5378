//! Many orders at once. The audit holds after every one of these races.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use chrono::TimeDelta;
use concert_core::{Error, Order, ReservationStatus, Wanted};
use tokio::task::JoinSet;

use crate::support::{House, PRICE, money, seat};

/// Runs all at once and gathers their answers.
async fn all<T: Send + 'static>(futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    futures.into_iter().collect::<JoinSet<T>>().join_all().await
}

fn best(count: usize) -> Wanted {
    Wanted::BestAvailable { count, section: None }
}

fn seats(numbers: impl IntoIterator<Item = i64>) -> Wanted {
    Wanted::Seats(numbers.into_iter().map(seat).collect())
}

fn is_together(order: &Order) -> bool {
    order
        .reservations
        .windows(2)
        .all(|pair| pair[0].row.is_some() && pair[0].row == pair[1].row && pair[0].seat.get() + 1 == pair[1].seat.get())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_parties_of_four_fill_a_hall_of_two_hundred_and_sit_together() {
    let house = House::open().await;
    let concert = house.hall(10, 20).await;
    let offices = [house.office.clone(), house.another_office().await];
    let parties = house.active_users(100, 0).await;
    let answers = all(parties.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 2].clone();
        async move { office.hold(user, concert, best(4)).await }
    }))
    .await;

    let served: Vec<_> = answers.iter().flatten().collect();
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Error::NotEnoughSeats { free: 0 }))).count();
    assert_eq!((served.len(), refused), (50, 50));
    assert!(served.iter().all(|order| order.reservations.len() == 4 && is_together(order)));
    assert!(house.office.seats(concert).await.expect("lists").iter().all(|seat| !seat.available));
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parties_of_all_sizes_and_single_buyers_leave_no_seat_that_was_asked_for() {
    let house = House::open().await;
    let concert = house.hall(6, 10).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(60, 0).await;
    // The buyers of seats of their own choice take what the best available have just been decided on.
    let answers = all(users.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 2].clone();
        let wanted = if nth % 3 == 0 { seats([nth as i64 + 1]) } else { best(nth % 4 + 1) };
        async move {
            let chosen = matches!(wanted, Wanted::Seats(_));
            (chosen, wanted.count(), office.hold(user, concert, wanted).await)
        }
    }))
    .await;

    let free = house.office.seats(concert).await.expect("lists").iter().filter(|seat| seat.available).count();
    let mut held = 0;
    for (chosen, count, answer) in answers {
        match answer {
            Ok(order) => held += order.reservations.len(),
            Err(Error::NotEnoughSeats { free: left }) => {
                assert!(!chosen && left < count && free <= left, "{count} were wanted, {left} free, then {free}");
            }
            Err(Error::SeatAlreadyReserved { .. }) => assert!(chosen),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(held + free, 60);
    assert!(free < 4, "every party of four was served while there were four seats");
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_orders_are_held_whole_or_not_at_all() {
    let house = House::open().await;
    let concert = house.hall(4, 10).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(80, 0).await;
    let answers = all(users.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 2].clone();
        // Each shares seats with many, in another order than theirs.
        let first = (nth as i64 * 7) % 40;
        let wanted = seats([0, 13, 26, 1].map(|step| (first + step) % 40 + 1));
        async move { office.hold(user, concert, wanted).await }
    }))
    .await;

    let mut owners = HashSet::new();
    for answer in &answers {
        match answer {
            Ok(order) => {
                assert_eq!(order.reservations.len(), 4);
                assert!(order.reservations.iter().all(|one| owners.insert(one.seat)), "a seat has one owner");
            }
            Err(Error::SeatAlreadyReserved { seats, .. }) => assert!(!seats.is_empty() && seats.len() <= 4),
            Err(error) => panic!("{error:?}"),
        }
    }
    let held = house.count("select count(*) from reservations").await;
    assert_eq!(held as usize, owners.len(), "what was refused left nothing behind");
    assert!(!owners.is_empty());
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parties_that_come_and_go_through_two_processes_keep_the_books() {
    let house = House::open().await;
    let concert = house.hall(5, 8).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(40, 1_000).await;
    all(users.into_iter().enumerate().map(|(nth, user)| {
        let (office, other) = (offices[nth % 2].clone(), offices[(nth + 1) % 2].clone());
        async move {
            for round in 0..3 {
                let wanted = if (nth + round) % 3 == 0 { seats([nth as i64 + 1]) } else { best(round + 2) };
                match office.hold(user, concert, wanted).await {
                    Ok(order) if (nth + round) % 4 == 0 => {
                        let paid = other.pay(user, order.id, order.total).await.expect("pays");
                        assert_eq!(paid.payments.len(), order.reservations.len());
                        return;
                    }
                    Ok(order) => {
                        other.extend_hold(user, order.id).await.expect("extends");
                        office.cancel(user, order.id).await.expect("gives back");
                    }
                    Err(Error::SeatAlreadyReserved { .. } | Error::NotEnoughSeats { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    }))
    .await;

    assert_eq!(house.count("select count(*) from reservations where status = 'HELD'").await, 0);
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_that_lapses_as_it_is_paid_goes_whole_to_one_side() {
    for late in [false, true] {
        let house = House::open_with(|policy| policy.with_max_holds_per_user(40)).await;
        let concert = house.hall(10, 4).await;
        let users = house.active_users(2, 10_000).await;
        let (buyer, rival) = (users[0], users[1]);
        let mut orders = Vec::new();
        for _ in 0..10 {
            orders.push(house.office.hold(buyer, concert, best(4)).await.expect("holds"));
        }
        let edge = orders[0].expires_at;
        house.clock.set(if late { edge } else { edge - TimeDelta::microseconds(1) });
        let other = house.another_office().await;
        let race = orders.into_iter().map(|order| {
            let (office, other) = (house.office.clone(), other.clone());
            async move {
                let wanted = Wanted::Seats(order.reservations.iter().map(|one| one.seat).collect());
                let sweep = other.clone();
                let (paid, taken, swept) = tokio::join!(
                    office.pay(buyer, order.id, money(4 * PRICE)),
                    other.hold(rival, concert, wanted),
                    sweep.sweep_expired()
                );
                swept.expect("sweeps");
                (paid, taken)
            }
        });
        for (paid, taken) in all(race).await {
            if late {
                assert!(matches!(paid, Err(Error::HoldExpired)), "{paid:?}");
                taken.expect("takes over");
            } else {
                paid.expect("pays");
                assert!(
                    matches!(&taken, Err(Error::SeatAlreadyReserved { seats, .. }) if seats.len() == 4),
                    "{taken:?}"
                );
            }
        }
        house.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_asked_of_an_order_at_once_happens_once() {
    let house = House::open().await;
    let concert = house.hall(1, 4).await;
    let offices = [house.office.clone(), house.another_office().await];
    let user = house.active_users(1, 1_000).await[0];
    let order = house.office.hold(user, concert, best(3)).await.expect("holds");
    let extended = all((0..20).map(|nth| {
        let office = offices[nth % 2].clone();
        let any = order.reservations[nth % 3].id;
        async move { office.extend_hold(user, any).await }
    }))
    .await;
    assert_eq!(extended.iter().flatten().collect::<Vec<_>>(), [&(order.expires_at + TimeDelta::minutes(2))]);
    assert!(extended.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::HoldAlreadyExtended))));

    // All of it, and each part of it, through both.
    let paid = all((0..40).map(|nth| {
        let (office, id, part) = (offices[nth % 2].clone(), order.id, order.reservations[nth % 3].id);
        async move {
            match nth % 4 {
                0 | 1 => office.pay(user, id, money(3 * PRICE)).await.map(|paid| paid.payments.len()),
                2 => office.pay(user, part, money(PRICE)).await.map(|_| 1),
                _ => office.cancel(user, id).await.map(|()| 0),
            }
        }
    }))
    .await;
    let mut refusals = HashMap::new();
    for error in paid.iter().filter_map(|answer| answer.as_ref().err()) {
        *refusals.entry(error.code()).or_insert(0) += 1;
    }
    let expected = ["ALREADY_PAID", "HOLD_EXPIRED", "HOLD_CANCELLED", "WRONG_AMOUNT"];
    assert!(refusals.keys().all(|code| expected.contains(code)), "{refusals:?}");
    let payments: usize = paid.iter().flatten().sum();
    assert_eq!(house.count("select count(*) from payments").await as usize, payments);
    let order = house.office.order(user, order.id).await.expect("reads");
    let sold = order.reservations.iter().filter(|one| one.status == ReservationStatus::Confirmed).count();
    assert_eq!(sold, payments);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(1_000 - 100 * payments as u32));
    house.assert_sound().await;
}
