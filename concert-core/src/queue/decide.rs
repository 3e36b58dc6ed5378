//! The rules of the queue, over rows that are locked or assumed.

mod codes;
mod rerank;
mod set;

use hashbrown::{HashMap, HashSet};
use serde_json::json;

use self::rerank::in_order_of_admission;
use super::control::Admission;
use super::front::{FrontRows, Priority};
use super::rows::{Effects, Gate, Member, RerankRows, Rows, SaleRow};
use super::{Answer, Command, EndedReason, QueueRules, RERANK_LIMIT, RerankReport, Token, TokenStatus};
use crate::access_code::CodeHash;
use crate::batch::Attempt;
use crate::caller::{Caller, Proof};
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::fact::{Fact, Lookup};
use crate::id::{TokenId, UserId};
use crate::operator::{Act, ActSubject};
use crate::phase::SalePhase;

/// Decides on commands of one sale.
pub(crate) fn decide(
    rows: Rows,
    commands: &[&Command],
    attempt: &Attempt,
    rules: QueueRules,
) -> (Vec<Result<Answer, Error>>, Effects) {
    let Rows { gate, members, made, last_minute, front, rerank, sale, name_is_taken } = rows;
    let mut queue = Queue {
        now: attempt.now,
        may_have_committed: attempt.may_have_committed,
        rules,
        members,
        made,
        front,
        sale,
        name_is_taken,
        gone: HashSet::new(),
        effects: Effects::none(gate, last_minute),
    };
    let mut answers: Vec<_> = commands.iter().map(|command| queue.carry_out(command)).collect();
    // The pass runs last, whatever the order of arrival, so that it sees who has just left.
    let pass = commands.iter().position(|command| matches!(command, Command::Rerank { .. }));
    // Once more: the last command may have been the one that brought the opening forward.
    queue.make_draw_if_due();
    let pass = pass.zip(rerank).map(|(first, rows)| {
        let RerankRows { lapsed, seen, heads, more_heads, in_order_of, last_sample } = rows;
        let all_lapsed = lapsed.len() < RERANK_LIMIT;
        let in_front = std::mem::take(&mut queue.front.first);
        // A draw that the reader of these rows did not know has put others in front. The next batch lets them in.
        let is_in_order = in_order_of == queue.effects.gate.drawn();
        let all_heads = is_in_order && !more_heads && seen.as_ref().is_none_or(|seen| !seen.more);
        let all_in_front = is_in_order && in_front.len() < RERANK_LIMIT;
        let order = if is_in_order { in_order_of_admission(seen, in_front, heads) } else { Vec::new() };
        let report = queue.rerank(lapsed, order);
        queue.sample_pace(last_sample);
        let more = !all_heads && queue.lets_in(None) || !all_in_front && queue.lets_in(Some(Priority::Presale));
        (first, report, !all_lapsed || more && queue.has_room())
    });
    // Invariant: every batch that changes anything raises `change_seq` by one. Snapshots and guards rely on it.
    if !queue.effects.is_empty() {
        let gate = &mut queue.effects.gate;
        gate.change_seq += 1;
        // After the cap was lowered, those who were in may stay, and nobody takes their places.
        gate.most_active = gate.most_active.min(gate.active).max(gate.admission.max_active);
    }
    if let Some((first, report, more)) = pass {
        answers[first] = Ok(Answer::Reranked { report, more, change_seq: queue.effects.gate.change_seq });
    }
    (answers, queue.effects)
}

/// The queue in the course of a batch.
struct Queue {
    now: Timestamp,
    may_have_committed: bool,
    rules: QueueRules,
    members: HashMap<UserId, Member>,
    made: Lookup<TokenId, Token>,
    front: FrontRows,
    sale: Option<SaleRow>,
    name_is_taken: bool,
    /// Tokens that this batch has ended.
    gone: HashSet<TokenId>,
    effects: Effects,
}

impl Queue {
    fn carry_out(&mut self, command: &Command) -> Result<Answer, Error> {
        // An earlier command may have brought the opening forward.
        self.make_draw_if_due();
        match command {
            Command::Join { caller, id, code, .. } => self.join(caller, *id, *code),
            Command::Leave { caller, reason, .. } => self.leave(caller, *reason),
            Command::Claim { caller, .. } => self.claim(caller),
            Command::Set { change, if_version, by, .. } => self.set(change, *if_version, by),
            // A second pass in the batch would find nothing to do.
            Command::Rerank { .. } => {
                let change_seq = self.effects.gate.change_seq;
                Ok(Answer::Reranked { report: RerankReport::default(), more: false, change_seq })
            }
        }
    }

    /// Refuses in this order: no such user, log-in needed, disabled, key reused, already in the queue, the code does not
    /// count, the sale not open yet or closed. A user without a password is asked for no proof where bare joins are on; the
    /// key is then all that a repeated join shows.
    fn join(&mut self, caller: &Caller, id: TokenId, code: Option<CodeHash>) -> Result<Answer, Error> {
        let Some(member) = self.members.get_mut(&caller.user) else {
            return Err(Error::UserNotFound);
        };
        let now = self.now;
        let is_proved = match caller.proof {
            Proof::Bare => false,
            Proof::Verified => true,
            // A queue token proves its user only while it is in the queue.
            Proof::Queue(shown) => {
                let here = member.live.value()?.as_ref();
                here.into_iter().chain(&member.elsewhere).any(|token| token.id == shown && token.is_live(now))
            }
        };
        let may_join = is_proved || self.rules.bare_joins && member.has_password.equals(false);
        if !may_join {
            return Err(Error::LoginRequired);
        }
        if !member.is_enabled.equals(true) {
            return Err(Error::UserDisabled);
        }
        // After the proofs: a key is no credential. Nothing but the user is asked for, whom the id derives from.
        if (caller.key.is_some() || self.may_have_committed)
            && let Some(token) = self.made.get(id)
        {
            // The id derives from user and key alone, so the same key in another sale meets the row of the first.
            if token.sale != self.effects.gate.sale || self.has_redeemed_another(id, code) {
                return Err(Error::IdempotencyKeyReused);
            }
            return Ok(Answer::Joined { token: token.clone(), resumed: false, position: None });
        }
        // An unread token is assumed not to be there. The unique key of live tokens states that.
        let before = if member.live.equals(None) { None } else { member.live.value()?.clone() };
        if let Some(token) = before.as_ref().filter(|token| token.is_live(now)) {
            if !is_proved {
                return Err(Error::AlreadyInQueue);
            }
            let token = token.clone();
            if let Some(code) = code {
                self.redeem_waiting(caller, &token, code)?;
            }
            return Ok(Answer::Joined { token, resumed: true, position: None });
        }
        // Whoever has a place keeps it.
        let code = match code {
            Some(code) => Some((code, self.priority_by(code)?)),
            None => {
                self.effects.gate.times.require_doors_open(now)?;
                None
            }
        };
        if let Some(lapsed) = before {
            // A user has one live token of a sale at most, so the lapsed one ends before another is made.
            self.end_lapsed(lapsed);
        }
        let joined = self.admit_or_queue(caller.user, id, code.and_then(|(_, priority)| priority));
        if let (Some((code, priority)), Answer::Joined { token, .. }) = (code, &joined) {
            self.redeem(code, token, priority);
        }
        if let (Some(signature), Answer::Joined { token, .. }) = (&caller.signature, &joined) {
            let entry = signature.entry(Act::TokenIssue, ActSubject::User(caller.user), self.now);
            let after = json!({"tokenId": token.id, "ticket": token.ticket, "status": token.status.as_str()});
            self.effects.log.push(entry.with_after(after));
        }
        Ok(joined)
    }

    /// Makes the draw at the opening: in the first batch that comes after it, before anything else happens in that.
    fn make_draw_if_due(&mut self) {
        let gate = &mut self.effects.gate;
        let is_due = gate.draw_is_due(self.now);
        if let Some(draw) = gate.draw.as_mut().filter(|_| is_due) {
            draw.make(gate.next_ticket - 1);
        }
    }

    /// Whether the sale lets those in who wait with this priority.
    fn lets_in(&self, priority: Option<Priority>) -> bool {
        match self.effects.gate.times.phase(self.now) {
            SalePhase::Open => true,
            SalePhase::Before | SalePhase::Doors => priority == Some(Priority::Presale),
            SalePhase::Closed => false,
        }
    }

    /// Whether one more may become ACTIVE, if the sale lets them in.
    fn has_room(&self) -> bool {
        let Gate { active, admission: Admission { paused, max_active, per_minute }, .. } = self.effects.gate;
        let lately = self.effects.last_minute.admitted;
        !paused && active < max_active && per_minute.is_none_or(|most| lately < u64::from(most))
    }

    /// Counts one more ACTIVE token.
    fn let_in(&mut self) {
        self.effects.gate.active += 1;
        self.effects.let_in += 1;
        self.effects.last_minute.admitted += 1;
    }

    fn admit_or_queue(&mut self, user: UserId, id: TokenId, priority: Option<Priority>) -> Answer {
        let ticket = self.effects.gate.next_ticket;
        self.effects.gate.next_ticket += 1;
        if let Some(draw) = &mut self.effects.gate.draw {
            draw.take_up(ticket, id);
        }
        let mut token = Token {
            id,
            user,
            sale: self.effects.gate.sale,
            ticket,
            status: TokenStatus::Active,
            created_at: self.now,
            expires_at: self.now + span(self.rules.active_ttl),
            // Joining claims the turn at once: the user is there.
            claimed_at: Some(self.now),
        };
        let mut position = 0;
        let ahead = priority.map_or(self.effects.gate.waiting, |priority| self.front.up_to(priority));
        // Before the opening, nobody else is about to be let in.
        let before = if priority == Some(Priority::Presale) { ahead } else { self.effects.gate.waiting };
        // Nobody overtakes those who wait, even if there is room: the next pass lets them in first.
        if before == 0 && self.lets_in(priority) && self.has_room() {
            self.let_in();
        } else {
            self.effects.gate.waiting += 1;
            position = ahead + 1;
            if let Some(priority) = priority {
                self.front.waiting[priority as usize] += 1;
            }
            token.status = TokenStatus::Waiting;
            token.expires_at = self.now + span(self.rules.waiting_ttl);
            token.claimed_at = None;
        }
        self.effects.joined.push(token.clone());
        self.made.insert(id, token.clone());
        if let Some(member) = self.members.get_mut(&user) {
            member.live = Fact::read(Some(token.clone()));
        }
        Answer::Joined { token, resumed: false, position: Some(position) }
    }

    fn leave(&mut self, caller: &Caller, reason: EndedReason) -> Result<Answer, Error> {
        let Some(member) = self.members.get(&caller.user) else {
            return Err(Error::UserNotFound);
        };
        let live = member.live.value()?.clone().filter(|token| !caller.shows_ended_token(&[token.id]));
        match live {
            Some(token) => {
                if token.is_live(self.now) {
                    if let Some(signature) = &caller.signature {
                        let entry = signature.entry(Act::TokenExpire, ActSubject::User(caller.user), self.now);
                        let was = json!({"tokenId": token.id, "status": token.status.as_str()});
                        let becomes = json!({"tokenId": token.id, "status": TokenStatus::Expired.as_str()});
                        self.effects.log.push(entry.with_before(was).with_after(becomes));
                    }
                    self.end(token, reason);
                    return Ok(Answer::Left);
                }
                self.end_lapsed(token);
                Err(Error::TokenNotFound)
            }
            // An earlier attempt whose outcome is unknown may have ended it.
            None if self.may_have_committed => Ok(Answer::Left),
            None => Err(Error::TokenNotFound),
        }
    }

    /// Claims a turn: it lasts its full time from now on. A turn that is already claimed stays as it is.
    fn claim(&mut self, caller: &Caller) -> Result<Answer, Error> {
        let member = self.members.get_mut(&caller.user).ok_or(Error::TokenNotActive { status: None })?;
        let live = member.live.value()?.clone();
        let Some(mut token) = live.filter(|token| !caller.shows_ended_token(&[token.id])) else {
            return Err(Error::TokenNotActive { status: None });
        };
        if !token.is_active(self.now) {
            return Err(Error::TokenNotActive { status: Some(token.status) });
        }
        if token.claimed_at.is_none() {
            token.claimed_at = Some(self.now);
            token.expires_at = self.now + span(self.rules.active_ttl);
            member.live = Fact::read(Some(token.clone()));
            self.effects.claimed.push(token.clone());
        }
        Ok(Answer::Claimed(token))
    }

    /// Ends a token whose time is over.
    fn end_lapsed(&mut self, token: Token) {
        let no_show = token.is_unclaimed();
        self.effects.gate.no_shows += u64::from(no_show);
        self.end(token, if no_show { EndedReason::NoShow } else { EndedReason::Lapsed });
    }

    fn end(&mut self, mut token: Token, reason: EndedReason) {
        let gate = &mut self.effects.gate;
        match token.status {
            TokenStatus::Active => gate.active = gate.active.saturating_sub(1),
            TokenStatus::Waiting => {
                gate.waiting = gate.waiting.saturating_sub(1);
                gate.departed += 1;
            }
            TokenStatus::Expired => return,
        }
        token.status = TokenStatus::Expired;
        self.gone.insert(token.id);
        self.leave_front(token.id);
        if let Some(member) = self.members.get_mut(&token.user) {
            member.live = Fact::read(None);
        }
        // A token that joined in this batch has no row to update: it is inserted as ended.
        if let Some(joined) = self.effects.joined.iter_mut().find(|joined| joined.id == token.id) {
            joined.status = TokenStatus::Expired;
        } else {
            self.effects.ended.push((token, reason));
        }
    }
}
