//! The SQL of admission: what operators set, their record, and what the limit and the pace are measured by.

use std::time::Duration;

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::control::{Admission, QueueChange};
use super::decide::Effects;
use super::pace::{PACE_WINDOW, Sample};
use crate::clock::{Timestamp, span};
use crate::sql::{Listed, Reading, Script, Statement, Text};

/// What `per_minute` counts over.
const MINUTE: Duration = Duration::from_secs(60);

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Fixed(SET_ADMISSION),
    Statement::Listed(&LOG_CHANGES),
    Statement::Fixed(LAST_MINUTE),
    Statement::Fixed(COUNT_ADMISSIONS),
    Statement::Fixed(PRUNE_ADMISSIONS),
    Statement::Fixed(LAST_SAMPLE),
    Statement::Fixed(ADD_SAMPLE),
    Statement::Fixed(PRUNE_SAMPLES),
];

/// The cap of an audit is the one that holds since max_active_set_at.
const SET_ADMISSION: &str = "update queue_gate set paused = ?, per_minute = ?, \
     max_active_set_at = case when max_active <> ? then ? else max_active_set_at end, max_active = ? where id = 1";
const LOG_CHANGES: Listed = Listed::of_rows(
    "insert into queue_control_log (change_seq, nth, changed_at, changed_by, setting, was, becomes) values {}",
    "(?,?,?,?,?,?,?)",
);
const LAST_MINUTE: &str = "select cast(coalesce(sum(admitted), 0) as unsigned) as admitted from queue_admissions \
     where admitted_at > ? and admitted_at < ?";
const COUNT_ADMISSIONS: &str = "insert into queue_admissions (admitted_at, admitted) values (?, ?) \
     on duplicate key update admitted = admitted + ?";
const PRUNE_ADMISSIONS: &str = "delete from queue_admissions where admitted_at <= ? or admitted_at >= ?";
const LAST_SAMPLE: &str = "select max(sampled_at) as sampled_at from queue_pace";
const ADD_SAMPLE: &str =
    "replace into queue_pace (sampled_at, admitted, departed, waiting, resumed) values (?, ?, ?, ?, ?)";
const PRUNE_SAMPLES: &str = "delete from queue_pace where sampled_at < ? or sampled_at > ?";

/// How many were let in within the last minute. Moments of a clock that was set back since do not count.
pub(super) fn select_last_minute(script: &mut Script, now: Timestamp) -> Reading {
    script.select(LAST_MINUTE, |blanks| blanks.put(now - span(MINUTE)).put(now + span(MINUTE)))
}

/// The same, for whoever only looks.
pub(super) async fn last_minute(connection: &mut MySqlConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let query = sqlx::query(LAST_MINUTE).bind(now - span(MINUTE)).bind(now + span(MINUTE));
    query.fetch_one(connection).await?.try_get("admitted")
}

/// When the pace was sampled last.
pub(super) fn select_last_sample(script: &mut Script) -> Reading {
    script.select(LAST_SAMPLE, |blanks| blanks)
}

/// The settings, their record, and what the limit and the pace are measured by.
pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    let Admission { paused, max_active, per_minute } = effects.gate.admission;
    if !effects.changes.is_empty() {
        script.change("setting the admission", 1, SET_ADMISSION, |blanks| {
            blanks.put(paused).put(per_minute).put(max_active).put(now).put(max_active)
        });
        let numbered: Vec<_> = (0_u32..).zip(&effects.changes).collect();
        script.insert(&LOG_CHANGES, &numbered, |blanks, (nth, change)| {
            let QueueChange { at, by, setting, was, becomes } = change;
            let blanks = blanks.put(effects.gate.change_seq).put(nth).put(at).put(Text(by));
            blanks.put(Text(setting)).put(Text(was)).put(Text(becomes))
        });
    }
    if per_minute.is_some() && effects.let_in > 0 {
        script.change_any(COUNT_ADMISSIONS, |blanks| blanks.put(now).put(effects.let_in).put(effects.let_in));
        script.change_any(PRUNE_ADMISSIONS, |blanks| blanks.put(now - span(MINUTE)).put(now + span(MINUTE)));
    }
    if let Some(Sample { at, admitted, departed, waiting, resumed }) = effects.sample {
        script.change_any(ADD_SAMPLE, |blanks| blanks.put(at).put(admitted).put(departed).put(waiting).put(resumed));
        let window = span(PACE_WINDOW);
        script.change_any(PRUNE_SAMPLES, |blanks| blanks.put(now - window).put(now + window));
    }
}

pub(crate) fn read_admission(row: &MySqlRow) -> Result<Admission, sqlx::Error> {
    Ok(Admission {
        paused: row.try_get("paused")?,
        max_active: row.try_get("max_active")?,
        per_minute: row.try_get("per_minute")?,
    })
}
