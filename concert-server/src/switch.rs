//! Settings that are on or off.

use clap::ValueEnum;
use clap::builder::{EnumValueParser, TypedValueParser};

/// On or off, in any of the words that people write for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On
    #[value(aliases = ["true", "yes", "1"])]
    On,
    /// Off
    #[value(aliases = ["false", "no", "0"])]
    Off,
}

impl Switch {
    /// Whether it is on.
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::On
    }

    /// Reads one as a truth value.
    pub(crate) fn parser() -> impl TypedValueParser<Value = bool> {
        EnumValueParser::<Self>::new().map(Self::is_on)
    }
}
