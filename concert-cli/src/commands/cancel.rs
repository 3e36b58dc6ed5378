//! `concert cancel`: a concert is called off, and everybody has the money back.

use clap::Args;
use concert_core::{BoxOffice, Cancellation, ConcertStatus, Reason};
use serde::Serialize;

use super::confirm::Confirm;
use super::names::ConcertRef;
use super::operator::By;
use crate::failure::Failure;
use crate::progress;
use crate::table::{Output, Show, facts, moment, note, print, word};
use crate::texts::money;

/// Call a concert off: nothing more is held or paid, every hold ends, every payment is refunded
///
/// It cannot be undone, and the first reason stays. The seats stay off sale. If this is interrupted or killed, run it again, or leave it to a running
/// server: each payment is refunded once.
#[derive(Debug, Args)]
pub struct Opts {
    /// Its name or id
    concert: ConcertRef,
    /// Why, for the record and for buyers
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    by: By,
}

/// With the fields of `GET /api/v1/admin/concerts/{concertId}/cancel`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    dry_run: bool,
    /// It was called off before this command, whose reason is not recorded.
    called_off_before: bool,
    #[serde(flatten)]
    found: Cancellation,
}

impl Show for Report {
    fn text(&self) -> String {
        let found = &self.found;
        let mut lines = vec![
            ("concert", found.concert_name.clone()),
            ("concert id", found.concert.to_string()),
            ("status", found.status.to_string()),
        ];
        lines.push(("called off before", word(if self.called_off_before { "yes" } else { "no" })));
        lines.extend(found.reason.clone().map(|reason| ("reason", reason)));
        lines.extend(found.cancelled_at.map(|at| ("called off at", moment(at))));
        lines.extend(found.cancelled_by.clone().map(|by| ("called off by", by)));
        lines.push(("payments", found.payments.to_string()));
        lines.push(("refunded", found.refunded.to_string()));
        lines.push(("amount", money(found.amount)));
        lines.push(("amount refunded", money(found.amount_refunded)));
        lines.push(("holds", found.holds.to_string()));
        lines.push(("holds released", found.holds_released.to_string()));
        let done = match (self.dry_run, found.done) {
            (true, _) => "not yet: this is a dry run",
            (false, true) => "yes",
            (false, false) => "no",
        };
        lines.push(("done", word(done)));
        facts(lines)
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let back_office = box_office.operator(opts.by.operator()?);
    let concert = opts.concert.find(box_office).await?;
    let found = back_office.cancellation(concert).await?;
    let called_off_before = found.status == ConcertStatus::Cancelled;
    if let Some(first) = found.reason.as_deref().filter(|first| *first != opts.reason.as_str()) {
        note(&format!("this concert was called off before; its reason stays {first:?}, the new one is not recorded"));
    }
    if opts.confirm.dry_run {
        return print(output, &Report { dry_run: true, called_off_before, found });
    }
    // Going on with one that was called off needs no second yes.
    if !called_off_before {
        let (name, amount) = (&found.concert_name, money(found.amount));
        let question = format!(
            "This calls {name} off for good: {} payments over {amount} go back, and {} holds end.",
            found.payments, found.holds
        );
        opts.confirm.ask(&question).await?;
    }
    let marked = back_office.cancel_concert(concert, opts.reason.clone()).await?;
    let bar = progress::bar(marked.payments);
    bar.set_message(word("refunding"));
    // Where an earlier run was broken off, part of the bar is done already.
    let before = marked.refunded;
    let found = back_office.finish_cancellation(concert, |so_far| bar.set_position(before + so_far.refunded)).await?;
    drop(bar);
    // The result first: what was refunded stays so, whatever is left to do.
    let stuck = found.stuck.clone();
    print(output, &Report { dry_run: false, called_off_before, found })?;
    match stuck.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Unfinished(format!(
            "{} payments cannot be refunded, since the wallets would pass their limit; the first is {first}. Make room \
             there, and run this again",
            stuck.len()
        ))),
    }
}
