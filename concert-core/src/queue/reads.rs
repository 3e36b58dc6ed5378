//! The SQL of the queue that locks nothing: the reads of polls, passes and operators, and the acquiring of passes.

use std::time::Duration;

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::admission::last_minute;
use super::change_times::MinuteBefore;
use super::pace::{Pace, Sample};
use super::store::{gate_columns, read_token, token_columns};
use super::{QueueChange, RerankReport, Token, control};
use crate::clock::{Timestamp, span};
use crate::id::UserId;
use crate::operator::{ActSubject, entries_about};
use crate::sql::{execute, fetch_all, fetch_one, fetch_optional, statements};

statements! {
    LATEST {
        concat!(
            "select ", token_columns!(""), ", (select change_seq from queue_gate where id = 1) as gate_seq from tokens \
             force index (tokens_user_live) where user_id = {user} order by ticket desc limit 1"
        )
    }
    ACQUIRE_RERANK {
        "update queue_gate set last_rerank_at = {now} where id = 1 \
         and (last_rerank_at is null or last_rerank_at <= {one_period_ago} or last_rerank_at > {in_one_period})"
    }
    ACQUIRE_SWEEP {
        "update queue_gate set last_sweep_at = {now} where id = 1 \
         and (last_sweep_at is null or last_sweep_at <= {one_period_ago} or last_sweep_at > {in_one_period})"
    }
    READ_SAMPLES { "select sampled_at, admitted, departed, waiting, resumed from queue_pace order by sampled_at" }
    pub(super) READ_GATE { concat!("select ", gate_columns!(), " from queue_gate where id = 1") }
    pub(super) READ_WAITING { "select ticket from tokens where status = 'WAITING'" }
    pub(super) READ_ACTIVE {
        "select ticket, user_id, expires_at, claimed_at is not null as claimed \
         from tokens force index (tokens_status_ticket) where status = 'ACTIVE'"
    }
    pub(super) READ_CHANGES { "select ticket, status, change_seq from tokens where change_seq > {seen}" }
    PREVIEW {
        "select g.active, g.waiting, g.max_active, g.paused, g.per_minute, \
         (select count(*) from tokens where status = 'ACTIVE' and expires_at <= {now} and claimed_at is null) as no_shows, \
         (select count(*) from tokens where status = 'ACTIVE' and expires_at <= {now}) as active_over, \
         (select count(*) from tokens where status = 'WAITING' and expires_at <= {now}) as waiting_over \
         from queue_gate g where g.id = 1"
    }
}

/// The newest token of a user, live or not, and the gate's `change_seq` at that moment.
pub(super) async fn latest_token(pool: &MySqlPool, user: UserId) -> Result<Option<(Token, u64)>, sqlx::Error> {
    let row = fetch_optional(pool, &LATEST, |params| params.bind("user", user)).await?;
    row.as_ref().map(|row| Ok((read_token(row)?, row.try_get("gate_seq")?))).transpose()
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
        let params = params.bind("now", now).bind("one_period_ago", now - span(period));
        params.bind("in_one_period", now + span(period))
    });
    Ok(rows.await? == 1)
}

/// The changes of settings, newest first.
pub(crate) async fn control_log(pool: &MySqlPool, limit: u32) -> Result<Vec<QueueChange>, sqlx::Error> {
    // An entry records one change at least.
    let entries = entries_about(pool, ActSubject::Queue, limit).await?;
    Ok(entries.iter().flat_map(control::changes).take(limit as usize).collect())
}

/// How fast the queue has moved over the last minutes, or `None` before that is known.
pub(crate) async fn read_pace(pool: &MySqlPool) -> Result<Option<Pace>, sqlx::Error> {
    let rows = fetch_all(pool, &READ_SAMPLES, |params| params).await?;
    let sample = |row: &MySqlRow| {
        Ok(Sample {
            at: row.try_get("sampled_at")?,
            admitted: row.try_get("admitted")?,
            departed: row.try_get("departed")?,
            waiting: row.try_get("waiting")?,
            resumed: row.try_get("resumed")?,
        })
    };
    let samples = rows.iter().map(sample).collect::<Result<Vec<_>, sqlx::Error>>()?;
    Ok(Pace::measure(&samples))
}

/// What a rerank pass would do.
pub(super) async fn preview_rerank(
    pool: &MySqlPool,
    since: MinuteBefore,
    now: Timestamp,
) -> Result<RerankReport, sqlx::Error> {
    let row = fetch_one(pool, &PREVIEW, |params| params.bind("now", now).bind("now", now).bind("now", now)).await?;
    let count = |column| row.try_get::<i64, _>(column).map(|count| count.max(0) as u64);
    let (no_shows, active_over, waiting_over) = (count("no_shows")?, count("active_over")?, count("waiting_over")?);
    let active = u64::from(row.try_get::<u32, _>("active")?).saturating_sub(active_over);
    let mut room = u64::from(row.try_get::<u32, _>("max_active")?).saturating_sub(active);
    if let Some(most) = row.try_get::<Option<u32>, _>("per_minute")? {
        room = room.min(u64::from(most).saturating_sub(last_minute(pool, since).await?));
    }
    if row.try_get("paused")? {
        room = 0;
    }
    let waiting = row.try_get::<u64, _>("waiting")?.saturating_sub(waiting_over);
    Ok(RerankReport { expired: active_over + waiting_over, no_shows, admitted: room.min(waiting) })
}
