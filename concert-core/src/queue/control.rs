//! The queue's settings, and the record of their changes.

use serde::Serialize;
use serde_json::{Map, Value};

use super::draw::{DrawSecret, PublicValue};
use super::rows::SaleRow;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::SaleId;
use crate::name::free_text;
use crate::operator::{Act, ActSubject, LogEntry};
use crate::phase::{EntryOrder, SaleTimes};

/// The longest name of a sale, in characters.
const LONGEST_NAME: usize = 255;
/// The most seats that one user may be allowed of a sale.
const MOST_SEATS: u32 = 1_000_000;
/// The most tokens that may be ACTIVE, and the most that may be let in per minute.
pub(super) const MOST_ADMITTED: u32 = 100_000_000;

/// The settings of a queue, for all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Admission {
    /// Whether nobody is let in.
    pub paused: bool,
    /// The cap on ACTIVE tokens.
    pub max_active: u32,
    /// The most tokens that become ACTIVE within any 60 seconds; `None`: no such limit.
    pub per_minute: Option<u32>,
}

/// How many tokens may become ACTIVE within any 60 seconds, counted from when that limit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerMinute {
    /// As many as there is room for.
    Unlimited,
    /// This many: 1 to 100 000 000.
    AtMost(u32),
}

impl PerMinute {
    pub(crate) const fn limit(self) -> Option<u32> {
        match self {
            Self::Unlimited => None,
            Self::AtMost(limit) => Some(limit),
        }
    }
}

/// What an operator changes about who is let in; what is not named stays as it is.
///
/// ```
/// use concert_core::{AdmissionChange, PerMinute};
///
/// let change = AdmissionChange::new().with_max_active(500).with_per_minute(PerMinute::AtMost(100));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdmissionChange {
    pub(crate) paused: Option<bool>,
    pub(crate) max_active: Option<u32>,
    pub(crate) per_minute: Option<PerMinute>,
}

impl AdmissionChange {
    /// A change of nothing yet, which is refused.
    #[must_use]
    pub const fn new() -> Self {
        Self { paused: None, max_active: None, per_minute: None }
    }

    /// Pausing or resuming.
    pub(crate) const fn paused(paused: bool) -> Self {
        Self { paused: Some(paused), ..Self::new() }
    }

    /// Also sets how many tokens may be ACTIVE: 1 to 100 000 000. ACTIVE users stay ACTIVE.
    #[must_use]
    pub const fn with_max_active(mut self, max_active: u32) -> Self {
        self.max_active = Some(max_active);
        self
    }

    /// Also sets how many are let in per minute.
    #[must_use]
    pub const fn with_per_minute(mut self, per_minute: PerMinute) -> Self {
        self.per_minute = Some(per_minute);
        self
    }

    /// Checks the values.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if *self == Self::default() {
            return Err(Error::invalid("say what to change: max_active, per_minute or both"));
        }
        self.check_values()
    }

    pub(crate) fn check_values(&self) -> Result<(), Error> {
        if self.max_active.is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "max_active must be from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        if self.per_minute.and_then(PerMinute::limit).is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "per_minute must be from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        Ok(())
    }

    /// The settings after it.
    const fn applied_to(&self, before: Admission) -> Admission {
        Admission {
            paused: match self.paused {
                Some(paused) => paused,
                None => before.paused,
            },
            max_active: match self.max_active {
                Some(max_active) => max_active,
                None => before.max_active,
            },
            per_minute: match self.per_minute {
                Some(per_minute) => per_minute.limit(),
                None => before.per_minute,
            },
        }
    }

    /// What the log calls it.
    const fn act(&self) -> Act {
        match self.paused {
            Some(true) => Act::QueuePause,
            Some(false) => Act::QueueResume,
            None => Act::QueueSet,
        }
    }
}

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
            return Err(Error::invalid(format!("max_seats_per_user must be from 1 to {MOST_SEATS}")));
        }
        let name = self.name.as_deref().map(sale_name).transpose()?;
        // Of a draw that it begins, or begins anew.
        let begins = self.order == Some(EntryOrder::Draw) || self.doors_at.is_some() || self.opens_at.is_some();
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
    pub(super) fn act(&self) -> Act {
        match self {
            change if change.is_of_admission() => change.admission.act(),
            Self { public_value: Some(_), .. } => Act::SaleDraw,
            _ => Act::SaleSet,
        }
    }

    /// What the log says that it is done to.
    pub(super) fn subject(&self, sale: SaleId) -> ActSubject {
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

/// All that operators set about a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SaleSettings {
    pub(crate) row: SaleRow,
    pub(crate) times: SaleTimes,
    pub(crate) order: EntryOrder,
    pub(crate) admission: Admission,
    /// What was drawn in public, for the draw.
    pub(crate) public_value: Option<PublicValue>,
}

impl SaleSettings {
    /// The settings after a change, in the next version. The default sale is always open, and ordered by arrival.
    pub(crate) fn with(&self, change: &SaleChange, sale: SaleId) -> Result<Self, Error> {
        let times = SaleTimes {
            doors_at: change.doors_at.unwrap_or(self.times.doors_at),
            opens_at: change.opens_at.unwrap_or(self.times.opens_at),
            closes_at: change.closes_at.unwrap_or(self.times.closes_at),
        };
        let order = change.order.unwrap_or(self.order);
        if sale == SaleId::DEFAULT && (times, order) != (SaleTimes::ALWAYS_OPEN, EntryOrder::Arrival) {
            return Err(Error::invalid(
                "the default sale is always open and ordered by arrival; add a sale for what opens or is drawn",
            ));
        }
        times.check()?;
        let public_value = change.public_value.as_ref().or(self.public_value.as_ref()).cloned();
        let row = SaleRow {
            name: change.name.clone().unwrap_or_else(|| self.row.name.clone()),
            max_seats_per_user: change.max_seats_per_user.unwrap_or(self.row.max_seats_per_user),
            version: self.row.version + 1,
        };
        Ok(Self { row, times, order, admission: change.admission.applied_to(self.admission), public_value })
    }

    /// By the names of `SETTINGS`.
    fn values(&self) -> [Value; SETTINGS.len()] {
        let Self { row, times, order, admission, public_value } = self;
        let at = |moment: Option<Timestamp>| serde_json::to_value(moment).unwrap_or_default();
        [
            row.name.clone().into(),
            at(times.doors_at),
            at(times.opens_at),
            at(times.closes_at),
            order.as_str().into(),
            row.max_seats_per_user.into(),
            admission.paused.into(),
            admission.max_active.into(),
            admission.per_minute.into(),
            public_value.as_ref().map(PublicValue::as_str).into(),
        ]
    }

    /// All of them, for the log of a new sale.
    pub(crate) fn as_json(&self) -> Value {
        Value::Object(SETTINGS.iter().map(|(name, _)| (*name).to_owned()).zip(self.values()).collect())
    }
}

/// One change of one setting, as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueueChange {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// `paused`, `max_active`, `per_minute`, `opens_at` and so on.
    pub setting: String,
    /// The value before: `yes` or `no`, a number, or `none`.
    pub was: String,
    /// The value after.
    pub becomes: String,
}

/// The settings in an order of their own: as the log names them, and as [`QueueChange`] does.
const SETTINGS: [(&str, &str); 10] = [
    ("name", "name"),
    ("doorsAt", "doors_at"),
    ("opensAt", "opens_at"),
    ("closesAt", "closes_at"),
    ("order", "order"),
    ("maxSeatsPerUser", "max_seats_per_user"),
    ("paused", "paused"),
    ("maxActive", "max_active"),
    ("perMinute", "per_minute"),
    ("publicValue", "public_value"),
];

/// The settings that differ, before and after; `None`: none does.
pub(super) fn difference(before: &SaleSettings, after: &SaleSettings) -> Option<[Value; 2]> {
    let (mut was, mut becomes) = (Map::new(), Map::new());
    for (((name, _), before), after) in SETTINGS.iter().zip(before.values()).zip(after.values()) {
        if before != after {
            was.insert((*name).to_owned(), before);
            becomes.insert((*name).to_owned(), after);
        }
    }
    (!was.is_empty()).then(|| [was.into(), becomes.into()])
}

/// The changes that an entry of the log records, the last first.
pub(super) fn changes(entry: &LogEntry) -> impl Iterator<Item = QueueChange> {
    SETTINGS.iter().rev().filter_map(|(name, setting)| {
        let [was, becomes] = [&entry.before, &entry.after].map(|state| state.as_ref()?.get(name).map(described));
        let (at, by, setting) = (entry.at, entry.by.clone(), (*setting).to_owned());
        Some(QueueChange { at, by, setting, was: was?, becomes: becomes? })
    })
}

fn described(setting: &Value) -> String {
    match setting {
        Value::Null => "none".to_owned(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
