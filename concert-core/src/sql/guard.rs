//! Checks within a script. If one fails, the server runs no statement after it.

use super::writer::SqlWriter;
use crate::clock::Timestamp;
use crate::db::{self, Failure};

/// The act of a script that comes to its COMMIT in time.
const IN_TIME: &str = "committing in time";

/// A check that the next statement carries.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) act: &'static str,
    /// An expression that is true if the check holds. If not, it is out of range (`exp(1000)`): the statement fails,
    /// and the server runs nothing after it, COMMIT included.
    pub(super) condition: String,
}

/// A query that is to count so many rows.
#[derive(Debug)]
pub(super) struct Required {
    pub(super) act: &'static str,
    pub(super) query: String,
    pub(super) expected: usize,
}

/// Which statement of a script carries which guard.
#[derive(Debug, Default)]
pub(super) struct PlacedGuards(Vec<(usize, &'static str)>);

impl PlacedGuards {
    pub(super) fn add(&mut self, statement: usize, act: &'static str) {
        self.0.push((statement, act));
    }

    /// Why a script fails whose statement of that number, from 0, did.
    pub(super) fn failure(&self, statement: usize, error: sqlx::Error) -> Failure {
        let mut acts = self.0.iter().filter(|(placed, _)| *placed == statement).map(|(_, act)| *act);
        // The server does not say which of several guards has failed, so the first is named.
        let Some(first) = acts.next().filter(|_| db::is_out_of_range(&error)) else {
            return error.into();
        };
        if (first == IN_TIME || acts.any(|act| act == IN_TIME)) && db::is_integer_out_of_range(&error) {
            return Failure::of_late_script();
        }
        Failure::Guard { act: first }
    }
}

/// How many rows the statement before changed.
pub(super) const CHANGED: &str = "row_count()";
/// How many rows the statement before counted and locked.
pub(super) const LOCKED: &str = "@locked";

impl Guard {
    /// That `counted` is `expected`.
    pub(super) fn equal(act: &'static str, counted: &str, expected: usize) -> Self {
        Self { act, condition: format!("exp(if({counted} = {expected}, 0, 1000))") }
    }

    /// That the server's clock is not past `latest`.
    pub(super) fn not_after(latest: Timestamp) -> Self {
        let mut literal = SqlWriter::default();
        literal.value(&latest);
        // Out of range as an integer, so that it can be told from the other guards of its statement.
        let condition = format!("9223372036854775807 + if(utc_timestamp(6) <= {}, 0, 1)", literal.into_text());
        Self { act: IN_TIME, condition }
    }
}

impl From<Required> for Guard {
    fn from(Required { act, query, expected }: Required) -> Self {
        Self::equal(act, &query, expected)
    }
}

/// One condition of several.
pub(super) fn all(guards: &[Guard]) -> String {
    guards.iter().map(|guard| guard.condition.as_str()).collect::<Vec<_>>().join(" and ")
}
