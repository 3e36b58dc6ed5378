//! What a batch of the queue reads, and what it changes.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::control::Admission;
use super::draw::GateDraw;
use super::front::{FrontRows, Redemption};
use super::pace::Sample;
use super::{EndedReason, Token};
use crate::clock::Timestamp;
use crate::fact::{Column, Fact, Lookup};
use crate::id::{SaleId, TokenId, UserId};
use crate::operator::LogEntry;
use crate::phase::{EntryOrder, SalePhase, SaleTimes};

/// A gate row: the state that every change of the order of a sale's queue shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) sale: SaleId,
    pub(crate) next_ticket: u64,
    pub(crate) change_seq: u64,
    pub(crate) active: u32,
    pub(crate) waiting: u64,
    pub(crate) admitted: u64,
    /// How many ever ended while WAITING.
    pub(crate) departed: u64,
    /// How many turns were never claimed.
    pub(crate) no_shows: u64,
    /// The most who may be ACTIVE: the cap or, after it was lowered, those who were in then and still are.
    pub(crate) most_active: u32,
    /// How many codes were ever redeemed.
    pub(crate) redeemed: u64,
    /// What operators set.
    pub(crate) admission: Admission,
    /// What the sale's row says. Whoever changes it raises `change_seq`.
    pub(crate) times: SaleTimes,
    pub(crate) order: EntryOrder,
    /// The draw, where the order is one.
    pub(crate) draw: Option<GateDraw>,
}

impl Gate {
    /// Whether the opening has come, and the draw has not been made yet.
    pub(crate) fn draw_is_due(&self, now: Timestamp) -> bool {
        self.draw.as_ref().is_some_and(GateDraw::is_pending)
            && matches!(self.times.phase(now), SalePhase::Open | SalePhase::Closed)
    }

    /// How many tickets were drawn; `None`: there is no draw, or it is still to come.
    pub(crate) fn drawn(&self) -> Option<u64> {
        self.draw.as_ref()?.count
    }
}

/// What the queue knows of a user.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) has_password: Fact<bool>,
    /// Whether no operator has disabled the user.
    pub(crate) is_enabled: Fact<bool>,
    /// The token of this sale that is WAITING or ACTIVE in the table, even if its time is over.
    pub(crate) live: Fact<Option<Token>>,
    /// Those of other sales. Not read where nobody shows a queue token.
    pub(crate) elsewhere: Vec<Token>,
}

/// The possible assumptions. The gate is as this process left it, by its `change_seq`. A user, by id, exists and has no
/// password, is enabled and has no live token. A token, by id, was not made before.
pub(super) const REMEMBERED_GATE: Column = Column("queue_gate.change_seq");
pub(super) const USER: Column = Column("users.id");
pub(super) const HAS_PASSWORD: Column = Column("users.password");
pub(super) const IS_ENABLED: Column = Column("users.disabled_at");
pub(super) const LIVE_TOKEN: Column = Column("tokens.live");
pub(super) const MADE: Column = Column("tokens.id");

/// The rows that a batch concerns, by sale. A sale that is missing here does not exist.
pub(crate) type RowsOfSales = BTreeMap<SaleId, Rows>;

/// The rows of one sale that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) gate: Gate,
    /// By user. A user who is missing here does not exist.
    pub(crate) members: HashMap<UserId, Member>,
    /// Tokens that commands of this batch made earlier, by id: for repeated calls.
    pub(crate) made: Lookup<TokenId, Token>,
    pub(crate) last_minute: LastMinute,
    /// The codes that joins name, and the places that codes have given.
    pub(crate) front: FrontRows,
    /// Read for a `Rerank` alone.
    pub(crate) rerank: Option<RerankRows>,
    /// The sale as it is shown; read for a `Set` alone.
    pub(crate) sale: Option<SaleRow>,
    /// Whether another sale has the name that a `Set` gives.
    pub(crate) name_is_taken: bool,
}

/// What of a sale's row does not matter to its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SaleRow {
    pub(crate) name: String,
    pub(crate) max_seats_per_user: Option<u32>,
    pub(crate) version: u32,
}

/// What the limit per minute counts, as of the moment at which the gate was locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastMinute {
    pub(crate) at: Timestamp,
    /// How many were let in within it, while the gate has a limit on that.
    pub(crate) admitted: u64,
    /// What was let in up to this `change_seq` is more than a minute ago, by the clock of this process.
    pub(crate) over: u64,
}

impl LastMinute {
    /// While there is no limit.
    pub(crate) const fn unlimited(at: Timestamp) -> Self {
        Self { at, admitted: 0, over: 0 }
    }
}

impl Rows {
    /// Tokens as they are since they are locked: a hold may have made a turn last longer after it was read.
    pub(super) fn take_over_locked(&mut self, locked: &[Token], now: Timestamp) {
        let here = locked.iter().filter(|token| token.sale == self.gate.sale);
        let locked: HashMap<_, _> = here.map(|token| (token.user, token)).collect();
        for (user, member) in &mut self.members {
            if let Some(token) = locked.get(user) {
                member.live = Fact::read(Some((*token).clone()));
            }
        }
        if let Some(pass) = &mut self.rerank {
            // A turn that a hold has made longer meanwhile has not lapsed after all.
            pass.lapsed.retain(|token| !locked.get(&token.user).map_or(token, |locked| *locked).is_live(now));
        }
    }
}

/// What a `Rerank` looks at.
#[derive(Debug, Default)]
pub(crate) struct RerankRows {
    /// Live tokens whose time is over.
    pub(crate) lapsed: Vec<Token>,
    /// The first in the queue who were seen lately; `None`: nobody is passed over.
    pub(crate) seen: Option<SeenTokens>,
    /// The first in the queue, seen or not, in their order. Not read where more were seen than a batch admits.
    pub(crate) heads: Vec<Token>,
    /// Whether others may be behind them.
    pub(crate) more_heads: bool,
    /// Of how many tickets the draw is that gave both orders; `None`: they are those of the tickets.
    pub(crate) in_order_of: Option<u64>,
    /// When the pace was sampled last.
    pub(crate) last_sample: Option<Timestamp>,
}

/// The first of the WAITING who were seen lately.
#[derive(Debug)]
pub(crate) struct SeenTokens {
    /// In the order of admission, each with the longest poll interval that it may have been told, in seconds.
    pub(crate) tokens: Vec<(Token, u64)>,
    /// Whether others were seen behind them.
    pub(crate) more: bool,
}

/// What a batch changes. All tokens in it carry their state afterwards.
#[derive(Debug)]
pub(crate) struct Effects {
    pub(crate) gate_before: Gate,
    pub(crate) gate: Gate,
    /// Turns that are claimed; written before `ended`, which may end them.
    pub(crate) claimed: Vec<Token>,
    pub(crate) ended: Vec<(Token, EndedReason)>,
    pub(crate) admitted: Vec<Token>,
    pub(crate) joined: Vec<Token>,
    /// Codes that were redeemed.
    pub(crate) redeemed: Vec<Redemption>,
    /// How many became ACTIVE, by joining or by a pass.
    pub(crate) let_in: u32,
    pub(crate) last_minute: LastMinute,
    /// What operators did.
    pub(crate) log: Vec<LogEntry>,
    pub(crate) sample: Option<Sample>,
    /// The sale's row, where it changes.
    pub(crate) sale: Option<SaleRowChange>,
}

/// A change of a sale's row.
#[derive(Debug)]
pub(crate) struct SaleRowChange {
    pub(crate) row: SaleRow,
    pub(crate) version_before: u32,
    /// Whether what it says to holds has changed, so that what processes remember of its concerts is out of date.
    pub(crate) concerns_holds: bool,
}

impl Effects {
    pub(crate) fn is_empty(&self) -> bool {
        !self.moves_tokens()
            && self.log.is_empty()
            && self.sample.is_none()
            && self.sale.is_none()
            && !self.changes_draw()
    }

    pub(super) fn changes_draw(&self) -> bool {
        self.gate.draw != self.gate_before.draw
    }

    pub(super) fn moves_tokens(&self) -> bool {
        let Self { claimed, ended, admitted, joined, redeemed, .. } = self;
        !(claimed.is_empty() && ended.is_empty() && admitted.is_empty() && joined.is_empty() && redeemed.is_empty())
    }

    /// Whose visits ended before their time: they left, or an operator sent them away.
    pub(crate) fn left(&self) -> impl Iterator<Item = (UserId, SaleId)> {
        let early = |(_, reason): &&(Token, EndedReason)| matches!(reason, EndedReason::Left | EndedReason::Operator);
        self.ended.iter().filter(early).map(|(token, _)| (token.user, token.sale))
    }

    /// Nothing is changed yet.
    pub(super) fn none(gate: Gate, last_minute: LastMinute) -> Self {
        Self {
            gate_before: gate.clone(),
            gate,
            claimed: Vec::new(),
            ended: Vec::new(),
            admitted: Vec::new(),
            joined: Vec::new(),
            redeemed: Vec::new(),
            let_in: 0,
            last_minute,
            log: Vec::new(),
            sample: None,
            sale: None,
        }
    }
}
