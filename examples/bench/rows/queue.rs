//! The queue at a million.

use std::time::Instant;

use crate::Failure;
use crate::report::{Row, Target};
use crate::world::World;

/// How many changes a tick finds.
const CHANGES: u32 = 1_000;
/// How often each side's tick is measured; the quickest counts, since everything else only adds.
const TICKS: usize = 3;

/// A rerank tick with so many waiting and a thousand changes, against the seed's statement; and how soon a fresh process
/// knows the queue.
pub async fn rerank(world: &World, waiting: u32) -> Result<Vec<Row>, Failure> {
    fill(world, waiting).await?;
    world.baseline.fill_waiting(waiting).await?;

    let fresh = world.another_office().await?;
    let begun = Instant::now();
    fresh.refresh_queue().await?;
    let ready = begun.elapsed().as_secs_f64();

    let office = &world.office;
    office.refresh_queue().await?;
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TICKS {
        // A thousand people are let in, all of them at this tick.
        let active = office.queue_figures().await?.active;
        office.set_max_active(active + CHANGES).await?;
        let begun = Instant::now();
        let report = office.rerank_queue().await?;
        ours = ours.min(begun.elapsed().as_secs_f64());
        if report.admitted != u64::from(CHANGES) {
            return Err(format!("{} were let in instead of {CHANGES}", report.admitted).into());
        }
        let begun = Instant::now();
        world.baseline.rerank().await?;
        theirs = theirs.min(begun.elapsed().as_secs_f64());
        if theirs > 5.0 {
            break;
        }
    }
    Ok(vec![
        Row {
            what: format!("rerank, {waiting} waiting, {CHANGES} changes"),
            ours: format!("{:.1} ms", ours * 1e3),
            theirs: format!("{:.0} ms", theirs * 1e3),
            value: theirs / ours,
            unit: "x",
            target: Target::AtLeast(200.0),
        },
        Row {
            what: format!("a fresh process knows {waiting} waiting"),
            ours: format!("{ready:.2} s"),
            theirs: String::new(),
            value: ready,
            unit: "s",
            target: Target::AtMost(3.0),
        },
    ])
}

/// People who wait, straight into the tables: joining them one by one is another row.
async fn fill(world: &World, waiting: u32) -> Result<(), Failure> {
    let pool = world.office.pool();
    let mut connection = pool.acquire().await?.detach();
    for setting in ["set session max_statement_time = 0", "set session max_recursive_iterations = 100000000"] {
        sqlx::query(setting).execute(&mut connection).await?;
    }
    sqlx::query(
        "insert into tokens (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq) \
         with recursive n as (select 1 as i union all select i + 1 from n where i < ?) \
         select unhex(md5(i)), unhex(md5(-i)), g.next_ticket + i - 1, 'WAITING', now(6), now(6) + interval 1 day, now(6), \
         g.change_seq + 1 from n, queue_gate g",
    )
    .bind(waiting)
    .execute(&mut connection)
    .await?;
    sqlx::query(
        "update queue_gate set next_ticket = next_ticket + ?, waiting = waiting + ?, change_seq = change_seq + 1",
    )
    .bind(waiting)
    .bind(waiting)
    .execute(&mut connection)
    .await?;
    Ok(())
}
