//! The plan of a hall: where its seats stand in a drawing, what they cost, and which of them can be had.
//!
//! The plan has a version, which rises when seats are added or prices change and at nothing else, so readers may keep a plan for
//! ever. Who has which seat is read apart from it, and says of which version it is.

mod points;
mod store;

use std::sync::Arc;

pub(crate) use self::store::{plan, seat_states};
use crate::catalog::Mark;
use crate::export::SeatStatus;
use crate::id::{ConcertId, SeatNumber};
use crate::money::Money;

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[store::STATEMENTS];

/// How far neighbours stand apart in a drawing that is made from the rows, and rows.
pub(crate) const SPACING: i32 = 10;

/// A drawing of a hall: its seats by section and row, front to back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HallPlan {
    /// The concert.
    pub concert: ConcertId,
    /// The version of the concert at which seats were added or prices changed last. Two plans of one version are equal.
    pub version: u32,
    /// The sections, by their lowest seat number.
    pub sections: Vec<PlanSection>,
}

/// A section of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanSection {
    /// What it is called; `None`: it has no name.
    pub name: Option<Arc<str>>,
    /// Its rows, by their lowest seat number.
    pub rows: Vec<PlanRow>,
}

/// A row of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanRow {
    /// What it is called within the section; `None`: the seats are in no row.
    pub name: Option<Arc<str>>,
    /// Its seats, from one end to the other: by place.
    pub seats: Vec<PlanSeat>,
}

/// A seat of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanSeat {
    /// Its number, unique in the hall.
    pub number: SeatNumber,
    /// Its place in the row: neighbours have consecutive places, and an aisle is a gap. Its number where it has none.
    pub place: i32,
    /// Where it stands in the drawing. To the right and to the back, numbers rise; neighbours are about 10 apart where the drawing
    /// was made from the rows.
    pub x: i32,
    /// See [`PlanSeat::x`].
    pub y: i32,
    /// What it costs.
    pub price: Money,
    /// What is special about it.
    pub marks: Arc<[Mark]>,
}

impl HallPlan {
    /// The seats, in the order of the plan.
    pub fn seats(&self) -> impl Iterator<Item = &PlanSeat> {
        self.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats)
    }
}

/// Which seats of a hall can be had at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeatStates {
    /// The version of the plan that has these seats, and no others.
    pub version: u32,
    /// The state of each seat, by number. Where the concert is over, closed or called off, no seat is free: those that nobody has
    /// are blocked.
    pub seats: Vec<(SeatNumber, SeatStatus)>,
}
