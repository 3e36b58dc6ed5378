//! Checks a hall and gives each seat its number.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;

use super::hall::{LONGEST_ROW, MOST_SEATS, Mark, Marking, RowSeats, SeatRow, Section, SectionRows};
use crate::error::Error;
use crate::id::SeatNumber;
use crate::name::{LONGEST_SECTION, SECTION_RULE, free_text};

/// The longest list of marks of a seat, with commas between, in characters.
pub(crate) const LONGEST_MARKS: usize = 255;

/// A section whose seats have their numbers. Names are as they are stored.
#[derive(Debug)]
pub(crate) struct NumberedSection<'s> {
    pub(crate) section: &'s Section,
    pub(crate) name: Option<String>,
    pub(crate) rows: Vec<NumberedRow<'s>>,
    /// The marks of single seats, by number.
    marked: BTreeMap<i32, BTreeSet<&'s Mark>>,
}

/// The seats of a row, or of a section without rows, from one end to the other.
#[derive(Debug)]
pub(crate) struct NumberedRow<'s> {
    pub(crate) name: Option<String>,
    pub(crate) numbers: Vec<i32>,
    /// Whether the numbers go up by one, and so are places themselves.
    is_consecutive: bool,
    detail: Option<&'s SeatRow>,
}

impl<'s> NumberedRow<'s> {
    fn new(name: String, numbers: Vec<i32>, detail: Option<&'s SeatRow>) -> Self {
        // Then no places are stored: most rows are such, and a hall has many seats.
        let is_consecutive = numbers.is_sorted_by(|one, next| one + 1 == *next);
        Self { name: Some(name), numbers, is_consecutive, detail }
    }

    /// Of a section without rows.
    const fn without_name(numbers: Vec<i32>) -> Self {
        Self { name: None, numbers, is_consecutive: true, detail: None }
    }

    /// The place of the nth seat; `None`: its number.
    pub(crate) fn place(&self, nth: usize) -> Option<i32> {
        let place = match &self.detail?.places {
            Some(places) => places[nth],
            None if self.is_consecutive => return None,
            // Numbers that jump, as odd and even ones do, say nothing about who sits beside whom.
            None => nth as i32 + 1,
        };
        Some(place)
    }

    pub(crate) fn point(&self, nth: usize) -> Option<(i32, i32)> {
        self.detail?.points.as_ref().map(|points| points[nth])
    }

    /// The row's seats in runs of consecutive numbers: the first and the last of each.
    pub(crate) fn runs(&self) -> Vec<(i32, i32)> {
        let mut numbers = self.numbers.clone();
        numbers.sort_unstable();
        numbers.chunk_by(|one, next| one + 1 == *next).map(|run| (run[0], run[run.len() - 1])).collect()
    }
}

impl NumberedSection<'_> {
    /// All marks of a seat in a row, with commas between.
    pub(crate) fn marks(&self, row: &NumberedRow<'_>, number: i32) -> Option<String> {
        let whole = self.section.marks.iter().filter(|marking| marking.seats.is_none()).map(|marking| &marking.mark);
        let of_row = row.detail.into_iter().flat_map(|row| &row.marks);
        let mut marks: BTreeSet<&Mark> = whole.chain(of_row).collect();
        marks.extend(self.marked.get(&number).into_iter().flatten());
        let marks: Vec<_> = marks.into_iter().map(Mark::as_str).collect();
        (!marks.is_empty()).then(|| marks.join(","))
    }
}

/// The sections with their seats numbered, from `first` on where they have no numbers of their own. Checks all that the
/// sections say.
pub(crate) fn numbered(sections: &[Section], first: i64) -> Result<Vec<NumberedSection<'_>>, Error> {
    check_size(sections, first)?;
    let mut with_rows = HashSet::new();
    let mut seen = HashSet::new();
    let mut next = first;
    let mut all = Vec::with_capacity(sections.len());
    for section in sections {
        let name = section.name.as_deref().map(|name| free_text(name, LONGEST_SECTION, SECTION_RULE)).transpose()?;
        // Two sections without rows may share a name: their seats have numbers alone.
        if section.has_rows() && !with_rows.insert(name.clone()) {
            let same = name.map_or("without a name".to_owned(), |name| format!("called {name}"));
            return Err(Error::invalid(format!(
                "two sections with rows are {same}: nobody could tell their rows apart"
            )));
        }
        let rows = number_rows(section, &mut next)?;
        // Rows that are made here are called 1, 2, 3 and so on.
        if let SectionRows::Named(_) = section.rows {
            check_row_names(&rows)?;
        }
        let marked = single_marks(section, &rows)?;
        let section = NumberedSection { section, name, rows, marked };
        check_marks(&section)?;
        all.push(section);
    }
    // Without lists of numbers no two seats can have one number.
    if sections.iter().any(has_lists)
        && let Some(twice) =
            all.iter().flat_map(|one| &one.rows).flat_map(|row| &row.numbers).find(|n| !seen.insert(**n))
    {
        return Err(Error::invalid(format!(
            "two seats have the number {twice}; a number names one seat of the concert"
        )));
    }
    Ok(all)
}

fn check_size(sections: &[Section], first: i64) -> Result<(), Error> {
    let no_seats = || Error::invalid("a section has at least 1 seat, and in each of its rows");
    for section in sections {
        let has_empty_row = match &section.rows {
            SectionRows::None(seats) | SectionRows::Equal { seats, .. } => *seats == 0,
            SectionRows::Named(rows) => rows.is_empty() || rows.iter().any(|row| row.len() == 0),
        };
        if has_empty_row || section.seats() == 0 {
            return Err(no_seats());
        }
    }
    // The sizes come from outside, so their sum may be more than fits.
    let seats = sections.iter().fold(0, |seats: u64, section| seats.saturating_add(section.seats()));
    let last = i64::try_from(seats).unwrap_or(i64::MAX).saturating_add(first - 1);
    if seats == 0 || last > i64::from(i32::MAX) {
        return Err(Error::invalid(format!("a concert has 1 to {} seats", i32::MAX)));
    }
    if seats > MOST_SEATS {
        return Err(Error::invalid(format!("at most {MOST_SEATS} seats are added at once")));
    }
    Ok(())
}

fn has_lists(section: &Section) -> bool {
    match &section.rows {
        SectionRows::None(_) | SectionRows::Equal { .. } => false,
        SectionRows::Named(rows) => rows.iter().any(|row| matches!(row.seats, RowSeats::Numbers(_))),
    }
}

/// The rows of a section. `next` is the number after the highest so far.
fn number_rows<'s>(section: &'s Section, next: &mut i64) -> Result<Vec<NumberedRow<'s>>, Error> {
    match &section.rows {
        SectionRows::None(seats) => Ok(vec![NumberedRow::without_name(go_on(next, *seats)?)]),
        SectionRows::Equal { rows, seats } => {
            (1..=*rows).map(|row| Ok(NumberedRow::new(row.to_string(), go_on(next, *seats)?, None))).collect()
        }
        SectionRows::Named(rows) => rows.iter().map(|row| number_row(row, next)).collect(),
    }
}

fn number_row<'s>(row: &'s SeatRow, next: &mut i64) -> Result<NumberedRow<'s>, Error> {
    let rule = format_args!("the name of a row is 1 to {LONGEST_ROW} characters, no spaces around");
    let name = free_text(&row.name, LONGEST_ROW, rule)?;
    let numbers: Vec<_> = match &row.seats {
        RowSeats::Count(count) => go_on(next, *count)?,
        RowSeats::Numbers(numbers) => numbers.iter().map(|number| number.get()).collect(),
    };
    let highest = numbers.iter().map(|number| i64::from(*number) + 1).max();
    // After the highest of the row, not after its last: printed numbers may stand in any order.
    *next = highest.map_or(*next, |highest| highest.max(*next));
    let seats = numbers.len();
    // Neighbours are seats whose places differ by one, so no place can come twice.
    if let Some(places) = &row.places {
        let distinct: HashSet<_> = places.iter().collect();
        if places.len() != seats || distinct.len() != seats || places.iter().any(|place| *place < 1) {
            return Err(Error::invalid(format!(
                "row {name} has {seats} seats: it needs as many places, all different and from 1 on"
            )));
        }
    }
    if row.points.as_ref().is_some_and(|points| points.len() != seats) {
        return Err(Error::invalid(format!("row {name} has {seats} seats: it needs as many points")));
    }
    Ok(NumberedRow::new(name, numbers, Some(row)))
}

/// The next numbers.
fn go_on(next: &mut i64, count: u32) -> Result<Vec<i32>, Error> {
    let from = *next;
    *next += i64::from(count);
    (from..*next).map(|number| Ok(SeatNumber::new(number)?.get())).collect()
}

fn check_row_names(rows: &[NumberedRow<'_>]) -> Result<(), Error> {
    let mut names = HashSet::new();
    match rows.iter().filter_map(|row| row.name.as_deref()).find(|name| !names.insert(*name)) {
        Some(name) => Err(Error::invalid(format!("two rows of a section are called {name}"))),
        None => Ok(()),
    }
}

/// The marks that name their seats.
fn single_marks<'s>(
    section: &'s Section,
    rows: &[NumberedRow<'_>],
) -> Result<BTreeMap<i32, BTreeSet<&'s Mark>>, Error> {
    let mut marked: BTreeMap<i32, BTreeSet<&Mark>> = BTreeMap::new();
    if section.marks.iter().all(|marking| marking.seats.is_none()) {
        return Ok(marked);
    }
    let numbers: HashSet<i32> = rows.iter().flat_map(|row| row.numbers.iter().copied()).collect();
    for Marking { mark, seats } in &section.marks {
        for seat in seats.iter().flatten() {
            if !numbers.contains(&seat.get()) {
                return Err(Error::invalid(format!("seat {seat} is marked {mark}, and is not in that section")));
            }
            marked.entry(seat.get()).or_default().insert(mark);
        }
    }
    Ok(marked)
}

fn check_marks(section: &NumberedSection<'_>) -> Result<(), Error> {
    // Of all marks together, so that not every seat has to be looked at.
    let of_rows = section.rows.iter().filter_map(|row| row.detail).flat_map(|row| &row.marks);
    let all: BTreeSet<&Mark> = section.section.marks.iter().map(|marking| &marking.mark).chain(of_rows).collect();
    if marks_fit(all.into_iter()) {
        return Ok(());
    }
    Err(Error::invalid(format!("the marks of a section have at most {LONGEST_MARKS} characters together")))
}

/// Whether a seat can have all these marks: they are stored with commas between.
pub(crate) fn marks_fit<'m>(marks: impl Iterator<Item = &'m Mark>) -> bool {
    marks.map(|mark| mark.as_str().len() + 1).sum::<usize>() <= LONGEST_MARKS + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;

    fn of_rows(rows: Vec<SeatRow>) -> Section {
        Section::of_rows(rows, Money::ZERO).with_name("Stalls")
    }

    fn seats(numbers: &[i64]) -> Vec<SeatNumber> {
        numbers.iter().map(|number| SeatNumber::new(*number).expect("a seat")).collect()
    }

    /// Each seat's number and place.
    fn places(sections: &[Section]) -> Vec<(i32, i32)> {
        let all = numbered(sections, 1).expect("a hall");
        let rows = all.iter().flat_map(|section| &section.rows);
        rows.flat_map(|row| {
            row.numbers.iter().enumerate().map(|(nth, number)| (*number, row.place(nth).unwrap_or(*number)))
        })
        .collect()
    }

    #[test]
    fn printed_numbers_stand_side_by_side_in_their_order_and_the_next_row_goes_on_after_the_highest() {
        let odd_and_even = SeatRow::numbered("A", seats(&[1, 3, 5, 2, 4, 6]));
        let found = places(&[of_rows(vec![odd_and_even, SeatRow::of("B", 2)])]);
        assert_eq!(found, [(1, 1), (3, 2), (5, 3), (2, 4), (4, 5), (6, 6), (7, 7), (8, 8)]);
    }

    #[test]
    fn an_aisle_is_a_gap_between_places() {
        let found = places(&[of_rows(vec![SeatRow::numbered("A", seats(&[1, 3, 2, 4])).with_places([1, 2, 4, 5])])]);
        assert_eq!(found, [(1, 1), (3, 2), (2, 4), (4, 5)]);
    }

    #[test]
    fn a_row_is_in_runs_of_consecutive_numbers_however_they_stand() {
        let section = of_rows(vec![SeatRow::numbered("A", seats(&[1, 3, 5, 2, 9, 8]))]);
        let sections = [section];
        let all = numbered(&sections, 1).expect("a hall");
        assert_eq!(all[0].rows[0].runs(), [(1, 3), (5, 5), (8, 9)]);
    }

    #[test]
    fn marks_are_of_the_section_of_the_row_and_of_single_seats() {
        let mark = |text: &str| text.parse::<Mark>().expect("a mark");
        let rows = vec![SeatRow::of("A", 2).with_marks(vec![mark("aisle")]), SeatRow::of("B", 1)];
        let marks = vec![Marking::all(mark("view")), Marking::of(mark("accessible"), seats(&[2]))];
        let sections = [of_rows(rows).with_marks(marks)];
        let all = numbered(&sections, 1).expect("a hall");
        let of = |row: usize, number| all[0].marks(&all[0].rows[row], number);
        assert_eq!(of(0, 1).as_deref(), Some("AISLE,VIEW"));
        assert_eq!(of(0, 2).as_deref(), Some("ACCESSIBLE,AISLE,VIEW"));
        assert_eq!(of(1, 3).as_deref(), Some("VIEW"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let refused = |section: Section, why: &str| {
            let sections = [section];
            let said = numbered(&sections, 1).expect_err(why).to_string();
            assert!(said.contains(why), "{said}");
        };
        refused(of_rows(vec![]), "at least 1 seat");
        refused(of_rows(vec![SeatRow::of("A", 0)]), "at least 1 seat");
        refused(of_rows(vec![SeatRow::numbered("A", seats(&[1, 2, 1]))]), "two seats have the number 1");
        refused(of_rows(vec![SeatRow::of("A", 3), SeatRow::numbered("B", seats(&[3]))]), "two seats have the number 3");
        refused(of_rows(vec![SeatRow::of("A", 1), SeatRow::of("A", 1)]), "two rows of a section are called A");
        refused(of_rows(vec![SeatRow::of("", 1)]), "the name of a row");
        refused(of_rows(vec![SeatRow::of("A", 2).with_places([1])]), "as many places");
        refused(of_rows(vec![SeatRow::of("A", 2).with_places([1, 1])]), "all different");
        refused(of_rows(vec![SeatRow::of("A", 2).with_points(vec![(0, 0)])]), "as many points");
        let elsewhere = vec![Marking::of("x".parse().expect("a mark"), seats(&[9]))];
        refused(of_rows(vec![SeatRow::of("A", 2)]).with_marks(elsewhere), "is not in that section");
    }
}
