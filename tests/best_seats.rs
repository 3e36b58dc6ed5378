//! The best seats of a hall that others change, whether or not its seating is in the cache.

use std::time::Duration;

use concert_core::{BoxOffice, ConcertId, Error, NewSeats, SeatNumber, UserId, Wanted};

use crate::support::proxy::{Keeps, Proxy};
use crate::support::{House, Shortcuts as _, money, policy, seat};

/// In the question of where the seats of a hall are, which is asked once.
const READS_SEATING: &[&str] = &["select concert_id, seat_number, section, seat_row, place, price from seats"];
/// In the question of which seats are free.
const READS_FREE: &[&str] = &["bit_or("];

async fn best(office: &BoxOffice, user: UserId, concert: ConcertId, count: usize) -> Vec<i32> {
    let wanted = Wanted::BestAvailable { count, section: None };
    let order = office.hold(user, concert, wanted).await.expect("holds");
    order.reservations.iter().map(|reservation| reservation.seat.get()).collect()
}

fn numbers(text: &str) -> Vec<SeatNumber> {
    text.split(',').map(|number| seat(number.trim().parse().expect("a number"))).collect()
}

/// A house, and an office whose questions pass a proxy.
async fn house_and_proxy() -> (House, Proxy, BoxOffice) {
    let house = House::open().await;
    let proxy = Proxy::start(&house.database);
    let office = BoxOffice::connect_with(proxy.options(&house.database), policy(), house.clock.clone());
    let office = office.await.expect("connects");
    (house, proxy, office)
}

#[tokio::test]
async fn where_the_seats_are_is_read_once_and_again_when_the_hall_was_changed() {
    let (house, proxy, office) = house_and_proxy().await;
    let concert = house.hall(1, 5).await;
    let users = house.active_users(4, 0).await;
    assert_eq!(best(&office, users[0], concert, 1).await, [3]);
    let kept = proxy.keep_back(Keeps::Question, READS_SEATING);
    let again = tokio::time::timeout(Duration::from_secs(30), best(&office, users[1], concert, 1));
    assert_eq!(again.await.expect("its seating is not read a second time"), [2]);
    drop(kept);

    let (reads, row) = (proxy.keep_back(Keeps::Question, READS_SEATING), NewSeats::new(money(9), numbers("6,7")));
    let row = row.in_section("Hall").in_row("1");
    house.office.back_office().add_seats(concert, row).await.expect("adds");
    let (held, ()) = tokio::join!(best(&office, users[2], concert, 4), async {
        reads.caught().await;
        reads.release();
    });
    assert_eq!(held, [4, 5, 6, 7]);
    house.assert_sound().await;
}

#[tokio::test]
async fn what_others_take_block_and_give_back_counts_at_once() {
    let house = House::open().await;
    let (office, other) = (&house.office, house.another_office().await);
    let concert = house.hall(2, 3).await;
    let users = house.active_users(5, 0).await;
    assert_eq!(best(office, users[0], concert, 3).await, [1, 2, 3]);
    let taken = other.hold_one(users[1], concert, seat(5)).await.expect("holds");
    assert_eq!(best(office, users[2], concert, 1).await, [4]);
    other.cancel(users[1], taken.order()).await.expect("gives back");
    assert_eq!(best(office, users[3], concert, 2).await, [5, 6]);
    house.advance(301);
    // The holds have lapsed, and no pass has released them.
    other
        .back_office()
        .block_seats(concert, numbers("2"), "a camera".parse().expect("a reason"))
        .await
        .expect("blocks");
    let others = house.active_users(2, 0).await;
    assert_eq!(best(office, others[0], concert, 3).await, [4, 5, 6]);
    assert_eq!(best(office, others[1], concert, 2).await, [1, 3]);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_hall_that_was_changed_by_hand_is_read_again() {
    let house = House::open().await;
    let concert = house.hall(1, 5).await;
    let users = house.active_users(2, 0).await;
    assert_eq!(best(&house.office, users[0], concert, 1).await, [3]);
    house.tamper("delete from seats where seat_number in (1, 4)").await;
    house
        .tamper("insert into seats (concert_id, seat_number, price) select concert_id, 9, 10 from seats limit 1")
        .await;
    assert_eq!(best(&house.office, users[1], concert, 3).await, [2, 5, 9]);
}

#[tokio::test]
async fn a_seat_that_is_taken_before_it_is_locked_is_chosen_no_more() {
    let (house, proxy, office) = house_and_proxy().await;
    let concert = house.hall(2, 3).await;
    let users = house.active_users(2, 0).await;
    let kept = proxy.keep_back(Keeps::Answer, READS_FREE);
    let (held, ()) = tokio::join!(best(&office, users[0], concert, 3), async {
        kept.caught().await;
        house.office.hold_one(users[1], concert, seat(2)).await.expect("a named seat waits for nobody");
        kept.release();
    });
    assert_eq!(held, [4, 5, 6], "together, in the row that is still free");
    house.assert_sound().await;
}

#[tokio::test]
async fn every_number_of_a_block_is_free_until_it_is_taken() {
    let house = House::open().await;
    let concert = house.hall(1, 130).await;
    let users = house.active_users(33, 0).await;
    let mut held = Vec::new();
    for user in users {
        let wanted = Wanted::BestAvailable { count: 4, section: None };
        match house.office.hold(user, concert, wanted).await {
            Ok(order) => held.extend(order.reservations.iter().map(|reservation| reservation.seat.get())),
            Err(Error::NotEnoughSeats { free }) => assert_eq!(free, 2),
            Err(error) => panic!("{error}"),
        }
    }
    held.sort_unstable();
    held.dedup();
    assert_eq!(held.len(), 128);
    house.assert_sound().await;
}
