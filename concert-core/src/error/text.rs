//! The parts of refusals' texts that depend on what was refused.

use std::time::Duration;

use chrono::SecondsFormat;

use crate::clock::Timestamp;
use crate::id::{ReservationId, SeatNumber};
use crate::token_status::TokenStatus;

pub(super) fn taken(seats: &[SeatNumber], yours: &[(SeatNumber, ReservationId)]) -> String {
    let taken = seats_that_are(seats, "already reserved");
    let yours: Vec<_> = yours.iter().map(|(seat, hold)| format!("seat {seat} by reservation {hold}")).collect();
    if yours.is_empty() { taken } else { format!("{taken}; you hold {} yourself", yours.join(", ")) }
}

pub(super) fn holds(limit: u32, held: Option<u32>) -> String {
    let most = format!("at most {limit} unpaid seats can be held at once");
    match held {
        Some(held @ 1..) => format!("{most}, and you hold {held}; pay or give one back"),
        _ => format!("{most}; pay or give one back"),
    }
}

pub(super) fn blocked(seats: &[SeatNumber]) -> String {
    seats_that_are(seats, "not on sale")
}

fn seats_that_are(seats: &[SeatNumber], what: &str) -> String {
    let numbers: Vec<_> = seats.iter().map(ToString::to_string).collect();
    let (noun, verb) = if numbers.len() == 1 { ("seat", "is") } else { ("seats", "are") };
    format!("{noun} {} {verb} {what}", numbers.join(", "))
}

pub(super) fn left(left: u32) -> String {
    match left {
        0 => "this user has them all".to_owned(),
        _ => format!("this user may have {left} more"),
    }
}

pub(super) fn not_open(doors: Option<Timestamp>, opens: Option<Timestamp>, now: Timestamp) -> String {
    match doors.or(opens) {
        Some(doors) => format!("the doors of this sale open at {}; it is {} now", at_second(doors), at_second(now)),
        None => "this sale is not open yet".to_owned(),
    }
}

pub(super) fn free(free: usize) -> String {
    match free {
        0 => "no seats are free".to_owned(),
        1 => "only 1 seat is free".to_owned(),
        _ => format!("only {free} seats are free"),
    }
}

pub(super) fn status(status: Option<TokenStatus>) -> &'static str {
    match status {
        Some(TokenStatus::Waiting) => "this one is still WAITING",
        Some(TokenStatus::Active | TokenStatus::Expired) => "this one has ended",
        None => "this user has none: join the queue",
    }
}

pub(super) fn codes_made(at: Timestamp) -> String {
    let at = at_second(at);
    format!(
        "codes were made for this idempotency key already, at {at}, and are shown only once; if they are lost, revoke them and make others with another key"
    )
}

pub(super) fn let_go(seat: SeatNumber, times: u32, wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1000);
    format!("seat {seat} was let go {times} times in a row by this user; others come first for {seconds} s")
}

/// A moment in UTC, to the second.
pub(super) fn at_second(moment: Timestamp) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
