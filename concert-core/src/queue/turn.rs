//! The turn of a user: what holding and paying require of a token.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use hashbrown::HashMap;
use uuid::Uuid;

use super::{Token, TokenStatus};
use crate::caller::{Caller, Proof};
use crate::clock::{Timestamp, just_after};
use crate::error::Error;
use crate::fact::{Assumed, Assumptions, Column, Fact, Key, Test, Unread, Value};
use crate::id::{SaleId, TokenId, UserId};
use crate::sql::{Pair, Part, Script, grouped, statements};

/// The turns of users in sales, under lock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(BTreeMap<(UserId, SaleId), Turn>);

impl Turns {
    /// The turn of a user in a sale. One in another sale admits to nothing there.
    pub(crate) fn in_sale(&mut self, user: UserId, sale: SaleId) -> Option<&mut Turn> {
        self.0.get_mut(&(user, sale))
    }

    /// The turn whose token the caller has shown, in whichever sale that is; where it was not read, one that may be it.
    pub(crate) fn shown_by(&mut self, caller: &Caller) -> Option<&mut Turn> {
        let Proof::Queue(shown) = caller.proof else { return None };
        let [first, last] = [Uuid::nil(), Uuid::max()].map(|sale| (caller.user, SaleId::from_uuid(sale)));
        // The range has the user's turns in all sales: no id is less than nil or more than max.
        let may_be = |turn: &Turn| turn.id.value().map_or(true, |id| *id == shown);
        self.0.range_mut(first..=last).map(|(_, turn)| turn).find(|turn| may_be(turn))
    }

    /// A turn of the caller that is ACTIVE now, or any: for refusals that no sale is known of.
    pub(crate) fn any_of(&mut self, caller: &Caller, now: Timestamp) -> Option<&mut Turn> {
        let [first, last] = [Uuid::nil(), Uuid::max()].map(|sale| (caller.user, SaleId::from_uuid(sale)));
        let is_active = |turn: &mut Turn| require_active(caller, Some(turn), now).is_ok();
        let one = self.0.range(first..=last).next().map(|(key, _)| *key);
        let active = self.0.range_mut(first..=last).find_map(|(key, turn)| is_active(turn).then_some(*key));
        self.0.get_mut(&active.or(one)?)
    }

    pub(crate) fn insert(&mut self, user: UserId, sale: SaleId, turn: Turn) {
        self.0.insert((user, sale), turn);
    }

    /// Adds the turn of a user in a sale, unread, if it is not there yet.
    pub(crate) fn insert_unread(&mut self, assumptions: &Assumptions, user: UserId, sale: SaleId) {
        self.0.entry((user, sale)).or_insert_with(|| Turn::unread(assumptions, user, sale));
    }
}

/// The token that a user has in the queue of a sale, as far as the rules ask about it.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    id: Fact<TokenId>,
    status: Fact<TokenStatus>,
    is_claimed: Fact<bool>,
    /// When it was claimed: the begin of the turn.
    begun_at: Fact<Option<Timestamp>>,
    expires_at: Fact<Timestamp>,
}

/// Facts of the live token of a user in a sale.
const ID: Column = Column("turn: tokens.id");
const STATUS: Column = Column("tokens.status");
const IS_CLAIMED: Column = Column("tokens.claimed_at");
const BEGUN_AT: Column = Column("turn: tokens.claimed_at");
const EXPIRES_AT: Column = Column("tokens.expires_at");

/// The change that makes turns last longer. A turn that lasts as long anyway stays as it is.
macro_rules! lengthen {
    ($only_if:literal) => {
        concat!(
            "update tokens force index (tokens_user_live) set expires_at = {until}, last_updated_at = {now} where ",
            $only_if,
            "live = 1 and user_id in ({users}) and sale_id = {sale} and expires_at < {until}"
        )
    };
}

statements! {
    /// Locks all live tokens of users, and counts their turns in a sale. Its conditions are all that `require_active` and
    /// `Turn::bounded` ask. It locks the tokens of other sales as well: what a user holds in all sales together is limited.
    /// It also counts how many of the tokens end too early for what is held.
    LOCK_TURNS {
        "select count(case when sale_id = {sale} and status = 'ACTIVE' and claimed_at >= {begun} \
         and expires_at >= {until}{each} then 1 end){counts}, count(case when expires_at < {held_until} then 1 end) \
         into @locked, @short from tokens force index (tokens_user_live) where live = 1 and user_id in ({users}) for update",
        // Only if a caller has shown a token.
        each Part { text: " and (concat(user_id, id) in ({shown}) or user_id in ({others}))", between: "" }
    }
    LENGTHEN { lengthen!("") }
    /// After one `LOCK_TURNS`. If that has found no token too short, as mostly, the server looks at no row.
    LENGTHEN_IF_SHORT { lengthen!("@short > 0 and ") }
}

impl Turn {
    pub(crate) const fn of(token: &Token) -> Self {
        Self {
            id: Fact::read(token.id),
            status: Fact::read(token.status),
            is_claimed: Fact::read(token.claimed_at.is_some()),
            begun_at: Fact::read(token.claimed_at),
            expires_at: Fact::read(token.expires_at),
        }
    }

    /// The unread turn of a user in a sale.
    pub(crate) fn unread(assumptions: &Assumptions, user: UserId, sale: SaleId) -> Self {
        let of = Key::in_sale(user, sale);
        Self {
            id: assumptions.unread(ID, of),
            status: assumptions.unread(STATUS, of),
            is_claimed: assumptions.unread(IS_CLAIMED, of),
            begun_at: assumptions.unread(BEGUN_AT, of),
            expires_at: assumptions.unread(EXPIRES_AT, of),
        }
    }

    fn is_shown_by(&mut self, caller: &Caller) -> bool {
        match caller.proof {
            Proof::Queue(shown) => self.id.equals(shown),
            Proof::Bare | Proof::Verified => true,
        }
    }

    /// `wanted`, or the latest end that the turn can have, if that comes before it. `longest`: from its begin. A turn that
    /// lasts longer already was given by another policy, and keeps its end.
    pub(crate) fn bounded(&self, wanted: Timestamp, longest: TimeDelta) -> Result<Timestamp, Unread> {
        // Asked as a bound first: that an unread begin can answer, and a guard can state.
        if self.begun_at.at_least(Some(wanted - longest)) {
            return Ok(wanted);
        }
        let latest = self.begun_at.value()?.map_or(wanted, |begun_at| begun_at + longest);
        Ok(wanted.min(latest.max(*self.expires_at.value()?)))
    }
}

/// The turns that a batch makes last longer, and until when at least.
#[derive(Debug, Default)]
pub(crate) struct LongerTurns {
    /// Turns that end earlier by their rows.
    short: HashMap<(UserId, SaleId), Timestamp>,
    /// Turns whose end nobody has read. Most of them last as long anyway.
    unread: HashMap<(UserId, SaleId), Timestamp>,
}

impl LongerTurns {
    /// Makes the user's turn in the sale last until `until` at least.
    pub(crate) fn lengthen(&mut self, user: UserId, sale: SaleId, turn: &mut Turn, until: Timestamp) {
        let turns = match turn.expires_at.value() {
            Ok(end) if *end >= until => return,
            Ok(_) => {
                turn.expires_at = Fact::read(until);
                &mut self.short
            }
            Err(Unread) => &mut self.unread,
        };
        turns.entry((user, sale)).and_modify(|end| *end = until.max(*end)).or_insert(until);
    }

    /// Users, and until when, by the sale of the turn.
    pub(crate) fn by_sale(&self) -> BTreeMap<SaleId, Vec<(UserId, Timestamp)>> {
        grouped(self.short.iter().chain(&self.unread).map(|((user, sale), until)| (*sale, (*user, *until))))
    }

    /// Writes them. The tokens are locked. Not the gate: nothing in it depends on when a turn ends.
    pub(crate) fn write(&self, script: &mut Script, now: Timestamp) {
        let sales: BTreeSet<_> = self.unread.keys().map(|(_, sale)| sale).collect();
        // With several sales, the lock of the last has said nothing about the others.
        let unread = if sales.len() > 1 { &LENGTHEN } else { &LENGTHEN_IF_SHORT };
        for (turns, template) in [(&self.short, &LENGTHEN), (&self.unread, unread)] {
            let turns = turns.iter().map(|((user, sale), until)| ((*until, *sale), *user));
            for ((until, sale), mut users) in grouped(turns) {
                // By user: all statements come to tokens in this order.
                users.sort_unstable();
                script.change("lengthening turns", None, template, |params| {
                    let params = params.bind("until", until).bind("now", now).list("users", &users);
                    params.bind("sale", sale).bind("until", until)
                });
            }
        }
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
    // A turn that ends now is over, so a microsecond must be left.
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

/// States the assumptions about turns by locking them. If one is false, nothing after it runs. `longer`: the turns that
/// the batch then makes last longer.
pub(crate) fn guard_turns(script: &mut Script, assumed: &mut Assumed, longer: &LongerTurns) {
    let (statuses, claims) = (assumed.take(STATUS), assumed.take(IS_CLAIMED));
    let (ends, begins, ids) = (assumed.take(EXPIRES_AT), assumed.take(BEGUN_AT), assumed.take(ID));
    // What `LOCK_TURNS` does not state is put back, so that the batch is locked.
    let Some(until) = latest_bound(&ends) else { return assumed.put_back(EXPIRES_AT, ends) };
    let Some(begun) = latest_bound(&begins) else { return assumed.put_back(BEGUN_AT, begins) };
    if !statuses.iter().all(|(_, test)| *test == Test::Equals(TokenStatus::Active.into())) {
        return assumed.put_back(STATUS, statuses);
    }
    if !claims.iter().all(|(_, test)| *test == Test::Equals(Value::Flag(true))) {
        return assumed.put_back(IS_CLAIMED, claims);
    }
    if ids.iter().any(|(_, test)| !matches!(test, Test::Equals(Value::Id(_)))) {
        return assumed.put_back(ID, ids);
    }
    if ends.is_empty() {
        // The statement needs an end to compare with. The other assumptions then have no guard.
        assumed.put_back(STATUS, statuses);
        assumed.put_back(IS_CLAIMED, claims);
        assumed.put_back(BEGUN_AT, begins);
        return assumed.put_back(ID, ids);
    }
    let asked: BTreeSet<_> =
        [&statuses, &claims, &ends, &begins, &ids].into_iter().flatten().map(|(of, _)| (of.sale(), of.id())).collect();
    // Where nothing is held, no turn is too short.
    let held_until = longer.unread.values().copied().max().unwrap_or(until);
    for (sale, users) in grouped(asked) {
        let mut shown: Vec<_> = ids
            .iter()
            .filter(|(of, _)| of.sale() == sale)
            .filter_map(
                |(of, test)| if let Test::Equals(Value::Id(token)) = test { Some((of.id(), *token)) } else { None },
            )
            .collect();
        shown.sort_unstable();
        shown.dedup();
        // Those who have shown no token are let off the condition about tokens.
        let others = users.iter().filter(|user| shown.binary_search_by_key(*user, |(user, _)| *user).is_err());
        script.lock_exactly("locking turns", users.len(), &LOCK_TURNS, |params| {
            let params = params.bind("sale", sale).bind("begun", begun).bind("until", until);
            let params = params.each((!shown.is_empty()).then_some(()), |part, ()| {
                part.list("shown", shown.iter().map(|(user, token)| Pair(*user, *token))).list("others", others.clone())
            });
            params.bind("held_until", held_until).list("users", &users)
        });
    }
}

/// The latest of the moments that a column is to be at least; the first moment of all where nothing is asked. `None`:
/// something else is asked of the column as well.
fn latest_bound(tests: &[(Key, Test)]) -> Option<Timestamp> {
    tests.iter().try_fold(Timestamp::UNIX_EPOCH, |latest, (_, test)| match test {
        Test::AtLeast(Value::Moment(moment)) => Some(latest.max(*moment)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(ask: impl FnOnce(&mut Turn)) -> (String, Assumed) {
        let assumptions = Assumptions::default();
        ask(&mut Turn::unread(&assumptions, UserId::from_uuid(Uuid::from_u128(0xab)), SaleId::DEFAULT));
        let (mut script, mut assumed) = (Script::default(), assumptions.take());
        guard_turns(&mut script, &mut assumed, &LongerTurns::default());
        (script.into_text(), assumed)
    }

    #[test]
    fn a_turn_is_locked_with_all_that_holding_and_paying_ask_of_it() {
        let (user, shown) = (UserId::from_uuid(Uuid::from_u128(0xab)), TokenId::from_uuid(Uuid::from_u128(0xcd)));
        for (caller, shows) in [(Caller::from(user), false), (Caller::with_queue_token(user, shown), true)] {
            let (script, assumed) =
                guard(|turn| require_active(&caller, Some(turn), Timestamp::UNIX_EPOCH).expect("is assumed"));
            assert!(assumed.is_empty(), "{assumed:?}");
            let conditions = "sale_id = x'00000000000070008000000000000001' and status = 'ACTIVE' \
                              and claimed_at >= '1970-01-01 00:00:00.000000' and expires_at >= '1970-01-01 00:00:00.000001'";
            let token = " and (concat(user_id, id) in \
                         (x'000000000000000000000000000000ab000000000000000000000000000000cd') or user_id in (null))";
            let token = if shows { token } else { "" };
            assert!(script.contains(&format!("{conditions}{token} then 1 end)")), "{script}");
            let locked = "where live = 1 and user_id in (x'000000000000000000000000000000ab') for update;";
            assert!(script.contains(locked), "{script}");
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
