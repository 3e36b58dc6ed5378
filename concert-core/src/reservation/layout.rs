//! A cache of concerts: their date, and the seats of their hall with section, row and price. An entry is valid for one
//! version of the concert's row: every change of a concert raises the version, and every guard checks it.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::NaiveDate;
use hashbrown::{HashMap, HashSet};
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::{Seat, SeatKey};
use crate::catalog::{Bookable, read_zone, shared};
use crate::clock::Timestamp;
#[cfg(test)]
use crate::concert_status::ConcertStatus;
use crate::db::Failure;
use crate::fact::{Assumed, Assumptions, Column, Key, Test, Value};
use crate::id::{ConcertId, SaleId, SeatNumber};
use crate::money::Money;
use crate::sql::{Part, Reading, ResultSet, Script, statements};
use crate::time_zone::TimeZone;

/// The most halls that a batch reads, so that it does not wait for long.
const MOST_AT_ONCE: usize = 16;
/// The most runs in the cache, some 16 MB. One more empties it.
const MOST_RUNS: usize = 1 << 18;

statements! {
    /// With what its sale says: whoever changes that raises the version, too.
    CONCERTS {
        "select c.id, c.version, c.date, c.time_zone, c.status, c.max_seats_per_user, c.sale_id, s.closes_at, \
         s.max_seats_per_user as max_seats_of_sale from concerts c force index (primary) \
         left join sales s force index (primary) on s.id = c.sale_id where c.id in ({concerts})"
    }
    LAYOUTS {
        "select concert_id, first_seat, last_seat, price, section, seat_row from seat_runs \
         where concert_id in ({concerts}) order by concert_id, first_seat"
    }
    /// Counts the concerts that are as they were cached. Beside the version all else is compared as well, so that what
    /// was changed by hand is noticed.
    COUNT_CONCERTS {
        "select count(*) from concerts force index (primary) where {each}",
        each Part {
            text: "(id = {concert} and version = {version} and date = {date} and time_zone <=> {time_zone} \
                   and status = {status} and max_seats_per_user <=> {limit})",
            between: " or "
        }
    }
}

/// Facts of a concert.
const VERSION: Column = Column("concerts.version");
const DATE: Column = Column("concerts.date");
const TIME_ZONE: Column = Column("concerts.time_zone");
const STATUS: Column = Column("concerts.status");
const LIMIT: Column = Column("concerts.max_seats_per_user");
/// All that is remembered of a concert's row, in the order in which the guard states it.
const REMEMBERED: [Column; 5] = [VERSION, DATE, TIME_ZONE, STATUS, LIMIT];

/// A row of `concerts`, as far as holding seats needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Concert {
    pub(crate) version: u32,
    pub(crate) date: NaiveDate,
    /// `None`: that of the house.
    pub(crate) time_zone: Option<TimeZone>,
    pub(crate) bookable: Bookable,
    /// The most seats that one user may have of it, held and sold together; `None`: no limit.
    pub(crate) max_seats_per_user: Option<u32>,
    /// Its sale, which never changes: a turn in another one does not admit to it.
    pub(crate) sale: SaleId,
    pub(crate) sale_closes_at: Option<Timestamp>,
    /// The most seats that one user may have of all concerts of the sale.
    pub(crate) max_seats_of_sale: Option<u32>,
}

impl Concert {
    /// One of the default sale in UTC, without limits, in its first version.
    #[cfg(test)]
    pub(crate) fn on(date: NaiveDate) -> Self {
        Self {
            version: 1,
            date,
            time_zone: None,
            bookable: Bookable::new(ConcertStatus::OnSale, date, TimeZone::UTC),
            max_seats_per_user: None,
            sale: SaleId::DEFAULT,
            sale_closes_at: None,
            max_seats_of_sale: None,
        }
    }

    /// Its columns, in the order of `REMEMBERED`.
    pub(crate) fn values(&self) -> [Value; REMEMBERED.len()] {
        let zone = self.time_zone.map_or(Value::Nothing, |zone| Value::Name(zone.name()));
        let status = Value::Keyword(self.bookable.status.as_str());
        [self.version.into(), Value::Date(self.date), zone, status, self.max_seats_per_user.into()]
    }
}

/// Consecutive seats of one row, section and price.
#[derive(Debug, Clone)]
struct SeatRun {
    first: SeatNumber,
    last: SeatNumber,
    section: Option<Arc<str>>,
    row: Option<Arc<str>>,
    price: Money,
}

/// A hall, by number, as it is at one version of its concert.
#[derive(Debug)]
pub(super) struct HallLayout {
    concert: Concert,
    runs: Vec<SeatRun>,
}

impl HallLayout {
    /// The concert's sale.
    pub(super) const fn sale(&self) -> SaleId {
        self.concert.sale
    }

    /// The concert; that its row is still so is assumed.
    pub(super) fn concert(&self, id: ConcertId, assumptions: &Assumptions) -> Concert {
        let of = Key::row(id.as_uuid());
        for (column, value) in REMEMBERED.into_iter().zip(self.concert.values()) {
            assumptions.record(column, of, Test::Equals(value));
        }
        self.concert
    }

    /// A seat of which nobody has read who has it; `None`: the layout has no such seat.
    pub(super) fn unread_seat(&self, key: SeatKey, assumptions: &Assumptions) -> Option<Seat> {
        // Runs are in order and apart: only the first that ends at the seat or behind it may have it.
        let run = self.runs.get(self.runs.partition_point(|run| run.last < key.seat))?;
        let names = [run.section.clone(), run.row.clone()];
        (run.first <= key.seat).then(|| Seat::unread(assumptions, key, names, run.price))
    }
}

/// The halls that were read before. A concert that was not there is not kept: it may come.
#[derive(Debug, Default)]
pub(crate) struct HallLayouts(RwLock<HashMap<ConcertId, Arc<HallLayout>>>);

/// Concerts, and the layouts of those that are not remembered.
pub(super) struct ConcertReading {
    concerts: Reading,
    layouts: Reading,
}

impl HallLayouts {
    pub(super) fn get(&self, concert: ConcertId) -> Option<Arc<HallLayout>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&concert).cloned()
    }

    /// Reads `concerts`, and then the layouts of `halls` that are not remembered. In this order a layout is never older
    /// than its version.
    pub(super) fn select(
        &self,
        script: &mut Script,
        concerts: Vec<ConcertId>,
        halls: Vec<ConcertId>,
    ) -> ConcertReading {
        let concerts = script.select_keys(&CONCERTS, concerts, |params, ids| params.list("concerts", ids));
        let remembered = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let unknown: HashSet<_> = halls.into_iter().filter(|hall| !remembered.contains_key(hall)).collect();
        // Those that are left out now are read by later batches.
        let unknown = unknown.into_iter().take(MOST_AT_ONCE).collect();
        let layouts = script.select_keys(&LAYOUTS, unknown, |params, ids| params.list("concerts", ids));
        ConcertReading { concerts, layouts }
    }

    /// The concerts there are. Remembers the layouts that came with them, and forgets those of another version.
    /// `house`: the zone of concerts that name none.
    pub(super) fn read(
        &self,
        selected: &ResultSet,
        reading: &ConcertReading,
        house: TimeZone,
    ) -> Result<HashMap<ConcertId, Concert>, Failure> {
        let concert = |row: &MySqlRow| {
            let concert = Concert {
                version: row.try_get("version")?,
                date: row.try_get("date")?,
                time_zone: read_zone(row)?,
                bookable: Bookable::read(row, house)?,
                max_seats_per_user: row.try_get("max_seats_per_user")?,
                sale: row.try_get("sale_id")?,
                sale_closes_at: row.try_get("closes_at")?,
                max_seats_of_sale: row.try_get("max_seats_of_sale")?,
            };
            Ok((row.try_get("id")?, concert))
        };
        let concerts: HashMap<ConcertId, Concert> =
            selected.rows(&reading.concerts).map(concert).collect::<Result<_, sqlx::Error>>()?;
        let mut runs: HashMap<ConcertId, Vec<SeatRun>> = HashMap::new();
        let (mut section, mut seat_row) = (None, None);
        for row in selected.rows(&reading.layouts) {
            runs.entry(row.try_get("concert_id")?).or_default().push(SeatRun {
                first: row.try_get("first_seat")?,
                last: row.try_get("last_seat")?,
                section: shared(&mut section, row.try_get("section")?),
                row: shared(&mut seat_row, row.try_get("seat_row")?),
                price: row.try_get("price")?,
            });
        }
        let layouts = runs
            .into_iter()
            .filter_map(|(id, runs)| Some((id, Arc::new(HallLayout { concert: *concerts.get(&id)?, runs }))));
        self.keep(layouts.collect(), &concerts);
        Ok(concerts)
    }

    /// As if a hall had been read, by number.
    #[cfg(test)]
    pub(crate) fn remember(&self, id: ConcertId, concert: Concert, seats: Vec<(SeatNumber, Seat)>) {
        let run = |(number, seat): (SeatNumber, Seat)| {
            let Seat { section, row, price, .. } = seat;
            SeatRun { first: number, last: number, section, row, price }
        };
        let layout = HallLayout { concert, runs: seats.into_iter().map(run).collect() };
        self.keep(vec![(id, Arc::new(layout))], &HashMap::from([(id, concert)]));
    }

    fn keep(&self, read: Vec<(ConcertId, Arc<HallLayout>)>, concerts: &HashMap<ConcertId, Concert>) {
        let is_other =
            |(id, concert): (&ConcertId, &Concert)| self.get(*id).is_some_and(|layout| layout.concert != *concert);
        // Mostly nothing is new, and then no batch waits for the lock of another.
        if read.is_empty() && !concerts.iter().any(is_other) {
            return;
        }
        let mut remembered = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Halls that this batch has not asked for stay.
        remembered.retain(|id, layout| concerts.get(id).is_none_or(|concert| *concert == layout.concert));
        let runs = |layout: &Arc<HallLayout>| layout.runs.len();
        let added: usize = read.iter().map(|(_, layout)| runs(layout)).sum();
        if remembered.values().map(runs).sum::<usize>() + added > MOST_RUNS {
            remembered.clear();
        }
        remembered.extend(read);
    }
}

/// States that concerts are as they were remembered.
pub(super) fn guard_concerts(script: &mut Script, assumed: &mut Assumed) {
    let taken = REMEMBERED.map(|column| assumed.take(column));
    let is_equality = |(_, test): &(Key, Test)| matches!(test, Test::Equals(_));
    // `HallLayout::concert` records all at once.
    let count = taken[0].len();
    if !taken.iter().all(|tests| tests.len() == count && tests.iter().all(is_equality)) {
        for (column, tests) in REMEMBERED.into_iter().zip(taken) {
            assumed.put_back(column, tests);
        }
        return;
    }
    let value = |of: usize, nth: usize| match taken[of][nth].1 {
        // Only equalities come here.
        Test::Equals(value) | Test::AtLeast(value) | Test::AtMost(value) => value,
    };
    script.require_count("looking for concerts", count, &COUNT_CONCERTS, |params| {
        params.each(0..count, |part, nth| {
            let part = part.bind("concert", taken[0][nth].0.id()).bind("version", value(0, nth));
            part.bind("date", value(1, nth))
                .bind("time_zone", value(2, nth))
                .bind("status", value(3, nth))
                .bind("limit", value(4, nth))
        })
    });
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn guard(record: impl FnOnce(&Assumptions)) -> (String, Assumed) {
        let assumptions = Assumptions::default();
        record(&assumptions);
        let (mut script, mut assumed) = (Script::default(), assumptions.take());
        guard_concerts(&mut script, &mut assumed);
        (script.into_text(), assumed)
    }

    #[test]
    fn a_concert_is_counted_by_all_that_is_remembered_of_it() {
        let date = NaiveDate::from_ymd_opt(2027, 3, 1).expect("a date");
        let concert = Concert { version: 7, ..Concert::on(date) };
        let layout = HallLayout { concert, runs: Vec::new() };
        let id = ConcertId::from_uuid(Uuid::from_u128(0xab));
        let (script, assumed) = guard(|assumptions| {
            layout.concert(id, assumptions);
        });
        assert!(assumed.is_empty(), "{assumed:?}");
        let condition = "(id = x'000000000000000000000000000000ab' and version = 7 and date = '2027-03-01' \
                         and time_zone <=> null and status = 'ON_SALE' and max_seats_per_user <=> null)) = 1";
        assert!(script.contains(condition), "{script}");
    }

    #[test]
    fn a_question_that_the_guard_does_not_state_is_left() {
        let of = Key::row(Uuid::from_u128(0xab));
        let date = Test::Equals(Value::Date(NaiveDate::MIN));
        let (zone, status) = (Test::Equals(Value::Nothing), Test::Equals(Value::Keyword("ON_SALE")));
        let questions: [&[(Column, Test)]; 3] = [
            &[(DATE, date)],
            &[(VERSION, Test::Equals(Value::Number(7))), (DATE, date)],
            &[(VERSION, Test::AtLeast(Value::Number(7))), (DATE, date), (TIME_ZONE, zone), (STATUS, status)],
        ];
        for questions in questions {
            let (script, assumed) = guard(|assumptions| {
                questions.iter().for_each(|(about, test)| assumptions.record(*about, of, *test));
            });
            assert!(!assumed.is_empty(), "{questions:?} of {script}");
        }
    }
}
