//! The rules of recharging, over rows that are locked.

use std::collections::HashMap;

use super::{Account, Recharge, Recharged, WalletEntry, WalletEntryKind};
use crate::batch::Attempt;
use crate::error::Error;
use crate::id::{UserId, WalletEntryId};

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Entries that commands of this batch made earlier: for repeated calls.
    pub(crate) made: HashMap<WalletEntryId, Recharged>,
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[Recharge],
    attempt: &Attempt,
) -> (Vec<Result<Recharged, Error>>, Vec<WalletEntry>) {
    let mut entries = Vec::with_capacity(commands.len());
    let answers = commands.iter().map(|command| recharge(&mut rows, &mut entries, command, attempt)).collect();
    (answers, entries)
}

/// Refuses in this order: no such user, queue token ended, key reused, balance too large.
fn recharge(
    rows: &mut Rows,
    entries: &mut Vec<WalletEntry>,
    command: &Recharge,
    attempt: &Attempt,
) -> Result<Recharged, Error> {
    let caller = &command.caller;
    let account = rows.accounts.get_mut(&caller.user).ok_or(Error::UserNotFound)?;
    if caller.shows_ended_token(account.live_token) {
        return Err(Error::TokenEnded);
    }
    if (caller.key.is_some() || attempt.recheck)
        && let Some(made) = rows.made.get(&command.id)
    {
        let same = made.before.checked_add(command.amount) == Some(made.after);
        return if same { Ok(*made) } else { Err(Error::IdempotencyKeyReused) };
    }
    let before = account.balance;
    let after = before.checked_add(command.amount).ok_or(Error::BalanceLimit { balance: before })?;
    account.balance = after;
    account.entries += 1;
    let recharged = Recharged { before, after };
    rows.made.insert(command.id, recharged);
    entries.push(WalletEntry {
        id: command.id,
        user: caller.user,
        nth: account.entries,
        kind: WalletEntryKind::Recharge,
        before,
        after,
        payment: None,
        created_at: attempt.now,
    });
    Ok(recharged)
}
