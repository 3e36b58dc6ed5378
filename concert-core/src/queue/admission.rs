//! The SQL of admission: the settings, and the samples behind the limit per minute and the pace.

use std::time::Duration;

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::change_times::MinuteBefore;
use super::control::Admission;
use super::pace::{PACE_WINDOW, Sample};
use super::rows::{Effects, LastMinute};
use crate::clock::{Timestamp, span};
use crate::id::SaleId;
use crate::sql::{Params, Reading, Script, fetch_one, statements};

/// When rows of admissions go that no process saw grow old, by their own moments.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

statements! {
    SET_ADMISSION {
        "update queue_gate set paused = {paused}, per_minute = {per_minute}, max_active = {max_active} \
         where {guard}sale_id = {sale}"
    }
    LAST_MINUTE {
        "select cast(coalesce(sum(admitted), 0) as unsigned) as admitted from queue_admissions \
         where sale_id = {sale} and change_seq > {over} and (change_seq > {within} or admitted_at > {from})"
    }
    COUNT_ADMISSIONS { insert "queue_admissions" (sale_id, change_seq, admitted_at, admitted) }
    PRUNE_ADMISSIONS { "delete from queue_admissions where sale_id = {sale} and (change_seq <= {over} or admitted_at <= {from})" }
    LAST_SAMPLE { "select max(sampled_at) as sampled_at from queue_pace where sale_id = {sale}" }
    ADD_SAMPLE {
        "replace into queue_pace (sale_id, sampled_at, admitted, departed, waiting, resumed) \
         values ({sale}, {at}, {admitted}, {departed}, {waiting}, {resumed})"
    }
    PRUNE_SAMPLES { "delete from queue_pace where sale_id = {sale} and (sampled_at < {from} or sampled_at > {until})" }
}

/// How many were let in within the last minute. What this process has seen decides; where it has seen nothing, the
/// recorded moments do.
pub(super) fn select_last_minute(script: &mut Script, sale: SaleId, since: MinuteBefore) -> Reading {
    script.select(&LAST_MINUTE, |params| bind_minute(params, sale, since))
}

fn bind_minute(params: Params<'_>, sale: SaleId, since: MinuteBefore) -> Params<'_> {
    params.bind("sale", sale).bind("over", since.over).bind("within", since.within).bind("from", since.from)
}

/// The same, outside of a batch.
pub(super) async fn last_minute(pool: &MySqlPool, sale: SaleId, since: MinuteBefore) -> Result<u64, sqlx::Error> {
    fetch_one(pool, &LAST_MINUTE, |params| bind_minute(params, sale, since)).await?.try_get("admitted")
}

/// When the pace was sampled last.
pub(super) fn select_last_sample(script: &mut Script, sale: SaleId) -> Reading {
    script.select(&LAST_SAMPLE, |params| params.bind("sale", sale))
}

/// Writes the settings and the samples.
pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    let Admission { paused, max_active, per_minute } = effects.gate.admission;
    let sale = effects.gate.sale;
    if effects.gate.admission != effects.gate_before.admission {
        script.change("setting the admission", Some(1), &SET_ADMISSION, |params| {
            params
                .bind("paused", paused)
                .bind("per_minute", per_minute)
                .bind("max_active", max_active)
                .bind("sale", sale)
        });
    }
    // Without a limit nothing is recorded: one that is set later counts from then on.
    if per_minute.is_some() && effects.let_in > 0 {
        let LastMinute { at, over, .. } = effects.last_minute;
        script.insert(&COUNT_ADMISSIONS, &[effects.let_in], |row, let_in| {
            let row = row.bind("sale_id", sale).bind("change_seq", effects.gate.change_seq);
            row.bind("admitted_at", at).bind("admitted", *let_in)
        });
        script.change("forgetting admissions", None, &PRUNE_ADMISSIONS, |params| {
            params.bind("sale", sale).bind("over", over).bind("from", at - span(FORGOTTEN_AFTER))
        });
    }
    if let Some(Sample { at, admitted, departed, waiting, resumed }) = effects.sample {
        script.change("sampling the pace", None, &ADD_SAMPLE, |params| {
            let params = params.bind("sale", sale).bind("at", at).bind("admitted", admitted).bind("departed", departed);
            params.bind("waiting", waiting).bind("resumed", resumed)
        });
        let window = span(PACE_WINDOW);
        script.change("forgetting samples", None, &PRUNE_SAMPLES, |params| {
            params.bind("sale", sale).bind("from", now - window).bind("until", now + window)
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
