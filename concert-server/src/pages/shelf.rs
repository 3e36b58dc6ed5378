//! What pages show of the catalogue: read once for all who look within a short time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use concert_core::{BoxOffice, ConcertDate, ConcertId, Error, Money, Sale, SaleId, SeatView};

use crate::http::{Fresh, Problem};

/// The most halls that are kept. Beyond it all are read anew, which is rare: a house sells few concerts at once.
const MOST_HALLS: usize = 64;

type Shared<T> = Arc<Fresh<Result<Arc<T>, Problem>>>;

/// Sales and halls as they were a moment ago.
pub(super) struct Shelf {
    max_age: Duration,
    sales: Fresh<Result<Arc<Vec<Sale>>, Problem>>,
    halls: Mutex<HashMap<ConcertId, Shared<Hall>>>,
}

impl Shelf {
    pub(super) fn new(max_age: Duration) -> Self {
        Self { max_age, sales: Fresh::up_to(max_age), halls: Mutex::default() }
    }

    /// All sales.
    pub(super) async fn sales(&self, office: &BoxOffice) -> Result<Arc<Vec<Sale>>, Problem> {
        self.sales.get(async { Ok(Arc::new(office.sales().await?)) }).await
    }

    /// One sale.
    pub(super) async fn sale(&self, office: &BoxOffice, id: SaleId) -> Result<Sale, Problem> {
        let sales = self.sales(office).await?;
        sales.iter().find(|sale| sale.id == id).cloned().ok_or_else(|| Error::SaleNotFound.into())
    }

    /// One concert.
    pub(super) async fn concert(&self, office: &BoxOffice, id: ConcertId) -> Result<ConcertDate, Problem> {
        let sales = self.sales(office).await?;
        let found = sales.iter().flat_map(|sale| &sale.concerts).find(|concert| concert.concert == id);
        found.cloned().ok_or_else(|| Error::ConcertNotFound.into())
    }

    /// The hall of a concert that exists.
    pub(super) async fn hall(&self, office: &BoxOffice, id: ConcertId) -> Result<Arc<Hall>, Problem> {
        // The lock ends with this block: a reading takes long, and other halls are not to wait for it.
        let hall = {
            let mut halls = self.halls.lock().unwrap_or_else(PoisonError::into_inner);
            if halls.len() >= MOST_HALLS && !halls.contains_key(&id) {
                // Whoever holds one of them goes on with it; the next to look reads anew.
                halls.clear();
            }
            Arc::clone(halls.entry(id).or_insert_with(|| Arc::new(Fresh::up_to(self.max_age))))
        };
        hall.get(async { Ok(Arc::new(Hall::of(office.seats(id).await?))) }).await
    }
}

/// A hall by sections and rows.
pub(super) struct Hall {
    /// In the order of their seats' numbers.
    pub(super) sections: Vec<Part>,
    pub(super) seats: Vec<SeatView>,
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

impl Hall {
    pub(super) fn of(seats: Vec<SeatView>) -> Self {
        let sections = parts(&seats, |seat| seat.section.as_deref());
        Self { sections, seats }
    }

    pub(super) fn free(&self) -> usize {
        self.sections.iter().map(|section| section.free).sum()
    }

    /// The seats of a section.
    pub(super) fn seats_in<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a SeatView> {
        self.seats.iter().filter(move |seat| seat.section.as_deref().unwrap_or_default() == section)
    }

    /// The rows of a section.
    pub(super) fn rows_of(&self, section: &str) -> Vec<Part> {
        parts(self.seats_in(section), |seat| seat.row.as_deref())
    }
}

fn parts<'a>(seats: impl IntoIterator<Item = &'a SeatView>, name: impl Fn(&SeatView) -> Option<&str>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for seat in seats {
        let (name, price) = (name(seat).unwrap_or_default(), seat.price);
        // In the order of the seats, which is front to back: a map alone would lose it.
        let at = known.get(name).copied().unwrap_or_else(|| {
            parts.push(Part { name: name.to_owned(), free: 0, cheapest: price, dearest: price });
            known.insert(name.to_owned(), parts.len() - 1);
            parts.len() - 1
        });
        let part = &mut parts[at];
        part.free += usize::from(seat.available);
        part.cheapest = part.cheapest.min(price);
        part.dearest = part.dearest.max(price);
    }
    parts
}
