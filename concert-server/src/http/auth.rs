//! Who calls: the bearer token, and what it allows.

use concert_core::{BackOffice, Caller, Credential, Error, OperatorKey, Role, SessionTicket, UserId};
use warp::http::header::AUTHORIZATION;

use super::call::Call;
use super::problem::Problem;

const MISSING: Error = Error::Unauthenticated("send an access token: Authorization: Bearer <token>");
const NO_KEY: Error = Error::Unauthenticated("send an operator key: Authorization: Bearer concert_<key>");
const NO_KEY_HERE: Error =
    Error::Unauthenticated("an operator key is for /api/v1/admin and for joining users; send an access token here");
const NO_SESSION: Error = Error::Unauthenticated("this takes the access token of a session: log in");
const GARBLED: Error = Error::Unauthenticated("the Authorization header is not of the form: Bearer <token>");

impl Call {
    /// The caller's credential; a call without one is refused.
    pub(super) async fn credential(&mut self) -> Result<Credential, Problem> {
        self.optional_credential().await?.ok_or_else(|| Problem::without_token(MISSING))
    }

    /// The same, for routes that allow calls without a credential. A bad token is refused here, too.
    pub(super) async fn optional_credential(&mut self) -> Result<Option<Credential>, Problem> {
        let Some(token) = self.bearer()? else { return Ok(None) };
        let credential = self.box_office().authenticate(token).await.map_err(|error| match error {
            // An operator who has taken the wrong route is told so, and not that the key is bad.
            Error::Unauthenticated(_) if OperatorKey::is_meant_by(token) => NO_KEY_HERE,
            error => error,
        })?;
        // After the token has been verified: nobody can use up the bucket of somebody else.
        self.brake_user(credential.user())?;
        Ok(Some(credential))
    }

    /// The access token, as it was sent.
    pub(super) fn bearer(&self) -> Result<Option<&str>, Error> {
        let mut sent = self.headers().get_all(AUTHORIZATION).iter();
        let Some(value) = sent.next() else { return Ok(None) };
        let form = str::from_utf8(value.as_bytes()).ok().and_then(|text| text.split_once(' '));
        match (form, sent.next()) {
            // Schemes have no case (RFC 9110, section 11.1). Of two headers none is chosen: the request is refused.
            (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
            _ => Err(GARBLED),
        }
    }
}

impl Call {
    /// The back office for the operator whose key the caller shows, which must allow what takes the role `needed`.
    pub(super) async fn back_office(&mut self, needed: Role) -> Result<BackOffice, Problem> {
        let operator = self.box_office().authenticate_operator(self.operator_key()?, needed).await?;
        Ok(self.box_office().operator(operator.with_request_id(self.request_id())))
    }

    /// The operator key, as it was sent.
    pub(super) fn operator_key(&self) -> Result<&str, Problem> {
        self.bearer()?.ok_or_else(|| Problem::without_token(NO_KEY))
    }

    /// What the caller of a join shows.
    pub(super) async fn joining(&mut self) -> Result<Joining, Problem> {
        if self.bearer()?.is_some_and(OperatorKey::is_meant_by) {
            return Ok(Joining::For(self.back_office(Role::Operator).await?));
        }
        Ok(Joining::As(self.optional_credential().await?))
    }
}

/// Who joins a user to the queue.
pub(super) enum Joining {
    /// The user, who may prove nothing: the box office decides whether that is enough.
    As(Option<Credential>),
    /// An operator, who vouches for the user.
    For(BackOffice),
}

impl Joining {
    /// Whether somebody vouches for the user, be it the user.
    pub(super) const fn is_proved(&self) -> bool {
        !matches!(self, Self::As(None))
    }

    pub(super) fn caller(self, user: UserId) -> Result<Caller, Problem> {
        match self {
            Self::As(Some(credential)) => caller(credential, user),
            Self::As(None) => Ok(Caller::from(user)),
            Self::For(back_office) => Ok(back_office.acting_for(user)),
        }
    }
}

/// The access token of a session or a place in the queue. Every server has keys to sign it.
pub(super) fn signed(jwt: Option<String>) -> Result<String, Problem> {
    jwt.ok_or_else(|| Problem::internal("the box office has no keys to sign access tokens"))
}

/// The session, for what a place in the queue does not allow.
pub(super) fn session(credential: Credential) -> Result<SessionTicket, Problem> {
    match credential {
        Credential::Session(session) => Ok(session),
        Credential::Queue(_) => Err(NO_SESSION.into()),
    }
}

/// The caller, who must be the user that the request is about.
pub(super) fn caller(credential: Credential, user: UserId) -> Result<Caller, Problem> {
    if credential.user() == user { Ok(credential.caller()) } else { Err(Error::NotYours.into()) }
}
