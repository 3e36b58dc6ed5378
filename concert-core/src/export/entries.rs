//! The pages of wallet entries: of the payments for a concert's seats, or of all wallets.

use std::sync::Arc;

use hashbrown::HashMap;
use rust_decimal::Decimal;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::pages::{Cursor, LAST_SEAT, PAGE, Pages, page_end, payments_between};
use super::rows::ExportedEntry;
use super::{ExportTotals, ExportedConcert, sums};
use crate::id::{ConcertId, PaymentId};
use crate::sql::{MAX_LIST, fetch_all, statements};
use crate::time_zone::TimeZone;
use crate::wallet::{Reference, WalletEntryKind};

macro_rules! entries {
    ($which:literal) => {
        concat!(
            "select e.id, e.user_id, e.nth, e.kind, e.amount, e.balance_after, e.payment_id, e.reference, e.created_at, u.username \
             from wallet_entries e force index (wallet_entries_user_nth) left join users u on u.id = e.user_id where ",
            $which
        )
    };
}

statements! {
    PAYERS { payments_between!("u.username") }
    /// Few for each user, through the index of users: entries have none by payment.
    ENTRIES_OF_PAYMENTS { entries!("e.user_id in ({users}) and e.payment_id in ({payments}) order by e.user_id, e.nth") }
    ENTRIES_OF_USER { entries!("e.user_id = {user} and e.nth > {sequence} order by e.nth limit {limit}") }
    ENTRIES_AFTER { entries!("e.user_id > {user} order by e.user_id, e.nth limit {limit}") }
    ENTRIES_FROM_START { entries!("e.user_id >= x'00000000000000000000000000000000' order by e.user_id, e.nth limit {limit}") }
}

impl Pages for ExportedEntry {
    const BELONGS_TO_CONCERTS: bool = false;

    async fn page(
        connection: &mut MySqlConnection,
        concert: Option<&Arc<ExportedConcert>>,
        cursor: &mut Cursor,
    ) -> Result<Option<Vec<Self>>, sqlx::Error> {
        match concert {
            Some(concert) => entries_of_concert(connection, concert, cursor).await,
            None => entries_of_house(connection, cursor).await,
        }
    }

    async fn expected(
        connection: &mut MySqlConnection,
        concert: Option<ConcertId>,
    ) -> Result<ExportTotals, sqlx::Error> {
        sums::of_entries(connection, concert).await
    }

    fn amounts(&self) -> (Decimal, Decimal) {
        (self.amount.as_decimal(), Decimal::ZERO)
    }
}

/// The entries of the payments for a part of the hall.
async fn entries_of_concert(
    connection: &mut MySqlConnection,
    concert: &Arc<ExportedConcert>,
    cursor: &mut Cursor,
) -> Result<Option<Vec<ExportedEntry>>, sqlx::Error> {
    if cursor.payments.is_empty() {
        if cursor.seat == LAST_SEAT {
            return Ok(None);
        }
        let last = page_end(connection, concert.id, cursor.seat).await?;
        let rows = fetch_all(&mut *connection, &PAYERS, |params| {
            params.bind("concert", concert.id).bind("seat", cursor.seat).bind("last_seat", last)
        });
        let read = |row: &MySqlRow| Ok((row.try_get("id")?, row.try_get("user_id")?, row.try_get("seat_number")?));
        cursor.payments = rows.await?.iter().map(read).collect::<Result<_, sqlx::Error>>()?;
        cursor.seat = last;
    }
    // One page of seats may have more payments than a statement takes.
    let payments: Vec<_> = cursor.payments.drain(..cursor.payments.len().min(MAX_LIST)).collect();
    if payments.is_empty() {
        // Of these seats none was ever paid. An empty page is not the end.
        return Ok(Some(Vec::new()));
    }
    let mut users: Vec<_> = payments.iter().map(|(_, user, _)| *user).collect();
    users.sort_unstable();
    users.dedup();
    let rows = fetch_all(connection, &ENTRIES_OF_PAYMENTS, |params| {
        params.list("users", users).list("payments", payments.iter().map(|(payment, ..)| *payment))
    });
    let rows = rows.await?;
    let nth: HashMap<PaymentId, usize> = payments.iter().enumerate().map(|(nth, (id, ..))| (*id, nth)).collect();
    let mut entries = rows.iter().map(|row| read_entry(row, concert.time_zone)).collect::<Result<Vec<_>, _>>()?;
    // In the order of the payments; a refund after what it refunds.
    entries.sort_by_key(|entry| (entry.payment.and_then(|payment| nth.get(&payment)).copied(), entry.number));
    for entry in &mut entries {
        let payment = entry.payment.and_then(|payment| payments.get(*nth.get(&payment)?));
        entry.concert = Some(Arc::clone(concert));
        entry.seat = payment.map(|(.., seat)| *seat);
    }
    Ok(Some(entries))
}

/// The next entries of all wallets, wallet by wallet.
async fn entries_of_house(
    connection: &mut MySqlConnection,
    cursor: &mut Cursor,
) -> Result<Option<Vec<ExportedEntry>>, sqlx::Error> {
    let rows = match cursor.entry {
        None => fetch_all(&mut *connection, &ENTRIES_FROM_START, |params| params.bind("limit", PAGE)).await?,
        Some((user, sequence)) => {
            let rest = fetch_all(&mut *connection, &ENTRIES_OF_USER, |params| {
                params.bind("user", user).bind("sequence", sequence).bind("limit", PAGE)
            });
            match rest.await? {
                // The rest of this user, then the next users: one range over both columns would not go along the index.
                rest if !rest.is_empty() => rest,
                _ => {
                    fetch_all(connection, &ENTRIES_AFTER, |params| params.bind("user", user).bind("limit", PAGE))
                        .await?
                }
            }
        }
    };
    let entries = rows.iter().map(|row| read_entry(row, cursor.house)).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = entries.last() else { return Ok(None) };
    cursor.entry = Some((last.user, last.number));
    Ok(Some(entries))
}

fn read_entry(row: &MySqlRow, time_zone: TimeZone) -> Result<ExportedEntry, sqlx::Error> {
    Ok(ExportedEntry {
        entry: row.try_get("id")?,
        user: row.try_get("user_id")?,
        username: row.try_get("username")?,
        number: row.try_get("nth")?,
        kind: WalletEntryKind::from_column(row.try_get("kind")?)?,
        amount: row.try_get("amount")?,
        balance_after: row.try_get("balance_after")?,
        payment: row.try_get("payment_id")?,
        concert: None,
        seat: None,
        reference: row.try_get::<Option<_>, _>("reference")?.map(Reference::known),
        created_at: row.try_get("created_at")?,
        time_zone,
    })
}
