//! Writes through the library, against the seed's pattern: the same data, the same callers, in turns.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use concert_core::{Money, UserId};

use super::TURNS;
use crate::load::{Run, Turn, Until, closed_loop};
use crate::processor::Meter;
use crate::report::{Row, Target};
use crate::world::{self, BUYERS, PRICE, World, seat};
use crate::{Failure, Opts};

/// No side does more acts than this in a turn: what is prepared for it.
const MOST: usize = 120_000;
/// The same for a lone caller.
const MOST_ALONE: usize = 8_000;
const LONE: f64 = 1.1;

/// Both sides of one measurement.
struct Measured {
    ours: Run,
    theirs: Run,
}

impl Measured {
    fn throughput(&self, what: &str, least: f64) -> Row {
        Row::throughput(what, &self.ours, &self.theirs, least)
    }

    fn latency(&self, what: &str) -> Row {
        let text = |run: &Run| format!("p50 {:.3} ms", run.quantile(0.5));
        let ratio = self.ours.quantile(0.5) / self.theirs.quantile(0.5);
        Row::ratio(what, text(&self.ours), text(&self.theirs), ratio, Target::AtMost(LONE))
    }
}

/// Runs both sides in turns; each act gets a number that no other act of its side gets.
async fn measure<A, B, RA, RB>(
    meter: Meter,
    opts: &Opts,
    callers: usize,
    numbers: Range<usize>,
    ours: A,
    theirs: B,
) -> Result<Measured, Failure>
where
    A: Fn(usize) -> RA + Clone + Send + Sync + 'static,
    B: Fn(usize) -> RB + Clone + Send + Sync + 'static,
    RA: Future<Output = Result<(), Failure>> + Send,
    RB: Future<Output = Result<(), Failure>> + Send,
{
    let most = numbers.len() / TURNS;
    let until = Until::After(Duration::from_secs_f64(opts.seconds / TURNS as f64));
    let (mut mine, mut others) = (Run::default(), Run::default());
    for turn in 0..TURNS {
        let first = numbers.start + turn * most;
        let (ours, theirs) = (ours.clone(), theirs.clone());
        let act = move |(), Turn { nth, .. }: Turn| ours(first + nth);
        mine.add(meter.measure(closed_loop(vec![(); callers], most, until.clone(), act)).await?);
        let act = move |(), Turn { nth, .. }: Turn| theirs(first + nth);
        others.add(meter.measure(closed_loop(vec![(); callers], most, until.clone(), act)).await?);
    }
    Ok(Measured { ours: mine, theirs: others })
}

/// How many acts a row of so many callers may take.
const fn room(callers: usize) -> usize {
    if callers == 1 { MOST_ALONE } else { MOST }
}

const CALLERS: [usize; 3] = [1, 64, 256];

fn name(what: &str, callers: usize) -> String {
    format!("{what}, {callers} callers")
}

pub async fn reserve(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let sale = world.sale().await?;
    let (pair, users) = (&sale.pair, &sale.buyers);
    let hall = pair.concert((MOST_ALONE + 2 * MOST) as u32).await?;
    let mut rows = Vec::new();
    let mut from = 0;
    for callers in CALLERS.into_iter().filter(|callers| opts.callers.is_none_or(|only| only == *callers)) {
        let ours = {
            let (office, users) = (pair.office.clone(), Arc::clone(users));
            move |nth: usize| {
                let (office, user) = (office.clone(), users[nth % BUYERS]);
                async move { Ok(office.hold(user, hall, seat(nth)?).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, users) = (pair.baseline.clone(), Arc::clone(users));
            move |nth: usize| {
                let (baseline, user) = (baseline.clone(), users[nth % BUYERS]);
                async move { baseline.reserve(user, hall, seat(nth)?).await.map(drop) }
            }
        };
        let measured = measure(world.meter()?, opts, callers, from..from + room(callers), ours, theirs).await?;
        rows.extend(rows_of(&measured, "reserve", callers, 5.0));
        from += room(callers);
    }
    Ok(rows)
}

pub async fn recharge(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let sale = world.sale().await?;
    let (pair, users) = (&sale.pair, &sale.buyers);
    let mut rows = Vec::new();
    for (callers, spread) in [(1, BUYERS), (64, BUYERS), (256, BUYERS), (64, 1)] {
        if opts.callers.is_some_and(|only| only != callers) {
            continue;
        }
        let ours = {
            let (office, users) = (pair.office.clone(), Arc::clone(users));
            move |nth: usize| {
                let (office, user) = (office.clone(), users[nth % spread]);
                async move { Ok(office.recharge(user, Money::whole(1)?).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, users) = (pair.baseline.clone(), Arc::clone(users));
            move |nth: usize| {
                let (baseline, user) = (baseline.clone(), users[nth % spread]);
                async move { baseline.recharge(user).await }
            }
        };
        let measured = measure(world.meter()?, opts, callers, 0..1_000_000, ours, theirs).await?;
        match spread {
            1 => rows.push(measured.throughput(&name("recharge one wallet", callers), 20.0)),
            _ => rows.extend(rows_of(&measured, "recharge", callers, 5.0)),
        }
    }
    Ok(rows)
}

pub async fn join(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let pair = world.pair("joins").await?;
    let people: Arc<Vec<UserId>> = Arc::new(pair.users(MOST_ALONE + 2 * MOST).await?);
    let mut rows = Vec::new();
    let mut from = 0;
    for callers in CALLERS.into_iter().filter(|callers| opts.callers.is_none_or(|only| only == *callers)) {
        let ours = {
            let (office, people) = (pair.office.clone(), Arc::clone(&people));
            move |nth: usize| {
                let (office, user) = (office.clone(), people[nth]);
                async move { Ok(office.issue_token(user).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, people) = (pair.baseline.clone(), Arc::clone(&people));
            move |nth: usize| {
                let (baseline, user) = (baseline.clone(), people[nth]);
                async move { baseline.join(user).await }
            }
        };
        let measured = measure(world.meter()?, opts, callers, from..from + room(callers), ours, theirs).await?;
        rows.extend(rows_of(&measured, "issue_token", callers, 5.0));
        from += room(callers);
    }
    pair.close().await?;
    Ok(rows)
}

pub async fn pay(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    /// Making the holds takes longer than paying them, so there are fewer.
    const HOLDS: usize = 60_000;
    let sale = world.sale().await?;
    let (pair, users) = (&sale.pair, &sale.buyers);
    let price = Money::whole(PRICE)?;
    let mut rows = Vec::new();
    for callers in CALLERS.into_iter().filter(|callers| opts.callers.is_none_or(|only| only == *callers)) {
        let count = room(callers).min(HOLDS);
        let hall = pair.concert(count as u32).await?;
        let held = Arc::new(world::holds(&pair.office, users, hall, count).await?);
        let theirs_held = Arc::new(pair.baseline.holds(users, hall, 0, count).await?);
        let ours = {
            let (office, held) = (pair.office.clone(), Arc::clone(&held));
            move |nth: usize| {
                let (office, (user, id)) = (office.clone(), held[nth]);
                async move { Ok(office.pay(user, id, price).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, held) = (pair.baseline.clone(), theirs_held);
            move |nth: usize| {
                let (baseline, (user, id)) = (baseline.clone(), held[nth]);
                async move { baseline.pay(user, id).await }
            }
        };
        let measured = measure(world.meter()?, opts, callers, 0..count, ours, theirs).await?;
        rows.extend(rows_of(&measured, "pay", callers, 5.0));
    }
    Ok(rows)
}

/// Throughput and processor time; of a lone caller, latency.
fn rows_of(measured: &Measured, what: &str, callers: usize, least: f64) -> Vec<Row> {
    let Measured { ours, theirs } = measured;
    match callers {
        1 => vec![measured.latency(&format!("{what}, a lone caller"))],
        _ => {
            let what = name(what, callers);
            vec![measured.throughput(&what, least), Row::processor_time(&what, ours, theirs)]
        }
    }
}
