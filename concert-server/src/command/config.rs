//! `config`: what counts, and from where.

use clap::Args;
use concert_settings::{Origin, Row, Settings};
use serde_json::{Value, json};

use super::{Output, print, told};
use crate::config::Config;
use crate::start::StartError;

/// The longest value for which a column is widened.
const WIDEST_VALUE: usize = 40;

/// Show every setting, and whether it comes from a flag, the environment, a credential, the file or the default
///
/// Takes the same flags, variables and file as the server, and starts nothing. Secrets are not shown. Exits with 2, and
/// says why, where the server would not start with these values.
#[derive(Debug, Clone, Args)]
pub struct Opts {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Opts {
    pub fn run(&self, config: &Config, settings: &Settings) -> Result<(), StartError> {
        let (warnings, refused) = match config.clone().checked() {
            Ok((_, warnings)) => (warnings, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        for warning in settings.warnings.iter().chain(&warnings) {
            eprintln!("warning: {warning}");
        }
        let rows: Vec<_> = settings.rows().iter().map(|row| with_computed(row, config)).collect();
        match self.output {
            Output::Table => print(&table(&rows))?,
            Output::Json => print(&document(&rows, settings).to_string())?,
        }
        // What counts comes first, also where a server would not start with it.
        refused.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// The row; where nothing was said and the default depends on other settings, with what counts then.
fn with_computed(row: &Row, config: &Config) -> Row {
    let computed = config.computed();
    let counts = computed.iter().find(|(name, _)| *name == row.name).map(|(_, value)| (*value).to_owned());
    let mut row = row.clone();
    row.value = row.value.or(counts);
    row
}

fn table(rows: &[Row]) -> String {
    let value = |row: &Row| row.value.clone().unwrap_or_else(|| "-".to_owned());
    let names = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    let values = rows.iter().map(|row| value(row).chars().count()).filter(|width| *width <= WIDEST_VALUE).max();
    let values = values.unwrap_or_default();
    let line = |name: &str, value: &str, from: &str| format!("{name:names$}  {value:values$}  {from}\n");
    let [setting, head, from] = ["setting", "value", "from"].map(told);
    let head = line(&setting, &head, &from);
    rows.iter().fold(head, |text, row| text + &line(&row.name, &value(row), &told(&row.origin.to_string())))
}

fn document(rows: &[Row], settings: &Settings) -> Value {
    let row = |row: &Row| {
        let (path, line) = match &row.origin {
            Origin::File { path, line } => (Some(path.display().to_string()), Some(line)),
            _ => (None, None),
        };
        let named = match &row.origin {
            Origin::Environment(name) | Origin::Flag(name) => Some(name),
            _ => None,
        };
        json!({
            "name": row.name, "value": row.value, "source": row.origin.word(),
            "named": named, "file": path, "line": line,
        })
    };
    let file = settings.file.as_ref().map(|path| path.display().to_string());
    json!({"file": file, "settings": rows.iter().map(row).collect::<Vec<_>>()})
}
