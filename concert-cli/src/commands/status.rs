//! `status`: the figures of the sale.

use std::time::Duration;

use clap::Args;
use concert_core::{BoxOffice, ConcertFigures, Figures, Operator, QueueFigures, SaleFigures};

use crate::failure::Failure;
use crate::table::{Output, Show, clear_screen, day, print, table, word};
use crate::texts::money;

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
        let sales = if self.sales.is_empty() { String::new() } else { sales(&self.sales) + "\n" };
        format!("{}\n{sales}{}\n{}", queue(&self.queue), concerts(&self.concerts), totals(self))
    }
}

fn yes_or_no(flag: bool) -> String {
    word(if flag { "yes" } else { "no" })
}

fn queue(queue: &QueueFigures) -> String {
    table(
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
            queue.active.to_string(),
            queue.admission.max_active.to_string(),
            queue.admission.per_minute.map_or_else(|| "-".to_owned(), |limit| limit.to_string()),
            yes_or_no(queue.admission.paused),
            queue.waiting.to_string(),
            queue.seen.to_string(),
            queue.unseen.to_string(),
            queue.joined.to_string(),
            queue.admitted.to_string(),
            queue.no_shows.to_string(),
            queue.admitted_per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}")),
        ]],
    )
}

/// All but the default one, which the queue's table shows.
fn sales(sales: &[SaleFigures]) -> String {
    let row = |sale: &SaleFigures| {
        let queue = &sale.queue;
        [
            sale.name.clone(),
            sale.phase.as_str().to_owned(),
            queue.waiting.to_string(),
            queue.active.to_string(),
            queue.admission.max_active.to_string(),
            yes_or_no(queue.admission.paused),
            queue.joined.to_string(),
        ]
    };
    let rows: Vec<_> = sales.iter().map(row).collect();
    table(["Sale", "Phase", "Waiting", "Active", "At most", "Paused", "Joined"], &rows)
}

fn concerts(concerts: &[ConcertFigures]) -> String {
    let row = |concert: &ConcertFigures| {
        [
            day(concert.date),
            concert.concert_name.clone(),
            concert.seats.to_string(),
            concert.free.to_string(),
            concert.held.to_string(),
            concert.sold.to_string(),
            concert.blocked.to_string(),
            concert.checked_in.to_string(),
            concert.concert_id.to_string(),
        ]
    };
    let rows: Vec<_> = concerts.iter().map(row).collect();
    table(["Date", "Concert", "Seats", "Free", "Held", "Sold", "Blocked", "In", "Concert id"], &rows)
}

fn totals(figures: &Figures) -> String {
    table(
        ["Holds", "Past the queue", "Payments", "Revenue", "Refunds", "Refunded"],
        &[[
            figures.holds.to_string(),
            figures.queue.bypassed.to_string(),
            figures.payments.to_string(),
            money(figures.revenue),
            figures.refunds.to_string(),
            money(figures.refunded),
        ]],
    )
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let back_office = box_office.operator(Operator::application());
    loop {
        let figures = back_office.figures().await?;
        let Some(pause) = opts.watch else {
            return print(output, &figures);
        };
        // Only once there is something to show: the last figures stay on the screen meanwhile.
        clear_screen(output)?;
        print(output, &figures)?;
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}
