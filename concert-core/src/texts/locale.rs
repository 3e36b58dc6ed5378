//! How one reader is spoken to: a language, and the house's currency and zone.

use rust_decimal::Decimal;

use super::language::Language;
use crate::clock::Timestamp;
use crate::currency::Currency;
use crate::policy::Policy;
use crate::time_zone::TimeZone;

/// A language, with the currency that amounts are in and the zone that times are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Locale {
    /// The reader's language.
    pub language: Language,
    /// The currency; `None`: amounts are bare numbers.
    pub currency: Option<Currency>,
    /// The zone.
    pub zone: TimeZone,
}

impl Locale {
    /// This language, with currency and zone of the house.
    #[must_use]
    pub const fn new(language: Language, policy: &Policy) -> Self {
        Self { language, currency: policy.currency(), zone: policy.time_zone() }
    }

    /// The same in the zone of a venue.
    #[must_use]
    pub const fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// An amount: see [`Language::money`].
    #[must_use]
    pub fn money(self, amount: impl Into<Decimal>) -> String {
        self.language.money(amount, self.currency)
    }

    /// A moment in the zone: see [`Language::moment`].
    #[must_use]
    pub fn moment(self, at: Timestamp) -> String {
        self.language.moment(at, self.zone)
    }
}
