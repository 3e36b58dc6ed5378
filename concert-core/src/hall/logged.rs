//! What the operators' log says of changes of halls.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::decide::{HallRows, Outcome};
use super::{ChangeHall, HallChange};
use crate::clock::Timestamp;
use crate::id::SeatNumber;
use crate::money::Money;
use crate::operator::{Act, ActSubject, LogEntry};
use crate::reservation::SeatKey;
use crate::seat_ranges::SeatRanges;

/// The longest list of seats in an entry, in characters; what is longer ends with two dots.
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

pub(super) fn entry(command: &ChangeHall, outcome: &Outcome, before: Option<Value>, now: Timestamp) -> LogEntry {
    let (changed, seats) = (outcome.changed.len(), named(&outcome.changed, LONGEST_LIST));
    let (act, after) = match &command.change {
        HallChange::Block { reason, .. } => {
            (Act::SeatBlock, json!({"changed": changed, "seats": seats, "reason": reason}))
        }
        HallChange::Unblock { reason, .. } => {
            (Act::SeatUnblock, json!({"changed": changed, "seats": seats, "reason": reason}))
        }
        HallChange::Price { price, .. } => {
            (Act::SeatPrice, json!({"changed": changed, "seats": seats, "price": price}))
        }
        HallChange::Add(new) => (
            Act::SeatAdd,
            json!({
                "changed": changed, "seats": seats, "price": new.price, "section": new.section, "row": new.row,
                "marks": new.marks,
            }),
        ),
    };
    let entry = command.by.entry(act, ActSubject::Concert(command.concert), now).with_after(after);
    match before {
        Some(before) => entry.with_before(before),
        None => entry,
    }
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
