//! The rules of recharging, over rows that are locked.

use std::collections::HashMap;

use super::{Account, Recharge, Recharged, WalletEntry, WalletEntryKind};
use crate::batch::Attempt;
use crate::caller::Fingerprint;
use crate::error::Error;
use crate::fact::{Column, Lookup};
use crate::id::{UserId, WalletEntryId};
use crate::money::Money;

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Entries that commands of this batch made earlier: for repeated calls.
    pub(crate) made: Lookup<WalletEntryId, (Recharged, Option<Fingerprint>)>,
}

/// May be assumed of an entry: it was not made before.
pub(super) const MADE: Column = Column("wallet_entries.id");

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
    if (caller.key.is_some() || attempt.may_have_committed)
        && let Some((made, fingerprint)) = rows.made.get(command.id)
    {
        return if *fingerprint == caller.fingerprint { Ok(*made) } else { Err(Error::IdempotencyKeyReused) };
    }
    if !account.can_receive(command.amount) {
        return Err(Error::BalanceLimit { balance: account.balance()? });
    }
    let kind = (WalletEntryKind::Recharge, None);
    let entry = account.receive(caller.user, kind, command.id, command.amount, attempt.now);
    let entry = WalletEntry { fingerprint: caller.fingerprint, ..entry };
    // In an unread wallet these are relative to its balance; `complete` adds that.
    let after = Money::new(entry.before.map_or(entry.sum, |(balance, _)| balance + entry.sum))?;
    let before = after.checked_sub(command.amount).unwrap_or(Money::ZERO);
    let recharged = Recharged { before, after };
    rows.made.insert(command.id, (recharged, caller.fingerprint));
    entries.push(entry);
    Ok(recharged)
}
