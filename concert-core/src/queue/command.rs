//! What the queue is asked to do, and what it answers.

use super::{EndedReason, RerankReport, SaleChange, Token};
use crate::access_code::CodeHash;
use crate::caller::Caller;
use crate::id::{SaleId, TokenId};
use crate::operator::Signature;

/// The queue's commands, each about the queue of one sale.
#[derive(Debug)]
pub(crate) enum Command {
    Join {
        sale: SaleId,
        caller: Caller,
        id: TokenId,
        /// The code that it redeems.
        code: Option<CodeHash>,
    },
    Leave {
        sale: SaleId,
        caller: Caller,
        reason: EndedReason,
    },
    /// Claims the turn of a token that was let in.
    Claim {
        sale: SaleId,
        caller: Caller,
    },
    /// Changes settings of the sale.
    Set {
        sale: SaleId,
        change: SaleChange,
        /// The version of the sale that the change is meant for; `None`: whichever it has.
        if_version: Option<u32>,
        by: Signature,
    },
    /// Ends what has lapsed and admits the head of the queue, `RERANK_LIMIT` of each at most.
    Rerank {
        sale: SaleId,
        /// The first who were seen lately; `None`: nobody is passed over.
        seen: Option<SeenHeads>,
        /// The first who were drawn, as the same process knows them; `None`: it knows of no draw.
        drawn: Option<DrawnHeads>,
    },
}

impl Command {
    pub(crate) const fn sale(&self) -> SaleId {
        match self {
            Self::Join { sale, .. }
            | Self::Leave { sale, .. }
            | Self::Claim { sale, .. }
            | Self::Set { sale, .. }
            | Self::Rerank { sale, .. } => *sale,
        }
    }
}

/// Somebody of the WAITING who was seen lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeenHead {
    pub(crate) ticket: u64,
    /// The longest poll interval that it may have been told, in seconds: it may ask so late for the first time.
    pub(crate) pause_seconds: u64,
}

/// The first of the WAITING who were seen lately, as this process knows them: advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenHeads {
    /// In their order.
    pub(crate) heads: Vec<SeenHead>,
    /// Whether others were seen behind them.
    pub(crate) more: bool,
}

/// The first of the WAITING who were drawn. Some of them may wait no more; nobody who waits is missing among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DrawnHeads {
    /// How many tickets were drawn.
    pub(crate) count: u64,
    /// In the order of their places.
    pub(crate) tickets: Vec<u64>,
    /// Whether no other drawn ticket waits.
    pub(crate) all: bool,
}

/// The most tokens that one `Rerank` ends, and the most that it admits.
pub(crate) const RERANK_LIMIT: usize = 1_000;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `position` is the place among the WAITING, known only for a token that has just been made.
    Joined {
        token: Token,
        resumed: bool,
        position: Option<u64>,
    },
    Left,
    Claimed(Token),
    /// `version`: the sale's, after it.
    Set {
        changed: bool,
        version: u32,
    },
    /// `more`: there is more to do, since a batch ends and admits `RERANK_LIMIT` tokens at most. `change_seq`: the gate's,
    /// after it.
    Reranked {
        report: RerankReport,
        more: bool,
        change_seq: u64,
    },
}
