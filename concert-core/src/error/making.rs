//! Errors made of a text or of another error.

use std::sync::Arc;

use super::Error;
use crate::invalid::InvalidInput;

impl From<InvalidInput> for Error {
    fn from(InvalidInput(what): InvalidInput) -> Self {
        Self::InvalidInput(what)
    }
}

impl Error {
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::InvalidInput(what.into())
    }

    pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(error))
    }
}
