//! Expressions whose value depends on the row.

use std::fmt::Write as _;

use uuid::Uuid;

use super::{Keyword, SqlSlot, SqlValue, SqlWriter, Written};

impl SqlWriter {
    /// The id of a row, by an expression for its number from 1: a piece of one literal with the digits of all ids.
    pub(in crate::sql) fn id_of_row<'d>(&mut self, number: &str, digits: impl IntoIterator<Item = &'d str>) {
        id_of_row(&mut self.0, number, |out| out.extend(digits));
    }
}

impl SqlSlot<'_> {
    /// A value that depends on the row's key in `column`.
    pub(crate) fn case<K: SqlValue, V: SqlValue>(
        mut self,
        column: Keyword,
        arms: impl IntoIterator<Item = (K, V)>,
    ) -> Written {
        self.0.push_str("case ");
        self.0.push_str(column.0);
        for (key, value) in arms {
            self.0.push_str(" when ");
            self.inner(&key);
            self.0.push_str(" then ");
            self.inner(&value);
        }
        self.0.push_str(" end");
        Written(())
    }

    /// The same for few values, each with the keys that have it: the server searches each `in` by halves.
    fn case_of_values<K: SqlValue, V: SqlValue>(mut self, column: Keyword, values: &[(V, Vec<K>)]) -> Written {
        self.0.push_str("case");
        for (value, keys) in values {
            self.0.extend([" when ", column.0, " in "]);
            for (nth, key) in keys.iter().enumerate() {
                self.0.push(if nth == 0 { '(' } else { ',' });
                self.inner(key);
            }
            self.0.push_str(") then ");
            self.inner(value);
        }
        self.0.push_str(" end");
        Written(())
    }

    /// One of two values for rows with a key below `bound`, and for the others.
    fn below(mut self, column: Keyword, bound: &impl SqlValue, [low, high]: [&impl SqlValue; 2]) -> Written {
        self.0.extend(["if(", column.0, " < "]);
        self.inner(bound);
        self.0.push(',');
        self.inner(low);
        self.0.push(',');
        self.inner(high);
        self.0.push(')');
        Written(())
    }

    /// An id that depends on the number in `column`, of numbers that ascend: the server searches them by halves. For 256
    /// seats that takes 2 us a row less than a `case` (measured).
    pub(crate) fn id_by_number(
        self,
        column: Keyword,
        numbers: impl IntoIterator<Item = i64>,
        ids: impl IntoIterator<Item = Uuid>,
    ) -> Written {
        let mut number = format!("interval({}", column.0);
        for one in numbers {
            // Into a string: it cannot fail.
            let _ = write!(number, ",{one}");
        }
        number.push(')');
        id_of_row(self.0, &number, |out| {
            for id in ids {
                let _ = write!(out, "{}", id.as_simple());
            }
        });
        Written(())
    }
}

fn id_of_row(out: &mut String, number: &str, write_digits: impl FnOnce(&mut String)) {
    out.push_str("substr(x'");
    write_digits(out);
    out.extend(["', 16 * ", number, " - 15, 16)"]);
}

/// The most values that are written once each, with their keys. To change the balances of 256 wallets then takes 9 us each
/// for 4 amounts and 10 for 16, but 16 for 256; by halves it takes 12, and by a `case` of all keys 14 (measured).
const FEW_VALUES: usize = 16;
/// How many keys must have the same value on average, for values to be written once.
const KEYS_OF_A_VALUE: usize = 8;

/// A value for each row, by its key in a column; every row must have one of the keys. One literal where all values are
/// the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByKey<'a, K, V>(pub(crate) Keyword, pub(crate) &'a [(K, V)]);

impl<K: SqlValue + Ord, V: SqlValue + PartialEq> SqlValue for ByKey<'_, K, V> {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        let Self(column, pairs) = self;
        match by_value(pairs, (pairs.len() / KEYS_OF_A_VALUE).clamp(1, FEW_VALUES)).as_deref() {
            Some([(value, _)]) => value.write(out),
            Some(values) => out.case_of_values(*column, values),
            None => {
                let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (key, value)).collect();
                pairs.sort_unstable_by_key(|(key, _)| *key);
                ByHalves(*column, &pairs).write(out)
            }
        }
    }
}

/// The same for pairs that ascend by their keys.
struct ByHalves<'a, K, V>(Keyword, &'a [(K, V)]);

impl<K: SqlValue, V: SqlValue> SqlValue for ByHalves<'_, K, V> {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        let Self(column, pairs) = *self;
        if let [(_, value)] = pairs {
            return value.write(out);
        }
        let (low, high) = pairs.split_at(pairs.len() / 2);
        out.below(column, &high[0].0, [&ByHalves(column, low), &ByHalves(column, high)])
    }
}

/// The keys of each value; `None`: there are more than `most` values.
fn by_value<K, V: PartialEq>(pairs: &[(K, V)], most: usize) -> Option<Vec<(&V, Vec<&K>)>> {
    let mut found: Vec<(&V, Vec<&K>)> = Vec::new();
    for (key, value) in pairs {
        match found.iter().position(|(known, _)| *known == value) {
            Some(at) => found[at].1.push(key),
            None if found.len() == most => return None,
            None => found.push((value, vec![key])),
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::literal;

    #[test]
    fn a_value_by_key_is_one_literal_where_all_are_the_same_and_else_is_searched_by_halves() {
        const ID: Keyword = Keyword::new("id");
        assert_eq!(literal(ByKey(ID, &[(1, 7), (2, 7)])), "7");
        assert_eq!(literal(ByKey(ID, &[(2, 8), (1, 7)])), "if(id < 2,7,8)");
        assert_eq!(literal(ByKey(ID, &[(1, 7), (2, 8), (3, 9)])), "if(id < 2,7,if(id < 3,8,9))");
    }

    #[test]
    fn a_value_that_many_keys_have_is_written_once() {
        const ID: Keyword = Keyword::new("id");
        let pairs: Vec<_> = (1..=16).map(|key| (key, key % 2)).collect();
        let said = "case when id in (1,3,5,7,9,11,13,15) then 1 when id in (2,4,6,8,10,12,14,16) then 0 end";
        assert_eq!(literal(ByKey(ID, &pairs)), said);
        assert!(literal(ByKey(ID, &pairs[..15])).starts_with("if(id < 8,if(id < 4,"), "too few for two");
    }
}
