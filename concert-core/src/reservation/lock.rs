//! Locks the rows of a batch of holds.
//!
//! Only the rules know which seats are best, and a hall is too large to lock. So the rules first run over a hall that is
//! only read, and the seats that they choose are locked. Then they run again: as long as they choose seats that are not
//! locked, these are locked too. Batches that look for the best seats of one concert lock its row, so they run one after
//! the other. Only buyers who name their seats can change a seat between reading and locking, which is rare.

use hashbrown::{HashMap, HashSet};
use sqlx::MySqlConnection;

use super::decide::best_seats;
use super::eligibility::{
    lock_users_and_count, read_counts, read_users, select_at_most, select_unpaid, select_users, unpaid_holds,
};
use super::limits::{self, Asked, TakenSeats};
use super::rows::Rows;
use super::seat::{Halls, lock_halls, look_at_seats};
use super::seating::{Seatings, SoughtHalls};
use super::{
    Command, HoldRules, Holds, Reservation, ReservationBatch, Seat, SeatKey, Wanted, lock_seats, read_seats, store,
};
use crate::batch::Attempt;
use crate::db::Failure;
use crate::fact::Lookup;
use crate::id::{ConcertId, UserId};
use crate::queue::{lock_live_tokens, read_turns};
use crate::sql::Script;

/// After choosing this often, all seats of the halls are locked.
const MOST_CHOICES: usize = 4;
/// A hall is not as it is remembered where somebody changed it by hand; the second time it is read as it is.
const MOST_LOOKS: usize = 2;

/// Locks, in this order: tokens, concerts whose best seats are wanted, seats, users to whom limited seats
/// are added, or seats past the queue.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
    batch: &ReservationBatch,
) -> Result<Rows, Failure> {
    let &ReservationBatch { ref layouts, rules, .. } = batch;
    let mut script = Script::default();
    // First, while nothing is locked: a large layout takes a while to read.
    let concerts = layouts.select(&mut script, concerts_of(commands), halls_of_named_seats(commands));
    let turns = lock_live_tokens(&mut script, commands.iter().map(|command| command.caller().user).collect());
    let wanted = wanted_holds(commands);
    // Invariant: holds are counted after their users' tokens are locked, so no hold is made between count and commit.
    let holds = select_at_most(&mut script, wanted.keys().copied().collect(), attempt.now);
    let holders = commands.iter().filter(|command| !matches!(command, Command::Cancel { .. }));
    let users = select_users(&mut script, holders.map(|command| command.caller().user).collect());
    let known = store::select_known(&mut script, commands, attempt);
    let extensions = store::select_extensions(&mut script, commands);
    let sought = store::lock_concerts(&mut script, sought_halls(commands));
    // One round trip if every command names its seats. The others learn them from the rows of this one.
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
        taken: TakenSeats::default(),
        users: read_users(&selected, &users)?,
        concerts: layouts.read(&selected, &concerts, rules.time_zone)?,
        extensions: store::read_extensions(&selected, &extensions)?,
    };
    let asked_of_limits = limits::asked(commands, &rows.concerts);
    if let Some(seats) = all_seats {
        rows.seats = read_seats(&selected, &seats)?;
        rows.taken = TakenSeats::lock(connection, &asked_of_limits, attempt.now).await?;
    } else {
        let mut named = asked.clone();
        named.extend(known.values().map(Reservation::seat_key));
        let sought = store::read_versions(&selected, &sought)?;
        if sought.is_empty() {
            rows.seats = locked(connection, named).await?;
            rows.taken = TakenSeats::lock(connection, &asked_of_limits, attempt.now).await?;
        } else {
            // The rules run in there already, and ask for them.
            rows.known = Lookup::read(known.clone());
            lock_best(connection, commands, attempt, batch, &mut rows, (named, sought, asked_of_limits)).await?;
        }
    }
    lock_past_queue(connection, commands, attempt, &mut rows).await?;
    // Reservations do not store these names; a repeated hold must answer what the first one did.
    for reservation in known.values_mut() {
        if let Some(seat) = rows.seats.get(&reservation.seat_key()) {
            (reservation.section, reservation.row) = (seat.section.clone(), seat.row.clone());
        }
    }
    rows.known = Lookup::read(known);
    Ok(rows)
}

/// Users come last in the order of locks, so this waits until all seats are locked.
async fn lock_past_queue(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
    rows: &mut Rows,
) -> Result<(), Failure> {
    let past_queue = users_past_queue(commands);
    if past_queue.is_empty() {
        return Ok(());
    }
    let (users, counts) = lock_users_and_count(connection, past_queue.clone(), attempt.now).await?;
    // Somebody may have been disabled since the first look.
    rows.users.retain(|user, _| !past_queue.contains(user));
    rows.users.extend(users);
    rows.holds.extend(unpaid_holds(past_queue, &counts));
    Ok(())
}

fn users_past_queue(commands: &[Command]) -> Vec<UserId> {
    let user = |command: &Command| match command {
        Command::Hold { caller, .. } if caller.bypasses_queue => Some(caller.user),
        Command::Hold { .. } | Command::Cancel { .. } | Command::Extend { .. } => None,
    };
    commands.iter().filter_map(user).collect()
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

/// How many more seats each user wants to hold.
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

/// How many seats users hold: an upper bound, which is cheaper, or the exact count where the bound would pass the
/// limit.
async fn holds_within(
    connection: &mut MySqlConnection,
    mut at_most: HashMap<UserId, u32>,
    wanted: &HashMap<UserId, u32>,
    attempt: &Attempt,
    rules: HoldRules,
) -> Result<Holds, Failure> {
    let mut unsure = Vec::new();
    at_most.retain(|user, held| {
        // Only users who want holds were counted, so each is in `wanted`.
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

/// The seats that a command names by number; `None`: it names none.
fn asked_seats(command: &Command) -> Option<impl Iterator<Item = SeatKey>> {
    match command {
        Command::Hold { concert, wanted: Wanted::Seats(seats), .. } => {
            Some(seats.iter().map(|seat| SeatKey { concert: *concert, seat: *seat }))
        }
        Command::Hold { .. } | Command::Cancel { .. } | Command::Extend { .. } => None,
    }
}

async fn locked(
    connection: &mut MySqlConnection,
    wanted: impl IntoIterator<Item = SeatKey>,
) -> Result<HashMap<SeatKey, Seat>, Failure> {
    let mut script = Script::default();
    let seats = lock_seats(&mut script, wanted.into_iter());
    read_seats(&script.run(connection).await?, &seats)
}

/// The concerts whose best seats are wanted.
fn sought_halls(commands: &[Command]) -> Vec<ConcertId> {
    let sought = commands.iter().filter_map(|command| match command {
        Command::Hold { concert, wanted, .. } => wanted.best().map(|_| *concert),
        _ => None,
    });
    sought.collect::<HashSet<_>>().into_iter().collect()
}

/// What a batch that looks for best seats names beside them: seats, halls with their version, and what is limited.
type Named = (Vec<SeatKey>, HashMap<ConcertId, u32>, Asked);

/// Adds the halls, locks the seats that are named or would be taken, and then the users to whom limited ones are added.
async fn lock_best(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
    batch: &ReservationBatch,
    rows: &mut Rows,
    named: Named,
) -> Result<(), Failure> {
    let rules = batch.rules;
    if let Some(seatings) = look(connection, attempt, batch, rows, &named).await? {
        let mut wanted: HashSet<_> = named.0.iter().copied().collect();
        for nth in 0..MOST_CHOICES {
            let chosen = best_seats(rows.clone(), seatings.clone(), commands, attempt, rules);
            // Invariant: the rules decide the same over the same rows, so every seat that they will choose is locked.
            // The first choice was made over a hall that is not locked, so it never counts.
            if nth > 0 && chosen.iter().all(|key| wanted.contains(key)) {
                return Ok(());
            }
            if nth > 0 {
                metrics::counter!("concert_best_seats_moved_total").increment(1);
            }
            wanted.extend(chosen);
            rows.seats = locked(connection, wanted.iter().copied()).await?;
            rows.taken = TakenSeats::lock(connection, &named.2, attempt.now).await?;
            rows.correct_halls(&wanted, rules, attempt.now);
        }
    }
    lock_whole_halls(connection, attempt, rules, rows, named).await
}

/// Reads the halls, the named seats and the counts, unlocked; `None`: a hall is not as it is remembered.
async fn look(
    connection: &mut MySqlConnection,
    attempt: &Attempt,
    batch: &ReservationBatch,
    rows: &mut Rows,
    (named, sought, limited): &Named,
) -> Result<Option<Seatings>, Failure> {
    for _ in 0..MOST_LOOKS {
        let mut script = Script::default();
        let seats = look_at_seats(&mut script, named.iter().copied());
        let halls = batch.seatings.select(&mut script, sought, batch.rules, attempt.now);
        let counted = limits::select(&mut script, limited, attempt.now);
        let selected = script.run(connection).await?;
        // What was remembered wrongly is forgotten with that, so the next look reads the hall itself.
        let Some(SoughtHalls { seatings, halls, let_go }) = batch.seatings.read(&selected, halls)? else { continue };
        rows.seats = read_seats(&selected, &seats)?;
        rows.taken = TakenSeats::read(&selected, &counted, limited)?;
        rows.halls = halls;
        if !let_go.is_empty() {
            let mut script = Script::default();
            let let_go = look_at_seats(&mut script, let_go.into_iter());
            let let_go = read_seats(&script.run(connection).await?, &let_go)?;
            rows.leave_to_others(&let_go, batch.rules, attempt.now);
        }
        return Ok(Some(seatings));
    }
    Ok(None)
}

/// Nobody can change locked rows. Seats of earlier choices, and users, were locked out of order, so this may deadlock,
/// which costs the batch another attempt.
async fn lock_whole_halls(
    connection: &mut MySqlConnection,
    attempt: &Attempt,
    rules: HoldRules,
    rows: &mut Rows,
    (named, sought, limited): Named,
) -> Result<(), Failure> {
    let mut script = Script::default();
    let (halls, seats) =
        (lock_halls(&mut script, sought.into_keys().collect()), lock_seats(&mut script, named.into_iter()));
    let selected = script.run(connection).await?;
    let mut halls = Halls::read(&selected, &halls)?;
    rows.halls = halls.free(rules, attempt.now);
    rows.seats = read_seats(&selected, &seats)?;
    rows.seats.extend(halls.into_seats());
    rows.taken = TakenSeats::lock(connection, &limited, attempt.now).await?;
    Ok(())
}
