//! The SQL of the queue that locks nothing: the reads of polls, passes and operators, and the acquiring of passes.

use std::time::Duration;

use hashbrown::HashMap;
use sqlx::{MySqlPool, Row as _};

use super::admission::last_minute;
use super::change_times::MinuteBefore;
use super::pace::{Pace, Sample};
use super::store::{read_token, token_columns};
use super::{QueueChange, RerankReport, Token, control};
use crate::clock::{Timestamp, span};
use crate::id::{SaleId, UserId};
use crate::operator::{ActSubject, entries_about};
use crate::sql::{execute, fetch_all, fetch_optional, statements};

statements! {
    LATEST {
        concat!(
            "select ", token_columns!(""), ", (select change_seq from queue_gate where sale_id = {sale}) as gate_seq \
             from tokens force index (tokens_user_live) where user_id = {user} and sale_id = {sale} \
             order by ticket desc limit 1"
        )
    }
    SALES_OF { "select sale_id from tokens force index (tokens_user_live) where user_id = {user} and live = 1" }
    ACQUIRE_RERANK {
        "update queue_gate set last_rerank_at = {now} where sale_id = {default_sale} \
         and (last_rerank_at is null or last_rerank_at <= {one_period_ago} or last_rerank_at > {in_one_period})"
    }
    ACQUIRE_SWEEP {
        "update queue_gate set last_sweep_at = {now} where sale_id = {default_sale} \
         and (last_sweep_at is null or last_sweep_at <= {one_period_ago} or last_sweep_at > {in_one_period})"
    }
    READ_SAMPLES {
        "select sale_id, sampled_at, admitted, departed, waiting, resumed from queue_pace force index (primary) \
         where sale_id in ({sales}) order by sale_id, sampled_at"
    }
    PREVIEW {
        "select g.active, g.waiting, g.max_active, g.paused, g.per_minute, \
         (select count(*) from tokens where sale_id = {sale} and status = 'ACTIVE' and expires_at <= {now} \
         and claimed_at is null) as no_shows, \
         (select count(*) from tokens where sale_id = {sale} and status = 'ACTIVE' and expires_at <= {now}) as active_over, \
         (select count(*) from tokens where sale_id = {sale} and status = 'WAITING' and expires_at <= {now}) as waiting_over \
         from queue_gate g where g.sale_id = {sale}"
    }
}

/// The newest token of a user in a sale, live or not, and the gate's `change_seq` at that moment.
pub(super) async fn latest_token(
    pool: &MySqlPool,
    sale: SaleId,
    user: UserId,
) -> Result<Option<(Token, u64)>, sqlx::Error> {
    let row =
        fetch_optional(pool, &LATEST, |params| params.bind("sale", sale).bind("user", user).bind("sale", sale)).await?;
    row.as_ref().map(|row| Ok((read_token(row)?, row.try_get("gate_seq")?))).transpose()
}

/// The sales whose queues a user is in.
pub(crate) async fn sales_of(pool: &MySqlPool, user: UserId) -> Result<Vec<SaleId>, sqlx::Error> {
    let rows = fetch_all(pool, &SALES_OF, |params| params.bind("user", user)).await?;
    rows.iter().map(|row| row.try_get("sale_id")).collect()
}

/// A pass that one process at a time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// [`BoxOffice::rerank_queue`](crate::BoxOffice::rerank_queue).
    Rerank,
    /// [`BoxOffice::sweep_expired`](crate::BoxOffice::sweep_expired).
    Sweep,
}

/// Acquires the pass unless a process acquired it less than `period` ago. A time in the future does not count: a clock
/// was set back since.
pub(crate) async fn acquire_pass(
    pool: &MySqlPool,
    pass: Pass,
    period: Duration,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let template = match pass {
        Pass::Rerank => &ACQUIRE_RERANK,
        Pass::Sweep => &ACQUIRE_SWEEP,
    };
    let rows = execute(pool, template, |params| {
        let params = params.bind("now", now).bind("default_sale", SaleId::DEFAULT);
        let params = params.bind("one_period_ago", now - span(period));
        params.bind("in_one_period", now + span(period))
    });
    Ok(rows.await? == 1)
}

/// The changes of settings of a sale, newest first.
pub(crate) async fn control_log(pool: &MySqlPool, sale: SaleId, limit: u32) -> Result<Vec<QueueChange>, sqlx::Error> {
    // An entry records one change at least.
    let mut entries = entries_about(pool, ActSubject::Queue(sale), limit).await?;
    entries.extend(entries_about(pool, ActSubject::Sale(sale), limit).await?);
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    Ok(entries.iter().flat_map(control::changes).take(limit as usize).collect())
}

/// How fast the queue of a sale has moved over the last minutes, or `None` before that is known.
pub(crate) async fn read_pace(pool: &MySqlPool, sale: SaleId) -> Result<Option<Pace>, sqlx::Error> {
    Ok(read_paces(pool, &[sale]).await?.remove(&sale))
}

/// The same of several sales, those of which it is known.
pub(crate) async fn read_paces(pool: &MySqlPool, sales: &[SaleId]) -> Result<HashMap<SaleId, Pace>, sqlx::Error> {
    let mut samples: HashMap<SaleId, Vec<Sample>> = HashMap::new();
    for row in fetch_all(pool, &READ_SAMPLES, |params| params.list("sales", sales)).await? {
        samples.entry(row.try_get("sale_id")?).or_default().push(Sample {
            at: row.try_get("sampled_at")?,
            admitted: row.try_get("admitted")?,
            departed: row.try_get("departed")?,
            waiting: row.try_get("waiting")?,
            resumed: row.try_get("resumed")?,
        });
    }
    Ok(samples.into_iter().filter_map(|(sale, samples)| Some((sale, Pace::measure(&samples)?))).collect())
}

/// What a rerank pass would do in a sale that is open.
pub(super) async fn preview_rerank(
    pool: &MySqlPool,
    sale: SaleId,
    since: MinuteBefore,
    now: Timestamp,
) -> Result<RerankReport, sqlx::Error> {
    let found = fetch_optional(pool, &PREVIEW, |params| {
        let params = params.bind("sale", sale).bind("now", now).bind("sale", sale).bind("now", now);
        params.bind("sale", sale).bind("now", now).bind("sale", sale)
    });
    let Some(row) = found.await? else { return Ok(RerankReport::default()) };
    let count = |column| row.try_get::<i64, _>(column).map(|count| count.max(0) as u64);
    let (no_shows, active_over, waiting_over) = (count("no_shows")?, count("active_over")?, count("waiting_over")?);
    // A pass ends those whose time is over first, so their places are room for others.
    let active = u64::from(row.try_get::<u32, _>("active")?).saturating_sub(active_over);
    let mut room = u64::from(row.try_get::<u32, _>("max_active")?).saturating_sub(active);
    if let Some(most) = row.try_get::<Option<u32>, _>("per_minute")? {
        room = room.min(u64::from(most).saturating_sub(last_minute(pool, sale, since).await?));
    }
    if row.try_get("paused")? {
        room = 0;
    }
    let waiting = row.try_get::<u64, _>("waiting")?.saturating_sub(waiting_over);
    Ok(RerankReport { expired: active_over + waiting_over, no_shows, admitted: room.min(waiting) })
}
