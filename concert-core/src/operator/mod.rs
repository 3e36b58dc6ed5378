//! Operators: who works in the back office, the keys that some of them show, and the log of what they did.

mod key_ring;
mod keys;
mod log;
mod reason;
mod repeat;

use std::str::FromStr;

pub(crate) use key_ring::KeyRing;
pub use keys::{NewOperatorKey, OperatorKey, Role};
pub(crate) use keys::{all_keys, make_key, revoke_key};
pub use log::LogEntry;
pub(crate) use log::{Act, ActSubject, entries_about, log_entries, swaps_of, write_log};
pub use reason::Reason;
pub(crate) use repeat::{Done, DoneBefore, REQUEST, read_done, select_done};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[log::STATEMENTS, keys::STATEMENTS, repeat::STATEMENTS];

use serde_json::json;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{LogEntryId, OperatorKeyId};
use crate::idempotency::Fingerprint;
use crate::name::free_text;

/// The longest name of an operator, in characters.
const LONGEST_NAME: usize = 255;
/// The longest id of a request that is recorded, in characters.
const LONGEST_REQUEST_ID: usize = 128;

/// Who works in the [`BackOffice`](crate::BackOffice), for the log of what is done there: a name of 1 to 255
/// characters, and which key and which request it was, where there are such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    name: String,
    key: Option<OperatorKeyId>,
    request_id: Option<String>,
}

impl Operator {
    /// The application that embeds the library, under the name "application".
    #[must_use]
    pub fn application() -> Self {
        Self::named("application".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The operator key that it showed, if it did.
    #[must_use]
    pub const fn key(&self) -> Option<OperatorKeyId> {
        self.key
    }

    /// The same operator, in the course of a request with this id: 1 to 128 printable ASCII characters, others are
    /// not recorded.
    #[must_use]
    pub fn with_request_id(self, id: &str) -> Self {
        let fits = (1..=LONGEST_REQUEST_ID).contains(&id.len()) && id.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        // One that does not fit is left out: it helps to find things, and no act should fail for it.
        Self { request_id: fits.then(|| id.to_owned()), ..self }
    }

    /// A signature under one act.
    pub(crate) fn sign(&self) -> Signature {
        self.sign_as(LogEntryId::generate())
    }

    /// A signature whose entry has this id, which derives from an idempotency key.
    pub(crate) fn sign_as(&self, entry: LogEntryId) -> Signature {
        Signature { by: self.clone(), entry, request: None }
    }

    fn named(name: String) -> Self {
        Self { name, key: None, request_id: None }
    }
}

impl FromStr for Operator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let rule = format_args!(
            "an operator's name is 1 to {LONGEST_NAME} characters, without control characters and without white space \
             at its ends"
        );
        Ok(Self::named(free_text(text, LONGEST_NAME, rule)?))
    }
}

/// An operator's signature under one act, made before the act: rules are pure and make no ids.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    by: Operator,
    entry: LogEntryId,
    /// What the request asked for, if it had a key: the entry keeps it.
    request: Option<Fingerprint>,
}

impl Signature {
    /// The id of the entry of the act in the log.
    pub(crate) const fn entry_id(&self) -> LogEntryId {
        self.entry
    }

    /// The same signature under what a request with a key asks for.
    pub(crate) fn for_request(self, request: Fingerprint) -> Self {
        Self { request: Some(request), ..self }
    }

    /// What the request asked for, if it had a key.
    pub(crate) const fn request(&self) -> Option<Fingerprint> {
        self.request
    }

    /// The operator's name.
    pub(crate) fn name(&self) -> &str {
        self.by.as_str()
    }

    /// The operator key that was shown, if there was one.
    pub(crate) const fn key(&self) -> Option<OperatorKeyId> {
        self.by.key
    }

    /// The entry of the act, for [`write_log`] in the transaction that does it.
    pub(crate) fn entry(&self, act: Act, subject: ActSubject, now: Timestamp) -> LogEntry {
        LogEntry {
            id: self.entry,
            at: now,
            by: self.by.name.clone(),
            key: self.by.key,
            act: act.as_str().to_owned(),
            subject: subject.kind().to_owned(),
            subject_id: subject.id(),
            before: None,
            after: self.request.map(|request| json!({REQUEST: request.as_uuid()})),
            request_id: self.by.request_id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_that_the_log_cannot_keep_is_left_out() {
        let known = |id: &str| Operator::application().with_request_id(id).request_id;
        assert_eq!(known("order-7/2").as_deref(), Some("order-7/2"));
        for id in ["", "\u{e9}", "a\nb", &"x".repeat(LONGEST_REQUEST_ID + 1)] {
            assert_eq!(known(id), None, "{id:?}");
        }
    }
}
