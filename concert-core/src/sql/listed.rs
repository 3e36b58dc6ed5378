//! Texts of statements, and how they are filled in.

use super::literal::Literal;

/// The text of a statement; each `?` is a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Statement {
    /// As it stands.
    Fixed(&'static str),
    /// With a list in it.
    Listed(&'static Listed),
}

/// A statement over a list: each `{}` in the text is one, `row` is one of its elements, which may have a list of keys in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed {
    pub(crate) text: &'static str,
    pub(crate) row: &'static str,
    pub(crate) between: &'static str,
}

impl Listed {
    /// A statement whose list is of single values.
    pub(crate) const fn of_keys(text: &'static str) -> Self {
        Self { text, row: "?", between: "," }
    }

    /// A statement that inserts rows.
    pub(crate) const fn of_rows(text: &'static str, row: &'static str) -> Self {
        Self { text, row, between: "," }
    }

    /// The statement with everything open, at the end of `sql`.
    pub(super) fn begin<'s>(&self, sql: &'s mut String) -> Blanks<'s> {
        Blanks { sql, rest: self.text, listed: *self }
    }

    /// The text for a list of `length`, with its parameters open; lists within its elements have one of their own each.
    pub(crate) fn text(&self, length: usize) -> String {
        let list = vec![self.row.replace("{}", "?"); length].join(self.between);
        self.text.replace("{}", &list)
    }
}

/// A statement's text on its way into a script: its parameters are filled in from left to right.
pub(crate) struct Blanks<'s> {
    sql: &'s mut String,
    rest: &'static str,
    listed: Listed,
}

impl Blanks<'_> {
    /// Fills the next `?`.
    pub(crate) fn put(mut self, value: impl Literal) -> Self {
        self.copy_to("?");
        value.write(self.sql);
        self
    }

    /// Fills the next `{}` with keys.
    pub(crate) fn list<L: Literal>(mut self, values: impl IntoIterator<Item = L>) -> Self {
        self.copy_to("{}");
        for (nth, value) in values.into_iter().enumerate() {
            if nth > 0 {
                self.sql.push(',');
            }
            value.write(self.sql);
        }
        self
    }

    /// Fills the next `{}` with pairs: a row for all that have the same first part, with the list of their second parts.
    pub(crate) fn groups<G: Literal + Copy + PartialEq, K: Literal + Copy>(self, pairs: &[(G, K)]) -> Self {
        self.rows(pairs.chunk_by(|one, other| one.0 == other.0), |row, group| {
            row.put(group[0].0).list(group.iter().map(|(_, key)| *key))
        })
    }

    /// Fills the next `{}` with rows.
    pub(crate) fn rows<R>(
        mut self,
        rows: impl IntoIterator<Item = R>,
        fill: impl for<'b> Fn(Blanks<'b>, R) -> Blanks<'b>,
    ) -> Self {
        self.copy_to("{}");
        for (nth, row) in rows.into_iter().enumerate() {
            if nth > 0 {
                self.sql.push_str(self.listed.between);
            }
            fill(Blanks { sql: self.sql, rest: self.listed.row, listed: self.listed }, row).end();
        }
        self
    }

    fn copy_to(&mut self, blank: &str) {
        let (before, after) = self.rest.split_once(blank).unwrap_or_else(|| unreachable!("no {blank} is left"));
        debug_assert!(!before.contains(['?', '{']), "filled out of order: {before}");
        self.sql.push_str(before);
        self.rest = after;
    }

    pub(super) fn end(self) {
        debug_assert!(!self.rest.contains(['?', '{']), "not filled: {}", self.rest);
        self.sql.push_str(self.rest);
    }
}
