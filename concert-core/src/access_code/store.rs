//! The SQL of codes: making, listing and revoking them. A join redeems them, in the queue's own transaction.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::{AccessCode, CodeEntry, CodeHash, CodeKind, CodeRef, CodesToRevoke, MadeCodes, NewCodes};
use crate::clock::Timestamp;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::{AccessCodeId, LogEntryId, SaleId};
use crate::operator::{Act, ActSubject, LogEntry, Signature, write_log};
use crate::page::{Page, Paged};
use crate::sql::{Keyword, Script, Text, fetch_all, fetch_optional, statements};

/// How many codes are inserted in one round trip.
const CHUNK: usize = 1_000;
/// The most codes that are named in one call to revoke them.
const MOST_NAMED: usize = 1_000;

macro_rules! entries {
    ($which:literal) => {
        concat!(
            "select id, kind, uses, uses_left, created_at, created_by, revoked_at \
             from access_codes force index (access_codes_sale) where sale_id = {sale}",
            $which,
            " order by id desc limit {limit}"
        )
    };
}

statements! {
    MADE_BEFORE { "select logged_at from operator_log force index (primary) where id = {entry}" }
    SALE { "select id from sales where id = {sale}" }
    INSERT { insert "access_codes" (id, sale_id, code_hash, kind, uses, uses_left, created_at, created_by) }
    NEWEST { entries!("") }
    OLDER { entries!(" and id < {id}") }
    ONE { "select id from access_codes force index (primary) where id = {id} and sale_id = {sale}" }
    LOCK_BY_ID {
        "select id, revoked_at from access_codes force index (primary) where sale_id = {sale} and id in ({codes}) for update"
    }
    LOCK_BY_CODE {
        "select id, revoked_at from access_codes force index (access_codes_hash) \
         where sale_id = {sale} and code_hash in ({hashes}) for update"
    }
    REVOKE {
        "update access_codes force index (primary) set revoked_at = {now} \
         where {guard}revoked_at is null and id in ({codes})"
    }
    REVOKE_ALL {
        "update access_codes force index (access_codes_sale) set revoked_at = {now} \
         where {guard}sale_id = {sale} and revoked_at is null"
    }
    COUNT_IN_FORCE {
        "select count(*) as in_force from access_codes force index (access_codes_sale) \
         where sale_id = {sale} and revoked_at is null for update"
    }
}

async fn require_sale(pool: &MySqlPool, sale: SaleId) -> Result<(), Error> {
    let found = db::read(|| async { fetch_optional(pool, &SALE, |params| params.bind("sale", sale)).await }).await?;
    found.map(drop).ok_or(Error::SaleNotFound)
}

/// Makes codes, all or none. With an idempotency key once: the entry of the log has an id that follows from the key, so
/// the log's own key lets one of several requests through.
pub(crate) async fn make_codes(
    pool: &MySqlPool,
    sale: SaleId,
    new: NewCodes,
    by: &Signature,
    now: Timestamp,
) -> Result<MadeCodes, Error> {
    require_sale(pool, sale).await?;
    let entry = by.entry(Act::CodesMake, ActSubject::Sale(sale), now);
    let Some(key) = &new.key else { return insert_codes(pool, sale, &new, entry).await };
    let id = LogEntryId::from_uuid(key.derive_for_operator(by.name(), "codes"));
    refuse_if_made(pool, id).await?;
    let made = insert_codes(pool, sale, &new, LogEntry { id, ..entry }).await;
    if made.is_err() {
        // Another request of the same moment was first, or the answer to this one's COMMIT was lost.
        refuse_if_made(pool, id).await?;
    }
    made
}

async fn refuse_if_made(pool: &MySqlPool, entry: LogEntryId) -> Result<(), Error> {
    let found = db::read(|| async { fetch_optional(pool, &MADE_BEFORE, |params| params.bind("entry", entry)).await });
    match found.await? {
        Some(row) => Err(Error::CodesAlreadyMade { at: row.try_get("logged_at").map_err(db::to_error)? }),
        None => Ok(()),
    }
}

async fn insert_codes(
    pool: &MySqlPool,
    sale: SaleId,
    &NewCodes { kind, count, uses, .. }: &NewCodes,
    entry: LogEntry,
) -> Result<MadeCodes, Error> {
    let (by, now) = (entry.by.clone(), entry.at);
    let codes: Vec<_> = (0..count).map(|_| (AccessCodeId::generate(), AccessCode::generate())).collect();
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    for chunk in codes.chunks(CHUNK) {
        let mut script = Script::default();
        script.insert(&INSERT, chunk, |row, (id, code)| {
            let row = row.bind("id", id).bind("sale_id", sale).bind("code_hash", code.hash());
            let row = row.bind("kind", Keyword::new(kind.as_str())).bind("uses", uses).bind("uses_left", uses);
            row.bind("created_at", now).bind("created_by", Text(&by))
        });
        script.run(&mut connection).await.map_err(Failure::into_error)?;
    }
    let mut script = Script::default();
    write_log(&mut script, &[entry.with_after(json!({"kind": kind, "count": count, "uses": uses}))]);
    script.commit(&mut connection).await.map_err(Failure::into_error)?;
    db::close(connection).await;
    Ok(MadeCodes { sale, kind, uses, codes })
}

/// A page of a sale's codes; the page must not start after something that is no code of the sale.
pub(crate) async fn codes_of(
    pool: &MySqlPool,
    sale: SaleId,
    page: &Page<AccessCodeId>,
) -> Result<Paged<CodeEntry>, Error> {
    require_sale(pool, sale).await?;
    let rows = db::read(|| async {
        let Some(last) = page.starting_after() else {
            let newest =
                fetch_all(pool, &NEWEST, |params| params.bind("sale", sale).bind("limit", page.rows())).await?;
            return Ok(Some(newest));
        };
        if fetch_optional(pool, &ONE, |params| params.bind("id", last).bind("sale", sale)).await?.is_none() {
            return Ok(None);
        }
        let older =
            fetch_all(pool, &OLDER, |params| params.bind("sale", sale).bind("id", last).bind("limit", page.rows()));
        older.await.map(Some)
    });
    let rows = rows.await?.ok_or_else(|| Error::invalid("startingAfter is not a code of this sale"))?;
    let entries = rows.iter().map(read_entry).collect::<Result<_, _>>().map_err(db::to_error)?;
    Ok(page.of(entries))
}

fn read_entry(row: &MySqlRow) -> Result<CodeEntry, sqlx::Error> {
    Ok(CodeEntry {
        id: row.try_get("id")?,
        kind: CodeKind::from_column(row.try_get("kind")?)?,
        uses: row.try_get("uses")?,
        uses_left: row.try_get("uses_left")?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}

/// Revokes codes for good; those that are revoked stay so. Returns how many were in force until now.
pub(crate) async fn revoke_codes(
    pool: &MySqlPool,
    sale: SaleId,
    which: &CodesToRevoke,
    by: &Signature,
    now: Timestamp,
) -> Result<u64, Error> {
    require_sale(pool, sale).await?;
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    let (mut script, subject) = (Script::default(), ActSubject::Sale(sale));
    let (revoked, after) = match which {
        CodesToRevoke::All => {
            let mut count = Script::default();
            let counting = count.select(&COUNT_IN_FORCE, |params| params.bind("sale", sale));
            // Counted under lock, so that the change is of exactly these.
            let counted = count.run(&mut connection).await.map_err(Failure::into_error)?;
            let in_force: i64 = counted.one(&counting).and_then(|row| row.try_get("in_force")).map_err(db::to_error)?;
            let revoked = in_force.max(0) as usize;
            script.change("revoking codes", Some(revoked), &REVOKE_ALL, |params| {
                params.bind("now", now).bind("sale", sale)
            });
            (revoked, json!({"all": true, "revoked": revoked}))
        }
        CodesToRevoke::These(named) => {
            let codes = in_force(&mut connection, sale, named).await?;
            script.change_keys("revoking codes", 1, &REVOKE, codes.clone(), |params, codes| {
                params.bind("now", now).list("codes", codes)
            });
            (codes.len(), json!({"codeIds": codes}))
        }
    };
    if revoked > 0 {
        write_log(&mut script, &[by.entry(Act::CodesRevoke, subject, now).with_after(after)]);
        script.commit(&mut connection).await.map_err(Failure::into_error)?;
    }
    db::close(connection).await;
    Ok(revoked as u64)
}

/// The named codes that are in force, locked.
async fn in_force(
    connection: &mut MySqlConnection,
    sale: SaleId,
    named: &[CodeRef],
) -> Result<Vec<AccessCodeId>, Error> {
    if named.is_empty() || named.len() > MOST_NAMED {
        return Err(Error::invalid(format!("1 to {MOST_NAMED} codes are revoked at once, or all")));
    }
    let (mut ids, mut hashes) = (Vec::new(), Vec::new());
    for code in named {
        match code {
            CodeRef::Id(id) => ids.push(*id),
            CodeRef::Code(code) => hashes.push(code.hash()),
        }
    }
    let (ids, hashes): (BTreeSet<_>, BTreeSet<CodeHash>) = (ids.into_iter().collect(), hashes.into_iter().collect());
    let expected = ids.len() + hashes.len();
    let mut script = Script::default();
    let readings = [
        script.select_keys(&LOCK_BY_ID, ids.into_iter().collect(), |params, ids| {
            params.bind("sale", sale).list("codes", ids)
        }),
        script.select_keys(&LOCK_BY_CODE, hashes.into_iter().collect(), |params, hashes| {
            params.bind("sale", sale).list("hashes", hashes)
        }),
    ];
    let selected = script.run(connection).await.map_err(Failure::into_error)?;
    let rows: Vec<_> = readings.iter().flat_map(|reading| selected.rows(reading)).collect();
    if rows.len() < expected {
        return Err(Error::CodeNotFound);
    }
    // A set, since a code may be named by its id and as it is.
    let mut found = BTreeSet::new();
    for row in rows {
        if row.try_get::<Option<Timestamp>, _>("revoked_at").map_err(db::to_error)?.is_none() {
            found.insert(row.try_get("id").map_err(db::to_error)?);
        }
    }
    Ok(found.into_iter().collect())
}
