//! Visits to the queue: the queue's rules, and what the end of a visit means for the seats that are held.

use std::sync::Arc;

use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::batch::{Attempt, Batch, Decision, Spread};
use crate::db::Failure;
use crate::fact::{Assumed, Assumptions};
use crate::queue::{Answer, Command, QueueBatch};
use crate::reservation::{GivenBack, SeatChanges, UnpaidSeats};
use crate::sql::Script;

/// The queue's lane. Whoever leaves the queue gives back what is held: in the same transaction, since nobody else could
/// have the seats until their deadlines.
pub(crate) struct VisitBatch {
    pub(crate) queue: QueueBatch,
    pub(crate) changes: Arc<SeatChanges>,
}

pub(crate) struct Rows {
    pub(crate) queue: <QueueBatch as Batch>::Rows,
    /// What those who leave hold unpaid.
    pub(crate) held: UnpaidSeats,
}

pub(crate) struct Effects {
    pub(crate) queue: <QueueBatch as Batch>::Effects,
    pub(crate) given_back: GivenBack,
}

impl Batch for VisitBatch {
    const NAME: &'static str = QueueBatch::NAME;
    const SPREAD: Spread = Spread::ByKey;
    type Command = Command;
    type Answer = Answer;
    type Rows = Rows;
    type Effects = Effects;

    fn key(command: &Command) -> Uuid {
        QueueBatch::key(command)
    }

    /// Locks, in this order: gates, tokens, seats.
    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Command],
        attempt: &Attempt,
    ) -> Result<Rows, Failure> {
        let queue = self.queue.lock(connection, commands, attempt).await?;
        let leaving = commands.iter().filter_map(|command| match command {
            Command::Leave { sale, caller, .. } => Some((caller.user, *sale)),
            _ => None,
        });
        let held = UnpaidSeats::lock(connection, leaving.collect(), attempt.now).await?;
        Ok(Rows { queue, held })
    }

    fn decide(&self, rows: Rows, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        let Rows { queue, mut held } = rows;
        let Decision { mut answers, effects: queue } = self.queue.decide(queue, commands, attempt);
        let mut given_back = GivenBack::default();
        let mut leaving = Vec::new();
        for effects in &queue {
            leaving.extend(effects.left());
        }
        for (user, sale) in leaving {
            // Its seats are locked, so they were read.
            if let Err(unread) = held.give_back(user, sale, attempt.now, &mut given_back) {
                answers.fill_with(|| Err(unread.into()));
            }
        }
        Decision { answers, effects: Effects { queue, given_back } }
    }

    fn write(&self, script: &mut Script, effects: &Effects, attempt: &Attempt) {
        self.queue.write(script, &effects.queue, attempt);
        effects.given_back.write(script, attempt.now);
    }

    /// Joins alone, as the queue does: whoever joins holds nothing.
    fn assume(&self, commands: &[Command], assumptions: &Assumptions, attempt: &Attempt) -> Option<Rows> {
        let queue = self.queue.assume(commands, assumptions, attempt)?;
        Some(Rows { queue, held: UnpaidSeats::default() })
    }

    fn guard(&self, script: &mut Script, assumed: &mut Assumed, effects: &Effects, attempt: &Attempt) {
        self.queue.guard(script, assumed, &effects.queue, attempt);
    }

    fn committed(&self, effects: Effects) {
        effects.given_back.note(&self.changes);
        self.queue.committed(effects.queue);
    }
}
