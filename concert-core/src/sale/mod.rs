//! Sales: concerts behind one queue, with doors, an opening and an end.
//!
//! What changes about a sale goes through the lane of its queue ([`crate::queue`]), since its gate is the lock of both.
//! Here a sale is made, and shown.

mod store;

use serde::Serialize;

#[cfg(any(test, feature = "internals"))]
pub(crate) use self::store::STATEMENTS;
pub(crate) use self::store::{add, all, find, named};
use crate::caller::IdempotencyKey;
use crate::catalog::ConcertDate;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::SaleId;
use crate::operator::Operator;
use crate::phase::{EntryOrder, SalePhase, SaleTimes};
use crate::queue::{Admission, Draw, SaleChange, SaleRow, SaleSettings, sale_name};

/// How many are let in at once until somebody says otherwise.
const USUAL_MAX_ACTIVE: u32 = 10;

/// A sale at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sale {
    /// Its id.
    #[serde(rename = "saleId")]
    pub id: SaleId,
    /// Its name.
    pub name: String,
    /// What can be done now.
    pub phase: SalePhase,
    /// When joining begins; `None`: no bound.
    pub doors_at: Option<Timestamp>,
    /// When people are let in; `None`: no bound.
    pub opens_at: Option<Timestamp>,
    /// When it ends; `None`: no bound.
    pub closes_at: Option<Timestamp>,
    /// The moment, by the database's time.
    pub now: Timestamp,
    /// Who comes first at the opening.
    pub order: EntryOrder,
    /// The draw, where the order is one.
    pub draw: Option<Draw>,
    /// How many seats one user may have, held and sold together; `None`: any number.
    pub max_seats_per_user: Option<u32>,
    /// How many are let in.
    #[serde(flatten)]
    pub admission: Admission,
    /// How many wait.
    pub waiting: u64,
    /// How many are ACTIVE.
    pub active: u32,
    /// How long who joins now will wait, in seconds, as far as this process can tell.
    pub estimate: u64,
    /// Raised by every change of what operators set.
    pub version: u32,
    /// Its concerts, by date.
    #[serde(serialize_with = "concerts_as_json")]
    pub concerts: Vec<ConcertDate>,
}

impl Sale {
    /// Its concerts whose day is not over at their venues.
    pub fn upcoming(&self) -> impl Iterator<Item = &ConcertDate> {
        self.concerts.iter().filter(|concert| !concert.is_over(self.now))
    }

    /// Whether it had concerts, and all of them are over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.concerts.is_empty() && self.upcoming().next().is_none()
    }
}

fn concerts_as_json<S: serde::Serializer>(concerts: &[ConcertDate], serializer: S) -> Result<S::Ok, S::Error> {
    let json = |ConcertDate { concert, name, date, .. }: &ConcertDate| serde_json::json!({"concertId": concert, "concertName": name, "date": date});
    serializer.collect_seq(concerts.iter().map(json))
}

/// A sale to make; from [`NewSale::new`].
///
/// ```no_run
/// use concert_core::{BoxOffice, Error, NewSale, SaleChange};
///
/// # async fn example(office: BoxOffice) -> Result<(), Error> {
/// let friday = office.now();
/// let settings = SaleChange::new().with_doors_at(Some(friday)).with_max_seats_per_user(Some(2));
/// let sale = office.operator("ann@example.org".parse()?).add_sale(&NewSale::new("Spring").with_settings(settings)).await?;
/// println!("{} is {}", sale.name, sale.phase.as_str());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct NewSale {
    pub(crate) id: SaleId,
    key: Option<IdempotencyKey>,
    name: String,
    settings: SaleChange,
}

impl NewSale {
    /// A sale of this name, 1 to 255 characters that no other sale has, under an id of its own. It is open and ordered by
    /// arrival, and lets 10 in at once.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { id: SaleId::generate(), key: None, name: name.into(), settings: SaleChange::new() }
    }

    /// The same sale, with these settings.
    #[must_use]
    pub fn with_settings(self, settings: SaleChange) -> Self {
        Self { settings, ..self }
    }

    /// The same sale, with this id.
    #[must_use]
    pub fn with_id(self, id: SaleId) -> Self {
        Self { id, ..self }
    }

    /// The same sale, made once however often the operator asks for it with this key.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// Its id, if this operator makes it.
    pub(crate) fn id_by(&self, operator: &Operator) -> SaleId {
        let of_key = |key: &IdempotencyKey| SaleId::from_uuid(key.derive_for_operator(operator.as_str(), "sales"));
        self.key.as_ref().map_or(self.id, of_key)
    }

    /// Checks it.
    pub(crate) fn checked(&self) -> Result<SaleSettings, Error> {
        let name = sale_name(&self.name)?;
        let blank = SaleSettings {
            row: SaleRow { name: name.clone(), max_seats_per_user: None, version: 0 },
            times: SaleTimes::ALWAYS_OPEN,
            order: EntryOrder::Arrival,
            admission: Admission { paused: false, max_active: USUAL_MAX_ACTIVE, per_minute: None },
            commitment: None,
            public_value: None,
        };
        // With the name there is something to change.
        let settings = self.settings.clone().with_name(name).checked()?;
        blank.with(&settings, self.id)
    }
}
