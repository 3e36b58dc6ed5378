//! Checks within a script. If one fails, the server runs no statement after it.

/// A check that the next statement carries.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) act: &'static str,
    /// An expression that is true if the check holds. If not, it is out of range (`exp(1000)`): the statement fails,
    /// and the server runs nothing after it, COMMIT included.
    pub(super) condition: String,
}

/// A query that is to count so many rows.
#[derive(Debug)]
pub(super) struct Required {
    pub(super) act: &'static str,
    pub(super) query: String,
    pub(super) expected: usize,
}

/// Which statement of a script carries a guard.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) statement: usize,
    pub(super) act: &'static str,
}

/// How many rows the statement before changed.
pub(super) const CHANGED: &str = "row_count()";
/// How many rows the statement before counted and locked.
pub(super) const LOCKED: &str = "@locked";

impl Guard {
    /// That `counted` is `expected`.
    pub(super) fn equal(act: &'static str, counted: &str, expected: usize) -> Self {
        Self { act, condition: format!("exp(if({counted} = {expected}, 0, 1000))") }
    }
}

impl From<Required> for Guard {
    fn from(Required { act, query, expected }: Required) -> Self {
        Self::equal(act, &query, expected)
    }
}

/// One condition of several.
pub(super) fn all(guards: &[Guard]) -> String {
    guards.iter().map(|guard| guard.condition.as_str()).collect::<Vec<_>>().join(" and ")
}
