//! Reservations where the database is large, and where it is being swept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use concert_core::{BoxOffice, Clock as _, ConcertId, ManualClock, ReservationId, SystemClock, UserId};
use tokio_util::sync::CancellationToken;

use super::TURNS;
use crate::load::{Run, Turn, Until, callers, closed_loop};
use crate::report::{Row, Target};
use crate::world::{self, World, seat};
use crate::{Failure, Opts};

const CALLERS: usize = 64;
/// How many seats the small database has, and how many are reserved in a turn of either.
const FEW: u32 = 10_000;
/// How many seats each concert of the large database has.
const HALL: u32 = 50_000;
/// How many buyers there are in each: a handful of seats for everyone in a turn.
const BUYERS: usize = 2_000;
/// Turns of both sides at least; more while there is time.
const LEAST_TURNS: usize = 4;
/// Prime, and no divisor of any number of seats here: steps of so many visit every seat once.
const STRIDE: u64 = 7_368_787;
/// More seats than are reserved while the sweep runs.
const SEATS_BESIDE_SWEEP: u32 = 900_000;

/// A database with seats on sale.
struct Sale {
    office: BoxOffice,
    buyers: Arc<Vec<UserId>>,
    halls: Arc<Vec<ConcertId>>,
    seats_each: u32,
    reserved: u64,
}

impl Sale {
    async fn open(world: &World, name: &str, halls: u32, seats_each: u32) -> Result<Self, Failure> {
        let office = world.office(name).await?;
        let buyers = Arc::new(world::active_users(&office, BUYERS).await?);
        let mut concerts = Vec::with_capacity(halls as usize);
        for _ in 0..halls {
            concerts.push(world::concert(&office, seats_each).await?);
        }
        Ok(Self { office, buyers, halls: Arc::new(concerts), seats_each, reserved: 0 })
    }

    fn seats(&self) -> u64 {
        self.halls.len() as u64 * u64::from(self.seats_each)
    }

    /// Reserves seats all over the database, and gives them back unmeasured.
    async fn turn(&mut self) -> Result<Run, Failure> {
        let held = Arc::new(Mutex::new(Vec::with_capacity(FEW as usize)));
        let (first, seats, each) = (self.reserved, self.seats(), u64::from(self.seats_each));
        // Another buyer for each seat than in the turn before: nobody may hold the same seat again and again.
        let shift = (self.reserved / u64::from(FEW)) as usize;
        let reserve = {
            let (office, buyers, halls) = (self.office.clone(), Arc::clone(&self.buyers), Arc::clone(&self.halls));
            let held = Arc::clone(&held);
            move |(), Turn { nth, .. }: Turn| {
                let at = (first + nth as u64) * STRIDE % seats;
                let (office, user, held) = (office.clone(), buyers[(nth + shift) % BUYERS], Arc::clone(&held));
                let hall = halls[(at / each) as usize];
                async move {
                    let hold = office.hold(user, hall, seat((at % each) as usize)?).await?;
                    held.lock().unwrap_or_else(PoisonError::into_inner).push((user, hold.reservations[0].id));
                    Ok(())
                }
            }
        };
        let run = closed_loop(callers(CALLERS), FEW as usize, Until::Done, reserve);
        let run = run.await?;
        self.reserved += u64::from(FEW);
        let held = std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner));
        give_back(&self.office, held).await?;
        Ok(run)
    }
}

async fn give_back(office: &BoxOffice, held: Vec<(UserId, ReservationId)>) -> Result<(), Failure> {
    let (office, held) = (office.clone(), Arc::new(held));
    let (count, until) = (held.len(), Until::Done);
    let give_back = move |(), Turn { nth, .. }: Turn| {
        let (office, (user, hold)) = (office.clone(), held[nth]);
        async move { Ok(office.cancel(user, hold).await?) }
    };
    closed_loop(callers(CALLERS), count, until, give_back).await.map(drop)
}

/// The same reservations in a small and in a large database.
pub async fn halls(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let mut small = Sale::open(world, "small_sale", 1, FEW).await?;
    let mut large = Sale::open(world, "large_sale", opts.seats.div_ceil(HALL), HALL).await?;
    let (mut few, mut many) = (Run::default(), Run::default());
    for turn in 0.. {
        if turn >= LEAST_TURNS && few.seconds() >= opts.seconds {
            break;
        }
        few.add(small.turn().await?);
        many.add(large.turn().await?);
    }
    let ratio = few.per_second() / many.per_second();
    let seats = large.seats();
    world::close(small.office).await?;
    world::close(large.office).await?;
    let what = format!("reserve, {FEW} seats over {seats} seats");
    Ok(vec![
        Row::ratio(what, few.text(), many.text(), ratio, Target::AtMost(1.2))
            .note(format!("{CALLERS} callers; seats all over halls of {HALL}, given back between turns of {FEW}")),
    ])
}

/// Reservations while lapsed holds are swept, against the same undisturbed.
pub async fn sweep(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let sale = world.sale().await?;
    let office = &sale.pair.office;
    let lapsed = world::concert(office, opts.lapsed as u32).await?;
    let policy = office.policy().clone().with_hold_ttl(Duration::from_secs(60));
    let an_hour_ago = SystemClock.now() - chrono::TimeDelta::hours(1);
    let past = world.office_with(World::SALE, policy, Arc::new(ManualClock::new(an_hour_ago))).await?;
    world::holds(&past, &sale.buyers, lapsed, opts.lapsed).await?;
    past.pool().close().await;

    let hall = world::concert(office, SEATS_BESIDE_SWEEP).await?;
    let mut reserved = 0;
    let mut reserving = async |until: Until| {
        let (office, buyers, first) = (office.clone(), Arc::clone(&sale.buyers), reserved);
        let reserve = move |(), Turn { nth, .. }: Turn| {
            let (office, user) = (office.clone(), buyers[nth % buyers.len()]);
            async move { Ok(office.hold(user, hall, seat(first + nth)?).await.map(drop)?) }
        };
        let left = SEATS_BESIDE_SWEEP as usize - first;
        let run = closed_loop(callers(CALLERS), left, until, reserve).await?;
        reserved += run.count() as usize;
        if reserved == SEATS_BESIDE_SWEEP as usize {
            return Err(Failure::from("the hall was sold out before the sweep was over"));
        }
        Ok(run)
    };
    let half = Until::After(Duration::from_secs_f64(opts.seconds / TURNS as f64));
    let mut undisturbed = reserving(half.clone()).await?;
    let swept = CancellationToken::new();
    let sweep = async {
        let report = office.sweep_expired().await;
        swept.cancel();
        Ok::<_, Failure>(report?.released)
    };
    let (disturbed, released) = tokio::try_join!(reserving(Until::Cancelled(swept.clone())), sweep)?;
    undisturbed.add(reserving(half).await?);
    if released != opts.lapsed as u64 {
        return Err(format!("{released} holds were swept instead of {}", opts.lapsed).into());
    }
    Ok(vec![
        Row::ratio(
            format!("reserve while {released} lapsed holds are swept"),
            disturbed.text(),
            undisturbed.text(),
            disturbed.quantile(0.99) / undisturbed.quantile(0.99),
            Target::AtMost(2.0),
        )
        .note(format!("p99 of {CALLERS} callers; the sweep took {:.1} s", disturbed.seconds())),
    ])
}
