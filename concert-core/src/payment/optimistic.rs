//! Paying without reading first: of a hold that was made here, all is known but whether it and the turn still last, and
//! whether the wallet has enough. Those are conditions of the changes themselves.

use super::decide::Effects;
use super::{Pay, Payment, PaymentBatch, store};
use crate::batch::{Attempt, Decision, Optimistic};
use crate::clock::Timestamp;
use crate::reservation::{Recent, lock_ready};
use crate::sql::Script;

/// `None`: for some of what the rules look at the rows are needed.
pub(super) fn pay(
    commands: &[Pay],
    attempt: &Attempt,
    recent: &Recent,
    cut_to: Option<Timestamp>,
) -> Option<Optimistic<'static, PaymentBatch>> {
    if attempt.recheck {
        return None;
    }
    let mut callers: Vec<_> = commands.iter().map(|command| &command.caller).collect();
    callers.sort_unstable_by_key(|caller| caller.user);
    if callers.windows(2).any(|pair| pair[0].user == pair[1].user) {
        return None;
    }
    let held: Vec<_> = commands.iter().map(|command| command.what.alone()).collect::<Option<_>>()?;
    let held = recent.all(&held)?;
    let (mut sold, mut payments) = (Vec::with_capacity(commands.len()), Vec::with_capacity(commands.len()));
    for command in commands {
        let reservation = &held[&command.what.alone()?];
        if reservation.user != command.caller.user || reservation.price != command.amount {
            return None;
        }
        sold.push((reservation.id, reservation.seat_key()));
        payments.push(Payment {
            id: command.id,
            user: reservation.user,
            reservation: reservation.id,
            amount: reservation.price,
            paid_at: attempt.now,
        });
    }
    let mut script = Script::default();
    if !lock_ready(&mut script, &callers, attempt.now) {
        return None;
    }
    store::write_unread(&mut script, &sold, &payments, attempt.now, cut_to);
    let answers = payments.into_iter().map(|payment| Ok(vec![payment])).collect();
    Some(Optimistic { script, decide: Box::new(|_| Ok(Decision { answers, effects: Effects::default() })) })
}
