//! The wallet: a balance per user, and an entry for every change of it.

mod decide;
mod history;
mod optimistic;
mod store;

use serde::Serialize;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub use history::WalletEntryView;
pub(crate) use history::{STATEMENTS as READS, entries_of};
pub(crate) use store::{Account, STATEMENTS, balance, lock_accounts, read_accounts, spend, write_entries};

use crate::batch::{Attempt, Batch, Decision, Failure, Optimistic};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::id::{PaymentId, UserId, WalletEntryId};
use crate::money::Money;
use crate::sql::Script;

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::decide::{Rows, decide};
}

/// What a recharge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recharged {
    /// The balance before.
    pub before: Money,
    /// The balance after.
    pub after: Money,
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
        [Self::Recharge, Self::Payment, Self::Refund]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no kind of wallet entry").into()))
    }
}

/// A row of `wallet_entries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WalletEntry {
    pub(crate) id: WalletEntryId,
    pub(crate) user: UserId,
    /// Its number in the wallet.
    pub(crate) nth: u32,
    pub(crate) kind: WalletEntryKind,
    pub(crate) before: Money,
    pub(crate) after: Money,
    pub(crate) payment: Option<PaymentId>,
    pub(crate) created_at: Timestamp,
}

/// The lane's one command: a recharge.
#[derive(Debug)]
pub(crate) struct Recharge {
    pub(crate) caller: Caller,
    pub(crate) amount: Money,
    pub(crate) id: WalletEntryId,
}

/// The lane's batch.
pub(crate) struct WalletBatch;

impl Batch for WalletBatch {
    const NAME: &'static str = "wallet";
    type Command = Recharge;
    type Answer = Recharged;
    type Rows = decide::Rows;
    type Effects = Vec<WalletEntry>;

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
        let tokens = store::select_live_tokens(&mut script, commands, attempt.now);
        let made = store::entries_made_earlier(&mut script, commands, attempt);
        let selected = script.run(connection).await?;
        let mut accounts = read_accounts(&selected, &accounts)?;
        store::add_live_tokens(&mut accounts, &selected, &tokens)?;
        Ok(decide::Rows { accounts, made: store::read_entries(&selected, &made)? })
    }

    fn optimistic<'a>(&self, commands: &'a [Recharge], attempt: &Attempt) -> Option<Optimistic<'a, Self>> {
        optimistic::recharge(commands, attempt)
    }

    fn decide(&self, rows: decide::Rows, commands: &[Recharge], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt);
        Decision { answers, effects }
    }

    fn write(&self, effects: &Vec<WalletEntry>, _attempt: &Attempt) -> Script {
        let mut script = Script::default();
        write_entries(&mut script, effects);
        script
    }
}
