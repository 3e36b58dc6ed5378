//! The assumed way of a batch: decides over rows that nobody has read, and states what was assumed as guards.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::piece::Piece;
use super::super::{Attempt, Batch, Decision};
use super::{Writer, count_batch, outcome};
use crate::db::{self, Failure, WritersConnection};
use crate::fact::Assumptions;
use crate::sql::Script;

impl<B: Batch> Writer<B> {
    /// The decision over assumed rows and its script, guards first. `None`: the batch must be locked.
    pub(super) fn prepare_assumed(&self, commands: &[B::Command], attempt: &Attempt) -> Option<(Decision<B>, Script)> {
        // A panic here says nothing about the commands: locked, the batch may well pass.
        let prepared = catch_unwind(AssertUnwindSafe(|| {
            let assumptions = Assumptions::default();
            let rows = self.batch.assume(commands, &assumptions, attempt)?;
            Some(self.decide_assumed(rows, commands, &assumptions, attempt))
        }));
        let prepared = prepared.unwrap_or_else(|_| {
            tracing::error!(lane = B::NAME, "assuming a batch panicked; locking it");
            Some(Err("panicked"))
        })?;
        prepared.inspect_err(|outcome| count_batch::<B>("assumed", outcome)).ok()
    }

    /// An error says in a word, for metrics, why the batch must be locked: a command is refused, a rule needs an unread
    /// value, or an assumption has no guard.
    fn decide_assumed(
        &self,
        rows: B::Rows,
        commands: &[B::Command],
        assumptions: &Assumptions,
        attempt: &Attempt,
    ) -> Result<(Decision<B>, Script), &'static str> {
        let decision = self.decide(rows, commands, attempt).map_err(|failure| failure.reason())?;
        // A refusal may rest on an assumption, and no guard states that an assumption is false: only read rows refuse.
        if decision.answers.iter().any(Result::is_err) {
            return Err("refused");
        }
        let (mut script, mut assumed) = (Script::default(), assumptions.take());
        self.batch.guard(&mut script, &mut assumed, &decision.effects, attempt);
        if !assumed.is_empty() {
            tracing::debug!(lane = B::NAME, ?assumed, "assumptions without a guard");
            return Err("unstated");
        }
        // After the guards: nothing is written before all that was assumed has been stated.
        self.batch.write(&mut script, &decision.effects, attempt);
        Ok((decision, script))
    }

    /// `None`: an assumption was false, and nothing happened.
    pub(super) async fn run_assumed(
        &mut self,
        connection: &mut WritersConnection,
        piece: &mut Piece<'_, B>,
        decision: Decision<B>,
        script: Script,
    ) -> Result<Option<Decision<B>>, Failure> {
        let committed = self.commit(connection, piece, decision, script).await;
        count_batch::<B>("assumed", outcome(&committed));
        match committed {
            Ok(decision) => {
                self.backoff.record(true);
                Ok(Some(decision))
            }
            Err(failure) if failure.is_undone() => {
                self.backoff.record(false);
                // Locking the same batch now would wait for the same lock as long again: split it instead.
                if failure.repeats() {
                    return Err(failure);
                }
                db::rollback(&mut connection.connection).await?;
                // Nothing of it was committed, so a panic while the batch is locked leaves nothing to look up.
                piece.commit_was_sent = false;
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}
