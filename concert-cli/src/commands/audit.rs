//! `audit`: checks the invariants on the live database.

use clap::Args;
use concert_core::{BoxOffice, Operator, Violation};
use serde::Serialize;

use crate::failure::Failure;
use crate::table::{Output, Show, print, table};

/// Check that the invariants hold in the database
///
/// Reads everything, on one snapshot, so that a sale in progress does not disturb it. Exits 1 and shows the offending
/// rows (100 per check at most) if something is wrong.
#[derive(Debug, Args)]
pub struct Opts {}

#[derive(Serialize)]
struct Audited {
    violations: Vec<Violation>,
}

impl Show for Audited {
    fn text(&self) -> String {
        if self.violations.is_empty() {
            return "all invariants hold".to_owned();
        }
        let rows: Vec<_> = self
            .violations
            .iter()
            .map(|violation| [violation.invariant.to_string(), violation.what.to_owned(), violation.row.clone()])
            .collect();
        table(["Invariant", "What is wrong", "Row"], &rows)
    }
}

pub async fn run(_opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let audited = Audited { violations: box_office.operator(Operator::application()).audit().await? };
    print(output, &audited)?;
    match audited.violations.len() {
        0 => Ok(()),
        count => Err(Failure::Violations(count)),
    }
}
