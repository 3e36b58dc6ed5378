//! A model of seats, wallets and queue, run against the rules.
//!
//! `Spec` is the box office as one would explain it: one act at a time, plain collections, no ids. `World` is the tables:
//! it hands `decide` the rows that `lock` would read, and takes the effects as `write` would, guards included. Whatever
//! acts are drawn, and however they fall into batches, both give the same answers.

mod orders;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;

use crate::batch::Attempt;
use crate::caller::Caller;
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::id::{ConcertId, PaymentId, ReservationId, SeatNumber, TokenId, UserId, WalletEntryId};
use crate::money::Money;
use crate::payment::Payment;
use crate::payment::model::refund;
use crate::payment::model::{Effects as PayEffects, Pay, Rows as PayRows, decide as decide_payment};
use crate::queue::PerMinute;
use crate::queue::model as queue;
use crate::reservation::model as reservation;
use crate::reservation::{Holder, Named, Reservation, ReservationStatus, Rules, Seat, SeatKey, Wanted};
use crate::wallet::model::{Rows as WalletRows, decide as decide_wallet};
use crate::wallet::{Account, Recharge};

const USERS: usize = 6;
const SEATS: usize = 5;
const CAP: u32 = 3;
const PRICE: i64 = 100;
const HOLD: i64 = 300;
const TURN: i64 = 600;
const CLAIM: i64 = 60;
const AFTER_PAYMENT: i64 = 60;
const WAIT: i64 = 3_000;
const MAX_HOLDS: u32 = 2;

#[derive(Debug, Clone, Copy)]
enum Act {
    Join(usize),
    Leave(usize),
    Claim(usize),
    Set(queue::AdmissionChange),
    Rerank,
    Reserve { user: usize, seat: usize },
    Cancel { user: usize, nth: usize },
    Pay { user: usize, nth: usize, amount: i64 },
    Refund { nth: usize },
    Recharge { user: usize, amount: i64 },
    Wait(i64),
}

/// Acts in bursts of one lane, so that batches have something to decide among themselves.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (user, seat, nth) = (0..USERS, 0..SEATS, 0..100_usize);
    let limit = prop_oneof![Just(PerMinute::Unlimited), Just(PerMinute::AtMost(1)), Just(PerMinute::AtMost(4))];
    let change = prop_oneof![
        1 => Just(queue::AdmissionChange::paused(true)),
        2 => Just(queue::AdmissionChange::paused(false)),
        1 => (1..=CAP).prop_map(|cap| queue::AdmissionChange::new().with_max_active(cap)),
        1 => limit.prop_map(|limit| queue::AdmissionChange::new().with_per_minute(limit)),
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
    let refund = (0..100_usize).prop_map(|nth| Act::Refund { nth });
    let wallet = (user, 1_i64..150).prop_map(|(user, amount)| Act::Recharge { user, amount });
    let wait = prop_oneof![Just(1), Just(20), Just(59), Just(60), Just(299), Just(300), Just(600), Just(3_000)]
        .prop_map(Act::Wait);
    let burst = prop_oneof![
        3 => prop::collection::vec(queue, 1..6),
        2 => Just(vec![Act::Rerank]),
        4 => prop::collection::vec(reservation, 1..8),
        5 => prop::collection::vec(payment, 1..12),
        2 => prop::collection::vec(refund, 1..6),
        3 => prop::collection::vec(wallet, 1..6),
        2 => wait.prop_map(|wait| vec![wait]),
    ];
    prop::collection::vec(burst, 1..40).prop_map(|bursts| bursts.concat())
}

impl Act {
    /// The same act on one of the holds that are known, mostly by its owner, and now and then on none.
    fn among(self, holds: &[(usize, usize, Hold)]) -> Self {
        match self {
            Self::Cancel { user, nth } => Self::Cancel { user, nth: nth % (holds.len() + 1) },
            Self::Refund { nth } => Self::Refund { nth: nth % (holds.len() + 1) },
            Self::Pay { user, nth, amount } => {
                let nth = nth % (holds.len() + 1);
                let owner = holds.get(nth).filter(|_| user >= USERS).map(|(owner, ..)| *owner);
                Self::Pay { user: owner.unwrap_or(user % USERS), nth, amount }
            }
            act => act,
        }
    }
}

/// An answer, so far as both sides can say it.
type Outcome = Result<&'static str, &'static str>;

// ---------------------------------------------------------------- the specification

#[derive(Debug, Clone, Copy, PartialEq)]
enum Hold {
    Held { until: i64 },
    Paid,
    Refunded,
    GivenBack,
    Lost,
}

#[derive(Default)]
struct Spec {
    now: i64,
    /// In order of arrival, each with the end of the longest wait.
    waiting: Vec<(usize, i64)>,
    /// Each with the end of the turn. Those over still take up room until the next rerank.
    active: Vec<(usize, i64)>,
    /// Who of them has not shown up yet.
    unclaimed: HashSet<usize>,
    no_shows: u64,
    paused: bool,
    /// How many may be in less than `CAP`.
    closed: u32,
    per_minute: Option<u32>,
    /// When somebody was let in while there was a limit per minute.
    let_in: Vec<i64>,
    /// Every hold ever made.
    holds: Vec<(usize, usize, Hold)>,
    wallets: [i64; USERS],
}

impl Spec {
    fn act(&mut self, act: Act) -> Outcome {
        match act {
            Act::Join(user) => self.join(user),
            Act::Leave(user) => self.leave(user),
            Act::Claim(user) => self.claim(user),
            Act::Set(change) => Ok(self.set(change)),
            Act::Rerank => {
                let over: Vec<_> = self.active.iter().filter(|(_, until)| *until <= self.now).copied().collect();
                over.into_iter().for_each(|(user, _)| self.forget(user));
                self.waiting.retain(|(_, until)| *until > self.now);
                while self.has_room() && !self.waiting.is_empty() {
                    let (user, _) = self.waiting.remove(0);
                    self.let_in(user, CLAIM);
                    self.unclaimed.insert(user);
                }
                Ok("reranked")
            }
            Act::Reserve { user, seat } => self.reserve(user, seat),
            Act::Cancel { user, nth } => self.cancel(user, nth),
            Act::Pay { user, nth, amount } => self.pay(user, nth, amount),
            Act::Refund { nth } => self.refund(nth),
            Act::Recharge { user, amount } => {
                self.wallets[user] += amount;
                Ok("recharged")
            }
            Act::Wait(seconds) => {
                self.now += seconds;
                Ok("waited")
            }
        }
    }

    fn has_room(&self) -> bool {
        let lately = self.let_in.iter().filter(|at| **at + 60 > self.now).count();
        !self.paused
            && self.active.len() < (CAP - self.closed) as usize
            && self.per_minute.is_none_or(|most| lately < most as usize)
    }

    fn let_in(&mut self, user: usize, seconds: i64) {
        self.active.push((user, self.now + seconds));
        if self.per_minute.is_some() {
            self.let_in.push(self.now);
        }
    }

    fn claim(&mut self, user: usize) -> Outcome {
        if !self.is_in(&self.active, user) {
            return Err("TOKEN_NOT_ACTIVE");
        }
        if self.unclaimed.remove(&user) {
            let until = self.now + TURN;
            self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, end)| *end = until);
        }
        Ok("claimed")
    }

    fn set(&mut self, change: queue::AdmissionChange) -> &'static str {
        let before = (self.paused, self.closed, self.per_minute);
        self.paused = change.paused.unwrap_or(self.paused);
        self.closed = change.max_active.map_or(self.closed, |cap| CAP - cap);
        self.per_minute = change.per_minute.map_or(self.per_minute, PerMinute::limit);
        if before == (self.paused, self.closed, self.per_minute) { "as it was" } else { "set" }
    }

    fn forget(&mut self, user: usize) {
        let over = self.active.iter().any(|(other, until)| *other == user && *until <= self.now);
        if self.unclaimed.remove(&user) && over {
            self.no_shows += 1;
        }
        self.active.retain(|(other, _)| *other != user);
        self.waiting.retain(|(other, _)| *other != user);
    }

    fn is_in(&self, list: &[(usize, i64)], user: usize) -> bool {
        list.iter().any(|(other, until)| *other == user && *until > self.now)
    }

    fn join(&mut self, user: usize) -> Outcome {
        if self.is_in(&self.active, user) || self.is_in(&self.waiting, user) {
            return Err("ALREADY_IN_QUEUE");
        }
        self.forget(user);
        if self.waiting.is_empty() && self.has_room() {
            self.let_in(user, TURN);
            Ok("active")
        } else {
            self.waiting.push((user, self.now + WAIT));
            Ok("waiting")
        }
    }

    fn leave(&mut self, user: usize) -> Outcome {
        let there = self.is_in(&self.active, user) || self.is_in(&self.waiting, user);
        self.forget(user);
        if there { Ok("left") } else { Err("TOKEN_NOT_FOUND") }
    }

    /// What has become of a hold by now.
    fn hold(&self, nth: usize) -> Option<(usize, Hold)> {
        let (user, _, hold) = *self.holds.get(nth)?;
        match hold {
            Hold::Held { until } if until <= self.now => Some((user, Hold::Lost)),
            hold => Some((user, hold)),
        }
    }

    fn unpaid(&self, user: usize) -> usize {
        let held = |nth: &usize| matches!(self.hold(*nth), Some((owner, Hold::Held { .. })) if owner == user);
        (0..self.holds.len()).filter(held).count()
    }

    fn reserve(&mut self, user: usize, seat: usize) -> Outcome {
        if !self.is_in(&self.active, user) || self.unclaimed.contains(&user) {
            return Err("TOKEN_NOT_ACTIVE");
        }
        let taken = |nth: usize| {
            self.holds[nth].1 == seat && matches!(self.hold(nth), Some((_, Hold::Held { .. } | Hold::Paid)))
        };
        if (0..self.holds.len()).any(taken) {
            return Err("SEAT_ALREADY_RESERVED");
        }
        if self.unpaid(user) >= MAX_HOLDS as usize {
            return Err("TOO_MANY_HOLDS");
        }
        self.holds.push((user, seat, Hold::Held { until: self.now + HOLD }));
        Ok("held")
    }

    fn cancel(&mut self, user: usize, nth: usize) -> Outcome {
        match self.hold(nth) {
            None => Err("RESERVATION_NOT_FOUND"),
            Some((owner, _)) if owner != user => Err("NOT_YOURS"),
            Some((_, Hold::Paid)) => Err("ALREADY_PAID"),
            Some((_, Hold::Held { .. })) => {
                self.holds[nth].2 = Hold::GivenBack;
                Ok("given back")
            }
            Some((_, Hold::Lost | Hold::GivenBack | Hold::Refunded)) => Ok("given back"),
        }
    }

    fn pay(&mut self, user: usize, nth: usize, amount: i64) -> Outcome {
        if !self.is_in(&self.active, user) || self.unclaimed.contains(&user) {
            return Err("TOKEN_NOT_ACTIVE");
        }
        match self.hold(nth) {
            None => return Err("RESERVATION_NOT_FOUND"),
            Some((owner, _)) if owner != user => return Err("NOT_YOURS"),
            Some((_, Hold::Paid)) => return Err("ALREADY_PAID"),
            Some((_, Hold::GivenBack)) => return Err("HOLD_CANCELLED"),
            Some((_, Hold::Refunded)) => return Err("ALREADY_REFUNDED"),
            Some((_, Hold::Lost)) => return Err("HOLD_EXPIRED"),
            Some((_, Hold::Held { .. })) => {}
        }
        if amount != PRICE {
            return Err("WRONG_AMOUNT");
        }
        if self.wallets[user] < PRICE {
            return Err("INSUFFICIENT_BALANCE");
        }
        self.wallets[user] -= PRICE;
        self.holds[nth].2 = Hold::Paid;
        if self.unpaid(user) == 0 {
            let end = self.now + AFTER_PAYMENT;
            self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, until)| *until = end.min(*until));
        }
        Ok("paid")
    }

    fn refund(&mut self, nth: usize) -> Outcome {
        match self.hold(nth) {
            Some((owner, Hold::Paid)) => {
                self.wallets[owner] += PRICE;
                self.holds[nth].2 = Hold::Refunded;
                Ok("refunded")
            }
            Some((_, Hold::Refunded)) => Err("ALREADY_REFUNDED"),
            _ => Err("PAYMENT_NOT_FOUND"),
        }
    }
}

// ---------------------------------------------------------------- the tables

struct World {
    now: Timestamp,
    users: Vec<UserId>,
    concert: ConcertId,
    gate: queue::Gate,
    /// As `queue_admissions`: when how many were let in.
    admissions: Vec<(Timestamp, u32)>,
    tokens: HashMap<TokenId, queue::Token>,
    seats: HashMap<SeatKey, Seat>,
    reservations: HashMap<ReservationId, Reservation>,
    /// In the order they were made: what `nth` counts.
    made: Vec<ReservationId>,
    balances: HashMap<UserId, Money>,
    /// The sum and the number of each user's entries.
    entries: HashMap<UserId, (i64, u32)>,
    paid: HashMap<ReservationId, PaymentId>,
    refunded: HashSet<ReservationId>,
    max_holds: u32,
    extension: i64,
}

fn money(amount: i64) -> Money {
    Money::new(amount.into()).expect("in range")
}

impl World {
    fn new() -> Self {
        let users: Vec<_> = (0..USERS).map(|_| UserId::generate()).collect();
        let concert = ConcertId::generate();
        let seat = Seat { section: None, row: None, price: money(PRICE), holder: None };
        Self {
            now: DateTime::from_timestamp(1_800_000_000, 0).expect("a time"),
            concert,
            gate: queue::Gate {
                next_ticket: 1,
                change_seq: 0,
                active: 0,
                waiting: 0,
                admitted: 0,
                departed: 0,
                no_shows: 0,
                admission: queue::Admission { paused: false, max_active: CAP, per_minute: None },
            },
            admissions: Vec::new(),
            tokens: HashMap::new(),
            seats: (0..SEATS).map(|nth| (Self::key(concert, nth), seat.clone())).collect(),
            reservations: HashMap::new(),
            made: Vec::new(),
            balances: users.iter().map(|user| (*user, Money::ZERO)).collect(),
            entries: HashMap::new(),
            paid: HashMap::new(),
            refunded: HashSet::new(),
            max_holds: MAX_HOLDS,
            extension: HOLD,
            users,
        }
    }

    fn key(concert: ConcertId, nth: usize) -> SeatKey {
        SeatKey { concert, seat: SeatNumber::new(nth as i64 + 1).expect("in range") }
    }

    fn attempt(&self) -> Attempt {
        Attempt { now: self.now, recheck: false }
    }

    fn caller(&self, user: usize) -> Caller {
        Caller::from(self.users[user])
    }

    fn nth(&self, nth: usize) -> ReservationId {
        self.made.get(nth).copied().unwrap_or_else(ReservationId::generate)
    }

    fn live(&self) -> HashMap<UserId, queue::Token> {
        let live = self.tokens.values().filter(|token| token.status != queue::TokenStatus::Expired);
        live.map(|token| (token.user, token.clone())).collect()
    }

    fn holds(&self) -> HashMap<UserId, u32> {
        let mut holds = HashMap::new();
        for reservation in self.reservations.values() {
            if reservation.status == ReservationStatus::Held && reservation.expires_at > self.now {
                *holds.entry(reservation.user).or_default() += 1;
            }
        }
        holds
    }

    /// Acts of one lane, as one batch.
    fn batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        match acts[0] {
            Act::Join(_) | Act::Leave(_) | Act::Claim(_) | Act::Set(_) | Act::Rerank => self.queue_batch(acts),
            Act::Reserve { .. } | Act::Cancel { .. } => self.reservation_batch(acts),
            Act::Pay { .. } => self.payment_batch(acts),
            Act::Refund { .. } => self.refund_batch(acts),
            Act::Recharge { .. } => self.wallet_batch(acts),
            Act::Wait(seconds) => {
                self.now += span(Duration::from_secs(seconds as u64));
                vec![Ok("waited")]
            }
        }
    }

    fn admitted_last_minute(&self) -> u64 {
        let since = self.now - span(Duration::from_secs(60));
        self.admissions.iter().filter(|(at, _)| *at > since).map(|(_, count)| u64::from(*count)).sum()
    }

    fn queue_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts
            .iter()
            .map(|act| match *act {
                Act::Join(user) => queue::Command::Join { caller: self.caller(user), id: TokenId::generate() },
                Act::Leave(user) => {
                    queue::Command::Leave { caller: self.caller(user), reason: queue::EndedReason::Left }
                }
                Act::Claim(user) => queue::Command::Claim { caller: self.caller(user) },
                Act::Set(change) => queue::Command::Set { change, by: "the model".parse().expect("a name") },
                _ => queue::Command::Rerank,
            })
            .collect();
        let live = self.live();
        let mut heads: Vec<_> =
            live.values().filter(|token| token.status == queue::TokenStatus::Waiting).cloned().collect();
        heads.sort_by_key(|token| token.ticket);
        let members = self
            .users
            .iter()
            .map(|user| (*user, queue::Member { has_password: false, live: live.get(user).cloned() }))
            .collect();
        let rows = queue::Rows {
            gate: self.gate.clone(),
            members,
            made: HashMap::new(),
            lapsed: live.values().filter(|token| token.expires_at <= self.now).cloned().collect(),
            heads,
            admitted_last_minute: match self.gate.admission.per_minute {
                Some(_) => self.admitted_last_minute(),
                None => 0,
            },
            last_sample: None,
        };
        let rules = queue::Rules {
            active_ttl: Duration::from_secs(TURN as u64),
            claim_window: Duration::from_secs(CLAIM as u64),
            waiting_ttl: Duration::from_secs(WAIT as u64),
        };
        let (answers, effects) = queue::decide(rows, &commands, &self.attempt(), rules);

        self.gate = effects.gate;
        if self.gate.admission.per_minute.is_some() {
            self.admissions.push((self.now, effects.let_in));
        }
        for token in effects.claimed {
            let was = self.tokens.insert(token.id, token).expect("a row to update");
            assert!(was.is_unclaimed(), "the guard: a turn is picked up once");
        }
        for token in effects.ended.into_iter().map(|(token, _)| token).chain(effects.admitted) {
            let was = self.tokens.insert(token.id, token).expect("a row to update");
            assert_ne!(was.status, queue::TokenStatus::Expired, "the guard: only live tokens move");
        }
        for token in effects.joined {
            assert!(self.tokens.insert(token.id, token).is_none());
        }
        outcomes(answers, |answer| match answer {
            queue::Answer::Joined { token, .. } if token.status == queue::TokenStatus::Active => "active",
            queue::Answer::Joined { .. } => "waiting",
            queue::Answer::Left => "left",
            queue::Answer::Claimed(_) => "claimed",
            queue::Answer::Set { changed: true } => "set",
            queue::Answer::Set { changed: false } => "as it was",
            queue::Answer::Reranked { .. } => "reranked",
        })
    }

    fn reservation_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts
            .iter()
            .filter_map(|act| match *act {
                Act::Reserve { user, seat } => {
                    let SeatKey { concert, seat } = Self::key(self.concert, seat);
                    let (wanted, ids) = (Wanted::Seats(vec![seat]), vec![ReservationId::generate()]);
                    Some(reservation::Command::Hold { caller: self.caller(user), concert, wanted, ids })
                }
                Act::Cancel { user, nth } => {
                    let what = Named::Reservation(self.nth(nth));
                    Some(reservation::Command::Cancel { caller: self.caller(user), what })
                }
                _ => None,
            })
            .collect();
        outcomes(self.reservation_lane(&commands), |answer| match answer {
            reservation::Answer::Held(_) => "held",
            reservation::Answer::Cancelled => "given back",
            reservation::Answer::Extended(_) => "extended",
        })
    }

    fn reservation_lane(&mut self, commands: &[reservation::Command]) -> Vec<Result<reservation::Answer, Error>> {
        let rows = reservation::Rows {
            tokens: self.live(),
            known: self.reservations.clone(),
            seats: self.seats.clone(),
            halls: HashMap::from([(self.concert, self.hall())]),
            holds: self.holds(),
            concerts: HashMap::from([(self.concert, NaiveDate::from_ymd_opt(2100, 1, 1).expect("a date"))]),
        };
        let rules = Rules {
            hold_ttl: Duration::from_secs(HOLD as u64),
            hold_extension: Duration::from_secs(self.extension as u64),
            max_holds_per_user: self.max_holds,
        };
        let (answers, effects) = reservation::decide(rows, commands, &self.attempt(), rules);

        for (key, change) in effects.seats {
            let seat = self.seats.get_mut(&key).expect("a seat");
            assert_eq!(seat.holder.map(|holder| holder.reservation), change.from, "the guard of a seat");
            seat.holder = change.to;
        }
        for (id, status) in effects.closed {
            let closed = self.reservations.get_mut(&id).expect("a reservation");
            assert_eq!(closed.status, ReservationStatus::Held, "the guard of a hold");
            closed.status = status;
        }
        for (id, until) in effects.extended {
            let extended = self.reservations.get_mut(&id).expect("a reservation");
            assert!(extended.is_held() && extended.extended_at.is_none(), "the guard of an extension");
            (extended.expires_at, extended.extended_at) = (until, Some(self.now));
        }
        for made in effects.made {
            self.made.push(made.id);
            assert!(self.reservations.insert(made.id, made).is_none());
        }
        answers
    }

    fn hall(&self) -> reservation::Hall {
        let mut seats: Vec<_> = self.seats.iter().collect();
        seats.sort_unstable_by_key(|(key, _)| **key);
        reservation::Hall::new(seats.into_iter().map(|(key, seat)| reservation::HallSeat {
            number: key.seat,
            section: seat.section.clone(),
            row: seat.row.clone(),
            free: seat.is_free(self.now),
        }))
    }

    fn payment_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts
            .iter()
            .filter_map(|act| match *act {
                Act::Pay { user, nth, amount } => Some(Pay {
                    caller: self.caller(user),
                    what: Named::Reservation(self.nth(nth)),
                    amount: money(amount),
                    id: PaymentId::generate(),
                }),
                _ => None,
            })
            .collect();
        outcomes(self.payment_lane(&commands), |_| "paid")
    }

    fn payment_lane(&mut self, commands: &[Pay]) -> Vec<Result<Vec<Payment>, Error>> {
        let rows = PayRows {
            reservations: self.reservations.clone(),
            tokens: self.live(),
            seats: self.seats.clone(),
            holds: self.holds(),
            accounts: self.accounts(),
            made: HashMap::new(),
        };
        let after_payment_ttl = Duration::from_secs(AFTER_PAYMENT as u64);
        let (answers, effects) = decide_payment(rows, commands, &self.attempt(), after_payment_ttl);
        let PayEffects { sold, payments, entries, shortened } = effects;
        for (id, key) in sold {
            let holder = self.seats.get_mut(&key).and_then(|seat| seat.holder.as_mut()).expect("a held seat");
            assert!(holder.reservation == id && holder.until.is_some_and(|until| until > self.now), "the guard");
            *holder = Holder { until: None, ..*holder };
            self.reservations.get_mut(&id).expect("a reservation").status = ReservationStatus::Confirmed;
        }
        for payment in payments {
            assert!(self.paid.insert(payment.reservation, payment.id).is_none(), "one payment per reservation");
        }
        for (id, until) in shortened {
            self.tokens.get_mut(&id).expect("a token").expires_at = until;
        }
        self.take_entries(entries);
        answers
    }

    fn refund_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let payment = |nth| self.paid.get(&self.nth(nth)).copied().unwrap_or_else(PaymentId::generate);
        let commands: Vec<_> = acts
            .iter()
            .filter_map(|act| match *act {
                Act::Refund { nth } => Some(refund::RefundPayment {
                    payment: payment(nth),
                    by: "the model".parse().expect("a name"),
                    reason: None,
                    entry: WalletEntryId::generate(),
                }),
                _ => None,
            })
            .collect();
        let paid = |(reservation, payment): (&ReservationId, &PaymentId)| {
            let made = &self.reservations[reservation];
            let (user, seat, amount) = (made.user, made.seat_key(), made.price);
            (*payment, refund::Paid { user, reservation: *reservation, seat, amount })
        };
        let rows = refund::Rows {
            payments: self.paid.iter().map(paid).collect(),
            seats: self.seats.clone(),
            accounts: self.accounts(),
            made: HashMap::new(),
        };
        let (answers, effects) = refund::decide(rows, &commands, &self.attempt());
        let refund::Effects { refunds, entries } = effects;
        for refund in refunds {
            let ended = self.reservations.get_mut(&refund.reservation).expect("a reservation");
            assert_eq!(ended.status, ReservationStatus::Confirmed, "the guard of a sale");
            ended.status = ReservationStatus::Refunded;
            let holder = self.seats.get_mut(&ended.seat_key()).expect("a seat").holder.take();
            assert!(holder.is_some_and(|holder| holder.reservation == refund.reservation), "the guard of a seat");
            assert!(self.refunded.insert(refund.reservation), "one refund per payment");
        }
        self.take_entries(entries);
        outcomes(answers, |_| "refunded")
    }

    fn wallet_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts
            .iter()
            .filter_map(|act| match *act {
                Act::Recharge { user, amount } => {
                    Some(Recharge { caller: self.caller(user), amount: money(amount), id: WalletEntryId::generate() })
                }
                _ => None,
            })
            .collect();
        let rows = WalletRows { accounts: self.accounts(), made: HashMap::new() };
        let (answers, entries) = decide_wallet(rows, &commands, &self.attempt());
        self.take_entries(entries);
        outcomes(answers, |_| "recharged")
    }

    fn accounts(&self) -> HashMap<UserId, Account> {
        let account = |(user, balance): (&UserId, &Money)| {
            let (_, entries) = self.entries.get(user).copied().unwrap_or_default();
            (*user, Account { balance: *balance, entries, live_token: None })
        };
        self.balances.iter().map(account).collect()
    }

    fn take_entries(&mut self, entries: Vec<crate::wallet::WalletEntry>) {
        for entry in entries {
            assert_eq!(self.balances[&entry.user], entry.before, "the guard of a balance");
            self.balances.insert(entry.user, entry.after);
            let change = entry.after.as_decimal() - entry.before.as_decimal();
            let (total, newest) = self.entries.entry(entry.user).or_default();
            *total += i64::try_from(change).expect("whole");
            *newest += 1;
            assert_eq!(entry.nth, *newest, "entries are numbered in their order");
        }
    }

    fn check(&self, spec: &Spec) {
        let live = self.live();
        let count = |status| live.values().filter(|token| token.status == status).count();
        assert_eq!(self.gate.active as usize, count(queue::TokenStatus::Active));
        assert_eq!(self.gate.waiting as usize, count(queue::TokenStatus::Waiting));
        assert!(self.gate.active <= CAP);
        assert_eq!(self.gate.no_shows, spec.no_shows);
        assert_eq!(self.gate.next_ticket as usize, self.tokens.len() + 1, "tickets are dense");
        for (nth, user) in self.users.iter().enumerate() {
            assert_eq!(self.balances[user], money(spec.wallets[nth]));
            assert_eq!(self.entries.get(user).copied().unwrap_or_default().0, spec.wallets[nth]);
        }
        self.check_seats();
    }

    fn check_seats(&self) {
        let confirmed = self.reservations.values().filter(|r| r.status == ReservationStatus::Confirmed);
        let kept = self.paid.keys().filter(|id| !self.refunded.contains(*id)).copied();
        assert_eq!(confirmed.map(|r| r.id).collect::<HashSet<_>>(), kept.collect());
        for (key, seat) in &self.seats {
            let mine = self.reservations.values().filter(|r| r.seat_key() == *key);
            let holding: Vec<_> = mine
                .filter(|r| matches!(r.status, ReservationStatus::Held | ReservationStatus::Confirmed))
                .map(|r| r.id)
                .collect();
            assert_eq!(holding, Vec::from_iter(seat.holder.map(|holder| holder.reservation)));
            if let Some(Holder { reservation, until: Some(until), .. }) = seat.holder {
                assert_eq!(self.reservations[&reservation].expires_at, until, "one deadline");
            }
        }
    }
}

fn outcomes<A>(answers: Vec<Result<A, Error>>, say: impl Fn(&A) -> &'static str) -> Vec<Outcome> {
    answers.into_iter().map(|answer| answer.as_ref().map(&say).map_err(Error::code)).collect()
}

const fn lane(act: Act) -> u8 {
    match act {
        Act::Join(_) | Act::Leave(_) | Act::Claim(_) => 0,
        // What was let in before there was a limit per minute is not counted, so a limit begins with its own batch.
        Act::Set(_) => 6,
        // A pass runs after the callers of its batch, so it is drawn as the end of one.
        Act::Rerank => 1,
        Act::Reserve { .. } | Act::Cancel { .. } => 2,
        Act::Pay { .. } => 3,
        Act::Recharge { .. } => 4,
        Act::Wait(_) => 5,
        Act::Refund { .. } => 7,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn batches_answer_as_one_act_after_the_other_would(acts in acts(), most in 1_usize..9) {
        let (mut spec, mut world) = (Spec::default(), World::new());
        for run in acts.chunk_by(|a, b| lane(*a) == lane(*b) && lane(*a) != 5) {
            for batch in run.chunks(most) {
                // What `nth` names is fixed before the batch: nobody knows the id of a hold that is not answered yet.
                let known = spec.holds.len();
                let batch: Vec<_> = batch.iter().map(|act| act.among(&spec.holds)).collect();
                let expected: Vec<_> = batch.iter().map(|act| match *act {
                    Act::Cancel { nth, .. } if nth >= known => Err("RESERVATION_NOT_FOUND"),
                    act => spec.act(act),
                }).collect();
                prop_assert_eq!(world.batch(&batch), expected, "{:?}", batch);
                world.check(&spec);
            }
        }
    }
}
