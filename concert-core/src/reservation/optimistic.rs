//! Holding seats without reading first: what never changes is known, and the rules run over the rest as if nothing stood
//! against it. That nothing does is a condition of the changes.

use std::collections::HashMap;

use uuid::Uuid;

use super::decide::decide;
use super::holders::forbid_more_holds;
use super::plan::Plans;
use super::rows::Rows;
use super::{Command, Dates, ReservationBatch, Rules, SeatKey, Wanted, lock_ready, store};
use crate::batch::{Attempt, Decision, Optimistic};
use crate::caller::{Caller, Proof};
use crate::clock::Timestamp;
use crate::id::{ConcertId, TokenId};
use crate::queue::{Token, TokenStatus};
use crate::sql::{MAX_LIST, Script};

/// `None`: for some of what the rules look at the rows are needed, or they refuse somebody.
pub(super) fn hold(
    commands: &[Command],
    attempt: &Attempt,
    rules: Rules,
    dates: &Dates,
    plans: &Plans,
) -> Option<Optimistic<'static, ReservationBatch>> {
    if attempt.recheck {
        return None;
    }
    let (mut callers, mut most) = (Vec::with_capacity(commands.len()), 0);
    let (mut seats, mut halls) = (HashMap::with_capacity(commands.len()), HashMap::new());
    for command in commands {
        let Command::Hold { caller, concert, wanted: Wanted::Seats(numbers), .. } = command else { return None };
        if !halls.contains_key(concert) {
            halls.insert(*concert, plans.get(*concert)?);
        }
        for seat in numbers {
            seats.insert(SeatKey { concert: *concert, seat: *seat }, halls[concert].free_seat(*seat)?);
        }
        callers.push(caller);
        most = most.max(numbers.len());
    }
    let concerts: Vec<ConcertId> = halls.into_keys().collect();
    let rows = Rows {
        tokens: callers.iter().map(|caller| (caller.user, ready(caller, attempt.now))).collect(),
        known: HashMap::new(),
        seats,
        halls: HashMap::new(),
        holds: HashMap::new(),
        concerts: dates.known(concerts.into_iter()),
    };
    // Whoever asks twice has what was asked first counted by the rules alone.
    let each_once = rows.tokens.len() == commands.len();
    let (answers, effects) = decide(rows, commands, attempt, rules);
    if !each_once || answers.iter().any(Result::is_err) || effects.made.len() > MAX_LIST {
        return None;
    }
    let mut script = Script::default();
    if !lock_ready(&mut script, &callers, attempt.now) {
        return None;
    }
    let users = callers.iter().map(|caller| caller.user).collect();
    forbid_more_holds(&mut script, users, rules.max_holds_per_user.checked_sub(most as u32)?, attempt.now);
    store::write_unread(&mut script, &effects.made, attempt.now);
    Some(Optimistic { script, decide: Box::new(|_| Ok(Decision { answers, effects })) })
}

/// A turn in which the caller may act.
fn ready(caller: &Caller, now: Timestamp) -> Token {
    let id = match caller.proof {
        Proof::Queue(token) => token,
        Proof::Bare | Proof::Verified => TokenId::from_uuid(Uuid::nil()),
    };
    Token {
        id,
        user: caller.user,
        ticket: 0,
        status: TokenStatus::Active,
        created_at: now,
        expires_at: Timestamp::MAX_UTC,
        claimed_at: Some(now),
    }
}
