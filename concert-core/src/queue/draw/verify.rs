//! Whether a draw is what the tokens say it must be.

use serde::Serialize;

use super::{Draw, GateDraw, Places, chain_with, commitment_to};
use crate::bytes::Bytes32;
use crate::clock::Timestamp;
use crate::id::{SaleId, TokenId};

/// What was found when a draw was computed again from the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DrawVerification {
    /// The sale.
    pub sale_id: SaleId,
    /// The draw, as it is published.
    pub draw: Draw,
    /// How many tokens of drawn tickets there are.
    pub tokens: u64,
    /// Whether the commitment is that of the secret.
    pub commitment_agrees: bool,
    /// Whether there is exactly one token for each ticket that was drawn.
    pub tickets_agree: bool,
    /// Whether the chain over these tokens is the one that the key was made of. Then the places are those of these
    /// tokens and no others.
    pub chain_agrees: bool,
    /// How many were let in while somebody in front of them waited: who was not seen is
    /// passed over, and codes give places in front.
    pub passed_others: u64,
}

impl DrawVerification {
    /// Whether all agrees.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.commitment_agrees && self.tickets_agree && self.chain_agrees
    }
}

/// A token that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DrawnToken {
    /// Its ticket: the order of arrival.
    pub ticket: u64,
    /// Its id.
    #[serde(rename = "tokenId")]
    pub token: TokenId,
    /// Its place: the order of the draw.
    pub place: u64,
}

/// Computes chain and commitment again, from tokens in the order of their tickets.
#[derive(Debug)]
pub(crate) struct DrawCheck {
    chain: Bytes32,
    tokens: u64,
    is_dense: bool,
}

impl DrawCheck {
    pub(crate) const fn new() -> Self {
        Self { chain: Bytes32::ZERO, tokens: 0, is_dense: true }
    }

    pub(crate) fn add(&mut self, ticket: u64, token: TokenId) {
        self.tokens += 1;
        self.is_dense &= ticket == self.tokens;
        self.chain = chain_with(&self.chain, token);
    }

    /// How many tokens were added.
    pub(crate) const fn tokens(&self) -> u64 {
        self.tokens
    }

    pub(crate) fn commitment_agrees(draw: &GateDraw) -> bool {
        commitment_to(draw.secret.reveal()) == draw.commitment
    }

    /// Whether there is one token for each of `tickets`.
    pub(crate) const fn tickets_agree(&self, tickets: u64) -> bool {
        self.is_dense && self.tokens == tickets
    }

    pub(crate) fn chain_agrees(&self, draw: &GateDraw) -> bool {
        self.chain == draw.chain
    }
}

/// Until when each drawn token waited, and when it was let in, by place.
#[derive(Debug)]
pub(crate) struct Admissions {
    places: Places,
    /// Microseconds of the time; the last of all: it still waits.
    waited_until: Vec<i64>,
    /// Only those that the draw decided about.
    let_in_at: Vec<Option<i64>>,
}

impl Admissions {
    pub(crate) fn new(places: Places) -> Self {
        let count = places.count() as usize;
        Self { places, waited_until: vec![i64::MIN; count], let_in_at: vec![None; count] }
    }

    /// Notes a token: when it was let in, if it ever was, and since when it waits no more.
    pub(crate) fn add(&mut self, ticket: u64, let_in_at: Option<Timestamp>, waited_until: Option<Timestamp>) {
        let Some(place) = self.places.place_of(ticket).checked_sub(1).map(|place| place as usize) else { return };
        if let (Some(end), Some(entry)) = (self.waited_until.get_mut(place), self.let_in_at.get_mut(place)) {
            *end = waited_until.map_or(i64::MAX, |until| until.timestamp_micros());
            *entry = let_in_at.map(|at| at.timestamp_micros());
        }
    }

    pub(crate) const fn places(&self) -> &Places {
        &self.places
    }

    /// How many were let in while somebody with a lower place waited.
    pub(crate) fn passed_others(&self) -> u64 {
        let mut latest = i64::MIN;
        let mut passed = 0;
        for (until, let_in_at) in self.waited_until.iter().zip(&self.let_in_at) {
            // By place: whoever got in before somebody in front had stopped waiting has passed that one.
            passed += u64::from(let_in_at.is_some_and(|at| at < latest));
            latest = latest.max(*until);
        }
        passed
    }
}
