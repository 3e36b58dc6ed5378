//! Seats that are taken off sale, and put on sale again.

use concert_core::{Error, Wanted};
use serde_json::json;
use tokio::task::JoinSet;

use super::{available, best, block, buy, refused, seats, version};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

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
    let after = json!({
        "changed": 2, "seats": "3, 4", "refused": {"SEAT_ALREADY_RESERVED": "1, 2", "SEAT_NOT_FOUND": "99"},
        "version": 2, "reason": "camera"
    });
    assert_eq!(log[1].after, Some(after));
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
