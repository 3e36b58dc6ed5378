//! The SQL of the wallet.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::{Recharge, Recharged, WalletEntry};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{TokenId, UserId, WalletEntryId};
use crate::money::Money;
use crate::sql::{At, Hex, expect_rows, json};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[&str] = &[LOCK_ACCOUNTS, ENTRIES, UPDATE_BALANCES, INSERT_ENTRIES, BALANCE];

/// The token is read unlocked: money into one's own wallet does no harm a moment after leaving the queue.
const LOCK_ACCOUNTS: &str = "select u.id, u.balance, \
     (select t.id from tokens t where t.user_id = u.id and t.live = 1 and t.expires_at > ?) as live_token \
     from (select b.id from json_table(?, '$[*]' columns (id varchar(32) path '$')) b) j \
     straight_join users u force index (primary) on u.id = unhex(j.id) for update";
const ENTRIES: &str = "select e.id, e.amount, e.balance_after \
     from json_table(?, '$[*]' columns (id varchar(32) path '$')) j \
     straight_join wallet_entries e on e.id = unhex(j.id)";
const UPDATE_BALANCES: &str = "update json_table(?, '$[*]' columns (id varchar(32) path '$.id', \
     was decimal(10, 2) path '$.was', becomes decimal(10, 2) path '$.becomes')) j \
     straight_join users u force index (primary) on u.id = unhex(j.id) set u.balance = j.becomes where u.balance = j.was";
const INSERT_ENTRIES: &str = "insert into wallet_entries (id, user_id, kind, amount, balance_after, payment_id, created_at) \
     select unhex(j.id), unhex(j.user_id), j.kind, j.amount, j.balance_after, unhex(j.payment_id), j.created_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$.id', user_id varchar(32) path '$.user_id', \
     kind varchar(16) path '$.kind', amount decimal(10, 2) path '$.amount', balance_after decimal(10, 2) path '$.balance_after', \
     payment_id varchar(32) path '$.payment_id', created_at datetime(6) path '$.created_at')) j";
const BALANCE: &str = "select u.balance, \
     (select t.id from tokens t where t.user_id = u.id and t.live = 1 and t.expires_at > ?) as live_token \
     from users u where u.id = ?";

/// A user's money, and the token that the user has in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) balance: Money,
    pub(crate) live_token: Option<TokenId>,
}

/// Locks users, in the order of their ids.
pub(crate) async fn lock_accounts(
    connection: &mut MySqlConnection,
    mut users: Vec<UserId>,
    now: Timestamp,
) -> Result<HashMap<UserId, Account>, Failure> {
    users.sort_unstable();
    users.dedup();
    let users: Vec<Hex> = users.into_iter().map(|user| Hex(user.as_uuid())).collect();
    let rows = sqlx::query(LOCK_ACCOUNTS).bind(now).bind(json(&users)?).fetch_all(connection).await?;
    let account = |row: &sqlx::mysql::MySqlRow| {
        let account = Account { balance: row.try_get("balance")?, live_token: row.try_get("live_token")? };
        Ok((row.try_get("id")?, account))
    };
    Ok(rows.iter().map(account).collect::<Result<_, sqlx::Error>>()?)
}

pub(super) async fn entries_made_earlier(
    connection: &mut MySqlConnection,
    commands: &[Recharge],
    attempt: &Attempt,
) -> Result<HashMap<WalletEntryId, Recharged>, Failure> {
    let repeatable = commands.iter().filter(|command| attempt.recheck || command.caller.key.is_some());
    let ids: Vec<Hex> = repeatable.map(|command| Hex(command.id.as_uuid())).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(ENTRIES).bind(json(&ids)?).fetch_all(connection).await?;
    let entry = |row: &sqlx::mysql::MySqlRow| {
        let after: Money = row.try_get("balance_after")?;
        let amount: Decimal = row.try_get("amount")?;
        let before = Money::new(after.as_decimal() - amount).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok((row.try_get("id")?, Recharged { before, after }))
    };
    Ok(rows.iter().map(entry).collect::<Result<_, sqlx::Error>>()?)
}

/// Writes entries, in the order they happened, and the balances that they lead to.
pub(crate) async fn write_entries(connection: &mut MySqlConnection, entries: &[WalletEntry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut balances: HashMap<UserId, (Money, Money)> = HashMap::with_capacity(entries.len());
    for entry in entries {
        balances.entry(entry.user).or_insert((entry.before, entry.after)).1 = entry.after;
    }
    let rows: Vec<_> = balances
        .into_iter()
        .map(|(user, (was, becomes))| BalanceRow {
            id: Hex(user.as_uuid()),
            was: was.to_string(),
            becomes: becomes.to_string(),
        })
        .collect();
    let updated = sqlx::query(UPDATE_BALANCES).bind(json(&rows)?).execute(&mut *connection).await?;
    expect_rows(&updated, rows.len(), "changing balances")?;

    let rows: Vec<_> = entries.iter().map(EntryRow::new).collect();
    let inserted = sqlx::query(INSERT_ENTRIES).bind(json(&rows)?).execute(connection).await?;
    expect_rows(&inserted, rows.len(), "adding wallet entries")
}

#[derive(Serialize)]
struct BalanceRow {
    id: Hex,
    was: String,
    becomes: String,
}

#[derive(Serialize)]
struct EntryRow {
    id: Hex,
    user_id: Hex,
    kind: &'static str,
    amount: String,
    balance_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<Hex>,
    created_at: At,
}

impl EntryRow {
    fn new(entry: &WalletEntry) -> Self {
        Self {
            id: Hex(entry.id.as_uuid()),
            user_id: Hex(entry.user.as_uuid()),
            kind: entry.kind.as_str(),
            amount: (entry.after.as_decimal() - entry.before.as_decimal()).to_string(),
            balance_after: entry.after.to_string(),
            payment_id: entry.payment.map(|id| Hex(id.as_uuid())),
            created_at: At(entry.created_at),
        }
    }
}

/// The account of a user, unlocked.
pub(crate) async fn balance(pool: &MySqlPool, user: UserId, now: Timestamp) -> Result<Option<Account>, sqlx::Error> {
    let row = sqlx::query(BALANCE).bind(now).bind(user).fetch_optional(pool).await?;
    row.map(|row| Ok(Account { balance: row.try_get("balance")?, live_token: row.try_get("live_token")? })).transpose()
}
