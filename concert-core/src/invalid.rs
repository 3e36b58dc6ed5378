//! Input that is not valid.

/// Input that is not valid; the text says what would be. Converts into
/// [`Error::InvalidInput`](crate::Error::InvalidInput).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidInput(pub(crate) String);

impl InvalidInput {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
