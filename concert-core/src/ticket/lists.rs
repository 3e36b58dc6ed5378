//! Who is in, and which tickets count no more: lists for the doors.

use chrono::TimeDelta;
use serde::Serialize;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::check_in::CheckIn;
use super::store::{check_in_columns, read_check_in};
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, ReservationId};
use crate::page::{Page, Paged};
use crate::sql::{fetch_all, fetch_optional, statements};
use crate::void_reason::VoidReason;

macro_rules! check_ins {
    ($index:literal, $which:literal) => {
        concat!(
            "select ", check_in_columns!(), ", r.seat_number, s.section, s.seat_row from check_ins k force index (", $index, ") \
             straight_join reservations r force index (primary) on r.id = k.ticket_id \
             left join seats s force index (primary) on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
             where ", $which
        )
    };
}

macro_rules! void_tickets {
    ($which:literal) => {
        concat!(
            "select ticket_id, version, reason, voided_at from void_tickets force index (primary) \
             where concert_id = {concert} and ",
            $which,
            " order by voided_at, ticket_id, version limit {limit}"
        )
    };
}

statements! {
    NEWEST {
        check_ins!("check_ins_concert",
            "k.concert_id = {concert} order by k.recorded_at desc, k.ticket_id desc limit {limit}")
    }
    OLDER {
        check_ins!("check_ins_concert",
            "k.concert_id = {concert} and (k.recorded_at < {at} or (k.recorded_at = {at} and k.ticket_id < {id})) \
             order by k.recorded_at desc, k.ticket_id desc limit {limit}")
    }
    PAGE_START {
        "select recorded_at from check_ins force index (primary) where ticket_id = {id} and concert_id = {concert}"
    }
    ONE { check_ins!("primary", "k.ticket_id = {id}") }
    VOID { void_tickets!("voided_at >= {since}") }
    OF_MOMENT { void_tickets!("voided_at = {at}") }
    STATUS { "select status from concerts force index (primary) where id = {concert}" }
}

/// How long after its moment a refund or a move may still be committed, with a margin: scripts commit within seconds or
/// not at all, and clocks of servers differ by a little.
const STILL_COMING: TimeDelta = TimeDelta::seconds(15);
/// The most tickets of one page, which it has by default.
const MOST_VOID: u32 = 1_000;
/// The most tickets of one moment: more than one transaction voids.
const MOST_OF_MOMENT: u32 = 100_000;

/// A ticket that counts no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VoidTicket {
    /// The ticket.
    #[serde(rename = "ticketId")]
    pub ticket: ReservationId,
    /// The newest version that is void: it and all before it.
    pub version: u32,
    /// Why.
    pub reason: VoidReason,
    /// Since when.
    pub voided_at: Timestamp,
}

/// Tickets of a concert that count no more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VoidTickets {
    /// The concert's status. Where it was called off, no ticket counts, whether or not it is in a list.
    pub status: ConcertStatus,
    /// In the order in which they became void; a ticket may be there several times.
    pub tickets: Vec<VoidTicket>,
    /// Whether more follow at once, after `next_since`.
    pub has_more: bool,
    /// What to ask for the next time. Some tickets may then come a second time; none is left out.
    pub next_since: Timestamp,
}

/// A page of the check-ins of a concert, newest first; `None`: the page starts after something that is none of it.
pub(crate) async fn check_ins(
    pool: &MySqlPool,
    concert: ConcertId,
    page: &Page<ReservationId>,
) -> Result<Option<Paged<CheckIn>>, sqlx::Error> {
    let rows = match page.starting_after() {
        None => fetch_all(pool, &NEWEST, |params| params.bind("concert", concert).bind("limit", page.rows())).await?,
        Some(last) => {
            let start = fetch_optional(pool, &PAGE_START, |params| params.bind("id", last).bind("concert", concert));
            let Some(start) = start.await? else { return Ok(None) };
            let at: Timestamp = start.try_get("recorded_at")?;
            let older = fetch_all(pool, &OLDER, |params| {
                let params = params.bind("concert", concert).bind("at", at).bind("at", at);
                params.bind("id", last).bind("limit", page.rows())
            });
            older.await?
        }
    };
    Ok(Some(page.of(rows.iter().map(read).collect::<Result<_, _>>()?)))
}

/// The check-in of a ticket; `None`: it was not checked in.
pub(crate) async fn check_in_of(pool: &MySqlPool, ticket: ReservationId) -> Result<Option<CheckIn>, sqlx::Error> {
    fetch_optional(pool, &ONE, |params| params.bind("id", ticket)).await?.as_ref().map(read).transpose()
}

fn read(row: &MySqlRow) -> Result<CheckIn, sqlx::Error> {
    read_check_in(row, (row.try_get("seat_number")?, row.try_get("section")?, row.try_get("seat_row")?))
}

/// The status of a concert; `None`: there is no such concert.
pub(crate) async fn concert_status(pool: &MySqlPool, concert: ConcertId) -> Result<Option<ConcertStatus>, sqlx::Error> {
    let row = fetch_optional(pool, &STATUS, |params| params.bind("concert", concert)).await?;
    row.map(|row| ConcertStatus::from_column(row.try_get("status")?)).transpose()
}

/// The tickets of a concert that became void since a moment, about `limit` of them: those of one moment are all on one
/// page. `None`: there is no such concert.
pub(crate) async fn void_tickets(
    pool: &MySqlPool,
    concert: ConcertId,
    since: Timestamp,
    limit: Option<u32>,
    now: Timestamp,
) -> Result<Option<VoidTickets>, sqlx::Error> {
    let Some(status) = concert_status(pool, concert).await? else { return Ok(None) };
    let limit = limit.unwrap_or(MOST_VOID).clamp(1, MOST_VOID) as usize;
    let read = |row: &MySqlRow| {
        Ok(VoidTicket {
            ticket: row.try_get("ticket_id")?,
            version: row.try_get("version")?,
            reason: VoidReason::from_column(row.try_get("reason")?)?,
            voided_at: row.try_get("voided_at")?,
        })
    };
    let rows =
        // One more than are shown, to know whether there are others.
        fetch_all(pool, &VOID, |params| params.bind("concert", concert).bind("since", since).bind("limit", limit + 1));
    let mut tickets = rows.await?.iter().map(read).collect::<Result<Vec<VoidTicket>, sqlx::Error>>()?;
    let has_more = tickets.len() > limit;
    // What became void until then is all there.
    let after = tickets.last().map_or(since, |last| last.voided_at + TimeDelta::microseconds(1));
    // A transaction may commit a moment that is past already. So the last seconds are always asked for again.
    let mut next_since = after.min(now - STILL_COMING);
    if let Some(cut) = tickets.get(limit).map(|after| after.voided_at) {
        let moment = tickets[limit - 1].voided_at;
        tickets.truncate(limit);
        next_since = cut;
        // The page would end within a moment, and the next one would begin behind it: so all of that moment are shown.
        if moment == cut {
            tickets.retain(|ticket| ticket.voided_at < moment);
            let rows = fetch_all(pool, &OF_MOMENT, |params| {
                params.bind("concert", concert).bind("at", moment).bind("limit", MOST_OF_MOMENT)
            });
            tickets.extend(rows.await?.iter().map(read).collect::<Result<Vec<_>, sqlx::Error>>()?);
            next_since = moment + TimeDelta::microseconds(1);
        }
    }
    Ok(Some(VoidTickets { status, tickets, has_more, next_since }))
}
