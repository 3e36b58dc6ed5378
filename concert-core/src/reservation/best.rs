//! Stand-in until the hall's own is merged: the first free seats that are neighbours by number, or else the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::SeatNumber;

/// A seat of a hall.
#[derive(Debug, Clone)]
pub(crate) struct HallSeat {
    pub(crate) number: SeatNumber,
    pub(crate) section: Option<Arc<str>>,
    pub(crate) row: Option<Arc<str>>,
    pub(crate) free: bool,
}

/// The seats of a concert.
#[derive(Debug, Clone)]
pub(crate) struct Hall(BTreeMap<SeatNumber, HallSeat>);

impl Hall {
    pub(crate) fn new(seats: impl IntoIterator<Item = HallSeat>) -> Self {
        Self(seats.into_iter().map(|seat| (seat.number, seat)).collect())
    }

    pub(crate) fn best(&self, count: usize, section: Option<&str>) -> Option<Vec<SeatNumber>> {
        let free: Vec<_> = self
            .0
            .values()
            .filter(|seat| seat.free && (section.is_none() || seat.section.as_deref() == section))
            .map(|seat| (seat.number, seat.row.clone()))
            .collect();
        let together = free.windows(count).find(|run| {
            (run[count - 1].0.get() - run[0].0.get()) as usize == count - 1 && run[0].1 == run[count - 1].1
        });
        let chosen = together.or_else(|| free.get(..count))?;
        Some(chosen.iter().map(|(number, _)| *number).collect())
    }

    pub(crate) fn take(&mut self, seat: SeatNumber) {
        if let Some(seat) = self.0.get_mut(&seat) {
            seat.free = false;
        }
    }

    pub(crate) fn give_back(&mut self, seat: SeatNumber) {
        if let Some(seat) = self.0.get_mut(&seat) {
            seat.free = true;
        }
    }

    pub(crate) fn has_section(&self, section: &str) -> bool {
        self.0.values().any(|seat| seat.section.as_deref() == Some(section))
    }

    pub(crate) fn free(&self, section: Option<&str>) -> usize {
        let inside = |seat: &&HallSeat| seat.free && (section.is_none() || seat.section.as_deref() == section);
        self.0.values().filter(inside).count()
    }
}
