//! Places in front, in memory: they change the ranks that polls are told.

use std::sync::Arc;

use hashbrown::HashMap;
use roaring::RoaringTreemap;

use super::{FrontPlace, Priority};
use crate::queue::draw::Places;
use crate::queue::line::Line;

/// In memory: the WAITING tickets with a place in front.
#[derive(Debug, Default)]
pub(in crate::queue) struct FrontLine {
    keys: RoaringTreemap,
    by_ticket: HashMap<u64, FrontPlace>,
    by_key: HashMap<u64, u64>,
    /// The tickets, in the order of those who have no such place.
    tickets: Line,
}

impl FrontLine {
    pub(in crate::queue) fn is_empty(&self) -> bool {
        self.by_ticket.is_empty()
    }

    pub(in crate::queue) fn len(&self) -> usize {
        self.by_ticket.len()
    }

    /// Takes over the order of a draw.
    pub(in crate::queue) fn reorder(&mut self, places: Option<Arc<Places>>) {
        self.tickets = Line::new(self.tickets.tickets().clone(), places);
    }

    pub(in crate::queue) fn insert(&mut self, ticket: u64, place: FrontPlace) {
        // A ticket has one place, so a new one replaces it.
        self.remove(ticket);
        self.keys.insert(place.key());
        self.by_ticket.insert(ticket, place);
        self.by_key.insert(place.key(), ticket);
        self.tickets.insert(ticket);
    }

    pub(in crate::queue) fn remove(&mut self, ticket: u64) {
        if let Some(place) = self.by_ticket.remove(&ticket) {
            self.keys.remove(place.key());
            self.by_key.remove(&place.key());
            self.tickets.remove(ticket);
        }
    }

    pub(in crate::queue) fn priority(&self, ticket: u64) -> Option<Priority> {
        self.by_ticket.get(&ticket).map(|place| place.priority)
    }

    /// The rank of a ticket whose rank would be `rank` if nobody had a place in front.
    pub(in crate::queue) fn rank(&self, ticket: u64, rank: u64) -> u64 {
        if self.is_empty() {
            return rank;
        }
        match self.by_ticket.get(&ticket) {
            Some(place) => self.keys.rank(place.key()),
            // Those in front who would come behind it come before it.
            None => rank + self.tickets.len() - self.tickets.rank(ticket),
        }
    }

    /// Their tickets, the first one first.
    pub(in crate::queue) fn iter(&self) -> impl Iterator<Item = u64> {
        self.keys.iter().filter_map(|key| self.by_key.get(&key).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::draw::DrawKey;

    #[test]
    fn who_has_a_place_in_front_comes_before_all_others_by_priority_and_redemption() {
        let waiting: RoaringTreemap = (1..=6).collect();
        let mut front = FrontLine::default();
        let ranks =
            |front: &FrontLine| (1..=6).map(|ticket| front.rank(ticket, waiting.rank(ticket))).collect::<Vec<_>>();
        assert_eq!(ranks(&front), [1, 2, 3, 4, 5, 6]);
        front.insert(5, FrontPlace { priority: Priority::Front, nth: 1 });
        front.insert(2, FrontPlace { priority: Priority::Front, nth: 2 });
        assert_eq!(ranks(&front), [3, 2, 4, 5, 1, 6]);
        front.insert(6, FrontPlace { priority: Priority::Presale, nth: 3 });
        assert_eq!(ranks(&front), [4, 3, 5, 6, 2, 1]);
        assert_eq!(front.iter().collect::<Vec<_>>(), [6, 5, 2]);
        front.remove(5);
        assert_eq!(front.iter().collect::<Vec<_>>(), [6, 2]);
        assert_eq!(front.priority(6), Some(Priority::Presale));
        let places = Arc::new(Places::of_draw(&DrawKey::new([1; 32]), 6));
        let drawn = Line::new((1..=6).collect(), Some(Arc::clone(&places)));
        front.reorder(Some(Arc::clone(&places)));
        let mut order: Vec<_> = [1, 3, 4, 5].into();
        order.sort_by_key(|ticket| places.place_of(*ticket));
        let order = [[6, 2].to_vec(), order].concat();
        assert!(order.iter().zip(1..).all(|(ticket, nth)| front.rank(*ticket, drawn.rank(*ticket)) == nth));
        assert_eq!(front.priority(1), None);
    }
}
