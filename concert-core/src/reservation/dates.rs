//! The dates of concerts, which never change: each is read once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use chrono::NaiveDate;

use crate::id::ConcertId;

/// The most that are kept; past that all are forgotten.
const MOST_DATES: usize = 65_536;

/// Dates that were read before. A concert that was not there is not kept: it may come.
#[derive(Debug, Default)]
pub(crate) struct Dates(RwLock<HashMap<ConcertId, NaiveDate>>);

impl Dates {
    /// Those of `concerts` that are known.
    pub(super) fn known(&self, concerts: impl Iterator<Item = ConcertId>) -> HashMap<ConcertId, NaiveDate> {
        let dates = self.0.read().unwrap_or_else(PoisonError::into_inner);
        concerts.filter_map(|concert| Some((concert, *dates.get(&concert)?))).collect()
    }

    pub(super) fn keep(&self, read: &HashMap<ConcertId, NaiveDate>) {
        if read.is_empty() {
            return;
        }
        let mut dates = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if dates.len() + read.len() > MOST_DATES {
            dates.clear();
        }
        dates.extend(read);
    }
}
