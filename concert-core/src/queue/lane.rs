//! The queue as a lane: how its commands become batches of sales.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::front::FrontRows;
use super::rows::{self, Gate, Member};
use super::views::QueueViews;
use super::{Answer, Command, decide, store};
use crate::batch::{Attempt, Batch, Decision};
use crate::caller::{Caller, Proof};
use crate::db::Failure;
use crate::error::Error;
use crate::fact::{Assumed, Assumptions, Key, Lookup, Test, Value};
use crate::id::SaleId;
use crate::sql::{Script, grouped};

/// The part of the policy that the queue obeys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueRules {
    pub(crate) active_ttl: Duration,
    pub(crate) claim_window: Duration,
    pub(crate) waiting_ttl: Duration,
    /// Whether a user without a password joins by id alone.
    pub(crate) bare_joins: bool,
}

/// What a batch changes in each sale.
pub(crate) type SaleEffects = Vec<rows::Effects>;

/// The most sales whose gates a process remembers. One more makes it forget all.
const MOST_GATES: usize = 4_096;

/// The queue's part of its lane ([`crate::visit`]). The commands of a sale go to one writer: its gate would admit only
/// one at a time anyway. A batch may be about several sales; each is decided by itself.
pub(crate) struct QueueBatch {
    rules: QueueRules,
    views: Arc<QueueViews>,
    /// The gates as this process last left them.
    remembered: Mutex<HashMap<SaleId, Gate>>,
}

impl QueueBatch {
    pub(crate) fn new(rules: QueueRules, views: Arc<QueueViews>) -> Self {
        Self { rules, views, remembered: Mutex::default() }
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<SaleId, Gate>> {
        // A gate is put in whole or not at all, so what a panic leaves behind is whole.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows of joins, assumed: the gate is as this process left it, and the joining users are not in the queue.
    fn assume_sale(
        &self,
        sale: SaleId,
        commands: &[&Command],
        assumptions: &Assumptions,
        attempt: &Attempt,
    ) -> Option<rows::Rows> {
        // With a limit per minute, admissions by other processes count, which this process does not know.
        let gate = self.remembered().get(&sale).cloned().filter(|gate| gate.admission.per_minute.is_none())?;
        let of = Key::row(sale.as_uuid());
        // Recorded here and not asked by a rule: every field of the gate rests on it.
        assumptions.record(rows::REMEMBERED_GATE, of, Test::Equals(gate.change_seq.into()));
        let mut members = HashMap::with_capacity(commands.len());
        for command in commands {
            // Codes are locked.
            let Command::Join { caller: Caller { user, proof: Proof::Bare | Proof::Verified, .. }, code: None, .. } =
                command
            else {
                return None;
            };
            let of = Key::row(user.as_uuid());
            members.entry(*user).or_insert_with(|| {
                // Rules look users up, which asks no fact.
                assumptions.record(rows::USER, of, Test::Equals(Value::Flag(true)));
                Member {
                    has_password: assumptions.unread(rows::HAS_PASSWORD, of),
                    is_enabled: assumptions.unread(rows::IS_ENABLED, of),
                    live: assumptions.unread(rows::LIVE_TOKEN, Key::in_sale(*user, sale)),
                    // Asked only where a queue token is shown, and such joins are not assumed.
                    elsewhere: Vec::new(),
                }
            });
        }
        let made: Lookup<_, _> = assumptions.unread_rows(rows::MADE, HashMap::new());
        let last_minute = rows::LastMinute::unlimited(attempt.now);
        let front = FrontRows::default();
        Some(rows::Rows { gate, members, made, last_minute, front, rerank: None, sale: None, name_is_taken: false })
    }
}

/// The commands of each sale, with their places in the batch.
fn by_sale(commands: &[Command]) -> BTreeMap<SaleId, Vec<(usize, &Command)>> {
    grouped(commands.iter().enumerate().map(|(nth, command)| (command.sale(), (nth, command))))
}

impl Batch for QueueBatch {
    const NAME: &'static str = "queue";
    type Command = Command;
    type Answer = Answer;
    type Rows = rows::RowsOfSales;
    type Effects = SaleEffects;

    fn key(command: &Command) -> Uuid {
        command.sale().as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Command],
        attempt: &Attempt,
    ) -> Result<rows::RowsOfSales, Failure> {
        store::lock(connection, commands, attempt, &self.views).await
    }

    fn decide(&self, mut rows: rows::RowsOfSales, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        // The answer where no gate was read: there is no such sale.
        let mut answers: Vec<_> = commands.iter().map(|_| Err(Error::SaleNotFound)).collect();
        let mut effects = Vec::with_capacity(rows.len());
        for (sale, commands) in by_sale(commands) {
            let Some(rows) = rows.remove(&sale) else { continue };
            let (places, commands): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
            let (of_sale, changes) = decide::decide(rows, &commands, attempt, self.rules);
            for (place, answer) in places.into_iter().zip(of_sale) {
                answers[place] = answer;
            }
            effects.push(changes);
        }
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &SaleEffects, attempt: &Attempt) {
        effects.iter().for_each(|effects| store::write(script, effects, attempt.now));
    }

    /// Only joins.
    fn assume(&self, commands: &[Command], assumptions: &Assumptions, attempt: &Attempt) -> Option<rows::RowsOfSales> {
        let assume = |(sale, commands): (SaleId, Vec<(usize, &Command)>)| {
            let commands: Vec<_> = commands.into_iter().map(|(_, command)| command).collect();
            Some((sale, self.assume_sale(sale, &commands, assumptions, attempt)?))
        };
        by_sale(commands).into_iter().map(assume).collect()
    }

    fn guard(&self, script: &mut Script, assumed: &mut Assumed, effects: &SaleEffects, _attempt: &Attempt) {
        store::guard(script, assumed, effects);
    }

    fn committed(&self, effects: SaleEffects) {
        for effects in effects {
            let view = self.views.of(effects.gate.sale);
            view.apply(&effects);
            view.times().note(effects.last_minute.at, effects.gate.change_seq);
            let mut remembered = self.remembered();
            if remembered.len() >= MOST_GATES && !remembered.contains_key(&effects.gate.sale) {
                remembered.clear();
            }
            remembered.insert(effects.gate.sale, effects.gate);
        }
    }
}
