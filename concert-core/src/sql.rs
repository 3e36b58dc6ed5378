//! How batches travel into SQL: as scripts, several statements in one round trip.
//!
//! A round trip costs about as much as a short statement, so a batch makes one to lock its rows (two where the keys of the
//! second are in the rows of the first) and one to write and commit. A text that differs each time cannot be prepared, so
//! its parameters are literals, written from typed values alone: ids and text as hexadecimal digits, so that nothing that
//! a client sent is ever quoted.
//!
//! The index is named wherever rows are locked: on a small table a server would rather lock all of it.

mod guard;
mod read;
mod result;
mod script;
mod template;
mod writer;

use std::collections::BTreeMap;

pub(crate) use self::read::{execute, fetch, fetch_all, fetch_one, fetch_optional};
pub(crate) use self::result::{Reading, ResultSet};
pub(crate) use self::script::Script;
#[cfg(any(test, feature = "internals"))]
pub(crate) use self::template::Statement;
pub(crate) use self::template::{Part, RowValues, SqlInsert, SqlTemplate, statements};
#[cfg(test)]
pub(crate) use self::writer::literal;
pub(crate) use self::writer::{ByKey, Keyword, Pair, SqlSlot, SqlValue, Text, Written};

/// The longest list in one statement. MariaDB turns an `in` of a thousand values and more into a join.
pub(crate) const MAX_LIST: usize = 256;

/// Keys by the value that they are to get.
pub(crate) fn grouped<V: Ord, K>(pairs: impl IntoIterator<Item = (V, K)>) -> BTreeMap<V, Vec<K>> {
    let mut groups: BTreeMap<V, Vec<K>> = BTreeMap::new();
    for (value, key) in pairs {
        groups.entry(value).or_default().push(key);
    }
    groups
}

#[cfg(test)]
mod tests;
