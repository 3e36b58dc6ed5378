//! Reads and compares the two files of a catalogue: they must have the same texts with the same variables.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser;

/// Texts whose id begins with this are for scripts, which replace `{name}` and know no more of Fluent.
pub const FOR_SCRIPTS: &str = "script-";
/// Texts whose id begins with this are found by their English, with `{name}` for what it may have there.
pub const SAID: &str = "said-";
/// Ids that Rust takes for something else.
const KEYWORDS: [&str; 20] = [
    "as", "break", "const", "continue", "else", "enum", "fn", "for", "if", "in", "let", "loop", "match", "move", "new",
    "ref", "return", "self", "type", "use",
];

/// A text of one language: what the methods need of it.
#[derive(Debug, Default)]
pub struct Text {
    pub variables: BTreeSet<String>,
    /// Those that it writes; others only choose between variants, as a count does in a language with plurals.
    written: BTreeSet<String>,
    /// The other texts that it repeats.
    repeats: BTreeSet<String>,
    is_plain: bool,
    /// As it reads, with `{name}` for a variable.
    pub shown: String,
}

pub type Texts = BTreeMap<String, Text>;

/// What is wrong with a pair of catalogues, a sentence each.
#[must_use]
pub fn faults(english: &str, korean: &str) -> Vec<String> {
    let ((english, mut faults), (korean, more)) = (read("en", english), read("ko", korean));
    faults.extend(more);
    for id in english.keys().filter(|id| !korean.contains_key(*id)) {
        faults.push(format!("ko.ftl has no text {id}"));
    }
    for id in korean.keys().filter(|id| !english.contains_key(*id)) {
        faults.push(format!("en.ftl has no text {id}"));
    }
    for id in english.keys().filter(|id| korean.contains_key(*id)) {
        let [ours, theirs] = [&english, &korean].map(|texts| variables(texts, id));
        let written = of_text(&english, id, |text| &text.written, &mut BTreeSet::new());
        if !theirs.is_subset(&ours) || !written.is_subset(&theirs) {
            faults.push(format!("the variables of {id} are {ours:?} in en.ftl and {theirs:?} in ko.ftl"));
        }
    }
    faults
}

/// The texts of one file, and what is wrong with each by itself.
pub fn read(language: &str, source: &str) -> (Texts, Vec<String>) {
    let (resource, errors) = match parser::parse(source) {
        Ok(resource) => (resource, Vec::new()),
        Err((resource, errors)) => (resource, errors),
    };
    let line = |at: usize| source[..at.min(source.len())].lines().count().max(1);
    let mut faults: Vec<_> =
        errors.iter().map(|error| format!("{language}.ftl, line {}: {error}", line(error.pos.start))).collect();
    let mut texts = Texts::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else {
            if matches!(entry, Entry::Term(_)) {
                faults.push(format!("{language}.ftl: a term; only texts are used here"));
            }
            continue;
        };
        let id = message.id.name.to_owned();
        let mut fault = |what: &str| faults.push(format!("{language}.ftl: {} {what}", message.id.name));
        let is_id = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_id || KEYWORDS.contains(&id.as_str()) {
            fault("is no id: write small letters, digits and -, and no word of Rust");
        }
        if !message.attributes.is_empty() {
            fault("has attributes: give each an id of its own");
        }
        let Some(pattern) = &message.value else {
            fault("has no text");
            continue;
        };
        let mut text = Text { is_plain: true, ..Text::default() };
        text.add(pattern, &mut fault);
        if has_no_method(&id) && !text.is_plain {
            fault("may only have text and { $names }, as all that begin with script- and said-");
        }
        if texts.insert(id, text).is_some() {
            fault("is there twice");
        }
    }
    for (id, text) in &texts {
        for other in text.repeats.iter().filter(|other| !texts.contains_key(*other)) {
            faults.push(format!("{language}.ftl: {id} repeats {other}, which is not there"));
        }
    }
    (texts, faults)
}

/// Whether a text is reached otherwise than by a method.
pub fn has_no_method(id: &str) -> bool {
    [FOR_SCRIPTS, SAID].iter().any(|prefix| id.starts_with(prefix))
}

impl Text {
    fn add(&mut self, pattern: &Pattern<&str>, fault: &mut impl FnMut(&str)) {
        for element in &pattern.elements {
            match element {
                PatternElement::TextElement { value } => self.shown.push_str(value),
                PatternElement::Placeable { expression } => self.add_expression(expression, fault),
            }
        }
    }

    fn add_expression(&mut self, expression: &Expression<&str>, fault: &mut impl FnMut(&str)) {
        match expression {
            Expression::Inline(inline) => self.add_inline(inline, fault),
            Expression::Select { selector, variants } => {
                self.is_plain = false;
                match selector {
                    InlineExpression::VariableReference { id } => self.add_variable(id.name, fault),
                    other => self.add_inline(other, fault),
                }
                for variant in variants {
                    self.shown.push('|');
                    self.add(&variant.value, fault);
                }
            }
        }
    }

    fn add_variable(&mut self, name: &str, fault: &mut impl FnMut(&str)) {
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            fault("has a variable whose name is not of small letters, digits and _");
        }
        self.variables.insert(name.to_owned());
    }

    fn add_inline(&mut self, inline: &InlineExpression<&str>, fault: &mut impl FnMut(&str)) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.add_variable(id.name, fault);
                self.written.insert(id.name.to_owned());
                let _ = write!(self.shown, "{{{}}}", id.name);
            }
            InlineExpression::MessageReference { id, .. } => {
                self.is_plain = false;
                self.repeats.insert(id.name.to_owned());
            }
            InlineExpression::StringLiteral { value } => self.shown.push_str(value),
            InlineExpression::NumberLiteral { value } => self.shown.push_str(value),
            InlineExpression::Placeable { expression } => self.add_expression(expression, fault),
            InlineExpression::FunctionReference { .. } | InlineExpression::TermReference { .. } => {
                fault("uses a function or a term: only variables and other texts are used here");
            }
        }
    }
}

/// The variables of a text and of those that it repeats.
pub fn variables(texts: &Texts, id: &str) -> BTreeSet<String> {
    of_text(texts, id, |text| &text.variables, &mut BTreeSet::new())
}

fn of_text(
    texts: &Texts,
    id: &str,
    what: fn(&Text) -> &BTreeSet<String>,
    seen: &mut BTreeSet<String>,
) -> BTreeSet<String> {
    let Some(text) = texts.get(id).filter(|_| seen.insert(id.to_owned())) else { return BTreeSet::new() };
    let others = text.repeats.iter().flat_map(|other| of_text(texts, other, what, seen));
    others.collect::<BTreeSet<_>>().union(what(text)).cloned().collect()
}
