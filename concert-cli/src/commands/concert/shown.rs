//! What the commands of concerts print.

use chrono::{NaiveDate, NaiveTime};
use concert_core::{
    ConcertChanged, ConcertDetails, ConcertId, ConcertSections, Money, NewConcert, SaleId, Section, SectionView,
    TimeZone, Timestamp,
};
use serde::Serialize;
use serde_json::Value;

use crate::table::{Show, day, facts, moment, table, word};
use crate::texts::{money, price_range, told_name};

/// A concert as all of them are printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConcertRow {
    concert_id: ConcertId,
    sale_id: SaleId,
    name: String,
    date: NaiveDate,
    starts_at: Option<String>,
    starts_at_utc: Option<Timestamp>,
    time_zone: TimeZone,
    status: String,
    cancel_reason: Option<String>,
    max_seats_per_user: Option<u32>,
    seats: u64,
    created_at: Timestamp,
    version: u32,
}

impl From<ConcertDetails> for ConcertRow {
    fn from(concert: ConcertDetails) -> Self {
        Self {
            starts_at_utc: concert.begins(),
            concert_id: concert.id,
            sale_id: concert.sale,
            name: concert.name,
            date: concert.date,
            starts_at: concert.starts_at.map(time_of_day),
            time_zone: concert.time_zone,
            status: concert.status.to_string(),
            cancel_reason: concert.cancel_reason,
            max_seats_per_user: concert.max_seats_per_user,
            seats: concert.seats,
            created_at: concert.created_at,
            version: concert.version,
        }
    }
}

fn time_of_day(time: NaiveTime) -> String {
    let text = time.format("%H:%M:%S").to_string();
    // Seconds are said only where there are any.
    text.strip_suffix(":00").map_or_else(|| text.clone(), str::to_owned)
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// All concerts.
#[derive(Serialize)]
pub(super) struct Concerts {
    concerts: Vec<ConcertRow>,
}

impl Concerts {
    pub(super) fn of(concerts: Vec<ConcertDetails>) -> Self {
        Self { concerts: concerts.into_iter().map(ConcertRow::from).collect() }
    }
}

impl Show for Concerts {
    fn text(&self) -> String {
        let row = |row: &ConcertRow| {
            [
                day(row.date),
                or_dash(row.starts_at.clone()),
                row.time_zone.to_string(),
                row.name.clone(),
                row.status.clone(),
                row.seats.to_string(),
            ]
        };
        let rows: Vec<_> = self.concerts.iter().map(row).collect();
        table(["Date", "Starts", "Zone", "Concert", "Status", "Seats"], &rows)
    }
}

/// One concert, with its sections.
#[derive(Serialize)]
pub(super) struct One {
    #[serde(flatten)]
    concert: ConcertRow,
    sections: Vec<SectionRow>,
}

/// The seats of a section in short.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SectionRow {
    name: Option<String>,
    price: Money,
    highest_price: Money,
    seats: u64,
    free: u64,
    held: u64,
    sold: u64,
    blocked: u64,
}

impl From<SectionView> for SectionRow {
    fn from(section: SectionView) -> Self {
        let SectionView { name, lowest, highest, seats, free, held, sold, blocked, .. } = section;
        Self { name, price: lowest, highest_price: highest, seats, free, held, sold, blocked }
    }
}

impl One {
    pub(super) fn of(found: ConcertSections) -> Self {
        let sections = found.sections.into_iter().map(SectionRow::from).collect();
        Self { concert: found.concert.into(), sections }
    }
}

impl Show for One {
    fn text(&self) -> String {
        let concert = &self.concert;
        let start = match concert.starts_at_utc {
            Some(at) => format!("{} {} ({})", or_dash(concert.starts_at.clone()), concert.time_zone, moment(at)),
            None => "-".to_owned(),
        };
        let mut lines = vec![
            ("concert id", concert.concert_id.to_string()),
            ("name", concert.name.clone()),
            ("date", day(concert.date)),
            ("starts", start),
            ("zone", concert.time_zone.to_string()),
            ("status", concert.status.clone()),
        ];
        lines.extend(concert.cancel_reason.clone().map(|reason| ("called off", reason)));
        let limit = concert.max_seats_per_user.map_or_else(|| word("no limit"), |seats| seats.to_string());
        lines.extend([
            ("sale id", concert.sale_id.to_string()),
            ("seats", concert.seats.to_string()),
            ("seats per user", limit),
            ("version", concert.version.to_string()),
        ]);
        let row = |row: &SectionRow| {
            let price = match row.price == row.highest_price {
                true => money(row.price),
                false => price_range(row.price, row.highest_price),
            };
            let counts = [row.seats, row.free, row.held, row.sold, row.blocked].map(|count| count.to_string());
            let [seats, free, held, sold, blocked] = counts;
            [or_dash(row.name.clone()), price, seats, free, held, sold, blocked]
        };
        let rows: Vec<_> = self.sections.iter().map(row).collect();
        let sections = table(["Section", "Price", "Seats", "Free", "Held", "Sold", "Blocked"], &rows);
        format!("{}\n{sections}", facts(lines))
    }
}

/// A concert that was added, or would be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Added {
    dry_run: bool,
    concert_id: ConcertId,
    sale_id: SaleId,
    name: String,
    date: NaiveDate,
    starts_at: Option<String>,
    time_zone: TimeZone,
    max_seats_per_user: Option<u32>,
    seats: u64,
    sections: Vec<AddedSection>,
}

#[derive(Serialize)]
struct AddedSection {
    name: Option<String>,
    price: Money,
    seats: u64,
}

impl Added {
    /// `house`: the zone of a concert that names none.
    pub(super) fn of(new: &NewConcert, house: TimeZone, dry_run: bool) -> Self {
        let section = |section: &Section| AddedSection {
            name: section.name.clone(),
            price: section.price,
            seats: section.seats(),
        };
        Self {
            dry_run,
            concert_id: new.id,
            sale_id: new.sale,
            name: new.name.clone(),
            date: new.date,
            starts_at: new.starts_at.map(time_of_day),
            time_zone: new.time_zone.unwrap_or(house),
            max_seats_per_user: new.max_seats_per_user,
            seats: new.seats(),
            sections: new.sections.iter().map(section).collect(),
        }
    }
}

impl Show for Added {
    fn text(&self) -> String {
        let id = match self.dry_run {
            true => word("not yet: this is a dry run"),
            false => self.concert_id.to_string(),
        };
        let lines = facts([
            ("concert id", id),
            ("name", self.name.clone()),
            ("date", day(self.date)),
            ("starts", or_dash(self.starts_at.clone())),
            ("zone", self.time_zone.to_string()),
            ("seats", self.seats.to_string()),
        ]);
        let row = |row: &AddedSection| [or_dash(row.name.clone()), money(row.price), row.seats.to_string()];
        let rows: Vec<_> = self.sections.iter().map(row).collect();
        format!("{lines}\n{}", table(["Section", "Price", "Seats"], &rows))
    }
}

/// What changed of a concert, or would.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changed {
    dry_run: bool,
    changes: Vec<Difference>,
    #[serde(flatten)]
    concert: ConcertRow,
}

#[derive(Serialize)]
struct Difference {
    field: &'static str,
    before: Value,
    after: Value,
}

impl Changed {
    pub(super) fn of(changed: ConcertChanged, dry_run: bool) -> Self {
        let difference = |(field, before, after)| Difference { field, before, after };
        let changes = changed.differences().into_iter().map(difference).collect();
        // Of a dry run: as it still is.
        let concert = if dry_run { changed.before } else { changed.after };
        Self { dry_run, changes, concert: concert.into() }
    }
}

impl Show for Changed {
    fn text(&self) -> String {
        let text = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows: Vec<_> = self
            .changes
            .iter()
            .map(|Difference { field, before, after }| [told_name(field), text(before), text(after)])
            .collect();
        let done = match (self.dry_run, rows.is_empty()) {
            (_, true) => word("nothing: it is so already"),
            (true, false) => word("not yet: this is a dry run"),
            (false, false) => word("yes"),
        };
        let lines = facts([
            ("concert id", self.concert.concert_id.to_string()),
            ("name", self.concert.name.clone()),
            ("changed", done),
            ("version", self.concert.version.to_string()),
        ]);
        if rows.is_empty() { lines } else { format!("{lines}\n{}", table(["Field", "Before", "After"], &rows)) }
    }
}
