//! What an operator changes about a sale.

use super::AdmissionChange;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::SaleId;
use crate::name::free_text;
use crate::operator::{Act, ActSubject};
use crate::phase::EntryOrder;
use crate::queue::draw::{DrawSecret, PublicValue};

/// The longest name of a sale, in characters.
const LONGEST_NAME: usize = 255;
/// The most seats that one user may be allowed of a sale.
const MOST_SEATS: u32 = 1_000_000;

/// What an operator changes about a sale; what is not named stays as it is. An inner `None` takes a bound away.
///
/// ```
/// use concert_core::{BoxOffice, Error, SaleChange, SaleId};
///
/// # async fn example(office: BoxOffice, sale: SaleId) -> Result<(), Error> {
/// let later = SaleChange::new().with_opens_at(Some(office.now() + chrono::TimeDelta::minutes(10)));
/// office.operator("ann@example.org".parse()?).set_sale(sale, later, None).await?;
/// # Ok(())
/// # }
/// # use concert_core::chrono;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaleChange {
    pub(crate) name: Option<String>,
    pub(crate) doors_at: Option<Option<Timestamp>>,
    pub(crate) opens_at: Option<Option<Timestamp>>,
    pub(crate) closes_at: Option<Option<Timestamp>>,
    pub(crate) order: Option<EntryOrder>,
    pub(crate) max_seats_per_user: Option<Option<u32>>,
    pub(crate) admission: AdmissionChange,
    /// What was drawn in public, for the sale's draw.
    pub(crate) public_value: Option<PublicValue>,
    /// Of a draw that this change begins.
    pub(crate) secret: Option<DrawSecret>,
}

impl SaleChange {
    /// A change of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also sets the name: 1 to 255 characters that no other sale has.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Also sets when joining begins; `None`: at once.
    #[must_use]
    pub fn with_doors_at(self, at: Option<Timestamp>) -> Self {
        Self { doors_at: Some(at), ..self }
    }

    /// Also sets when people are let in; `None`: as soon as the doors are open.
    #[must_use]
    pub fn with_opens_at(self, at: Option<Timestamp>) -> Self {
        Self { opens_at: Some(at), ..self }
    }

    /// Also sets when the sale ends; `None`: it does not.
    #[must_use]
    pub fn with_closes_at(self, at: Option<Timestamp>) -> Self {
        Self { closes_at: Some(at), ..self }
    }

    /// Also sets who comes first at the opening.
    #[must_use]
    pub fn with_order(self, order: EntryOrder) -> Self {
        Self { order: Some(order), ..self }
    }

    /// Also sets how many seats one user may have, held and sold together: 1 to 1 000 000; `None`: any number.
    #[must_use]
    pub fn with_max_seats_per_user(self, seats: Option<u32>) -> Self {
        Self { max_seats_per_user: Some(seats), ..self }
    }

    /// Also sets how many are let in.
    #[must_use]
    pub fn with_admission(self, admission: AdmissionChange) -> Self {
        Self { admission, ..self }
    }

    /// Also pauses the sale's queue, or resumes it.
    #[must_use]
    pub fn with_paused(mut self, paused: bool) -> Self {
        self.admission.paused = Some(paused);
        self
    }

    /// The same change, with its name as it is stored.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        if self == Self::default() {
            return Err(Error::invalid("say what to change about the sale"));
        }
        self.admission.check_values()?;
        if self.max_seats_per_user.flatten().is_some_and(|seats| !(1..=MOST_SEATS).contains(&seats)) {
            return Err(Error::invalid(format!("maxSeatsPerUser must be from 1 to {MOST_SEATS}")));
        }
        let name = self.name.as_deref().map(sale_name).transpose()?;
        // Of a draw that it begins, or begins anew.
        let begins = self.order == Some(EntryOrder::Draw) || self.doors_at.is_some() || self.opens_at.is_some();
        // Made here, since rules are pure: what they decide must not hang on a random number of their own.
        let secret = begins.then(DrawSecret::generate);
        Ok(Self { name, secret, ..self })
    }

    /// Whether it changes how many are let in, and nothing else.
    fn is_of_admission(&self) -> bool {
        *self == Self::from(self.admission)
    }

    /// Naming what was drawn in public.
    pub(crate) fn of_public_value(value: PublicValue) -> Self {
        Self { public_value: Some(value), ..Self::default() }
    }

    /// What the log calls it.
    pub(in crate::queue) fn act(&self) -> Act {
        match self {
            change if change.is_of_admission() => change.admission.act(),
            Self { public_value: Some(_), .. } => Act::SaleDraw,
            _ => Act::SaleSet,
        }
    }

    /// What the log says that it is done to.
    pub(in crate::queue) fn subject(&self, sale: SaleId) -> ActSubject {
        if self.is_of_admission() { ActSubject::Queue(sale) } else { ActSubject::Sale(sale) }
    }
}

impl From<AdmissionChange> for SaleChange {
    fn from(admission: AdmissionChange) -> Self {
        Self::new().with_admission(admission)
    }
}

/// The name of a sale, as it is stored.
pub(crate) fn sale_name(name: &str) -> Result<String, Error> {
    let rule = format_args!("the name of a sale is 1 to {LONGEST_NAME} characters, no spaces around");
    Ok(free_text(name, LONGEST_NAME, rule)?)
}
