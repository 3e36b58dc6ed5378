//! All that operators set about a sale, and how the log records what differs.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Admission, SaleChange};
use crate::bytes::Bytes32;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::SaleId;
use crate::operator::LogEntry;
use crate::phase::{EntryOrder, SaleTimes};
use crate::queue::draw::{GateDraw, PublicValue};
use crate::queue::rows::SaleRow;

/// All that operators set about a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SaleSettings {
    pub(crate) row: SaleRow,
    pub(crate) times: SaleTimes,
    pub(crate) order: EntryOrder,
    pub(crate) admission: Admission,
    /// Of the draw, if the order is one.
    pub(crate) commitment: Option<Bytes32>,
    /// What was drawn in public, for the draw.
    pub(crate) public_value: Option<PublicValue>,
}

impl SaleSettings {
    /// The settings after a change, in the next version, but for what hangs on the draw. The default sale is always open,
    /// and ordered by arrival.
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
        let row = SaleRow {
            name: change.name.clone().unwrap_or_else(|| self.row.name.clone()),
            max_seats_per_user: change.max_seats_per_user.unwrap_or(self.row.max_seats_per_user),
            version: self.row.version + 1,
        };
        Ok(Self { row, times, order, admission: change.admission.applied_to(self.admission), ..self.clone() })
    }

    /// The same settings with this draw.
    pub(crate) fn with_draw(self, draw: Option<&GateDraw>) -> Self {
        let public_value = draw.and_then(|draw| draw.public_value.clone());
        Self { commitment: draw.map(|draw| draw.commitment), public_value, ..self }
    }

    /// By the names of `SETTINGS`.
    fn values(&self) -> [Value; SETTINGS.len()] {
        // Taken apart, so that a new setting cannot be forgotten here.
        let Self { row, times, order, admission, commitment, public_value } = self;
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
            commitment.map(|commitment| commitment.to_string()).into(),
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
const SETTINGS: [(&str, &str); 11] = [
    ("name", "name"),
    ("doorsAt", "doors_at"),
    ("opensAt", "opens_at"),
    ("closesAt", "closes_at"),
    ("order", "order"),
    ("maxSeatsPerUser", "max_seats_per_user"),
    ("paused", "paused"),
    ("maxActive", "max_active"),
    ("perMinute", "per_minute"),
    ("commitment", "commitment"),
    ("publicValue", "public_value"),
];

/// The settings that differ, before and after; `None`: none does.
pub(in crate::queue) fn difference(before: &SaleSettings, after: &SaleSettings) -> Option<[Value; 2]> {
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
pub(in crate::queue) fn changes(entry: &LogEntry) -> impl Iterator<Item = QueueChange> {
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
