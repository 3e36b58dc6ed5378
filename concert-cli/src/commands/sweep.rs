//! `sweep`: one pass of the sweep, now.

use clap::Args;
use concert_core::{BoxOffice, Operator, SweepReport};
use serde::Serialize;

use crate::failure::Failure;
use crate::table::{Output, Show, facts, print};

/// Give back the seats of holds that have lapsed, now
///
/// The server does so every minute. It only tidies up: a lapsed hold already counts as free.
#[derive(Debug, Args)]
pub struct Opts {
    /// Only show what it would do
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Swept {
    dry_run: bool,
    #[serde(flatten)]
    report: SweepReport,
}

impl Show for Swept {
    fn text(&self) -> String {
        let name = if self.dry_run { "holds to release" } else { "holds released" };
        facts([(name, self.report.released.to_string())])
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let back_office = box_office.operator(Operator::application());
    // What the server does by itself is no act of an operator: it is not in the log.
    let report = if opts.dry_run { back_office.preview_sweep().await? } else { box_office.sweep_expired().await? };
    print(output, &Swept { dry_run: opts.dry_run, report })
}
