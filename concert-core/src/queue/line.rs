//! Tickets in the order in which they are let in.
//!
//! They are a compressed bitmap (Lemire et al., "Roaring bitmaps: Implementation of an optimized software library",
//! 2018), in which the rank of a ticket is its position. After a draw, a second bitmap has their places.

use std::sync::Arc;

use roaring::RoaringTreemap;

use super::draw::Places;

/// Tickets in line.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    tickets: RoaringTreemap,
    /// `None`: the order is that of the tickets.
    drawn: Option<DrawnLine>,
}

#[derive(Debug, Clone)]
struct DrawnLine {
    places: Arc<Places>,
    /// The places of the tickets in line.
    taken: RoaringTreemap,
}

impl DrawnLine {
    fn new(places: Arc<Places>, tickets: &RoaringTreemap) -> Self {
        // First the places as they come, one bit each: a roaring bitmap wants them in their order.
        let mut bits = vec![0_u64; places.count() as usize / 64 + 1];
        let mut later = Vec::new();
        for ticket in tickets {
            let place = places.place_of(ticket);
            if ticket > places.count() {
                later.push(place);
            } else {
                bits[place as usize / 64] |= 1 << (place % 64);
            }
        }
        let drawn = bits.iter().enumerate().flat_map(|(word, bits)| {
            let places = (0..64).filter(move |bit| bits >> bit & 1 == 1);
            places.map(move |bit| word as u64 * 64 + bit)
        });
        // In order by construction, so it does not fail: latecomers have places behind all that were drawn.
        let taken = RoaringTreemap::from_sorted_iter(drawn.chain(later)).unwrap_or_default();
        Self { places, taken }
    }
}

impl Line {
    /// Tickets in the order of a draw; without one, in their own.
    pub(super) fn new(tickets: RoaringTreemap, places: Option<Arc<Places>>) -> Self {
        let drawn = places.map(|places| DrawnLine::new(places, &tickets));
        Self { tickets, drawn }
    }

    /// The draw that the order is of.
    pub(super) fn places(&self) -> Option<&Arc<Places>> {
        self.drawn.as_ref().map(|drawn| &drawn.places)
    }

    pub(super) const fn tickets(&self) -> &RoaringTreemap {
        &self.tickets
    }

    pub(super) fn len(&self) -> u64 {
        self.tickets.len()
    }

    pub(super) fn contains(&self, ticket: u64) -> bool {
        self.tickets.contains(ticket)
    }

    /// How many in line are let in no later than `ticket`, itself included if it is in line.
    pub(super) fn rank(&self, ticket: u64) -> u64 {
        match &self.drawn {
            None => self.tickets.rank(ticket),
            Some(DrawnLine { places, taken }) => taken.rank(places.place_of(ticket)),
        }
    }

    pub(super) fn insert(&mut self, ticket: u64) {
        self.tickets.insert(ticket);
        if let Some(DrawnLine { places, taken }) = &mut self.drawn {
            taken.insert(places.place_of(ticket));
        }
    }

    pub(super) fn remove(&mut self, ticket: u64) {
        self.tickets.remove(ticket);
        if let Some(DrawnLine { places, taken }) = &mut self.drawn {
            taken.remove(places.place_of(ticket));
        }
    }

    /// The first in line, `most` at most, in their order.
    pub(super) fn first(&self, most: usize) -> Vec<u64> {
        let Some(DrawnLine { places, taken }) = &self.drawn else {
            return self.tickets.iter().take(most).collect();
        };
        let first: Vec<_> = taken.iter().take(most).collect();
        let Some(last) = first.last() else { return first };
        // The places say nothing about where a ticket is, so all are looked through: 1 ms a million.
        let drawn = places.iter().filter(|(_, place)| place <= last && taken.contains(*place));
        let mut tickets: Vec<_> = drawn.map(|(ticket, place)| (place, ticket)).collect();
        tickets.extend(first.iter().filter(|place| **place > places.count()).map(|place| (*place, *place)));
        tickets.sort_unstable();
        tickets.into_iter().map(|(_, ticket)| ticket).collect()
    }

    /// The drawn tickets in line, as [`Line::first`] gives them, and whether these are all; `None`: there is no draw.
    pub(super) fn first_drawn(&self, most: usize) -> Option<(Vec<u64>, bool)> {
        let count = self.places()?.count();
        let mut first = self.first(most);
        first.retain(|ticket| *ticket <= count);
        // Latecomers may have made up the number. They come after all who were drawn, so none of those is left out.
        let all = first.len() < most;
        Some((first, all))
    }
}

/// The lines of a snapshot in the order of a draw. To make them takes longer than polls should wait, so they are made
/// beforehand.
pub(super) struct DrawnLines {
    waiting: Line,
    seen: Line,
}

impl DrawnLines {
    pub(super) fn new(waiting: RoaringTreemap, seen: RoaringTreemap, places: &Arc<Places>) -> Self {
        let line = |tickets| Line::new(tickets, Some(Arc::clone(places)));
        Self { waiting: line(waiting), seen: line(seen) }
    }

    /// How many tickets were drawn.
    pub(super) fn count(&self) -> u64 {
        self.waiting.places().map_or(0, |places| places.count())
    }

    /// Puts them in the place of lines that were theirs a moment ago; what has changed since is made up for.
    pub(super) fn replace(self, waiting: &mut Line, seen: &mut Line) {
        for (line, mut drawn) in [(waiting, self.waiting), (seen, self.seen)] {
            let (gone, new) = (drawn.tickets() - line.tickets(), line.tickets() - drawn.tickets());
            gone.iter().for_each(|ticket| drawn.remove(ticket));
            new.iter().for_each(|ticket| drawn.insert(ticket));
            *line = drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::draw::DrawKey;

    fn drawn(count: u64) -> Arc<Places> {
        Arc::new(Places::of_draw(&DrawKey::new([3; 32]), count))
    }

    /// The order as one would write it down.
    fn sorted(tickets: impl IntoIterator<Item = u64>, places: Option<&Places>) -> Vec<u64> {
        let mut tickets: Vec<_> = tickets.into_iter().collect();
        tickets.sort_by_key(|ticket| places.map_or(*ticket, |places| places.place_of(*ticket)));
        tickets
    }

    #[test]
    fn a_line_is_in_the_order_of_its_draw() {
        for places in [None, Some(drawn(0)), Some(drawn(1)), Some(drawn(1_000)), Some(drawn(70_000))] {
            let tickets = (1..=100_000_u64).filter(|ticket| ticket % 7 != 0);
            let mut line = Line::new(tickets.clone().collect(), places.clone());
            let mut grown = Line::new(RoaringTreemap::new(), places.clone());
            tickets.clone().for_each(|ticket| grown.insert(ticket));
            for ticket in [1, 65, 99_999] {
                line.remove(ticket);
                grown.remove(ticket);
            }
            let left = sorted(tickets.filter(|ticket| ![1, 65, 99_999].contains(ticket)), places.as_deref());
            for line in [&line, &grown] {
                assert_eq!(line.len(), left.len() as u64);
                for most in [1, 63, 2_000] {
                    assert_eq!(line.first(most), left[..most], "{places:?}");
                }
                for (nth, ticket) in left.iter().enumerate().step_by(997) {
                    assert_eq!((line.rank(*ticket), line.contains(*ticket)), (nth as u64 + 1, true));
                }
                assert!(!line.contains(7) && !line.contains(65));
            }
        }
    }

    #[test]
    fn latecomers_are_behind_those_who_were_drawn() {
        let places = drawn(10);
        let mut line = Line::new((1..=12).collect(), Some(Arc::clone(&places)));
        assert_eq!(line.first(12)[10..], [11, 12]);
        assert_eq!(line.first_drawn(10).map(|(first, all)| (first.len(), all)), Some((10, false)));
        assert_eq!(line.first_drawn(11).map(|(first, all)| (first.len(), all)), Some((10, true)));
        (1..=10).for_each(|ticket| line.remove(ticket));
        assert_eq!((line.first(5), line.rank(12)), (vec![11, 12], 2));
        assert_eq!(line.first_drawn(5), Some((vec![], true)));
        assert_eq!(Line::default().first_drawn(5), None);
    }
}
