//! Who ended a hold that was neither paid nor left to lapse. Nothing records it beside the acts that did it, so it is looked up
//! among them, by their moment: an act and what it ends have the same one.

use std::collections::HashMap;

use sqlx::{MySqlPool, Row as _};

use crate::id::{ReservationId, UserId};
use crate::queue::EndedReason;
use crate::sql::{fetch_all, statements};

statements! {
    ENDINGS {
        "select r.id, coalesce(r.last_updated_at >= c.cancelled_at, 0) as called_off, \
         (select max(t.ended_reason) from tokens t force index (tokens_user_live) where t.user_id = r.user_id \
         and t.sale_id = r.sale_id and t.last_updated_at = r.last_updated_at) as turn_ended, \
         exists (select 1 from operator_log l force index (operator_log_subject) where l.subject = 'reservation' \
         and l.subject_id = r.id and l.logged_at = r.last_updated_at and l.act = 'CANCEL') \
         or exists (select 1 from operator_log l force index (operator_log_subject) where l.subject = 'order' \
         and l.subject_id = coalesce(r.order_id, r.id) and l.logged_at = r.last_updated_at and l.act = 'CANCEL') as by_operator \
         from reservations r force index (primary) straight_join concerts c force index (primary) on c.id = r.concert_id \
         where r.id in ({ids}) and r.user_id = {user} and r.status = 'CANCELLED'"
    }
}

/// Who ended a hold that is CANCELLED. What says more of an order of several seats is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HoldEnding {
    /// Its user gave it back.
    GivenBack,
    /// Its user gave the turn up, and the hold with it.
    TurnGivenUp,
    /// An operator ended it, or the turn that it was held in.
    Operator,
    /// The concert was called off.
    ConcertCalledOff,
}

/// Of those among a user's reservations that are CANCELLED, who ended them.
pub(crate) async fn endings(
    pool: &MySqlPool,
    user: UserId,
    ids: &[ReservationId],
) -> Result<HashMap<ReservationId, HoldEnding>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = fetch_all(pool, &ENDINGS, |params| params.list("ids", ids.iter().copied()).bind("user", user)).await?;
    let ending = |row: &sqlx::mysql::MySqlRow| {
        let turn = row.try_get::<Option<&str>, _>("turn_ended")?.map(EndedReason::from_column).transpose()?;
        Ok((
            row.try_get("id")?,
            match (row.try_get("called_off")?, row.try_get("by_operator")?, turn) {
                (true, _, _) => HoldEnding::ConcertCalledOff,
                (_, true, _) | (_, _, Some(EndedReason::Operator)) => HoldEnding::Operator,
                (_, _, Some(EndedReason::Left)) => HoldEnding::TurnGivenUp,
                (_, _, Some(EndedReason::Lapsed | EndedReason::NoShow) | None) => HoldEnding::GivenBack,
            },
        ))
    };
    rows.iter().map(ending).collect()
}
