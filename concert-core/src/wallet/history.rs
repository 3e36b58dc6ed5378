//! A wallet's entries as its owner looks back on them: in the order in which the balance changed, newest first.

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::WalletEntryKind;
use crate::clock::Timestamp;
use crate::id::{PaymentId, UserId, WalletEntryId};
use crate::money::{BalanceChange, Money};
use crate::page::{Page, Paged};
use crate::sql::Statement;

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] =
    &[Statement::Fixed(NEWEST), Statement::Fixed(PLACE), Statement::Fixed(OLDER)];

macro_rules! entries {
    ($which:literal) => {
        concat!(
            "select id, kind, amount, balance_after, payment_id, created_at from wallet_entries \
             force index (wallet_entries_user_nth) where user_id = ? ",
            $which,
            " order by nth desc, created_at desc, id desc limit ?"
        )
    };
}

const NEWEST: &str = entries!("");
/// The entries from before there were numbers all have 0; their moments order them.
const OLDER: &str =
    entries!("and (nth < ? or (nth = ? and created_at < ?) or (nth = ? and created_at = ? and id < ?))");
const PLACE: &str = "select nth, created_at from wallet_entries where id = ? and user_id = ?";

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
    /// When.
    pub created_at: Timestamp,
}

/// A page of a user's entries; `None`: the page starts after what is no entry of this user.
pub(crate) async fn entries_of(
    pool: &MySqlPool,
    user: UserId,
    page: &Page<WalletEntryId>,
) -> Result<Option<Paged<WalletEntryView>>, sqlx::Error> {
    let rows = match page.starting_after() {
        None => sqlx::query(NEWEST).bind(user).bind(page.rows()).fetch_all(pool).await?,
        Some(last) => {
            let place = sqlx::query(PLACE).bind(last).bind(user).fetch_optional(pool).await?;
            let Some(place) = place else { return Ok(None) };
            let (nth, at): (u32, Timestamp) = (place.try_get("nth")?, place.try_get("created_at")?);
            let query = sqlx::query(OLDER).bind(user).bind(nth).bind(nth).bind(at).bind(nth).bind(at).bind(last);
            query.bind(page.rows()).fetch_all(pool).await?
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
        created_at: row.try_get("created_at")?,
    })
}
