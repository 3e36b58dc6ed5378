//! `rerank`: one pass of the queue, now.

use clap::Args;
use concert_core::{BoxOffice, Operator, RerankReport};
use serde::Serialize;

use crate::failure::Failure;
use crate::table::{Output, Show, facts, print};

/// End the turns that are over and let in the head of the queue, now
///
/// The server does so every ten seconds. A user who claims the turn within --claim-window has it for --active-ttl from
/// then.
#[derive(Debug, Args)]
pub struct Opts {
    /// Only show what it would do
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reranked {
    dry_run: bool,
    #[serde(flatten)]
    report: RerankReport,
}

impl Show for Reranked {
    fn text(&self) -> String {
        let (expired, admitted) = (self.report.expired.to_string(), self.report.admitted.to_string());
        let no_shows = self.report.no_shows.to_string();
        if self.dry_run {
            facts([("tokens to end", expired), ("of these no-shows", no_shows), ("tokens to let in", admitted)])
        } else {
            facts([("tokens ended", expired), ("of these no-shows", no_shows), ("tokens let in", admitted)])
        }
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let back_office = box_office.operator(Operator::application());
    let report = if opts.dry_run { back_office.preview_rerank().await? } else { box_office.rerank_queue().await? };
    print(output, &Reranked { dry_run: opts.dry_run, report })
}
