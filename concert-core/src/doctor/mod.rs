//! The doctor: whether a database, its settings and its tables are as a box office needs them, and what mends them.
//!
//! `facts` reads, once; all rules are pure functions over what was read.

mod ddl;
mod facts;
mod server;
mod session;
mod tables;

use serde::Serialize;
use sqlx::MySqlPool;

use self::facts::Facts;
use crate::error::Error;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// It works; something else would be better.
    Advice,
    /// It must be changed before a sale.
    Change,
}

impl Verdict {
    /// As JSON has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Advice => "advice",
            Self::Change => "change",
        }
    }
}

/// What the doctor found about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// The thing: a variable of the database, or a word such as `clock`, `indexes`, `migrations`. Stable.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What is.
    pub is: String,
    /// What should be.
    pub should_be: String,
    /// The statement, option or command that mends it; `None` where nothing is to be done.
    pub mend: Option<String>,
}

impl Finding {
    fn fine(check: &'static str, is: impl Into<String>, should_be: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fine, is: is.into(), should_be: should_be.into(), mend: None }
    }

    /// Fine if `is_fine`, else this verdict.
    fn unless(self, is_fine: bool, verdict: Verdict, mend: impl Into<String>) -> Self {
        if is_fine { self } else { Self { verdict, mend: Some(mend.into()), ..self } }
    }
}

/// How many servers there will be, and how many connections each takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) servers: u32,
    /// The fewest with which one works, and the most that it opens.
    pub(crate) needed: u32,
    pub(crate) at_most: u32,
}

/// Examines the database of `pool`, whatever state it is in.
pub(crate) async fn examine(pool: &MySqlPool, crowd: Crowd) -> Result<Vec<Finding>, Error> {
    Ok(findings(&Facts::read(pool).await?, crowd))
}

fn findings(facts: &Facts, crowd: Crowd) -> Vec<Finding> {
    let rooms = [server::findings(facts, crowd), session::findings(facts), tables::findings(facts)];
    rooms.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
