//! Whether a user can be given something: a ticket, or money that came in.

use hashbrown::HashMap;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use crate::db::Failure;
use crate::error::Error;
use crate::id::UserId;
use crate::sql::{Reading, ResultSet, Script, statements};

statements! {
    /// Once their rows are locked, so that nobody disables them meanwhile.
    RECIPIENTS {
        "select id, disabled_at is not null as is_disabled, forgotten_at is not null as is_forgotten \
         from users force index (primary) where id in ({users})"
    }
}

/// Whether a user can be given something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipient {
    Allowed,
    /// Whoever may neither log in nor queue gets nothing from others either.
    Disabled,
    /// Nobody is behind the user any more.
    Forgotten,
}

impl Recipient {
    /// Refuses in this order: forgotten, as nobody; disabled.
    pub(crate) const fn require_allowed(self) -> Result<(), Error> {
        match self {
            Self::Allowed => Ok(()),
            Self::Disabled => Err(Error::UserDisabled),
            Self::Forgotten => Err(Error::UserNotFound),
        }
    }
}

pub(crate) fn select_recipients(script: &mut Script, users: Vec<UserId>) -> Reading {
    script.select_keys(&RECIPIENTS, users, |params, users| params.list("users", users))
}

pub(crate) fn read_recipients(selected: &ResultSet, reading: &Reading) -> Result<HashMap<UserId, Recipient>, Failure> {
    let read = |row: &MySqlRow| {
        let is = |column| row.try_get::<bool, _>(column);
        let recipient = match (is("is_forgotten")?, is("is_disabled")?) {
            (true, _) => Recipient::Forgotten,
            (false, true) => Recipient::Disabled,
            (false, false) => Recipient::Allowed,
        };
        Ok((row.try_get("id")?, recipient))
    };
    selected.rows(reading).map(read).collect()
}
