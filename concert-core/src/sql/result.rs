//! What a script has selected.

use std::ops::Range;

use sqlx::mysql::MySqlRow;

/// Which statements of a script a reading is spread over.
#[derive(Debug, Clone)]
pub(crate) struct Reading(pub(super) Range<usize>);

/// The rows that the statements of a script have selected.
#[derive(Default)]
pub(crate) struct ResultSet(pub(super) Vec<Vec<MySqlRow>>);

impl ResultSet {
    pub(crate) fn rows(&self, reading: &Reading) -> impl Iterator<Item = &MySqlRow> {
        self.0[reading.0.clone()].iter().flatten()
    }

    /// The row that was selected last, by any statement.
    pub(crate) fn last_row(&self) -> Result<&MySqlRow, sqlx::Error> {
        self.0.iter().flatten().next_back().ok_or(sqlx::Error::RowNotFound)
    }

    /// The one row of a reading.
    pub(crate) fn one(&self, reading: &Reading) -> Result<&MySqlRow, sqlx::Error> {
        self.rows(reading).next().ok_or(sqlx::Error::RowNotFound)
    }
}
