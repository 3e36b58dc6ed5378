//! Operator keys.

use super::{BackOffice, BoxOffice};
use crate::db;
use crate::error::Error;
use crate::id::OperatorKeyId;
use crate::operator::{self, NewOperatorKey, Operator, OperatorKey, Role};

impl BoxOffice {
    /// The operator who shows this operator key, if its role allows what takes the role `needed`. Answered from memory;
    /// the keys are read at most once a second, so a key that is revoked by another process is refused a second later.
    ///
    /// ```no_run
    /// use concert_core::{BoxOffice, Error, Role};
    ///
    /// # async fn example(office: BoxOffice, bearer: &str) -> Result<(), Error> {
    /// let ann = office.authenticate_operator(bearer, Role::Operator).await?;
    /// office.operator(ann).pause_queue().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a key that was never made or is revoked; [`Error::RoleNotAllowed`].
    pub async fn authenticate_operator(&self, key: &str, needed: Role) -> Result<Operator, Error> {
        // The ring refuses a key that is unknown or revoked. What is left is whether its role suffices.
        let (operator, role) = self.inner.keys.holder(self.pool(), key, self.now()).await?;
        if role < needed {
            return Err(Error::RoleNotAllowed { role: role.as_str(), needed: needed.as_str() });
        }
        Ok(operator)
    }

    /// What a key allows; found as [`BoxOffice::authenticate_operator`] finds it.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a key that was never made or is revoked.
    pub async fn role_of_key(&self, key: &str) -> Result<Role, Error> {
        let (_, role) = self.inner.keys.holder(self.pool(), key, self.now()).await?;
        Ok(role)
    }
}

/// Keys for operators who act over REST.
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, Role};
///
/// # async fn example(office: BoxOffice) -> Result<(), Error> {
/// let back_office = office.operator("ann@example.org".parse()?);
/// let made = back_office.make_key(&"turnstile 3".parse()?, Role::Gate).await?;
/// back_office.revoke_key(made.key.id).await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Makes a key for `name`, under which its acts are logged. The secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where 1 000 keys are in force already.
    pub async fn make_key(&self, name: &Operator, role: Role) -> Result<NewOperatorKey, Error> {
        let (pool, now) = (self.office.pool(), self.office.now());
        let made = operator::make_key(pool, name, role, &self.by.sign(), now).await;
        // Also after an error: COMMIT may have been carried out without an answer.
        self.office.inner.keys.forget();
        made
    }

    /// Revokes a key for good: it is refused at once by this process, and a second later by all. A key that is revoked
    /// stays as it is.
    ///
    /// # Errors
    /// [`Error::OperatorKeyNotFound`].
    pub async fn revoke_key(&self, key: OperatorKeyId) -> Result<OperatorKey, Error> {
        let revoked = operator::revoke_key(self.office.pool(), key, &self.by.sign(), self.office.now()).await;
        self.office.inner.keys.forget();
        revoked
    }

    /// All keys, revoked ones too, in the order in which they were made.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn keys(&self) -> Result<Vec<OperatorKey>, Error> {
        db::read(|| operator::all_keys(self.office.pool())).await
    }
}
