//! The places of a draw: a random permutation that everyone who has the key computes alike.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

use super::{DrawKey, MOST_DRAWN};

/// The places of the drawn tickets: 1 for who is let in first. Later tickets have their own number for a place, which
/// is behind all that were drawn.
///
/// It is the shuffle of Fisher and Yates (Durstenfeld, "Algorithm 235: Random permutation", 1964), over the stream of
/// ChaCha20 (RFC 8439) in 32-bit words. Each choice is equally likely: words that would favour some are rejected.
#[derive(Clone, PartialEq, Eq)]
pub struct Places {
    key: DrawKey,
    /// Place by ticket, both from 1.
    by_ticket: Box<[u32]>,
}

impl Places {
    /// The places of the tickets 1 to `count`; of the first 100 000 000, if there are more.
    ///
    /// ```
    /// use concert_core::{DrawKey, Places};
    ///
    /// let places = Places::of_draw(&DrawKey::new([7; 32]), 3);
    /// let mut drawn = [1, 2, 3].map(|ticket| places.place_of(ticket));
    /// drawn.sort_unstable();
    /// assert_eq!((drawn, places.place_of(4)), ([1, 2, 3], 4));
    /// ```
    #[must_use]
    pub fn of_draw(key: &DrawKey, count: u64) -> Self {
        let count = count.min(MOST_DRAWN) as u32;
        let mut by_ticket: Box<[u32]> = (1..=count).collect();
        let mut stream = ChaCha20Rng::from_seed(*key.as_bytes());
        // From the back, as the handbook says it: another order would give other places.
        for last in (1..count).rev() {
            let chosen = below(last + 1, || stream.next_u32());
            by_ticket.swap(last as usize, chosen as usize);
        }
        Self { key: *key, by_ticket }
    }

    /// How many tickets were drawn.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.by_ticket.len() as u64
    }

    /// The place of a ticket.
    #[must_use]
    pub fn place_of(&self, ticket: u64) -> u64 {
        let drawn = usize::try_from(ticket).ok().and_then(|ticket| self.by_ticket.get(ticket.checked_sub(1)?));
        drawn.map_or(ticket, |place| u64::from(*place))
    }

    /// The drawn tickets with their places, in the order of tickets.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        (1..).zip(self.by_ticket.iter().map(|place| u64::from(*place)))
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Places of {}", self.count())
    }
}

/// One of 0 to `choices` - 1, each equally likely. Of all 2^32 words, those behind the last whole multiple of `choices`
/// are rejected.
fn below(choices: u32, mut next_word: impl FnMut() -> u32) -> u32 {
    const WORDS: u64 = 1 << 32;
    let accepted = WORDS - WORDS % u64::from(choices);
    loop {
        let word = next_word();
        if u64::from(word) < accepted {
            return word % choices;
        }
    }
}

#[cfg(test)]
mod tests;
