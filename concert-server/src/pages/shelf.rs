//! What pages show of the catalogue: the readings of the REST interface, and of each hall its sections and rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use concert_core::{ConcertDate, ConcertId, Error, HallPlan, Money, Sale, SaleId, SeatNumber};

use super::visit::Visit;
use crate::http::Problem;

/// The most halls that are kept. Beyond it all are made anew, which is rare: a house sells few concerts at once.
const MOST_HALLS: usize = 64;

/// Halls as they were shown last.
#[derive(Default)]
pub(super) struct Shelf {
    halls: Mutex<HashMap<ConcertId, Arc<Hall>>>,
}

impl Visit {
    /// All sales.
    pub(super) async fn sales(&self) -> Result<Arc<[Sale]>, Problem> {
        self.call.recent_sales().await
    }

    /// One sale.
    pub(super) async fn sale(&self, id: SaleId) -> Result<Sale, Problem> {
        let sales = self.sales().await?;
        sales.iter().find(|sale| sale.id == id).cloned().ok_or_else(|| Error::SaleNotFound.into())
    }

    /// One concert.
    pub(super) async fn concert(&self, id: ConcertId) -> Result<ConcertDate, Problem> {
        let sales = self.sales().await?;
        // Every concert is in a sale, so the sales have them all.
        let found = sales.iter().flat_map(|sale| &sale.concerts).find(|concert| concert.concert == id);
        found.cloned().ok_or_else(|| Error::ConcertNotFound.into())
    }

    /// The hall of a concert, from the same reading as the drawing that the page's script asks for.
    pub(super) async fn hall(&self, id: ConcertId) -> Result<Arc<Hall>, Problem> {
        let now = self.call.hall_now(id).await?;
        let halls = || self.shelf.halls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hall) = halls().get(&id).filter(|hall| hall.tag == now.tag) {
            return Ok(Arc::clone(hall));
        }
        // Several may make it at once: that costs less than to wait for each other.
        let hall = Arc::new(Hall::of(now.tag.clone(), &now.plan, &now.free()));
        let mut halls = halls();
        if halls.len() >= MOST_HALLS {
            halls.clear();
        }
        halls.insert(id, Arc::clone(&hall));
        Ok(hall)
    }
}

/// A hall by sections and rows, both by their lowest seat number.
pub(super) struct Hall {
    /// What tells it from the same hall at another moment.
    tag: String,
    pub(super) sections: Vec<Section>,
}

pub(super) struct Section {
    pub(super) part: Part,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) part: Part,
    /// By number.
    pub(super) seats: Vec<Seat>,
}

/// A section, or a row of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Empty: it has none.
    pub(super) name: String,
    pub(super) free: usize,
    pub(super) cheapest: Money,
    pub(super) dearest: Money,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) number: SeatNumber,
    pub(super) price: Money,
    pub(super) is_free: bool,
}

impl Hall {
    /// `free`: whether each seat can be had, in the order of the plan.
    fn of(tag: String, plan: &HallPlan, free: &[bool]) -> Self {
        let mut free = free.iter().copied();
        let mut row = |row: &concert_core::PlanRow| {
            let seats = row.seats.iter().zip(&mut free);
            let seat = |(seat, is_free): (&concert_core::PlanSeat, bool)| Seat {
                number: seat.number,
                price: seat.price,
                is_free,
            };
            let mut seats: Vec<_> = seats.map(seat).collect();
            seats.sort_unstable_by_key(|seat| seat.number);
            Row { part: Part::of(row.name.as_deref(), &seats), seats }
        };
        let sections = plan.sections.iter().map(|section| {
            let rows: Vec<_> = section.rows.iter().map(&mut row).collect();
            Section { part: Part::of(section.name.as_deref(), rows.iter().flat_map(|row| &row.seats)), rows }
        });
        Self { tag, sections: sections.collect() }
    }

    pub(super) fn free(&self) -> usize {
        self.sections.iter().map(|section| section.part.free).sum()
    }
}

impl Part {
    fn of<'s>(name: Option<&str>, seats: impl IntoIterator<Item = &'s Seat> + Clone) -> Self {
        let prices = || seats.clone().into_iter().map(|seat| seat.price);
        Self {
            name: name.unwrap_or_default().to_owned(),
            free: seats.clone().into_iter().filter(|seat| seat.is_free).count(),
            cheapest: prices().min().unwrap_or(Money::ZERO),
            dearest: prices().max().unwrap_or(Money::ZERO),
        }
    }
}
