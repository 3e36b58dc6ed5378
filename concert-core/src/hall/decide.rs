//! The rules of changing seats, over rows that are locked.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::runs::{self, SeatRun};
use super::{ChangeHall, HallChange, NewSeat, NewSeats, PLACE_TAKEN, RefusedSeat, SEAT_EXISTS, SeatsChanged, logged};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::fact::Unread;
use crate::id::{ConcertId, SeatNumber};
use crate::money::Money;
use crate::operator::{DoneBefore, LogEntry, Reason};
use crate::reservation::{GivenBack, Seat, SeatKey};

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) halls: HashMap<ConcertId, HallRows>,
}

/// A concert, and what a command needs of its hall.
#[derive(Debug, Default)]
pub(crate) struct HallRows {
    /// The concert's version; `None`: there is no such concert.
    pub(crate) version: Option<u32>,
    /// It was called off: its hall stays as it is, off sale.
    pub(crate) is_called_off: bool,
    pub(crate) seats: HashMap<SeatKey, Seat>,
    /// Why those of them that are not on sale are not.
    pub(crate) reasons: HashMap<SeatNumber, String>,
    /// All of the hall; read for prices and new seats alone.
    pub(crate) runs: Vec<SeatRun>,
    /// The places in the row that seats are added to.
    pub(crate) places: HashSet<i32>,
    pub(crate) done: DoneBefore,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// One for each command that changes anything.
    pub(crate) halls: Vec<HallEffects>,
    /// Lapsed holds whose seats are blocked.
    pub(crate) released: GivenBack,
    pub(crate) log: Vec<LogEntry>,
}

/// What is changed of one hall.
#[derive(Debug)]
pub(crate) struct HallEffects {
    pub(crate) concert: ConcertId,
    /// The concert's version before.
    pub(crate) version: u32,
    pub(crate) seats: Vec<SeatNumber>,
    pub(crate) change: SeatEffect,
    /// Runs that are no more, by their first seats, and new ones.
    pub(crate) runs: (Vec<i32>, Vec<SeatRun>),
}

/// What is changed of the seats.
#[derive(Debug)]
pub(crate) enum SeatEffect {
    Block(Reason),
    Unblock,
    Price(Money),
    Add(NewSeats),
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[ChangeHall],
    attempt: &Attempt,
) -> (Vec<Result<SeatsChanged, Error>>, Effects) {
    let mut effects = Effects::default();
    let answers = commands.iter().map(|command| {
        if !command.dry_run {
            return change(&mut rows, &mut effects, command, attempt);
        }
        // The same rules over the same locked rows, so that it says what a change of this moment would do. The lane has
        // one command at a time: nobody sees the rows again that it went through.
        let would = change(&mut rows, &mut Effects::default(), command, attempt)?;
        let version = rows.halls.get(&command.concert).and_then(|hall| hall.version).ok_or(Unread)?;
        Ok(SeatsChanged { dry_run: true, version, ..would })
    });
    (answers.collect(), effects)
}

/// The seats of one command, as it goes through them.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) changed: Vec<SeatNumber>,
    pub(super) refused: Vec<RefusedSeat>,
    pub(super) reserved: Vec<SeatNumber>,
}

impl Outcome {
    fn refuse(&mut self, seat: SeatNumber, code: &'static str) {
        self.refused.push(RefusedSeat { seat, code });
    }

    fn answer(self, version: u32) -> SeatsChanged {
        let Self { changed, mut refused, reserved } = self;
        refused.sort_unstable_by_key(|one| one.seat);
        SeatsChanged { changed: changed.len(), seats: changed, refused, reserved, version, dry_run: false }
    }
}

/// Refuses a key that came with another request, a concert that is not there, or was called off. Seats are refused one
/// by one.
fn change(
    rows: &mut Rows,
    effects: &mut Effects,
    command: &ChangeHall,
    attempt: &Attempt,
) -> Result<SeatsChanged, Error> {
    let concert = command.concert;
    let hall = rows.halls.get_mut(&concert).ok_or(Unread)?;
    let version = hall.version.ok_or(Error::ConcertNotFound)?;
    if let Some(done) = hall.done.find(&command.by)? {
        return logged::first_answer(done);
    }
    if hall.is_called_off {
        return Err(Error::ConcertCancelled);
    }
    // Now, since the rules below change the rows.
    let before = logged::before(hall, command);
    let (outcome, change) = match &command.change {
        HallChange::Block { seats, reason } => {
            (block(hall, effects, (concert, seats), reason, attempt.now)?, SeatEffect::Block(reason.clone()))
        }
        HallChange::Unblock { seats, .. } => (unblock(hall, (concert, seats), attempt.now), SeatEffect::Unblock),
        HallChange::Price { seats, price } => {
            (set_price(hall, (concert, seats), *price, attempt.now), SeatEffect::Price(*price))
        }
        HallChange::Add(new) => {
            let (outcome, added) = add(hall, concert, new);
            (outcome, SeatEffect::Add(added))
        }
    };
    // Nothing is written and nothing recorded, and the version stays.
    if outcome.changed.is_empty() {
        return Ok(outcome.answer(version));
    }
    let runs = new_runs(hall, &outcome.changed, &change);
    let changed = outcome.answer(version + 1);
    effects.log.push(logged::entry(command, &changed, before, attempt.now));
    effects.halls.push(HallEffects { concert, version, seats: changed.seats.clone(), change, runs });
    Ok(changed)
}

/// Takes seats off sale that nobody has. One that is off sale for the same reason stays so.
fn block(
    hall: &mut HallRows,
    effects: &mut Effects,
    (concert, seats): (ConcertId, &[SeatNumber]),
    reason: &Reason,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for &number in seats {
        let key = SeatKey { concert, seat: number };
        let Some(seat) = hall.seats.get_mut(&key) else {
            outcome.refuse(number, Error::SeatNotFound { seat: number }.code());
            continue;
        };
        if seat.is_blocked() {
            if hall.reasons.get(&number).is_none_or(|other| other != reason.as_str()) {
                // Only the code is told, so the error names no seats.
                outcome.refuse(number, Error::SeatBlocked { seats: Vec::new() }.code());
            }
        } else if seat.is_free(now) {
            // The seat still names the hold that lapsed. It ends in the same transaction, or seat and reservation would
            // disagree.
            effects.released.release_lapsed(key, seat)?;
            seat.block(true);
            outcome.changed.push(number);
        } else {
            outcome.refuse(number, Error::SeatAlreadyReserved { seats: Vec::new(), yours: Vec::new() }.code());
        }
    }
    Ok(outcome)
}

/// Puts seats on sale again. One that is on sale and free stays so.
fn unblock(hall: &mut HallRows, (concert, seats): (ConcertId, &[SeatNumber]), now: Timestamp) -> Outcome {
    let mut outcome = Outcome::default();
    for &number in seats {
        match hall.seats.get_mut(&SeatKey { concert, seat: number }) {
            None => outcome.refuse(number, Error::SeatNotFound { seat: number }.code()),
            Some(seat) if seat.is_blocked() => {
                seat.block(false);
                outcome.changed.push(number);
            }
            Some(seat) => {
                if !seat.is_free(now) {
                    outcome.refuse(number, Error::SeatAlreadyReserved { seats: Vec::new(), yours: Vec::new() }.code());
                }
            }
        }
    }
    outcome
}

/// Sets prices, also of seats that are held or sold: their reservations keep the price that they were made at.
fn set_price(
    hall: &mut HallRows,
    (concert, seats): (ConcertId, &[SeatNumber]),
    price: Money,
    now: Timestamp,
) -> Outcome {
    let mut outcome = Outcome::default();
    for &number in seats {
        match hall.seats.get_mut(&SeatKey { concert, seat: number }) {
            None => outcome.refuse(number, Error::SeatNotFound { seat: number }.code()),
            Some(seat) if seat.price == price => {}
            Some(seat) => {
                seat.price = price;
                outcome.changed.push(number);
                if !seat.is_blocked() && !seat.is_free(now) {
                    outcome.reserved.push(number);
                }
            }
        }
    }
    outcome
}

/// Which of the new seats have numbers and places that are free.
fn add(hall: &HallRows, concert: ConcertId, new: &NewSeats) -> (Outcome, NewSeats) {
    let (mut outcome, mut added) = (Outcome::default(), Vec::new());
    for seat in &new.seats {
        if hall.seats.contains_key(&SeatKey { concert, seat: seat.number }) {
            outcome.refuse(seat.number, SEAT_EXISTS);
        } else if hall.places.contains(&place_of(seat)) {
            outcome.refuse(seat.number, PLACE_TAKEN);
        } else {
            outcome.changed.push(seat.number);
            added.push(*seat);
        }
    }
    outcome.changed.sort_unstable();
    (outcome, NewSeats { seats: added, ..new.clone() })
}

fn place_of(seat: &NewSeat) -> i32 {
    seat.place.unwrap_or(seat.number.get())
}

/// The runs that go and those that come.
fn new_runs(hall: &HallRows, changed: &[SeatNumber], change: &SeatEffect) -> (Vec<i32>, Vec<SeatRun>) {
    let numbers: Vec<_> = changed.iter().map(|seat| seat.get()).collect();
    let after = match change {
        SeatEffect::Block(_) | SeatEffect::Unblock => return (Vec::new(), Vec::new()),
        SeatEffect::Price(price) => runs::priced(&hall.runs, &numbers, *price),
        SeatEffect::Add(new) => {
            let [section, row] = [&new.section, &new.row].map(|name| name.as_deref().map(Arc::<str>::from));
            let one = |number: &i32| SeatRun {
                first: *number,
                last: *number,
                price: new.price,
                section: section.clone(),
                row: row.clone(),
            };
            runs::with(&hall.runs, numbers.iter().map(one).collect())
        }
    };
    // Only what differs is written: a large hall has many runs.
    let before: HashMap<i32, &SeatRun> = hall.runs.iter().map(|run| (run.first, run)).collect();
    let stays: HashSet<i32> = after
        .iter()
        .filter(|run| before.get(&run.first).is_some_and(|before| before == run))
        .map(|run| run.first)
        .collect();
    let gone = hall.runs.iter().map(|run| run.first).filter(|first| !stays.contains(first)).collect();
    (gone, after.into_iter().filter(|run| !stays.contains(&run.first)).collect())
}
