//! What the tool says to people, in the language of the environment: `LC_ALL`, `LC_MESSAGES`, `LANG`. It says all in
//! English where it arises; the Korean is found by the English in `texts/en.ftl` and `ko.ftl`.

use std::env;
use std::fmt::Display;
use std::sync::OnceLock;

use concert_core::rust_decimal::Decimal;
use concert_core::texts::{Language, Locale, Said};
use concert_core::{Currency, Money, TimeZone};

/// The pairs that the build made of the catalogues.
mod made {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

const SAID: Said = Said(made::SAID);

static LOCALE: OnceLock<Locale> = OnceLock::new();

/// Says in which currency and zone people are told of amounts and moments. Before it is called, there is none, and UTC.
pub fn set_house(currency: Option<Currency>, zone: TimeZone) {
    LOCALE.get_or_init(|| Locale { language: of_environment(), currency, zone });
}

/// How people are spoken to.
pub fn locale() -> Locale {
    *LOCALE.get_or_init(|| Locale { language: of_environment(), ..Locale::default() })
}

fn of_environment() -> Language {
    Language::from_environment(|name| env::var(name).ok())
}

/// A text for people in their language. One that nobody translated stays English.
pub fn told(english: &str) -> String {
    translation(english).unwrap_or_else(|| english.to_owned())
}

/// The same for the name of a fact or a column, which may begin with a capital.
pub fn told_name(english: &str) -> String {
    translation(english).or_else(|| translation(&in_small(english))).unwrap_or_else(|| english.to_owned())
}

fn translation(english: &str) -> Option<String> {
    match locale().language {
        Language::English => None,
        Language::Korean => SAID.in_korean(english),
    }
}

fn in_small(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// An amount: as JSON has it in English without a currency, else as people write it.
pub fn money(amount: impl Into<Decimal>) -> String {
    match locale() {
        Locale { language: Language::English, currency: None, .. } => amount.into().normalize().to_string(),
        locale => locale.money(amount),
    }
}

/// That an operation of the system failed.
pub fn cannot(what: &str) -> String {
    match locale().language {
        Language::English => format!("cannot {what}"),
        Language::Korean => format!("시스템 작업에 실패했습니다({})", told(what)),
    }
}

/// From the lowest price to the highest.
pub fn price_range(lowest: Money, highest: Money) -> String {
    let between = if locale().language == Language::English { " to " } else { "~" };
    format!("{}{between}{}", money(lowest), money(highest))
}

/// A number of seconds.
pub fn seconds(count: impl Display) -> String {
    match locale().language {
        Language::English => format!("{count} s"),
        Language::Korean => format!("{count}초"),
    }
}
