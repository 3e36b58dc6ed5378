//! What operators ask of a large database: whether the books are right, and how the sale goes.

use std::time::Instant;

use concert_core::Operator;

use crate::report::{Row, Target};
use crate::world::{self, World};
use crate::{Failure, Opts, sold};

/// How many seats each concert has.
const HALL: u32 = 50_000;
/// One in so many seats is sold, each to a user of its own.
const SEATS_PER_USER: u32 = 5;
/// How often the figures are read; the median counts.
const READINGS: usize = 5;

/// The audit and the figures where millions of seats and users are in the tables.
pub async fn books(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let office = world.office("books").await?;
    for _ in 0..opts.seats.div_ceil(HALL) {
        world::concert(&office, HALL).await?;
    }
    let users = opts.seats / SEATS_PER_USER;
    world::users(&office, users as usize).await?;
    sold::sell(&office, HALL, 1).await?;
    let operator = office.operator(Operator::application());
    let mut readings = Vec::with_capacity(READINGS);
    let mut payments = 0;
    for _ in 0..READINGS {
        let begun = Instant::now();
        payments = operator.figures().await?.payments;
        readings.push(begun.elapsed().as_secs_f64());
    }
    if payments != u64::from(users) {
        return Err(format!("{payments} payments are counted instead of {users}").into());
    }
    readings.sort_by(f64::total_cmp);
    let begun = Instant::now();
    world::close(office).await?;
    let (audited, read) = (begun.elapsed().as_secs_f64(), readings[READINGS / 2]);
    let over = format!("{} seats, {users} users and payments", opts.seats);
    Ok(vec![
        Row::figure(format!("audit, {over}"), format!("{audited:.1} s"), audited, "s", Target::AtMost(60.0)),
        Row::figure(format!("figures of `status`, {over}"), format!("{read:.2} s"), read, "s", Target::AtMost(1.0))
            .note(format!("median of {READINGS} readings")),
    ])
}
