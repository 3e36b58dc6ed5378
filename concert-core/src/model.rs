//! A model of seats, wallets, queue and doors, run against the rules.
//!
//! `Spec` is the box office as one would explain it: one act at a time, plain collections, no ids. `Tables` are the
//! rows: lanes are given what `lock` would read, and their effects are applied as `write` would, guards included.
//! `World` runs each batch over locked rows and over assumed ones, and compares. Whatever acts are drawn, however they
//! fall into batches and whichever way these go, the answers are those of the spec.

mod doors;
mod draws;
mod lanes;
mod orders;
mod questions;
mod sales;
mod sold;
mod spec;
mod tables;
mod usual;
mod visits;
mod ways;
mod world;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta};
use hashbrown::{HashMap, HashSet};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use self::doors::Shown;
use self::lanes::ModelLane;
use self::spec::{Hold, Spec};
use self::tables::{EntryRow, SeatRow, Tables};
use self::ways::{Way, both_ways};
use self::world::{World, money, seat_key};
use crate::after_sale::{AfterSaleBatch, SeatAfterRefund, model as after_sale};
use crate::batch::{Attempt, Batch, Decision};
use crate::caller::{Caller, Fingerprint};
use crate::clock::{SystemClock, Timestamp, span};
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::fact::{Fact, Lookup};
use crate::id::{ConcertId, PaymentId, ReservationId, SaleId, SeatNumber, TokenId, UserId, WalletEntryId};
use crate::money::Money;
use crate::operator::Operator;
use crate::payment::model::{self as payment, Pay};
use crate::payment::{Payment, PaymentBatch};
use crate::phase::{EntryOrder, SalePhase, SaleTimes};
use crate::queue::{
    DrawSecret, GateDraw, PerMinute, Places, QueueBatch, QueueViews, Turn, Turns, ViewRules, model as queue,
};
use crate::reservation::{
    HallLayouts, HoldRules, OrderRef, RecentHolds, Reservation, ReservationBatch, ReservationStatus, Seat, SeatChanges,
    SeatKey, Wanted, model as reservation,
};
use crate::ticket::{CheckIn, CheckInBatch};
use crate::visit::VisitBatch;
use crate::wallet::model as wallet;
use crate::wallet::{Account, Recharge, Recharged, WalletBatch, WalletEntry};

const USERS: usize = 6;
const SEATS: usize = 5;
const CAP: u32 = 3;
const PRICE: i64 = 100;
const HOLD: i64 = 300;
const TURN: i64 = 600;
const CLAIM: i64 = 60;
const AFTER_PAYMENT: i64 = 60;
const WAIT: i64 = 3_000;
/// The longest that a turn lasts, however much is held in it.
const LONGEST_TURN: i64 = TURN + 2 * HOLD;
const MAX_HOLDS: u32 = 2;
const MAX_IN_A_ROW: usize = 2;
const PAUSE: i64 = 60;
/// Names the last hold of a user.
const LAST: usize = usize::MAX;

#[derive(Debug, Clone, Copy)]
enum Act {
    Join(usize),
    Leave(usize),
    Claim(usize),
    Set(queue::AdmissionChange),
    /// Bits of the users who were seen lately; `None`: nobody is passed over.
    Rerank {
        seen: Option<u8>,
    },
    Reserve {
        user: usize,
        seat: usize,
    },
    Cancel {
        user: usize,
        nth: usize,
    },
    Pay {
        user: usize,
        nth: usize,
        amount: i64,
    },
    Refund {
        nth: usize,
        off_sale: bool,
    },
    /// A ticket gets another owner.
    Move {
        nth: usize,
        user: usize,
    },
    /// The concert is called off.
    CallOff,
    /// All its seats are cleared.
    Clear,
    /// A ticket is shown at a gate.
    CheckIn(Shown),
    Recharge {
        user: usize,
        amount: i64,
    },
    /// An operator disables a user, or enables one again.
    Disable {
        user: usize,
        disabled: bool,
    },
    Wait(i64),
}

/// Acts in bursts of one lane, so that batches have something to decide among themselves.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (user, seat, nth) = (0..USERS, 0..SEATS, 0..100_usize);
    let limit = prop_oneof![Just(PerMinute::Unlimited), Just(PerMinute::AtMost(1)), Just(PerMinute::AtMost(4))];
    let change = prop_oneof![
        1 => Just(queue::AdmissionChange { paused: Some(true), ..queue::AdmissionChange::default() }),
        2 => Just(queue::AdmissionChange { paused: Some(false), ..queue::AdmissionChange::default() }),
        1 => (1..=CAP).prop_map(|cap| queue::AdmissionChange { max_active: Some(cap), ..queue::AdmissionChange::default() }),
        1 => limit.prop_map(|limit| queue::AdmissionChange { per_minute: Some(limit), ..queue::AdmissionChange::default() }),
    ];
    let queue = prop_oneof![
        6 => user.clone().prop_map(Act::Join),
        2 => user.clone().prop_map(Act::Leave),
        4 => user.clone().prop_map(Act::Claim),
        1 => change.prop_map(Act::Set),
    ];
    let reservation = prop_oneof![
        4 => (user.clone(), seat).prop_map(|(user, seat)| Act::Reserve { user, seat }),
        1 => (user.clone(), nth.clone()).prop_map(|(user, nth)| Act::Cancel { user, nth }),
    ];
    let payment = (0..4 * USERS, nth, prop_oneof![9 => Just(PRICE), 1 => Just(PRICE + 1)])
        .prop_map(|(user, nth, amount)| Act::Pay { user, nth, amount });
    let refund = (0..100_usize, prop_oneof![4 => Just(false), 1 => Just(true)])
        .prop_map(|(nth, off_sale)| Act::Refund { nth, off_sale });
    let moves = (0..200_usize, user.clone()).prop_map(|(nth, user)| Act::Move { nth, user });
    let after_sale = prop_oneof![3 => refund, 3 => moves];
    // A concert that is called off stays so: mostly at the end.
    let ending = prop_oneof![Just(Act::CallOff), Just(Act::Clear)];
    let wallet = (user.clone(), 1_i64..150).prop_map(|(user, amount)| Act::Recharge { user, amount });
    let own_wallet = (user, prop::collection::vec(1_i64..400, 1..6))
        .prop_map(|(user, amounts)| amounts.into_iter().map(|amount| Act::Recharge { user, amount }).collect());
    let short = prop_oneof![Just(1), Just(20), Just(59), Just(60)];
    let wait = prop_oneof![3 => short, 1 => prop_oneof![Just(299), Just(300), Just(600), Just(3_000)]];
    // What mostly succeeds, and so may be assumed.
    let joins = (USERS..2 * USERS).prop_map(Act::Join);
    let holds = (USERS..2 * USERS, SEATS..2 * SEATS).prop_map(|(user, seat)| Act::Reserve { user, seat });
    let payments = (100..200_usize).prop_map(|nth| Act::Pay { user: USERS, nth, amount: PRICE });
    // One user holds one seat again and again.
    let again = (0..CAP as usize, 0..SEATS, 1..4_usize, prop_oneof![Just(1), Just(PAUSE - 2), Just(HOLD)]).prop_map(
        |(user, seat, times, wait)| {
            let once = [Act::Reserve { user, seat }, Act::Wait(1), Act::Cancel { user, nth: LAST }, Act::Wait(wait)];
            [once.repeat(times), vec![Act::Reserve { user, seat }]].concat()
        },
    );
    let disable = (0..USERS, any::<bool>()).prop_map(|(user, disabled)| vec![Act::Disable { user, disabled }]);
    let burst = prop_oneof![
        1 => disable,
        2 => again,
        3 => prop::collection::vec(queue, 1..6),
        2 => prop::option::of(any::<u8>()).prop_map(|seen| vec![Act::Rerank { seen }]),
        4 => prop::collection::vec(reservation, 1..8),
        3 => prop::collection::vec(payment, 1..12),
        2 => prop::collection::vec(after_sale, 1..6),
        1 => prop::collection::vec(ending, 1..3).prop_map(|acts| acts),
        4 => prop::collection::vec(doors::shown().prop_map(Act::CheckIn), 1..6),
        2 => prop::collection::vec(wallet, 1..6),
        2 => own_wallet,
        2 => wait.prop_map(|wait| vec![Act::Wait(wait)]),
        3 => prop::collection::vec(joins, 1..4),
        6 => prop::collection::vec(holds, 1..4),
        8 => prop::collection::vec(payments, 1..3),
    ];
    // Mostly some are in and have money.
    let opening: Vec<_> =
        (0..CAP as usize).flat_map(|user| [Act::Join(user), Act::Recharge { user, amount: 4 * PRICE }]).collect();
    let opening = prop_oneof![1 => Just(Vec::new()), 3 => Just(opening)];
    (opening, prop::collection::vec(burst, 1..40)).prop_map(|(opening, bursts)| [opening, bursts.concat()].concat())
}

impl Act {
    /// The same act on one of the holds that are known, mostly by its owner, and now and then on none; and past the
    /// numbers that there are, one that may well succeed.
    fn aimed(self, spec: &Spec) -> Self {
        fn pick(number: usize, range: usize, likely: &[usize]) -> usize {
            if number >= range && !likely.is_empty() { likely[number % likely.len()] } else { number % range }
        }
        let holds = &spec.holds;
        match self {
            Self::Join(user) => Self::Join(pick(user, USERS, &spec.outside())),
            Self::Reserve { user, seat } => {
                Self::Reserve { user: pick(user, USERS, &spec.acting()), seat: pick(seat, SEATS, &spec.free_seats()) }
            }
            Self::Cancel { user, nth: LAST } => {
                Self::Cancel { user, nth: holds.iter().rposition(|(owner, ..)| *owner == user).unwrap_or(holds.len()) }
            }
            Self::Cancel { user, nth } => Self::Cancel { user, nth: nth % (holds.len() + 1) },
            Self::Refund { nth, off_sale } => Self::Refund { nth: nth % (holds.len() + 1), off_sale },
            Self::Move { nth, user } => Self::Move {
                nth: if nth < 100 { nth % (holds.len() + 1) } else { pick(nth, holds.len() + 1, &spec.sold()) },
                user,
            },
            Self::CheckIn(shown) => Self::CheckIn(shown.aimed(|nth| {
                if nth < 100 { nth % (holds.len() + 1) } else { pick(nth, holds.len() + 1, &spec.sold()) }
            })),
            Self::Pay { user, nth, amount } => {
                let nth = if nth < 100 { nth % (holds.len() + 1) } else { pick(nth, holds.len() + 1, &spec.due()) };
                let owner = holds.get(nth).filter(|_| user >= USERS).map(|(owner, ..)| *owner);
                Self::Pay { user: owner.unwrap_or(user % USERS), nth, amount }
            }
            act => act,
        }
    }
}

/// An answer, so far as both sides can say it.
type Outcome = Result<&'static str, &'static str>;

const fn lane(act: Act) -> u8 {
    match act {
        Act::Join(_) | Act::Leave(_) | Act::Claim(_) => 0,
        // What was let in before there was a limit per minute is not counted, so a limit begins with its own batch.
        Act::Set(_) => 6,
        // A pass runs after the callers of its batch, so it is drawn as the end of one.
        Act::Rerank { .. } => 1,
        Act::Reserve { .. } | Act::Cancel { .. } => 2,
        Act::Pay { .. } => 3,
        Act::Recharge { .. } => 4,
        Act::Wait(_) => 5,
        Act::Refund { .. } | Act::Move { .. } | Act::CallOff | Act::Clear => 7,
        Act::Disable { .. } => 8,
        Act::CheckIn(_) => 9,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn batches_answer_as_one_act_after_the_other_would(
        acts in acts(),
        most in 1_usize..9,
        servers in prop::collection::vec(prop_oneof![6 => Just(0_usize), 1 => Just(1)], 1..20),
        limit in prop_oneof![2 => Just(None), 1 => Just(Some(1)), 1 => Just(Some(2))],
    ) {
        let mut spec = Spec::default();
        spec.limit = limit;
        compare_with(spec, World::limited(limit), &acts, most, &servers)?;
    }
}

/// Runs acts in batches of `most` of one lane, and compares each answer with the spec's.
fn compare_with(
    mut spec: Spec,
    mut world: World,
    acts: &[Act],
    most: usize,
    servers: &[usize],
) -> Result<(), TestCaseError> {
    let mut servers = servers.iter().cycle();
    for run in acts.chunk_by(|a, b| lane(*a) == lane(*b) && lane(*a) != 5) {
        for batch in run.chunks(most) {
            // What `nth` names is fixed before the batch: nobody knows the id of a hold that is not answered yet.
            let known = spec.holds.len();
            let batch: Vec<_> = batch.iter().map(|act| act.aimed(&spec)).collect();
            let of_batch = |act: &Act| match *act {
                Act::Cancel { nth, .. } if nth >= known => Err("RESERVATION_NOT_FOUND"),
                act => spec.act(act),
            };
            let expected: Vec<_> = batch.iter().map(of_batch).collect();
            world.serving = *servers.next().expect("endless");
            prop_assert_eq!(world.batch(&batch), expected, "{:?}", batch);
            world.check(&spec);
            spec.places = world.places(SaleId::DEFAULT);
        }
    }
    Ok(())
}
