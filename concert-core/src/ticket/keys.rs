//! The keys that tickets are signed with. All servers sign with the newest one that is not retired; a code counts as long
//! as its key is in force, so keys change without a ticket losing its worth.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::ParsedPublicKey;
use hashbrown::HashMap;
use serde::Serialize;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::payload::{KEY, PublicKey, TicketClaims, TicketCode, TicketSigner};
use crate::clock::Timestamp;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::TicketKeyId;
use crate::operator::{Act, ActSubject, Signature, write_log};
use crate::sql::{Bytes, Script, Text, fetch_all, fetch_optional, statements};

/// The most keys that are in force at once: gates keep them all.
const MOST_KEYS: i64 = 100;
/// How often the number of a new key is looked for, where other processes make keys at the same time.
const MOST_ATTEMPTS: u32 = 8;
/// Who made the key that the first ticket was signed with, where no operator had made one.
const FIRST_USE: &str = "first use";

statements! {
    INSERT { insert "ticket_keys" (id, number, public_key, private_key, created_at, created_by) }
    NEWEST {
        "select id, private_key from ticket_keys force index (ticket_keys_number) where retired_at is null \
         order by number desc limit 1"
    }
    COUNTS {
        "select cast(coalesce(max(number), 0) as signed) as newest, \
         cast(coalesce(sum(retired_at is null), 0) as signed) as in_force from ticket_keys"
    }
    ALL {
        "select id, public_key, created_at, created_by, retired_at, retired_by from ticket_keys order by number"
    }
    BY_ID {
        "select id, public_key, created_at, created_by, retired_at, retired_by \
         from ticket_keys force index (primary) where id = {key_id} for update"
    }
    RETIRE {
        "update ticket_keys force index (primary) set retired_at = {now}, retired_by = {by} \
         where {guard}retired_at is null and id = {key_id}"
    }
}

/// A key that tickets are signed with, without its private half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TicketKey {
    /// Its id, which every code that is signed with it names.
    #[serde(rename = "keyId")]
    pub id: TicketKeyId,
    /// Its public half.
    pub public_key: PublicKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// By which operator; `first use`: for the first ticket that was shown, since there was none.
    pub created_by: String,
    /// When it was retired; `None`: it is in force.
    pub retired_at: Option<Timestamp>,
    /// By which operator.
    pub retired_by: Option<String>,
}

/// The public keys that this process has read. What is known of a key never changes but that it is retired, and that is
/// read with the tickets.
#[derive(Default)]
pub(crate) struct TicketKeys {
    known: RwLock<HashMap<TicketKeyId, Arc<ParsedPublicKey>>>,
    /// One reading at a time: a flood of made-up keys keeps one connection busy, no more.
    reading: tokio::sync::Mutex<()>,
}

impl TicketKeys {
    /// What a code says, if its signature is good. Whether its key is retired is not looked at.
    pub(crate) async fn open(&self, pool: &MySqlPool, code: &str) -> Result<TicketClaims, Error> {
        let code: TicketCode = code.parse()?;
        let key = match self.known(code.claims.key) {
            Some(key) => key,
            None => {
                let _alone = self.reading.lock().await;
                // Whoever waited for the lock may use what was read meanwhile.
                // All keys at once: there are few, and a code of each will come.
                if self.known(code.claims.key).is_none() {
                    self.learn(db::read(|| all_keys(pool)).await?)?;
                }
                self.known(code.claims.key).ok_or(Error::TicketKeyNotFound)?
            }
        };
        if code.is_signed_by(&key) { Ok(code.claims) } else { Err(Error::TicketForged) }
    }

    fn known(&self, id: TicketKeyId) -> Option<Arc<ParsedPublicKey>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn learn(&self, keys: Vec<TicketKey>) -> Result<(), Error> {
        let parsed = keys.into_iter().map(|key| Ok((key.id, Arc::new(key.public_key.parsed()?))));
        let parsed: Vec<_> = parsed.collect::<Result<_, Error>>()?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).extend(parsed);
        Ok(())
    }
}

/// What codes are signed with now. Makes the first key where none is in force.
pub(crate) async fn signer(pool: &MySqlPool, now: Timestamp) -> Result<TicketSigner, Error> {
    if let Some(signer) = newest(pool).await? {
        return Ok(signer);
    }
    // Another process may do the same. The row of one of them stays, and both sign with it.
    make(pool, TicketKeyId::generate(), None, now).await?;
    newest(pool).await?.ok_or_else(|| Error::internal(std::io::Error::other("a new key is retired already")))
}

async fn newest(pool: &MySqlPool) -> Result<Option<TicketSigner>, Error> {
    let row = db::read(|| fetch_optional(pool, &NEWEST, |params| params)).await?;
    let Some(row) = row else { return Ok(None) };
    let id = row.try_get("id").map_err(db::to_error)?;
    TicketSigner::new(id, row.try_get::<&[u8], _>("private_key").map_err(db::to_error)?).map(Some)
}

/// Makes a key. One with this id that is there already stays as it is.
pub(crate) async fn make_key(
    pool: &MySqlPool,
    id: TicketKeyId,
    by: &Signature,
    now: Timestamp,
) -> Result<TicketKey, Error> {
    make(pool, id, Some(by), now).await?;
    let made = db::read(|| all_keys(pool)).await?.into_iter().find(|key| key.id == id);
    made.ok_or(Error::TicketKeyNotFound)
}

/// Without an operator, only where no key is in force.
async fn make(pool: &MySqlPool, id: TicketKeyId, by: Option<&Signature>, now: Timestamp) -> Result<(), Error> {
    let seed: [u8; KEY] = rand::random();
    let public_key = TicketSigner::new(id, &seed)?.public_key()?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        // If this is dropped before COMMIT, the connection closes and the server rolls back.
        let mut connection = db::unhurried_connection(pool).await?;
        let made = insert(&mut connection, id, (&seed, public_key), by, now).await;
        db::close(connection).await;
        match made {
            // Another process took the number: it is looked for again.
            Err(Failure::Fatal(error) | Failure::Conflict(error))
                if attempts < MOST_ATTEMPTS
                    && error.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {}
            made => return made.map_err(Failure::into_error)?,
        }
    }
}

async fn insert(
    connection: &mut MySqlConnection,
    id: TicketKeyId,
    (seed, public_key): (&[u8; KEY], PublicKey),
    by: Option<&Signature>,
    now: Timestamp,
) -> Result<Result<(), Error>, Failure> {
    db::start_transaction(connection).await?;
    let mut script = Script::default();
    let counts = script.select(&COUNTS, |params| params);
    let same = script.select(&BY_ID, |params| params.bind("key_id", id));
    let selected = script.run(connection).await?;
    let (newest, in_force): (i64, i64) = {
        let row = selected.one(&counts)?;
        (row.try_get("newest")?, row.try_get("in_force")?)
    };
    // A repeated request, or a first use that another process came before: there is a key, and that was all that was
    // wanted.
    if selected.rows(&same).next().is_some() || (by.is_none() && in_force > 0) {
        return Ok(Ok(()));
    }
    if in_force >= MOST_KEYS {
        let most = format!("at most {MOST_KEYS} keys of tickets are in force at once; retire one first");
        // A refusal and no failure: to try again would not help.
        return Ok(Err(Error::invalid(most)));
    }
    let mut script = Script::default();
    let created_by = by.map_or(FIRST_USE, Signature::name);
    script.insert(&INSERT, &[id], |row, id| {
        let row = row.bind("id", *id).bind("number", (newest + 1) as u64);
        let row = row.bind("public_key", Bytes(public_key.as_bytes())).bind("private_key", Bytes(seed));
        row.bind("created_at", now).bind("created_by", Text(created_by))
    });
    let entry = by.map(|by| by.entry(Act::TicketKeyMake, ActSubject::TicketKey(id), now));
    let entry = entry.map(|entry| entry.with_after(serde_json::json!({"publicKey": public_key})));
    write_log(&mut script, entry.as_slice());
    script.commit(connection).await?;
    Ok(Ok(()))
}

/// Retires a key. One that is retired stays as it is.
pub(crate) async fn retire_key(
    pool: &MySqlPool,
    id: TicketKeyId,
    by: &Signature,
    now: Timestamp,
) -> Result<TicketKey, Error> {
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    let mut script = Script::default();
    let reading = script.select(&BY_ID, |params| params.bind("key_id", id));
    let selected = script.run(&mut connection).await.map_err(Failure::into_error)?;
    let found = selected.rows(&reading).next().ok_or(Error::TicketKeyNotFound)?;
    let mut key = read_key(found).map_err(db::to_error)?;
    if key.retired_at.is_none() {
        (key.retired_at, key.retired_by) = (Some(now), Some(by.name().to_owned()));
        let mut script = Script::default();
        script.change("retiring a key of tickets", Some(1), &RETIRE, |params| {
            params.bind("now", now).bind("by", Text(by.name())).bind("key_id", id)
        });
        write_log(&mut script, &[by.entry(Act::TicketKeyRetire, ActSubject::TicketKey(id), now)]);
        script.commit(&mut connection).await.map_err(Failure::into_error)?;
    }
    db::close(connection).await;
    Ok(key)
}

/// All keys, retired ones too, in the order in which they were made.
pub(crate) async fn all_keys(pool: &MySqlPool) -> Result<Vec<TicketKey>, sqlx::Error> {
    fetch_all(pool, &ALL, |params| params).await?.iter().map(read_key).collect()
}

fn read_key(row: &MySqlRow) -> Result<TicketKey, sqlx::Error> {
    Ok(TicketKey {
        id: row.try_get("id")?,
        public_key: PublicKey::stored(row.try_get("public_key")?)?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        retired_at: row.try_get("retired_at")?,
        retired_by: row.try_get("retired_by")?,
    })
}
