//! Seats that are let go: whose hold of a seat ended unpaid, given back or lapsed, and how often in a row.
//!
//! A user who holds a seat, lets it go and holds it again before anybody else can would keep it from everybody for
//! nothing. So after some times in a row the seat is left to others for a while. A hold by anybody else begins a new
//! row.

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::{HoldRules, SeatKey};
use crate::clock::{Timestamp, span};
use crate::fact::{Assumed, Assumptions, Column, Fact, Key, Test, Unread, Value};
use crate::id::UserId;

/// The columns that [`LetGo::from_row`] reads, with a prefix.
macro_rules! let_go_columns {
    ($prefix:literal) => {
        $crate::sql::columns!($prefix: let_go_by, let_go_times, let_go_at)
    };
}

/// The changes of a seat `s` that the hold `r` lets go, at {now} or at its deadline, whichever is earlier. The times come
/// before the user whom they depend on, since servers change columns from left to right. They end at `MOST_COUNTED`.
macro_rules! note_let_go {
    () => {
        "s.let_go_times = if(s.let_go_by = r.user_id, least(s.let_go_times + 1, 100), 1), s.let_go_by = r.user_id, \
         s.let_go_at = if(r.expires_at > {now}, {now}, r.expires_at)"
    };
}
pub(super) use {let_go_columns, note_let_go};

/// The times that are counted; a policy has at most as many.
pub(crate) const MOST_COUNTED: u32 = 100;

/// How often a seat was let go; its key is the seat's.
const TIMES: Column = Column("seats.let_go_times");

/// Who let a seat go last, how often in a row, and when.
#[derive(Debug, Clone)]
pub(super) struct LetGo {
    times: Fact<u32>,
    /// Read if the times are, and if the seat was ever let go.
    last: Option<(UserId, Timestamp)>,
}

impl LetGo {
    pub(super) const NEVER: Self = Self { times: Fact::read(0), last: None };

    pub(super) const fn read(by: UserId, times: u32, at: Timestamp) -> Self {
        Self { times: Fact::read(times), last: Some((by, at)) }
    }

    pub(super) fn unread(assumptions: &Assumptions, seat: SeatKey) -> Self {
        Self { times: assumptions.unread(TIMES, seat.into()), last: None }
    }

    pub(super) fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        match row.try_get::<u8, _>("let_go_times")? {
            0 => Ok(Self::NEVER),
            times => Ok(Self::read(row.try_get("let_go_by")?, times.into(), row.try_get("let_go_at")?)),
        }
    }

    /// The same after `by` has let the seat go once more.
    pub(super) fn once_more(&self, by: UserId, at: Timestamp) -> Result<Self, Unread> {
        let before = *self.times.value()?;
        let in_a_row = self.last.is_some_and(|(last, _)| last == by);
        Ok(Self::read(by, if in_a_row { (before + 1).min(MOST_COUNTED) } else { 1 }, at))
    }

    /// Who must leave the seat to others, and until when. An unread seat is assumed to be nobody's habit.
    pub(super) fn left_to_others(&self, rules: HoldRules, now: Timestamp) -> Option<(UserId, Timestamp)> {
        // Asked as a bound, which an unread seat can answer: most seats were never let go.
        if self.times.at_most(rules.max_holds_in_a_row - 1) {
            return None;
        }
        let (by, at) = self.last?;
        let until = at + span(rules.seat_pause);
        (now < until).then_some((by, until))
    }

    /// A bound of the times: what was read, or else what [`LetGo::left_to_others`] assumes.
    pub(super) fn at_most(&self, rules: HoldRules) -> u32 {
        self.times.value().copied().unwrap_or(rules.max_holds_in_a_row - 1)
    }
}

/// The statement that takes seats states how often they were let go at most.
pub(super) fn strike(assumed: &mut Assumed, is_taken: impl Fn(Key) -> bool, at_most: u32) {
    assumed.strike(TIMES, |seat, test| is_taken(seat) && test == Test::AtMost(Value::Number(at_most.into())));
}
