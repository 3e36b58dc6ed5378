//! The parts of refusals' texts that depend on what was refused.

use chrono::SecondsFormat;

use crate::clock::Timestamp;
use crate::id::{ReservationId, SeatNumber};
use crate::token_status::TokenStatus;

pub(super) fn describe_taken(seats: &[SeatNumber], yours: &[(SeatNumber, ReservationId)]) -> String {
    let taken = seats_that_are(seats, "already reserved");
    let yours: Vec<_> = yours.iter().map(|(seat, hold)| format!("seat {seat} by reservation {hold}")).collect();
    if yours.is_empty() { taken } else { format!("{taken}; you hold {} yourself", yours.join(", ")) }
}

pub(super) fn describe_holds(limit: u32, held: Option<u32>) -> String {
    let most = format!("at most {limit} unpaid seats can be held at once");
    match held {
        Some(held @ 1..) => format!("{most}, and you hold {held}; pay or give one back"),
        _ => format!("{most}; pay or give one back"),
    }
}

pub(super) fn describe_blocked(seats: &[SeatNumber]) -> String {
    seats_that_are(seats, "not on sale")
}

fn seats_that_are(seats: &[SeatNumber], what: &str) -> String {
    let numbers: Vec<_> = seats.iter().map(ToString::to_string).collect();
    let (noun, verb) = if numbers.len() == 1 { ("seat", "is") } else { ("seats", "are") };
    format!("{noun} {} {verb} {what}", numbers.join(", "))
}

pub(super) fn describe_left(left: u32) -> String {
    match left {
        0 => "this user has them all".to_owned(),
        _ => format!("this user may have {left} more"),
    }
}

pub(super) fn describe_not_open(doors: Option<Timestamp>, opens: Option<Timestamp>, now: Timestamp) -> String {
    let at = |moment: Timestamp| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    match doors.or(opens) {
        Some(doors) => format!("the doors of this sale open at {}; it is {} now", at(doors), at(now)),
        None => "this sale is not open yet".to_owned(),
    }
}

pub(super) fn describe_free(free: usize) -> String {
    match free {
        0 => "no seats are free".to_owned(),
        1 => "only 1 seat is free".to_owned(),
        _ => format!("only {free} seats are free"),
    }
}

pub(super) fn describe_status(status: Option<TokenStatus>) -> &'static str {
    match status {
        Some(TokenStatus::Waiting) => "this one is still WAITING",
        Some(TokenStatus::Active | TokenStatus::Expired) => "this one has ended",
        None => "this user has none: join the queue",
    }
}
