//! The rule for names: of users, and of everything else that people call something. It is in code, so it is the same on
//! every database, whatever its collation.
//!
//! Usernames follow RFC 8265, *UsernameCasePreserved* as shown and *UsernameCaseMapped* as compared. All other names are
//! free text in normalization form C, in which every character can be seen for what it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use precis_profiles::precis_core::Error as Refused;
use precis_profiles::precis_core::profile::PrecisFastInvocation as _;
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::error::Error;
use crate::invalid::InvalidInput;

/// The longest username, in characters.
const LONGEST_USERNAME: usize = 64;
/// The most bytes of text for each character of a name: whatever is longer is no name, and is not looked at.
const MOST_BYTES: usize = 16;

/// The longest name of a section, in characters.
pub(crate) const LONGEST_SECTION: usize = 32;
/// The longest name of a row, in characters.
pub(crate) const LONGEST_ROW: usize = 16;
pub(crate) const ROW_RULE: &str = "the name of a row is 1 to 16 characters, no spaces around";
pub(crate) const SECTION_RULE: &str = "the name of a section is 1 to 32 characters, no spaces around";

/// A user's name: 1 to 64 characters, in words of letters, digits and ASCII punctuation with single spaces between them
/// (RFC 8265).
///
/// Names that differ only in case, in width or in how accents are composed are one name: `Ann`, `ANN` and `Ａｎｎ`. The
/// name is shown as it was given, in normal width and composed.
#[derive(Debug, Clone)]
pub struct Username {
    shown: String,
    key: String,
}

impl Username {
    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The name as it is compared: two names are the same if their keys are.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for Username {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Username {}

impl Hash for Username {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl FromStr for Username {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        const RULE: &str = "a username is 1 to 64 characters, without control characters and without white space at its \
                            ends";
        let refused = |why: String| Error::invalid(format!("{RULE}; {why}"));
        let plain = free_text(text, LONGEST_USERNAME, RULE)?;
        let (mut shown, mut key) = (String::new(), String::new());
        // The profiles know no spaces: they are for the words of a name (RFC 8265, section 3.1).
        for (nth, word) in plain.split(' ').enumerate() {
            if word.is_empty() {
                return Err(refused("between two words is one space".to_owned()));
            }
            if nth > 0 {
                shown.push(' ');
                key.push(' ');
            }
            shown.push_str(&UsernameCasePreserved::enforce(word).map_err(|error| refused(describe(&error)))?);
            key.push_str(&stable_key(word).map_err(|error| refused(describe(&error)))?);
        }
        // Lower case and composition can add characters.
        if [&shown, &key].into_iter().any(|form| form.chars().count() > LONGEST_USERNAME) {
            return Err(Error::invalid(RULE));
        }
        Ok(Self { shown, key })
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

/// How often a profile is applied until its output stays the same (RFC 8264, section 7).
const MOST_PASSES: usize = 4;

fn stable_key(word: &str) -> Result<String, Refused> {
    let mut key = word.to_owned();
    for _ in 0..MOST_PASSES {
        let again = UsernameCaseMapped::enforce(key.as_str())?.into_owned();
        if again == key {
            return Ok(key);
        }
        key = again;
    }
    Err(Refused::Invalid)
}

fn describe(error: &Refused) -> String {
    match error {
        Refused::BadCodepoint(bad) => {
            format!("U+{:04X} is no letter, digit or ASCII punctuation, and no others are part of one", bad.cp)
        }
        Refused::Invalid | Refused::Unexpected(_) => "its characters do not go together".to_owned(),
    }
}

/// A name that is free text: of a concert, a section or an operator, and a reason. Returns it composed, with every space
/// as U+0020. `rule` says what would be a name, in a sentence.
pub(crate) fn free_text(text: &str, longest: usize, rule: impl fmt::Display) -> Result<String, InvalidInput> {
    if text.len() > MOST_BYTES * longest {
        return Err(InvalidInput::new(rule.to_string()));
    }
    let spaced = text.chars().map(|c| if c.general_category() == GeneralCategory::SpaceSeparator { ' ' } else { c });
    let name: String = spaced.nfc().collect();
    if !(1..=longest).contains(&name.chars().count()) || name.trim() != name {
        return Err(InvalidInput::new(rule.to_string()));
    }
    let hidden = in_context(&name).find_map(|(before, c, after)| is_hidden(before, c, after).then_some(u32::from(c)));
    match hidden {
        Some(code) => Err(InvalidInput::new(format!("{rule}; U+{code:04X} cannot be seen for what it is"))),
        None => Ok(name),
    }
}

/// `text` with every character escaped that cannot be seen for what it is, such as `\u{202e}`: control characters, those
/// that change the direction or have no width. So it can steer no terminal, and looks like no other text.
///
/// ```
/// assert_eq!(concert_core::escape_hidden("Ann\u{1b}[2J"), r"Ann\u{1b}[2J");
/// ```
#[must_use]
pub fn escape_hidden(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (before, c, after) in in_context(text) {
        if is_hidden(before, c, after) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Every character with those before and after it.
fn in_context(text: &str) -> impl Iterator<Item = (Option<char>, char, Option<char>)> {
    let before = std::iter::once(None).chain(text.chars().map(Some));
    let after = text.chars().skip(1).map(Some).chain(std::iter::once(None));
    before.zip(text.chars()).zip(after).map(|((before, c), after)| (before, c, after))
}

/// Characters without a glyph whose category does not say so: a joiner, fillers and blanks.
const BLANKS: [char; 8] =
    ['\u{34f}', '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{2800}', '\u{3164}', '\u{ffa0}'];

/// Whether a reader would not see `c` for what it is.
fn is_hidden(before: Option<char>, c: char, after: Option<char>) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    match c {
        // Joiners join the parts of an emoji, and change the form of letters in some scripts (RFC 5892, A.1 and A.2).
        '\u{200d}' => !(before.is_some_and(is_pictogram) && after.is_some_and(is_pictogram) || follows_virama(before)),
        '\u{200c}' => !(before.is_some_and(is_joining) && after.is_some_and(is_joining) || follows_virama(before)),
        // These choose the form of a symbol or an ideograph.
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            before.is_none_or(|before| before.is_alphabetic() && !is_ideograph(before))
        }
        '\u{180b}'..='\u{180f}' => true,
        _ => {
            BLANKS.contains(&c)
                || matches!(
                    c.general_category(),
                    GeneralCategory::Control
                        | GeneralCategory::Format
                        | GeneralCategory::LineSeparator
                        | GeneralCategory::ParagraphSeparator
                        | GeneralCategory::PrivateUse
                        | GeneralCategory::Surrogate
                        | GeneralCategory::Unassigned
                )
        }
    }
}

fn is_pictogram(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::OtherSymbol | GeneralCategory::ModifierSymbol) || c == '\u{fe0f}'
}

/// A letter of a script whose letters join: Arabic, Syriac and their like.
fn is_joining(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{8ff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn follows_virama(before: Option<char>) -> bool {
    const VIRAMA: u8 = 9;
    before.is_some_and(|before| canonical_combining_class(before) == VIRAMA)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Username {
        text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
    }

    #[test]
    fn a_username_is_one_name_whatever_its_case_width_and_composition() {
        let same = [
            ["Ann", "ann", "Ann"],
            ["ＡＮＮ", "ann", "ANN"],
            ["Ren\u{e9}e", "renée", "Renée"],
            ["Rene\u{301}e", "renée", "Renée"],
            ["\u{c548}\u{b098}", "안나", "안나"],
            ["\u{110b}\u{1161}\u{11ab}\u{1102}\u{1161}", "안나", "안나"],
            ["Mary Ann", "mary ann", "Mary Ann"],
            ["user-7@example.org", "user-7@example.org", "user-7@example.org"],
        ];
        for [given, key, shown] in same {
            let key: String = key.nfc().collect();
            let name = name(given);
            assert_eq!((name.key().to_owned(), name.as_str()), (key, shown.nfc().collect::<String>().as_str()));
        }
        assert_eq!(name("Ann"), name("aNN"));
        assert_ne!(name("Ann"), name("Anna"));
    }

    #[test]
    fn a_username_is_refused_with_what_is_wrong() {
        let refused = [
            ("", "1 to 64"),
            (" ann", "white space"),
            ("ann ", "white space"),
            ("mary  ann", "one space"),
            ("an\nn", "U+000A"),
            ("ann\u{1b}[2J", "U+001B"),
            ("a\u{200b}nn", "U+200B"),
            ("a\u{200d}nn", "U+200D"),
            ("\u{202e}nna", "U+202E"),
            ("a\u{ad}nn", "U+00AD"),
            ("a\u{feff}nn", "U+FEFF"),
            ("ann\u{2764}", "U+2764"),
            ("ann\u{2126}\u{2460}", "U+2460"),
            ("\u{3164}", "U+3164"),
        ];
        for (text, why) in refused {
            let error = text.parse::<Username>().expect_err(text).to_string();
            assert!(error.contains(why), "{text:?}: {error}");
        }
        assert!("x".repeat(LONGEST_USERNAME).parse::<Username>().is_ok());
        for long in ["x".repeat(LONGEST_USERNAME + 1), "x".repeat(1_000_000)] {
            assert!(long.parse::<Username>().is_err());
        }
    }

    #[test]
    fn a_key_is_its_own_key() {
        for text in ["Ann", "İstanbul", "ﾊﾟﾅ", "Straße", "안나"] {
            let key = name(text).key().to_owned();
            assert_eq!(name(&key).key(), key, "{text}");
        }
    }

    #[test]
    fn free_text_keeps_what_can_be_seen_and_refuses_the_rest() {
        for text in [
            "Spring: \u{201c}live\u{201d}",
            "아이유 \u{2764}\u{fe0f}",
            "👩\u{200d}🎤 Night",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
        ] {
            assert_eq!(free_text(text, 40, "a name is ..").expect(text), text.nfc().collect::<String>());
        }
        assert_eq!(
            free_text("Rene\u{301}\u{3000}live", 40, "a name is ..").expect("a name"),
            "René live".nfc().collect::<String>()
        );
        let hidden = [
            "\u{7f}",
            "\u{9b}",
            "\u{1b}]0;x\u{7}",
            "\n",
            "\t",
            "\u{200b}",
            "\u{200d}",
            "\u{200c}",
            "\u{2060}",
            "\u{feff}",
            "\u{202e}",
            "\u{2066}",
            "\u{200f}",
            "\u{61c}",
            "\u{ad}",
            "\u{2028}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{e0041}",
            "\u{e000}",
            "\u{fffe}",
        ];
        for hidden in hidden {
            let text = format!("Spr{hidden}ing");
            let error = free_text(&text, 40, "a name is ..").expect_err("is refused").to_string();
            assert!(error.starts_with("a name is ..; U+"), "{error}");
            let escaped = escape_hidden(&text);
            assert!(escaped.starts_with("Spr\\") && escaped.ends_with("ing"), "{escaped}");
            assert_eq!(escape_hidden(&escaped), escaped);
        }
        for (text, longest) in [("", 3), ("four", 3), (" x", 3), ("x\u{3000}", 3)] {
            assert!(free_text(text, longest, "a name is ..").is_err(), "{text:?}");
        }
    }
}
