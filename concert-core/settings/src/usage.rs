//! Usage errors in another language: clap writes them in English, and here they are written anew from what it knows of them.

use std::error::Error as _;
use std::fmt::Display;

use clap::Command;
use clap::builder::{StyledStr, Styles};
use clap::error::{ContextKind, ContextValue, ErrorFormatter, ErrorKind};

use crate::HelpTexts;

/// The functions that the build made of `texts/usage.ko.ftl`.
mod texts {
    include!(concat!(env!("OUT_DIR"), "/usage.rs"));
}

/// What says that there are names like the one that was given.
type Tip = fn(&str) -> String;

/// The step to the right of lists and tips, as clap has it.
const TAB: &str = "  ";

/// A usage error of the program itself, in clap's form. It also keeps what [`HelpTexts::told`] needs.
#[must_use]
pub fn usage_error(command: &mut Command, kind: ErrorKind, why: impl Display) -> clap::Error {
    let why = why.to_string();
    let mut error = command.error(kind, &why);
    error.insert(ContextKind::Custom, ContextValue::String(why));
    error.insert(ContextKind::Usage, ContextValue::StyledStr(command.render_usage()));
    error
}

/// How clap prints an error that has been written already: as it is.
#[derive(Debug)]
pub struct AsWritten;

impl ErrorFormatter for AsWritten {
    fn format_error(error: &clap::error::Error<Self>) -> StyledStr {
        match error.get(ContextKind::Custom) {
            Some(ContextValue::StyledStr(text)) => text.clone(),
            _ => StyledStr::new(),
        }
    }
}

impl HelpTexts {
    /// A usage error in this language; clap prints it as the other one, to the same stream and with the same exit code.
    /// `translate` does the same for the reason why a value is refused, which the program or a library gives.
    ///
    /// `None`: it is no usage error but a help or a version, or clap has not said what it is about.
    #[must_use]
    pub fn told(
        self,
        error: &clap::Error,
        translate: impl Fn(&str) -> String,
    ) -> Option<clap::error::Error<AsWritten>> {
        let text = Refusal { error, help: self, styles: Styles::styled() }.text(&translate)?;
        // A command, if only an empty one, has clap colour the text where a terminal shows it.
        let mut written = clap::error::Error::new(error.kind()).with_cmd(&Command::new(""));
        written.insert(ContextKind::Custom, ContextValue::StyledStr(text.into()));
        Some(written)
    }
}

/// A reason in the other language. One that begins with a place, such as the line of a file, is known without it.
fn told(why: &str, translate: &dyn Fn(&str) -> String) -> String {
    if let Some((place, rest)) = after_place(why) {
        return format!("{place}: {}", told(rest, translate));
    }
    let translated = translate(why);
    match why.split_once(": ").filter(|_| translated == why) {
        Some((place, rest)) => format!("{place}: {}", told(rest, translate)),
        None => translated,
    }
}

/// The place in a file that a reason begins with, `concert.toml:3`, and what comes after it.
fn after_place(why: &str) -> Option<(&str, &str)> {
    let is_line = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ends = why.match_indices(": ").map(|(at, _)| at);
    let end = ends.into_iter().find(|end| why[..*end].rsplit_once(':').is_some_and(|(_, line)| is_line(line)))?;
    Some((&why[..end], &why[end + 2..]))
}

/// An error of clap, to be written in another language. Colours are those that clap has.
struct Refusal<'a> {
    error: &'a clap::Error,
    help: HelpTexts,
    styles: Styles,
}

impl Refusal<'_> {
    fn text(&self, translate: &dyn Fn(&str) -> String) -> Option<String> {
        let style = self.styles.get_error();
        let mut text = format!("{style}{}{style:#} {}", texts::error(), self.what(translate)?);
        let style = self.styles.get_valid();
        for (nth, tip) in self.tips().iter().enumerate() {
            let before = if nth == 0 { "\n\n" } else { "\n" };
            text.push_str(&format!("{before}{TAB}{style}{}{style:#} {tip}", texts::tip()));
        }
        if let Some(ContextValue::StyledStr(usage)) = self.error.get(ContextKind::Usage) {
            let usage = usage.ansi().to_string().replacen("Usage:", &format!("{}:", self.help.word("usage")), 1);
            text.push_str(&format!("\n\n{usage}"));
        }
        if let Some(flag) = self.help_flag() {
            let style = self.styles.get_literal();
            text.push_str(&format!("\n\n{}", texts::more_help(&format!("{style}{flag}{style:#}"))));
        }
        Some(text + "\n")
    }

    /// What is wrong.
    fn what(&self, translate: &dyn Fn(&str) -> String) -> Option<String> {
        if let Some(ContextValue::String(why)) = self.error.get(ContextKind::Custom) {
            return Some(why.lines().map(|line| told(line, translate)).collect::<Vec<_>>().join("\n"));
        }
        Some(match self.error.kind() {
            ErrorKind::UnknownArgument => texts::unknown_argument(&self.wrong(ContextKind::InvalidArg)?),
            ErrorKind::InvalidSubcommand => texts::unknown_command(&self.wrong(ContextKind::InvalidSubcommand)?),
            ErrorKind::MissingRequiredArgument => {
                texts::missing_arguments() + &self.lines(self.list(ContextKind::InvalidArg)?)
            }
            ErrorKind::MissingSubcommand => {
                let what = texts::missing_command(&self.wrong(ContextKind::InvalidSubcommand)?);
                what + &self.choices("heading--commands", ContextKind::ValidSubcommand)
            }
            ErrorKind::InvalidValue => self.invalid_value()?,
            ErrorKind::ValueValidation => {
                let why = self.error.source().map(ToString::to_string).unwrap_or_default();
                texts::refused_value(&self.argument()?, &self.wrong(ContextKind::InvalidValue)?, &told(&why, translate))
            }
            ErrorKind::TooManyValues => {
                texts::too_many_values(&self.argument()?, &self.wrong(ContextKind::InvalidValue)?)
            }
            ErrorKind::TooFewValues => {
                let [count, least] =
                    [ContextKind::ActualNumValues, ContextKind::MinValues].map(|kind| self.number(kind));
                texts::too_few_values(&self.argument()?, &count?, &least?)
            }
            ErrorKind::WrongNumberOfValues => {
                let kinds = [ContextKind::ActualNumValues, ContextKind::ExpectedNumValues];
                let [count, needed] = kinds.map(|kind| self.number(kind));
                texts::other_number_of_values(&self.argument()?, &count?, &needed?)
            }
            ErrorKind::NoEquals => texts::no_equals(&self.wrong(ContextKind::InvalidArg)?),
            ErrorKind::ArgumentConflict => self.conflict()?,
            ErrorKind::InvalidUtf8 => texts::not_utf8(),
            _ => return None,
        })
    }

    fn invalid_value(&self) -> Option<String> {
        let what = match self.text_of(ContextKind::InvalidValue)? {
            "" => texts::missing_value(&self.wrong(ContextKind::InvalidArg)?),
            _ => texts::unknown_value(&self.argument()?, &self.wrong(ContextKind::InvalidValue)?),
        };
        Some(what + &self.choices("note--values", ContextKind::ValidValue))
    }

    fn conflict(&self) -> Option<String> {
        let of = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
        let of = of.into_iter().find(|kind| self.text_of(*kind).is_some())?;
        let argument = self.wrong(of)?;
        Some(match self.error.get(ContextKind::PriorArg) {
            Some(ContextValue::String(other)) if Some(other.as_str()) == self.text_of(of) => {
                texts::argument_twice(&argument)
            }
            Some(ContextValue::String(other)) => texts::conflict(&argument, &self.invalid(other)),
            Some(ContextValue::Strings(others)) => {
                let others: String = others.iter().map(|other| format!("\n{TAB}{}", self.invalid(other))).collect();
                texts::conflicts(&argument) + &others
            }
            _ => texts::conflict_with_some(&argument),
        })
    }

    /// What may have been meant.
    fn tips(&self) -> Vec<String> {
        let mut tips = Vec::new();
        let similar: [(_, Tip); 3] = [
            (ContextKind::SuggestedSubcommand, texts::similar_command),
            (ContextKind::SuggestedArg, texts::similar_argument),
            (ContextKind::SuggestedValue, texts::similar_value),
        ];
        for (kind, tip) in similar {
            let names = match self.error.get(kind) {
                Some(ContextValue::String(name)) => std::slice::from_ref(name),
                Some(ContextValue::Strings(names)) => names,
                _ => continue,
            };
            let names: Vec<_> = names.iter().map(|name| format!("'{}'", self.valid(name))).collect();
            if !names.is_empty() {
                tips.push(tip(&names.join(", ")));
            }
        }
        if let Some(ContextValue::StyledStrs(others)) = self.error.get(ContextKind::Suggested) {
            tips.extend(others.iter().map(|tip| self.other_tip(&tip.to_string())));
        }
        tips
    }

    /// A tip that clap has only as a sentence. One that is new to us stays English.
    fn other_tip(&self, english: &str) -> String {
        let as_a_value = || english.strip_prefix("to pass '")?.strip_suffix('\'')?.split_once("' as a value, use '");
        let without_dashes =
            || english.strip_prefix("subcommand '")?.strip_suffix("' exists; to use it, remove the '--' before it");
        let there_is = || english.strip_prefix('\'')?.strip_suffix("' exists");
        if let Some((text, usage)) = as_a_value() {
            texts::as_a_value(&self.invalid(text), &self.valid(usage))
        } else if let Some(command) = without_dashes() {
            texts::without_dashes(&self.valid(command))
        } else if let Some(usage) = there_is() {
            texts::there_is(&self.valid(usage))
        } else {
            english.to_owned()
        }
    }

    /// The flag that shows the help, which clap tells nobody but readers.
    fn help_flag(&self) -> Option<String> {
        let english = self.error.render().to_string();
        let (_, end) = english.rsplit_once("\n\nFor more information, try '")?;
        Some(end.strip_suffix("'.\n")?.to_owned())
    }

    /// The words that there are, on a line of their own.
    fn choices(&self, title: &str, kind: ContextKind) -> String {
        let shown = |word: &String| match word.contains(char::is_whitespace) {
            true => self.valid(&format!("{word:?}")),
            false => self.valid(word),
        };
        match self.list(kind) {
            Some(words) if !words.is_empty() => {
                let words: Vec<_> = words.iter().map(shown).collect();
                format!("\n{TAB}[{}: {}]", self.help.word(title), words.join(", "))
            }
            _ => String::new(),
        }
    }

    fn lines(&self, words: &[String]) -> String {
        words.iter().map(|word| format!("\n{TAB}{}", self.valid(word))).collect()
    }

    fn text_of(&self, kind: ContextKind) -> Option<&str> {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => Some(text),
            _ => None,
        }
    }

    fn list(&self, kind: ContextKind) -> Option<&[String]> {
        match self.error.get(kind) {
            Some(ContextValue::Strings(words)) => Some(words),
            _ => None,
        }
    }

    fn number(&self, kind: ContextKind) -> Option<String> {
        match self.error.get(kind) {
            Some(ContextValue::Number(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The argument that a value is for.
    fn argument(&self) -> Option<String> {
        let style = self.styles.get_literal();
        self.text_of(ContextKind::InvalidArg).map(|text| format!("{style}{text}{style:#}"))
    }

    fn wrong(&self, kind: ContextKind) -> Option<String> {
        self.text_of(kind).map(|text| self.invalid(text))
    }

    fn invalid(&self, text: &str) -> String {
        let style = self.styles.get_invalid();
        format!("{style}{text}{style:#}")
    }

    fn valid(&self, text: &str) -> String {
        let style = self.styles.get_valid();
        format!("{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests;
