//! Acts that come again, with the idempotency key of the first or after an attempt whose COMMIT got no answer. A repeat
//! finds the entry of the first in the log, by its id, and is answered from it.

use std::fmt;

use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::{LogEntry, Operator, Signature};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::LogEntryId;
use crate::idempotency::{Fingerprint, IdempotencyKey};
use crate::sql::{Reading, ResultSet, Script, statements};

/// Where an entry keeps the digest of all that a request with a key asked for.
pub(crate) const REQUEST: &str = "request";

statements! {
    DONE { "select id, logged_at, becomes from operator_log force index (primary) where id in ({entries})" }
}

impl Operator {
    /// A signature under an act that asks for `parts`. With a key the entry has an id that derives from it, so its
    /// primary key forbids doing the act twice.
    pub(crate) fn sign_once(
        &self,
        route: &str,
        key: Option<&IdempotencyKey>,
        parts: &[&dyn fmt::Display],
    ) -> Signature {
        let Some(key) = key else { return self.sign() };
        let entry = LogEntryId::from_uuid(key.derive_for_operator(self.as_str(), route));
        self.sign_as(entry).for_request(Fingerprint::of(parts))
    }
}

/// What the log says of an act that was done before.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) at: Timestamp,
    after: Value,
}

impl Done {
    /// What the entry says of the first answer.
    pub(crate) fn read<'d, T: Deserialize<'d>>(&'d self) -> Result<T, Error> {
        T::deserialize(&self.after).map_err(Error::internal)
    }
}

/// Those acts of a batch that were done before.
#[derive(Debug, Default)]
pub(crate) struct DoneBefore(HashMap<LogEntryId, Done>);

impl DoneBefore {
    /// The act of this signature; `None`: it is to be done. Refuses where its key came with another request.
    pub(crate) fn find(&self, by: &Signature) -> Result<Option<&Done>, Error> {
        let Some(done) = self.0.get(&by.entry_id()) else { return Ok(None) };
        // Without a key nobody else knows the id.
        let is_same = by.request().is_none_or(|request| done.after[REQUEST] == request.as_uuid().to_string());
        if is_same { Ok(Some(done)) } else { Err(Error::IdempotencyKeyReused) }
    }

    /// A later command of the batch may repeat this act.
    pub(crate) fn note(&mut self, entry: &LogEntry) {
        let after = entry.after.clone().unwrap_or_default();
        self.0.insert(entry.id, Done { at: entry.at, after });
    }
}

/// Looks for acts that may have been done before: those with a key, and all once a COMMIT got no answer.
pub(crate) fn select_done<'s>(
    script: &mut Script,
    signatures: impl Iterator<Item = &'s Signature>,
    attempt: &Attempt,
) -> Reading {
    let may_be = signatures.filter(|by| attempt.may_have_committed || by.request().is_some());
    let entries = may_be.map(Signature::entry_id).collect();
    script.select_keys(&DONE, entries, |params, entries| params.list("entries", entries))
}

pub(crate) fn read_done(selected: &ResultSet, reading: &Reading) -> Result<DoneBefore, sqlx::Error> {
    let read = |row: &MySqlRow| {
        let after: Option<&str> = row.try_get("becomes")?;
        let after = after.map(serde_json::from_str).transpose().map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok((row.try_get("id")?, Done { at: row.try_get("logged_at")?, after: after.unwrap_or_default() }))
    };
    selected.rows(reading).map(read).collect::<Result<_, _>>().map(DoneBefore)
}
