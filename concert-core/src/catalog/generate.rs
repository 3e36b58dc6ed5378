//! Makes halls and stadiums up: rows, aisles and points for a drawing, from a few numbers.

use std::f64::consts::TAU;

use super::hall::{MOST_SEATS, SeatRow, Section};
use crate::error::Error;
use crate::money::Money;

/// How far neighbours stand apart in a drawing, and rows.
const SPACING: i32 = 10;
/// Rows of this length and longer have an aisle in their middle.
const SHORTEST_WITH_AISLE: u32 = 8;
/// The longest row of a hall.
const LONGEST_ROW: u32 = 1_000;
/// The most seats of a block of a stadium, and of one of its rows.
const BLOCK: u32 = 500;
const BLOCK_ROW: u32 = 20;
/// How far the first row of a stadium is from the middle of the field, in rows; and how far a ring from the one before it.
const FIELD: u32 = 40;
const BETWEEN_RINGS: u32 = 4;

/// A part of a hall to make up: seats of one price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallPart {
    name: String,
    seats: u32,
    price: Money,
}

impl HallPart {
    /// So many seats at this price, called so.
    #[must_use]
    pub fn new(name: impl Into<String>, seats: u32, price: Money) -> Self {
        Self { name: name.into(), seats, price }
    }
}

/// The sections of a hall, one for each part, front to back. All rows but the last of a section have `row_length` seats;
/// those of 8 seats and more have an aisle in their middle. Rows are numbered through the whole hall.
///
/// # Errors
/// [`Error::InvalidInput`]: a part without seats, more than a million seats, or rows of no or of more than 1 000 seats.
pub fn generate_hall(parts: &[HallPart], row_length: u32) -> Result<Vec<Section>, Error> {
    check(parts)?;
    if !(1..=LONGEST_ROW).contains(&row_length) {
        return Err(Error::invalid(format!("a row has 1 to {LONGEST_ROW} seats")));
    }
    // From the full length, also for a last row that is shorter: aisles go straight through the hall.
    let aisle = (row_length >= SHORTEST_WITH_AISLE).then_some(row_length / 2);
    let mut row = 0;
    let section = |part: &HallPart| {
        let rows = lengths(part.seats, row_length).map(|length| {
            row += 1;
            let places: Vec<_> =
                // Behind the aisle, places go on one later: seats on its two sides are no neighbours.
                (1..=length).map(|nth| (nth + u32::from(aisle.is_some_and(|at| nth > at))) as i32).collect();
            let points = places.iter().map(|place| (place * SPACING, row * SPACING)).collect();
            let of_row = SeatRow::of(row.to_string(), length).with_points(points);
            if aisle.is_some_and(|at| length > at) { of_row.with_places(places) } else { of_row }
        });
        Section::of_rows(rows.collect(), part.price).with_name(&part.name)
    };
    Ok(parts.iter().map(section).collect())
}

/// The sections of a stadium: each part is a ring around the field, the first the nearest, in blocks of up to 500 seats,
/// called by the part's name and a number. A block has rows of up to 20 seats.
///
/// # Errors
/// [`Error::InvalidInput`]: a part without seats, or more than a million seats.
pub fn generate_stadium(parts: &[HallPart]) -> Result<Vec<Section>, Error> {
    check(parts)?;
    let mut from = FIELD;
    let mut sections = Vec::new();
    for part in parts {
        // As few blocks as hold the seats, which are then spread over them, so none is nearly empty.
        let blocks = part.seats.div_ceil(BLOCK);
        let mut deepest = 0;
        for nth in 0..blocks {
            // Seats that do not divide go to the first blocks.
            let seats = part.seats / blocks + u32::from(nth < part.seats % blocks);
            let rows: Vec<_> = (1..)
                .zip(lengths(seats, BLOCK_ROW))
                .map(|(row, length)| {
                    let points = (0..length).map(|seat| on_ring(from + row, (nth, blocks), (seat, length))).collect();
                    SeatRow::of(row.to_string(), length).with_points(points)
                })
                .collect();
            deepest = deepest.max(rows.len() as u32);
            sections.push(Section::of_rows(rows, part.price).with_name(format!("{} {}", part.name, nth + 1)));
        }
        from += deepest + BETWEEN_RINGS;
    }
    Ok(sections)
}

/// Where a seat of a row of a block stands; a tenth of each block's arc is the way to the next one.
fn on_ring(radius: u32, (block, blocks): (u32, u32), (seat, seats): (u32, u32)) -> (i32, i32) {
    // A twentieth stays free on both sides: the aisles between the blocks.
    let within = (f64::from(seat) + 0.5) / f64::from(seats) * 0.9 + 0.05;
    let angle = (f64::from(block) + within) / f64::from(blocks) * TAU;
    let radius = f64::from(radius) * f64::from(SPACING);
    ((radius * angle.cos()).round() as i32, (radius * angle.sin()).round() as i32)
}

/// The lengths of the rows that so many seats make.
fn lengths(seats: u32, longest: u32) -> impl Iterator<Item = u32> {
    let rest = seats % longest;
    (0..seats / longest).map(move |_| longest).chain((rest > 0).then_some(rest))
}

fn check(parts: &[HallPart]) -> Result<(), Error> {
    if parts.is_empty() || parts.iter().any(|part| part.seats == 0) {
        return Err(Error::invalid("a hall has at least one part, and each part at least 1 seat"));
    }
    if parts.iter().map(|part| u64::from(part.seats)).sum::<u64>() > MOST_SEATS {
        return Err(Error::invalid(format!("at most {MOST_SEATS} seats are made up at once")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::numbering::numbered;

    fn parts(seats: &[u32]) -> Vec<HallPart> {
        seats.iter().zip(["VIP", "R", "S"]).map(|(seats, name)| HallPart::new(name, *seats, Money::ZERO)).collect()
    }

    #[test]
    fn a_hall_has_its_seats_in_rows_with_an_aisle_in_the_middle() {
        let sections = generate_hall(&parts(&[200, 400, 600]), 30).expect("a hall");
        assert_eq!(sections.iter().map(Section::seats).collect::<Vec<_>>(), [200, 400, 600]);
        let all = numbered(&sections, 1).expect("is one that can be added");
        let first = &all[0].rows[0];
        assert_eq!((first.place(14), first.place(15)), (Some(15), Some(17)));
        assert_eq!(all[1].rows[0].name.as_deref(), Some("8"), "rows are numbered through the hall");
    }

    #[test]
    fn a_stadium_of_65_000_seats_is_in_blocks_that_nobody_confuses() {
        let sections = generate_stadium(&parts(&[5_000, 20_000, 40_000])).expect("a stadium");
        assert_eq!(sections.iter().map(Section::seats).sum::<u64>(), 65_000);
        assert!(sections.iter().all(|section| section.seats() <= u64::from(BLOCK)));
        let all = numbered(&sections, 1).expect("is one that can be added");
        let points: hashbrown::HashSet<_> =
            all.iter().flat_map(|s| &s.rows).flat_map(|row| (0..row.numbers.len()).map(|nth| row.point(nth))).collect();
        assert!(points.len() > 64_000, "hardly two seats are drawn at one point: {}", points.len());
    }

    #[test]
    fn what_is_no_hall_is_refused() {
        assert!(
            generate_hall(&[], 10).is_err()
                && generate_hall(&parts(&[0]), 10).is_err()
                && generate_hall(&parts(&[5]), 0).is_err()
        );
        assert!(generate_stadium(&parts(&[1_000_001])).is_err());
    }
}
