//! What the tool says to people, in the language of the environment: `LC_ALL`, `LC_MESSAGES`, `LANG`. It says all in
//! English where it arises; the Korean is found by the English in `texts/en.ftl` and `ko.ftl`.

use std::env;
use std::fmt::Display;
use std::sync::{LazyLock, OnceLock};

use concert_core::rust_decimal::Decimal;
use concert_core::texts::{Language, Locale, Said};
use concert_core::{Currency, Money, TimeZone};
use concert_settings::HelpTexts;

/// The pairs that the build made of the catalogues.
mod made {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
    include!(concat!(env!("OUT_DIR"), "/help.rs"));
}

const SAID: Said = Said(made::SAID);
/// The Korean of the help; the English stands beside the options.
pub const HELP: HelpTexts = HelpTexts(made::HELP);

/// The texts that have a semicolon.
static WITH_SEMICOLONS: LazyLock<Said> = LazyLock::new(|| {
    let texts: Vec<_> = made::SAID.iter().copied().filter(|(english, _)| english.contains("; ")).collect();
    Said(texts.leak())
});

static LOCALE: OnceLock<Locale> = OnceLock::new();

/// Says in which currency and zone people are told of amounts and moments. Before it is called, there is none, and UTC.
pub fn set_house(currency: Option<Currency>, zone: TimeZone) {
    LOCALE.get_or_init(|| Locale { language: of_environment(), currency, zone });
}

/// How people are spoken to.
pub fn locale() -> Locale {
    *LOCALE.get_or_init(|| Locale { language: of_environment(), ..Locale::default() })
}

/// Why a value on the command line is refused.
pub fn told_reason(english: &str) -> String {
    SAID.reason(english, locale().language)
}

/// The language of the environment.
pub fn of_environment() -> Language {
    Language::from_environment(|name| env::var(name).ok())
}

/// A text for people in their language. One that nobody translated stays English.
pub fn told(english: &str) -> String {
    translation(english).unwrap_or_else(|| english.to_owned())
}

/// The same of a text that may be several, with a semicolon between them.
pub fn told_parts(english: &str) -> String {
    let each = || english.split("; ").map(told).collect::<Vec<_>>().join("; ");
    // Some texts have a semicolon of their own.
    if let (Language::Korean, Some(korean)) = (locale().language, WITH_SEMICOLONS.in_korean(english)) {
        return with_korean_units(&korean);
    }
    // Facts are joined with semicolons where they arise. Where the first is a text of ours, the whole is none, though one
    // that ends in any words would take the others for these.
    match english.split_once("; ").and_then(|(first, _)| translation(first)) {
        Some(_) => each(),
        None => translation(english).unwrap_or_else(each),
    }
}

/// The same for the name of a fact or a column, which may begin with a capital.
pub fn told_name(english: &str) -> String {
    translation(english).or_else(|| translation(&in_small(english))).unwrap_or_else(|| english.to_owned())
}

fn translation(english: &str) -> Option<String> {
    match locale().language {
        Language::English => None,
        Language::Korean => SAID.in_korean(english).map(|korean| with_korean_units(&korean)),
    }
}

/// The same with its lengths of time, `1 h 5 min`, as Korean writes them. They stand within sentences of the library.
fn with_korean_units(text: &str) -> String {
    let units = [("h", "시간"), ("min", "분"), ("s", "초")];
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_count = |word: &String| {
            let count = word.rsplit('(').next().unwrap_or_default();
            !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())
        };
        let unit = units.iter().find_map(|(english, korean)| {
            let rest = word.strip_prefix(english)?;
            (!rest.starts_with(|next: char| next.is_ascii_alphanumeric())).then(|| format!("{korean}{rest}"))
        });
        match (unit, words.last_mut().filter(|word| is_count(word))) {
            (Some(unit), Some(count)) => count.push_str(&unit),
            _ => words.push(word.to_owned()),
        }
    }
    words.join(" ")
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

/// How many are left of how many.
pub fn part(left: impl Display, all: impl Display) -> String {
    match locale().language {
        Language::English => format!("{left} of {all}"),
        Language::Korean => format!("{all} 중 {left}"),
    }
}

/// A number of seconds.
pub fn seconds(count: impl Display) -> String {
    match locale().language {
        Language::English => format!("{count} s"),
        Language::Korean => format!("{count}초"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The texts between quotes in a source, with `X` in the place of what is formatted into them.
    fn literals(source: &str) -> Vec<String> {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let lines =
            code.lines().filter(|line| !line.trim_start().starts_with("//") && !line.trim_start().starts_with("#["));
        let (mut found, mut open): (Vec<String>, Option<String>) = (Vec::new(), None);
        let text = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "");
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (&mut open, character) {
                (None, '"') => open = Some(String::new()),
                (None, _) => {}
                (Some(_), '"') => found.extend(open.take()),
                (Some(_), '\\') if characters.next_if_eq(&'\n').is_some() => {
                    while characters.next_if(|next| next.is_whitespace()).is_some() {}
                }
                (Some(text), '{') => {
                    while characters.next_if(|next| *next != '}').is_some() {}
                    characters.next();
                    text.push('X');
                }
                (Some(text), character) => text.push(character),
            }
        }
        found
    }

    #[test]
    fn lengths_of_time_within_a_sentence_have_korean_units() {
        for (text, korean) in [
            ("1 h 5 min 10 s 뒤", "1시간 5분 10초 뒤"),
            ("2099-12-30T20:00:00Z(10 min 뒤)", "2099-12-30T20:00:00Z(10분 뒤)"),
            ("끝(10 s)", "끝(10초)"),
            ("약 (10 min) 동안", "약 (10분) 동안"),
            ("3 seats, s 5 hall", "3 seats, s 5 hall"),
        ] {
            assert_eq!(with_korean_units(text), korean);
        }
    }

    /// Statements, and what is put together with others.
    fn is_no_sentence(text: &str) -> bool {
        let begins = [
            "alter table",
            "set persist",
            "drop ",
            "primary key",
            "key ",
            "unique key",
            "character set",
            "create ",
            "concert-cli ",
        ];
        begins.iter().any(|begin| text.starts_with(begin)) || text.starts_with([',', ';', ' ', ':', '('])
    }

    #[test]
    fn what_the_doctor_finds_and_what_explain_tells_has_a_korean_text() {
        let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../concert-core/src");
        let (mut missing, mut seen) = (Vec::new(), 0);
        for file in [
            "doctor/server",
            "doctor/session",
            "doctor/tables",
            "explain/mod",
            "explain/passing",
            "explain/reservation",
            "explain/seat",
            "explain/token",
            "explain/user",
        ] {
            let source = fs::read_to_string(core.join(file).with_extension("rs")).expect("a source");
            let words =
                |text: &String| text.split(' ').filter(|word| word.contains(|c: char| c.is_ascii_lowercase())).count();
            for text in literals(&source).into_iter().filter(|text| words(text) > 1 && !is_no_sentence(text)) {
                seen += 1;
                let parts = text.trim_end_matches("; ").trim_end_matches('X').trim_end_matches("; ");
                if SAID.in_korean(&text).or_else(|| SAID.in_korean(parts)).is_none() {
                    missing.push(format!("{file}: {text}"));
                }
            }
        }
        assert!(seen > 90, "{seen}");
        assert!(missing.is_empty(), "no Korean in concert-cli/texts for\n{}", missing.join("\n"));
    }
}
