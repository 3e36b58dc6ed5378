//! What never changes of a hall: which seats it has, in which section and row, and what they cost. It is read once, for
//! holds that are tried without reading.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::Row as _;

use super::Seat;
use crate::batch::Failure;
use crate::catalog::shared;
use crate::id::{ConcertId, SeatNumber};
use crate::money::Money;
use crate::sql::{Listed, Reading, Script, Selected};

/// The most halls that a batch reads: it is not to wait for more.
const MOST_AT_ONCE: usize = 16;
/// The most runs that are kept, some 16 MB; past that all are forgotten.
const MOST_RUNS: usize = 1 << 18;

pub(super) const PLANS: Listed = Listed::of_keys(
    "select concert_id, first_seat, last_seat, price, section, seat_row from seat_runs where concert_id in ({}) \
     order by concert_id, first_seat",
);

/// Seats that differ in nothing but their number.
#[derive(Debug, Clone)]
struct Run {
    first: SeatNumber,
    last: SeatNumber,
    section: Option<Arc<str>>,
    row: Option<Arc<str>>,
    price: Money,
}

/// A hall, by number.
#[derive(Debug, Default)]
pub(super) struct Plan(Vec<Run>);

impl Plan {
    /// A seat as it is while nobody has it; `None`: it is not planned.
    pub(super) fn free_seat(&self, number: SeatNumber) -> Option<Seat> {
        let run = self.0.get(self.0.partition_point(|run| run.last < number)).filter(|run| run.first <= number)?;
        Some(Seat { section: run.section.clone(), row: run.row.clone(), price: run.price, holder: None })
    }
}

/// The halls that were read before. A concert that was not there is not kept: it may come.
#[derive(Debug, Default)]
pub(crate) struct Plans(RwLock<HashMap<ConcertId, Arc<Plan>>>);

impl Plans {
    pub(super) fn get(&self, concert: ConcertId) -> Option<Arc<Plan>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&concert).cloned()
    }

    /// Reads those of `concerts` that are not known yet.
    pub(super) fn select(&self, script: &mut Script, concerts: impl Iterator<Item = ConcertId>) -> Reading {
        let plans = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let unknown: HashSet<_> = concerts.filter(|concert| !plans.contains_key(concert)).take(MOST_AT_ONCE).collect();
        script.select_keys(&PLANS, unknown.into_iter().collect())
    }

    pub(super) fn keep(&self, selected: &Selected, read: &Reading) -> Result<(), Failure> {
        let mut read_plans: HashMap<ConcertId, Plan> = HashMap::new();
        let (mut section, mut seat_row) = (None, None);
        for row in selected.rows(read) {
            read_plans.entry(row.try_get("concert_id")?).or_default().0.push(Run {
                first: row.try_get("first_seat")?,
                last: row.try_get("last_seat")?,
                section: shared(&mut section, row.try_get("section")?),
                row: shared(&mut seat_row, row.try_get("seat_row")?),
                price: row.try_get("price")?,
            });
        }
        if read_plans.is_empty() {
            return Ok(());
        }
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let runs = |plans: &mut dyn Iterator<Item = &Plan>| plans.map(|plan| plan.0.len()).sum::<usize>();
        if runs(&mut plans.values().map(AsRef::as_ref)) + runs(&mut read_plans.values()) > MOST_RUNS {
            plans.clear();
        }
        plans.extend(read_plans.into_iter().map(|(concert, plan)| (concert, Arc::new(plan))));
        Ok(())
    }
}
