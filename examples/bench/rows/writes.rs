//! Writes through the library, against the seed's pattern: the same data, the same callers, in turns.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use concert_core::{Money, UserId};

use crate::load::{Run, closed_loop};
use crate::report::{Row, Target};
use crate::world::{PRICE, World, seat};
use crate::{Failure, Opts};

/// How many users a row's acts are spread over: nobody holds more than a handful of seats at once.
const USERS: usize = 50_000;
/// The two sides take turns, so that a drift of the machine meets both.
const TURNS: usize = 2;
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
        let text = |run: &Run| format!("{:.0}/s p99 {:.1} ms", run.per_second(), run.quantile(0.99));
        Row {
            what: what.to_owned(),
            ours: text(&self.ours),
            theirs: text(&self.theirs),
            value: self.ours.per_second() / self.theirs.per_second(),
            unit: "x",
            target: Target::AtLeast(least),
        }
    }

    fn latency(&self, what: &str) -> Row {
        let text = |run: &Run| format!("p50 {:.3} ms", run.quantile(0.5));
        Row {
            what: what.to_owned(),
            ours: text(&self.ours),
            theirs: text(&self.theirs),
            value: self.ours.quantile(0.5) / self.theirs.quantile(0.5),
            unit: "x",
            target: Target::AtMost(LONE),
        }
    }
}

/// Runs both sides in turns; each act gets a number that no other act of its side gets.
async fn measure<A, B, RA, RB>(
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
    let time = Duration::from_secs_f64(opts.seconds / TURNS as f64);
    let (mut mine, mut others) = (Run::default(), Run::default());
    for turn in 0..TURNS {
        let first = numbers.start + turn * most;
        let (ours, theirs) = (ours.clone(), theirs.clone());
        mine.add(closed_loop(callers, most, time, move |nth| ours(first + nth)).await?);
        others.add(closed_loop(callers, most, time, move |nth| theirs(first + nth)).await?);
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
    let users = world.buyers(USERS).await?;
    let hall = world.concert((MOST_ALONE + 2 * MOST) as u32).await?;
    let mut rows = Vec::new();
    let mut from = 0;
    for callers in CALLERS {
        let ours = {
            let (office, users) = (world.office.clone(), Arc::clone(&users));
            move |nth: usize| {
                let (office, user) = (office.clone(), users[nth % USERS]);
                async move { Ok(office.reserve(user, hall, seat(nth)?).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, users) = (world.baseline.clone(), Arc::clone(&users));
            move |nth: usize| {
                let (baseline, user) = (baseline.clone(), users[nth % USERS]);
                async move { baseline.reserve(user, hall, seat(nth)?).await.map(drop) }
            }
        };
        let measured = measure(opts, callers, from..from + room(callers), ours, theirs).await?;
        rows.push(row(&measured, "reserve", callers, 5.0));
        from += room(callers);
    }
    Ok(rows)
}

pub async fn recharge(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let users = world.buyers(USERS).await?;
    let mut rows = Vec::new();
    for (callers, spread) in [(1, USERS), (64, USERS), (256, USERS), (64, 1)] {
        let ours = {
            let (office, users) = (world.office.clone(), Arc::clone(&users));
            move |nth: usize| {
                let (office, user) = (office.clone(), users[nth % spread]);
                async move { Ok(office.recharge(user, Money::whole(1)?).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, users) = (world.baseline.clone(), Arc::clone(&users));
            move |nth: usize| {
                let (baseline, user) = (baseline.clone(), users[nth % spread]);
                async move { baseline.recharge(user).await }
            }
        };
        let measured = measure(opts, callers, 0..1_000_000, ours, theirs).await?;
        rows.push(match spread {
            1 => measured.throughput(&name("recharge one wallet", callers), 20.0),
            _ => row(&measured, "recharge", callers, 5.0),
        });
    }
    Ok(rows)
}

pub async fn join(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let people: Arc<Vec<UserId>> = Arc::new(world.users(MOST_ALONE + 2 * MOST).await?);
    let mut rows = Vec::new();
    let mut from = 0;
    for callers in CALLERS {
        let ours = {
            let (office, people) = (world.office.clone(), Arc::clone(&people));
            move |nth: usize| {
                let (office, user) = (office.clone(), people[nth]);
                async move { Ok(office.issue_token(user).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, people) = (world.baseline.clone(), Arc::clone(&people));
            move |nth: usize| {
                let (baseline, user) = (baseline.clone(), people[nth]);
                async move { baseline.join(user).await }
            }
        };
        let measured = measure(opts, callers, from..from + room(callers), ours, theirs).await?;
        rows.push(row(&measured, "issue_token", callers, 5.0));
        from += room(callers);
    }
    Ok(rows)
}

pub async fn pay(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    /// Making the holds takes longer than paying them, so there are fewer.
    const HOLDS: usize = 40_000;
    let users = world.buyers(USERS).await?;
    let price = Money::whole(PRICE)?;
    let mut rows = Vec::new();
    for callers in CALLERS {
        let count = room(callers).min(HOLDS);
        let hall = world.concert(count as u32).await?;
        let held = Arc::new(world.holds(&users, hall, 0, count).await?);
        let theirs_held = Arc::new(world.baseline.holds(&users, hall, 0, count).await?);
        let ours = {
            let (office, held) = (world.office.clone(), Arc::clone(&held));
            move |nth: usize| {
                let (office, (user, id)) = (office.clone(), held[nth]);
                async move { Ok(office.pay(user, id, price).await.map(drop)?) }
            }
        };
        let theirs = {
            let (baseline, held) = (world.baseline.clone(), theirs_held);
            move |nth: usize| {
                let (baseline, (user, id)) = (baseline.clone(), held[nth]);
                async move { baseline.pay(user, id).await }
            }
        };
        let measured = measure(opts, callers, 0..count, ours, theirs).await?;
        rows.push(row(&measured, "pay", callers, 5.0));
    }
    Ok(rows)
}

fn row(measured: &Measured, what: &str, callers: usize, least: f64) -> Row {
    match callers {
        1 => measured.latency(&format!("{what}, a lone caller")),
        _ => measured.throughput(&name(what, callers), least),
    }
}
