//! What a setting takes, read off its option.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction};
use toml::de::DeValue;

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// A path: one from the folder of the file that names it, unless it is absolute.
    Path,
    /// A whole number.
    Count,
    /// on or off, however it is said; true and false without quotes mean the same.
    Switch,
    /// Any number of texts.
    List,
}

impl Kind {
    fn of(arg: &Arg) -> Self {
        let takes = arg.get_value_parser().type_id();
        let numbers = [TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>()];
        let words: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        match arg.get_action() {
            ArgAction::Append => Self::List,
            _ if takes == TypeId::of::<PathBuf>() => Self::Path,
            _ if numbers.iter().any(|number| takes == *number) => Self::Count,
            _ if words == ["on", "off"] => Self::Switch,
            _ => Self::Text,
        }
    }

    fn expected(self, arg: &Arg) -> String {
        let default = arg.get_default_values().first().map(|value| value.to_string_lossy());
        let words: Vec<_> = arg.get_possible_values().iter().map(|value| format!("\"{}\"", value.get_name())).collect();
        match self {
            Self::Count => "a whole number without quotes".to_owned(),
            Self::Switch => "\"on\" or \"off\"".to_owned(),
            Self::List => "a text in quotes, or a list of them: [\"..\", \"..\"]".to_owned(),
            Self::Text if !words.is_empty() => words.join(" or "),
            Self::Text | Self::Path => match default {
                Some(default) => format!("a text in quotes, such as \"{default}\""),
                None => "a text in quotes".to_owned(),
            },
        }
    }
}

/// What the command line would have for `value` of a file in `folder`.
///
/// # Errors
/// What is expected instead.
pub fn command_line_values(arg: &Arg, value: &DeValue<'_>, folder: &Path) -> Result<Vec<OsString>, String> {
    let kind = Kind::of(arg);
    let one = |text: &str| vec![OsString::from(text)];
    let texts = |values: &toml::de::DeArray<'_>| {
        let texts = values.iter().map(|value| value.get_ref().as_str().map(OsString::from));
        texts.collect::<Option<Vec<_>>>()
    };
    let values = match (kind, value) {
        (Kind::Text | Kind::Switch | Kind::List, DeValue::String(text)) => Some(one(text)),
        (Kind::Path, DeValue::String(text)) => Some(vec![folder.join(text.as_ref()).into_os_string()]),
        (Kind::Count, DeValue::Integer(number)) => plain_number(number).map(|number| one(&number)),
        (Kind::Switch, DeValue::Boolean(on)) => Some(one(if *on { "on" } else { "off" })),
        (Kind::List, DeValue::Array(values)) => texts(values),
        _ => None,
    };
    values.ok_or_else(|| format!("{} is expected, not {}", kind.expected(arg), described(value)))
}

/// In decimal: TOML has other notations too.
fn plain_number(number: &toml::de::DeInteger<'_>) -> Option<String> {
    i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
}

const fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
