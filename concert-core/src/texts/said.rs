//! Sentences that are made where they arise, in English: their Korean is found by the English, as gettext does it.

use super::language::Language;

/// How deep a sentence may stand in another one.
const DEEPEST: usize = 3;

/// Pairs of sentences in English and Korean, with `{name}` where any text may stand.
#[derive(Debug, Clone, Copy)]
pub struct Said(pub &'static [(&'static str, &'static str)]);

/// A text that fits a sentence.
struct Fitting<'s> {
    korean: &'static str,
    /// How much of it is no variable.
    own_text: usize,
    values: Vec<(&'static str, &'s str)>,
}

impl Said {
    /// The Korean of an English sentence; `None` where nobody wrote one. What stands in the place of a variable is
    /// translated the same way, or stays as it is. Of several that fit, the one with the longest text counts.
    #[must_use]
    pub fn in_korean(self, english: &str) -> Option<String> {
        self.translate(english, DEEPEST)
    }

    /// Why a value on a command line is refused: the library says it, the program itself, or whoever read the value.
    #[must_use]
    pub fn reason(self, english: &str, language: Language) -> String {
        if language == Language::English {
            return english.to_owned();
        }
        let by_the_library = Self(super::own::SAID);
        // The one that fits better: texts of either that take any word would take some of the other's for theirs.
        let said = if self.fit(english) > by_the_library.fit(english) { self } else { by_the_library };
        said.in_korean(english).unwrap_or_else(|| english.to_owned())
    }

    /// How much text of its own the text has that fits a sentence best; `None`: none fits.
    fn fit(self, english: &str) -> Option<usize> {
        self.best(english).map(|fitting| fitting.own_text)
    }

    /// Of several texts that fit, the one with the most text of its own, which says the most.
    fn best(self, english: &str) -> Option<Fitting<'_>> {
        let fitting = self.0.iter().filter_map(|(pattern, korean)| {
            let values = values(pattern, english)?;
            Some(Fitting { korean, own_text: pattern.len() - names_len(&values), values })
        });
        fitting.max_by_key(|fitting| fitting.own_text)
    }

    fn translate(self, english: &str, depth: usize) -> Option<String> {
        let Fitting { korean, values, .. } = self.best(english)?;
        let mut out = String::new();
        let mut rest = korean;
        while let Some((text, name, after)) = next_variable(rest) {
            out.push_str(text);
            let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
            // A value may be a sentence of its own, as a reason within a refusal is.
            let translated = if depth > 0 { self.translate(value, depth - 1) } else { None };
            out.push_str(translated.as_deref().unwrap_or(value));
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// How long the variables of a pattern are in it, with their braces.
fn names_len(found: &[(&str, &str)]) -> usize {
    found.iter().map(|(name, _)| name.len() + 2).sum()
}

/// What stands in a sentence where its pattern has variables, if it is of that pattern.
fn values<'p, 's>(pattern: &'p str, sentence: &'s str) -> Option<Vec<(&'p str, &'s str)>> {
    let mut found = Vec::new();
    let (mut pattern, mut sentence) = (pattern, sentence);
    while let Some((text, name, after)) = next_variable(pattern) {
        sentence = sentence.strip_prefix(text)?;
        let until = next_variable(after).map_or(after, |(text, ..)| text);
        // The last text ends the sentence, so that it may stand in the value as well.
        let is_last = until.len() == after.len();
        let end = if is_last { sentence.len().checked_sub(until.len())? } else { sentence.find(until)? };
        let value = sentence.get(..end)?;
        found.push((name, value));
        sentence = &sentence[end..];
        pattern = after;
    }
    (pattern == sentence).then_some(found)
}

/// The text before the next variable, its name, and what comes after.
fn next_variable(pattern: &str) -> Option<(&str, &str, &str)> {
    let (text, rest) = pattern.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((text, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID_HERE: Said = Said(&[
        ("a page has 1 to {most} objects, not {count}", "한 쪽에는 1개에서 {most}개까지 담습니다. 요청: {count}개."),
        ("the {what} is wrong", "{what}: 틀렸습니다."),
        ("user id", "사용자 id"),
        ("a name is short", "이름은 짧습니다."),
        ("the share must be from 1 to {most}", "비율은 1에서 {most}까지입니다."),
        ("{rule}; {code} is hidden", "{rule} 숨은 문자({code})가 있습니다."),
    ]);

    #[test]
    fn a_sentence_is_found_by_its_english_with_anything_in_the_place_of_variables() {
        let korean = |english: &str| SAID_HERE.in_korean(english);
        assert_eq!(
            korean("a page has 1 to 100 objects, not 7").as_deref(),
            Some("한 쪽에는 1개에서 100개까지 담습니다. 요청: 7개.")
        );
        assert_eq!(korean("the user id is wrong").as_deref(), Some("사용자 id: 틀렸습니다."));
        assert_eq!(korean("the {seat} is wrong is wrong").as_deref(), Some("{seat} is wrong: 틀렸습니다."));
        assert_eq!(
            korean("a name is short; U+0001 is hidden").as_deref(),
            Some("이름은 짧습니다. 숨은 문자(U+0001)가 있습니다.")
        );
        let reason = |english: &str| SAID_HERE.reason(english, Language::Korean);
        assert_eq!(reason("a name is short"), "이름은 짧습니다.");
        assert_eq!(reason("an order is arrival or draw"), "입장 순서는 arrival 또는 draw입니다.");
        // The library has a text for whatever must be from one number to another, and fits less.
        assert_eq!(reason("the share must be from 1 to 9"), "비율은 1에서 9까지입니다.");
        assert_eq!(reason("nobody's words"), "nobody's words");
        assert_eq!(SAID_HERE.reason("a name is short", Language::English), "a name is short");
        for unknown in ["", "a page", "the user id is wrong!", "a page has 1 to 100 objects", "가나다"] {
            assert_eq!(korean(unknown), None, "{unknown}");
        }
    }
}
