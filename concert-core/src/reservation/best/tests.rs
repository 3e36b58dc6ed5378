//! Against a model that tries everything, in halls small enough for that.

use std::collections::BTreeSet;

use hashbrown::HashSet;
use proptest::prelude::*;

use super::*;

/// A hall as one would draw it: front to back, `_` is a free seat, `x` a taken one.
fn drawn(rows: &[(&str, &str)]) -> Vec<HallSeat> {
    let mut seats = Vec::new();
    for (nth, (section, row)) in rows.iter().enumerate() {
        for drawn in row.chars() {
            seats.push(HallSeat {
                number: SeatNumber::known(seats.len() as i32 + 1),
                section: (!section.is_empty()).then(|| Arc::from(*section)),
                row: Some(nth.to_string().into()),
                place: seats.len() as i32 + 1,
                free: drawn == '_',
            });
        }
    }
    seats
}

fn best(rows: &[(&str, &str)], count: usize, section: Option<&str>) -> Option<Vec<i32>> {
    let seats = Hall::new(drawn(rows)).best(count, section)?;
    Some(seats.into_iter().map(SeatNumber::get).collect())
}

#[test]
fn a_party_sits_in_the_middle_of_the_front_row() {
    let hall = [("", "_________"), ("", "_________")];
    assert_eq!(best(&hall, 3, None), Some(vec![4, 5, 6]));
    assert_eq!(best(&hall, 2, None), Some(vec![4, 5]));
    assert_eq!(best(&hall, 1, None), Some(vec![5]));
}

#[test]
fn who_can_sit_together_does_and_else_in_few_rows() {
    assert_eq!(best(&[("", "_x_"), ("", "_x_"), ("", "x__")], 2, None), Some(vec![8, 9]));
    assert_eq!(best(&[("", "__x"), ("", "xx_"), ("", "__x"), ("", "_x_")], 3, None), Some(vec![1, 2, 6]));
    assert_eq!(best(&[("", "__x__x__")], 4, None), Some(vec![1, 2, 4, 5]));
    // In two groups at any rate: the nearer ones.
    assert_eq!(best(&[("", "___xxx___xxxx___")], 4, None), Some(vec![3, 7, 8, 9]));
}

#[test]
fn no_seat_is_left_single_where_another_place_is_free() {
    // The middle would leave one on the left.
    assert_eq!(best(&[("", "_____")], 2, None), Some(vec![1, 2]));
    // The front row would.
    assert_eq!(best(&[("", "___"), ("", "____")], 2, None), Some(vec![4, 5]));
    // It cannot be helped.
    assert_eq!(best(&[("", "___")], 2, None), Some(vec![1, 2]));
    // Two and one would leave one of the second pair, two and the single one do not.
    assert_eq!(best(&[("", "__x__x_")], 3, None), Some(vec![4, 5, 7]));
}

#[test]
fn a_section_is_a_hall_of_its_own() {
    let hall = [("Front", "__x"), ("Back", "____"), ("Back", "xxxx")];
    assert_eq!(best(&hall, 3, Some("Front")), None);
    assert_eq!(best(&hall, 2, Some("Front")), Some(vec![1, 2]));
    assert_eq!(best(&hall, 2, Some("Back")), Some(vec![4, 5]));
    assert_eq!(best(&hall, 1, Some("Side")), None);
    assert_eq!(best(&hall, 7, None), None);
    let hall = Hall::new(drawn(&hall));
    assert!(hall.has_section("Back") && !hall.has_section("Side"));
    assert_eq!(Hall::new([]).best(0, None), Some(Vec::new()));
}

#[test]
fn a_section_without_rows_is_one_row_and_the_last_number_is_a_seat() {
    let seat =
        |number, free| HallSeat { number: SeatNumber::known(number), section: None, row: None, place: number, free };
    let mut hall = Hall::new((i32::MAX - 4..=i32::MAX).map(|number| seat(number, true)));
    assert_eq!(hall.best(5, None).map(|seats| seats.len()), Some(5));
    hall.take(SeatNumber::known(i32::MAX));
    assert_eq!(hall.best(5, None), None);
    hall.give_back(SeatNumber::known(i32::MAX));
    assert_eq!(hall.best(1, None), Some(vec![SeatNumber::known(i32::MAX - 2)]));
}

/// A row whose numbers are odd on one side and even on the other, with an aisle (`|`) or without.
fn odd_and_even(drawn: &str) -> Hall {
    let count = drawn.chars().filter(|seat| *seat != '|').count() as i32;
    let numbers = (1..=count).step_by(2).chain((2..=count).step_by(2));
    let places = drawn.chars().zip(1..).filter(|(seat, _)| *seat != '|');
    let mut seats: Vec<_> = places
        .zip(numbers)
        .map(|((seat, place), number)| HallSeat {
            number: SeatNumber::known(number),
            section: None,
            row: Some("A".into()),
            place,
            free: seat == '_',
        })
        .collect();
    seats.sort_by_key(|seat| seat.number);
    Hall::new(seats)
}

#[test]
fn neighbours_are_places_and_not_numbers_and_an_aisle_is_a_gap() {
    let numbers =
        |seats: Option<Vec<SeatNumber>>| seats.map(|seats| seats.iter().map(|seat| seat.get()).collect::<Vec<_>>());
    // 1 3 5 | 2 4 6
    let hall = odd_and_even("___|___");
    assert_eq!(numbers(hall.together(3, None)), Some(vec![1, 3, 5]));
    assert_eq!(numbers(hall.together(4, None)), None, "the aisle is between them");
    assert_eq!(numbers(hall.best(4, None)), Some(vec![1, 2, 3, 5]), "over the aisle, with nobody left single");
    assert_eq!(
        numbers(odd_and_even("x__|___").together(2, None)),
        Some(vec![3, 5]),
        "near the middle of the whole row"
    );
    // 1 3 5 7 2 4 6 8, without an aisle.
    let hall = odd_and_even("xx____xx");
    assert_eq!(numbers(hall.together(4, None)), Some(vec![2, 4, 5, 7]));
    assert_eq!(numbers(hall.together(2, None)), Some(vec![5, 7]), "two and two stay");
    assert_eq!(numbers(odd_and_even("_x_x").together(2, None)), None);
    assert_eq!(numbers(odd_and_even("_x_x").best(2, None)), Some(vec![1, 2]));
}

/// Rows of one hall, by place: which section each is in, and which of its seats are free. Sections may come back, rows
/// need not have names. A row with a name may have an aisle after its second seat, and odd numbers before even ones.
fn halls() -> impl Strategy<Value = Vec<HallSeat>> {
    let free = prop::collection::vec(prop::bool::weighted(0.6), 1..6);
    let row = (0..3_usize, any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.3), free);
    prop::collection::vec(row, 1..5).prop_map(|rows| {
        let mut seats: Vec<HallSeat> = Vec::new();
        for (nth, (section, named, has_aisle, alternates, free)) in rows.into_iter().enumerate() {
            let (before, count) = (seats.len(), free.len());
            let numbers: Vec<_> = match named && alternates {
                true => (0..count).step_by(2).chain((1..count).step_by(2)).collect(),
                false => (0..count).collect(),
            };
            for (at, free) in free.into_iter().enumerate() {
                let aisle = usize::from(named && has_aisle && at >= 2);
                seats.push(HallSeat {
                    number: SeatNumber::known((before + numbers[at]) as i32 + 1),
                    section: [None, Some("Front"), Some("Back")][section].map(Arc::from),
                    row: named.then(|| nth.to_string().into()),
                    place: (before + at + aisle) as i32 + 1,
                    free,
                });
            }
        }
        seats
    })
}

fn by_number(seats: &[HallSeat]) -> Vec<HallSeat> {
    let mut seats = seats.to_vec();
    seats.sort_by_key(|seat| seat.number);
    seats
}

fn are_neighbours(one: &HallSeat, next: &HallSeat) -> bool {
    one.place + 1 == next.place && one.section == next.section && one.row == next.row
}

fn are_in_one_row(one: &HallSeat, next: &HallSeat) -> bool {
    are_neighbours(one, next) || (one.row.is_some() && one.row == next.row && one.section == next.section)
}

/// The model: a hall, and which seats of it are free.
struct Model<'a> {
    seats: &'a [HallSeat],
    /// Which row, front to back, each seat is in.
    rows: Vec<usize>,
}

impl<'a> Model<'a> {
    fn of(seats: &'a [HallSeat]) -> Self {
        let mut rows = vec![0; seats.len()];
        for at in 1..seats.len() {
            rows[at] = rows[at - 1] + usize::from(!are_in_one_row(&seats[at - 1], &seats[at]));
        }
        Self { seats, rows }
    }

    fn orphans(&self, taken: &[usize]) -> BTreeSet<usize> {
        let free = |at: usize| self.seats.get(at).is_some_and(|seat| seat.free) && !taken.contains(&at);
        let has_next = |at: usize| free(at + 1) && are_neighbours(&self.seats[at], &self.seats[at + 1]);
        let has_one_before = |at: usize| at > 0 && free(at - 1) && are_neighbours(&self.seats[at - 1], &self.seats[at]);
        (0..self.seats.len()).filter(|&at| free(at) && !has_next(at) && !has_one_before(at)).collect()
    }

    fn new_orphans(&self, taken: &[usize]) -> usize {
        self.orphans(taken).difference(&self.orphans(&[])).count()
    }

    fn groups(&self, taken: &[usize]) -> usize {
        let beside = |pair: &&[usize]| are_neighbours(&self.seats[pair[0]], &self.seats[pair[1]]);
        taken.len() - taken.windows(2).filter(beside).count()
    }

    fn away_from_middle(&self, taken: &[usize]) -> usize {
        let row: Vec<usize> = (0..self.seats.len()).filter(|at| self.rows[*at] == self.rows[taken[0]]).collect();
        let ends = |seats: &[usize]| self.seats[seats[0]].place + self.seats[seats[seats.len() - 1]].place;
        ends(&row).abs_diff(ends(taken)) as usize
    }

    /// Every way to seat `count`.
    fn choices(&self, count: usize, section: Option<&str>) -> Vec<Vec<usize>> {
        let wanted = |at: &usize| {
            let seat = &self.seats[*at];
            seat.free && (section.is_none() || seat.section.as_deref() == section)
        };
        let free: Vec<usize> = (0..self.seats.len()).filter(wanted).collect();
        let mut choices = vec![Vec::new()];
        for _ in 0..count {
            choices = choices
                .iter()
                .flat_map(|chosen: &Vec<usize>| {
                    let later = free.iter().filter(|at| chosen.last().is_none_or(|last| last < *at));
                    later.map(|at| [&chosen[..], &[*at]].concat())
                })
                .collect();
        }
        choices
    }

    /// By the rules, least first.
    fn rank(&self, taken: &[usize]) -> (usize, usize, usize, usize, usize, usize) {
        let (first, last) = (taken[0], taken[taken.len() - 1]);
        let groups = self.groups(taken);
        let rows = self.rows[last] - self.rows[first];
        let orphans = self.new_orphans(taken);
        if groups == 1 {
            return (groups, rows, orphans, self.rows[first], self.away_from_middle(taken), first);
        }
        // Between the ends of the runs that they are in.
        (groups, rows, orphans, if rows == 0 { self.width_of_runs(first, last) } else { 0 }, self.rows[first], 0)
    }

    fn width_of_runs(&self, first: usize, last: usize) -> usize {
        let goes_on = |at: &usize| {
            self.seats[*at].free && self.seats[*at + 1].free && are_neighbours(&self.seats[*at], &self.seats[*at + 1])
        };
        let from = (0..first).rev().take_while(goes_on).last().unwrap_or(first);
        let to = (last..self.seats.len() - 1).take_while(goes_on).last().map_or(last, |at| at + 1);
        (self.seats[to].place - self.seats[from].place) as usize
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_choice_is_better_by_the_rules(seats in halls(), count in 1..6_usize, section in 0..3_usize) {
        let section = [None, Some("Front"), Some("Back")][section];
        let model = Model::of(&seats);
        let chosen = Hall::new(by_number(&seats)).best(count, section);
        let least = model.choices(count, section).iter().map(|choice| model.rank(choice)).min();
        let Some(chosen) = chosen else {
            prop_assert_eq!(least, None, "so many are free");
            return Ok(());
        };
        prop_assert!(chosen.is_sorted());
        let at = |seat: &SeatNumber| seats.iter().position(|other| other.number == *seat).expect("a seat");
        let mut taken: Vec<usize> = chosen.iter().map(at).collect();
        taken.sort_unstable();
        prop_assert_eq!(chosen.iter().collect::<HashSet<_>>().len(), count, "each once");
        for at in &taken {
            prop_assert!(seats[*at].free);
            prop_assert!(section.is_none() || seats[*at].section.as_deref() == section);
        }
        let rank = model.rank(&taken);
        prop_assert_eq!(Some(rank), least, "{:?}", chosen);
        let together = Hall::new(by_number(&seats)).together(count, section);
        prop_assert_eq!(together, (rank.0 == 1).then_some(chosen), "together or not at all");
    }

    #[test]
    fn a_hall_that_seats_came_and_went_in_is_as_a_new_one(
        seats in halls(),
        moves in prop::collection::vec((0..24_i32, any::<bool>()), 0..40),
    ) {
        let mut now = by_number(&seats);
        let mut hall = Hall::new(by_number(&seats));
        for (number, free) in moves {
            let seat = SeatNumber::known(number);
            if free { hall.give_back(seat) } else { hall.take(seat) }
            if let Some(seat) = now.iter_mut().find(|seat| seat.number.get() == number) {
                seat.free = free;
            }
            prop_assert_eq!(&hall, &Hall::new(now.iter().cloned()));
        }
    }
}
