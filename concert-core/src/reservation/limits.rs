//! How many seats one user may have of a concert or of a sale, held and sold together. The rule stands here once: for
//! holds, and for whatever else gives seats to a user.
//!
//! Seats are added to a user under the lock of the user's row, where a limit is set: a turn would do for holds, but desk
//! and moves have none. Whoever adds seats also writes that row, and counts again at the end of the same script. So two
//! transactions that add to one user exclude each other, on the nodes of a cluster as well, and what was assumed of the
//! count is stated.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use sqlx::{MySqlConnection, Row as _};

use super::Command;
use super::layout::Concert;
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::error::Error;
use crate::fact::{Assumed, Assumptions, Column, Fact, Key, Test, Unread, Value};
use crate::id::{ConcertId, SaleId, UserId};
use crate::sql::{MAX_LIST, Reading, ResultSet, Script, statements};

/// A seat that a user has: sold, or held in time.
macro_rules! taken {
    ($($which:tt)+) => {
        concat!(
            "reservations force index (reservations_user_deadline) where ", $($which)+,
            "user_id in ({users}) and (status = 'CONFIRMED' or ", $crate::reservation::unpaid!(""), ")"
        )
    };
}

pub(super) use taken;

/// Out of range for a user who has more than the limit; selects nothing otherwise.
macro_rules! too_many {
    ($of:literal) => {
        concat!(
            "select user_id from ",
            taken!("{guard}", $of, " and "),
            " group by user_id having exp(if(count(*) > {most}, 1000, 0)) = 0"
        )
    };
}

statements! {
    /// Last in the global order of locks.
    LOCK_USERS { "select id from users force index (primary) where id in ({users}) for update" }
    /// A statement of its own, after the lock: it sees everything that was committed until then.
    TAKEN { concat!("select user_id, concert_id, sale_id from ", taken!("")) }
    ADD { "update users force index (primary) set seats_added = seats_added + 1 where {guard}id in ({users})" }
    TOO_MANY_OF_CONCERT { too_many!("concert_id = {concert}") }
    TOO_MANY_OF_SALE { too_many!("sale_id = {sale}") }
}

/// How many seats a user has of a concert or a sale.
const TAKEN_SEATS: Column = Column("reservations held or sold");

/// What a limit is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum LimitOf {
    Concert(ConcertId),
    Sale(SaleId),
}

impl LimitOf {
    const fn name(self) -> &'static str {
        match self {
            Self::Concert(_) => "concert",
            Self::Sale(_) => "sale",
        }
    }

    /// Names what a user has of it.
    const fn key(self, user: UserId) -> Key {
        match self {
            Self::Concert(concert) => Key::in_concert(user, concert),
            Self::Sale(sale) => Key::in_sale(user, sale),
        }
    }
}

/// The most seats that one user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeatLimit {
    pub(crate) of: LimitOf,
    pub(crate) most: u32,
}

impl Concert {
    /// The limits for its seats, the concert's own first.
    pub(crate) fn limits(&self, id: ConcertId) -> impl Iterator<Item = SeatLimit> + use<> {
        let (of_concert, of_sale) = (LimitOf::Concert(id), LimitOf::Sale(self.sale));
        let own = self.max_seats_per_user.map(|most| SeatLimit { of: of_concert, most });
        own.into_iter().chain(self.max_seats_of_sale.map(|most| SeatLimit { of: of_sale, most }))
    }
}

/// Whose seats of what are counted.
pub(crate) type Asked = Vec<(UserId, LimitOf)>;

/// What commands need to know: of each user who wants seats, what is limited of them.
pub(crate) fn asked(commands: &[Command], concerts: &HashMap<ConcertId, Concert>) -> Asked {
    let mut asked = Asked::new();
    for command in commands {
        if let Command::Hold { caller, concert, .. } = command
            && let Some(row) = concerts.get(concert)
        {
            asked.extend(row.limits(*concert).map(|limit| (caller.user, limit.of)));
        }
    }
    asked
}

/// What users have of what is limited, in the course of a batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct TakenSeats(HashMap<(UserId, LimitOf), SeatCount>);

#[derive(Debug, Clone)]
struct SeatCount {
    before: Fact<u32>,
    /// What the batch has added so far, less what it has removed.
    change: i64,
}

impl SeatCount {
    /// How many more the user may have; where nobody has counted, as many as are wanted.
    fn left(&self, most: u32, wanted: u32) -> u32 {
        let room =
            |before: u32| (i64::from(most) - i64::from(before) - self.change).clamp(0, i64::from(u32::MAX)) as u32;
        match self.before.value() {
            Ok(before) => room(*before),
            // As a bound of what was there before: with no more than that, all that is wanted fits.
            Err(Unread) if room(0) >= wanted && self.before.at_most(room(wanted)) => wanted,
            Err(Unread) => room(0),
        }
    }
}

impl TakenSeats {
    /// Nobody has counted what this user has.
    pub(super) fn assume(&mut self, assumptions: &Assumptions, user: UserId, of: LimitOf) {
        let unread = || SeatCount { before: assumptions.unread(TAKEN_SEATS, of.key(user)), change: 0 };
        self.0.entry((user, of)).or_insert_with(unread);
    }

    /// Locks the rows of users, then counts. All other rows are locked before.
    pub(crate) async fn lock(connection: &mut MySqlConnection, asked: &Asked, now: Timestamp) -> Result<Self, Failure> {
        // Without a limit nobody's row is locked.
        if asked.is_empty() {
            return Ok(Self::default());
        }
        let mut script = Script::default();
        script.select_keys(&LOCK_USERS, users_of(asked), |params, users| params.list("users", users));
        let counted = select(&mut script, asked, now);
        Self::read(&script.run(connection).await?, &counted, asked)
    }

    pub(super) fn read(selected: &ResultSet, counted: &Reading, asked: &Asked) -> Result<Self, Failure> {
        let mut counts: HashMap<_, u32> = asked.iter().map(|asked| (*asked, 0)).collect();
        for row in selected.rows(counted) {
            let user = row.try_get("user_id")?;
            let of = [LimitOf::Concert(row.try_get("concert_id")?), LimitOf::Sale(row.try_get("sale_id")?)];
            // A seat counts for its concert and for its sale, as far as these are asked about.
            for of in of {
                counts.entry((user, of)).and_modify(|count| *count += 1);
            }
        }
        Ok(Self::counted(counts))
    }

    pub(crate) fn counted(counts: impl IntoIterator<Item = ((UserId, LimitOf), u32)>) -> Self {
        let read = |(asked, count)| (asked, SeatCount { before: Fact::read(count), change: 0 });
        Self(counts.into_iter().map(read).collect())
    }

    /// Refuses `more` seats for a user beyond the limit.
    pub(crate) fn require(&self, user: UserId, limit: SeatLimit, more: u32) -> Result<(), Error> {
        let SeatLimit { of, most } = limit;
        let left = self.0.get(&(user, of)).ok_or(Unread)?.left(most, more);
        if left < more { Err(Error::SeatLimit { of: of.name(), limit: most, left }) } else { Ok(()) }
    }

    pub(crate) fn add(&mut self, user: UserId, of: LimitOf, more: u32) {
        if let Some(count) = self.0.get_mut(&(user, of)) {
            count.change += i64::from(more);
        }
    }

    /// A seat of the concert is the user's no more.
    pub(crate) fn remove_one(&mut self, user: UserId, concert: ConcertId, sale: SaleId) {
        for of in [LimitOf::Concert(concert), LimitOf::Sale(sale)] {
            if let Some(count) = self.0.get_mut(&(user, of)) {
                count.change -= 1;
            }
        }
    }
}

/// What a batch adds to users, as far as it is limited.
#[derive(Debug, Default)]
pub(crate) struct AddedSeats(BTreeMap<SeatLimit, BTreeMap<UserId, u32>>);

impl AddedSeats {
    pub(crate) fn add(&mut self, user: UserId, limit: SeatLimit, more: u32) {
        *self.0.entry(limit).or_default().entry(user).or_default() += more;
    }

    /// States that the limits hold, after the seats have been added. What was assumed of the counts is stated by it.
    pub(crate) fn write(&self, script: &mut Script, now: Timestamp) {
        let users: Vec<_> = self.0.values().flat_map(BTreeMap::keys).copied().collect();
        script.change_keys("adding seats to users", 1, &ADD, users, |params, users| params.list("users", users));
        for (SeatLimit { of, most }, users) in &self.0 {
            let users: Vec<_> = users.keys().collect();
            for users in users.chunks(MAX_LIST) {
                match of {
                    LimitOf::Concert(concert) => script.abort_if("counting seats", &TOO_MANY_OF_CONCERT, |params| {
                        params.bind("concert", concert).list("users", users).bind("now", now).bind("most", *most)
                    }),
                    LimitOf::Sale(sale) => script.abort_if("counting seats", &TOO_MANY_OF_SALE, |params| {
                        params.bind("sale", sale).list("users", users).bind("now", now).bind("most", *most)
                    }),
                }
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (UserId, SeatLimit)> {
        self.0.iter().flat_map(|(limit, users)| users.keys().map(|user| (*user, *limit)))
    }

    /// [`AddedSeats::write`] states what was assumed: that users had so few seats before that the limits hold after it.
    pub(super) fn strike(&self, assumed: &mut Assumed) {
        let bounds: HashMap<_, _> = self
            .0
            .iter()
            .flat_map(|(limit, users)| users.iter().map(move |(user, more)| ((*user, limit), more)))
            // The statement counts afterwards: at most `most` then means at most `most - more` before.
            .map(|((user, limit), more)| (limit.of.key(user), limit.most.saturating_sub(*more)))
            .collect();
        assumed.strike(TAKEN_SEATS, |of, test| match (bounds.get(&of), test) {
            (Some(bound), Test::AtMost(Value::Number(most))) => most >= u64::from(*bound),
            _ => false,
        });
    }
}

/// Counts, locking nothing.
pub(super) fn select(script: &mut Script, asked: &Asked, now: Timestamp) -> Reading {
    script.select_keys(&TAKEN, users_of(asked), |params, users| params.list("users", users).bind("now", now))
}

fn users_of(asked: &Asked) -> Vec<UserId> {
    asked.iter().map(|(user, _)| *user).collect()
}
