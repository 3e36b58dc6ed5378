//! The rules of codes: who redeems one, and what it gives.

use serde_json::json;

use super::Queue;
use crate::access_code::{CodeHash, CodeKind};
use crate::caller::Caller;
use crate::error::Error;
use crate::id::TokenId;
use crate::operator::{Act, ActSubject};
use crate::phase::SalePhase;
use crate::queue::front::{Priority, Redemption};
use crate::queue::{Token, TokenStatus};

impl Queue {
    /// The priority that a code gives now; `None`: it came too late to give one. Refuses in this order: the code does not
    /// count, the sale not open yet or closed.
    pub(super) fn priority_by(&self, code: CodeHash) -> Result<Option<Priority>, Error> {
        let code = self.front.codes.get(&code).filter(|code| code.in_force && code.uses_left > 0);
        let kind = code.ok_or(Error::CodeRefused)?.kind;
        let times = self.effects.gate.times;
        match (kind, times.phase(self.now)) {
            (CodeKind::Presale, SalePhase::Before | SalePhase::Doors) => Ok(Some(Priority::Presale)),
            (CodeKind::Presale, SalePhase::Open) => Ok(None),
            (CodeKind::Presale, SalePhase::Closed) | (CodeKind::Front, _) => {
                times.require_doors_open(self.now)?;
                Ok(Some(Priority::Front))
            }
        }
    }

    /// Uses a code for a token. It counts, as [`Queue::priority_by`] has found out.
    pub(super) fn redeem(&mut self, code: CodeHash, token: &Token, priority: Option<Priority>) {
        let Some(code) = self.front.codes.get_mut(&code) else { return };
        code.uses_left = code.uses_left.saturating_sub(1);
        self.effects.gate.redeemed += 1;
        // Whoever is let in at once has no place to wait in.
        let priority = priority.filter(|_| token.status == TokenStatus::Waiting);
        self.front.redeemed.insert(token.id, (code.id, priority));
        self.effects.redeemed.push(Redemption {
            token: token.id,
            ticket: token.ticket,
            code: code.id,
            nth: self.effects.gate.redeemed,
            priority,
        });
    }

    /// Redeems a code for a token that waits without one. Others take up their place and use nothing: they are in, or have
    /// redeemed a code before.
    pub(super) fn redeem_waiting(&mut self, caller: &Caller, token: &Token, code: CodeHash) -> Result<(), Error> {
        if token.status != TokenStatus::Waiting || self.front.redeemed.contains_key(&token.id) {
            return Ok(());
        }
        // One that gives nothing any more is kept.
        let Some(priority) = self.priority_by(code)? else { return Ok(()) };
        self.front.waiting[priority as usize] += 1;
        self.redeem(code, token, Some(priority));
        if let (Some(signature), Some(redeemed)) = (&caller.signature, self.effects.redeemed.last()) {
            let entry = signature.entry(Act::TokenIssue, ActSubject::User(caller.user), self.now);
            self.effects.log.push(entry.with_after(json!({"tokenId": token.id, "codeId": redeemed.code})));
        }
        Ok(())
    }

    /// Whether the token was made by a call with another code.
    pub(super) fn has_redeemed_another(&self, token: TokenId, code: Option<CodeHash>) -> bool {
        let Some(code) = code else { return false };
        let asked = self.front.codes.get(&code).map(|code| code.id);
        // A code that the sale does not have cannot be the one that was redeemed.
        asked.is_none() || asked != self.front.redeemed.get(&token).map(|(redeemed, _)| *redeemed)
    }

    /// A token that ends has no place in front.
    pub(super) fn leave_front(&mut self, token: TokenId) {
        if let Some((_, priority)) = self.front.redeemed.get_mut(&token)
            && let Some(priority) = priority.take()
        {
            let waiting = &mut self.front.waiting[priority as usize];
            *waiting = waiting.saturating_sub(1);
        }
        if let Some(redemption) = self.effects.redeemed.iter_mut().find(|redemption| redemption.token == token) {
            redemption.priority = None;
        }
    }
}
