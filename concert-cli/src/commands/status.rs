//! `status`: the figures of the sale.

use std::time::Duration;

use clap::Args;
use concert_core::{BoxOffice, Figures, Operator, SaleFigures};

use crate::failure::Failure;
use crate::table::{Output, Show, clear_screen, print, table};

/// The longest pause of `--watch`, in seconds: a day.
const LONGEST_PAUSE: u64 = 24 * 60 * 60;

/// Show the queue, the seats of each concert, the holds and the revenue
#[derive(Debug, Args)]
pub struct Opts {
    /// Repeat every this many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
        value_parser = seconds)]
    watch: Option<u64>,
}

fn seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=LONGEST_PAUSE).contains(seconds));
    seconds.ok_or_else(|| {
        format!(
            "it takes a number of seconds from 1 to {LONGEST_PAUSE}, as in --watch=5; --watch alone is every 2 seconds"
        )
    })
}

impl Opts {
    pub const fn runs_until_interrupted(&self) -> bool {
        self.watch.is_some()
    }
}

impl Show for Figures {
    fn text(&self) -> String {
        let queue = table(
            [
                "Active",
                "At most",
                "Per minute",
                "Paused",
                "Waiting",
                "Seen",
                "Unseen",
                "Joined so far",
                "Let in so far",
                "No-shows",
                "Let in per s",
            ],
            &[[
                self.queue.active.to_string(),
                self.queue.admission.max_active.to_string(),
                self.queue.admission.per_minute.map_or_else(|| "-".to_owned(), |limit| limit.to_string()),
                if self.queue.admission.paused { "yes" } else { "no" }.to_owned(),
                self.queue.waiting.to_string(),
                self.queue.seen.to_string(),
                self.queue.unseen.to_string(),
                self.queue.joined.to_string(),
                self.queue.admitted.to_string(),
                self.queue.no_shows.to_string(),
                self.queue.admitted_per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}")),
            ]],
        );
        let of_sale = |sale: &SaleFigures| {
            let queue = &sale.queue;
            [
                sale.name.clone(),
                sale.phase.as_str().to_owned(),
                queue.waiting.to_string(),
                queue.active.to_string(),
                queue.admission.max_active.to_string(),
                if queue.admission.paused { "yes" } else { "no" }.to_owned(),
                queue.joined.to_string(),
            ]
        };
        let sales: Vec<_> = self.sales.iter().map(of_sale).collect();
        let sales = match sales.len() {
            0 => String::new(),
            _ => table(["Sale", "Phase", "Waiting", "Active", "At most", "Paused", "Joined"], &sales) + "\n",
        };
        let concerts: Vec<_> = self
            .concerts
            .iter()
            .map(|concert| {
                [
                    concert.date.to_string(),
                    concert.concert_name.clone(),
                    concert.seats.to_string(),
                    concert.free.to_string(),
                    concert.held.to_string(),
                    concert.sold.to_string(),
                    concert.blocked.to_string(),
                    concert.concert_id.to_string(),
                ]
            })
            .collect();
        let concerts = table(["Date", "Concert", "Seats", "Free", "Held", "Sold", "Blocked", "Concert id"], &concerts);
        let money = table(
            ["Holds", "Past the queue", "Payments", "Revenue", "Refunds", "Refunded"],
            &[[
                self.holds.to_string(),
                self.queue.bypassed.to_string(),
                self.payments.to_string(),
                self.revenue.normalize().to_string(),
                self.refunds.to_string(),
                self.refunded.normalize().to_string(),
            ]],
        );
        format!("{queue}\n{sales}{concerts}\n{money}")
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let back_office = box_office.operator(Operator::application());
    loop {
        let figures = back_office.figures().await?;
        let Some(pause) = opts.watch else {
            return print(output, &figures);
        };
        clear_screen(output)?;
        print(output, &figures)?;
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}
