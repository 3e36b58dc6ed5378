//! Accounts: what changes a user after sign-up, and what ends sessions.
//!
//! An access token is checked against a list in memory ([`Revocations`]), never against the database: a session that was
//! ended by itself is in it by its id, all of a user's by the *generation* that tokens are signed under. The list is the
//! table `revocations`, of which each process reads what is new once a second.

mod decide;
#[cfg(feature = "jwt")]
mod revocations;
mod store;

pub(super) use decide::{Effects, Rows, decide};
#[cfg(feature = "jwt")]
pub(crate) use revocations::Revocations;
pub(crate) use store::prune_revocations;
pub(super) use store::{lock, write};

#[cfg(all(feature = "jwt", any(test, feature = "internals")))]
pub(super) use revocations::STATEMENTS as LIST_STATEMENTS;
#[cfg(any(test, feature = "internals"))]
pub(super) use store::STATEMENTS;

use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::name::Username;
use crate::operator::Signature;
use crate::user::User;

/// What changes about a user.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// One session ends, whose access token would be valid until then.
    #[cfg_attr(
        not(any(feature = "jwt", test)),
        expect(dead_code, reason = "without access tokens there are no sessions")
    )]
    EndSession {
        session: SessionId,
        until: Timestamp,
    },
    /// All sessions and queue tokens of before count no more; the place in the queue stays.
    EndSessions,
    /// The same, and another password. `replaces` is the PHC string that was proved, if one was.
    #[cfg_attr(not(any(feature = "password", test)), expect(dead_code, reason = "without passwords nobody sets one"))]
    SetPassword {
        password: String,
        replaces: Option<String>,
    },
    /// No log-in and no joining any more.
    Disable,
    Enable,
    /// The name and the password go for good; what was done stays.
    Forget,
    Rename(Username),
}

/// A change of an account.
#[derive(Debug)]
pub(crate) struct ChangeAccount {
    pub(crate) user: UserId,
    pub(crate) change: Change,
    /// Of the operator whose act it is; `None`: the user's own.
    pub(crate) by: Option<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// As it is after the change.
    pub(crate) user: User,
    /// Whether it was otherwise before.
    pub(crate) changed: bool,
}

/// What counts no more, from its commit on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// Its number in the order of all.
    pub(crate) seq: u64,
    pub(crate) user: UserId,
    /// `None`: all tokens that were signed under a generation before `generation`.
    pub(crate) session: Option<SessionId>,
    pub(crate) generation: u32,
    pub(crate) matters_until: Timestamp,
}
