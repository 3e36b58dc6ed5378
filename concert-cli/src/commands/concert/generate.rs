//! `concert generate`: a hall or a stadium, made up, as a file for `concert add`.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use clap::{Args, ValueEnum};
use concert_core::{HallPart, Money, RowSeats, Section, SectionRows, TimeZone, generate_hall, generate_stadium};
use serde_json::Value;

use super::{date, time};
use crate::failure::Failure;

/// Make up a hall or a stadium, and print it as a file for `concert add`
#[derive(Debug, Args)]
pub struct Opts {
    /// A hall has its sections front to back, in rows with an aisle in the middle; a stadium has rings of blocks around
    /// its field
    #[arg(value_enum)]
    kind: Kind,
    /// A section, front to back, or a ring from the field outwards: its name, how many seats, and what each costs
    #[arg(long = "section", value_name = "NAME:SEATS:PRICE", required = true)]
    sections: Vec<Part>,
    /// How many seats a row of a hall has
    #[arg(long, value_name = "COUNT", default_value_t = 30)]
    row_length: u32,
    /// The concert's name
    #[arg(long, value_name = "NAME", default_value = "Concert")]
    name: String,
    /// Its date
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: NaiveDate,
    /// When it begins: 20:00
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<NaiveTime>,
    /// The zone of its venue, an IANA name
    #[arg(long, value_name = "ZONE")]
    zone: Option<TimeZone>,
    /// How many seats one user may have
    #[arg(long, value_name = "COUNT")]
    max_seats_per_user: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Hall,
    Stadium,
}

/// `VIP:200:150000`.
#[derive(Debug, Clone)]
struct Part {
    name: String,
    seats: u32,
    price: Money,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("{text:?} is no section like VIP:200:150000");
        // From the right, since a name may have colons in it and numbers have none.
        let mut fields = text.rsplitn(3, ':');
        let (price, seats, name) = (fields.next(), fields.next(), fields.next());
        let (Some(price), Some(seats), Some(name)) = (price, seats, name) else { return Err(form()) };
        let price = price.parse::<Money>().map_err(|error| format!("{}: {error}", form()))?;
        Ok(Self { name: name.to_owned(), seats: seats.parse().map_err(|_| form())?, price })
    }
}

impl Opts {
    /// The file.
    pub(super) fn file(&self) -> Result<String, Failure> {
        let parts: Vec<_> =
            self.sections.iter().map(|part| HallPart::new(&part.name, part.seats, part.price)).collect();
        let sections = match self.kind {
            Kind::Hall => generate_hall(&parts, self.row_length)?,
            Kind::Stadium => generate_stadium(&parts)?,
        };
        let mut text = format!("name = {}\ndate = {}\n", quoted(&self.name), self.date);
        if let Some(start) = self.start {
            text += &format!("starts_at = {}\n", start.format("%H:%M:%S"));
        }
        if let Some(zone) = self.zone {
            text += &format!("time_zone = \"{zone}\"\n");
        }
        if let Some(seats) = self.max_seats_per_user {
            text += &format!("max_seats_per_user = {seats}\n");
        }
        for section in &sections {
            write_section(&mut text, section);
        }
        Ok(text)
    }
}

/// A basic string of TOML: JSON's escapes are among its own.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn write_section(text: &mut String, section: &Section) {
    *text += "\n[[sections]]\n";
    if let Some(name) = &section.name {
        *text += &format!("name = {}\n", quoted(name));
    }
    *text += &format!("price = {}\nrows = [\n", section.price);
    if let SectionRows::Named(rows) = &section.rows {
        for row in rows {
            let seats = match &row.seats {
                RowSeats::Count(count) => count.to_string(),
                RowSeats::Numbers(numbers) => format!("{numbers:?}"),
                _ => String::new(),
            };
            // Into a string: it cannot fail.
            let _ = write!(text, "    {{ name = {}, seats = {seats}", quoted(&row.name));
            if let Some(places) = &row.places {
                let _ = write!(text, ", places = {places:?}");
            }
            if let Some(points) = &row.points {
                let (x, y): (Vec<_>, Vec<_>) = points.iter().copied().unzip();
                let _ = write!(text, ", x = {x:?}");
                // In a hall a row is straight.
                let _ = match y.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|other| other == first) => write!(text, ", y = {first}"),
                    _ => write!(text, ", y = {y:?}"),
                };
            }
            *text += " },\n";
        }
    }
    *text += "]\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_a_name_a_number_and_a_price() {
        let part: Part = "Ring: upper:200:99.5".parse().expect("a section");
        assert_eq!((part.name.as_str(), part.seats, part.price.to_string()), ("Ring: upper", 200, "99.5".to_owned()));
        for text in ["", "VIP", "VIP:200", "VIP:many:1", "VIP:1:0.001"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
