//! The help of a program in another language: the English stands in the code, the rest in a catalogue of the program.
//!
//! A text has the id of its command, which is the names of it and of those above it but for the program's, as in
//! `queue-set`; the program itself is `main`. An option's is its command's and its own, as in `queue-set--max-active`; a
//! word that it takes adds one more. What a command has no text of its own for is looked for at those above it.

use std::collections::BTreeMap;

use clap::builder::PossibleValue;
use clap::{Arg, Command};

/// The id of the program.
const MAIN: &str = "main";
/// The command that clap adds.
const HELP_COMMAND: &str = "help";

/// The texts of a program's help by their ids. The first paragraph of each is what `-h` shows.
#[derive(Debug, Clone, Copy)]
pub struct HelpTexts(pub &'static [(&'static str, &'static str)]);

impl HelpTexts {
    /// The same command with its help in this language; one that clap has built, so that all is there that it adds.
    /// A text that is missing stays English.
    #[must_use]
    pub fn translate(self, command: Command) -> Command {
        self.translate_at(command, &[])
    }

    fn translate_at(self, mut command: Command, path: &[String]) -> Command {
        let id = id_of(path);
        if let Some(text) = self.text(&id) {
            let has_long = command.get_long_about().is_some();
            command = command.about(first_paragraph(text));
            command = if has_long { command.long_about(text) } else { command };
        }
        if let Some(text) = self.text(&format!("{id}--after-help")).filter(|_| command.get_after_help().is_some()) {
            command = command.after_help(text);
        }
        command = command.mut_args(|arg| self.translate_arg(arg, path));
        for name in names_below(&command) {
            let below = [path, std::slice::from_ref(&name)].concat();
            command = command.mut_subcommand(&name, |command| match name.as_str() {
                HELP_COMMAND => command.about(self.word(HELP_COMMAND)),
                _ => self.translate_at(command, &below),
            });
        }
        let style = *command.get_styles().get_usage();
        let usage = format!("{style}{}:{style:#}", self.word("usage"));
        command.subcommand_help_heading(self.word("heading--commands")).help_template(format!(
            "{{before-help}}{{about-with-newline}}\n{usage} {{usage}}\n\n{{all-args}}{{after-help}}"
        ))
    }

    fn translate_arg(self, arg: Arg, path: &[String]) -> Arg {
        let heading = self.text(&heading_id(&arg)).map(str::to_owned);
        let arg = match heading {
            Some(heading) => arg.help_heading(heading),
            None => arg,
        };
        let Some((id, text)) = self.of_arg(&arg, path) else { return arg };
        let (mut notes, words) = (self.notes(&arg), self.words(&arg, &id));
        let short = [&[first_paragraph(text).to_owned()], &notes[..]].concat().join(" ");
        let arg = arg.help(short).hide_default_value(true).hide_env(true).hide_possible_values(true);
        if !words.is_empty() {
            // They are listed already.
            notes.retain(|note| !note.starts_with(&format!("[{}", self.word("note--values"))));
        }
        let paragraphs = [text.to_owned(), words, notes.join("\n")];
        arg.long_help(paragraphs.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n"))
    }

    /// What clap would add to the help in English.
    fn notes(self, arg: &Arg) -> Vec<String> {
        if !arg.get_action().takes_values() {
            let env = arg.get_env().filter(|_| !arg.is_hide_env_set());
            return env.map(|name| self.note("env", &name.to_string_lossy())).into_iter().collect();
        }
        let default =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let words = arg.get_possible_values();
        let words: Vec<_> = words.iter().filter(|word| !word.is_hide_set()).map(PossibleValue::get_name).collect();
        let env = arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let notes = [
            ("env", env, arg.is_hide_env_set()),
            ("default", default, arg.is_hide_default_value_set()),
            ("values", words.join(", "), arg.is_hide_possible_values_set()),
        ];
        let shown = notes.iter().filter(|(_, value, hidden)| !value.is_empty() && !hidden);
        shown.map(|(name, value, _)| self.note(name, value)).collect()
    }

    fn note(self, name: &str, value: &str) -> String {
        format!("[{}: {value}]", self.word(&format!("note--{name}")))
    }

    /// The words that an option takes, each with its meaning, if they have meanings.
    fn words(self, arg: &Arg, id: &str) -> String {
        let words = arg.get_possible_values();
        let words = words.iter().filter(|word| !word.is_hide_set()).filter_map(|word| {
            Some(format!("- {}: {}", word.get_name(), self.text(&format!("{id}--{}", word.get_name()))?))
        });
        words.collect::<Vec<_>>().join("\n")
    }

    /// The text of an option of a command, with its id.
    fn of_arg(self, arg: &Arg, path: &[String]) -> Option<(String, &'static str)> {
        let name = arg.get_id().as_str().trim_start_matches('_').replace('_', "-");
        let ids = (0..=path.len()).rev().map(|depth| format!("{}--{name}", id_of(&path[..depth])));
        ids.into_iter().find_map(|id| self.text(&id).map(|text| (id, text)))
    }

    fn text(self, id: &str) -> Option<&'static str> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, text)| *text)
    }

    pub(crate) fn word(self, id: &str) -> &'static str {
        self.text(id).unwrap_or_default()
    }

    /// What is wrong with the texts of a command, a line each: what has none, and what is said by a text although it says
    /// other things in English; and texts of nothing.
    #[must_use]
    pub fn faults(self, command: &Command) -> Vec<String> {
        let mut found = Found { texts: self, said: BTreeMap::new(), faults: Vec::new() };
        for id in ["usage", "heading--commands", "note--default", "note--env", "note--values"] {
            found.add(id, "a word of clap");
        }
        found.command(command, &[]);
        let Found { said, mut faults, .. } = found;
        let unused = self.0.iter().filter(|(id, _)| !said.contains_key(*id));
        faults.extend(unused.map(|(id, _)| format!("{id} is the text of nothing")));
        faults
    }
}

/// The texts that a command has, by id, with their English.
struct Found {
    texts: HelpTexts,
    said: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Found {
    fn command(&mut self, command: &Command, path: &[String]) {
        let id = id_of(path);
        let about = command.get_long_about().or(command.get_about());
        self.add(&id, &about.map(ToString::to_string).unwrap_or_default());
        if let Some(after) = command.get_after_help() {
            self.add(&format!("{id}--after-help"), &after.to_string());
        }
        for arg in command.get_arguments() {
            self.arg(arg, path);
        }
        for below in command.get_subcommands() {
            let name = below.get_name().to_owned();
            if name == HELP_COMMAND {
                self.add(HELP_COMMAND, "the help that clap has");
            } else {
                self.command(below, &[path, &[name]].concat());
            }
        }
    }

    fn arg(&mut self, arg: &Arg, path: &[String]) {
        // Those of clap say a little more where there is more to be seen.
        let is_of_clap = ["help", "version"].contains(&arg.get_id().as_str());
        if !path.is_empty() && (is_of_clap || arg.is_global_set()) {
            return;
        }
        let heading = heading_id(arg);
        self.add(&heading, &heading);
        let english = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        if english.is_empty() {
            return;
        }
        let Some((id, _)) = self.texts.of_arg(arg, path) else {
            let name = arg.get_id().as_str().trim_start_matches('_').replace('_', "-");
            return self.faults.push(format!("{}--{name} has no text: {english}", id_of(path)));
        };
        self.add(&id, &english);
        for word in arg.get_possible_values() {
            if let Some(meaning) = word.get_help() {
                self.add(&format!("{id}--{}", word.get_name()), &meaning.to_string());
            }
        }
    }

    fn add(&mut self, id: &str, english: &str) {
        if self.texts.text(id).is_none() {
            let fault = format!("{id} has no text: {english}");
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
            return;
        }
        let before = self.said.entry(id.to_owned()).or_insert_with(|| english.to_owned());
        if before != english {
            self.faults.push(format!("{id} says both {before:?} and {english:?}"));
        }
    }
}

fn id_of(path: &[String]) -> String {
    if path.is_empty() { MAIN.to_owned() } else { path.join("-") }
}

fn heading_id(arg: &Arg) -> String {
    let english = arg.get_help_heading().unwrap_or(if arg.is_positional() { "arguments" } else { "options" });
    let words = english.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    format!("heading--{}", words.collect::<Vec<_>>().join("-").to_ascii_lowercase())
}

fn first_paragraph(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or(text)
}

fn names_below(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|below| below.get_name().to_owned()).collect()
}
