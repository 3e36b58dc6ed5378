//! The rules of the queue, over rows that are locked or assumed.

mod codes;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::json;

use super::control::{self, Admission, SaleChange};
use super::draw::draw_after;
use super::front::{FrontPlace, FrontRows, Priority};
use super::pace::{SAMPLE_EVERY, Sample};
use super::rows::{Effects, Gate, Member, RerankRows, Rows, SaleRow, SaleRowChange, SeenTokens};
use super::{Answer, Command, EndedReason, QueueRules, RERANK_LIMIT, RerankReport, Token, TokenStatus};
use crate::access_code::CodeHash;
use crate::batch::Attempt;
use crate::caller::{Caller, Proof};
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::fact::{Fact, Lookup};
use crate::id::{TokenId, UserId};
use crate::operator::{Act, ActSubject, Signature};
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
    let mut answers: Vec<_> = commands
        .iter()
        .map(|command| match queue.opened_for(command) {
            Command::Join { caller, id, code, .. } => queue.join(caller, *id, *code),
            Command::Leave { caller, reason, .. } => queue.leave(caller, *reason),
            Command::Claim { caller, .. } => queue.claim(caller),
            Command::Set { change, if_version, by, .. } => queue.set(change, *if_version, by),
            // A second pass in the batch would find nothing to do.
            Command::Rerank { .. } => {
                let change_seq = queue.effects.gate.change_seq;
                Ok(Answer::Reranked { report: RerankReport::default(), more: false, change_seq })
            }
        })
        .collect();
    // The pass runs last, whatever the order of arrival, so that it sees who has just left.
    let pass = commands.iter().position(|command| matches!(command, Command::Rerank { .. }));
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

/// Somebody who may be let in.
struct Candidate {
    token: Token,
    /// The poll interval, in seconds.
    pause_seconds: u64,
    priority: Option<Priority>,
}

/// Who is let in first: those who were seen lately, then the others. Of both, first those who have a place in front, in the
/// order of these, then the rest in theirs.
fn in_order_of_admission(
    seen: Option<SeenTokens>,
    in_front: Vec<(Token, FrontPlace)>,
    heads: Vec<Token>,
) -> Vec<Candidate> {
    let places: HashMap<_, _> = in_front.iter().map(|(token, place)| (token.id, *place)).collect();
    let candidate = |(token, pause_seconds): (Token, u64)| {
        let priority = places.get(&token.id).map(|place| place.priority);
        Candidate { token, pause_seconds, priority }
    };
    let (tokens, more) = seen.map_or((Vec::new(), false), |SeenTokens { tokens, more }| (tokens, more));
    let mut order: Vec<_> = tokens.into_iter().map(candidate).collect();
    order.sort_by_key(|seen| places.get(&seen.token.id).map_or((true, None), |place| (false, Some(*place))));
    // Those who were not seen are passed over as long as somebody who was seen waits.
    if !more {
        let mut known: HashSet<_> = order.iter().map(|seen| seen.token.id).collect();
        let others = in_front.into_iter().map(|(token, _)| token).chain(heads);
        order.extend(others.filter(|other| known.insert(other.id)).map(|other| candidate((other, 0))));
    }
    order
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

    /// The command, in the queue as it is since the opening, if that has come.
    fn opened_for<'c>(&mut self, command: &'c Command) -> &'c Command {
        self.make_draw_if_due();
        command
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

    /// Changes the settings of the sale. Refuses in this order: changed since, what the default sale does not have, instants
    /// out of order, what a draw does not allow, another sale of the name.
    fn set(&mut self, change: &SaleChange, if_version: Option<u32>, by: &Signature) -> Result<Answer, Error> {
        let before = self.sale.clone().ok_or(Error::SaleNotFound)?;
        if if_version.is_some_and(|version| version != before.version) {
            return Err(Error::VersionChanged { version: before.version });
        }
        let gate = &self.effects.gate;
        let was = control::SaleSettings {
            row: before,
            times: gate.times,
            order: gate.order,
            admission: gate.admission,
            public_value: gate.draw.as_ref().and_then(|draw| draw.public_value.clone()),
        };
        let becomes = was.with(change, gate.sale)?;
        let draw = draw_after(gate, &becomes, change, self.now)?;
        let Some([from, to]) = control::difference(&was, &becomes) else {
            return Ok(Answer::Set { changed: false, version: was.row.version });
        };
        if was.row.name != becomes.row.name && self.name_is_taken {
            return Err(Error::SaleExists);
        }
        let entry = by.entry(change.act(), change.subject(gate.sale), self.now);
        self.effects.log.push(entry.with_before(from).with_after(to));
        // Without a sample at this moment, the pause would count as time in which nobody was let in.
        if was.admission.paused && !becomes.admission.paused {
            self.effects.sample = Some(self.sample(true));
        }
        let control::SaleSettings { row, times, order, admission, .. } = becomes;
        let gate = &mut self.effects.gate;
        (gate.times, gate.order, gate.admission, gate.draw) = (times, order, admission, draw);
        let version = row.version;
        self.sale = Some(row.clone());
        let first = self.effects.sale.take();
        self.effects.sale = Some(SaleRowChange {
            version_before: first.as_ref().map_or(was.row.version, |first| first.version_before),
            concerns_holds: first.is_some_and(|first| first.concerns_holds)
                || was.times.closes_at != times.closes_at
                || was.row.max_seats_per_user != row.max_seats_per_user,
            row,
        });
        Ok(Answer::Set { changed: true, version })
    }

    fn sample_pace(&mut self, last: Option<Timestamp>) {
        // A last sample in the future means that the clock was set back since.
        let due = last.is_none_or(|last| last + span(SAMPLE_EVERY) <= self.now || self.now < last);
        let resumed = self.effects.sample.is_some();
        if resumed || due && !self.effects.gate.admission.paused {
            self.effects.sample = Some(self.sample(resumed));
        }
    }

    const fn sample(&self, resumed: bool) -> Sample {
        let Gate { admitted, departed, waiting, .. } = self.effects.gate;
        Sample { at: self.now, admitted, departed, waiting, resumed }
    }

    /// Ends lapsed tokens, then lets in the others in their order while there is room.
    fn rerank(&mut self, lapsed: Vec<Token>, candidates: Vec<Candidate>) -> RerankReport {
        let mut report = RerankReport::default();
        for token in lapsed {
            if !self.gone.contains(&token.id) {
                report.no_shows += u64::from(token.is_unclaimed());
                report.expired += 1;
                self.end_lapsed(token);
            }
        }
        let candidates = candidates.into_iter().filter(|candidate| self.lets_in(candidate.priority));
        for Candidate { mut token, pause_seconds, .. } in Vec::from_iter(candidates.take(RERANK_LIMIT)) {
            if !self.has_room() {
                break;
            }
            // Those whose wait is over may be more than one batch ends.
            if self.gone.contains(&token.id) || !token.is_live(self.now) {
                continue;
            }
            // Not claimed yet: until the user shows up, the turn ends with the claim window. Where many ahead were passed
            // over at once, the user may still poll as seldom as far back in the queue.
            let window =
                self.rules.claim_window.max(Duration::from_secs(pause_seconds + self.rules.claim_window.as_secs() / 2));
            self.let_in();
            let gate = &mut self.effects.gate;
            gate.waiting = gate.waiting.saturating_sub(1);
            gate.admitted += 1;
            token.status = TokenStatus::Active;
            token.expires_at = self.now + span(window);
            self.effects.admitted.push(token);
            report.admitted += 1;
        }
        report
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
