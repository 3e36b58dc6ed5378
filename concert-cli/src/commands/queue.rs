//! `queue`: changes the queue's settings, live, for all processes.

use clap::{Args, Subcommand};
use concert_core::{Admission, AdmissionChange, BoxOffice, Operator, PerMinute, QueueChange};
use serde::Serialize;

use super::operator::By;
use super::sale::OfSale;
use super::verify_draw;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, table, word};
use crate::texts::told;

/// The most changes that `log` shows.
const MOST_CHANGES: u32 = 10_000;

/// Pause, resume or pace the queue of a sale for all servers at once, or show who did so
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Let nobody in: new users wait, ACTIVE users stay ACTIVE
    Pause(Switch),
    /// Let users in again
    Resume(Switch),
    /// Set how many are let in
    Set(Set),
    VerifyDraw(verify_draw::Opts),
    /// Show who changed what, and when: the newest change first
    Log {
        /// How many changes to show
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CHANGES)))]
        limit: u32,
        #[command(flatten)]
        of: OfSale,
    },
}

#[derive(Debug, Args)]
struct Switch {
    #[command(flatten)]
    of: OfSale,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, Args)]
struct Set {
    /// The cap on ACTIVE tokens
    #[arg(long, value_name = "COUNT")]
    max_active: Option<u32>,
    /// The most users to let in within any 60 seconds, or `none`
    #[arg(long, value_name = "COUNT", value_parser = per_minute)]
    per_minute: Option<PerMinute>,
    #[command(flatten)]
    of: OfSale,
    #[command(flatten)]
    by: By,
}

impl Set {
    fn change(&self) -> AdmissionChange {
        let change =
            self.max_active.map_or_else(AdmissionChange::new, |most| AdmissionChange::new().with_max_active(most));
        self.per_minute.map_or(change, |limit| change.with_per_minute(limit))
    }
}

pub fn per_minute(text: &str) -> Result<PerMinute, String> {
    match text {
        "none" => Ok(PerMinute::Unlimited),
        count => count.parse().map(PerMinute::AtMost).map_err(|_| "must be a number or none".to_owned()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    changed: bool,
    #[serde(flatten)]
    admission: Admission,
}

impl Show for Settings {
    fn text(&self) -> String {
        let Admission { paused, max_active, per_minute, .. } = self.admission;
        facts([
            ("changed", word(if self.changed { "yes" } else { "no, it was so" })),
            ("paused", word(if paused { "yes" } else { "no" })),
            ("max active", max_active.to_string()),
            ("per minute", per_minute.map_or_else(|| word("no limit"), |limit| limit.to_string())),
        ])
    }
}

#[derive(Serialize)]
struct Log {
    changes: Vec<QueueChange>,
}

impl Show for Log {
    fn text(&self) -> String {
        let rows: Vec<_> = self
            .changes
            .iter()
            .map(|QueueChange { at, by, setting, was, becomes, .. }| {
                [moment(*at), by.clone(), told(setting), value(was), value(becomes)]
            })
            .collect();
        table(["When", "Who", "What", "Was", "Became"], &rows)
    }
}

/// A value of a setting. A name, which may read like a sentence, is nobody's to translate.
fn value(text: &str) -> String {
    if ["yes", "no", "none"].contains(&text) { told(text) } else { text.to_owned() }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let reader = box_office.operator(Operator::application());
    let (sale, changed) = match &opts.action {
        Action::Pause(Switch { of, by }) | Action::Resume(Switch { of, by }) => {
            let (sale, paused) = (of.find(box_office).await?, matches!(opts.action, Action::Pause(_)));
            (sale, box_office.operator(by.operator()?).set_paused_in(sale, paused).await?)
        }
        Action::Set(set) => {
            let sale = set.of.find(box_office).await?;
            (sale, box_office.operator(set.by.operator()?).set_admission_in(sale, set.change()).await?)
        }
        Action::VerifyDraw(opts) => return verify_draw::run(opts, box_office, output).await,
        Action::Log { limit, of } => {
            let changes = reader.queue_log_in(of.find(box_office).await?, *limit).await?;
            return print(output, &Log { changes });
        }
    };
    // Read after the act: what is shown is what counts, whoever else has changed something.
    let admission = reader.queue_figures_in(sale).await?.admission;
    print(output, &Settings { changed, admission })
}
