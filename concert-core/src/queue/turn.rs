//! The turn of a user: what holding and paying require of a token.

use std::collections::HashMap;

use super::{Token, TokenStatus};
use crate::caller::{Caller, Proof};
use crate::clock::{Timestamp, just_after};
use crate::error::Error;
use crate::fact::{Assumed, Assumptions, Column, Fact, Key, Test, Unread, Value};
use crate::id::{TokenId, UserId};
use crate::sql::{Pair, Part, Script, statements};

/// The turns of users, under lock.
pub(crate) type Turns = HashMap<UserId, Turn>;

/// The token that a user has in the queue, as far as the rules ask about it.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    id: Fact<TokenId>,
    status: Fact<TokenStatus>,
    is_claimed: Fact<bool>,
    expires_at: Fact<Timestamp>,
}

/// Facts of the live token of a user; their key is the user's id.
const ID: Column = Column("turn: tokens.id");
const STATUS: Column = Column("tokens.status");
const IS_CLAIMED: Column = Column("tokens.claimed_at");
const EXPIRES_AT: Column = Column("tokens.expires_at");

statements! {
    /// Locks and counts the turns of users. Its conditions are all that `require_active` asks.
    LOCK_TURNS {
        "select count(*){counts} into @locked from tokens force index (tokens_user_live) where live = 1 and user_id in ({users}) \
         and status = 'ACTIVE' and claimed_at is not null and expires_at >= {until}{each} for update",
        // Only if a caller has shown a token.
        each Part { text: " and (concat(user_id, id) in ({shown}) or user_id in ({others}))", between: "" }
    }
}

impl Turn {
    pub(crate) const fn of(token: &Token) -> Self {
        Self {
            id: Fact::read(token.id),
            status: Fact::read(token.status),
            is_claimed: Fact::read(token.claimed_at.is_some()),
            expires_at: Fact::read(token.expires_at),
        }
    }

    /// The unread turn of a user.
    pub(crate) fn unread(assumptions: &Assumptions, user: UserId) -> Self {
        let of = Key::row(user.as_uuid());
        Self {
            id: assumptions.unread(ID, of),
            status: assumptions.unread(STATUS, of),
            is_claimed: assumptions.unread(IS_CLAIMED, of),
            expires_at: assumptions.unread(EXPIRES_AT, of),
        }
    }

    fn is_shown_by(&mut self, caller: &Caller) -> bool {
        match caller.proof {
            Proof::Queue(shown) => self.id.equals(shown),
            Proof::Bare | Proof::Verified => true,
        }
    }

    pub(crate) fn ends_at(&self) -> Result<Timestamp, Unread> {
        self.expires_at.value().copied()
    }
}

/// The rule that holding and paying share: the caller's token is in the queue, ACTIVE and claimed, and it is the one
/// that was shown. An unclaimed one is refused with the status ACTIVE; the box office then claims it and tries again.
pub(crate) fn require_active(caller: &Caller, turn: Option<&mut Turn>, now: Timestamp) -> Result<(), Error> {
    let Some(turn) = turn else {
        return Err(Error::TokenNotActive { status: None });
    };
    if !turn.is_shown_by(caller) {
        return Err(Error::TokenNotActive { status: None });
    }
    let may_act = turn.status.equals(TokenStatus::Active)
        && turn.is_claimed.equals(true)
        && turn.expires_at.at_least(just_after(now));
    if may_act { Ok(()) } else { Err(Error::TokenNotActive { status: Some(*turn.status.value()?) }) }
}

/// The rule for what needs no turn: a queue token that was shown is still in the queue.
pub(crate) fn require_shown_live(caller: &Caller, turn: Option<&mut Turn>, now: Timestamp) -> Result<(), Error> {
    if !caller.shows_token() {
        return Ok(());
    }
    let is_live = match turn {
        Some(turn) => {
            *turn.status.value()? != TokenStatus::Expired
                && turn.expires_at.at_least(just_after(now))
                && turn.is_shown_by(caller)
        }
        None => false,
    };
    if is_live { Ok(()) } else { Err(Error::TokenEnded) }
}

/// States the assumptions about turns by locking them. If one is false, nothing after it runs.
pub(crate) fn guard_turns(script: &mut Script, assumed: &mut Assumed) {
    let (statuses, claims) = (assumed.take(STATUS), assumed.take(IS_CLAIMED));
    let (ends, ids) = (assumed.take(EXPIRES_AT), assumed.take(ID));
    let mut until = None;
    for (_, test) in &ends {
        let Test::AtLeast(Value::Moment(moment)) = test else { return assumed.put_back(EXPIRES_AT, ends) };
        until = until.max(Some(*moment));
    }
    if !statuses.iter().all(|(_, test)| *test == Test::Equals(TokenStatus::Active.into())) {
        return assumed.put_back(STATUS, statuses);
    }
    if !claims.iter().all(|(_, test)| *test == Test::Equals(Value::Flag(true))) {
        return assumed.put_back(IS_CLAIMED, claims);
    }
    let mut shown = Vec::with_capacity(ids.len());
    for (user, test) in &ids {
        let Test::Equals(Value::Id(token)) = test else { return assumed.put_back(ID, ids) };
        shown.push((user.id(), *token));
    }
    let Some(until) = until else {
        // The statement needs an end to compare with. The other assumptions then have no guard.
        assumed.put_back(STATUS, statuses);
        assumed.put_back(IS_CLAIMED, claims);
        return assumed.put_back(ID, ids);
    };
    let mut users: Vec<_> =
        [&statuses, &claims, &ends, &ids].into_iter().flatten().map(|(user, _)| user.id()).collect();
    users.sort_unstable();
    users.dedup();
    shown.sort_unstable();
    shown.dedup();
    let others = users.iter().filter(|user| shown.binary_search_by_key(*user, |(user, _)| *user).is_err());
    script.lock_exactly("locking turns", users.len(), &LOCK_TURNS, |params| {
        let params = params.list("users", &users).bind("until", until);
        params.each((!shown.is_empty()).then_some(()), |part, ()| {
            part.list("shown", shown.iter().map(|(user, token)| Pair(*user, *token))).list("others", others.clone())
        })
    });
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn guard(ask: impl FnOnce(&mut Turn)) -> (String, Assumed) {
        let assumptions = Assumptions::default();
        ask(&mut Turn::unread(&assumptions, UserId::from_uuid(Uuid::from_u128(0xab))));
        let (mut script, mut assumed) = (Script::default(), assumptions.take());
        guard_turns(&mut script, &mut assumed);
        (script.into_text(), assumed)
    }

    #[test]
    fn a_turn_is_locked_with_all_that_holding_and_paying_ask_of_it() {
        let (user, shown) = (UserId::from_uuid(Uuid::from_u128(0xab)), TokenId::from_uuid(Uuid::from_u128(0xcd)));
        for (caller, shows) in [(Caller::from(user), false), (Caller::with_queue_token(user, shown), true)] {
            let (script, assumed) =
                guard(|turn| require_active(&caller, Some(turn), Timestamp::UNIX_EPOCH).expect("is assumed"));
            assert!(assumed.is_empty(), "{assumed:?}");
            let conditions = "live = 1 and user_id in (x'000000000000000000000000000000ab') and status = 'ACTIVE' \
                              and claimed_at is not null and expires_at >= '1970-01-01 00:00:00.000001'";
            let token = " and (concat(user_id, id) in \
                         (x'000000000000000000000000000000ab000000000000000000000000000000cd') or user_id in (null))";
            let token = if shows { token } else { "" };
            assert!(script.contains(&format!("{conditions}{token} for update;")), "{script}");
            assert!(script.ends_with("set @guarded = exp(if(@locked = 1, 0, 1000))"), "{script}");
        }
    }

    #[test]
    fn what_the_lock_does_not_state_is_left() {
        let until = Timestamp::UNIX_EPOCH;
        let asks: [fn(&mut Turn) -> bool; 6] = [
            |turn| turn.status.equals(TokenStatus::Waiting),
            |turn| turn.is_claimed.equals(false),
            |turn| turn.expires_at.at_most(Timestamp::UNIX_EPOCH),
            // These would be stated beside a question for the end.
            |turn| turn.status.equals(TokenStatus::Active),
            |turn| turn.is_claimed.equals(true),
            |turn| turn.id.equals(TokenId::generate()),
        ];
        for (nth, ask) in asks.into_iter().enumerate() {
            let (script, assumed) = guard(|turn| assert!(ask(turn)));
            assert!(!assumed.is_empty(), "question {nth} of {script}");
            if nth < 3 {
                let (script, assumed) = guard(|turn| {
                    assert!(ask(turn) && turn.expires_at.at_least(until));
                });
                assert!(!assumed.is_empty(), "question {nth} of {script}");
            }
        }
    }
}
