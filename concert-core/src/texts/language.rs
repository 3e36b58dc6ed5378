//! The languages, and which of them somebody reads.

use std::fmt;

/// The longest list of languages that is read to its end; what comes after is left out.
const MOST_RANGES: usize = 32;

/// A language that texts are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English: for everybody whose language is not here.
    #[default]
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// All of them; the first is chosen where nothing else is.
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// Its tag (BCP 47): `en`, `ko`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The language of a tag such as `ko`, `ko-KR` or `EN-us`: what stands before the first `-`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(language))
    }

    /// The language that a reader prefers, from an `Accept-Language` field (RFC 9110, section 12.5.4): looked up by
    /// weight, then by order (RFC 4647, section 3.4). English where none of the languages is named.
    #[must_use]
    pub fn from_accept_language(field: &str) -> Self {
        // The header comes from anybody: more ranges than that are not looked at.
        let mut ranges: Vec<_> = field.split(',').take(MOST_RANGES).filter_map(range).collect();
        let exact = |language: Self| ranges.iter().find(|(name, _)| language.tag().eq_ignore_ascii_case(name));
        let [english, korean] = Self::ALL.map(|language| exact(language).map(|(_, weight)| *weight));
        let weight_of = |language| if language == Self::English { english } else { korean };
        let named = Self::ALL.map(|language| ranges.iter().any(|(name, _)| Self::from_tag(name) == Some(language)));
        // The sort keeps the order of equal weights, so that the first one named wins.
        ranges.sort_by(|(_, one), (_, other)| other.cmp(one));
        let wanted = ranges.into_iter().filter(|(_, weight)| *weight > 0);
        let chosen = wanted.filter_map(|(name, _)| match name {
            // Any language that no other range names.
            "*" => Self::ALL.into_iter().find(|language| !named[*language as usize]),
            // `ko;q=0` refuses Korean, also where `ko-KR` is named.
            _ => Self::from_tag(name).filter(|language| weight_of(*language) != Some(0)),
        });
        chosen.into_iter().next().unwrap_or_default()
    }

    /// The language of a POSIX locale such as `ko_KR.UTF-8`. English for `C`, `POSIX` and all others.
    #[must_use]
    pub fn from_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@']).next().unwrap_or_default();
        Self::from_tag(language).unwrap_or_default()
    }

    /// The language of messages in an environment: that of `LC_ALL`, else of `LC_MESSAGES`, else of `LANG`. A variable
    /// that is empty counts as absent.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|locale| !locale.is_empty());
        set.map_or(Self::default(), |locale| Self::from_locale(&locale))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.tag())
    }
}

/// A language range with its weight in thousandths. What is not well formed is left out.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = match (parts.next(), parts.next()) {
        (None, _) => 1000,
        (Some(parameter), None) => weight(parameter)?,
        (Some(_), Some(_)) => return None,
    };
    Some((name, weight))
}

/// `q=0.8` is 800: at most one digit, a point and three digits.
fn weight(parameter: &str) -> Option<u16> {
    let (name, number) = parameter.split_once('=')?;
    let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !name.trim().eq_ignore_ascii_case("q") || !is_number {
        return None;
    }
    match whole {
        "0" => format!("{fraction:0<3}").parse().ok(),
        "1" if fraction.bytes().all(|byte| byte == b'0') => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{English, Korean};
    use super::*;

    #[test]
    fn the_preferred_language_is_looked_up_by_weight_and_order() {
        for (field, language) in [
            ("", English),
            ("ko", Korean),
            ("KO-kr", Korean),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Korean),
            ("en-US,en;q=0.9,ko;q=0.8", English),
            ("en;q=0.5, ko;q=0.6", Korean),
            ("en;q=0.5, ko;q=0.5", English),
            ("ko;q=0.5, en;q=0.5", Korean),
            ("en; q=0.001 , ko ; q=0.01", Korean),
            ("fr, de;q=0.9", English),
            ("fr, ko;q=0.1", Korean),
            ("kok", English),
            ("*", English),
            ("fr, *;q=0.5", English),
            ("en;q=0, *", Korean),
            ("en;q=0", English),
            ("ko;q=0", English),
            ("ko-KR, ko;q=0", English),
            ("*, ko;q=0", English),
            ("en;q=0.1, *;q=0.5", Korean),
        ] {
            assert_eq!(Language::from_accept_language(field), language, "{field}");
        }
    }

    #[test]
    fn a_list_that_is_not_well_formed_is_read_as_far_as_it_is() {
        for field in
            ["ko;q=2, en;q=0.1", "ko;q=0.1234, en;q=0.1", "ko;q=-1, en", "ko;x=1, en;q=0.1", "ko;q=1;q=1,en;q=0.1"]
        {
            assert_eq!(Language::from_accept_language(field), English, "{field}");
        }
        assert_eq!(Language::from_accept_language(",, ;q=1, ko;q=0.001,"), Korean);
        assert_eq!(Language::from_accept_language(&"fr,".repeat(100_000)), English);
    }

    #[test]
    fn the_environment_names_the_language_of_messages() {
        let language = |set: &[(&str, &str)]| {
            Language::from_environment(|name| set.iter().find(|(key, _)| *key == name).map(|(_, to)| (*to).to_owned()))
        };
        assert_eq!(language(&[]), English);
        assert_eq!(language(&[("LANG", "ko_KR.UTF-8")]), Korean);
        assert_eq!(language(&[("LANG", "ko")]), Korean);
        assert_eq!(language(&[("LANG", "ko_KR.UTF-8"), ("LC_ALL", "C.UTF-8")]), English);
        assert_eq!(language(&[("LANG", "ko_KR.UTF-8"), ("LC_ALL", "")]), Korean);
        assert_eq!(language(&[("LANG", "en_GB"), ("LC_MESSAGES", "ko_KR@x")]), Korean);
        for locale in ["C", "POSIX", "en_US.UTF-8", "de_DE", "kok_IN", "../ko"] {
            assert_eq!(language(&[("LANG", locale)]), English, "{locale}");
        }
    }
}
