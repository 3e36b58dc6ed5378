//! The queue: who is in, who waits, and in which order.
//!
//! Every change of a token's status goes through one lane and one row, the gate, locked until commit. That makes the
//! cap on ACTIVE tokens and the order of tickets exact for any number of processes.

mod admission;
mod change_times;
mod control;
mod decide;
mod draw;
mod front;
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
mod turn;
mod views;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub(crate) use admission::read_admission;
pub use control::{Admission, AdmissionChange, PerMinute, QueueChange, SaleChange};
pub(crate) use control::{SaleSettings, sale_name};
pub use draw::{Draw, DrawKey, DrawVerification, DrawnToken, Places, PublicValue};
pub(crate) use draw::{DrawSecret, GateDraw, audit_draws, draw_columns, read_draw, verify as verify_draw};
use front::FrontRows;
pub(crate) use pace::Pace;
pub(crate) use poll::{Followed, QueueView, ViewRules};
pub use reads::Pass;
pub(crate) use reads::{acquire_pass, control_log, read_pace, read_paces, sales_of};
pub(crate) use rows::SaleRow;
use rows::{Gate, Member};
pub(crate) use seen::Attendance;
pub(crate) use settings::{read_times, times_columns};
#[cfg(feature = "internals")]
pub(crate) use snapshot::positions;
pub(crate) use store::{lock_live_tokens, read_token, read_turns, token_columns};
pub(crate) use turn::{LongerTurns, Turn, Turns, guard_turns, require_active, require_shown_live};
pub(crate) use views::{Opening, QueueViews};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[
    store::STATEMENTS,
    store::PASS_STATEMENTS,
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

use crate::access_code::{AccessCode, CodeHash};
use crate::batch::{Attempt, Batch, Decision};
use crate::caller::{Caller, Proof, QueueTicket};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::error::Error;
use crate::fact::{Assumed, Assumptions, Key, Lookup, Test, Value};
use crate::id::{SaleId, TokenId, UserId};
use crate::operator::Signature;
use crate::phase::SalePhase;
use crate::sql::{Script, grouped};
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

/// Why a token ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedReason {
    Lapsed,
    /// The turn was not claimed within the claim window.
    NoShow,
    Left,
    Operator,
}

impl EndedReason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Lapsed => "LAPSED",
            Self::NoShow => "NO_SHOW",
            Self::Left => "LEFT",
            Self::Operator => "OPERATOR",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        [Self::Lapsed, Self::NoShow, Self::Left, Self::Operator]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no reason for the end of a token").into()))
    }
}

/// A row of `tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) user: UserId,
    pub(crate) sale: SaleId,
    pub(crate) ticket: u64,
    pub(crate) status: TokenStatus,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When the turn was claimed; until then `expires_at` of an ACTIVE token is the end of the claim window.
    pub(crate) claimed_at: Option<Timestamp>,
}

impl Token {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.status != TokenStatus::Expired && now < self.expires_at
    }

    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        self.status == TokenStatus::Active && now < self.expires_at
    }

    /// Whether it was let in and the turn is not claimed yet.
    pub(crate) fn is_unclaimed(&self) -> bool {
        self.status == TokenStatus::Active && self.claimed_at.is_none()
    }
}

impl From<TokenStatus> for Value {
    fn from(status: TokenStatus) -> Self {
        Self::Keyword(status.as_str())
    }
}

impl From<Token> for Value {
    fn from(token: Token) -> Self {
        Self::Id(token.id.as_uuid())
    }
}

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

/// The part of the policy that the queue obeys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueRules {
    pub(crate) active_ttl: Duration,
    pub(crate) claim_window: Duration,
    pub(crate) waiting_ttl: Duration,
    /// Whether a user without a password joins by id alone.
    pub(crate) bare_joins: bool,
}

/// What a batch changes in each sale.
pub(crate) type SaleEffects = Vec<rows::Effects>;

/// The most sales whose gates a process remembers. One more makes it forget all.
const MOST_GATES: usize = 4_096;

/// The queue's part of its lane ([`crate::visit`]). The commands of a sale go to one writer: its gate would admit only
/// one at a time anyway. A batch may be about several sales; each is decided by itself.
pub(crate) struct QueueBatch {
    rules: QueueRules,
    views: Arc<QueueViews>,
    /// The gates as this process last left them.
    remembered: Mutex<HashMap<SaleId, Gate>>,
}

impl QueueBatch {
    pub(crate) fn new(rules: QueueRules, views: Arc<QueueViews>) -> Self {
        Self { rules, views, remembered: Mutex::default() }
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<SaleId, Gate>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows of joins, assumed: the gate is as this process left it, and the joining users are not in the queue.
    fn assume_sale(
        &self,
        sale: SaleId,
        commands: &[&Command],
        assumptions: &Assumptions,
        attempt: &Attempt,
    ) -> Option<rows::Rows> {
        // With a limit per minute, admissions by other processes count, which this process does not know.
        let gate = self.remembered().get(&sale).cloned().filter(|gate| gate.admission.per_minute.is_none())?;
        let of = Key::row(sale.as_uuid());
        assumptions.record(rows::REMEMBERED_GATE, of, Test::Equals(gate.change_seq.into()));
        let mut members = HashMap::with_capacity(commands.len());
        for command in commands {
            // Codes are locked.
            let Command::Join { caller: Caller { user, proof: Proof::Bare | Proof::Verified, .. }, code: None, .. } =
                command
            else {
                return None;
            };
            let of = Key::row(user.as_uuid());
            members.entry(*user).or_insert_with(|| {
                assumptions.record(rows::USER, of, Test::Equals(Value::Flag(true)));
                Member {
                    has_password: assumptions.unread(rows::HAS_PASSWORD, of),
                    is_enabled: assumptions.unread(rows::IS_ENABLED, of),
                    live: assumptions.unread(rows::LIVE_TOKEN, Key::in_sale(*user, sale)),
                    elsewhere: Vec::new(),
                }
            });
        }
        let made: Lookup<_, _> = assumptions.unread_rows(rows::MADE, HashMap::new());
        let last_minute = rows::LastMinute::unlimited(attempt.now);
        let front = FrontRows::default();
        Some(rows::Rows { gate, members, made, last_minute, front, rerank: None, sale: None, name_is_taken: false })
    }
}

/// The commands of each sale, with their places in the batch.
fn by_sale(commands: &[Command]) -> BTreeMap<SaleId, Vec<(usize, &Command)>> {
    grouped(commands.iter().enumerate().map(|(nth, command)| (command.sale(), (nth, command))))
}

impl Batch for QueueBatch {
    const NAME: &'static str = "queue";
    type Command = Command;
    type Answer = Answer;
    type Rows = rows::RowsOfSales;
    type Effects = SaleEffects;

    fn key(command: &Command) -> Uuid {
        command.sale().as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Command],
        attempt: &Attempt,
    ) -> Result<rows::RowsOfSales, Failure> {
        store::lock(connection, commands, attempt, &self.views).await
    }

    fn decide(&self, mut rows: rows::RowsOfSales, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        let mut answers: Vec<_> = commands.iter().map(|_| Err(Error::SaleNotFound)).collect();
        let mut effects = Vec::with_capacity(rows.len());
        for (sale, commands) in by_sale(commands) {
            let Some(rows) = rows.remove(&sale) else { continue };
            let (places, commands): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
            let (of_sale, changes) = decide::decide(rows, &commands, attempt, self.rules);
            for (place, answer) in places.into_iter().zip(of_sale) {
                answers[place] = answer;
            }
            effects.push(changes);
        }
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &SaleEffects, attempt: &Attempt) {
        effects.iter().for_each(|effects| store::write(script, effects, attempt.now));
    }

    /// Only joins.
    fn assume(&self, commands: &[Command], assumptions: &Assumptions, attempt: &Attempt) -> Option<rows::RowsOfSales> {
        let assume = |(sale, commands): (SaleId, Vec<(usize, &Command)>)| {
            let commands: Vec<_> = commands.into_iter().map(|(_, command)| command).collect();
            Some((sale, self.assume_sale(sale, &commands, assumptions, attempt)?))
        };
        by_sale(commands).into_iter().map(assume).collect()
    }

    fn guard(&self, script: &mut Script, assumed: &mut Assumed, effects: &SaleEffects, _attempt: &Attempt) {
        store::guard(script, assumed, effects);
    }

    fn committed(&self, effects: SaleEffects) {
        for effects in effects {
            let view = self.views.of(effects.gate.sale);
            view.apply(&effects);
            view.times().note(effects.last_minute.at, effects.gate.change_seq);
            let mut remembered = self.remembered();
            if remembered.len() >= MOST_GATES && !remembered.contains_key(&effects.gate.sale) {
                remembered.clear();
            }
            remembered.insert(effects.gate.sale, effects.gate);
        }
    }
}
