//! Users: sign-up, log-in, access tokens.

use super::{BoxOffice, wrong_answer};
#[cfg(feature = "password")]
use crate::clock::span;
use crate::db;
use crate::error::Error;
use crate::id::UserId;
#[cfg(feature = "jwt")]
use crate::jwt::Credential;
use crate::name::Username;
use crate::operator::Signature;
use crate::user::{self, Register, SignUp, User};
#[cfg(feature = "password")]
use crate::user::{Password, Session};
#[cfg(all(feature = "jwt", feature = "password"))]
use crate::{caller::SessionTicket, clock::Timestamp, id::SessionId, jwt::Claims};

/// Users. An application with a log-in of its own signs its users up without passwords and vouches for them with
/// [`Caller::verified`](crate::Caller::verified).
///
/// ```no_run
/// use concert_core::{BoxOffice, Caller, Error};
///
/// # async fn example(office: BoxOffice) -> Result<(), Error> {
/// let user = office.sign_up("minji".parse::<concert_core::Username>()?).await?;
/// office.issue_token(Caller::verified(user.id)).await?;
/// # Ok(())
/// # }
/// ```
impl BoxOffice {
    /// Makes a user; one without a password cannot log in, and joins the queue by id alone. A call that is repeated
    /// with the same key answers the same user. The key is bound to the name: another name is another sign-up, another
    /// password is refused.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::UsernameTaken`].
    pub async fn sign_up(&self, who: impl Into<SignUp>) -> Result<User, Error> {
        self.register(who.into(), None).await
    }

    pub(super) async fn register(&self, who: SignUp, signature: Option<Signature>) -> Result<User, Error> {
        let id = who.key.as_ref().map_or_else(UserId::generate, |key| key.derive_user(who.username.key()));
        // Looked for first, since hashing is the most of the work.
        if who.key.is_some()
            && let Some((there, phc)) = db::read(|| user::user(self.pool(), id)).await?
        {
            return self.signed_up_before(there, &phc, &who).await;
        }
        let (password, username) = (self.hash_password_of(&who).await?, who.username.clone());
        let register = Register { id, username, password, signature };
        match self.inner.users.submit(user::Command::Register(register)).await? {
            user::Answer::Registered(user) => Ok(user),
            // Another call with this name and key came in between.
            user::Answer::Repeated(there, phc) => self.signed_up_before(there, &phc, &who).await,
            user::Answer::Changed(_) => Err(wrong_answer()),
        }
    }

    /// The answer to a repeated sign-up, whose id derives from the name and the key.
    async fn signed_up_before(&self, there: User, phc: &str, who: &SignUp) -> Result<User, Error> {
        let same = self.has_password_of(&there, phc, who).await?;
        if same { Ok(there) } else { Err(Error::IdempotencyKeyReused) }
    }

    /// Looks a user up.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        let find = || async { db::read(|| user::user(self.pool(), id)).await?.ok_or(Error::UserNotFound) };
        self.caught_up(find).await.map(|(user, _)| user)
    }

    /// Looks a user up by name.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user_named(&self, name: &Username) -> Result<User, Error> {
        self.caught_up(|| self.find_named(name)).await.map(|(user, _)| user)
    }

    async fn find_named(&self, name: &Username) -> Result<(User, String), Error> {
        db::read(|| user::user_named(self.pool(), name)).await?.ok_or(Error::UserNotFound)
    }
}

/// Passwords (feature `password`).
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, Password, SignUp};
///
/// # async fn example(office: BoxOffice) -> Result<(), Error> {
/// office.sign_up(SignUp::new("minji".parse()?).with_password("correct horse".parse::<Password>()?)).await?;
/// let session = office.log_in("minji", &Password::unchecked("correct horse")).await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "password")]
impl BoxOffice {
    /// Exchanges a name and a password for a session. An unknown name, a wrong password and a disabled user answer alike
    /// and take alike.
    ///
    /// # Errors
    /// [`Error::BadCredentials`].
    pub async fn log_in(&self, username: &str, password: &Password) -> Result<Session, Error> {
        use chrono::SubsecRound as _;

        // What is no name is the name of nobody.
        let found = match username.parse::<Username>() {
            Ok(name) => match self.caught_up(|| self.find_named(&name)).await {
                Err(Error::UserNotFound) => None,
                found => Some(found?),
            },
            Err(_) => None,
        };
        let phc = found.as_ref().filter(|(user, _)| user.has_password).map(|(_, phc)| phc.as_str());
        // Of a name that nobody has, a stand-in is verified: the time of the answer must not tell which names exist.
        let matches = self.inner.passwords.verify(password, phc).await?;
        // A disabled user is answered like a wrong password, so that nobody learns from it who is disabled.
        let (user, _) = found.filter(|(user, _)| matches && user.disabled_at.is_none()).ok_or(Error::BadCredentials)?;
        let now = self.now();
        // Access tokens store whole seconds.
        let expires_at = (now + span(self.policy().session_ttl)).trunc_subsecs(0);
        #[cfg(feature = "jwt")]
        let access_token = self.sign_session(&user, now, expires_at).await?;
        #[cfg(not(feature = "jwt"))]
        let access_token = None;
        Ok(Session { user: user.id, access_token, expires_at })
    }

    /// A short access token of a session, whose access token the caller shows: for a program that is trusted less than
    /// who keeps the session, such as a page's script. It counts as long as the session does, and for `life` at most.
    ///
    /// # Errors
    /// As [`BoxOffice::authenticate`]; [`Error::Unauthenticated`] for a queue token.
    #[cfg(feature = "jwt")]
    pub async fn shorten_session(&self, access_token: &str, life: std::time::Duration) -> Result<Session, Error> {
        use chrono::SubsecRound as _;

        self.authenticate(access_token).await?;
        let keys = self.policy().keys.as_ref();
        let keys = keys.ok_or(Error::Unauthenticated("access tokens are not in use here"))?;
        let now = self.now();
        // The generation is that of the token shown, so that what ends the session meanwhile ends this one, too.
        let (short, token) = keys.shorten(access_token, now, (now + span(life)).trunc_subsecs(0))?;
        Ok(Session { user: short.user, access_token: Some(token), expires_at: short.expires_at })
    }

    /// The access token of a session that begins now.
    #[cfg(feature = "jwt")]
    async fn sign_session(&self, user: &User, now: Timestamp, expires_at: Timestamp) -> Result<Option<String>, Error> {
        // Whoever ends sessions must know before that how long they last.
        self.inner.revocations.require_fresh(self.pool(), now).await?;
        let ticket = SessionTicket { user: user.id, session: SessionId::generate(), expires_at };
        self.policy().sign(&Claims::of_session(&ticket, user.session_generation, now))
    }

    /// Whether a repeated sign-up has the password of the existing user.
    async fn has_password_of(&self, there: &User, phc: &str, who: &SignUp) -> Result<bool, Error> {
        match &who.password {
            Some(password) => self.inner.passwords.verify_sign_up(password, phc).await,
            None => Ok(!there.has_password),
        }
    }

    async fn hash_password_of(&self, who: &SignUp) -> Result<String, Error> {
        match &who.password {
            Some(password) => self.inner.passwords.hash(password).await,
            None => Ok(user::NO_PASSWORD.to_owned()),
        }
    }
}

/// Without the feature `password` no sign-up has one.
#[cfg(not(feature = "password"))]
impl BoxOffice {
    async fn has_password_of(&self, there: &User, _phc: &str, _who: &SignUp) -> Result<bool, Error> {
        Ok(!there.has_password)
    }

    async fn hash_password_of(&self, _who: &SignUp) -> Result<String, Error> {
        Ok(user::NO_PASSWORD.to_owned())
    }
}

/// Access tokens (feature `jwt`).
///
/// ```no_run
/// use concert_core::{BoxOffice, Credential, Error};
///
/// # async fn example(office: BoxOffice, bearer: &str) -> Result<(), Error> {
/// let credential = office.authenticate(bearer).await?;
/// if let Credential::Queue(ticket) = credential {
///     println!("place {}", office.poll(&ticket).await?.queue_position);
/// }
/// let balance = office.balance(credential.caller()).await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "jwt")]
impl BoxOffice {
    /// Reads an access token. Whether a queue token is still in the queue shows when it is used.
    ///
    /// Answered from memory. Sessions that were ended, here or by any process, are known two seconds later at most: the
    /// list of them is read every second by [`BoxOffice::run`], and by this where nobody runs that. A session is refused
    /// where the list cannot be read; a queue token, which is worth no more than its place in the queue, goes by the
    /// list as it was.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for one that is not ours, not meant for this, altered or over, and for a session that
    /// was ended; for all of them if the policy has no keys. [`Error::TokenEnded`] for a queue token from before the
    /// user's sessions were ended together, or the user disabled. [`Error::Unavailable`] for a session while the list of
    /// ended ones cannot be read.
    pub async fn authenticate(&self, access_token: &str) -> Result<Credential, Error> {
        let keys = self.policy().keys.as_ref();
        let keys = keys.ok_or(Error::Unauthenticated("access tokens are not in use here"))?;
        let (now, revocations) = (self.now(), &self.inner.revocations);
        let (credential, generation) = keys.verify(access_token, now)?;
        match &credential {
            Credential::Session(ticket) => {
                revocations.require_fresh(self.pool(), now).await?;
                if generation < revocations.generation(ticket.user) || revocations.has_ended(ticket.session) {
                    return Err(Error::Unauthenticated("this session has ended; log in again"));
                }
            }
            Credential::Queue(ticket) => {
                revocations.keep_fresh(self.pool(), now).await;
                // Only the generation: a queue token belongs to no session, so the end of one session leaves it.
                if generation < revocations.generation(ticket.user) {
                    return Err(Error::TokenEnded);
                }
            }
        }
        Ok(credential)
    }
}
