//! No part of the API: what this repository's tests and benchmark look at. It may change with every version.

use crate::sql::{MAX_LIST, Statement};
use crate::{audit, catalog, explain, figures, payment, queue, reservation, user, wallet};

/// Every SQL statement of the library, those over a list for a short one and for the longest, for the test that prepares
/// and explains them on a real database.
pub fn statements() -> Vec<String> {
    [
        queue::STATEMENTS,
        queue::READS,
        queue::ADMISSION,
        reservation::STATEMENTS,
        wallet::STATEMENTS,
        wallet::READS,
        payment::STATEMENTS,
        payment::READS,
        payment::REFUNDS,
        user::STATEMENTS,
        catalog::STATEMENTS,
        figures::STATEMENTS,
        explain::STATEMENTS,
    ]
    .concat()
    .into_iter()
    .chain(audit::statements())
    .flat_map(|statement| match statement {
        Statement::Fixed(text) => vec![text.to_owned()],
        Statement::Listed(listed) => [1, 2, MAX_LIST].map(|length| listed.text(length)).to_vec(),
    })
    .collect()
}

/// The positions of tickets among `waiting`, from the snapshot that polls are answered from: for the benchmark that
/// measures a rank alone.
pub fn positions(waiting: impl IntoIterator<Item = u64>) -> impl Fn(u64) -> Option<u64> {
    queue::positions(waiting)
}
