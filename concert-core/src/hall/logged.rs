//! What the operators' log says of changes of halls.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::decide::HallRows;
use super::{ChangeHall, HallChange, RefusedSeat, SeatsChanged};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::SeatNumber;
use crate::money::Money;
use crate::operator::{Act, ActSubject, Done, LogEntry};
use crate::reservation::SeatKey;
use crate::seat_ranges::SeatRanges;

/// The longest list of seats in an entry, in characters; what is longer ends with two dots. Three of them fit the column.
const LONGEST_LIST: usize = 20_000;
/// The same for one of several lists, and how many of them there are at most.
const LONGEST_PART: usize = 1_000;
const MOST_PARTS: usize = 32;

/// The seats as the log names them: `1-20, 25`.
pub(super) fn named(seats: &[SeatNumber], longest: usize) -> String {
    let text = seats.iter().copied().collect::<SeatRanges>().to_string();
    match text.get(..longest).filter(|_| text.len() > longest) {
        // Up to the last that is whole.
        Some(cut) => format!("{} ..", cut.rsplit_once(',').map_or("", |(whole, _)| whole)),
        None => text,
    }
}

/// What is so before the change, of the seats that can change.
pub(super) fn before(hall: &HallRows, command: &ChangeHall) -> Option<Value> {
    let seat = |number: &SeatNumber| hall.seats.get(&SeatKey { concert: command.concert, seat: *number });
    match &command.change {
        HallChange::Block { .. } | HallChange::Add(_) => None,
        HallChange::Unblock { seats, .. } => {
            let mut by_reason: BTreeMap<&str, Vec<SeatNumber>> = BTreeMap::new();
            for number in seats {
                if let Some(reason) = hall.reasons.get(number) {
                    by_reason.entry(reason).or_default().push(*number);
                }
            }
            let parts = by_reason.into_iter().take(MOST_PARTS);
            let parts: Vec<_> =
                parts.map(|(reason, seats)| json!({"reason": reason, "seats": named(&seats, LONGEST_PART)})).collect();
            Some(json!({"blocked": parts}))
        }
        HallChange::Price { seats, price } => {
            let mut by_price: BTreeMap<Money, Vec<SeatNumber>> = BTreeMap::new();
            for number in seats {
                if let Some(seat) = seat(number).filter(|seat| seat.price != *price) {
                    by_price.entry(seat.price).or_default().push(*number);
                }
            }
            let parts = by_price.into_iter().take(MOST_PARTS);
            let parts: Vec<_> =
                parts.map(|(price, seats)| json!({"price": price, "seats": named(&seats, LONGEST_PART)})).collect();
            Some(json!({"prices": parts}))
        }
    }
}

pub(super) fn entry(command: &ChangeHall, done: &SeatsChanged, before: Option<Value>, now: Timestamp) -> LogEntry {
    let (act, after) = match &command.change {
        HallChange::Block { reason, .. } => (Act::SeatBlock, json!({"reason": reason})),
        HallChange::Unblock { reason, .. } => (Act::SeatUnblock, json!({"reason": reason})),
        HallChange::Price { price, .. } => (Act::SeatPrice, json!({"price": price})),
        HallChange::Add(new) => {
            (Act::SeatAdd, json!({"price": new.price, "section": new.section, "row": new.row, "marks": new.marks}))
        }
    };
    let entry = command.by.entry(act, ActSubject::Concert(command.concert), now);
    let entry = entry.with_after(answered(done)).with_after(after);
    match before {
        Some(before) => entry.with_before(before),
        None => entry,
    }
}

/// The answer: a repeated command is answered from it.
fn answered(done: &SeatsChanged) -> Value {
    let mut refused: BTreeMap<&str, Vec<SeatNumber>> = BTreeMap::new();
    for one in &done.refused {
        refused.entry(one.code).or_default().push(one.seat);
    }
    let longest = LONGEST_LIST / RefusedSeat::CODES.len();
    let refused: BTreeMap<_, _> = refused.into_iter().map(|(code, seats)| (code, named(&seats, longest))).collect();
    let seats = named(&done.seats, LONGEST_LIST);
    let mut answer = json!({"changed": done.changed, "seats": seats, "version": done.version});
    if !refused.is_empty() {
        answer["refused"] = json!(refused);
    }
    if !done.reserved.is_empty() {
        answer["reserved"] = json!(named(&done.reserved, LONGEST_LIST));
    }
    answer
}

/// The same as an entry keeps it.
#[derive(Deserialize)]
struct LoggedAnswer {
    changed: usize,
    seats: String,
    #[serde(default)]
    refused: BTreeMap<String, String>,
    #[serde(default)]
    reserved: String,
    version: u32,
}

/// The first answer to a command that is repeated. Lists that were cut in the log end where they were cut.
pub(super) fn first_answer(done: &Done) -> Result<SeatsChanged, Error> {
    let logged: LoggedAnswer = done.read()?;
    let mut refused = Vec::new();
    for (code, _) in RefusedSeat::CODES {
        let seats = logged.refused.get(code).map_or(Ok(Vec::new()), |list| seats_of(list))?;
        refused.extend(seats.into_iter().map(|seat| RefusedSeat { seat, code }));
    }
    refused.sort_unstable_by_key(|one| one.seat);
    Ok(SeatsChanged {
        changed: logged.changed,
        seats: seats_of(&logged.seats)?,
        refused,
        reserved: seats_of(&logged.reserved)?,
        version: logged.version,
        dry_run: false,
    })
}

/// The seats of a list that [`named`] made.
fn seats_of(list: &str) -> Result<Vec<SeatNumber>, Error> {
    let list = list.trim_end_matches("..").trim_end();
    if list.is_empty() {
        return Ok(Vec::new());
    }
    Ok(list.parse::<SeatRanges>()?.numbers().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_ends_with_a_whole_range() {
        let seats: Vec<_> = (1..40).step_by(2).map(SeatNumber::known).collect();
        assert_eq!(named(&seats, 12), "1, 3, 5, 7 ..");
        assert_eq!(named(&seats[..3], 12), "1, 3, 5");
    }
}
