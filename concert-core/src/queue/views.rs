//! This process's views of all queues, one for each sale with people.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hashbrown::HashMap;
use sqlx::MySqlPool;
use sqlx::mysql::MySqlRow;
use tokio::sync::watch;
use uuid::Uuid;

use super::poll::read_changes;
use super::rows::Gate;
use super::settings::{read_times, times_columns};
use super::store::{gate_columns, read_gate};
use super::turn::LongerTurns;
use super::{QueueView, ViewRules, seen};
use crate::clock::{Clock, Timestamp, span};
use crate::db;
use crate::error::Error;
use crate::id::SaleId;
use crate::sql::{MAX_LIST, fetch_all, statements};

macro_rules! gates {
    ($which:literal) => {
        concat!(
            "select ",
            gate_columns!("g."),
            ", ",
            times_columns!("s."),
            " from queue_gate g straight_join sales s force index (primary) on s.id = g.sale_id",
            $which
        )
    };
}

statements! {
    /// A row for each sale.
    READ_GATES { gates!("") }
    READ_GATES_OF { gates!(" where g.sale_id in ({sales})") }
}

/// How long an opening is listed after its instant: a process that is late still makes it.
const LISTED_AFTER: Duration = Duration::from_secs(10);

/// When a sale opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) sale: SaleId,
    pub(crate) at: Timestamp,
}

/// The views of this process. One is made when a sale first has people, or somebody asks for it.
pub(crate) struct QueueViews {
    rules: ViewRules,
    clock: Arc<dyn Clock>,
    /// The name under which this process tells the others whom it has seen.
    process: Uuid,
    /// By itself, so that its polls take no further lock.
    default: Arc<QueueView>,
    others: RwLock<HashMap<SaleId, Arc<QueueView>>>,
    /// The openings to come, and those just past, as of the last refresh.
    openings: watch::Sender<Vec<Opening>>,
}

impl QueueViews {
    pub(crate) fn new(rules: ViewRules, clock: Arc<dyn Clock>) -> Self {
        let process = Uuid::now_v7();
        let default = Arc::new(QueueView::new(SaleId::DEFAULT, rules, process, Arc::clone(&clock)));
        Self { rules, clock, process, default, others: RwLock::default(), openings: watch::Sender::default() }
    }

    /// The view of a sale, which must be there: nothing forgets a view.
    pub(crate) fn of(&self, sale: SaleId) -> Arc<QueueView> {
        if let Some(view) = self.find(sale) {
            return view;
        }
        let view = || Arc::new(QueueView::new(sale, self.rules, self.process, Arc::clone(&self.clock)));
        // Somebody else may have made it since the first look, so `entry` decides.
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(others.entry(sale).or_insert_with(view))
    }

    /// The view of a sale, if there is one in this process.
    pub(crate) fn find(&self, sale: SaleId) -> Option<Arc<QueueView>> {
        if sale == SaleId::DEFAULT {
            return Some(Arc::clone(&self.default));
        }
        self.others.read().unwrap_or_else(PoisonError::into_inner).get(&sale).cloned()
    }

    /// The view of a sale that may not be there; it has a snapshot.
    pub(crate) async fn make(&self, pool: &MySqlPool, sale: SaleId, now: Timestamp) -> Result<Arc<QueueView>, Error> {
        let sales = [sale];
        // Asked first: views are never forgotten, and callers may make up ids of sales.
        if db::read(|| read_gates_of(pool, &sales)).await?.is_empty() {
            return Err(Error::SaleNotFound);
        }
        let view = self.of(sale);
        view.keep_fresh(pool, now).await?;
        Ok(view)
    }

    /// All views that there are.
    pub(crate) fn all(&self) -> Vec<Arc<QueueView>> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.default).chain(others.values()).cloned().collect()
    }

    /// Brings all snapshots up to date. One query tells which queues have moved; only those are read. Returns all gates.
    pub(crate) async fn refresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<Vec<Gate>, Error> {
        let gates = db::read(|| read_gates(pool)).await?;
        self.note_openings(&gates, now);
        let mut behind = Vec::new();
        for gate in &gates {
            let has_people = gate.waiting > 0 || gate.active > 0;
            let view = match self.find(gate.sale) {
                Some(view) => view,
                None if has_people => self.of(gate.sale),
                None => continue,
            };
            if view.is_behind(gate) { behind.push(view) } else { view.note_unmoved(gate, now) }
        }
        for views in behind.chunks(MAX_LIST) {
            let mut refreshing = Vec::with_capacity(views.len());
            for view in views {
                refreshing.push(view.refreshing().await);
            }
            let views: Vec<_> = views.iter().map(Arc::as_ref).collect();
            read_changes(pool, &views, now).await?;
        }
        Ok(gates)
    }

    /// Follows the openings to come.
    pub(crate) fn openings(&self) -> watch::Receiver<Vec<Opening>> {
        self.openings.subscribe()
    }

    fn note_openings(&self, gates: &[Gate], now: Timestamp) {
        let opening = |gate: &Gate| Some(Opening { sale: gate.sale, at: gate.times.opens_at? });
        let from = now - span(LISTED_AFTER);
        let listed: Vec<_> = gates.iter().filter_map(opening).filter(|opening| opening.at > from).collect();
        // Whoever follows wakes up for another list only, not with every refresh.
        self.openings.send_if_modified(|openings| {
            let is_new = *openings != listed;
            *openings = listed;
            is_new
        });
    }

    /// Reads the gates for the first time, so that this process knows what happens from now on. Where that fails, the next
    /// reading is the first.
    pub(crate) async fn look_at_gates(&self, pool: &MySqlPool, now: Timestamp) {
        for gate in read_gates(pool).await.unwrap_or_default() {
            // When a change was matters to a limit per minute alone. The default sale has a view anyway.
            if gate.sale == SaleId::DEFAULT || gate.admission.per_minute.is_some() {
                self.of(gate.sale).times().note(now, gate.change_seq);
            }
        }
    }

    /// Whether a pass has something to do in a sale: while it has people, and once more after that, so that the pace is
    /// measured to the end; and a draw to make, be it of nobody. The default sale is looked at in every pass.
    pub(crate) fn is_to_be_reranked(&self, gate: &Gate, now: Timestamp) -> bool {
        if gate.sale == SaleId::DEFAULT {
            return true;
        }
        let has_people = gate.waiting > 0 || gate.active > 0;
        let had_people = self.find(gate.sale).is_some_and(|view| view.note_people(has_people));
        has_people || had_people || gate.draw_is_due(now)
    }

    /// Takes over turns that this process has made last longer.
    pub(crate) fn lengthen(&self, turns: &LongerTurns) {
        for (sale, turns) in turns.by_sale() {
            if let Some(view) = self.find(sale) {
                view.lengthen(&turns);
            }
        }
    }

    /// Tells the other processes whom this one has seen, and learns whom they have seen, where that is due.
    pub(crate) async fn exchange_seen_if_due(&self, pool: &MySqlPool, now: Timestamp) {
        for view in self.all() {
            view.exchange_seen_if_due(pool, now).await;
        }
    }

    /// Deletes what processes told that ended long ago.
    pub(crate) async fn forget_seen(&self, pool: &MySqlPool, now: Timestamp) {
        if let Err(error) = db::read(|| seen::forget(pool, now)).await {
            tracing::debug!(%error, "rows of processes that ended could not be deleted");
        }
    }
}

async fn read_gates(pool: &MySqlPool) -> Result<Vec<Gate>, sqlx::Error> {
    fetch_all(pool, &READ_GATES, |params| params).await?.iter().map(read_gate_and_times).collect()
}

/// The gates of those of `sales` that are there.
pub(super) async fn read_gates_of(pool: &MySqlPool, sales: &[SaleId]) -> Result<Vec<Gate>, sqlx::Error> {
    let rows = fetch_all(pool, &READ_GATES_OF, |params| params.list("sales", sales)).await?;
    rows.iter().map(read_gate_and_times).collect()
}

fn read_gate_and_times(row: &MySqlRow) -> Result<Gate, sqlx::Error> {
    let (times, order) = read_times(row)?;
    read_gate(row, times, order)
}
