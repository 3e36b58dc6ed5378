//! Many sales on one database: what a busy one costs a quiet one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use concert_core::{AdmissionChange, BoxOffice, Join, NewSale, Operator, SaleChange, SaleId, UserId};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::load::{Run, Turn, Until, callers, closed_loop};
use crate::report::{Row, Target};
use crate::world::{self, World};
use crate::{Failure, Opts};

/// How many sales there are.
const SALES: usize = 100;
/// How many join the busy one at once where its ceiling is measured.
const CALLERS: usize = 1_024;
/// The load of the busy sale, as a share of its ceiling.
const LOAD: f64 = 0.7;
/// How many join the quiet one per second.
const QUIET: f64 = 200.0;
/// The most joins per second that people are prepared for.
const MOST_PER_SECOND: f64 = 40_000.0;
/// The most that a quiet sale's p99 may grow.
const MOST_SLOWER: f64 = 2.0;
/// Joins are begun in steps of this.
const STEP: Duration = Duration::from_millis(1);

/// The join of a quiet sale, alone and beside a sale at 70 % of its ceiling.
pub async fn sales(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let office = world.office("sales").await?;
    let mut sales = Vec::with_capacity(SALES);
    for nth in 0..SALES {
        sales.push(add(&office, nth).await?);
    }
    let (busy, quiet) = (sales[0], sales[1]);
    let seconds = opts.seconds.max(2.0);
    let crowd: Arc<Vec<UserId>> = Arc::new(world::users(&office, (MOST_PER_SECOND * seconds * 2.0) as usize).await?);
    let few = world::users(&office, (QUIET * seconds * 2.0) as usize + 2).await?;
    let (few_alone, few_beside) = few.split_at(few.len() / 2);

    let time = Duration::from_secs_f64(seconds);
    let alone = paced(&office, quiet, few_alone, QUIET, time).await?;
    let half = crowd.len() / 2;
    let join = {
        let (office, crowd) = (office.clone(), Arc::clone(&crowd));
        move |(), Turn { nth, .. }: Turn| {
            let (office, user) = (office.clone(), crowd[nth]);
            async move { Ok(office.join_queue(Join::sale(busy, user)).await.map(drop)?) }
        }
    };
    let ceiling = closed_loop(callers(CALLERS), half, Until::After(time / 2), join).await?.per_second();
    let (busy_run, beside) = tokio::join!(
        paced(&office, busy, &crowd[half..], LOAD * ceiling, time),
        paced(&office, quiet, few_beside, QUIET, time),
    );
    let (busy_run, beside) = (busy_run?, beside?);
    let row = Row::ratio(
        format!("join a quiet sale of {SALES}, p99"),
        format!("{:.2} ms", beside.quantile(0.99)),
        format!("{:.2} ms alone", alone.quantile(0.99)),
        beside.quantile(0.99) / alone.quantile(0.99),
        Target::AtMost(MOST_SLOWER),
    );
    let note = format!(
        "another sale takes {:.0} joins a second meanwhile (p99 {:.1} ms), {:.0} % of the {ceiling:.0} that it can; p50 {:.2} ms, \
         alone {:.2} ms",
        busy_run.per_second(),
        busy_run.quantile(0.99),
        100.0 * busy_run.per_second() / ceiling,
        beside.quantile(0.5),
        alone.quantile(0.5),
    );
    let refresh = refresh(&office).await?;
    world::close(office).await?;
    Ok(vec![row.note(note), refresh])
}

async fn add(office: &BoxOffice, nth: usize) -> Result<SaleId, Failure> {
    let settings = SaleChange::new().with_admission(AdmissionChange::new().with_max_active(1));
    let new = NewSale::new(format!("Sale {nth}")).with_settings(settings);
    Ok(office.operator(Operator::application()).add_sale(&new).await?.id)
}

/// What the refresh of a second costs where most sales have nobody.
async fn refresh(office: &BoxOffice) -> Result<Row, Failure> {
    office.refresh_queue().await?;
    let mut quickest = f64::INFINITY;
    for _ in 0..20 {
        let begun = Instant::now();
        office.refresh_queue().await?;
        quickest = quickest.min(begun.elapsed().as_secs_f64());
    }
    let what = format!("refresh of {SALES} sales, two with people");
    Ok(Row::figure(what, format!("{:.1} ms", quickest * 1e3), quickest * 1e3, "ms", Target::AtMost(10.0)))
}

/// People join at this rate, whether or not those before them are through.
async fn paced(
    office: &BoxOffice,
    sale: SaleId,
    people: &[UserId],
    per_second: f64,
    time: Duration,
) -> Result<Run, Failure> {
    let (begun, mut begun_joins, mut joining) = (Instant::now(), 0, JoinSet::new());
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut run, mut latencies) = (Run::default(), Vec::new());
    while begun.elapsed() < time {
        steps.tick().await;
        let due = ((begun.elapsed().as_secs_f64() * per_second) as usize).min(people.len());
        for user in &people[begun_joins..due] {
            let (office, user) = (office.clone(), *user);
            joining.spawn(async move {
                let asked = Instant::now();
                office.join_queue(Join::sale(sale, user)).await.map(|_| asked.elapsed())
            });
        }
        begun_joins = due;
        while let Some(joined) = joining.try_join_next() {
            latencies.push(joined??);
        }
    }
    run.took(begun.elapsed());
    while let Some(joined) = joining.join_next().await {
        latencies.push(joined??);
    }
    run.record(latencies);
    Ok(run)
}
