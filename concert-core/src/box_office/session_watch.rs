//! Whether what somebody showed once still counts: for what goes on long after it was shown.

use super::BoxOffice;
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::jwt::Credential;

/// A credential that was shown, and whether it was revoked since; from [`BoxOffice::watch`].
pub struct SessionWatch {
    office: BoxOffice,
    user: UserId,
    /// `None`: a queue token, which belongs to no session.
    session: Option<SessionId>,
    generation: u32,
}

impl BoxOffice {
    /// Watches a credential that has just been authenticated.
    #[must_use]
    pub fn watch(&self, credential: &Credential) -> SessionWatch {
        let (user, session) = match credential {
            Credential::Session(ticket) => (ticket.user, Some(ticket.session)),
            Credential::Queue(ticket) => (ticket.user, None),
        };
        SessionWatch { office: self.clone(), user, session, generation: self.inner.revocations.generation(user) }
    }
}

impl SessionWatch {
    /// Refuses once the credential was revoked, as far as this process knows; that its own time is over does not count.
    /// Answered from memory.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a session, [`Error::TokenEnded`] for a queue token.
    pub fn check(&self) -> Result<(), Error> {
        let revocations = &self.office.inner.revocations;
        let is_out = revocations.generation(self.user) > self.generation;
        match self.session {
            Some(session) if is_out || revocations.has_ended(session) => {
                Err(Error::Unauthenticated("this session has ended; log in again"))
            }
            None if is_out => Err(Error::TokenEnded),
            _ => Ok(()),
        }
    }
}
