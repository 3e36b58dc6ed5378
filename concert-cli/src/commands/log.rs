//! `log`: what operators did.

use clap::Args;
use concert_core::{BoxOffice, LogEntry, LogEntryId, Operator, Page, Paged};
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::table::{Output, Show, moment, print, table};

/// The most entries that it shows.
const MOST_ENTRIES: u32 = 10_000;
/// The most entries of one page.
const PAGE: u32 = 100;

/// Show what operators did, whichever way: the newest act first
#[derive(Debug, Args)]
pub struct Opts {
    /// How many acts to show
    #[arg(long, value_name = "COUNT", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ENTRIES)))]
    limit: u32,
    /// Begin after this act: the entry id of the last one shown before
    #[arg(long, value_name = "ENTRY_ID")]
    starting_after: Option<LogEntryId>,
}

/// In the form of `GET /api/v1/admin/log`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    data: Vec<LogEntry>,
    has_more: bool,
}

impl Show for Log {
    fn text(&self) -> String {
        // As it is stored: what an act has changed differs from act to act.
        let state = |state: &Option<Value>| state.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
        let rows: Vec<_> = self
            .data
            .iter()
            .map(|entry| {
                let subject = entry.subject_id.map_or_else(String::new, |id| format!(" {id}"));
                [
                    moment(entry.at),
                    entry.by.clone(),
                    entry.act.clone(),
                    entry.subject.clone() + &subject,
                    state(&entry.before),
                    state(&entry.after),
                ]
            })
            .collect();
        table(["When", "Who", "What", "To what", "Before", "After"], &rows)
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let reader = box_office.operator(Operator::application());
    let mut log = Log { data: Vec::new(), has_more: true };
    let mut after = opts.starting_after;
    while log.has_more && log.data.len() < opts.limit as usize {
        let limit = PAGE.min(opts.limit - log.data.len() as u32);
        let Paged { data, has_more, .. } = reader.log(Page::new(Some(limit), after)?).await?;
        log.data.extend(data);
        log.has_more = has_more;
        after = log.data.last().map(|entry| entry.id);
    }
    print(output, &log)
}
