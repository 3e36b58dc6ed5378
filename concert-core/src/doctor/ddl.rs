//! The tables that the migrations make, read off their text, so that they are described once.

use std::collections::BTreeMap;

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub is_unique: bool,
    /// As in the statement that makes it.
    pub columns: String,
}

impl Index {
    /// The part of a statement that makes it.
    pub fn definition(&self, name: &str) -> String {
        match (name, self.is_unique) {
            ("PRIMARY", _) => format!("primary key ({})", self.columns),
            (_, true) => format!("unique key {name} ({})", self.columns),
            (_, false) => format!("key {name} ({})", self.columns),
        }
    }
}

/// A table as it should be.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The collation of the table.
    pub collation: String,
    /// Columns with the line that makes them.
    pub columns: BTreeMap<String, String>,
    pub indexes: BTreeMap<String, Index>,
}

impl Expected {
    /// The collation that a column names; `None`: the table's, or none at all.
    pub fn collation_of(&self, column: &str) -> Option<&str> {
        after(self.columns.get(column)?, "collate ")
    }
}

/// All tables of some migrations.
pub fn expected<'m>(migrations: impl Iterator<Item = &'m str>) -> BTreeMap<String, Expected> {
    let mut tables = BTreeMap::new();
    let mut open: Option<(String, Expected)> = None;
    for line in migrations.flat_map(str::lines).map(str::trim) {
        if let Some(rest) = line.strip_prefix("create table if not exists ") {
            open = Some((first_word(rest).to_owned(), Expected::default()));
        } else if let Some((_, table)) = &mut open {
            if let Some(end) = line.strip_prefix(')') {
                table.collation = after(end, "collate ").unwrap_or_default().to_owned();
                tables.extend(open.take());
            } else if !line.is_empty() && !line.starts_with("--") {
                add(table, line.trim_end_matches(','));
            }
        }
    }
    tables
}

fn add(table: &mut Expected, line: &str) {
    let index = |rest: &str, is_unique| {
        let columns = rest.split_once('(')?.1.strip_suffix(')')?;
        Some((first_word(rest).to_owned(), Index { is_unique, columns: columns.to_owned() }))
    };
    if let Some(rest) = line.strip_prefix("primary key ") {
        table.indexes.extend(index(rest, true).map(|(_, index)| ("PRIMARY".to_owned(), index)));
    } else if let Some(rest) = line.strip_prefix("unique key ") {
        table.indexes.extend(index(rest, true));
    } else if let Some(rest) = line.strip_prefix("key ") {
        table.indexes.extend(index(rest, false));
    } else {
        // Without the spaces that align the columns of a migration.
        table.columns.insert(first_word(line).to_owned(), line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// The word after `mark`.
fn after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    text.split_once(mark).map(|(_, rest)| first_word(rest))
}
