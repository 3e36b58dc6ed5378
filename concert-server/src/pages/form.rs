//! What a form sent.

use concert_core::IdempotencyKey;

/// The fields of a form, in the order in which the browser sent them.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a request. Broken escapes stand for themselves, as in browsers.
    pub(super) fn parse(text: &str) -> Self {
        Self(serde_urlencoded::from_str(text).unwrap_or_default())
    }

    /// The field's value without the space around it; empty: it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The same as it was typed: a password may begin with a space.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The values of all fields of this name: of boxes that are ticked.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Under which the form is carried out once, however often it is sent.
    pub(super) fn key(&self) -> Option<IdempotencyKey> {
        self.get("key").parse().ok()
    }
}
