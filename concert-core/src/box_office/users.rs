//! Users: sign-up, log-in, access tokens.

use super::BoxOffice;
use crate::caller::IdempotencyKey;
use crate::clock::span;
use crate::db;
use crate::error::Error;
use crate::id::UserId;
use crate::jwt::{Claims, Credential};
use crate::user::{self, OpeningUser, Password, Register, Session, User, Username};

/// Users.
impl BoxOffice {
    /// Makes a user; one without a password cannot log in, and joins the queue by id alone. A call that is repeated with
    /// the same key answers the same user.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::UsernameTaken`].
    pub async fn register_user(
        &self,
        username: Username,
        password: Option<Password>,
        key: Option<IdempotencyKey>,
    ) -> Result<User, Error> {
        let id = key.as_ref().map_or_else(UserId::generate, |key| UserId::from_uuid(key.derive(None, "users")));
        if key.is_some()
            && let Some((there, phc)) = db::read(|| user::user(self.pool(), id)).await?
        {
            let same_password = match &password {
                Some(password) => self.inner.passwords.verify(password, Some(&phc)).await?,
                None => !there.has_password,
            };
            let same = same_password && there.username == username.as_str();
            return if same { Ok(there) } else { Err(Error::IdempotencyKeyReused) };
        }
        let password = match password {
            Some(password) => self.inner.passwords.hash(&password).await?,
            None => user::NO_PASSWORD.to_owned(),
        };
        self.inner.users.submit(Register { id, username, password, repeatable: key.is_some() }).await
    }

    /// Makes many users without passwords, all or none: for operators. Calls `progress` with how many are in so far.
    ///
    /// # Errors
    /// [`Error::UsernameTaken`] when any of the names or ids is there already.
    pub async fn add_users(&self, users: &[OpeningUser], progress: impl FnMut(usize) + Send) -> Result<(), Error> {
        user::add_users(self.pool(), users, self.now(), progress).await
    }

    /// Looks a user up.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        let found = db::read(|| user::user(self.pool(), id)).await?;
        found.map(|(user, _)| user).ok_or(Error::UserNotFound)
    }

    /// Looks a user up by name.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user_named(&self, name: &Username) -> Result<User, Error> {
        let found = db::read(|| user::user_named(self.pool(), name.as_str())).await?;
        found.map(|(user, _)| user).ok_or(Error::UserNotFound)
    }

    /// Exchanges a name and a password for a session. An unknown name and a wrong password answer alike and take alike.
    ///
    /// # Errors
    /// [`Error::BadCredentials`].
    pub async fn log_in(&self, username: &str, password: &Password) -> Result<Session, Error> {
        let found = db::read(|| user::user_named(self.pool(), username)).await?;
        let phc = found.as_ref().filter(|(user, _)| user.has_password).map(|(_, phc)| phc.as_str());
        let matches = self.inner.passwords.verify(password, phc).await?;
        let (user, _) = found.filter(|_| matches).ok_or(Error::BadCredentials)?;
        let now = self.now();
        let claims = Claims::session(user.id, now, now + span(self.policy().session_ttl));
        let access_token = self.policy().keys.sign(&claims)?;
        Ok(Session { user: user.id, access_token, expires_at: claims.expires_at() })
    }

    /// Reads an access token. Whether a queue token is still in the queue shows when it is used.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for one that is not ours, not meant for this, altered or over.
    pub fn authenticate(&self, access_token: &str) -> Result<Credential, Error> {
        self.policy().keys.verify(access_token, self.now())
    }
}
