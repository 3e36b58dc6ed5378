//! Seats for a party that cannot sit together.
//!
//! Every run is shorter than the party then. Of any runs that are as few as can be and have enough seats, all but the
//! seats that are over are taken, and those fit into the shortest: a single one of them would be left alone, more would
//! not, since they stay side by side. So all that counts is how many seats the runs have.

use std::ops::Range;

use super::{Row, Run};
use crate::id::SeatNumber;

/// A run, and where it is.
#[derive(Clone, Copy)]
struct RunInRow<'a> {
    /// Which row of the hall it is in.
    nth: usize,
    row: &'a Row,
    run: Run,
}

/// `None`: fewer are free.
pub(super) fn seats<'a>(count: usize, rows: impl Iterator<Item = (usize, &'a Row)>) -> Option<Vec<SeatNumber>> {
    let pieces: Vec<_> =
        rows.flat_map(|(nth, row)| row.free.iter().map(move |run| RunInRow { nth, row, run: *run })).collect();
    let mut lengths = Lengths::up_to(&pieces);
    pieces.iter().for_each(|piece| lengths.add(piece));
    let groups = lengths.fewest(count)?;
    let window = window(&pieces, groups, count)?;
    Some(seat_groups(count, choose(&pieces[window], groups, count)))
}

/// The pieces of the fewest rows that seat the party; of as many rows those that leave nobody single, then, within one
/// row, those that are nearest to each other, then those at the front.
fn window(pieces: &[RunInRow<'_>], groups: usize, count: usize) -> Option<Range<usize>> {
    let any = narrowest(pieces, groups, count, 1)?;
    let spread = |window: &Range<usize>| pieces[window.end - 1].nth - pieces[window.start].nth;
    let tidy = narrowest(pieces, groups, count, 0).filter(|tidy| spread(tidy) == spread(&any));
    let window = tidy.unwrap_or(any);
    if spread(&window) == 0 {
        return Some(window);
    }
    // In several rows any piece of them will do.
    let (first, last) = (pieces[window.start].nth, pieces[window.end - 1].nth);
    Some(pieces.partition_point(|piece| piece.nth < first)..pieces.partition_point(|piece| piece.nth <= last))
}

/// The pieces that are over the fewest rows, and within one row over the fewest seats, of those in which `groups` runs
/// have `count` seats and leave at most `orphans`.
fn narrowest(pieces: &[RunInRow<'_>], groups: usize, count: usize, orphans: usize) -> Option<Range<usize>> {
    let mut lengths = Lengths::up_to(pieces);
    let mut best: Option<((usize, i32), Range<usize>)> = None;
    let mut end = 0;
    for (start, first) in pieces.iter().enumerate() {
        while lengths.orphans(groups, count).is_none_or(|left| left > orphans) {
            let Some(piece) = pieces.get(end) else {
                return best.map(|(_, window)| window);
            };
            lengths.add(piece);
            end += 1;
        }
        let last = &pieces[end - 1];
        let width = (last.nth - first.nth, if last.nth == first.nth { last.run.last - first.run.first } else { 0 });
        if best.as_ref().is_none_or(|(least, _)| width < *least) {
            best = Some((width, start..end));
        }
        // One taken seat between any two groups: it does not get nearer.
        if width <= (0, (count + groups) as i32 - 2) {
            break;
        }
        lengths.remove(first);
    }
    best.map(|(_, window)| window)
}

/// The largest `groups` runs, those in the middle of their rows first. If one seat would be left over: with one of them
/// a seat shorter, where there is such a run.
fn choose<'a>(window: &[RunInRow<'a>], groups: usize, count: usize) -> Vec<RunInRow<'a>> {
    let mut pieces = window.to_vec();
    let away = |piece: &RunInRow<'_>| (piece.run.middle() - piece.row.middle()).abs();
    pieces.sort_by_key(|piece| (usize::MAX - piece.run.seats(), away(piece), piece.nth, piece.run.first));
    let rest = pieces.split_off(groups);
    let seats: usize = pieces.iter().map(|piece| piece.run.seats()).sum();
    if seats == count + 1 {
        let shorter = |piece: &RunInRow<'_>| rest.iter().find(|other| other.run.seats() + 1 == piece.run.seats());
        if let Some((at, other)) = pieces.iter().enumerate().find_map(|(at, piece)| Some((at, *shorter(piece)?))) {
            pieces[at] = other;
        }
    }
    pieces
}

/// Fills the runs in their order. The last has seats over if any has, and is filled from the side of the largest group
/// if that is in the same row, else from the middle of its own.
fn seat_groups(count: usize, pieces: Vec<RunInRow<'_>>) -> Vec<SeatNumber> {
    let mut seats = Vec::with_capacity(count);
    let Some(largest) = pieces.first().copied() else {
        return seats;
    };
    for piece in pieces {
        let group = piece.run.seats().min(count - seats.len());
        let aim = if piece.nth == largest.nth { largest.run.middle() } else { piece.row.middle() };
        seats.extend(
            piece.run.place(group, aim).into_iter().flat_map(|place| piece.row.numbers_from(place.first, group)),
        );
    }
    seats
}

impl Run {
    /// Twice the place in the middle.
    fn middle(&self) -> i64 {
        i64::from(self.first) + i64::from(self.last)
    }
}

/// How many runs there are of each length.
struct Lengths(Vec<usize>);

impl Lengths {
    /// None yet of any, up to the longest of `pieces`.
    fn up_to(pieces: &[RunInRow<'_>]) -> Self {
        let longest = pieces.iter().map(|piece| piece.run.seats()).max().unwrap_or(0);
        Self(vec![0; longest + 1])
    }

    fn add(&mut self, piece: &RunInRow<'_>) {
        self.0[piece.run.seats()] += 1;
    }

    fn remove(&mut self, piece: &RunInRow<'_>) {
        self.0[piece.run.seats()] -= 1;
    }

    /// The fewest runs that have `count` seats.
    fn fewest(&self, count: usize) -> Option<usize> {
        let (mut groups, mut left) = (0, count);
        for (length, runs) in self.0.iter().enumerate().skip(1).rev() {
            let taken = left.div_ceil(length).min(*runs);
            groups += taken;
            left = left.saturating_sub(taken * length);
        }
        (left == 0).then_some(groups)
    }

    /// How many seats would be left single if `groups` of the runs, as few as can be, seat `count`; `None`: they do
    /// not.
    fn orphans(&self, groups: usize, count: usize) -> Option<usize> {
        let (mut left, mut seats) = (groups, 0);
        for (length, runs) in self.0.iter().enumerate().skip(1).rev() {
            let taken = left.min(*runs);
            left -= taken;
            seats += taken * length;
            if left > 0 {
                continue;
            }
            // The longest would leave one: unless a run that is one shorter can stand in for one of them.
            let longer = self.0.get(length + 1).is_some_and(|runs| *runs > 0);
            let stands_in = (longer && taken < *runs) || (length > 1 && self.0[length - 1] > 0);
            return (seats >= count).then(|| usize::from(seats == count + 1 && !stands_in));
        }
        None
    }
}
