//! What a script has selected.

use std::ops::Range;

use sqlx::mysql::MySqlRow;

/// Which statements of a script a reading is spread over.
#[derive(Debug, Clone)]
pub(crate) struct Reading(pub(super) Range<usize>);

/// What the statements of a script have selected, and the ids that they gave out.
#[derive(Default)]
pub(crate) struct ResultSet {
    pub(super) rows: Vec<Vec<MySqlRow>>,
    pub(super) ids: Vec<u64>,
}

impl ResultSet {
    pub(crate) fn rows(&self, reading: &Reading) -> impl Iterator<Item = &MySqlRow> {
        self.rows[reading.0.clone()].iter().flatten()
    }

    /// The number that a change gave to `last_insert_id`; 0 if none did.
    pub(crate) fn id_given(&self) -> u64 {
        self.ids.iter().copied().find(|id| *id != 0).unwrap_or_default()
    }

    /// The one row of a reading.
    pub(crate) fn one(&self, reading: &Reading) -> Result<&MySqlRow, sqlx::Error> {
        self.rows(reading).next().ok_or(sqlx::Error::RowNotFound)
    }
}
