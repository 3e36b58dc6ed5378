//! How batches travel into SQL: as lists of parameters, in few sizes, so that the server plans a handful of texts once
//! and for all.
//!
//! Keys are looked up with `in (?, ..)`, filled up to a power of two by repeating the last one. Rows are added with
//! `values (..), ..`, which must not repeat, in pieces of few sizes.
//!
//! The index is named wherever rows are locked: on a small table a server would rather lock all of it.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::mysql::{MySqlArguments, MySqlQueryResult, MySqlRow};
use sqlx::{AssertSqlSafe, Encode, MySql, MySqlConnection, Type};

use crate::batch::{Failure, MAX_BATCH};

/// The longest list in one statement.
pub(crate) const MAX_LIST: usize = MAX_BATCH;
/// Inserts come in multiples of this, and a rest.
const PIECE: usize = 16;

pub(crate) type Query<'q> = sqlx::query::Query<'q, MySql, MySqlArguments>;

/// The text of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Statement {
    /// As it stands.
    Fixed(&'static str),
    /// With a list in it.
    Listed(&'static Listed),
}

/// A statement over a list: each `{}` in the text is one, `row` is one of its elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed {
    pub(crate) text: &'static str,
    pub(crate) row: &'static str,
}

impl Listed {
    /// A statement whose list is of single values.
    pub(crate) const fn of_keys(text: &'static str) -> Self {
        Self { text, row: "?" }
    }

    /// The text for a list of `length`.
    pub(crate) fn text(&self, length: usize) -> AssertSqlSafe<String> {
        let list = vec![self.row; length].join(",");
        let text = self.text.split("{}").collect::<Vec<_>>().join(&list);
        // Made of constants alone.
        AssertSqlSafe(text)
    }
}

/// What rows are found by.
pub(crate) trait Key: Copy + Ord + Send + for<'q> Encode<'q, MySql> + Type<MySql> + 'static {}

impl<K: Copy + Ord + Send + for<'q> Encode<'q, MySql> + Type<MySql> + 'static> Key for K {}

/// Keys in the order that everyone locks them in, each once, in lists of few lengths: the last is repeated as needed.
pub(crate) fn key_lists<K: Copy + Ord>(mut keys: Vec<K>) -> impl Iterator<Item = Vec<K>> {
    keys.sort_unstable();
    keys.dedup();
    let mut from = 0;
    std::iter::from_fn(move || {
        let list = &keys[from..keys.len().min(from + MAX_LIST)];
        let last = *list.last()?;
        from += list.len();
        let mut list = list.to_vec();
        list.resize(list.len().next_power_of_two(), last);
        Some(list)
    })
}

/// Keys by the value that they are to get.
pub(crate) fn grouped<V: Ord, K>(pairs: impl IntoIterator<Item = (V, K)>) -> BTreeMap<V, Vec<K>> {
    let mut groups: BTreeMap<V, Vec<K>> = BTreeMap::new();
    for (value, key) in pairs {
        groups.entry(value).or_default().push(key);
    }
    groups
}

/// Binds a whole list.
pub(crate) fn bind_list<'q, K>(query: Query<'q>, list: Vec<K>) -> Query<'q>
where
    K: Encode<'q, MySql> + Type<MySql> + 'q,
{
    list.into_iter().fold(query, Query::bind)
}

/// Selects the rows of `keys`; `bind` binds what stands before the list.
pub(crate) async fn select_all<K: Key>(
    connection: &mut MySqlConnection,
    statement: &Listed,
    bind: impl Fn(Query<'static>) -> Query<'static> + Send,
    keys: Vec<K>,
) -> Result<Vec<MySqlRow>, Failure> {
    let mut rows = Vec::with_capacity(keys.len());
    for list in key_lists(keys) {
        let query = bind_list(bind(sqlx::query(statement.text(list.len()))), list);
        rows.append(&mut query.fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

/// Updates the rows of `keys`, so many for each; `bind` binds what stands before the list.
pub(crate) async fn update_all<K: Key>(
    connection: &mut MySqlConnection,
    statement: &Listed,
    bind: impl Fn(Query<'static>) -> Query<'static> + Send,
    keys: Vec<K>,
    rows_each: usize,
    act: &'static str,
) -> Result<(), Failure> {
    for list in key_lists(keys) {
        let expected = rows_each * different(&list);
        let query = bind_list(bind(sqlx::query(statement.text(list.len()))), list);
        expect_rows(&query.execute(&mut *connection).await?, expected, act)?;
    }
    Ok(())
}

/// How many different keys a list has.
pub(crate) fn different<K: PartialEq>(list: &[K]) -> usize {
    list.iter().zip(list.iter().skip(1)).filter(|(key, next)| key != next).count() + usize::from(!list.is_empty())
}

/// Rows to add, in pieces of few sizes.
pub(crate) fn pieces<R>(rows: &[R]) -> impl Iterator<Item = &[R]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = match rest.len() {
            0 => return None,
            few @ 1..PIECE => few,
            many => (many - many % PIECE).min(MAX_LIST),
        };
        let (piece, after) = rest.split_at(size);
        rest = after;
        Some(piece)
    })
}

/// Numbers as the one JSON parameter of a statement: for lists of any length.
pub(crate) fn json<T: Serialize>(rows: &[T]) -> Result<String, Failure> {
    serde_json::to_string(rows).map_err(|error| Failure::Fatal(sqlx::Error::Encode(Box::new(error))))
}

/// Checks that a statement hit exactly the rows it is about. If not, its guard did not hold although the rows were
/// locked (a certification conflict on a cluster, for one): the batch rolls back and runs again.
pub(crate) fn expect_rows(result: &MySqlQueryResult, expected: usize, act: &'static str) -> Result<(), Failure> {
    let found = result.rows_affected();
    if found == expected as u64 { Ok(()) } else { Err(Failure::Guard { act, expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_order_once_and_in_few_lengths() {
        let lists: Vec<_> = key_lists(vec![3, 1, 2, 3, 1]).collect();
        assert_eq!(lists, [vec![1, 2, 3, 3]]);
        assert_eq!(different(&lists[0]), 3);
        assert_eq!(key_lists(Vec::<u8>::new()).count(), 0);
        let lengths: Vec<_> = key_lists((0..700).collect()).map(|list| (list.len(), different(&list))).collect();
        assert_eq!(lengths, [(256, 256), (256, 256), (256, 188)]);
    }

    #[test]
    fn pieces_are_all_rows_in_their_order() {
        for (rows, sizes) in [(0, vec![]), (15, vec![15]), (16, vec![16]), (100, vec![96, 4]), (300, vec![256, 32, 12])]
        {
            let rows: Vec<_> = (0..rows).collect();
            assert_eq!(pieces(&rows).map(<[_]>::len).collect::<Vec<_>>(), sizes);
            assert_eq!(pieces(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn a_list_grows_where_its_text_says() {
        let listed = Listed { text: "insert into t (a, b) values {} on x", row: "(?,?)" };
        assert_eq!(listed.text(2).0, "insert into t (a, b) values (?,?),(?,?) on x");
        assert_eq!(Listed::of_keys("a in ({}) or b in ({})").text(1).0, "a in (?) or b in (?)");
    }
}
