//! Texts of statements, with named places for values.

#[cfg(any(test, feature = "internals"))]
use super::insert::SqlInsert;
use super::writer::{SqlValue, SqlWriter};

/// A statement's text. `{name}` is the place of a value, of a list after `in (`, or of a repeated part. `{guard}` is the
/// place of pending guards. Required counts go to `{required}`, in a change of one row, or to `{counts}`, in a lock. Only
/// [`statements!`] declares templates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqlTemplate {
    text: &'static str,
    part: Option<Part>,
}

/// A part of a statement that is repeated for each of some items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) text: &'static str,
    /// What stands between two of them.
    pub(crate) between: &'static str,
}

/// A statement that a test prepares and explains.
#[cfg(any(test, feature = "internals"))]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Statement {
    Template(&'static SqlTemplate),
    Insert(&'static SqlInsert),
}

/// The places of guards.
const GUARDS: [&str; 2] = ["guard", "required"];
/// The place of further counts, in a lock.
const COUNTS: &str = "counts";

/// Declares the statements of a module, and lists them for the test that prepares and explains every statement on a
/// real database. No list can be forgotten: one that the test does not use is dead code, which the lints refuse.
macro_rules! statements {
    (@declare $(#[$doc:meta])* $vis:vis $name:ident = insert $table:literal ($($column:ident),+ $(,)?)) => {
        $(#[$doc])*
        $vis const $name: crate::sql::SqlInsert = crate::sql::SqlInsert::new($table, &[$(stringify!($column)),+]);
    };
    (@declare $(#[$doc:meta])* $vis:vis $name:ident = $text:expr) => {
        $(#[$doc])*
        $vis const $name: crate::sql::SqlTemplate = crate::sql::SqlTemplate::new($text, None);
    };
    (@declare $(#[$doc:meta])* $vis:vis $name:ident = $text:expr, each $part:expr) => {
        $(#[$doc])*
        $vis const $name: crate::sql::SqlTemplate = crate::sql::SqlTemplate::new($text, Some($part));
    };
    ($($(#[$doc:meta])* $vis:vis $name:ident { $($body:tt)+ })+) => {
        $(crate::sql::statements!(@declare $(#[$doc])* $vis $name = $($body)+);)+

        /// Every statement of this module, for the test that prepares and explains them.
        #[cfg(any(test, feature = "internals"))]
        pub(crate) const STATEMENTS: &[crate::sql::Statement] = &[$($name.registered()),+];
    };
}
pub(crate) use statements;

/// Columns with commas between them, each with a prefix: a list that several statements share is written once.
macro_rules! columns {
    ($prefix:literal: $first:ident $(, $column:ident)*) => {
        concat!($prefix, stringify!($first) $(, ", ", $prefix, stringify!($column))*)
    };
}
pub(crate) use columns;

impl SqlTemplate {
    pub(crate) const fn new(text: &'static str, part: Option<Part>) -> Self {
        Self { text, part }
    }

    pub(super) fn params<'w>(&self, out: &'w mut SqlWriter, guard: Option<&'w str>) -> Params<'w> {
        Params { out, rest: self.text, part: self.part, guard }
    }

    pub(super) fn takes_guard(&self) -> bool {
        self.text.contains("{guard}") || self.takes_required()
    }

    /// Changes one row, so that what is required is evaluated once.
    pub(super) fn takes_required(&self) -> bool {
        self.text.contains("{required}")
    }

    #[cfg(any(test, feature = "internals"))]
    pub(crate) const fn registered(&'static self) -> Statement {
        Statement::Template(self)
    }
}

#[cfg(any(test, feature = "internals"))]
impl Statement {
    /// The text with lists and repeated parts of `length`; places of values stay as they are: `{name}`.
    pub(crate) fn text(&self, length: usize) -> String {
        match self {
            Self::Insert(insert) => insert.text(length),
            Self::Template(SqlTemplate { text, part }) => {
                let text = text.replace("{guard}", "").replace("{required}", "").replace("{counts}", "");
                let text = lengthen_lists(&text, length);
                // Lists within repeated parts have one element each: a batch has `length` keys in all.
                part.iter().fold(text, |text, Part { text: each, between }| {
                    text.replace("{each}", &vec![*each; length].join(between))
                })
            }
        }
    }
}

/// Repeats what is alone in the brackets of an `in`.
#[cfg(any(test, feature = "internals"))]
fn lengthen_lists(text: &str, length: usize) -> String {
    let mut pieces = text.split(" in ({");
    let mut lengthened = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("})").unwrap_or_else(|| unreachable!("a list alone in its brackets"));
        let list = vec![format!("{{{name}}}"); length].join(",");
        lengthened.extend([" in (", &list, ")", rest]);
    }
    lengthened
}

/// A statement on its way into a script. Values are bound from left to right, each by the name of its place.
///
/// # Panics
/// Every method, if the next place has another name: a value never goes where another belongs.
pub(crate) struct Params<'w> {
    out: &'w mut SqlWriter,
    rest: &'static str,
    part: Option<Part>,
    guard: Option<&'w str>,
}

impl Params<'_> {
    pub(crate) fn bind(mut self, name: &str, value: impl SqlValue) -> Self {
        self.advance_to(name);
        self.out.value(&value);
        self
    }

    pub(crate) fn list<V: SqlValue>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.advance_to(name);
        self.out.list(values);
        self
    }

    /// The repeated part, at `{each}`, once for each of `items`.
    pub(crate) fn each<I>(
        mut self,
        items: impl IntoIterator<Item = I>,
        fill: impl for<'p> Fn(Params<'p>, I) -> Params<'p>,
    ) -> Self {
        self.advance_to("each");
        let part = self.part.unwrap_or_else(|| unreachable!("a statement without a repeated part"));
        let mut first = true;
        for item in items {
            if !first {
                self.out.template(part.between);
            }
            first = false;
            fill(Params { out: self.out, rest: part.text, part: None, guard: None }, item).end();
        }
        self
    }

    /// Pairs at `{each}`: the part once for all that have the same first key, with the list of their second keys.
    pub(crate) fn each_group<G, K>(self, pairs: &[(G, K)], names: [&str; 2]) -> Self
    where
        G: SqlValue + Copy + PartialEq,
        K: SqlValue + Copy,
    {
        let [group, keys] = names;
        self.each(pairs.chunk_by(|one, other| one.0 == other.0), |part, pairs| {
            part.bind(group, pairs[0].0).list(keys, pairs.iter().map(|(_, key)| *key))
        })
    }

    fn advance_to(&mut self, name: &str) {
        let slot = self.next_slot();
        assert_eq!(slot, Some(name), "a value for another place of the statement");
    }

    pub(super) fn end(mut self) {
        let slot = self.next_slot();
        assert_eq!(slot, None, "a place of the statement has no value");
    }

    /// Writes the text up to the next place; the guard's is filled on the way.
    fn next_slot(&mut self) -> Option<&'static str> {
        while let Some((before, after)) = self.rest.split_once('{') {
            self.out.template(before);
            let (name, rest) = after.split_once('}').unwrap_or_else(|| unreachable!("a place that is closed"));
            self.rest = rest;
            if name == COUNTS {
                self.out.condition(self.guard.take().unwrap_or_default(), "");
                continue;
            }
            if !GUARDS.contains(&name) {
                return Some(name);
            }
            if let Some(guard) = self.guard.take() {
                self.out.condition(guard, " and ");
            }
        }
        self.out.template(self.rest);
        self.rest = "";
        None
    }
}
