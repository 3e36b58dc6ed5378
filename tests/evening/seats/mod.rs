//! A hall that changes while it sells: seats off sale, prices, new seats, places and aisles.

mod added;
mod dry_run;
mod off_sale;
mod over_rest;
mod prices;

use std::future::Future;

use concert_core::{
    BoxOffice, ConcertId, Money, Order, RefusedSeat, SeatNumber, SeatRanges, SeatsChanged, UserId, Wanted,
};
use tokio::task::JoinSet;

use crate::support::{House, Shortcuts as _, seat};

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
