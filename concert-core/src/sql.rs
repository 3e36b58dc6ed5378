//! How batches travel into SQL: as scripts, several statements in one round trip.
//!
//! A round trip costs about as much as a short statement. So a batch makes one to lock its rows, two where the keys of
//! the second are in the rows of the first, and one to write and commit. A script differs each time, so it cannot be
//! prepared: its parameters are literals, written from typed values alone. Ids and text go out as hexadecimal digits,
//! so no text of a client is ever quoted.
//!
//! Statements that lock rows name their index: on a small table a server would rather scan, and lock, all of it.

mod guard;
mod insert;
mod read;
mod result;
mod script;
mod template;
mod writer;

use std::collections::BTreeMap;

pub(crate) use self::insert::{RowValues, SqlInsert};
pub(crate) use self::read::{Source, execute, fetch_all, fetch_each, fetch_one, fetch_optional};
pub(crate) use self::result::{Reading, ResultSet};
pub(crate) use self::script::Script;
#[cfg(any(test, feature = "internals"))]
pub(crate) use self::template::Statement;
pub(crate) use self::template::{Params, Part, SqlTemplate, columns, statements};
#[cfg(test)]
pub(crate) use self::writer::literal;
pub(crate) use self::writer::{ByKey, Bytes, Keyword, Pair, SqlSlot, SqlValue, Text, Written};

/// The longest list in one statement. MariaDB turns an `in` of a thousand values and more into a join.
pub(crate) const MAX_LIST: usize = 512;

/// Keys grouped by a value, for one statement per value.
pub(crate) fn grouped<V: Ord, K>(pairs: impl IntoIterator<Item = (V, K)>) -> BTreeMap<V, Vec<K>> {
    let mut groups: BTreeMap<V, Vec<K>> = BTreeMap::new();
    for (value, key) in pairs {
        groups.entry(value).or_default().push(key);
    }
    groups
}

#[cfg(test)]
mod tests;
