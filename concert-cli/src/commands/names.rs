//! Users, concerts and sales by name or id: what a person at a desk knows, and what programs print. A name may look like
//! an id; then the id counts, if there is one.

use std::convert::Infallible;
use std::str::FromStr;

use concert_core::{BoxOffice, ConcertDate, ConcertId, Error, ErrorKind, Operator, SaleId, UserId, Username};

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
    /// The user's id.
    pub async fn find(&self, box_office: &BoxOffice) -> Result<UserId, Failure> {
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
    /// The concert's id. A name that several concerts have says too little.
    pub async fn find(&self, box_office: &BoxOffice) -> Result<ConcertId, Failure> {
        let is_there = async |id| Ok(box_office.operator(Operator::application()).concert(id).await.map(drop)?);
        id_or_named(&self.0, self.named(box_office).await, is_there).await
    }

    async fn named(&self, box_office: &BoxOffice) -> Result<ConcertId, Failure> {
        match box_office.concerts_named(&self.0).await?.as_slice() {
            [] => Err(Error::ConcertNotFound.into()),
            [only] => Ok(only.concert),
            several => {
                // Two evenings of one tour share a name; a guess would act on the wrong one.
                let each = |found: &ConcertDate| format!("{} ({})", found.concert, found.date);
                let each: Vec<_> = several.iter().map(each).collect();
                Err(Failure::Usage(format!("several concerts have this name; give the id: {}", each.join(", "))))
            }
        }
    }
}

/// A sale by name or id.
#[derive(Debug, Clone)]
pub struct SaleRef(String);

impl FromStr for SaleRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl SaleRef {
    /// The sale's id.
    pub async fn find(&self, box_office: &BoxOffice) -> Result<SaleId, Failure> {
        let named = box_office.sale_named(&self.0).await.map_err(Failure::from);
        let is_there = async |id| Ok(box_office.sale(id).await.map(drop)?);
        id_or_named(&self.0, named, is_there).await
    }
}

/// The id that a text is, or whose name it is. An id that is nobody's name is not looked up: the command says whether there
/// is such a thing.
async fn id_or_named<Id: FromStr + Copy>(
    text: &str,
    named: Result<Id, Failure>,
    is_there: impl AsyncFn(Id) -> Result<(), Failure>,
) -> Result<Id, Failure> {
    let Ok(id) = text.parse() else { return named };
    match named {
        Err(failure) if is_not_found(&failure) => Ok(id),
        named => match is_there(id).await {
            Err(failure) if is_not_found(&failure) => named,
            looked_up => looked_up.map(|()| id),
        },
    }
}

fn is_not_found(failure: &Failure) -> bool {
    matches!(failure, Failure::BoxOffice(error) if error.kind() == ErrorKind::NotFound)
}
