//! Locking what a batch of holds concerns.
//!
//! Which seats are best is known only once it is decided, and only what is decided on may be locked: a hall is too large.
//! So the rules run over rows that are only read, the seats that they would touch are locked, and if all of those are as
//! they were read, the rules come to the same once more. Those who seek the best seats of a concert have its row locked,
//! one batch after the other; so what is read is changed only by buyers of seats of their own choice, and hardly ever just
//! then.

use std::collections::{HashMap, HashSet};

use sqlx::MySqlConnection;

use super::decide::best_seats;
use super::rows::Rows;
use super::seat::{Halls, lock_halls, look_at_halls, look_at_seats};
use super::{
    Command, Dates, Reservation, Rules, Seat, SeatKey, Wanted, lock_holders, lock_seats, read_holders, read_seats,
    store,
};
use crate::batch::{Attempt, Failure};
use crate::id::ConcertId;
use crate::sql::Script;

/// How often seats are looked up and found changed before all seats of the halls are locked.
const MOST_LOOKS: usize = 4;

/// Locks, in this order: tokens, concerts whose best seats are sought, seats.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
    rules: Rules,
    dates: &Dates,
) -> Result<Rows, Failure> {
    let mut script = Script::default();
    let users = commands.iter().map(|command| command.caller().user).collect();
    let holders = lock_holders(&mut script, users, attempt.now, attempt.now);
    let known = store::select_known(&mut script, commands, attempt);
    let concerts = commands.iter().filter_map(|command| match command {
        Command::Hold { concert, .. } => Some(*concert),
        Command::Cancel { .. } | Command::Extend { .. } => None,
    });
    let known_dates = dates.known(concerts.clone());
    let unknown = concerts.filter(|concert| !known_dates.contains_key(concert)).collect();
    let read_dates = store::select_dates(&mut script, unknown);
    let sought = sought_halls(commands);
    store::lock_concerts(&mut script, sought.clone());
    // Otherwise which seats it is about stands in what is read now.
    let all_asked = commands.iter().all(|command| asked_seats(command).is_some());
    let asked: Vec<_> = commands.iter().filter_map(asked_seats).flatten().collect();
    let all_seats = all_asked.then(|| lock_seats(&mut script, asked.iter().copied()));
    let selected = script.run(connection).await?;
    let (tokens, holds) = read_holders(&selected, &holders)?;
    let mut rows = Rows {
        tokens,
        known: store::read_reservations(&selected, &known)?,
        seats: HashMap::new(),
        halls: HashMap::new(),
        holds,
        concerts: store::read_dates(&selected, &read_dates)?,
    };
    dates.keep(&rows.concerts);
    rows.concerts.extend(known_dates);
    if let Some(seats) = all_seats {
        rows.seats = read_seats(&selected, &seats)?;
    } else {
        let mut named = asked.clone();
        named.extend(rows.known.values().map(Reservation::seat_key));
        if sought.is_empty() {
            rows.seats = locked(connection, named).await?;
        } else {
            lock_best(connection, commands, attempt, rules, &mut rows, (named, sought)).await?;
        }
    }
    for reservation in rows.known.values_mut() {
        if let Some(seat) = rows.seats.get(&reservation.seat_key()) {
            (reservation.section, reservation.row) = (seat.section.clone(), seat.row.clone());
        }
    }
    Ok(rows)
}

/// The seats that a command asks for by number; `None`: it is about others.
fn asked_seats(command: &Command) -> Option<impl Iterator<Item = SeatKey>> {
    match command {
        Command::Hold { concert, wanted: Wanted::Seats(seats), .. } => {
            Some(seats.iter().map(|seat| SeatKey { concert: *concert, seat: *seat }))
        }
        Command::Hold { wanted: Wanted::BestAvailable { .. }, .. }
        | Command::Cancel { .. }
        | Command::Extend { .. } => None,
    }
}

async fn locked(connection: &mut MySqlConnection, wanted: Vec<SeatKey>) -> Result<HashMap<SeatKey, Seat>, Failure> {
    let mut script = Script::default();
    let seats = lock_seats(&mut script, wanted.into_iter());
    read_seats(&script.run(connection).await?, &seats)
}

/// The concerts that commands seek the best seats of.
fn sought_halls(commands: &[Command]) -> Vec<ConcertId> {
    let sought = commands.iter().filter_map(|command| match command {
        Command::Hold { concert, wanted: Wanted::BestAvailable { .. }, .. } => Some(*concert),
        _ => None,
    });
    sought.collect::<HashSet<_>>().into_iter().collect()
}

/// Adds the halls, and the seats that are named or would be taken, locked.
async fn lock_best(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
    rules: Rules,
    rows: &mut Rows,
    (named, sought): (Vec<SeatKey>, Vec<ConcertId>),
) -> Result<(), Failure> {
    for _ in 0..MOST_LOOKS {
        let mut script = Script::default();
        let (seats, halls) =
            (look_at_seats(&mut script, named.iter().copied()), look_at_halls(&mut script, sought.clone()));
        let selected = script.run(connection).await?;
        let mut seen = read_seats(&selected, &seats)?;
        let halls = Halls::read(&selected, &halls)?;
        rows.halls = halls.free(attempt.now);
        seen.extend(halls.into_seats().filter(|(_, seat)| seat.is_free(attempt.now)));
        let mut wanted = named.clone();
        wanted.extend(best_seats(Rows { seats: seen.clone(), ..rows.clone() }, commands, attempt, rules));
        rows.seats = locked(connection, wanted).await?;
        if rows.seats.iter().all(|(key, seat)| seen.get(key) == Some(seat)) {
            return Ok(());
        }
        metrics::counter!("concert_best_seats_moved_total").increment(1);
    }
    // Nobody changes what is locked. What was locked out of order may cost the batch another attempt.
    let mut script = Script::default();
    let (halls, seats) = (lock_halls(&mut script, sought), lock_seats(&mut script, named.into_iter()));
    let selected = script.run(connection).await?;
    let halls = Halls::read(&selected, &halls)?;
    rows.halls = halls.free(attempt.now);
    rows.seats = read_seats(&selected, &seats)?;
    rows.seats.extend(halls.into_seats());
    Ok(())
}
