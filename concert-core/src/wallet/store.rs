//! The SQL of the wallet.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::{Recharge, Recharged, WalletEntry};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{TokenId, UserId, WalletEntryId};
use crate::money::Money;
use crate::sql::{Listed, Statement, bind_list, different, expect_rows, key_lists, pieces, select_all};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Listed(&LOCK_ACCOUNTS),
    Statement::Listed(&ENTRIES),
    Statement::Listed(&INSERT_ENTRIES),
    Statement::Listed(&UPDATE_BALANCES),
    Statement::Fixed(BALANCE),
];

/// The token is read unlocked: money into one's own wallet does no harm a moment after leaving the queue.
const LOCK_ACCOUNTS: Listed = Listed::of_keys(
    "select u.id, u.balance, \
     (select t.id from tokens t where t.user_id = u.id and t.live = 1 and t.expires_at > ?) as live_token \
     from users u force index (primary) where u.id in ({}) for update",
);
const ENTRIES: Listed = Listed::of_keys("select id, amount, balance_after from wallet_entries where id in ({})");
const INSERT_ENTRIES: Listed = Listed {
    text: "insert into wallet_entries (id, user_id, kind, amount, balance_after, payment_id, created_at) values {}",
    row: "(?,?,?,?,?,?,?)",
};
/// To each user the balance at the same place of the second list.
const UPDATE_BALANCES: Listed =
    Listed::of_keys("update users force index (primary) set balance = elt(field(id, {}), {}) where id in ({})");
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
    users: Vec<UserId>,
    now: Timestamp,
) -> Result<HashMap<UserId, Account>, Failure> {
    let mut accounts = HashMap::with_capacity(users.len());
    for row in select_all(connection, &LOCK_ACCOUNTS, |query| query.bind(now), users).await? {
        let account = Account { balance: row.try_get("balance")?, live_token: row.try_get("live_token")? };
        accounts.insert(row.try_get("id")?, account);
    }
    Ok(accounts)
}

pub(super) async fn entries_made_earlier(
    connection: &mut MySqlConnection,
    commands: &[Recharge],
    attempt: &Attempt,
) -> Result<HashMap<WalletEntryId, Recharged>, Failure> {
    let repeatable = commands.iter().filter(|command| attempt.recheck || command.caller.key.is_some());
    let ids = repeatable.map(|command| command.id).collect();
    let mut made = HashMap::new();
    for row in select_all(connection, &ENTRIES, |query| query, ids).await? {
        let after: Money = row.try_get("balance_after")?;
        let amount: Decimal = row.try_get("amount")?;
        let before = Money::new(after.as_decimal() - amount).map_err(|error| sqlx::Error::Decode(error.into()))?;
        made.insert(row.try_get("id")?, Recharged { before, after });
    }
    Ok(made)
}

/// Writes entries, in the order they happened, and the balances that they lead to.
pub(crate) async fn write_entries(connection: &mut MySqlConnection, entries: &[WalletEntry]) -> Result<(), Failure> {
    let mut balances: HashMap<UserId, Money> = HashMap::with_capacity(entries.len());
    for piece in pieces(entries) {
        let mut query = sqlx::query(INSERT_ENTRIES.text(piece.len()));
        for entry in piece {
            balances.insert(entry.user, entry.after);
            query = query
                .bind(entry.id)
                .bind(entry.user)
                .bind(entry.kind.as_str())
                .bind(entry.after.as_decimal() - entry.before.as_decimal())
                .bind(entry.after)
                .bind(entry.payment)
                .bind(entry.created_at);
        }
        expect_rows(&query.execute(&mut *connection).await?, piece.len(), "adding wallet entries")?;
    }
    for list in key_lists(balances.keys().copied().collect()) {
        let changed = different(&list);
        let becomes = list.iter().map(|user| balances[user]).collect();
        let query = bind_list(sqlx::query(UPDATE_BALANCES.text(list.len())), list.clone());
        let query = bind_list(bind_list(query, becomes), list);
        expect_rows(&query.execute(&mut *connection).await?, changed, "changing balances")?;
    }
    Ok(())
}

/// The account of a user, unlocked.
pub(crate) async fn balance(pool: &MySqlPool, user: UserId, now: Timestamp) -> Result<Option<Account>, sqlx::Error> {
    let row = sqlx::query(BALANCE).bind(now).bind(user).fetch_optional(pool).await?;
    row.map(|row| Ok(Account { balance: row.try_get("balance")?, live_token: row.try_get("live_token")? })).transpose()
}
