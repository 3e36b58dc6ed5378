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
use super::eligibility::{read_counts, select_at_most, select_unpaid, unpaid_holds};
use super::rows::Rows;
use super::seat::{Halls, lock_halls, look_at_halls, look_at_seats};
use super::{
    Command, HoldRules, Holds, Reservation, ReservationBatch, Seat, SeatKey, Wanted, lock_seats, read_seats, store,
};
use crate::batch::Attempt;
use crate::db::Failure;
use crate::fact::Lookup;
use crate::id::{ConcertId, UserId};
use crate::queue::{lock_live_tokens, read_turns};
use crate::sql::Script;

/// How often seats are looked up and found changed before all seats of the halls are locked.
const MOST_LOOKS: usize = 4;

/// Locks, in this order: tokens, concerts whose best seats are sought, seats.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
    batch: &ReservationBatch,
) -> Result<Rows, Failure> {
    let &ReservationBatch { ref layouts, rules, .. } = batch;
    let mut script = Script::default();
    // First, while nothing is locked.
    let concerts = layouts.select(&mut script, concerts_of(commands), halls_of_named_seats(commands));
    let turns = lock_live_tokens(&mut script, commands.iter().map(|command| command.caller().user).collect());
    let wanted = wanted_holds(commands);
    let holds = select_at_most(&mut script, wanted.keys().copied().collect(), attempt.now);
    let known = store::select_known(&mut script, commands, attempt);
    let sought = sought_halls(commands);
    store::lock_concerts(&mut script, sought.clone());
    // Otherwise which seats it is about stands in what is read now.
    let all_asked = commands.iter().all(|command| asked_seats(command).is_some());
    let asked: Vec<_> = commands.iter().filter_map(asked_seats).flatten().collect();
    let all_seats = all_asked.then(|| lock_seats(&mut script, asked.iter().copied()));
    let selected = script.run(connection).await?;
    let holds = holds_within(connection, read_counts(&selected, &holds)?, &wanted, attempt, rules).await?;
    let mut known = store::read_reservations(&selected, &known)?;
    let mut rows = Rows {
        turns: read_turns(&selected, &turns)?,
        known: Lookup::default(),
        seats: HashMap::new(),
        halls: HashMap::new(),
        holds,
        concerts: layouts.read(&selected, &concerts)?,
    };
    if let Some(seats) = all_seats {
        rows.seats = read_seats(&selected, &seats)?;
    } else {
        let mut named = asked.clone();
        named.extend(known.values().map(Reservation::seat_key));
        if sought.is_empty() {
            rows.seats = locked(connection, named).await?;
        } else {
            rows.known = Lookup::read(known.clone());
            lock_best(connection, commands, attempt, rules, &mut rows, (named, sought)).await?;
        }
    }
    for reservation in known.values_mut() {
        if let Some(seat) = rows.seats.get(&reservation.seat_key()) {
            (reservation.section, reservation.row) = (seat.section.clone(), seat.row.clone());
        }
    }
    rows.known = Lookup::read(known);
    Ok(rows)
}

fn concerts_of(commands: &[Command]) -> Vec<ConcertId> {
    let concert = |command: &Command| match command {
        Command::Hold { concert, .. } => Some(*concert),
        Command::Cancel { .. } | Command::Extend { .. } => None,
    };
    commands.iter().filter_map(concert).collect()
}

fn halls_of_named_seats(commands: &[Command]) -> Vec<ConcertId> {
    let hall = |command: &Command| match command {
        Command::Hold { concert, wanted: Wanted::Seats(_), .. } => Some(*concert),
        Command::Hold { .. } | Command::Cancel { .. } | Command::Extend { .. } => None,
    };
    commands.iter().filter_map(hall).collect()
}

/// How many seats each user would hold more.
fn wanted_holds(commands: &[Command]) -> HashMap<UserId, u32> {
    let mut wanted = HashMap::new();
    for command in commands {
        match command {
            Command::Hold { caller, ids, .. } => *wanted.entry(caller.user).or_default() += ids.len() as u32,
            Command::Cancel { .. } | Command::Extend { .. } => {}
        }
    }
    wanted
}

/// What users hold at most, and exactly what those hold who may have come to the limit.
async fn holds_within(
    connection: &mut MySqlConnection,
    mut at_most: HashMap<UserId, u32>,
    wanted: &HashMap<UserId, u32>,
    attempt: &Attempt,
    rules: HoldRules,
) -> Result<Holds, Failure> {
    let mut unsure = Vec::new();
    at_most.retain(|user, held| {
        let within = held.saturating_add(wanted[user]) <= rules.max_holds_per_user;
        if !within {
            unsure.push(*user);
        }
        within
    });
    let mut script = Script::default();
    let exactly = select_unpaid(&mut script, unsure, attempt.now);
    at_most.extend(read_counts(&script.run(connection).await?, &exactly)?);
    Ok(unpaid_holds(wanted.keys().copied(), &at_most))
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
    rules: HoldRules,
    rows: &mut Rows,
    (named, sought): (Vec<SeatKey>, Vec<ConcertId>),
) -> Result<(), Failure> {
    for _ in 0..MOST_LOOKS {
        let mut script = Script::default();
        let (seats, halls) =
            (look_at_seats(&mut script, named.iter().copied()), look_at_halls(&mut script, sought.clone()));
        let selected = script.run(connection).await?;
        let mut seen = read_seats(&selected, &seats)?;
        let mut halls = Halls::read(&selected, &halls)?;
        rows.halls = halls.free(attempt.now);
        seen.extend(halls.into_seats().filter_map(|(key, mut seat)| seat.is_free(attempt.now).then_some((key, seat))));
        let mut wanted = named.clone();
        wanted.extend(best_seats(Rows { seats: seen.clone(), ..rows.clone() }, commands, attempt, rules));
        rows.seats = locked(connection, wanted).await?;
        if rows.seats.iter().all(|(key, seat)| seen.get(key).is_some_and(|seen| seen.is_same(seat))) {
            return Ok(());
        }
        metrics::counter!("concert_best_seats_moved_total").increment(1);
    }
    // Nobody changes what is locked. What was locked out of order may cost the batch another attempt.
    let mut script = Script::default();
    let (halls, seats) = (lock_halls(&mut script, sought), lock_seats(&mut script, named.into_iter()));
    let selected = script.run(connection).await?;
    let mut halls = Halls::read(&selected, &halls)?;
    rows.halls = halls.free(attempt.now);
    rows.seats = read_seats(&selected, &seats)?;
    rows.seats.extend(halls.into_seats());
    Ok(())
}
