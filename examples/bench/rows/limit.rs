//! How near our writes come to the limit: scripts that change the same rows with no rule at all.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use concert_core::{BoxOffice, Clock as _, ConcertId, Money, Policy, SystemClock, UserId};
use rust_decimal::Decimal;
use sqlx::Row as _;
use uuid::Uuid;

use super::TURNS;
use crate::limit::{self, ACTS, Entry, Hold, Moment, Script};
use crate::load::{Run, Turn, Until, callers, closed_loop};
use crate::report::Row;
use crate::world::{self, BUYERS, PRICE, World, seat};
use crate::{Failure, Opts};

/// So many that each writer finds a script's worth of commands after each batch.
const CALLERS: usize = 1_024;
/// As many as a lane of ours has.
const WRITERS: usize = 2;
/// As many as the lane of the queue has.
const GATE_WRITERS: usize = 1;
/// No side does more acts than this in a turn: what is prepared for it, in whole scripts.
const MOST: usize = 300 * ACTS;
/// The same of payments: no more holds than a box office remembers.
const MOST_PAYMENTS: usize = 127 * ACTS;
const LEAST: f64 = 0.7;

pub async fn limit(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    rows.extend(reserve(world, opts).await?);
    rows.extend(recharge(world, opts).await?);
    rows.extend(pay(world, opts).await?);
    rows.extend(join(world, opts).await?);
    Ok(rows)
}

/// Both sides of one measurement.
struct Sides<'a> {
    world: &'a World,
    /// The database of the scripts, and how many writers run them.
    database: &'static str,
    writers: usize,
    until: Until,
    ours: Run,
    scripts: Run,
}

impl<'a> Sides<'a> {
    fn new(world: &'a World, opts: &Opts, database: &'static str, writers: usize) -> Self {
        let until = Until::After(Duration::from_secs_f64(opts.seconds / TURNS as f64));
        Self { world, database, writers, until, ours: Run::default(), scripts: Run::default() }
    }

    /// Acts of ours, each of which gets a number below `most`.
    async fn ours<A, R>(&mut self, most: usize, act: A) -> Result<(), Failure>
    where
        A: Fn(usize) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send,
    {
        let acts = closed_loop(callers(CALLERS), most, self.until.clone(), move |(), Turn { nth, .. }| act(nth));
        self.ours.add(self.world.meter()?.measure(acts).await?);
        Ok(())
    }

    /// Scripts that were made right before, so that their ids are the newest, as those of ours are.
    async fn scripts(&mut self, scripts: Vec<Script>) -> Result<(), Failure> {
        let database = self.world.database(self.database).await?;
        let scripts = limit::run(&database, self.writers, scripts, self.until.clone());
        self.scripts.add(self.world.meter()?.measure(scripts).await?);
        Ok(())
    }

    fn rows(&self, what: &str) -> [Row; 2] {
        let what = format!("{what}, {CALLERS} callers, over scripts");
        let writers = if self.writers == 1 { "one writer" } else { "two writers" };
        let note = format!("the same rows by {writers} with scripts of {ACTS} acts, written by hand, with no rule");
        [
            Row::throughput(&what, &self.ours, &self.scripts, LEAST).note(note),
            Row::processor_time(&what, &self.ours, &self.scripts),
        ]
    }
}

/// Each user holds one seat: each further hold would count the ones before it.
async fn reserve(world: &World, opts: &Opts) -> Result<[Row; 2], Failure> {
    let sale = world.sale().await?;
    let mut sides = Sides::new(world, opts, World::SALE, WRITERS);
    for _ in 0..TURNS {
        let hall = world::concert(&sale.pair.office, 2 * MOST as u32).await?;
        let buyers = Arc::new(world::active_users(&sale.pair.office, MOST).await?);
        let (office, users) = (sale.pair.office.clone(), Arc::clone(&buyers));
        let reserve = move |nth: usize| {
            let (office, user) = (office.clone(), users[nth]);
            async move { Ok(office.hold(user, hall, seat(nth)?).await.map(drop)?) }
        };
        sides.ours(MOST, reserve).await?;
        let holds = holds(&buyers, MOST, MOST);
        sides.scripts(reserving(hall, &holds)?).await?;
    }
    Ok(sides.rows("reserve"))
}

async fn recharge(world: &World, opts: &Opts) -> Result<[Row; 2], Failure> {
    let sale = world.sale().await?;
    let mut sides = Sides::new(world, opts, World::SALE, WRITERS);
    let amount = Money::whole(1)?;
    for _ in 0..TURNS {
        let (office, users) = (sale.pair.office.clone(), Arc::clone(&sale.buyers));
        let recharge = move |nth: usize| {
            let (office, user) = (office.clone(), users[nth % BUYERS]);
            async move { Ok(office.recharge(user, amount).await.map(drop)?) }
        };
        sides.ours(MOST, recharge).await?;
        let users = (0..MOST).map(|nth| sale.buyers[nth % BUYERS]);
        let entries = entries(&sale.pair.office, users, amount.as_decimal()).await?;
        let scripts = entries.chunks(ACTS).map(|some| limit::recharge(amount, some, now()));
        sides.scripts(scripts.collect()).await?;
    }
    Ok(sides.rows("recharge"))
}

async fn pay(world: &World, opts: &Opts) -> Result<[Row; 2], Failure> {
    let sale = world.sale().await?;
    let mut sides = Sides::new(world, opts, World::SALE, WRITERS);
    let price = Money::whole(PRICE)?;
    for _ in 0..TURNS {
        let hall = world::concert(&sale.pair.office, 2 * MOST_PAYMENTS as u32).await?;
        let theirs = holds(&sale.buyers, MOST_PAYMENTS, MOST_PAYMENTS);
        let database = world.database(World::SALE).await?;
        limit::run(&database, WRITERS, reserving(hall, &theirs)?, Until::Done).await?;
        let held = Arc::new(world::holds(&sale.pair.office, &sale.buyers, hall, MOST_PAYMENTS).await?);
        let office = sale.pair.office.clone();
        let pay = move |nth: usize| {
            let (office, (user, id)) = (office.clone(), held[nth]);
            async move { Ok(office.pay(user, id, price).await.map(drop)?) }
        };
        sides.ours(MOST_PAYMENTS, pay).await?;
        let users = theirs.iter().map(|hold| hold.user);
        let entries = entries(&sale.pair.office, users, -price.as_decimal()).await?;
        let paid: Vec<_> = theirs.into_iter().zip(entries).collect();
        let scripts = paid.chunks(ACTS).map(|some| limit::pay(hall, price, some, now()));
        sides.scripts(scripts.collect()).await?;
    }
    Ok(sides.rows("pay"))
}

/// In databases of their own: a box office whose gate others move must look at it first. Ours has no keys, since the
/// scripts sign no access tokens either.
async fn join(world: &World, opts: &Opts) -> Result<[Row; 2], Failure> {
    const SCRIPTS: &str = "joined_by_scripts";
    let office = world.office_with("joined_by_us", Policy::default(), Arc::new(SystemClock)).await?;
    office.migrate().await?;
    let beside = world.office(SCRIPTS).await?;
    let mut sides = Sides::new(world, opts, SCRIPTS, GATE_WRITERS);
    let mut waiting = 0;
    for _ in 0..TURNS {
        let people = Arc::new(world::users(&office, MOST).await?);
        let joining = office.clone();
        let join = move |nth: usize| {
            let (office, user) = (joining.clone(), people[nth]);
            async move { Ok(office.issue_token(user).await.map(drop)?) }
        };
        sides.ours(MOST, join).await?;
        let people: Vec<_> = (0..MOST).map(|_| UserId::generate()).collect();
        let scripts = (waiting + 1..).step_by(ACTS).zip(people.chunks(ACTS));
        sides.scripts(scripts.map(|(first, users)| limit::join(first, users, moment())).collect()).await?;
        waiting = sides.scripts.count() as usize;
    }
    world::close(office).await?;
    world::close(beside).await?;
    Ok(sides.rows("issue_token"))
}

/// Holds of all users in turns, on the seats from `first + 1` on.
fn holds(users: &[UserId], first: usize, count: usize) -> Vec<Hold> {
    let hold = |nth| Hold { id: Uuid::now_v7(), user: users[nth % users.len()], seat: first + nth + 1 };
    (0..count).map(hold).collect()
}

fn reserving(hall: ConcertId, holds: &[Hold]) -> Result<Vec<Script>, Failure> {
    let price = Money::whole(PRICE)?;
    let script = |some: &[Hold]| limit::reserve(hall, now().date_naive(), price, some, moment());
    Ok(holds.chunks(ACTS).map(script).collect())
}

/// What the wallets are after changes by `amount`, one after the other.
async fn entries(
    office: &BoxOffice,
    users: impl Iterator<Item = UserId>,
    amount: Decimal,
) -> Result<Vec<Entry>, Failure> {
    let mut wallets: HashMap<UserId, (u32, Decimal)> = HashMap::with_capacity(BUYERS);
    for row in sqlx::query("select id, entries, balance from users").fetch_all(office.pool()).await? {
        wallets.insert(row.try_get("id")?, (row.try_get("entries")?, row.try_get("balance")?));
    }
    let enter = |user| {
        let (nth, balance) = wallets.get_mut(&user).ok_or("a user without a wallet")?;
        (*nth, *balance) = (*nth + 1, *balance + amount);
        Ok(Entry { id: Uuid::now_v7(), user, nth: *nth, balance: *balance })
    };
    users.map(enter).collect()
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

fn moment() -> Moment {
    let now = now();
    Moment { now, until: now + TimeDelta::hours(12) }
}
