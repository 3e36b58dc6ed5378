//! The SQL of admission: the settings, and the samples behind the limit per minute and the pace.

use std::time::Duration;

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::control::Admission;
use super::pace::{PACE_WINDOW, Sample};
use super::rows::Effects;
use crate::clock::{Timestamp, span};
use crate::sql::{Reading, Script, fetch_one, statements};

/// What `per_minute` counts over.
const MINUTE: Duration = Duration::from_secs(60);

statements! {
    /// The cap of an audit is the one that holds since max_active_set_at.
    SET_ADMISSION {
        "update queue_gate set paused = {paused}, per_minute = {per_minute}, \
         max_active_set_at = case when max_active <> {max_active} then {now} else max_active_set_at end, \
         max_active = {max_active} where {guard}id = 1"
    }
    LAST_MINUTE {
        "select cast(coalesce(sum(admitted), 0) as unsigned) as admitted from queue_admissions \
         where admitted_at > {from} and admitted_at < {until}"
    }
    COUNT_ADMISSIONS {
        "insert into queue_admissions (admitted_at, admitted) values ({now}, {let_in}) \
         on duplicate key update admitted = admitted + {let_in}"
    }
    PRUNE_ADMISSIONS { "delete from queue_admissions where admitted_at <= {from} or admitted_at >= {until}" }
    LAST_SAMPLE { "select max(sampled_at) as sampled_at from queue_pace" }
    ADD_SAMPLE {
        "replace into queue_pace (sampled_at, admitted, departed, waiting, resumed) \
         values ({at}, {admitted}, {departed}, {waiting}, {resumed})"
    }
    PRUNE_SAMPLES { "delete from queue_pace where sampled_at < {from} or sampled_at > {until}" }
}

/// How many were let in within the last minute. Moments of a clock that was set back since do not count.
pub(super) fn select_last_minute(script: &mut Script, now: Timestamp) -> Reading {
    script.select(&LAST_MINUTE, |params| params.bind("from", now - span(MINUTE)).bind("until", now + span(MINUTE)))
}

/// The same, outside of a batch.
pub(super) async fn last_minute(connection: &mut MySqlConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let row = fetch_one(connection, &LAST_MINUTE, |params| {
        params.bind("from", now - span(MINUTE)).bind("until", now + span(MINUTE))
    });
    row.await?.try_get("admitted")
}

/// When the pace was sampled last.
pub(super) fn select_last_sample(script: &mut Script) -> Reading {
    script.select(&LAST_SAMPLE, |params| params)
}

/// Writes the settings and the samples.
pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    let Admission { paused, max_active, per_minute } = effects.gate.admission;
    if effects.gate.admission != effects.gate_before.admission {
        script.change("setting the admission", Some(1), &SET_ADMISSION, |params| {
            let params = params.bind("paused", paused).bind("per_minute", per_minute);
            params.bind("max_active", max_active).bind("now", now).bind("max_active", max_active)
        });
    }
    if per_minute.is_some() && effects.let_in > 0 {
        script.change("counting admissions", None, &COUNT_ADMISSIONS, |params| {
            params.bind("now", now).bind("let_in", effects.let_in).bind("let_in", effects.let_in)
        });
        script.change("forgetting admissions", None, &PRUNE_ADMISSIONS, |params| {
            params.bind("from", now - span(MINUTE)).bind("until", now + span(MINUTE))
        });
    }
    if let Some(Sample { at, admitted, departed, waiting, resumed }) = effects.sample {
        script.change("sampling the pace", None, &ADD_SAMPLE, |params| {
            let params = params.bind("at", at).bind("admitted", admitted).bind("departed", departed);
            params.bind("waiting", waiting).bind("resumed", resumed)
        });
        let window = span(PACE_WINDOW);
        script.change("forgetting samples", None, &PRUNE_SAMPLES, |params| {
            params.bind("from", now - window).bind("until", now + window)
        });
    }
}

pub(crate) fn read_admission(row: &MySqlRow) -> Result<Admission, sqlx::Error> {
    Ok(Admission {
        paused: row.try_get("paused")?,
        max_active: row.try_get("max_active")?,
        per_minute: row.try_get("per_minute")?,
    })
}
