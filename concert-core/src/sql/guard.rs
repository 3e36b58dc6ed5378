//! Checks within a script: a statement that fails if the one before it hit another number of rows than it must.

/// The check of a change, or of a lock, in the statement after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    /// Where it stands.
    pub(super) statement: usize,
    pub(super) act: &'static str,
    /// What has the number.
    pub(super) counted: &'static str,
    pub(super) expected: usize,
}

/// How many rows the statement before hit.
pub(super) const CHANGED: &str = "row_count()";
/// How many rows the statement before counted and locked.
pub(super) const LOCKED: &str = "@locked";
pub(super) const WHERE: &str = " where ";
const VALUES: &str = " values (";

impl Guard {
    /// An expression that is true, or out of range unless it was so many rows: then the server runs no statement after it,
    /// COMMIT included.
    pub(super) fn condition(self) -> String {
        format!("exp(if({} = {}, 0, 1000))", self.counted, self.expected)
    }

    /// Becomes a condition of the update that begins there.
    pub(super) fn go_into_where(self, sql: &mut String, begin: usize) {
        let at = sql[begin..].find(WHERE).unwrap_or_else(|| unreachable!("an update of some rows"));
        sql.insert_str(begin + at + WHERE.len(), &format!("{} and ", self.condition()));
    }

    /// Goes around the first value of the insert that begins there: a literal, in which no comma is.
    pub(super) fn go_around_first_value(self, sql: &mut String, begin: usize) {
        let value = sql[begin..].find(VALUES).map(|at| begin + at + VALUES.len());
        let end = value.and_then(|value| Some(value + sql[value..].find(',')?));
        let (Some(value), Some(end)) = (value, end) else { unreachable!("an insert of several columns") };
        sql.insert_str(end, ",null)");
        sql.insert_str(value, &format!("if({},", self.condition()));
    }
}
