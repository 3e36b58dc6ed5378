//! The queue: who is in, who waits, and in which order.
//!
//! Every change of a token's status goes through one lane and one row, the gate, locked until commit. That makes the
//! cap on ACTIVE tokens and the order of tickets exact for any number of processes.

mod admission;
mod change_times;
mod command;
mod control;
mod decide;
mod draw;
mod front;
mod lane;
mod line;
mod pace;
mod pause;
mod poll;
mod presence;
mod reads;
mod rows;
mod seen;
mod settings;
mod snapshot;
mod store;
mod token;
mod turn;
mod views;

use serde::Serialize;

pub(crate) use admission::read_admission;
pub(crate) use command::{Answer, Command, DrawnHeads, RERANK_LIMIT, SeenHead, SeenHeads};
pub use control::{Admission, AdmissionChange, PerMinute, QueueChange, SaleChange};
pub(crate) use control::{SaleSettings, sale_name};
pub use draw::{Draw, DrawKey, DrawVerification, DrawnToken, Places, PublicValue};
pub(crate) use draw::{DrawSecret, GateDraw, audit_draws, draw_columns, read_draw, verify as verify_draw};
#[cfg(test)]
pub(crate) use lane::SaleEffects;
pub(crate) use lane::{QueueBatch, QueueRules};
pub(crate) use pace::Pace;
pub(crate) use poll::{Followed, QueueView, ViewRules};
pub use reads::Pass;
pub(crate) use reads::{acquire_pass, control_log, read_pace, read_paces, sales_of};
pub(crate) use rows::SaleRow;
pub(crate) use seen::Attendance;
pub(crate) use settings::{read_times, times_columns};
#[cfg(feature = "internals")]
pub(crate) use snapshot::positions;
pub(crate) use store::{lock_live_tokens, read_token, read_turns, token_columns};
pub(crate) use token::{EndedReason, Token};
pub(crate) use turn::{LongerTurns, Turn, Turns, guard_turns, require_active, require_shown_live};
pub(crate) use views::{Opening, QueueViews};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[
    store::STATEMENTS,
    store::MEMBER_STATEMENTS,
    store::PASS_STATEMENTS,
    store::WRITE_STATEMENTS,
    settings::STATEMENTS,
    poll::STATEMENTS,
    views::STATEMENTS,
    admission::STATEMENTS,
    front::STATEMENTS,
    reads::STATEMENTS,
    seen::STATEMENTS,
    turn::STATEMENTS,
    draw::STATEMENTS,
];

use crate::access_code::AccessCode;
use crate::caller::{Caller, QueueTicket};
use crate::clock::Timestamp;
use crate::id::{SaleId, UserId};
use crate::phase::SalePhase;
pub use crate::token_status::TokenStatus;

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::front::FrontRows;
    pub(crate) use super::rows::{
        Effects, Gate, LastMinute, Member, RerankRows, Rows, RowsOfSales, SaleRow, SeenTokens,
    };
    pub(crate) use super::{
        Admission, AdmissionChange, Answer, Command, DrawnHeads, EndedReason, QueueRules, SaleEffects, SeenHead,
        SeenHeads, Token, TokenStatus,
    };
}

/// Where a token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The token's status.
    pub status: TokenStatus,
    /// 0 when ACTIVE, else the 1-based rank among the WAITING.
    pub queue_position: u64,
    /// ACTIVE: the rest of the turn. WAITING: the estimated wait. In seconds, rounded up.
    pub remaining_seconds: u64,
    /// The end of the turn; `None` while WAITING.
    pub expires_at: Option<Timestamp>,
    /// How long a client should wait before it asks again, in seconds: short at the front, longer at the back.
    pub poll_after_seconds: u64,
    /// The phase of the sale.
    pub phase: SalePhase,
    /// When people are let in, if the sale says so.
    pub opens_at: Option<Timestamp>,
    /// The time as of which all this is so.
    pub now: Timestamp,
    /// Whether a draw at the opening gives the place; until then `queue_position` is 0 and says nothing.
    pub awaits_draw: bool,
}

/// A place in the queue, with the access token that proves it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueueToken {
    /// Whose it is, its row, and its place in the order of arrival.
    pub ticket: QueueTicket,
    /// The access token (a JWT); `None`: the policy has no keys, or the feature `jwt` is off.
    pub jwt: Option<String>,
    /// Where it stands.
    pub standing: Standing,
}

/// Who joins, and which queue. A [`Caller`] or a [`UserId`] alone joins that of the default sale.
#[derive(Debug, Clone)]
pub struct Join {
    pub(crate) caller: Caller,
    pub(crate) sale: SaleId,
    pub(crate) code: Option<AccessCode>,
}

impl Join {
    /// The caller joins the queue of a sale.
    pub fn sale(sale: SaleId, caller: impl Into<Caller>) -> Self {
        Self { caller: caller.into(), sale, code: None }
    }

    /// The same, redeeming a code of the sale. A user who waits already redeems it for the place that there is.
    #[must_use]
    pub fn with_code(self, code: impl Into<Option<AccessCode>>) -> Self {
        Self { code: code.into(), ..self }
    }
}

impl From<Caller> for Join {
    fn from(caller: Caller) -> Self {
        Self { caller, sale: SaleId::DEFAULT, code: None }
    }
}

impl From<UserId> for Join {
    fn from(user: UserId) -> Self {
        Self::from(Caller::from(user))
    }
}

/// The result of joining the queue.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Joined {
    /// The place in the queue.
    pub token: QueueToken,
    /// Whether the user was in the queue already and takes up that place again.
    pub resumed: bool,
}

/// What a rerank pass did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RerankReport {
    /// Tokens whose time was over.
    pub expired: u64,
    /// Those of them that were let in and never claimed.
    pub no_shows: u64,
    /// Tokens moved from WAITING to ACTIVE.
    pub admitted: u64,
}

impl RerankReport {
    pub(crate) const fn add(&mut self, other: Self) {
        self.expired += other.expired;
        self.no_shows += other.no_shows;
        self.admitted += other.admitted;
    }
}
