//! Reads the plan of a hall, and the states of its seats.

use std::sync::Arc;

use hashbrown::HashMap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::points::{RowOfPoints, drawn};
use super::{HallPlan, PlanRow, PlanSeat, PlanSection, SeatStates};
use crate::catalog::{Mark, bookable, shared};
use crate::clock::Timestamp;
use crate::export::SeatStatus;
use crate::id::{ConcertId, SeatNumber};
use crate::sql::{fetch_all, fetch_each, statements};
use crate::time_zone::TimeZone;

statements! {
    /// One statement reads the version and the seats at one moment.
    PLAN {
        "select c.plan_version, s.seat_number, s.section, s.seat_row, s.place, s.price, s.marks, s.x, s.y \
         from concerts c force index (primary) \
         join seats s force index (primary) on s.concert_id = c.id where c.id = {concert} order by s.seat_number"
    }
    /// For each 64 numbers, since a hall has tens of thousands, a bit for every seat there is, one for each that is not
    /// free, one for each that has a deadline, and one for each that has a reservation. A shift is an unsigned number,
    /// whatever is shifted.
    STATES {
        "select max(c.plan_version) as plan_version, s.seat_number div 64 as block, \
         bit_or(true << (s.seat_number % 64)) as seats, \
         bit_or((s.is_reserved = 1 and ifnull(s.reserved_until > {now}, true)) << (s.seat_number % 64)) as taken, \
         bit_or((s.reserved_until is not null) << (s.seat_number % 64)) as held, \
         bit_or((s.reservation_id is not null) << (s.seat_number % 64)) as sold \
         from concerts c force index (primary) \
         join seats s force index (primary) on s.concert_id = c.id where c.id = {concert} group by block order by block"
    }
}

type Name = Option<Arc<str>>;
type StoredRow = (Name, Vec<StoredSeat>);

/// A seat as it is stored.
struct StoredSeat {
    number: SeatNumber,
    place: Option<i32>,
    point: Option<(i32, i32)>,
    price: crate::money::Money,
    marks: Arc<[Mark]>,
}

/// The plan of a concert's hall; `None`: no such concert.
pub(crate) async fn plan(pool: &MySqlPool, concert: ConcertId) -> Result<Option<HallPlan>, sqlx::Error> {
    let rows = fetch_all(pool, &PLAN, |params| params.bind("concert", concert)).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let version = first.try_get("plan_version")?;
    Ok(Some(HallPlan { concert, version, sections: read_sections(&rows)? }))
}

/// Sections and rows are where their first seats are; seats of a row by place.
fn read_sections(rows: &[MySqlRow]) -> Result<Vec<PlanSection>, sqlx::Error> {
    let mut sections: Vec<(Name, Vec<StoredRow>)> = Vec::new();
    let mut found: HashMap<(Name, Name), (usize, usize)> = HashMap::new();
    let (mut section, mut seat_row) = (None, None);
    let mut marks = Marks::default();
    for row in rows {
        let section = shared(&mut section, row.try_get("section")?);
        let name = shared(&mut seat_row, row.try_get("seat_row")?);
        let (in_section, in_row) = *found.entry((section.clone(), name.clone())).or_insert_with(|| {
            let in_section = sections.iter().position(|(known, _)| *known == section).unwrap_or(sections.len());
            if in_section == sections.len() {
                sections.push((section, Vec::new()));
            }
            sections[in_section].1.push((name, Vec::new()));
            (in_section, sections[in_section].1.len() - 1)
        });
        let (x, y): (Option<i32>, Option<i32>) = (row.try_get("x")?, row.try_get("y")?);
        sections[in_section].1[in_row].1.push(StoredSeat {
            number: row.try_get("seat_number")?,
            place: row.try_get("place")?,
            point: x.zip(y),
            price: row.try_get("price")?,
            marks: marks.read(row.try_get("marks")?),
        });
    }
    for (_, rows) in &mut sections {
        rows.iter_mut().for_each(|(_, seats)| seats.sort_by_key(|seat| (seat.place(), seat.number)));
    }
    let points = drawn(sections.iter().map(|(_, rows)| rows.iter().map(row_of_points).collect()).collect());
    let sections = sections.into_iter().zip(points).map(|((name, rows), points)| PlanSection {
        name,
        rows: rows.into_iter().zip(points).map(|((name, seats), points)| plan_row(name, seats, points)).collect(),
    });
    Ok(sections.collect())
}

impl StoredSeat {
    fn place(&self) -> i32 {
        self.place.unwrap_or(self.number.get())
    }
}

fn row_of_points((name, seats): &StoredRow) -> RowOfPoints {
    RowOfPoints {
        is_named: name.is_some(),
        has_places: seats.iter().any(|seat| seat.place.is_some()),
        places: seats.iter().map(StoredSeat::place).collect(),
        points: seats.iter().map(|seat| seat.point).collect(),
    }
}

fn plan_row(name: Name, seats: Vec<StoredSeat>, points: Vec<(i32, i32)>) -> PlanRow {
    let seat = |(seat, (x, y)): (StoredSeat, (i32, i32))| {
        let place = seat.place();
        PlanSeat { number: seat.number, place, x, y, price: seat.price, marks: seat.marks }
    };
    PlanRow { name, seats: seats.into_iter().zip(points).map(seat).collect() }
}

/// The marks of the seat before, since most seats have the same.
#[derive(Default)]
struct Marks {
    text: String,
    marks: Arc<[Mark]>,
}

impl Marks {
    fn read(&mut self, text: Option<&str>) -> Arc<[Mark]> {
        let text = text.unwrap_or_default();
        if text != self.text {
            text.clone_into(&mut self.text);
            // Text that is no mark was written by hand.
            self.marks = text.split(',').filter_map(|mark| mark.parse().ok()).collect();
        }
        Arc::clone(&self.marks)
    }
}

/// The states of a concert's seats; `None`: no such concert. `house`: the zone of one that names none.
pub(crate) async fn seat_states(
    pool: &MySqlPool,
    concert: ConcertId,
    house: TimeZone,
    now: Timestamp,
) -> Result<Option<SeatStates>, sqlx::Error> {
    let Some(found) = bookable(pool, concert, house).await? else { return Ok(None) };
    let free = if found.check(now).is_ok() { SeatStatus::Free } else { SeatStatus::Blocked };
    let mut states = SeatStates { version: 1, seats: Vec::new() };
    let fetching = fetch_each(
        pool,
        &STATES,
        |params| params.bind("now", now).bind("concert", concert),
        |row| {
            // The same in each row: the statement sees one moment.
            states.version = row.try_get("plan_version")?;
            let first = row.try_get::<i64, _>("block")? * i64::from(u64::BITS);
            let [seats, taken, held, sold]: [u64; 4] =
                [row.try_get("seats")?, row.try_get("taken")?, row.try_get("held")?, row.try_get("sold")?];
            for nth in (0..u64::BITS).filter(|nth| is_set(seats, *nth)) {
                let status = if !is_set(taken, nth) {
                    free
                } else if is_set(held, nth) {
                    SeatStatus::Held
                } else if is_set(sold, nth) {
                    SeatStatus::Sold
                } else {
                    SeatStatus::Blocked
                };
                states.seats.push((SeatNumber::known((first + i64::from(nth)) as i32), status));
            }
            Ok(())
        },
    );
    fetching.await?;
    Ok(Some(states))
}

const fn is_set(bits: u64, nth: u32) -> bool {
    bits >> nth & 1 == 1
}
