//! The queue of the spec: who joins, waits, is let in and leaves.

use super::*;

impl Spec {
    pub(super) fn has_opened(&self) -> bool {
        matches!(self.phase(), SalePhase::Open | SalePhase::Closed)
    }

    pub(super) fn has_room(&self) -> bool {
        let lately = self.let_in.iter().filter(|at| **at + 60 > self.now).count();
        self.phase() == SalePhase::Open
            && !self.paused
            && self.active.len() < (CAP - self.closed) as usize
            && self.per_minute.is_none_or(|most| lately < most as usize)
    }

    pub(super) fn phase(&self) -> SalePhase {
        let [doors, opens, closes] = self.instants;
        let is_past = |at: Option<i64>| at.is_none_or(|at| at <= self.now);
        match (closes.is_some_and(|at| at <= self.now), is_past(doors), is_past(opens)) {
            (true, ..) => SalePhase::Closed,
            (_, false, _) => SalePhase::Before,
            (_, _, false) => SalePhase::Doors,
            _ => SalePhase::Open,
        }
    }

    pub(super) fn let_in(&mut self, user: usize, seconds: i64) {
        self.active.push((user, self.now + seconds));
        if self.per_minute.is_some() {
            self.let_in.push(self.now);
        }
    }

    pub(super) fn claim(&mut self, user: usize) -> Outcome {
        if !self.is_in(&self.active, user) {
            return Err("TOKEN_NOT_ACTIVE");
        }
        if self.unclaimed.remove(&user) {
            self.begun.insert(user, self.now);
            let until = self.now + TURN;
            self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, end)| *end = until);
        }
        Ok("claimed")
    }

    pub(super) fn set(&mut self, change: queue::AdmissionChange) -> &'static str {
        let before = (self.paused, self.closed, self.per_minute);
        self.paused = change.paused.unwrap_or(self.paused);
        self.closed = change.max_active.map_or(self.closed, |cap| CAP - cap);
        self.per_minute = change.per_minute.map_or(self.per_minute, PerMinute::limit);
        if before == (self.paused, self.closed, self.per_minute) { "as it was" } else { "set" }
    }

    /// Who is over goes, and there is room for others.
    pub(super) fn rerank(&mut self, seen: Option<u8>) -> Outcome {
        let over: Vec<_> = self.active.iter().filter(|(_, until)| *until <= self.now).copied().collect();
        over.into_iter().for_each(|(user, _)| self.forget(user));
        self.waiting.retain(|(_, until)| *until > self.now);
        if self.is_draw && self.places.is_none() {
            return Ok("reranked");
        }
        if let Some(places) = &self.places {
            let ticket = |user: usize| 1 + self.arrivals.iter().rposition(|other| *other == user).expect("joined");
            self.waiting.sort_by_key(|(user, _)| places.place_of(ticket(*user) as u64));
        }
        // Those who are gone are passed over, and let in if there is room for them all the same.
        let is_gone = |user: usize| seen.is_some_and(|seen| seen >> user & 1 == 0);
        while self.has_room() && !self.waiting.is_empty() {
            let first = self.waiting.iter().position(|(user, _)| !is_gone(*user)).unwrap_or(0);
            let (user, _) = self.waiting.remove(first);
            self.let_in(user, CLAIM);
            self.unclaimed.insert(user);
        }
        Ok("reranked")
    }

    pub(super) fn forget(&mut self, user: usize) {
        let over = self.active.iter().any(|(other, until)| *other == user && *until <= self.now);
        if self.unclaimed.remove(&user) && over {
            self.no_shows += 1;
        }
        self.active.retain(|(other, _)| *other != user);
        self.waiting.retain(|(other, _)| *other != user);
    }

    pub(super) fn join(&mut self, user: usize) -> Outcome {
        if self.disabled.contains(&user) {
            return Err("USER_DISABLED");
        }
        if self.is_in(&self.active, user) || self.is_in(&self.waiting, user) {
            return Err("ALREADY_IN_QUEUE");
        }
        match self.phase() {
            SalePhase::Before => return Err("SALE_NOT_OPEN"),
            SalePhase::Closed => return Err("SALE_CLOSED"),
            SalePhase::Doors | SalePhase::Open => {}
        }
        self.forget(user);
        self.arrivals.push(user);
        if self.waiting.is_empty() && self.has_room() {
            self.let_in(user, TURN);
            self.begun.insert(user, self.now);
            Ok("active")
        } else {
            self.waiting.push((user, self.now + WAIT));
            Ok("waiting")
        }
    }

    pub(super) fn leave(&mut self, user: usize) -> Outcome {
        let there = self.is_in(&self.active, user) || self.is_in(&self.waiting, user);
        self.forget(user);
        if !there {
            return Err("TOKEN_NOT_FOUND");
        }
        for nth in 0..self.holds.len() {
            if matches!(self.hold(nth), Some((owner, Hold::Held { .. })) if owner == user) {
                self.holds[nth].2 = Hold::GivenBack { at: self.now };
            }
        }
        Ok("left")
    }
}
