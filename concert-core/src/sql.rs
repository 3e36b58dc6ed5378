//! How batches travel into SQL: as one JSON parameter that `JSON_TABLE` turns into rows, so that a statement has the
//! same text for one row and for two hundred.
//!
//! Two things keep the plans the same on both kinds of server. A locking read takes the batch from a derived table, since
//! MySQL refuses to lock what stands beside a table function (its error 3569). And the index is named wherever rows are
//! locked: on a small table MySQL would rather hash all of it, and lock all of it.

use serde::{Serialize, Serializer};
use sqlx::mysql::MySqlQueryResult;
use uuid::Uuid;

use crate::batch::Failure;
use crate::clock::Timestamp;

/// Rows as the JSON parameter of a statement.
pub(crate) fn json<T: Serialize>(rows: &[T]) -> Result<String, Failure> {
    serde_json::to_string(rows).map_err(|error| Failure::Fatal(sqlx::Error::Encode(Box::new(error))))
}

/// A `BINARY(16)` as `unhex()` reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hex(pub(crate) Uuid);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// A `DATETIME(6)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At(pub(crate) Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format("%Y-%m-%d %H:%M:%S%.6f"))
    }
}

/// Checks that a statement hit exactly the rows it is about. If not, its guard did not hold although the rows were
/// locked (a certification conflict on a cluster, for one): the batch rolls back and runs again.
pub(crate) fn expect_rows(result: &MySqlQueryResult, expected: usize, act: &'static str) -> Result<(), Failure> {
    let found = result.rows_affected();
    if found == expected as u64 { Ok(()) } else { Err(Failure::Guard { act, expected, found }) }
}
