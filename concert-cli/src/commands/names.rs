//! Users and concerts by name or id: what a person at a desk knows, and what programs print.

use std::convert::Infallible;
use std::str::FromStr;

use concert_core::{BoxOffice, ConcertDate, ConcertId, Error, UserId, Username};

use super::user;
use crate::failure::Failure;

/// A user by name or id.
#[derive(Debug, Clone)]
pub struct UserRef(Username);

impl FromStr for UserRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse()?))
    }
}

impl UserRef {
    /// The user's id. An id is not looked up: the command says whether there is such a user.
    pub async fn find(&self, box_office: &BoxOffice) -> Result<UserId, Failure> {
        if let Ok(id) = self.0.as_str().parse() {
            return Ok(id);
        }
        Ok(user::find(box_office, &self.0).await?.id)
    }
}

/// A concert by name or id.
#[derive(Debug, Clone)]
pub struct ConcertRef(String);

impl FromStr for ConcertRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl ConcertRef {
    /// The concert's id. An id is not looked up. A name that several concerts have says too little.
    pub async fn find(&self, box_office: &BoxOffice) -> Result<ConcertId, Failure> {
        if let Ok(id) = self.0.parse() {
            return Ok(id);
        }
        match box_office.concerts_named(&self.0).await?.as_slice() {
            [] => Err(Error::ConcertNotFound.into()),
            [only] => Ok(only.concert),
            several => {
                // Two evenings of one tour share a name; a guess would act on the wrong one.
                let each = |found: &ConcertDate| format!("{} on {}", found.concert, found.date);
                let each: Vec<_> = several.iter().map(each).collect();
                Err(Failure::Usage(format!("several concerts have this name; give the id: {}", each.join(", "))))
            }
        }
    }
}
