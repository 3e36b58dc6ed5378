//! How reservations got other owners and other seats: what a support desk is asked about first, since the buyer
//! remembers another seat, or another name.

use hashbrown::{HashMap, HashSet};
use serde_json::Value;
use sqlx::MySqlPool;

use super::store::ReservationRow;
use super::{Event, EventKind};
use crate::after_sale::{GivenAway, TicketMove, moves_of};
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, UserId};
use crate::operator::{LogEntry, swaps_of};

/// The most swaps of the concerts concerned that are looked through, the newest.
const MOST_SWAPS: u32 = 1_000;

/// What a row of a reservation does not say of it: its row has the owner and the seat that it has now.
#[derive(Debug, Default)]
pub(super) struct Passing {
    /// In order.
    moves: Vec<TicketMove>,
    swaps: Vec<SwapRow>,
}

#[derive(Debug)]
struct SwapRow {
    at: Timestamp,
    from: i64,
    to: i64,
    by: String,
    reason: Option<String>,
}

impl Passing {
    /// Who bought it, if that is not the owner now.
    pub(super) fn first_owner(&self) -> Option<UserId> {
        self.moves.first().map(|first| first.from)
    }

    pub(super) fn events(&self) -> Vec<Event> {
        let moves = self.moves.iter().map(|change| moved(change, ""));
        let swaps = self.swaps.iter().map(|SwapRow { at, from, to, by, reason }| {
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            Event::new(*at, EventKind::Swapped, format!("from seat {from} to seat {to}, by {by}{reason}"))
        });
        moves.chain(swaps).collect()
    }
}

/// A ticket that its owner gave to another.
pub(super) fn given_away(gone: &GivenAway) -> Event {
    moved(&gone.change, &format!("; seat {} of {}, reservation {}", gone.seat, gone.concert_name, gone.change.ticket))
}

fn moved(TicketMove { from, to, moved_at, moved_by, reason, .. }: &TicketMove, about: &str) -> Event {
    Event::new(*moved_at, EventKind::Moved, format!("from user {from} to user {to}, by {moved_by}: {reason}{about}"))
}

/// Reads it for some reservations, in two queries.
pub(super) async fn of(
    pool: &MySqlPool,
    rows: &[ReservationRow],
) -> Result<HashMap<ReservationId, Passing>, sqlx::Error> {
    let mut found: HashMap<ReservationId, Passing> = HashMap::new();
    // Only what is paid is a ticket.
    let tickets = rows.iter().filter(|row| row.payment.is_some()).map(|row| row.reservation.id).collect();
    for change in moves_of(pool, tickets).await? {
        found.entry(change.ticket).or_default().moves.push(change);
    }
    let concerts: HashSet<ConcertId> = rows.iter().map(|row| row.reservation.concert).collect();
    if concerts.is_empty() {
        return Ok(found);
    }
    let wanted: HashSet<ReservationId> = rows.iter().map(|row| row.reservation.id).collect();
    // Swaps are not in rows of their own, only in the log. It is read newest first and told oldest first.
    for entry in swaps_of(pool, &concerts.into_iter().collect::<Vec<_>>(), MOST_SWAPS).await?.iter().rev() {
        for (id, swap) in swapped(entry).filter(|(id, _)| wanted.contains(id)) {
            found.entry(id).or_default().swaps.push(swap);
        }
    }
    Ok(found)
}

/// The reservations that a swap moved: one or two.
fn swapped(entry: &LogEntry) -> impl Iterator<Item = (ReservationId, SwapRow)> {
    moved_seats(entry).map(|(id, from, to)| {
        let reason = entry.after.as_ref().and_then(|after| after.get("reason")).and_then(Value::as_str);
        (id, SwapRow { at: entry.at, from, to, by: entry.by.clone(), reason: reason.map(str::to_owned) })
    })
}

/// Of a swap: each reservation, the seat that it had and the one that it got.
pub(super) fn moved_seats(entry: &LogEntry) -> impl Iterator<Item = (ReservationId, i64, i64)> {
    let moved = entry.after.as_ref().and_then(|after| after.get("moved")).and_then(Value::as_array);
    moved.into_iter().flatten().filter_map(|one| {
        let id = one.get("reservationId")?.as_str()?.parse().ok()?;
        Some((id, one.get("from")?.as_i64()?, one.get("to")?.as_i64()?))
    })
}
