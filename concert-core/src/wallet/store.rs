//! The SQL of the wallet.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::{Recharge, Recharged, WalletEntry};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{TokenId, UserId, WalletEntryId};
use crate::money::Money;
use crate::payment::Payment;
use crate::sql::{Change, Listed, Reading, Script, Selected, Statement, Word, grouped};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Listed(&LOCK_ACCOUNTS),
    Statement::Listed(&LIVE_TOKENS),
    Statement::Listed(&ENTRIES),
    Statement::Listed(&INSERT_ENTRIES),
    Statement::Listed(&UPDATE_BALANCES),
    Statement::Listed(&SPEND),
    Statement::Listed(&SPEND_EACH),
    Statement::Listed(&ENTER_PAYMENTS),
    Statement::Fixed(RAISE),
    Statement::Listed(&ENTER_RAISED),
    Statement::Fixed(BALANCE),
];

const LOCK_ACCOUNTS: Listed = Listed::of_keys(
    "select id, balance, entries, null as live_token from users force index (primary) where id in ({}) for update",
);
/// Unlocked: money into one's own wallet does no harm a moment after leaving the queue.
const LIVE_TOKENS: Listed = Listed::of_keys(
    "select user_id, id from tokens force index (tokens_user_live) where live = 1 and expires_at > ? and user_id in ({})",
);
const ENTRIES: Listed = Listed::of_keys("select id, amount, balance_after from wallet_entries where id in ({})");
const INSERT_ENTRIES: Listed = Listed::of_rows(
    "insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, payment_id, created_at) values {}",
    "(?,?,?,?,?,?,?,?)",
);
/// To each user the balance at the same place of the second list, after so many entries.
const UPDATE_BALANCES: Listed = Listed::of_keys(
    "update users force index (primary) set entries = entries + ?, balance = elt(field(id, {}), {}) where id in ({})",
);
const SPEND: Listed = Listed::of_keys(
    "update users force index (primary) set entries = entries + 1, balance = balance - ? where balance >= ? and id in ({})",
);
/// From each user the amount at the same place of the list after.
const SPEND_EACH: Listed = Listed::of_keys(
    "update users force index (primary) set entries = entries + 1, balance = balance - elt(field(id, {}), {}) \
     where balance >= elt(field(id, {}), {}) and id in ({})",
);
/// An entry has the id of its payment.
const ENTER_PAYMENTS: Listed = Listed::of_keys(
    "insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, payment_id, created_at) \
     select p.id, p.user_id, u.entries, 'PAYMENT', -p.amount, u.balance, p.id, p.paid_at \
     from payments p force index (primary) straight_join users u force index (primary) on u.id = p.user_id \
     where p.id in ({})",
);
/// Notes what was there for the entries, and answers the balance of before, in hundredths, as an id is answered.
const RAISE: &str = "update users force index (primary) \
     set entries = (@entries := entries) + ?, balance = last_insert_id(100 * (@balance := balance)) / 100 + ? \
     where balance <= ? and id = ?";
const ENTER_RAISED: Listed = Listed::of_rows(
    "insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, created_at) values {}",
    "(?,?,@entries + ?,'RECHARGE',?,@balance + ?,?)",
);
const BALANCE: &str = "select u.balance, u.entries, \
     (select t.id from tokens t where t.user_id = u.id and t.live = 1 and t.expires_at > ?) as live_token \
     from users u where u.id = ?";

/// A user's money, and the token that the user has in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) balance: Money,
    /// The number of the newest entry.
    pub(crate) entries: u32,
    /// Only where it was asked for.
    pub(crate) live_token: Option<TokenId>,
}

/// Locks users.
pub(crate) fn lock_accounts(script: &mut Script, users: Vec<UserId>) -> Reading {
    script.select_keys(&LOCK_ACCOUNTS, users)
}

/// The tokens of those who show one.
pub(super) fn select_live_tokens(script: &mut Script, commands: &[Recharge], now: Timestamp) -> Reading {
    let showing = commands.iter().map(|command| &command.caller).filter(|caller| caller.shows_token());
    script.select_all(&LIVE_TOKENS, showing.map(|caller| caller.user).collect(), |blanks, list| {
        blanks.put(now).list(list)
    })
}

pub(super) fn add_live_tokens(
    accounts: &mut HashMap<UserId, Account>,
    selected: &Selected,
    reading: &Reading,
) -> Result<(), Failure> {
    for row in selected.rows(reading) {
        if let Some(account) = accounts.get_mut(&row.try_get("user_id")?) {
            account.live_token = row.try_get("id")?;
        }
    }
    Ok(())
}

pub(crate) fn read_accounts(selected: &Selected, reading: &Reading) -> Result<HashMap<UserId, Account>, Failure> {
    selected.rows(reading).map(|row| Ok((row.try_get("id")?, read_account(row)?))).collect()
}

pub(super) fn entries_made_earlier(script: &mut Script, commands: &[Recharge], attempt: &Attempt) -> Reading {
    let repeatable = commands.iter().filter(|command| attempt.recheck || command.caller.key.is_some());
    script.select_keys(&ENTRIES, repeatable.map(|command| command.id).collect())
}

pub(super) fn read_entries(
    selected: &Selected,
    reading: &Reading,
) -> Result<HashMap<WalletEntryId, Recharged>, Failure> {
    let read = |row: &MySqlRow| {
        let after: Money = row.try_get("balance_after")?;
        let amount: Decimal = row.try_get("amount")?;
        let before = Money::new(after.as_decimal() - amount).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok((row.try_get("id")?, Recharged { before, after }))
    };
    selected.rows(reading).map(read).collect()
}

/// Writes entries, in the order they happened, and the balances that they lead to.
pub(crate) fn write_entries(script: &mut Script, entries: &[WalletEntry]) {
    let mut becomes: HashMap<UserId, (u32, Money)> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let (added, balance) = becomes.entry(entry.user).or_insert((0, entry.after));
        (*added, *balance) = (*added + 1, entry.after);
    }
    for (added, users) in grouped(becomes.iter().map(|(user, (added, _))| (*added, *user))) {
        script.update_all("changing balances", 1, &UPDATE_BALANCES, users, |blanks, list| {
            blanks.put(added).list(list).list(list.iter().map(|user| becomes[user].1)).list(list)
        });
    }
    script.insert(&INSERT_ENTRIES, entries, |blanks, entry| {
        let amount = entry.after.as_decimal() - entry.before.as_decimal();
        let blanks = blanks.put(entry.id).put(entry.user).put(entry.nth).put(Word(entry.kind.as_str())).put(amount);
        blanks.put(entry.after).put(entry.payment).put(entry.created_at)
    });
}

/// Takes payments that are written already out of wallets, each out of another, and goes no further if one has too little.
pub(crate) fn spend(script: &mut Script, payments: &[Payment]) {
    let amounts: HashMap<_, _> = payments.iter().map(|payment| (payment.user, payment.amount)).collect();
    let users = amounts.keys().copied().collect();
    match payments {
        [first, rest @ ..] if rest.iter().all(|payment| payment.amount == first.amount) => {
            script.update_all("spending", 1, &SPEND, users, |blanks, list| {
                blanks.put(first.amount).put(first.amount).list(list)
            });
        }
        _ => script.update_all("spending", 1, &SPEND_EACH, users, |blanks, list| {
            let amounts = || list.iter().map(|user| amounts[user]);
            blanks.list(list).list(amounts()).list(list).list(amounts()).list(list)
        }),
    }
    let payments = payments.iter().map(|payment| payment.id).collect();
    script.update_all("entering payments", 1, &ENTER_PAYMENTS, payments, |blanks, list| blanks.list(list));
}

/// Raises a balance by the `sum` of so many recharges, and goes no further if it would be too large or nobody has it.
pub(super) fn raise(script: &mut Script, user: UserId, recharges: usize, sum: Money) -> Change {
    let most = Money::MAX.checked_sub(sum).unwrap_or(Money::ZERO);
    script.change("raising a balance", 1, RAISE, |blanks| blanks.put(recharges).put(sum).put(most).put(user))
}

/// Writes the entries of the recharges that a balance was just raised by.
pub(super) fn enter_raised(script: &mut Script, user: UserId, commands: &[Recharge], now: Timestamp) {
    let sums = commands.iter().scan(Decimal::ZERO, |sum, command| {
        *sum += command.amount.as_decimal();
        Some(*sum)
    });
    let raised: Vec<_> = commands.iter().zip(sums).zip(1_u32..).collect();
    script.insert(&ENTER_RAISED, &raised, |blanks, ((command, sum), nth)| {
        blanks.put(command.id).put(user).put(*nth).put(command.amount).put(*sum).put(now)
    });
}

pub(super) fn balance_before(selected: &Selected, raising: Change) -> Result<Money, sqlx::Error> {
    let hundredths = i64::try_from(selected.id_of(raising)).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Money::new(Decimal::new(hundredths, 2)).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The account of a user, unlocked.
pub(crate) async fn balance(pool: &MySqlPool, user: UserId, now: Timestamp) -> Result<Option<Account>, sqlx::Error> {
    let row = sqlx::query(BALANCE).bind(now).bind(user).fetch_optional(pool).await?;
    row.as_ref().map(read_account).transpose()
}

fn read_account(row: &MySqlRow) -> Result<Account, sqlx::Error> {
    Ok(Account {
        balance: row.try_get("balance")?,
        entries: row.try_get("entries")?,
        live_token: row.try_get("live_token")?,
    })
}
