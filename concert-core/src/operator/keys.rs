//! Operator keys: what a program shows over REST to act as an operator. A key is 32 random bytes, shown once; the
//! database has its hash alone.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::log::{Act, ActSubject, write_log};
use super::{Operator, Signature};
use crate::clock::Timestamp;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::OperatorKeyId;
use crate::sql::{Keyword, Script, SqlSlot, SqlValue, Text, Written, fetch_all, statements};

/// What every key begins with, so that people and scanners of leaked secrets know it on sight.
const PREFIX: &str = "concert_";
/// The random bytes of a key.
const SECRET_BYTES: usize = 32;
/// The most keys that are in force at once: each server keeps them all in memory.
const MOST_KEYS: usize = 1_000;

statements! {
    INSERT { insert "operator_keys" (id, name, role, key_hash, created_at, created_by) }
    COUNT { "select count(*) as in_force from operator_keys where revoked_at is null for update" }
    IN_FORCE { "select id, name, role, key_hash from operator_keys where revoked_at is null" }
    ALL {
        "select id, name, role, created_at, created_by, revoked_at, revoked_by from operator_keys order by created_at, id"
    }
    BY_ID {
        "select id, name, role, created_at, created_by, revoked_at, revoked_by \
         from operator_keys force index (primary) where id = {id} for update"
    }
    REVOKE {
        "update operator_keys force index (primary) set revoked_at = {now}, revoked_by = {by} \
         where {guard}revoked_at is null and id = {id}"
    }
}

/// What an operator may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads, and checks tickets in.
    Gate,
    /// Everything.
    Operator,
}

impl Role {
    /// Every role, the one that may least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Gate, Self::Operator];

    /// The role as the database, the JSON and the command line write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Gate => "gate",
            Self::Operator => "operator",
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| Error::invalid("a role is viewer, gate or operator"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An operator key, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OperatorKey {
    /// Its id.
    #[serde(rename = "keyId")]
    pub id: OperatorKeyId,
    /// Whose it is: the name that its acts are logged under.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// By which operator.
    pub created_by: String,
    /// When it was revoked; `None`: it is in force.
    pub revoked_at: Option<Timestamp>,
    /// By which operator.
    pub revoked_by: Option<String>,
}

impl OperatorKey {
    /// Whether a bearer token is meant as an operator key: no access token begins as they do.
    #[must_use]
    pub fn is_meant_by(bearer: &str) -> bool {
        bearer.starts_with(PREFIX)
    }
}

/// A new operator key and its secret, which nobody can read again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewOperatorKey {
    /// The key.
    pub key: OperatorKey,
    /// What is shown as `Authorization: Bearer <secret>`.
    pub secret: SecretString,
}

/// Who holds a key, and what it may do.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub(super) operator: Operator,
    pub(super) role: Role,
}

/// SHA-256 of a key. A key is as random as the hash is long, so it needs no salt and no slow hash.
#[derive(Clone, Copy)]
pub(super) struct KeyHash([u8; 32]);

impl KeyHash {
    /// `None`: the text has not the form of a key, so it is none.
    pub(super) fn of(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let is_key = digits.len() == 2 * SECRET_BYTES && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        // A plain hash without salt or work is enough: 32 random bytes cannot be guessed, unlike a password.
        is_key.then(|| Self(Sha256::digest(text).into()))
    }

    /// Compares in a time that tells nothing about where they differ.
    pub(super) fn is(&self, other: &Self) -> bool {
        // All bytes are compared, wherever the first difference is: the time says nothing about how near a guess came.
        self.0.iter().zip(&other.0).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
    }
}

impl SqlValue for KeyHash {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        out.bytes(&self.0)
    }
}

fn new_secret() -> String {
    let bytes: [u8; SECRET_BYTES] = rand::random();
    bytes.iter().fold(PREFIX.to_owned(), |mut text, byte| {
        // Into a string: it cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Makes a key.
pub(crate) async fn make_key(
    pool: &MySqlPool,
    name: &Operator,
    role: Role,
    by: &Signature,
    now: Timestamp,
) -> Result<NewOperatorKey, Error> {
    let secret = new_secret();
    let hash = KeyHash::of(&secret).ok_or_else(|| Error::internal(std::io::Error::other("a key without form")))?;
    let key = OperatorKey {
        id: OperatorKeyId::generate(),
        name: name.as_str().to_owned(),
        role,
        created_at: now,
        created_by: by.name().to_owned(),
        revoked_at: None,
        revoked_by: None,
    };
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    let mut script = Script::default();
    // The rows are locked as they are counted, so two calls at once cannot both take the last place.
    let count = script.select(&COUNT, |params| params);
    let counted = script.run(&mut connection).await.map_err(Failure::into_error)?;
    let in_force: i64 = counted.one(&count).and_then(|row| row.try_get("in_force")).map_err(db::to_error)?;
    if in_force >= MOST_KEYS as i64 {
        return Err(Error::invalid(format!("at most {MOST_KEYS} keys are in force at once; revoke one first")));
    }
    let mut script = Script::default();
    script.insert(&INSERT, &[&key], |row, key| {
        let row = row.bind("id", key.id).bind("name", Text(&key.name)).bind("role", Keyword::new(key.role.as_str()));
        row.bind("key_hash", hash).bind("created_at", key.created_at).bind("created_by", Text(&key.created_by))
    });
    let entry = by.entry(Act::KeyMake, ActSubject::Key(key.id), now);
    write_log(&mut script, &[entry.with_after(serde_json::json!({"name": key.name, "role": role}))]);
    script.commit(&mut connection).await.map_err(Failure::into_error)?;
    db::close(connection).await;
    Ok(NewOperatorKey { key, secret: SecretString::from(secret) })
}

/// Revokes a key. One that is revoked stays as it is.
pub(crate) async fn revoke_key(
    pool: &MySqlPool,
    id: OperatorKeyId,
    by: &Signature,
    now: Timestamp,
) -> Result<OperatorKey, Error> {
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    let mut script = Script::default();
    let reading = script.select(&BY_ID, |params| params.bind("id", id));
    let selected = script.run(&mut connection).await.map_err(Failure::into_error)?;
    let found = selected.rows(&reading).next().ok_or(Error::OperatorKeyNotFound)?;
    let mut key = read_key(found).map_err(db::to_error)?;
    // The first revocation stays, with its moment and its operator.
    if key.revoked_at.is_none() {
        (key.revoked_at, key.revoked_by) = (Some(now), Some(by.name().to_owned()));
        let mut script = Script::default();
        script.change("revoking a key", Some(1), &REVOKE, |params| {
            params.bind("now", now).bind("by", Text(by.name())).bind("id", id)
        });
        write_log(&mut script, &[by.entry(Act::KeyRevoke, ActSubject::Key(id), now)]);
        script.commit(&mut connection).await.map_err(Failure::into_error)?;
    }
    db::close(connection).await;
    Ok(key)
}

/// All keys, revoked ones too, in the order in which they were made.
pub(crate) async fn all_keys(pool: &MySqlPool) -> Result<Vec<OperatorKey>, sqlx::Error> {
    fetch_all(pool, &ALL, |params| params).await?.iter().map(read_key).collect()
}

/// The keys that are in force.
pub(super) async fn keys_in_force(pool: &MySqlPool) -> Result<Vec<(KeyHash, Holder)>, sqlx::Error> {
    let read = |row: &MySqlRow| {
        let hash: Vec<u8> = row.try_get("key_hash")?;
        let hash = hash.try_into().map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?;
        let key = Some(row.try_get("id")?);
        let operator = Operator { key, ..Operator::named(row.try_get("name")?) };
        Ok((KeyHash(hash), Holder { operator, role: read_role(row)? }))
    };
    fetch_all(pool, &IN_FORCE, |params| params).await?.iter().map(read).collect()
}

fn read_key(row: &MySqlRow) -> Result<OperatorKey, sqlx::Error> {
    Ok(OperatorKey {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: read_role(row)?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        revoked_at: row.try_get("revoked_at")?,
        revoked_by: row.try_get("revoked_by")?,
    })
}

fn read_role(row: &MySqlRow) -> Result<Role, sqlx::Error> {
    row.try_get::<&str, _>("role")?.parse().map_err(|error: Error| sqlx::Error::Decode(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_form_and_by_its_hash_alone() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one, other);
        let [hash, again, another] = [&one, &one, &other].map(|text| KeyHash::of(text).expect("is a key"));
        assert!(hash.is(&again) && !hash.is(&another));
        for text in ["", "concert_", &one[1..], &one[..one.len() - 1], &one.replace("concert", "Concert"), "eyJ.a.b"] {
            assert!(KeyHash::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_role_may_do_what_those_before_it_may() {
        assert!(Role::Viewer < Role::Gate && Role::Gate < Role::Operator);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().expect("its own name"), role);
        }
        assert!("root".parse::<Role>().is_err());
    }
}
