//! `doctor`: whether the database is as a sale needs it.

use clap::Args;
use concert_core::{BoxOffice, Finding, Operator, Verdict};
use serde::Serialize;

use crate::failure::Failure;
use crate::table::{Output, Show, facts, print, table};
use crate::texts::told;

/// Check that the database, its settings and its tables are as a sale needs them, and say what to change
///
/// Reads settings and the catalogue of tables only, and works on a schema that is not migrated yet. Exits 1 if something
/// must be changed; what is only advice does not count.
#[derive(Debug, Args)]
pub struct Opts {
    /// How many servers there will be: for max_connections
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    servers: u32,
    /// In the table, leave out what is fine
    #[arg(long)]
    brief: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Examined {
    must_change: bool,
    findings: Vec<Finding>,
    #[serde(skip)]
    brief: bool,
}

impl Show for Examined {
    /// What is, in a table; below it what is not fine, with what mends it in one piece, to be copied.
    fn text(&self) -> String {
        let shown: Vec<_> = self.findings.iter().filter(|found| !self.brief || found.verdict > Verdict::Fine).collect();
        if shown.is_empty() {
            return told("all is as it should be");
        }
        let row = |found: &&Finding| [told(word(found.verdict)), found.check.to_owned(), told(&found.is)];
        let rows: Vec<_> = shown.iter().map(row).collect();
        let open = shown.iter().filter(|found| found.verdict > Verdict::Fine).map(|found| {
            let mend = found.mend.as_ref().map(|mend| ("mend it", told(mend)));
            let known = [(word(found.verdict), found.check.to_owned()), ("is", told(&found.is))];
            facts(known.into_iter().chain([("should be", told(&found.should_be))]).chain(mend))
        });
        [table(["Verdict", "Check", "Is"], &rows)].into_iter().chain(open).collect::<Vec<_>>().join("\n\n")
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fine => "fine",
        Verdict::Advice => "advice",
        Verdict::Change => "CHANGE",
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let findings = box_office.operator(Operator::application()).doctor(opts.servers).await?;
    let wrong = findings.iter().filter(|found| found.verdict == Verdict::Change).count();
    print(output, &Examined { must_change: wrong > 0, findings, brief: opts.brief })?;
    // The findings are a result in either case; scripts go by the exit code.
    if wrong == 0 { Ok(()) } else { Err(Failure::MustChange(wrong)) }
}
