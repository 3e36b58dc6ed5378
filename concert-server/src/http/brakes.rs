//! Where requests are braked: at the table of routes, and in handlers once it is known who asks.

use concert_core::UserId;
use warp::http::HeaderValue;
use warp::http::header::{HeaderName, RETRY_AFTER};

use super::call::Call;
use super::problem::{Problem, whole_seconds};
use crate::brakes::{Brake, Braked, Brakes, Client};

/// The header fields of draft-ietf-httpapi-ratelimit-headers: a policy, and how it stands.
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// How a route is braked by the client's address.
#[derive(Debug, Clone, Copy)]
pub(super) enum Braking {
    /// As every call.
    Call,
    /// As every call, and by a brake of its own.
    Also(Brake),
    /// Not at all: whoever watches a server must always be answered.
    Never,
}

impl Call {
    /// Refuses a client whose address asks for too much. Nothing of the body is read yet.
    pub(super) fn brake(&self, braking: Braking) -> Result<(), Problem> {
        self.braked_by(|brakes, client| match braking {
            Braking::Call => brakes.call(client, None),
            Braking::Also(brake) => brakes.call(client, Some(brake)),
            Braking::Never => Ok(()),
        })
    }

    /// Refuses a user who asks for too much. `user` has proved to be that user.
    pub(crate) fn brake_user(&self, user: UserId) -> Result<(), Problem> {
        self.braked_by(|brakes, _| brakes.user_call(user))
    }

    /// Refuses too many log-ins and sign-ups with one name.
    pub(crate) fn brake_attempt(&self, username: &str) -> Result<(), Problem> {
        self.braked_by(|brakes, client| brakes.attempt(client, username))
    }

    /// Refuses a user who joins too often.
    pub(crate) fn brake_join(&self, user: UserId, is_proved: bool) -> Result<(), Problem> {
        self.braked_by(|brakes, client| brakes.join(user, (!is_proved).then_some(client)))
    }

    /// Refuses a caller who was refused too many codes. `is_proved`: the caller is that user.
    pub(crate) fn brake_code(&self, user: UserId, is_proved: bool) -> Result<(), Problem> {
        self.braked_by(|brakes, client| brakes.code(client, user, is_proved))
    }

    /// Counts a code that was refused.
    pub(crate) fn was_refused_a_code(&self, user: UserId, is_proved: bool) {
        if let Some(client) = self.client() {
            self.app.brakes.refused_code(client, user, is_proved);
        }
    }

    /// Refuses the holds of a user who has given too many back.
    pub(crate) fn brake_hold(&self, user: UserId) -> Result<(), Problem> {
        self.braked_by(|brakes, _| brakes.hold(user))
    }

    /// Counts a call by which `user` gave holds back: one that leaves the queue does, whatever was held.
    pub(crate) fn gave_back(&self, user: UserId) {
        if self.client().is_some() {
            self.app.brakes.gave_back(user);
        }
    }

    fn braked_by(&self, ask: impl FnOnce(&Brakes, Client) -> Result<(), Braked>) -> Result<(), Problem> {
        match self.client() {
            Some(client) => Ok(ask(&self.app.brakes, client)?),
            None => Ok(()),
        }
    }
}

impl From<Braked> for Problem {
    fn from(Braked { brake, limit, wait }: Braked) -> Self {
        let seconds = whole_seconds(wait);
        let problem = Self::too_many_requests(format!("too many {}; try again in {seconds} s", brake.what()));
        let problem = problem.with_header(RETRY_AFTER, seconds.into());
        // A brake that is off stops nobody, so there always is a limit here.
        let Some((count, period)) = limit.parts() else { return problem };
        let (name, window) = (brake.name(), whole_seconds(period));
        problem
            .with_header(RATE_LIMIT_POLICY, field(&format!("\"{name}\";q={count};w={window}")))
            .with_header(RATE_LIMIT, field(&format!("\"{name}\";r=0;t={seconds}")))
    }
}

fn field(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
