//! The compact copy of a hall: runs of seats with consecutive numbers in the same row of the same section at the same
//! price.

use std::sync::Arc;

use crate::money::Money;

/// A row of `seat_runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeatRun {
    pub(crate) first: i32,
    pub(crate) last: i32,
    pub(crate) price: Money,
    pub(crate) section: Option<Arc<str>>,
    pub(crate) row: Option<Arc<str>>,
}

/// The runs when `seats` (by number) cost `price`.
pub(super) fn priced(runs: &[SeatRun], seats: &[i32], price: Money) -> Vec<SeatRun> {
    let mut pieces = Vec::with_capacity(runs.len());
    for run in runs {
        let from = seats.partition_point(|seat| *seat < run.first);
        let to = seats.partition_point(|seat| *seat <= run.last);
        let mut next = run.first;
        for group in seats[from..to].chunk_by(|one, other| one + 1 == *other) {
            let (first, last) = (group[0], group[group.len() - 1]);
            if next < first {
                pieces.push(SeatRun { first: next, last: first - 1, ..run.clone() });
            }
            pieces.push(SeatRun { first, last, price, ..run.clone() });
            // A run may end at the largest number that there is.
            next = last.saturating_add(1);
        }
        // What is left of the run behind the last of them keeps its price.
        if from == to || seats[to - 1] < run.last {
            pieces.push(SeatRun { first: next, ..run.clone() });
        }
    }
    joined(pieces)
}

/// The runs with seats that are added, each a run of its own.
pub(super) fn with(runs: &[SeatRun], added: Vec<SeatRun>) -> Vec<SeatRun> {
    let mut pieces = [runs, &added].concat();
    pieces.sort_by_key(|run| run.first);
    joined(pieces)
}

/// Runs, by number, that go on in the next one, in one.
fn joined(pieces: Vec<SeatRun>) -> Vec<SeatRun> {
    let mut runs: Vec<SeatRun> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match runs.last_mut() {
            Some(run)
                if run.last.checked_add(1) == Some(piece.first)
                    && (run.price, &run.section, &run.row) == (piece.price, &piece.section, &piece.row) =>
            {
                run.last = piece.last;
            }
            _ => runs.push(piece),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(amount: u32) -> Money {
        Money::whole(amount).expect("in range")
    }

    /// Each seat's number, price and row.
    fn seats_of(runs: &[SeatRun]) -> Vec<(i32, Money, Option<Arc<str>>)> {
        runs.iter().flat_map(|run| (run.first..=run.last).map(|seat| (seat, run.price, run.row.clone()))).collect()
    }

    fn hall() -> Vec<SeatRun> {
        let run = |first, last, price, row: &str| SeatRun {
            first,
            last,
            price: money(price),
            section: None,
            row: Some(row.into()),
        };
        vec![run(1, 5, 100, "1"), run(6, 10, 100, "2"), run(14, 20, 50, "3")]
    }

    #[test]
    fn a_price_splits_runs_and_the_old_price_joins_them_again() {
        let dearer = priced(&hall(), &[2, 3, 5, 6, 20], money(120));
        let ends: Vec<_> = dearer.iter().map(|run| (run.first, run.last)).collect();
        assert_eq!(ends, [(1, 1), (2, 3), (4, 4), (5, 5), (6, 6), (7, 10), (14, 19), (20, 20)]);
        let back = priced(&priced(&dearer, &[2, 3, 5, 6], money(100)), &[20], money(50));
        assert_eq!(back, hall());
    }

    proptest! {
        #[test]
        fn runs_say_of_each_seat_what_it_costs(
            changes in prop::collection::vec((prop::collection::btree_set(0..24_i32, 1..12), 0..3_u32), 1..6),
        ) {
            let (mut runs, mut seats) = (hall(), seats_of(&hall()));
            for (changed, price) in changes {
                let changed: Vec<_> = changed.into_iter().collect();
                runs = priced(&runs, &changed, money(price));
                seats.iter_mut().filter(|(seat, ..)| changed.contains(seat)).for_each(|seat| seat.1 = money(price));
                prop_assert_eq!(&seats_of(&runs), &seats);
                prop_assert!(runs.windows(2).all(|pair| pair[0].last < pair[1].first));
            }
        }

        #[test]
        fn seats_that_are_added_are_in_the_runs(added in prop::collection::btree_set(21..40_i32, 1..10)) {
            let row: Option<Arc<str>> = Some("3".into());
            let one = |seat: &i32| SeatRun { first: *seat, last: *seat, price: money(50), section: None, row: row.clone() };
            let runs = with(&hall(), added.iter().map(one).collect());
            let expected = seats_of(&hall()).into_iter().chain(added.iter().map(|seat| (*seat, money(50), row.clone())));
            prop_assert_eq!(seats_of(&runs), expected.collect::<Vec<_>>());
            prop_assert_eq!(runs.len(), hall().len() + added.iter().filter(|seat| **seat != 21 && !added.contains(&(**seat - 1))).count());
        }
    }
}
