//! The rules of the door, over rows that are locked.

use chrono::TimeDelta;
use hashbrown::HashMap;
use serde_json::json;
use uuid::Uuid;

use super::check_in::{CheckIn, CheckInTicket};
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::id::{ConcertId, LogEntryId, ReservationId, SeatNumber, TicketKeyId};
use crate::operator::{Act, ActSubject, LogEntry};
use crate::reservation::ReservationStatus;
use crate::void_reason::VoidReason;

/// How long ago a gate without the network may have let somebody in: an evening, and the morning after.
const LONGEST_OFFLINE: TimeDelta = TimeDelta::hours(24);
/// How far a gate's clock may be ahead.
const MOST_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A seat that was sold.
#[derive(Debug, Clone)]
pub(crate) struct Sold {
    pub(crate) concert: ConcertId,
    pub(crate) seat: SeatNumber,
    pub(crate) section: Option<String>,
    pub(crate) row: Option<String>,
    pub(crate) status: ReservationStatus,
    /// How many owners it has had.
    pub(crate) version: u32,
}

/// The rows that a batch concerns.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) concerts: HashMap<ConcertId, ConcertStatus>,
    /// When each key was retired, if it was.
    pub(crate) keys: HashMap<TicketKeyId, Option<Timestamp>>,
    pub(crate) tickets: HashMap<ReservationId, Sold>,
    pub(crate) check_ins: HashMap<ReservationId, CheckIn>,
    /// What the entries are about that earlier requests with the same keys have made.
    pub(crate) entries: HashMap<LogEntryId, Option<Uuid>>,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) check_ins: Vec<CheckIn>,
    pub(crate) log: Vec<LogEntry>,
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[CheckInTicket],
    now: Timestamp,
) -> (Vec<Result<CheckIn, Error>>, Effects) {
    let mut effects = Effects::default();
    let answers = commands.iter().map(|command| check_in(&mut rows, &mut effects, command, now)).collect();
    (answers, effects)
}

/// Refuses in this order: no such concert, key of the request reused, ticket of another concert, no such ticket, its key
/// retired, void, checked in already, at an impossible time.
fn check_in(rows: &mut Rows, effects: &mut Effects, command: &CheckInTicket, now: Timestamp) -> Result<CheckIn, Error> {
    let (claims, ticket) = (&command.claims, command.claims.ticket);
    let concert = *rows.concerts.get(&command.concert).ok_or(Error::ConcertNotFound)?;
    // The entry id comes from the key. If it is the entry of another ticket, the key was used for that.
    if command.has_key && rows.entries.get(&command.by.entry_id()).is_some_and(|about| *about != Some(ticket.as_uuid()))
    {
        return Err(Error::IdempotencyKeyReused);
    }
    if claims.concert != command.concert {
        return Err(Error::TicketForOtherConcert { concert: claims.concert });
    }
    let sold = rows.tickets.get(&ticket).filter(|sold| sold.concert == claims.concert).ok_or(Error::TicketNotFound)?;
    let made = rows.check_ins.get(&ticket);
    // A repeated request gets its answer again, even if the ticket or its key was made void since.
    if let Some(made) = made.filter(|made| made.entry == command.by.entry_id()) {
        return if asks_for(command, made) { Ok(made.clone()) } else { Err(Error::IdempotencyKeyReused) };
    }
    // Before the state of the ticket: with a stolen key anybody can make a code of any ticket, so it counts for nothing.
    if let Some(retired_at) = *rows.keys.get(&claims.key).ok_or(Error::TicketKeyNotFound)? {
        return Err(Error::TicketKeyRetired { retired_at });
    }
    if let Some(reason) = void(sold, concert, claims.version)? {
        return Err(Error::TicketVoid { reason });
    }
    if let Some(made) = made {
        // A gate that got no answer delivers again what it has.
        let is_repeated = command.at.is_some() && asks_for(command, made);
        let refusal =
            || Error::AlreadyCheckedIn { checked_in_at: made.checked_in_at, gate: made.gate.as_str().to_owned() };
        return if is_repeated { Ok(made.clone()) } else { Err(refusal()) };
    }
    let made = CheckIn {
        ticket,
        concert: sold.concert,
        seat: sold.seat,
        section: sold.section.clone(),
        row: sold.row.clone(),
        version: claims.version,
        gate: command.gate.clone(),
        checked_in_at: time_at_gate(command.at, now)?,
        recorded_at: now,
        by: command.by.name().to_owned(),
        key: command.by.key(),
        entry: command.by.entry_id(),
    };
    let entry = command.by.entry(Act::CheckIn, ActSubject::Ticket(ticket), now);
    effects.log.push(entry.with_after(json!({
        "concertId": made.concert, "seatNumber": made.seat, "version": made.version, "gate": made.gate,
        "checkedInAt": made.checked_in_at,
    })));
    // The same ticket or key may come again in this batch, and must meet what this command did.
    rows.entries.insert(made.entry, Some(ticket.as_uuid()));
    rows.check_ins.insert(ticket, made.clone());
    effects.check_ins.push(made.clone());
    Ok(made)
}

/// Whether a check-in is what the command asks for.
fn asks_for(command: &CheckInTicket, made: &CheckIn) -> bool {
    made.gate == command.gate && command.at.is_none_or(|at| made.checked_in_at == at.min(made.recorded_at))
}

/// Why the version counts no more; `None`: it counts. A version that was never given out is no ticket.
fn void(sold: &Sold, concert: ConcertStatus, version: u32) -> Result<Option<VoidReason>, Error> {
    Ok(match sold.status {
        // Signed over an owner that it never had, as from a database that was restored since. It is not void but
        // unknown.
        ReservationStatus::Confirmed | ReservationStatus::Refunded if version > sold.version => {
            return Err(Error::TicketNotFound);
        }
        ReservationStatus::Confirmed | ReservationStatus::Refunded if concert == ConcertStatus::Cancelled => {
            Some(VoidReason::Cancelled)
        }
        ReservationStatus::Refunded => Some(VoidReason::Refunded),
        ReservationStatus::Confirmed if version < sold.version => Some(VoidReason::Moved),
        ReservationStatus::Confirmed => None,
        // It was never paid.
        ReservationStatus::Held | ReservationStatus::Expired | ReservationStatus::Cancelled => {
            return Err(Error::TicketNotFound);
        }
    })
}

fn time_at_gate(at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Error> {
    let Some(at) = at else { return Ok(now) };
    if at > now + MOST_AHEAD {
        return Err(Error::invalid("checkedInAt is in the future; look at the clock of this gate"));
    }
    if at < now - LONGEST_OFFLINE {
        return Err(Error::invalid("checkedInAt is more than 24 hours ago; check-ins are delivered within a day"));
    }
    // A gate's clock may run a little ahead. Nothing is recorded in the future.
    Ok(at.min(now))
}
