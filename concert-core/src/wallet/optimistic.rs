//! Recharging one wallet without reading it first: its entries are written relative to what was in it, and that comes back
//! from the change itself.

use super::{Recharge, Recharged, WalletBatch, store};
use crate::batch::{Attempt, Decision, Optimistic};
use crate::error::Error;
use crate::money::Money;
use crate::sql::{Script, Selected};

/// `None`: the batch is over several wallets, or a token is to be looked at.
pub(super) fn recharge<'a>(commands: &'a [Recharge], attempt: &Attempt) -> Option<Optimistic<'a, WalletBatch>> {
    let user = commands.first()?.caller.user;
    let alike = |command: &Recharge| command.caller.user == user && !command.caller.shows_token();
    if attempt.recheck || !commands.iter().all(alike) {
        return None;
    }
    let sum = commands.iter().try_fold(Money::ZERO, |sum, command| sum.checked_add(command.amount))?;
    let mut script = Script::default();
    let raising = store::raise(&mut script, user, commands.len(), sum);
    store::enter_raised(&mut script, user, commands, attempt.now);
    let decide = move |selected: &Selected| {
        let balance = store::balance_before(selected, raising)?;
        Ok(Decision { answers: answers(commands, balance), effects: Vec::new() })
    };
    Some(Optimistic { script, decide: Box::new(decide) })
}

fn answers(commands: &[Recharge], mut balance: Money) -> Vec<Result<Recharged, Error>> {
    let answer = |command: &Recharge| {
        let before = balance;
        balance = before.checked_add(command.amount).ok_or(Error::BalanceLimit { balance: before })?;
        Ok(Recharged { before, after: balance })
    };
    commands.iter().map(answer).collect()
}
