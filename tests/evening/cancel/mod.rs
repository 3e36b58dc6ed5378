//! Concerts that are called off: nothing more is held or paid, everybody has the money back once, whoever is killed.

mod clearing;
mod mark;
mod over_rest;
mod stadium;

use concert_core::{BoxOffice, Cancellation, ConcertId, Operator, Policy, UserId};

use crate::support::seat;

pub(super) fn ann() -> Operator {
    "ann".parse().expect("a name")
}

fn many(policy: Policy) -> Policy {
    policy.with_max_holds_per_user(2_000)
}

pub(super) async fn call_off(office: &BoxOffice, concert: ConcertId) -> Cancellation {
    let back_office = office.operator(ann());
    back_office.cancel_concert(concert, "the singer is ill".parse().expect("a reason")).await.expect("calls it off");
    back_office.finish_cancellation(concert, |_| {}).await.expect("clears it")
}

/// The user buys seats `from` to `to`.
pub(super) async fn buy(office: &BoxOffice, user: UserId, concert: ConcertId, seats: std::ops::RangeInclusive<i64>) {
    let numbers: Vec<_> = seats.map(seat).collect();
    for some in numbers.chunks(200) {
        let order = office.hold(user, concert, some.to_vec()).await.expect("holds");
        office.pay(user, order.id, order.total).await.expect("pays");
    }
}
