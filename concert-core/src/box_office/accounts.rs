//! Accounts: what ends sessions, and what changes about a user after sign-up.

use super::{BackOffice, BoxOffice, wrong_answer};
#[cfg(feature = "jwt")]
use crate::caller::SessionTicket;
use crate::db;
use crate::error::Error;
use crate::id::UserId;
use crate::name::Username;
use crate::queue::{self, EndedReason};
#[cfg(feature = "password")]
use crate::user::Password;
#[cfg(feature = "password")]
use crate::user::user;
use crate::user::{self, Change, ChangeAccount, Changed, User};

impl BoxOffice {
    /// Ends one session: its access token counts no more, in this process at once and in all within two seconds. What
    /// the user has in the queue stays.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    #[cfg(feature = "jwt")]
    pub async fn log_out(&self, session: &SessionTicket) -> Result<(), Error> {
        let SessionTicket { user, session, expires_at } = *session;
        self.change_account(user, Change::EndSession { session, until: expires_at }).await
    }

    /// Changes a password, which ends all sessions of the user, this one too. Queue tokens from before count no more
    /// either; the place in the queue stays, and is resumed with a new session.
    ///
    /// # Errors
    /// [`Error::BadCredentials`] (another password than `current`, or none).
    #[cfg(feature = "password")]
    pub async fn change_password(&self, of: UserId, current: &Password, new: &Password) -> Result<(), Error> {
        let found = db::read(|| user(self.pool(), of)).await?;
        let phc = found.as_ref().filter(|(user, _)| user.has_password).map(|(_, phc)| phc.clone());
        if !self.inner.passwords.verify(current, phc.as_deref()).await? {
            return Err(Error::BadCredentials);
        }
        let password = self.inner.passwords.hash(new).await?;
        // Hashing takes long and holds no lock. The batch refuses if the password is no longer the one that was
        // verified.
        self.change_account(of, Change::SetPassword { password, replaces: phc }).await
    }

    #[cfg(any(feature = "jwt", feature = "password"))]
    async fn change_account(&self, user: UserId, change: Change) -> Result<(), Error> {
        self.submit_change(ChangeAccount { user, change, by: None }).await.map(drop)
    }

    async fn submit_change(&self, change: ChangeAccount) -> Result<Changed, Error> {
        match self.inner.users.submit(user::Command::Change(change)).await? {
            user::Answer::Changed(changed) => Ok(changed),
            user::Answer::Registered(_) | user::Answer::Repeated(..) => Err(wrong_answer()),
        }
    }
}

/// Accounts of users. Each act is in the log of the operators.
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, UserId};
///
/// # async fn example(office: BoxOffice, user: UserId) -> Result<(), Error> {
/// let back_office = office.operator("ann@example.org".parse()?);
/// back_office.end_sessions(user).await?; // a phone was stolen
/// back_office.disable_user(user).await?; // until further notice
/// back_office.forget_user(user).await?; // the person asked for it
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Ends all sessions of a user. Queue tokens from before count no more either; the place in the queue stays.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn end_sessions(&self, user: UserId) -> Result<(), Error> {
        self.change_account(user, Change::EndSessions).await.map(drop)
    }

    /// Keeps a user out until [`BackOffice::enable_user`]: all sessions end, there is no log-in and no joining, and the
    /// place in the queue is lost, with what is held. Whoever shows an access token from before is answered
    /// [`Error::Unauthenticated`] (a session) or [`Error::TokenEnded`] (a queue token). Returns whether the user was
    /// enabled before; repeated, it does what an earlier call may have left.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn disable_user(&self, user: UserId) -> Result<bool, Error> {
        // The account comes first: from then on nobody joins for this user, so that no new place comes after the old
        // one is taken.
        let changed = self.change_account(user, Change::Disable).await?.changed;
        self.take_out_of_queue(user).await?;
        Ok(changed)
    }

    /// Lets a user log in and join again. Returns whether the user was disabled.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] (also one who was forgotten).
    pub async fn enable_user(&self, user: UserId) -> Result<bool, Error> {
        Ok(self.change_account(user, Change::Enable).await?.changed)
    }

    /// Forgets the person behind a user, for good: the name becomes one that says nothing, also in the log of the
    /// operators, the password goes, and the user is disabled as by [`BackOffice::disable_user`]. Wallet, payments and
    /// seats stay as they are, under the user's id. Returns the user as it is now.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn forget_user(&self, user: UserId) -> Result<User, Error> {
        let forgotten = self.change_account(user, Change::Forget).await?.user;
        self.take_out_of_queue(user).await?;
        Ok(forgotten)
    }

    /// Gives a user another name. Sessions go on. Returns the user as it is now.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] (also one who was forgotten), [`Error::UsernameTaken`].
    pub async fn rename_user(&self, user: UserId, name: Username) -> Result<User, Error> {
        Ok(self.change_account(user, Change::Rename(name)).await?.user)
    }

    /// Gives a user another password, or a first one, which ends all sessions as [`BackOffice::end_sessions`] does.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] (also one who was forgotten).
    #[cfg(feature = "password")]
    pub async fn set_password(&self, user: UserId, password: &Password) -> Result<(), Error> {
        let password = self.office.inner.passwords.hash(password).await?;
        self.change_account(user, Change::SetPassword { password, replaces: None }).await.map(drop)
    }

    async fn change_account(&self, user: UserId, change: Change) -> Result<Changed, Error> {
        self.office.submit_change(ChangeAccount { user, change, by: Some(self.by.sign()) }).await
    }

    /// Leaving a queue gives back what is held of its sale, in one transaction.
    async fn take_out_of_queue(&self, user: UserId) -> Result<(), Error> {
        for sale in db::read(|| queue::sales_of(self.office.pool(), user)).await? {
            match self.office.end_token(sale, self.acting_for(user), EndedReason::Operator).await {
                // It ended in between, by itself or by another call.
                Err(Error::TokenNotFound) => {}
                done => done?,
            }
        }
        Ok(())
    }
}
