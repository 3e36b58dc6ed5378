//! Inserts of rows.

#[cfg(any(test, feature = "internals"))]
use super::template::Statement;
use super::writer::{SqlValue, SqlWriter};

/// An insert of rows: the columns are written once, and values are bound by their names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqlInsert {
    table: &'static str,
    columns: &'static [&'static str],
}

/// From so many rows on, values go out by column. MariaDB takes as long for 32 rows by column as by row, and for 256
/// holds 16 us a row instead of 20 (measured): parsing a literal costs more than cutting a piece out of one. A lone row
/// would take 0.1 ms longer.
const BY_COLUMN: usize = 48;

impl SqlInsert {
    pub(crate) const fn new(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self { table, columns }
    }

    /// Writes an insert of `rows`. `condition`, of guards that precede it, is evaluated before the first row is inserted.
    pub(super) fn write<R>(
        &self,
        out: &mut SqlWriter,
        condition: Option<&str>,
        rows: &[R],
        fill: impl for<'p> Fn(RowValues<'p>, &R) -> RowValues<'p>,
    ) {
        let mut cells = Cells { text: SqlWriter::default(), ends: Vec::with_capacity(rows.len() * self.columns.len()) };
        for row in rows {
            fill(RowValues { cells: &mut cells, columns: self.columns.iter() }, row).end();
        }
        out.template("insert into ");
        out.template(self.table);
        out.template(" (");
        for (nth, column) in self.columns.iter().enumerate() {
            out.template(if nth == 0 { "" } else { ", " });
            out.template(column);
        }
        out.template(")");
        if rows.len() < BY_COLUMN {
            cells.write_by_row(out, self.columns.len(), condition);
        } else {
            cells.write_by_column(out, self.columns.len(), condition);
        }
    }

    #[cfg(any(test, feature = "internals"))]
    pub(crate) const fn registered(&'static self) -> Statement {
        Statement::Insert(self)
    }

    /// The text of so many rows; places of values stay as they are: `{name}`.
    #[cfg(any(test, feature = "internals"))]
    pub(super) fn text(&self, length: usize) -> String {
        let row =
            format!("({})", self.columns.iter().map(|column| format!("{{{column}}}")).collect::<Vec<_>>().join(","));
        let Self { table, columns } = self;
        format!("insert into {table} ({}) values {}", columns.join(", "), vec![row; length].join(","))
    }
}

/// The values of one row of an insert, bound in the order of its columns.
pub(crate) struct RowValues<'w> {
    cells: &'w mut Cells,
    columns: std::slice::Iter<'static, &'static str>,
}

impl RowValues<'_> {
    /// # Panics
    /// If the next column has another name.
    pub(crate) fn bind(mut self, column: &str, value: impl SqlValue) -> Self {
        assert_eq!(self.columns.next().copied(), Some(column), "a value for another column");
        self.cells.text.value(&value);
        self.cells.ends.push(self.cells.text.as_str().len());
        self
    }

    fn end(mut self) {
        assert_eq!(self.columns.next(), None, "a column has no value");
    }
}

/// The literals of all values, row by row, and where each ends.
struct Cells {
    text: SqlWriter,
    ends: Vec<usize>,
}

impl Cells {
    fn cell(&self, nth: usize) -> &str {
        let from = nth.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text.as_str()[from..self.ends[nth]]
    }

    fn write_by_row(&self, out: &mut SqlWriter, columns: usize, condition: Option<&str>) {
        for nth in 0..self.ends.len() {
            let before = match nth {
                0 => " values (",
                _ if nth % columns == 0 => "),(",
                _ => ",",
            };
            out.template(before);
            match condition.filter(|_| nth == 0) {
                // The first value is enough: a failed guard ends the whole statement. A false condition is out of range,
                // so the value is never null.
                Some(condition) => {
                    out.template("if(");
                    out.condition(condition, ",");
                    out.literal(self.cell(nth));
                    out.template(",null)");
                }
                None => out.literal(self.cell(nth)),
            }
        }
        out.template(")");
    }

    /// One expression for each column over the number of a row, from 1: the value that all rows share, a piece of all ids
    /// one after the other, or one of a list.
    fn write_by_column(&self, out: &mut SqlWriter, columns: usize, condition: Option<&str>) {
        let rows = self.ends.len() / columns;
        for column in 0..columns {
            out.template(if column == 0 { " select " } else { "," });
            let cells = || (0..rows).map(|row| self.cell(row * columns + column));
            if cells().all(|cell| cell == self.cell(column)) {
                out.literal(self.cell(column));
            } else if let Some(ids) = cells().map(digits_of_id).collect::<Option<Vec<_>>>() {
                out.id_of_row("r.nth", ids);
            } else {
                out.template("elt(r.nth");
                for cell in cells() {
                    out.template(",");
                    out.literal(cell);
                }
                out.template(")");
            }
        }
        // Both servers number the elements of a list so, without any table. What the elements are does not matter.
        out.template(" from json_table('[0");
        (1..rows).for_each(|_| out.template(",0"));
        out.template("]', '$[*]' columns (nth for ordinality)) r");
        if let Some(condition) = condition {
            out.template(" where ");
            out.condition(condition, "");
        }
    }
}

/// The hexadecimal digits of an id, if the literal is one.
fn digits_of_id(literal: &str) -> Option<&str> {
    literal.strip_prefix("x'")?.strip_suffix('\'').filter(|digits| digits.len() == 32)
}
