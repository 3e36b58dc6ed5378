//! What people read, in their language: the languages, the catalogues of texts, money and times as each language writes
//! them.
//!
//! A catalogue is a pair of files, `en.ftl` and `ko.ftl` (Project Fluent). The build checks that both have the same texts
//! with the same variables, and makes a method of each text, so a text that is missing fails the build.

mod catalogue;
mod language;
mod locale;
mod money;
mod refusals;
mod said;
mod time;

pub use self::catalogue::{Catalogue, Value};
pub use self::language::Language;
pub use self::locale::Locale;
pub use self::said::Said;

/// The texts of this crate.
mod own {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}
