//! Two seats change places: whoever has one of them, held or sold, has the other from then on.
//!
//! Nothing else changes: who has them, what was or is to be paid, and until when they are held. A seat that nobody has
//! may be one of the two; then the holder of the other moves there, and the seat that was left is free.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};
use uuid::Uuid;

use crate::batch::{Attempt, Batch, Decision};
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::db::Failure;
use crate::error::Error;
use crate::fact::Unread;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::operator::{
    Act, ActSubject, Done, DoneBefore, LogEntry, Reason, Signature, read_done, select_done, write_log,
};
use crate::queue::lock_live_tokens;
use crate::reservation::{
    GivenBack, Known, OrderRef, Seat, SeatChanges, SeatKey, lock_seats, read_reservations, read_seats,
    select_reservations,
};
use crate::sql::{Script, statements};

statements! {
    CONCERT { "select status from concerts where id = {concert}" }
    OWNERS {
        "select reserved_by from seats force index (primary) where concert_id = {concert} and seat_number in ({seats}) \
         and reserved_by is not null"
    }
    /// A seat has one live reservation, after each statement: the first of two is moved out of the way before.
    MOVE {
        "update reservations force index (primary) set seat_number = {to}, last_updated_at = {now} \
         where {guard}seat_number = {before} and status in ('HELD', 'CONFIRMED') and id = {reservation}"
    }
    PASS {
        "update seats force index (primary) set is_reserved = {taken}, reserved_by = {user}, reserved_until = {until}, \
         reservation_id = {reservation} where {guard}reservation_id <=> {before} and blocked_reason is null \
         and concert_id = {concert} and seat_number = {seat}"
    }
}

/// What a swap has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SeatsSwapped {
    /// The concert.
    #[serde(rename = "concertId")]
    pub concert: ConcertId,
    /// One reservation or two.
    pub moved: Vec<MovedSeat>,
    /// Whether this is what would be moved, and nothing was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A reservation that has another seat than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MovedSeat {
    /// The reservation.
    #[serde(rename = "reservationId")]
    pub reservation: ReservationId,
    /// Whose it is.
    #[serde(rename = "userId")]
    pub user: UserId,
    /// The seat that it had.
    pub from: SeatNumber,
    /// The seat that it has.
    pub to: SeatNumber,
}

/// What the log keeps of a swap's answer.
#[derive(Deserialize)]
struct LoggedSwap {
    moved: Vec<LoggedMove>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoggedMove {
    reservation_id: ReservationId,
    user_id: UserId,
    from: i32,
    to: i32,
}

/// The lane's one command.
#[derive(Debug)]
pub(crate) struct SwapSeats {
    /// Whether it only says what it would move.
    pub(crate) dry_run: bool,
    pub(crate) concert: ConcertId,
    pub(crate) seats: [SeatNumber; 2],
    pub(crate) reason: Option<Reason>,
    pub(crate) by: Signature,
}

impl SwapSeats {
    fn keys(&self) -> [SeatKey; 2] {
        self.seats.map(|seat| SeatKey { concert: self.concert, seat })
    }
}

/// The lane's batch. It has one command at a time.
pub(crate) struct SwapBatch {
    pub(crate) changes: Arc<SeatChanges>,
}

/// The rows that a command concerns.
pub(crate) struct Rows {
    /// `None`: there is no such concert.
    status: Option<ConcertStatus>,
    seats: [Option<Seat>; 2],
    reservations: Known,
    done: DoneBefore,
}

#[derive(Default)]
pub(crate) struct Effects {
    released: GivenBack,
    passed: Vec<PassedSeat>,
    moved: Vec<MovedSeat>,
    log: Vec<LogEntry>,
}

/// A seat, and who has it from now on.
struct PassedSeat {
    key: SeatKey,
    before: Option<ReservationId>,
    /// The reservation, its user, and its deadline if it is a hold.
    after: Option<(ReservationId, UserId, Option<Timestamp>)>,
}

impl Batch for SwapBatch {
    const NAME: &'static str = "swap";
    type Command = SwapSeats;
    type Answer = SeatsSwapped;
    type Rows = Vec<Rows>;
    type Effects = Effects;

    fn key(command: &SwapSeats) -> Uuid {
        command.concert.as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[SwapSeats],
        attempt: &Attempt,
    ) -> Result<Vec<Rows>, Failure> {
        let mut rows = Vec::with_capacity(commands.len());
        for command in commands {
            rows.push(lock(connection, command, attempt).await?);
        }
        Ok(rows)
    }

    fn decide(&self, rows: Vec<Rows>, commands: &[SwapSeats], attempt: &Attempt) -> Decision<Self> {
        let mut effects = Effects::default();
        let answers = rows.into_iter().zip(commands);
        let answers = answers.map(|(rows, command)| {
            if !command.dry_run {
                return swap(rows, &mut effects, command, attempt.now);
            }
            // The same rules over the same locked rows.
            let would = swap(rows, &mut Effects::default(), command, attempt.now)?;
            Ok(SeatsSwapped { dry_run: true, ..would })
        });
        let answers = answers.collect();
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &Effects, attempt: &Attempt) {
        write(script, effects, attempt.now);
    }

    fn committed(&self, effects: Effects) {
        effects.released.note(&self.changes);
        effects.passed.iter().for_each(|seat| self.changes.note(seat.key.concert));
    }
}

/// Locks, in this order: the tokens of those who have the seats, the seats. So none of them holds, pays, gives back or
/// leaves meanwhile, over rows that were read before the swap.
async fn lock(connection: &mut MySqlConnection, command: &SwapSeats, attempt: &Attempt) -> Result<Rows, Failure> {
    let concert = command.concert;
    let mut script = Script::default();
    let found = script.select(&CONCERT, |params| params.bind("concert", concert));
    let owners = script.select(&OWNERS, |params| params.bind("concert", concert).list("seats", command.seats));
    let done = select_done(&mut script, std::iter::once(&command.by), attempt);
    let looked = script.run(connection).await?;
    let status = |row: &MySqlRow| ConcertStatus::from_column(row.try_get("status")?);
    let status = looked.rows(&found).next().map(status).transpose()?;
    let owner = |row: &MySqlRow| row.try_get("reserved_by");
    let owners: Vec<UserId> = looked.rows(&owners).map(owner).collect::<Result<_, sqlx::Error>>()?;

    let mut script = Script::default();
    // Tokens before seats, as holds and payments lock them, so that no two transactions wait for each other.
    lock_live_tokens(&mut script, owners.clone());
    let seats = lock_seats(&mut script, command.keys().into_iter());
    let mut seats = read_seats(&script.run(connection).await?, &seats)?;

    let seats = command.keys().map(|key| seats.remove(&key));
    let holders = seats.iter().flatten().filter_map(|seat| seat.holder().ok().flatten());
    let mut script = Script::default();
    let reservations = select_reservations(&mut script, holders.map(OrderRef::Reservation).collect());
    let reservations = read_reservations(&script.run(connection).await?, &reservations)?;
    if reservations.values().any(|one| !owners.contains(&one.user)) {
        // Somebody has taken one of them since the look: look again.
        return Err(Failure::Guard { act: "locking the seats to swap" });
    }
    Ok(Rows { status, seats, reservations, done: read_done(&looked, &done)? })
}

/// Refuses in this order: key reused, no such concert, no such seat, concert called off, a seat that is not on sale,
/// nobody has either of them.
fn swap(rows: Rows, effects: &mut Effects, command: &SwapSeats, now: Timestamp) -> Result<SeatsSwapped, Error> {
    if let Some(done) = rows.done.find(&command.by)? {
        return done_before(command, done);
    }
    let status = rows.status.ok_or(Error::ConcertNotFound)?;
    let (keys, mut found) = (command.keys(), Vec::with_capacity(2));
    for (key, seat) in keys.iter().zip(rows.seats) {
        found.push(seat.ok_or(Error::SeatNotFound { seat: key.seat })?);
    }
    if status == ConcertStatus::Cancelled {
        return Err(Error::ConcertCancelled);
    }
    let blocked: Vec<_> =
        keys.iter().zip(&found).filter(|(_, seat)| seat.is_blocked()).map(|(key, _)| key.seat).collect();
    if !blocked.is_empty() {
        return Err(Error::SeatBlocked { seats: blocked });
    }
    let mut holders = Vec::with_capacity(2);
    for (key, seat) in keys.iter().zip(&mut found) {
        let holder = match seat.holder()? {
            Some(id) if !seat.is_free(now) => Some((rows.reservations.get(&id).ok_or(Unread)?, seat.held_until()?)),
            // Nobody's, or a hold that lapsed.
            _ => {
                effects.released.release_lapsed(*key, seat)?;
                None
            }
        };
        holders.push(holder.map(|(held, until)| (held.id, held.user, until)));
    }
    let moved = |from: usize, to: usize| {
        holders[from].map(|(reservation, user, _)| MovedSeat {
            reservation,
            user,
            from: keys[from].seat,
            to: keys[to].seat,
        })
    };
    let moved: Vec<_> = [moved(0, 1), moved(1, 0)].into_iter().flatten().collect();
    if moved.is_empty() {
        return Err(Error::SeatsNotReserved);
    }
    for (at, key) in keys.into_iter().enumerate() {
        let before = holders[at].map(|(id, ..)| id);
        effects.passed.push(PassedSeat { key, before, after: holders[1 - at] });
    }
    effects.moved.extend_from_slice(&moved);
    let seats = command.seats.iter().copied().collect::<crate::seat_ranges::SeatRanges>().to_string();
    let after = json!({"seats": seats, "moved": moved, "reason": command.reason});
    effects.log.push(command.by.entry(Act::SeatSwap, ActSubject::Concert(command.concert), now).with_after(after));
    Ok(SeatsSwapped { concert: command.concert, moved, dry_run: false })
}

/// The first answer to a command that is repeated, whoever has the seats by now.
fn done_before(command: &SwapSeats, done: &Done) -> Result<SeatsSwapped, Error> {
    let logged: LoggedSwap = done.read()?;
    let moved = logged.moved.into_iter().map(|one| MovedSeat {
        reservation: one.reservation_id,
        user: one.user_id,
        from: SeatNumber::known(one.from),
        to: SeatNumber::known(one.to),
    });
    Ok(SeatsSwapped { concert: command.concert, moved: moved.collect(), dry_run: false })
}

fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    // Lapsed holds give their seats back before others take them.
    effects.released.write(script, now);
    let go = |script: &mut Script, one: &MovedSeat, from: i32, to: i32| {
        script.change("moving a reservation", Some(1), &MOVE, |params| {
            params.bind("to", to).bind("now", now).bind("before", from).bind("reservation", one.reservation)
        });
    };
    match effects.moved.as_slice() {
        [first, second] => {
            // No seat has a number below 1.
            go(script, first, first.from.get(), -first.from.get());
            go(script, second, second.from.get(), second.to.get());
            go(script, first, -first.from.get(), first.to.get());
        }
        moved => moved.iter().for_each(|one| go(script, one, one.from.get(), one.to.get())),
    }
    for PassedSeat { key, before, after } in &effects.passed {
        script.change("passing a seat", Some(1), &PASS, |params| {
            let params = params.bind("taken", i32::from(after.is_some())).bind("user", after.map(|(_, user, _)| user));
            let params = params.bind("until", after.and_then(|(_, _, until)| until));
            let params = params.bind("reservation", after.map(|(id, ..)| id)).bind("before", *before);
            params.bind("concert", key.concert).bind("seat", key.seat)
        });
    }
    write_log(script, &effects.log);
}
