//! Who calls: the bearer token, and what it allows.

use concert_core::{Caller, Credential, Error, UserId};
use warp::http::header::AUTHORIZATION;

use super::call::Call;
use super::problem::Problem;

const MISSING: Error = Error::Unauthenticated("send an access token: Authorization: Bearer <token>");
const GARBLED: Error = Error::Unauthenticated("the Authorization header is not of the form: Bearer <token>");

impl Call {
    /// The caller's credential; a call without one is refused.
    pub(super) fn credential(&self) -> Result<Credential, Problem> {
        Ok(self.optional_credential()?.ok_or(MISSING)?)
    }

    /// The same, for routes that allow calls without a credential. A bad token is refused here, too.
    pub(super) fn optional_credential(&self) -> Result<Option<Credential>, Problem> {
        let Some(token) = self.bearer()? else { return Ok(None) };
        Ok(Some(self.box_office().authenticate(token)?))
    }

    /// The access token, as it was sent.
    pub(super) fn bearer(&self) -> Result<Option<&str>, Error> {
        let mut sent = self.headers.get_all(AUTHORIZATION).iter();
        let Some(value) = sent.next() else { return Ok(None) };
        let form = value.to_str().ok().and_then(|text| text.split_once(' '));
        match (form, sent.next()) {
            (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
            _ => Err(GARBLED),
        }
    }
}

/// The access token of a session or a place in the queue. Every server has keys to sign it.
pub(super) fn signed(jwt: Option<String>) -> Result<String, Problem> {
    jwt.ok_or_else(|| Problem::internal("the box office has no keys to sign access tokens"))
}

/// The caller, who must be the user that the request is about.
pub(super) fn caller(credential: Credential, user: UserId) -> Result<Caller, Problem> {
    if credential.user() == user { Ok(credential.caller()) } else { Err(Error::NotYours.into()) }
}
