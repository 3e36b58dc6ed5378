//! Who of the WAITING was seen by any process: what the processes tell each other, one row each, every few seconds.
//!
//! It is advice about the order in which people are let in. Whatever it says, the cap, the limit per minute and the
//! states of tokens are decided under the gate's lock.

use std::time::Duration;

use roaring::RoaringTreemap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use crate::clock::{Timestamp, span};
use crate::id::SaleId;
use crate::sql::{Bytes, execute, fetch_all, fetch_one, statements};

/// How long a row counts after it was written: the process may have ended, and its users come back to others.
pub(super) const ROW_COUNTS_FOR: Duration = Duration::from_secs(60);
/// How long a process looks at least before it says that somebody is gone who had joined before: after a restart,
/// clients come back when they try again.
pub(super) const SHORTEST_GRACE: Duration = Duration::from_secs(60);
/// Rows older than this are deleted.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// The longest list of tickets that a row takes. A million tickets take 125 kB at most; what is past the limit is the
/// back of the queue.
const LONGEST_LIST: usize = 1 << 20;

statements! {
    WRITE {
        "replace into queue_seen (sale_id, process, seen_at, since, watched_from, known_to, polled, tickets) \
         values ({sale}, {process}, {seen_at}, {since}, {watched_from}, {known_to}, {polled}, {tickets})"
    }
    READ {
        "select since, watched_from, known_to, polled, tickets from queue_seen \
         where sale_id = {sale} and seen_at > {from} and seen_at < {until} and process <> {process}"
    }
    FORGET { "delete from queue_seen where seen_at < {from}" }
    COUNT_NEWER { "select count(*) as waiting from tokens force index (tokens_status_ticket) \
         where sale_id = {sale} and status = 'WAITING' and ticket >= {ticket}" }
}

/// What a process tells the others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeenRow {
    /// When the process began to look.
    pub(super) since: Timestamp,
    /// Tickets before this one had joined before that.
    pub(super) watched_from: u64,
    /// Tickets from this one on may have joined after the row was written.
    pub(super) known_to: u64,
    /// Whether any of the tickets polled or is followed.
    pub(super) polled: bool,
    /// The WAITING that it has seen lately.
    pub(super) tickets: RoaringTreemap,
}

/// What all processes together know.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeenByAny {
    pub(super) tickets: RoaringTreemap,
    /// Whether any of them polled or is followed. Where nobody polls, nothing can be told from that.
    pub(super) polled: bool,
    /// Tickets before this one count as seen: no process has looked long enough to say that they are gone.
    pub(super) counted_to: u64,
    /// Tickets from this one on count as seen: they have just joined.
    pub(super) counted_from: u64,
}

impl SeenByAny {
    /// `rows` are those of all processes. `grace`: how long a process looks before it says that somebody is gone who
    /// joined before it looked.
    pub(super) fn of(rows: impl IntoIterator<Item = SeenRow>, grace: Duration, now: Timestamp) -> Self {
        let (mut tickets, mut polled, mut counted_from) = (RoaringTreemap::new(), false, u64::MAX);
        // The process that has looked for the longest time.
        let mut first: Option<(Timestamp, u64)> = None;
        for row in rows {
            tickets |= row.tickets;
            polled |= row.polled;
            counted_from = counted_from.min(row.known_to);
            let looking = (row.since, row.watched_from);
            first = Some(first.map_or(looking, |first| first.min(looking)));
        }
        let counted_to = match first {
            Some((since, _)) if since + span(grace) <= now => 0,
            // It has seen everybody join: tickets begin with 1.
            Some((_, ..=1)) => 0,
            Some((_, watched_from)) => watched_from,
            None => u64::MAX,
        };
        Self { tickets, polled, counted_to, counted_from }
    }

    /// Those of `waiting` who count as seen.
    pub(super) fn among(self, waiting: &RoaringTreemap) -> RoaringTreemap {
        let Self { mut tickets, counted_to, counted_from, .. } = self;
        tickets &= waiting;
        let mut newer = waiting.iter();
        newer.advance_to(counted_from);
        tickets.extend(newer);
        tickets.extend(waiting.iter().take_while(|ticket| *ticket < counted_to));
        tickets
    }
}

/// Whether a waiting ticket counts as seen, from what the processes tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attendance {
    pub(crate) is_seen: bool,
    /// Its rank among those who count as seen.
    pub(crate) rank: u64,
}

impl Attendance {
    pub(crate) async fn read(
        pool: &MySqlPool,
        sale: SaleId,
        ticket: u64,
        position: u64,
        now: Timestamp,
    ) -> Result<Self, sqlx::Error> {
        let any = SeenByAny::of(read(pool, sale, Uuid::nil(), now).await?, SHORTEST_GRACE, now);
        if !any.polled || any.counted_to > 0 {
            return Ok(Self { is_seen: true, rank: position });
        }
        let is_seen = ticket >= any.counted_from || any.tickets.contains(ticket);
        // Tickets are dense, so at most so many have joined since.
        let newer = (ticket + 1).saturating_sub(any.counted_from);
        let rank = any.tickets.rank(ticket) + newer + u64::from(!is_seen);
        Ok(Self { is_seen, rank: rank.min(position) })
    }
}

/// Tells the others. `tickets` beyond the longest list are left out, from the back.
pub(super) async fn write(
    pool: &MySqlPool,
    sale: SaleId,
    process: Uuid,
    row: &SeenRow,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let list = encode(row.tickets.clone());
    let written = execute(pool, &WRITE, |params| {
        let params = params.bind("sale", sale).bind("process", process).bind("seen_at", now).bind("since", row.since);
        let params = params.bind("watched_from", row.watched_from).bind("known_to", row.known_to);
        params.bind("polled", row.polled).bind("tickets", Bytes(&list))
    });
    written.await.map(drop)
}

/// What the processes other than `process` have told lately.
pub(super) async fn read(
    pool: &MySqlPool,
    sale: SaleId,
    process: Uuid,
    now: Timestamp,
) -> Result<Vec<SeenRow>, sqlx::Error> {
    let lately = span(ROW_COUNTS_FOR);
    let rows = fetch_all(pool, &READ, |params| {
        params.bind("sale", sale).bind("from", now - lately).bind("until", now + lately).bind("process", process)
    });
    rows.await?.iter().map(read_row).collect()
}

/// Deletes the rows of processes that ended long ago.
pub(super) async fn forget(pool: &MySqlPool, now: Timestamp) -> Result<(), sqlx::Error> {
    execute(pool, &FORGET, |params| params.bind("from", now - span(FORGOTTEN_AFTER))).await.map(drop)
}

/// How many of `waiting` count as seen, for a process that knows no tickets itself. A few may have been let in since.
pub(super) async fn count(
    pool: &MySqlPool,
    sale: SaleId,
    waiting: u64,
    grace: Duration,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let rows = read(pool, sale, Uuid::nil(), now).await?;
    let seen = SeenByAny::of(rows, grace, now);
    if seen.counted_to > 0 {
        return Ok(waiting);
    }
    let newer =
        fetch_one(pool, &COUNT_NEWER, |params| params.bind("sale", sale).bind("ticket", seen.counted_from)).await?;
    let newer = newer.try_get::<i64, _>("waiting")?.max(0) as u64;
    let older = seen.tickets.range_cardinality(..seen.counted_from);
    Ok((older + newer).min(waiting))
}

fn read_row(row: &MySqlRow) -> Result<SeenRow, sqlx::Error> {
    let tickets = RoaringTreemap::deserialize_from(row.try_get::<&[u8], _>("tickets")?);
    Ok(SeenRow {
        since: row.try_get("since")?,
        watched_from: row.try_get("watched_from")?,
        known_to: row.try_get("known_to")?,
        polled: row.try_get("polled")?,
        tickets: tickets.map_err(|error| sqlx::Error::Decode(error.into()))?,
    })
}

fn encode(mut tickets: RoaringTreemap) -> Vec<u8> {
    while tickets.serialized_size() > LONGEST_LIST {
        // Halved until it fits: the front stays, and a few steps are enough.
        let middle = tickets.select(tickets.len() / 2).unwrap_or_default();
        tickets.remove_range(middle..);
    }
    let mut list = Vec::with_capacity(tickets.serialized_size());
    // Into memory: it cannot fail.
    let _ = tickets.serialize_into(&mut list);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_timestamp(1_803_902_400, 0).expect("in range") + span(Duration::from_secs(seconds))
    }

    fn row(since: u64, watched_from: u64, known_to: u64, tickets: &[u64]) -> SeenRow {
        let tickets = tickets.iter().copied().collect();
        SeenRow { since: at(since), watched_from, known_to, polled: false, tickets }
    }

    fn counted(rows: Vec<SeenRow>, waiting: std::ops::Range<u64>, now: u64) -> Vec<u64> {
        let seen = SeenByAny::of(rows, Duration::from_secs(60), at(now));
        seen.among(&waiting.collect()).iter().collect()
    }

    #[test]
    fn whoever_any_process_has_seen_and_whoever_has_just_joined_counts() {
        let rows = vec![row(0, 1, 10, &[2, 4, 30]), row(50, 8, 12, &[2, 7])];
        assert_eq!(counted(rows, 1..14, 100), [2, 4, 7, 10, 11, 12, 13]);
    }

    #[test]
    fn a_process_that_has_just_started_says_of_nobody_that_he_is_gone_who_was_there_before() {
        assert_eq!(counted(vec![row(50, 8, 20, &[9])], 5..12, 100), [5, 6, 7, 9]);
        assert_eq!(counted(vec![row(50, 8, 20, &[9])], 5..12, 110), [9]);
        let with_an_older_one = vec![row(50, 8, 20, &[9]), row(0, 3, 20, &[])];
        assert_eq!(counted(with_an_older_one, 5..12, 100), [9]);
        assert_eq!(counted(Vec::new(), 5..8, 1_000), [5, 6, 7], "nobody has looked");
        let from_the_beginning = SeenByAny::of([row(50, 1, 20, &[9])], Duration::from_secs(60), at(60));
        assert_eq!(from_the_beginning.counted_to, 0, "it saw everybody join");
    }

    #[test]
    fn a_list_is_bounded_and_keeps_the_front() {
        // Every second ticket is the worst case.
        let many: RoaringTreemap = (0..8_000_000).map(|ticket| 2 * ticket).collect();
        let list = encode(many.clone());
        assert!(list.len() <= LONGEST_LIST, "{}", list.len());
        let read = RoaringTreemap::deserialize_from(&list[..]).expect("reads");
        assert!(read.len() > 2_000_000 && read.iter().eq(many.iter().take(read.len() as usize)), "{}", read.len());
        let million: RoaringTreemap = (0..1_000_000).map(|ticket| 2 * ticket).collect();
        assert!(encode(million).len() < 300_000);
    }
}
