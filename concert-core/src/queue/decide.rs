//! The rules of the queue, over rows that are locked.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{Answer, Command, EndedReason, RERANK_LIMIT, RerankReport, Token, TokenStatus};
use crate::batch::Attempt;
use crate::caller::{Caller, Proof};
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::id::{TokenId, UserId};

/// The gate row: the state that every change of the queue's order shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) next_ticket: u64,
    pub(crate) change_seq: u64,
    pub(crate) active: u32,
    pub(crate) waiting: u64,
    pub(crate) admitted: u64,
    pub(crate) max_active: u32,
}

/// What the queue knows of a user.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) has_password: bool,
    /// The token that is WAITING or ACTIVE in the table; its time may be over all the same.
    pub(crate) live: Option<Token>,
}

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) gate: Gate,
    /// By user; a user who is missing does not exist.
    pub(crate) members: HashMap<UserId, Member>,
    /// Tokens that commands of this batch made earlier, by id: for repeated calls.
    pub(crate) made: HashMap<TokenId, Token>,
    /// For `Rerank`: live tokens whose time is over, and the first in the queue.
    pub(crate) lapsed: Vec<Token>,
    pub(crate) heads: Vec<Token>,
}

/// What a batch changes. All tokens in it carry their state afterwards.
#[derive(Debug)]
pub(crate) struct Effects {
    pub(crate) change_seq_before: u64,
    pub(crate) gate: Gate,
    pub(crate) ended: Vec<(Token, EndedReason)>,
    pub(crate) admitted: Vec<Token>,
    pub(crate) joined: Vec<Token>,
}

impl Effects {
    pub(crate) fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.admitted.is_empty() && self.joined.is_empty()
    }
}

pub(crate) fn decide(
    rows: Rows,
    commands: &[Command],
    attempt: &Attempt,
    active_ttl: Duration,
    waiting_ttl: Duration,
) -> (Vec<Result<Answer, Error>>, Effects) {
    let Rows { gate, members, made, lapsed, heads } = rows;
    let mut queue = Queue {
        now: attempt.now,
        recheck: attempt.recheck,
        active_ttl,
        waiting_ttl,
        members,
        made,
        gone: HashSet::new(),
        effects: Effects {
            change_seq_before: gate.change_seq,
            gate,
            ended: Vec::new(),
            admitted: Vec::new(),
            joined: Vec::new(),
        },
    };
    let mut answers: Vec<_> = commands
        .iter()
        .map(|command| match command {
            Command::Join { caller, id } => queue.join(caller, *id),
            Command::Leave { caller, reason } => queue.leave(caller, *reason),
            Command::Rerank => Ok(Answer::Reranked(RerankReport::default())),
        })
        .collect();
    // After the callers, whatever the order of arrival: a pass sees who has just left.
    if let Some(first) = commands.iter().position(|command| matches!(command, Command::Rerank)) {
        answers[first] = Ok(Answer::Reranked(queue.rerank(lapsed, heads)));
    }
    if !queue.effects.is_empty() {
        queue.effects.gate.change_seq += 1;
    }
    (answers, queue.effects)
}

/// The queue in the course of a batch.
struct Queue {
    now: Timestamp,
    recheck: bool,
    active_ttl: Duration,
    waiting_ttl: Duration,
    members: HashMap<UserId, Member>,
    made: HashMap<TokenId, Token>,
    /// Tokens that this batch has ended.
    gone: HashSet<TokenId>,
    effects: Effects,
}

impl Queue {
    /// Refuses in this order: no such user, log-in needed, in the queue already.
    fn join(&mut self, caller: &Caller, id: TokenId) -> Result<Answer, Error> {
        let Some(member) = self.members.get(&caller.user) else {
            return Err(Error::UserNotFound);
        };
        if (caller.key.is_some() || self.recheck)
            && let Some(token) = self.made.get(&id)
        {
            return Ok(Answer::Joined { token: token.clone(), resumed: false, position: None });
        }
        let live = member.live.clone();
        let proved = match caller.proof {
            Proof::Bare => false,
            Proof::Verified => true,
            Proof::Queue(shown) => live.as_ref().is_some_and(|token| token.id == shown),
        };
        if member.has_password && !proved {
            return Err(Error::LoginRequired);
        }
        match live {
            Some(token) if token.is_live(self.now) => {
                if !proved {
                    return Err(Error::AlreadyInQueue);
                }
                return Ok(Answer::Joined { token, resumed: true, position: None });
            }
            Some(lapsed) => self.end(lapsed, EndedReason::Lapsed),
            None => {}
        }
        Ok(self.admit_or_queue(caller.user, id))
    }

    fn admit_or_queue(&mut self, user: UserId, id: TokenId) -> Answer {
        let gate = &mut self.effects.gate;
        let ticket = gate.next_ticket;
        gate.next_ticket += 1;
        let (status, position, ttl) = if gate.waiting == 0 && gate.active < gate.max_active {
            gate.active += 1;
            (TokenStatus::Active, 0, self.active_ttl)
        } else {
            gate.waiting += 1;
            (TokenStatus::Waiting, gate.waiting, self.waiting_ttl)
        };
        let token = Token { id, user, ticket, status, created_at: self.now, expires_at: self.now + span(ttl) };
        self.effects.joined.push(token.clone());
        self.made.insert(id, token.clone());
        if let Some(member) = self.members.get_mut(&user) {
            member.live = Some(token.clone());
        }
        Answer::Joined { token, resumed: false, position: Some(position) }
    }

    fn leave(&mut self, caller: &Caller, reason: EndedReason) -> Result<Answer, Error> {
        let Some(member) = self.members.get(&caller.user) else {
            return Err(Error::UserNotFound);
        };
        let live = member.live.clone().filter(|token| !caller.shows_ended_token(Some(token.id)));
        match live {
            Some(token) => {
                let lapsed = !token.is_live(self.now);
                self.end(token, if lapsed { EndedReason::Lapsed } else { reason });
                if lapsed { Err(Error::TokenNotFound) } else { Ok(Answer::Left) }
            }
            // An attempt of which the outcome is unknown may have ended it.
            None if self.recheck => Ok(Answer::Left),
            None => Err(Error::TokenNotFound),
        }
    }

    /// First come, first served, up to the cap.
    fn rerank(&mut self, lapsed: Vec<Token>, heads: Vec<Token>) -> RerankReport {
        let mut report = RerankReport::default();
        for token in lapsed {
            if !self.gone.contains(&token.id) {
                self.end(token, EndedReason::Lapsed);
                report.expired += 1;
            }
        }
        for mut token in heads.into_iter().take(RERANK_LIMIT) {
            let gate = &mut self.effects.gate;
            if gate.active >= gate.max_active {
                break;
            }
            if self.gone.contains(&token.id) {
                continue;
            }
            gate.active += 1;
            gate.waiting = gate.waiting.saturating_sub(1);
            gate.admitted += 1;
            token.status = TokenStatus::Active;
            token.expires_at = self.now + span(self.active_ttl);
            self.effects.admitted.push(token);
            report.admitted += 1;
        }
        report
    }

    fn end(&mut self, mut token: Token, reason: EndedReason) {
        let gate = &mut self.effects.gate;
        match token.status {
            TokenStatus::Active => gate.active = gate.active.saturating_sub(1),
            TokenStatus::Waiting => gate.waiting = gate.waiting.saturating_sub(1),
            TokenStatus::Expired => return,
        }
        token.status = TokenStatus::Expired;
        self.gone.insert(token.id);
        if let Some(member) = self.members.get_mut(&token.user) {
            member.live = None;
        }
        // A token that joined in this very batch is not in the table yet: it goes in as what it has become.
        if let Some(joined) = self.effects.joined.iter_mut().find(|joined| joined.id == token.id) {
            joined.status = TokenStatus::Expired;
        } else {
            self.effects.ended.push((token, reason));
        }
    }
}
