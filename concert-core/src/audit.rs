//! The audit: checks the invariants on the live database.

mod doors;
mod limits;
mod payments;
mod queue;
mod seats;
mod wallets;

use serde::Serialize;
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use crate::db;
use crate::error::Error;
use crate::migrate;
use crate::queue::audit_draws;
#[cfg(any(test, feature = "internals"))]
use crate::sql::Statement;
use crate::sql::{SqlTemplate, fetch_all};

/// The most offending rows that one check shows.
const MOST_ROWS: u32 = 100;

/// What is wrong in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Violation {
    /// The number of the invariant: 1 seats, 2 payments, 3 wallets, 4 queue, 5 tables, 6 doors.
    pub invariant: u8,
    /// What does not hold.
    pub what: &'static str,
    /// The offending row: its keys and what disagrees.
    pub row: String,
}

struct Check {
    invariant: u8,
    what: &'static str,
    /// Selects one text per offending row; `limit` at most.
    statement: SqlTemplate,
}

/// Every statement, for the test that prepares and explains them.
#[cfg(any(test, feature = "internals"))]
pub(crate) fn statements() -> impl Iterator<Item = Statement> {
    checks().map(|check| Statement::Template(&check.statement))
}

const fn check(invariant: u8, what: &'static str, select: &'static str) -> Check {
    Check { invariant, what, statement: SqlTemplate::new(select, None) }
}

/// All of them, each kind in a file of its own. A join names its index, and the table before it is read in full: on tables
/// that have just been filled the server has no statistics yet, and would rather compare every row with every other.
fn checks() -> impl Iterator<Item = &'static Check> {
    let kinds =
        [seats::CHECKS, limits::CHECKS, payments::CHECKS, wallets::CHECKS, queue::CHECKS, doors::CHECKS, TABLES];
    kinds.into_iter().flatten()
}

const TABLES: &[Check] =
    &[Check { invariant: 5, what: "a table is in another engine than InnoDB", statement: migrate::OTHER_ENGINES }];

/// Runs every check on one snapshot of the database, so that a sale in progress does not disturb it. `progress` gets how
/// many checks are done, and how many there are.
pub(crate) async fn audit(pool: &MySqlPool, mut progress: impl FnMut(usize, usize)) -> Result<Vec<Violation>, Error> {
    let mut connection = db::unhurried_connection(pool).await?;
    // Checks compare tables with each other. What sells while they run must not look like a difference.
    db::start_snapshot(&mut connection).await.map_err(db::to_error)?;
    let mut violations = Vec::new();
    for (done, check) in checks().enumerate() {
        progress(done, checks().count());
        let rows = fetch_all(&mut connection, &check.statement, |params| params.bind("limit", MOST_ROWS)).await;
        let rows = rows.map_err(db::to_error)?;
        for row in rows {
            let row: String = row.try_get(0).map_err(db::to_error)?;
            let row = with_hyphens(&row);
            violations.push(Violation { invariant: check.invariant, what: check.what, row });
        }
    }
    let draws = audit_draws(&mut connection).await.map_err(db::to_error)?;
    let what = "a draw is not that of its tokens";
    violations.extend(draws.into_iter().map(|row| Violation { invariant: 4, what, row }));
    progress(checks().count(), checks().count());
    db::close(connection).await;
    Ok(violations)
}

/// How many digits an id has.
const ID_DIGITS: usize = 32;

/// The text with its ids in the form that everything takes that asks for one. The database writes them as digits in a
/// row, in capitals.
fn with_hyphens(text: &str) -> String {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    let (mut written, mut rest) = (String::with_capacity(text.len() + 4), text);
    while let Some(start) = rest.bytes().position(|byte| is_digit(&byte)) {
        let end = start + rest.bytes().skip(start).take_while(u8::is_ascii_alphanumeric).count();
        let word = &rest[start..end];
        written.push_str(&rest[..start]);
        // Names and references stand in the text as well, and may have as many digits in a longer word.
        let stands_alone = !rest[..start].ends_with(|before: char| before.is_ascii_alphanumeric());
        match Uuid::try_parse(word) {
            Ok(id) if stands_alone && word.len() == ID_DIGITS && word.bytes().all(|byte| is_digit(&byte)) => {
                written.push_str(&id.hyphenated().to_string());
            }
            _ => written.push_str(word),
        }
        rest = &rest[end..];
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_everything_takes_them() {
        let id = "019DD2C10C5E7000800000000000000A";
        let told = "019dd2c1-0c5e-7000-8000-00000000000a";
        assert_eq!(
            with_hyphens(&format!("concert {id} seat 7: reservation {id}")),
            format!("concert {told} seat 7: reservation {told}")
        );
        for text in ["CONFIRMED 12.50", "FEED", "X019DD2C10C5E7000800000000000000A", "서울 019dd2c1", ""] {
            assert_eq!(with_hyphens(text), text);
        }
    }
}
