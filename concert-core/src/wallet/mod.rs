//! The wallet: a balance per user, and an entry for every change of it.

mod account;
mod decide;
mod deposit;
mod history;
mod recipient;
mod references;
mod store;

use hashbrown::HashMap;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub(crate) use account::Account;
pub(crate) use deposit::Deposit;
pub use deposit::Reference;
pub use history::WalletEntryView;
pub(crate) use history::entries_of;
pub(crate) use recipient::{Recipient, read_recipients, select_recipients};
pub(crate) use store::{
    BalanceChange, balance, change_balances, entry_columns, lock_accounts, read_accounts, strike_balances,
    write_entries,
};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] =
    &[store::STATEMENTS, history::STATEMENTS, recipient::STATEMENTS, references::STATEMENTS];

use crate::batch::{Attempt, Batch, Decision};
use crate::caller::{Caller, Fingerprint};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::error::Error;
use crate::fact::{Assumed, Assumptions};
use crate::id::{PaymentId, UserId, WalletEntryId};
use crate::money::Money;
use crate::operator::write_log;
use crate::sql::{ResultSet, Script};

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::decide::{Effects, Rows};
}

/// What a recharge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recharged {
    /// The balance before.
    pub before: Money,
    /// The balance after.
    pub after: Money,
}

impl Recharged {
    /// The same in a wallet that held `balance` already.
    fn on_top_of(self, balance: Money) -> Option<Self> {
        Some(Self { before: balance.checked_add(self.before)?, after: balance.checked_add(self.after)? })
    }
}

/// Why a balance changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum WalletEntryKind {
    /// Money came in.
    Recharge,
    /// A reservation was paid.
    Payment,
    /// A payment was refunded.
    Refund,
}

impl WalletEntryKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Recharge, Self::Payment, Self::Refund];

    /// The kind as the database and the JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recharge => "RECHARGE",
            Self::Payment => "PAYMENT",
            Self::Refund => "REFUND",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no kind of wallet entry").into()))
    }
}

/// A row of `wallet_entries`, relative to the wallet as it was before the batch.
#[derive(Debug, Clone)]
pub(crate) struct WalletEntry {
    pub(crate) id: WalletEntryId,
    pub(crate) user: UserId,
    pub(crate) kind: WalletEntryKind,
    /// With its sign.
    pub(crate) amount: Decimal,
    pub(crate) payment: Option<PaymentId>,
    pub(crate) reference: Option<Reference>,
    pub(crate) created_at: Timestamp,
    /// What the request asked for, if it had a key.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The balance and the number of the newest entry before the batch; `None`: they were not read.
    pub(crate) before: Option<(Decimal, u32)>,
    /// Its number among the entries that the batch makes in this wallet, from 1.
    pub(crate) sequence: u32,
    /// The sum of those up to it.
    pub(crate) sum: Decimal,
}

/// The lane's one command: a recharge.
#[derive(Debug)]
pub(crate) struct Recharge {
    pub(crate) caller: Caller,
    pub(crate) deposit: Deposit,
    pub(crate) id: WalletEntryId,
}

/// The lane's batch.
pub(crate) struct WalletBatch;

impl Batch for WalletBatch {
    const NAME: &'static str = "wallet";
    type Command = Recharge;
    type Answer = Recharged;
    type Rows = decide::Rows;
    type Effects = decide::Effects;

    fn key(command: &Recharge) -> Uuid {
        command.caller.user.as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Recharge],
        attempt: &Attempt,
    ) -> Result<decide::Rows, Failure> {
        let mut script = Script::default();
        let users = commands.iter().map(|command| command.caller.user).collect();
        let accounts = lock_accounts(&mut script, users);
        let signed = commands.iter().map(|command| &command.caller).filter(|caller| caller.signature.is_some());
        let recipients = select_recipients(&mut script, signed.map(|caller| caller.user).collect());
        let tokens = store::select_live_tokens(&mut script, commands, attempt.now);
        let made = store::entries_made_earlier(&mut script, commands, attempt);
        let credited = references::select_credited(&mut script, commands);
        let selected = script.run(connection).await?;
        let mut accounts = read_accounts(&selected, &accounts)?;
        store::add_live_tokens(&mut accounts, &selected, &tokens)?;
        let credited = references::read_credited(&selected, &credited)?;
        let recipients = read_recipients(&selected, &recipients)?;
        Ok(decide::Rows { accounts, recipients, made: store::read_entries(&selected, &made)?, credited })
    }

    fn decide(&self, rows: decide::Rows, commands: &[Recharge], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &decide::Effects, _attempt: &Attempt) {
        write_entries(script, &effects.entries);
        write_log(script, &effects.log);
    }

    /// Only recharges of a single wallet, by its user who shows no token, and without a reference. Assuming several wallets would gain only 3 %
    /// (measured).
    fn assume(&self, commands: &[Recharge], assumptions: &Assumptions, _attempt: &Attempt) -> Option<decide::Rows> {
        let user = commands.first()?.caller.user;
        let is_alike = |command: &Recharge| {
            let caller = &command.caller;
            let is_plain = !caller.shows_token() && caller.signature.is_none() && command.deposit.reference.is_none();
            caller.user == user && is_plain
        };
        commands.iter().all(is_alike).then(|| decide::Rows {
            accounts: HashMap::from([(user, Account::unread(assumptions, user))]),
            recipients: HashMap::new(),
            made: assumptions.unread_rows(decide::MADE, HashMap::new()),
            credited: HashMap::new(),
        })
    }

    fn guard(&self, _script: &mut Script, assumed: &mut Assumed, effects: &decide::Effects, _attempt: &Attempt) {
        strike_balances(assumed, &store::changes(&effects.entries));
        store::strike_made(assumed, &effects.entries);
    }

    fn complete(
        &self,
        answers: &mut [Result<Recharged, Error>],
        effects: &decide::Effects,
        selected: &ResultSet,
    ) -> Result<(), sqlx::Error> {
        // An unread batch is about one wallet, so any of its entries tells.
        if effects.entries.first().is_none_or(|entry| entry.before.is_some()) {
            return Ok(());
        }
        let before = store::balance_before(selected)?;
        for answer in answers.iter_mut().flatten() {
            let whole = answer.on_top_of(before);
            *answer = whole.ok_or_else(|| sqlx::Error::Decode("a balance is past its limit".into()))?;
        }
        Ok(())
    }
}
