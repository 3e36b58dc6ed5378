use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use hashbrown::HashMap;

use super::*;
use crate::fact::{Fact, Lookup};
use crate::id::{SeatNumber, TokenId, UserId};
use crate::queue::{Token, TokenStatus, Turn, Turns};
use crate::reservation::limits::TakenSeats;
use crate::reservation::rows::SeatChange;
use crate::reservation::{Seat, UnpaidHolds};

/// A client who knows how ids derive from idempotency keys can name a hold that is being made.
#[test]
fn a_hold_made_and_given_back_in_one_batch_never_had_the_seat() {
    let now = DateTime::UNIX_EPOCH;
    let (user, concert, id) = (UserId::generate(), ConcertId::generate(), ReservationId::generate());
    let key = SeatKey { concert, seat: SeatNumber::new(1).expect("in range") };
    let token = Token {
        sale: SaleId::DEFAULT,
        id: TokenId::generate(),
        user,
        ticket: 1,
        status: TokenStatus::Active,
        created_at: now,
        expires_at: now + TimeDelta::minutes(10),
        claimed_at: Some(now),
    };
    let price = Money::whole(100).expect("in range");
    let mut turns = Turns::default();
    turns.insert(user, token.sale, Turn::of(&token));
    let rows = Rows {
        turns,
        known: Lookup::default(),
        seats: HashMap::from([(key, Seat::free(price))]),
        halls: HashMap::new(),
        holds: HashMap::from([(user, UnpaidHolds::read(0))]),
        taken: TakenSeats::default(),
        concerts: HashMap::from([(concert, Concert::on(now.date_naive()))]),
        extensions: HashMap::new(),
        users: HashMap::from([(user, Fact::read(true))]),
    };
    let caller = Caller::verified(user);
    let commands = [
        Command::Hold { caller: caller.clone(), concert, wanted: Wanted::Seats(vec![key.seat]), ids: vec![id] },
        Command::Extend { caller: caller.clone(), reservation: id, id: None },
        Command::Cancel { caller, what: OrderRef::Reservation(id) },
    ];
    let seconds = Duration::from_secs;
    let rules = HoldRules {
        active_ttl: seconds(600),
        hold_ttl: seconds(300),
        hold_extension: seconds(60),
        max_holds_per_user: 1,
        max_holds_in_a_row: 1,
        seat_pause: seconds(60),
        time_zone: crate::time_zone::TimeZone::UTC,
    };
    let (answers, effects) = decide(rows, &commands, &Attempt { now, may_have_committed: false }, rules);
    assert!(
        matches!(answers[..], [Ok(Answer::Held(_)), Ok(Answer::Extended(_)), Ok(Answer::Cancelled)]),
        "{answers:?}"
    );
    assert_eq!(effects.closed, []);
    assert!(effects.extended.is_empty());
    assert_eq!(effects.made[0].status, ReservationStatus::Cancelled);
    assert_eq!(effects.seats[&key], SeatChange { from: None, to: None });
}
