//! Facts: fields of rows that rules may ask about without their having been read.
//!
//! A batch may run over rows that were not read (`Batch::assume`). An unknown field of such a row is an unread
//! [`Fact`]. A rule may ask a fact whether it is at least, at most, or equal to a value. A fact that was read answers.
//! An unread one answers yes and records the question as an assumption, which the script must state as a guard. Any
//! other question to an unread fact sends the batch to be locked. So each rule is written once, and a missing guard
//! costs speed, never correctness.

mod value;

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::{HashMap, HashSet};
use uuid::Uuid;

pub(crate) use self::value::Value;
use crate::error::Error;
use crate::id::{ConcertId, SaleId, SeatNumber, UserId};

/// Names what a fact is about: a column, or what is counted over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column(pub(crate) &'static str);

/// Names the row that a fact is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(Uuid, Within);

/// What tells the rows of one id apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Within {
    Nothing,
    Seat(SeatNumber),
    Sale(SaleId),
    Concert(ConcertId),
}

impl Key {
    pub(crate) const fn row(id: Uuid) -> Self {
        Self(id, Within::Nothing)
    }

    pub(crate) const fn seat(concert: Uuid, seat: SeatNumber) -> Self {
        Self(concert, Within::Seat(seat))
    }

    /// What a user has in a sale.
    pub(crate) const fn in_sale(user: UserId, sale: SaleId) -> Self {
        Self(user.as_uuid(), Within::Sale(sale))
    }

    /// What a user has of a concert.
    pub(crate) const fn in_concert(user: UserId, concert: ConcertId) -> Self {
        Self(user.as_uuid(), Within::Concert(concert))
    }

    pub(crate) const fn id(self) -> Uuid {
        self.0
    }

    /// The concert of which a user has something.
    #[cfg(test)]
    pub(crate) const fn concert(self) -> Option<ConcertId> {
        match self.1 {
            Within::Concert(concert) => Some(concert),
            Within::Nothing | Within::Seat(_) | Within::Sale(_) => None,
        }
    }

    /// The sale that the row is of; the default one where the key names none.
    pub(crate) const fn sale(self) -> SaleId {
        match self.1 {
            Within::Sale(sale) => sale,
            Within::Nothing | Within::Seat(_) | Within::Concert(_) => SaleId::DEFAULT,
        }
    }
}

/// A question to which an unread fact answered yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    AtLeast(Value),
    AtMost(Value),
    Equals(Value),
}

/// One assumption of a batch.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assumption {
    pub(crate) about: Column,
    pub(crate) of: Key,
    pub(crate) test: Test,
}

/// Collects what is assumed while a batch is decided.
#[derive(Clone, Default)]
pub(crate) struct Assumptions(Arc<Mutex<Assumed>>);

impl Assumptions {
    /// A fact that nobody has read.
    pub(crate) fn unread<T>(&self, about: Column, of: Key) -> Fact<T> {
        Fact(State::Unread { about, of, assumptions: self.clone() })
    }

    /// A lookup in which only `known` were read. `about` names the column of their keys.
    pub(crate) fn unread_rows<K, V>(&self, about: Column, known: HashMap<K, V>) -> Lookup<K, V> {
        Lookup { found: known, unread: Some((about, self.clone())) }
    }

    pub(crate) fn record(&self, about: Column, of: Key, test: Test) {
        self.assumed().of(about).push((of, test));
    }

    /// All assumptions so far, for the script to state.
    pub(crate) fn take(&self) -> Assumed {
        std::mem::take(&mut *self.assumed())
    }

    // A panic while it is locked leaves a list that is whole, and the batch of that panic is locked anyway.
    fn assumed(&self) -> MutexGuard<'_, Assumed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Assumptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assumptions")
    }
}

/// The assumptions of a decided batch that no guard states yet, by column: there are few columns, so a list will do.
#[derive(Debug, Default)]
pub(crate) struct Assumed(Vec<(Column, Vec<(Key, Test)>)>);

impl Assumed {
    /// Takes out all assumptions about a column, for guards to state them.
    pub(crate) fn take(&mut self, about: Column) -> Vec<(Key, Test)> {
        std::mem::take(self.of(about))
    }

    /// Puts back assumptions that no guard can state, so that the batch is locked.
    pub(crate) fn put_back(&mut self, about: Column, unstated: Vec<(Key, Test)>) {
        self.of(about).extend(unstated);
    }

    /// Removes the assumptions about a column that the changes of the script state themselves.
    pub(crate) fn strike(&mut self, about: Column, is_implied: impl Fn(Key, Test) -> bool) {
        self.of(about).retain(|(of, test)| !is_implied(*of, *test));
    }

    /// Takes out that rows are missing which the script inserts: a unique key states that they are.
    pub(crate) fn strike_missing<I: Into<Uuid>>(&mut self, about: Column, inserted: impl IntoIterator<Item = I>) {
        let inserted: HashSet<Uuid> = inserted.into_iter().map(Into::into).collect();
        self.strike(about, |of, test| test == Test::Equals(Value::Nothing) && inserted.contains(&of.id()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, tests)| tests.is_empty())
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Assumption> {
        let one = |about, &(of, test): &(Key, Test)| Assumption { about, of, test };
        self.0.iter().flat_map(move |(about, tests)| tests.iter().map(move |test| one(*about, test)))
    }

    fn of(&mut self, about: Column) -> &mut Vec<(Key, Test)> {
        let at = self.0.iter().position(|(column, _)| *column == about).unwrap_or_else(|| {
            self.0.push((about, Vec::new()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

/// A field of a row, read or unread.
#[derive(Debug, Clone)]
pub(crate) struct Fact<T>(State<T>);

#[derive(Debug, Clone)]
enum State<T> {
    Read(T),
    Unread { about: Column, of: Key, assumptions: Assumptions },
}

/// A rule needs a value that was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unread;

impl From<Unread> for Error {
    /// No caller sees it: a batch with an error is locked, and then everything is read.
    fn from(Unread: Unread) -> Self {
        Self::internal(std::io::Error::other("a rule needs a value that was not read"))
    }
}

impl<T> Fact<T> {
    pub(crate) const fn read(value: T) -> Self {
        Self(State::Read(value))
    }

    /// The value, if it was read.
    pub(crate) const fn value(&self) -> Result<&T, Unread> {
        match &self.0 {
            State::Read(value) => Ok(value),
            State::Unread { .. } => Err(Unread),
        }
    }
}

impl<T: PartialEq + Clone + Into<Value>> Fact<T> {
    /// Whether it is `value`. An unread fact has that value from then on.
    pub(crate) fn equals(&mut self, value: T) -> bool {
        match &self.0 {
            State::Read(read) => *read == value,
            State::Unread { about, of, assumptions } => {
                assumptions.record(*about, *of, Test::Equals(value.clone().into()));
                // Its value is certain now, under the guard: a later rule may ask anything of it without a second
                // guard.
                self.0 = State::Read(value);
                true
            }
        }
    }
}

impl<T: PartialOrd + Into<Value>> Fact<T> {
    pub(crate) fn at_least(&self, least: T) -> bool {
        match &self.0 {
            State::Read(read) => *read >= least,
            State::Unread { about, of, assumptions } => {
                // It stays unread: a bound is not a value, and a later question may need a tighter one.
                assumptions.record(*about, *of, Test::AtLeast(least.into()));
                true
            }
        }
    }

    pub(crate) fn at_most(&self, most: T) -> bool {
        match &self.0 {
            State::Read(read) => *read <= most,
            State::Unread { about, of, assumptions } => {
                assumptions.record(*about, *of, Test::AtMost(most.into()));
                true
            }
        }
    }
}

/// Rows by key, all of them read or only some.
#[derive(Debug, Clone)]
pub(crate) struct Lookup<K, V> {
    found: HashMap<K, V>,
    unread: Option<(Column, Assumptions)>,
}

impl<K: Eq + Hash + Copy + Into<Uuid>, V> Lookup<K, V> {
    /// Every row that is there.
    pub(crate) const fn read(found: HashMap<K, V>) -> Self {
        Self { found, unread: None }
    }

    /// The row with this key. One that was not read is assumed not to be there.
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let found = self.found.get(&key);
        // A miss is an answer, too, so it needs a guard: a missing row could have been made by another process.
        if let (None, Some((about, assumptions))) = (found, &self.unread) {
            assumptions.record(*about, Key::row(key.into()), Test::Equals(Value::Nothing));
        }
        found
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.found.get_mut(&key)
    }

    pub(crate) fn insert(&mut self, key: K, row: V) {
        self.found.insert(key, row);
    }

    /// All rows, if all were read.
    pub(crate) const fn all(&self) -> Result<&HashMap<K, V>, Unread> {
        match self.unread {
            None => Ok(&self.found),
            Some(_) => Err(Unread),
        }
    }
}

impl<K: Eq + Hash + Copy + Into<Uuid>, V> Default for Lookup<K, V> {
    fn default() -> Self {
        Self::read(HashMap::new())
    }
}

#[cfg(test)]
mod tests;
