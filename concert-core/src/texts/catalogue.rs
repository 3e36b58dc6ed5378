//! Texts in both languages, from Fluent files that are part of the program.

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::language::Language;

/// The texts of one crate, in every language. Made once; reading takes no lock.
pub struct Catalogue {
    bundles: [FluentBundle<FluentResource>; 2],
}

/// What is written in the place of a variable: a text, or a whole number, by which a text may choose its plural.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, written as it is.
    Text(String),
    /// A whole number, written without separators.
    Number(i64),
}

impl Catalogue {
    /// A catalogue of these Fluent sources, in the order of [`Language::ALL`]. The build has checked them.
    #[must_use]
    pub fn new(sources: [&str; 2]) -> Self {
        let bundle = |language: Language, source: &str| {
            let mut bundle = FluentBundle::new_concurrent(language.tag().parse().into_iter().collect());
            // No marks around what is put in: both languages run from left to right, and consoles show the marks.
            bundle.set_use_isolating(false);
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
            bundle
        };
        let [english, korean] = sources;
        Self { bundles: [bundle(Language::English, english), bundle(Language::Korean, korean)] }
    }

    /// A text with its variables filled in. An id that is not there is answered as it is.
    #[must_use]
    pub fn text<const N: usize>(&self, language: Language, id: &str, values: [(&'static str, Value); N]) -> String {
        let bundle = &self.bundles[language as usize];
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else { return id.to_owned() };
        let mut args = FluentArgs::with_capacity(N);
        for (name, value) in values {
            args.set(name, FluentValue::from(value));
        }
        bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").finish_non_exhaustive()
    }
}

impl From<Value> for FluentValue<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => text.into(),
            Value::Number(number) => number.into(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Whole numbers; one beyond `i64` is written as that limit.
macro_rules! from_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )*};
}

from_numbers!(u8, u16, u32, u64, usize, i32, i64);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(language: Language, id: &str, count: u32) -> String {
        let english = "seats = { $count ->\n    [one] one seat\n   *[other] { $count } seats\n } of { $name }\n";
        let korean = "seats = { $name } 좌석 { $count }석\n";
        Catalogue::new([english, korean]).text(language, id, [("count", count.into()), ("name", "A <b>".into())])
    }

    #[test]
    fn a_text_chooses_its_plural_and_has_nothing_around_what_is_put_in() {
        assert_eq!(text(Language::English, "seats", 1), "one seat of A <b>");
        assert_eq!(text(Language::English, "seats", 1200), "1200 seats of A <b>");
        assert_eq!(text(Language::Korean, "seats", 2), "A <b> 좌석 2석");
        assert_eq!(text(Language::Korean, "rows", 2), "rows");
    }
}
