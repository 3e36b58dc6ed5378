//! Changes of a hall that are only asked for.

use concert_core::NewSeats;

use super::{available, refused, seats, version};
use crate::support::{House, Shortcuts as _, money, seat};

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
