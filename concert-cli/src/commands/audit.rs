//! `audit`: checks the invariants on the live database.

use clap::Args;
use concert_core::{BoxOffice, Operator, Violation};
use serde::Serialize;

use crate::failure::Failure;
use crate::progress;
use crate::table::{Output, Show, print, table, word};
use crate::texts::told;

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
            return word("all invariants hold");
        }
        let rows: Vec<_> = self
            .violations
            .iter()
            .map(|violation| [violation.invariant.to_string(), told(violation.what), violation.row.clone()])
            .collect();
        table(["Invariant", "What is wrong", "Row"], &rows)
    }
}

pub async fn run(_opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    // How many checks there are is told with the first of them.
    let bar = progress::bar(0);
    bar.set_message(told("checks"));
    let progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let violations = box_office.operator(Operator::application()).audit_with_progress(progress).await?;
    bar.finish_and_clear();
    let audited = Audited { violations };
    // Printed before it fails, since the rows are what somebody needs now.
    print(output, &audited)?;
    match audited.violations.len() {
        0 => Ok(()),
        count => Err(Failure::Violations(count)),
    }
}
