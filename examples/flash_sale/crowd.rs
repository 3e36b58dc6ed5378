//! The crowd: everyone at once, until all is sold or nobody is left.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concert_core::{ConcertId, Error, Operator, UserId};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::agent::Agent;
use crate::buyer::{Buyer, Nature};
use crate::ending::Ending;
use crate::hall::Hall;
use crate::ledger::{Ledger, Payment};
use crate::meter::{Meter, Step};
use crate::opts::{Opts, People};
use crate::stage::Stage;

/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many of the endings that should not be are told in words.
const MOST_TOLD: usize = 20;

/// What all buyers share.
pub struct Sale {
    pub concert: ConcertId,
    pub people: People,
    pub begun: Instant,
    pub agent: Agent,
    pub hall: Hall,
    pub meter: Meter,
    pub ledger: Ledger,
    /// All is sold, or time is up.
    over: CancellationToken,
}

/// The queue at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub at: Duration,
    pub waiting: u64,
    pub active: u32,
}

/// A sale that is over.
pub struct Sold {
    pub ledger: Ledger,
    pub meter: Meter,
    pub moments: Vec<Moment>,
    pub endings: BTreeMap<&'static str, u64>,
    /// Endings that should not be, in words.
    pub troubles: Vec<String>,
    /// From the doors to the last buyer's end.
    pub took: Duration,
}

impl Sale {
    /// Does `what`, unless all is sold before it is done.
    pub async fn unless_over<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        self.over.run_until_cancelled(what).await
    }

    pub fn paid(&self, payment: Payment) {
        if self.ledger.paid(payment, self.begun.elapsed()) >= self.people.seats as usize {
            self.over.cancel();
        }
    }
}

/// Opens the doors, and closes them when everyone's story has ended.
pub async fn sell(opts: &Opts, stage: &Stage) -> Result<Sold, Failure> {
    let sale = Arc::new(Sale {
        concert: stage.concert,
        people: opts.people.clone(),
        begun: Instant::now(),
        agent: Agent::new(stage.address, opts.connections, opts.timeout),
        hall: Hall::default(),
        meter: Meter::default(),
        ledger: Ledger::default(),
        over: CancellationToken::new(),
    });
    let mut crowd = JoinSet::new();
    let mut absent = Vec::new();
    for (user, nth) in stage.users.iter().zip(0..) {
        let buyer = Buyer::new(*user, nth, &opts.people, opts.seed);
        if buyer.nature != Nature::Buys {
            absent.push(*user);
        }
        let sale = Arc::clone(&sale);
        crowd.spawn(async move { buyer.live(&sale).await });
    }

    let bars = Bars::new(&opts.people);
    let (mut endings, mut troubles, mut moments) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut looks = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            ended = crowd.join_next() => {
                let Some(ending) = ended.transpose()? else { break };
                *endings.entry(ending.name()).or_default() += 1;
                match ending {
                    Ending::Unanswered(trouble) => {
                        troubles.push(format!("{} got no answer: {}", trouble.step.name(), trouble.last));
                    }
                    Ending::Unexpected(trouble) => troubles.push(trouble),
                    _ => {}
                }
            }
            _ = looks.tick() => {
                // A look that fails leaves a gap in a chart; what matters is what buyers are told.
                if let Ok(queue) = stage.office.operator(Operator::application()).queue_figures().await {
                    moments.push(Moment { at: sale.begun.elapsed(), waiting: queue.waiting, active: queue.active });
                }
                bars.show(&sale, moments.last());
                if sale.begun.elapsed() > opts.time_limit && !sale.over.is_cancelled() {
                    troubles.push(format!("broken off after {}", humantime::format_duration(opts.time_limit)));
                    sale.over.cancel();
                }
            }
        }
    }
    let took = sale.begun.elapsed();
    bars.show(&sale, moments.last());
    bars.clear();
    drain(stage, absent).await?;
    let untold = troubles.len().saturating_sub(MOST_TOLD);
    troubles.truncate(MOST_TOLD);
    troubles.extend((untold > 0).then(|| format!("and {untold} more")));
    let sale = Arc::into_inner(sale).ok_or("somebody is still buying")?;
    Ok(Sold { ledger: sale.ledger, meter: sale.meter, moments, endings, troubles, took })
}

/// Takes those out of the queue who went without a word.
async fn drain(stage: &Stage, absent: Vec<UserId>) -> Result<(), Failure> {
    let leaving: JoinSet<_> = absent
        .into_iter()
        .map(|user| {
            let office = stage.office.clone();
            async move { office.operator(Operator::application()).expire_token(user).await }
        })
        .collect();
    for left in leaving.join_all().await {
        match left {
            Ok(()) | Err(Error::TokenNotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// On stderr, if that is a terminal.
struct Bars {
    all: MultiProgress,
    joined: ProgressBar,
    sold: ProgressBar,
    queue: ProgressBar,
}

impl Bars {
    fn new(people: &People) -> Self {
        let all = MultiProgress::new();
        let bar = |length: u32, name: &'static str| {
            let style =
                ProgressStyle::with_template("{msg:<8} {wide_bar} {human_pos:>7} of {human_len:<7} {per_sec:>9}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            all.add(ProgressBar::new(length.into()).with_style(style).with_message(name))
        };
        let (joined, sold) = (bar(people.buyers, "joined"), bar(people.seats, "sold"));
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let queue = all.add(ProgressBar::new_spinner().with_style(style));
        Self { all, joined, sold, queue }
    }

    fn show(&self, sale: &Sale, last: Option<&Moment>) {
        self.joined.set_position(sale.meter.count(Step::Join).min(sale.people.buyers.into()));
        self.sold.set_position(sale.ledger.payments() as u64);
        if let Some(Moment { at, waiting, active }) = last {
            let taken = sale.meter.refusals_with("SEAT_ALREADY_RESERVED");
            let seconds = at.as_secs();
            self.queue.set_message(format!(
                "{seconds:>4} s   {waiting} wait, {active} are inside, {taken} found a seat taken"
            ));
        }
    }

    fn clear(&self) {
        let _ = self.all.clear();
    }
}
