//! A wallet's entries as its owner looks back on them: in the order in which the balance changed, newest first.

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::{Reference, WalletEntryKind};
use crate::clock::Timestamp;
use crate::id::{PaymentId, UserId, WalletEntryId};
use crate::money::{BalanceChange, Money};
use crate::page::{Page, Paged};
use crate::sql::{fetch_all, fetch_optional, statements};

macro_rules! entries {
    ($which:literal) => {
        concat!(
            "select id, kind, amount, balance_after, payment_id, reference, created_at from wallet_entries \
             force index (wallet_entries_user_nth) where user_id = {user}",
            $which,
            " order by nth desc limit {limit}"
        )
    };
}

statements! {
    NEWEST { entries!("") }
    OLDER { entries!(" and nth < {sequence}") }
    PAGE_START { "select nth from wallet_entries where id = {id} and user_id = {user}" }
}

/// A change of a balance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalletEntryView {
    /// Its id.
    pub id: WalletEntryId,
    /// Why the balance changed.
    pub kind: WalletEntryKind,
    /// By how much.
    pub amount: BalanceChange,
    /// The balance after it.
    pub balance_after: Money,
    /// What was paid or refunded.
    pub payment: Option<PaymentId>,
    /// The payment from outside that a recharge stands for, if that was said.
    pub reference: Option<Reference>,
    /// When.
    pub created_at: Timestamp,
}

/// A page of a user's entries; `None`: the page starts after something that is not an entry of this user.
pub(crate) async fn entries_of(
    pool: &MySqlPool,
    user: UserId,
    page: &Page<WalletEntryId>,
) -> Result<Option<Paged<WalletEntryView>>, sqlx::Error> {
    let rows = match page.starting_after() {
        None => fetch_all(pool, &NEWEST, |params| params.bind("user", user).bind("limit", page.rows())).await?,
        Some(last) => {
            let start = fetch_optional(pool, &PAGE_START, |params| params.bind("id", last).bind("user", user)).await?;
            let Some(start) = start else { return Ok(None) };
            let sequence: u32 = start.try_get("nth")?;
            let older = fetch_all(pool, &OLDER, |params| {
                params.bind("user", user).bind("sequence", sequence).bind("limit", page.rows())
            });
            older.await?
        }
    };
    Ok(Some(page.of(rows.iter().map(read_entry).collect::<Result<_, _>>()?)))
}

fn read_entry(row: &MySqlRow) -> Result<WalletEntryView, sqlx::Error> {
    Ok(WalletEntryView {
        id: row.try_get("id")?,
        kind: WalletEntryKind::from_column(row.try_get("kind")?)?,
        amount: row.try_get("amount")?,
        balance_after: row.try_get("balance_after")?,
        payment: row.try_get("payment_id")?,
        reference: row.try_get::<Option<_>, _>("reference")?.map(Reference::known),
        created_at: row.try_get("created_at")?,
    })
}
