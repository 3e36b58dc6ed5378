//! The crowd: everyone at once, until all is sold or nobody is left.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use concert_core::{Operator, UserId};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::agent::Agent;
use crate::browser::Pages;
use crate::buyer::Buyer;
use crate::ending::Ending;
use crate::hall::Hall;
use crate::ledger::{Hold, Ledger, Purchase};
use crate::meter::{Meter, Step};
use crate::opts::{Opts, People};
use crate::program::{self, Program};
use crate::shopping::Held;
use crate::stage::Stage;

/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many kinds of endings that should not be are told in words.
const MOST_TOLD: usize = 20;

/// What all buyers share.
pub struct Sale {
    pub program: Program,
    pub people: People,
    pub begun: Instant,
    pub halls: [Hall; 2],
    pub meter: Arc<Meter>,
    pub ledger: Ledger,
    /// What browsers load, if people have some.
    pub pages: Option<Pages>,
    /// Whether the servers brake users who make too many calls: those that were started for this do.
    pub brakes_users: bool,
    users: Vec<UserId>,
    agents: Vec<Agent>,
    /// What somebody holds or held last: for robots.
    shown: Mutex<Option<Hold>>,
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
    pub program: Program,
    pub begun: Instant,
    pub ledger: Ledger,
    pub meter: Arc<Meter>,
    pub moments: Vec<Moment>,
    pub endings: BTreeMap<&'static str, u64>,
    /// Endings that should not be, in words.
    pub troubles: Vec<String>,
    /// From before the doors to the last buyer's end.
    pub took: Duration,
}

impl Sale {
    fn new(opts: &Opts, stage: &Stage, program: Program) -> Self {
        let agent = |address: &_| Agent::new(*address, opts.connections, opts.timeout);
        let halls = program.plans.clone().map(Hall::new);
        Self {
            program,
            people: opts.people.clone(),
            begun: Instant::now(),
            halls,
            meter: Arc::default(),
            ledger: Ledger::default(),
            pages: opts.browsers.with_pages.then(|| Pages::new(stage.office.clone(), &opts.browsers)),
            brakes_users: opts.start_server,
            users: stage.users.clone(),
            agents: stage.addresses.iter().map(agent).collect(),
            shown: Mutex::default(),
            over: CancellationToken::new(),
        }
    }

    /// Does `what`, unless all is sold before it is done.
    pub async fn unless_over<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        self.over.run_until_cancelled(what).await
    }

    pub fn agent(&self, server: usize) -> &Agent {
        &self.agents[server % self.agents.len()]
    }

    /// The first of the crowd have codes for the pre-sale, the next ones for a place in front. They are spread over the
    /// time in which the crowd comes.
    pub fn code_of(&self, nth: u32) -> Option<&str> {
        let Program { presale, front, .. } = &self.program;
        presale.iter().chain(front).nth(nth as usize).map(String::as_str)
    }

    pub fn somebody_else(&self, nth: u32) -> UserId {
        self.users[(nth as usize + 1) % self.users.len()]
    }

    pub fn show_robots(&self, held: &Held) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = held.holds.first().copied();
    }

    pub fn hold_of_another(&self, user: UserId) -> Option<Hold> {
        let shown = *self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.filter(|hold| hold.user != user)
    }

    pub fn paid(&self, purchase: Purchase) {
        if self.ledger.paid(purchase, self.begun.elapsed()) >= self.people.all_seats() {
            self.over.cancel();
        }
    }
}

/// Lets everyone come, and waits until everyone's story has ended.
pub async fn sell(opts: &Opts, stage: &Stage, program: Program) -> Result<Sold, Failure> {
    let sale = Arc::new(Sale::new(opts, stage, program));
    let mut crowd = JoinSet::new();
    for (user, nth) in stage.users.iter().zip(0..) {
        let buyer = Buyer::new(*user, nth, &opts.people, opts.seed);
        let sale = Arc::clone(&sale);
        crowd.spawn(async move { buyer.live(&sale).await });
    }
    let mut public_value = Box::pin(program::name_public_value(stage, &sale.program));
    let mut is_named = false;

    let bars = Bars::new(&opts.people);
    let (mut endings, mut troubles, mut moments) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let mut trouble = |what: String| *troubles.entry(what).or_insert(0_u64) += 1;
    let mut looks = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            ended = crowd.join_next() => {
                let Some(ending) = ended.transpose()? else { break };
                *endings.entry(ending.name()).or_default() += 1;
                match ending {
                    Ending::Unanswered(of) => trouble(format!("{} got no answer: {}", of.step.name(), of.last)),
                    Ending::Unexpected(what) => trouble(what),
                    _ => {}
                }
            }
            named = &mut public_value, if !is_named => {
                named?;
                is_named = true;
            }
            _ = looks.tick() => {
                // A look that fails leaves a gap in a chart; what matters is what buyers are told.
                let back_office = stage.office.operator(Operator::application());
                if let Ok(queue) = back_office.queue_figures_in(sale.program.sale).await {
                    moments.push(Moment { at: sale.begun.elapsed(), waiting: queue.waiting, active: queue.active });
                }
                bars.show(&sale, moments.last());
                if sale.program.opening.elapsed() > opts.time_limit && !sale.over.is_cancelled() {
                    trouble(format!("broken off after {}", humantime::format_duration(opts.time_limit)));
                    sale.over.cancel();
                }
            }
        }
    }
    drop(public_value);
    let took = sale.begun.elapsed();
    bars.show(&sale, moments.last());
    bars.clear();
    let troubles = told(troubles);
    let sale = Arc::into_inner(sale).ok_or("somebody is still buying")?;
    let Sale { program, begun, ledger, meter, .. } = sale;
    Ok(Sold { program, begun, ledger, meter, moments, endings, troubles, took })
}

/// Each kind of trouble with how often it came, the most frequent first.
fn told(troubles: BTreeMap<String, u64>) -> Vec<String> {
    let mut kinds = Vec::from_iter(troubles);
    kinds.sort_by_key(|(_, times)| Reverse(*times));
    let untold = kinds.len().saturating_sub(MOST_TOLD);
    kinds.truncate(MOST_TOLD);
    let told = kinds.into_iter().map(|(what, times)| if times > 1 { format!("{times} times: {what}") } else { what });
    told.chain((untold > 0).then(|| format!("and {untold} other kinds"))).collect()
}

impl Sold {
    /// From the beginning to the opening.
    pub fn opening(&self) -> Duration {
        self.program.opening.saturating_duration_since(self.begun)
    }
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
        let bar = |length: u64, name: &'static str| {
            let style =
                ProgressStyle::with_template("{msg:<8} {wide_bar} {human_pos:>9} of {human_len:<9} {per_sec:>9}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            all.add(ProgressBar::new(length).with_style(style).with_message(name))
        };
        let (joined, sold) = (bar(people.buyers.into(), "joined"), bar(people.all_seats() as u64, "sold"));
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let queue = all.add(ProgressBar::new_spinner().with_style(style));
        Self { all, joined, sold, queue }
    }

    fn show(&self, sale: &Sale, last: Option<&Moment>) {
        self.joined.set_position(sale.meter.count(Step::Join).min(sale.people.buyers.into()));
        self.sold.set_position(sale.ledger.seats_sold() as u64);
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
