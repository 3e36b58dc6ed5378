//! The queue's lane over tables, with the seats of those who leave.

use super::*;
use crate::reservation::UnpaidSeats;
use crate::visit;

impl ModelLane for VisitBatch {
    fn read(&self, tables: &Tables, commands: &[queue::Command], attempt: &Attempt) -> visit::Rows {
        let leaves = |user: UserId, of: SaleId| {
            commands
                .iter()
                .any(|command| matches!(command, queue::Command::Leave { sale, caller, .. } if caller.user == user && *sale == of))
        };
        let unpaid = tables.reservations.values().filter(|row| row.is_held() && row.expires_at > attempt.now);
        let held: Vec<_> = unpaid
            .filter(|row| leaves(row.user, row.sale))
            .map(|row| ((row.user, row.sale), row.id, row.seat_key()))
            .collect();
        let seats = tables.read_seats(held.iter().map(|(_, _, key)| *key));
        visit::Rows { queue: self.queue.read(tables, commands, attempt), held: UnpaidSeats::new(&held, seats) }
    }

    fn apply(&self, tables: &mut Tables, effects: &visit::Effects, attempt: &Attempt) -> Result<(), &'static str> {
        self.queue.apply(tables, &effects.queue, attempt)?;
        tables.apply_holds(effects.given_back.effects(), attempt)
    }
}
