//! Who is let in by a pass, and who is ended.

use std::time::Duration;

use hashbrown::{HashMap, HashSet};

use super::Queue;
use crate::clock::span;
use crate::queue::front::{FrontPlace, Priority};
use crate::queue::rows::SeenTokens;
use crate::queue::{RERANK_LIMIT, RerankReport, Token, TokenStatus};

/// Somebody who may be let in.
pub(super) struct Candidate {
    token: Token,
    /// The poll interval, in seconds.
    pause_seconds: u64,
    priority: Option<Priority>,
}

/// Who is let in first: those who were seen lately, then the others. Of both, first those who have a place in front, in the
/// order of these, then the rest in theirs.
pub(super) fn in_order_of_admission(
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
    // Those without a place in front come after those with one, and keep their order among themselves.
    order.sort_by_key(|seen| places.get(&seen.token.id).map_or((true, None), |place| (false, Some(*place))));
    // Those who were not seen are passed over as long as somebody who was seen waits.
    if !more {
        let mut known: HashSet<_> = order.iter().map(|seen| seen.token.id).collect();
        let others = in_front.into_iter().map(|(token, _)| token).chain(heads);
        order.extend(others.filter(|other| known.insert(other.id)).map(|other| candidate((other, 0))));
    }
    order
}

impl Queue {
    /// Ends lapsed tokens, then lets in the others in their order while there is room.
    pub(super) fn rerank(&mut self, lapsed: Vec<Token>, candidates: Vec<Candidate>) -> RerankReport {
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
}
