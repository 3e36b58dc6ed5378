//! The rules of recharging, over rows that are locked.

use hashbrown::HashMap;
use serde_json::json;

use super::references::Credited;
use super::{Account, Deposit, Recharge, Recharged, Recipient, WalletEntry, WalletEntryKind};
use crate::batch::Attempt;
use crate::caller::Fingerprint;
use crate::error::Error;
use crate::fact::{Column, Lookup};
use crate::id::{UserId, WalletEntryId};
use crate::money::Money;
use crate::operator::{Act, ActSubject, LogEntry};

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Those for whom operators act. Others had a session or a place in the queue, which end with their accounts.
    pub(crate) recipients: HashMap<UserId, Recipient>,
    /// Entries that commands of this batch made earlier: for repeated calls.
    pub(crate) made: Lookup<WalletEntryId, (Recharged, Option<Fingerprint>)>,
    /// What was credited for the references that commands name.
    pub(crate) credited: Credited,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) entries: Vec<WalletEntry>,
    pub(crate) log: Vec<LogEntry>,
}

/// May be assumed of an entry: it was not made before.
pub(super) const MADE: Column = Column("wallet_entries.id");

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[Recharge],
    attempt: &Attempt,
) -> (Vec<Result<Recharged, Error>>, Effects) {
    let mut effects = Effects { entries: Vec::with_capacity(commands.len()), log: Vec::new() };
    let answers = commands.iter().map(|command| recharge(&mut rows, &mut effects, command, attempt)).collect();
    (answers, effects)
}

/// Refuses in this order: no such user, queue token ended, key reused, user forgotten or disabled, reference credited already, balance too large.
fn recharge(rows: &mut Rows, effects: &mut Effects, command: &Recharge, attempt: &Attempt) -> Result<Recharged, Error> {
    let caller = &command.caller;
    let account = rows.accounts.get_mut(&caller.user).ok_or(Error::UserNotFound)?;
    if caller.shows_ended_token(&account.live_tokens) {
        return Err(Error::TokenEnded);
    }
    if (caller.key.is_some() || attempt.may_have_committed)
        && let Some((made, fingerprint)) = rows.made.get(command.id)
    {
        return if *fingerprint == caller.fingerprint { Ok(*made) } else { Err(Error::IdempotencyKeyReused) };
    }
    if let Some(recipient) = rows.recipients.get(&caller.user).filter(|_| caller.signature.is_some()) {
        recipient.require_allowed()?;
    }
    let Deposit { amount, reference } = &command.deposit;
    if let Some(reference) = reference {
        let key = (caller.user, reference.clone());
        if let Some((amount, at)) = rows.credited.get(&key) {
            return Err(Error::ReferenceUsed { amount: *amount, at: *at });
        }
    }
    if !account.can_receive(*amount) {
        return Err(Error::BalanceLimit { balance: account.balance()? });
    }
    let kind = (WalletEntryKind::Recharge, None);
    let entry = account.receive(caller.user, kind, command.id, *amount, attempt.now);
    let entry = WalletEntry { fingerprint: caller.fingerprint, reference: reference.clone(), ..entry };
    // In an unread wallet these are relative to its balance; `complete` adds that.
    let after = Money::new(entry.before.map_or(entry.sum, |(balance, _)| balance + entry.sum))?;
    // Never below zero: the amount is in it.
    let before = after.checked_sub(*amount).unwrap_or(Money::ZERO);
    let recharged = Recharged { before, after };
    rows.made.insert(command.id, (recharged, caller.fingerprint));
    if let Some(reference) = reference {
        rows.credited.insert((caller.user, reference.clone()), (*amount, attempt.now));
    }
    if let Some(signature) = &caller.signature {
        let logged = signature.entry(Act::Recharge, ActSubject::User(caller.user), attempt.now);
        let after = json!({"balance": after, "amount": amount, "reference": reference, "entryId": command.id});
        effects.log.push(logged.with_before(json!({"balance": before})).with_after(after));
    }
    effects.entries.push(entry);
    Ok(recharged)
}
