//! Writes the module of a crate's texts.

use std::fmt::Write as _;
use std::path::Path;

use super::catalogue::{FOR_SCRIPTS, SAID, Text, Texts, has_no_method, variables};

/// The module of a crate's texts: `Texts` with a method for each, which takes the variables in the alphabet's order.
pub fn module(texts: &Texts, [english, korean]: [&Path; 2], from: &str) -> String {
    if texts.keys().all(|id| has_no_method(id)) {
        return String::new();
    }
    let mut with_methods = texts.iter().filter(|(id, _)| !has_no_method(id));
    let value = if with_methods.any(|(id, _)| !variables(texts, id).is_empty()) { ", Value" } else { "" };
    let mut out = format!(
        "use {from}::{{Catalogue, Language{value}}};\n\n\
         pub(crate) static CATALOGUE: std::sync::LazyLock<Catalogue> = std::sync::LazyLock::new(|| {{\n\
         Catalogue::new([include_str!({english:?}), include_str!({korean:?})])\n}});\n\n\
         /// The texts of one language: a method for each.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq)]\npub(crate) struct Texts(Language);\n\n\
         impl Texts {{\n\
         /// The texts of `language`.\npub(crate) const fn new(language: Language) -> Self {{ Self(language) }}\n"
    );
    for (id, text) in texts.iter().filter(|(id, _)| !has_no_method(id)) {
        let variables = variables(texts, id);
        let parameters: String = variables.iter().map(|name| format!(", {name}: impl Into<Value>")).collect();
        let arguments: String = variables.iter().map(|name| format!("({name:?}, {name}.into()), ")).collect();
        let _ = write!(
            out,
            "\n#[doc = {:?}]\n#[must_use]\npub(crate) fn {}(self{parameters}) -> String {{\n\
             CATALOGUE.text(self.0, {id:?}, [{arguments}])\n}}\n",
            text.shown,
            id.replace('-', "_"),
        );
    }
    out.push_str("}\n");
    out
}

/// A method for the texts of scripts, if there are any: a JSON object that may stand in a data block of a page.
pub fn script_texts(languages: [&Texts; 2]) -> String {
    let object = |texts: &Texts| {
        let of_scripts = texts.iter().filter_map(|(id, text)| Some((id.strip_prefix(FOR_SCRIPTS)?, text)));
        let members: Vec<_> = of_scripts.map(|(id, text)| format!("\"{id}\":{}", json(&text.shown))).collect();
        format!("{{{}}}", members.join(","))
    };
    let [english, korean] = languages.map(object);
    if english == "{}" {
        return String::new();
    }
    format!(
        "\nimpl Texts {{\n\
         /// The texts of scripts as a JSON object: the id after `{FOR_SCRIPTS}`, and the text with `{{name}}` for a variable.\n\
         #[must_use]\npub(crate) const fn of_scripts(self) -> &'static str {{\n\
         match self.0 {{ Language::English => {english:?}, Language::Korean => {korean:?} }}\n}}\n}}\n"
    )
}

/// The pairs of texts that are found by their English, if there are any.
pub fn said([english, korean]: [&Texts; 2]) -> String {
    let pair = |(id, text): (&String, &Text)| Some((text.shown.clone(), korean.get(id)?.shown.clone()));
    let pairs: Vec<_> = english.iter().filter(|(id, _)| id.starts_with(SAID)).filter_map(pair).collect();
    if pairs.is_empty() {
        return String::new();
    }
    format!(
        "\n/// What is said in English where it arises, and in Korean.\npub(crate) const SAID: &[(&str, &str)] = &{pairs:?};\n"
    )
}

fn json(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            // `<` could end the element that the object stands in.
            '<' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}
