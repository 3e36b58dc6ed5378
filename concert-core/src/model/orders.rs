//! The same for orders: several seats at once, the best available, deadlines that move.
//!
//! Everybody is in from the start, each for another time. Which seats are best is the hall's matter and has tests of its
//! own; here, whatever seats are given must be free, as many as were asked for, and together where the hall allows it.

use super::*;
use crate::id::OrderId;

const ROW: usize = 4;
const ROWS: usize = 3;
/// Of each user, in seconds.
const TURNS: [i64; USERS] = [200, 350, 450, 700, 1_000, 5_000];

#[derive(Debug, Clone, PartialEq)]
enum Act {
    Hold { user: usize, seats: Vec<usize> },
    Best { user: usize, count: usize, section: Option<&'static str> },
    Cancel { user: usize, nth: usize, one: Option<usize> },
    Extend { user: usize, nth: usize, one: usize },
    Pay { user: usize, nth: usize, one: Option<usize>, amount: i64 },
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (user, nth, one) = (0..USERS, 0..100_usize, 0..ROW);
    let seats = prop::collection::hash_set(0..ROW * ROWS, 1..4);
    let section =
        prop_oneof![4 => Just(None), 2 => Just(Some("front")), 2 => Just(Some("back")), 1 => Just(Some("moon"))];
    let hold = prop_oneof![
        3 => (user.clone(), seats).prop_map(|(user, seats)| {
            let mut seats: Vec<_> = seats.into_iter().collect();
            seats.sort_unstable();
            Act::Hold { user, seats }
        }),
        5 => (user.clone(), 1..5_usize, section).prop_map(|(user, count, section)| Act::Best { user, count, section }),
        2 => (user.clone(), nth.clone(), prop::option::of(one.clone()))
            .prop_map(|(user, nth, one)| Act::Cancel { user, nth, one }),
        2 => (user.clone(), nth.clone(), one.clone()).prop_map(|(user, nth, one)| Act::Extend { user, nth, one }),
    ];
    let amount = prop_oneof![9 => Just(0), 1 => Just(1)];
    let pay = (user, nth, prop::option::weighted(0.3, one), amount).prop_map(|(user, nth, one, amount)| Act::Pay {
        user,
        nth,
        one,
        amount,
    });
    let wait =
        prop_oneof![Just(1), Just(60), Just(119), Just(120), Just(180), Just(300), Just(600)].prop_map(Act::Wait);
    let burst = prop_oneof![
        5 => prop::collection::vec(hold, 1..9),
        3 => prop::collection::vec(pay, 1..6),
        2 => wait.prop_map(|wait| vec![wait]),
    ];
    prop::collection::vec(burst, 1..20).prop_map(|bursts| bursts.concat())
}

const fn lane(act: &Act) -> u8 {
    match act {
        Act::Hold { .. } | Act::Best { .. } | Act::Cancel { .. } | Act::Extend { .. } => 0,
        Act::Pay { .. } => 1,
        Act::Wait(_) => 2,
    }
}

/// An answer, so far as both sides can say it.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    /// Which seats, and until when.
    Held(Vec<usize>, i64),
    GivenBack,
    Extended(i64),
    Paid(Vec<i64>),
}

type Outcome = Result<Said, &'static str>;

fn section_of(seat: usize) -> &'static str {
    if seat < ROW { "front" } else { "back" }
}

fn price_of(seat: usize) -> i64 {
    if seat < ROW { 150 } else { 100 }
}

// ---------------------------------------------------------------- the specification

#[derive(Debug, Clone)]
struct Party {
    user: usize,
    seats: Vec<(usize, Hold)>,
    made: i64,
    extended: bool,
}

impl Party {
    /// One of its seats, or all.
    fn named(&self, one: Option<usize>) -> &[(usize, Hold)] {
        match one.map(|one| one % self.seats.len()) {
            Some(one) => &self.seats[one..=one],
            None => &self.seats,
        }
    }
}

struct Spec {
    now: i64,
    extension: i64,
    turns: [i64; USERS],
    wallets: [i64; USERS],
    parties: Vec<Party>,
}

impl Spec {
    /// `given`: the seats that were given, where the hall decides.
    fn act(&mut self, act: &Act, given: &Outcome) -> Outcome {
        match *act {
            Act::Hold { user, ref seats } => {
                self.require_in(user)?;
                if seats.iter().any(|seat| !self.is_free(*seat)) {
                    return Err("SEAT_ALREADY_RESERVED");
                }
                self.hold(user, seats.clone())
            }
            Act::Best { user, count, section } => self.best(user, count, section, given),
            Act::Cancel { user, nth, one } => self.cancel(user, nth, one),
            Act::Extend { user, nth, .. } => self.extend(user, nth),
            Act::Pay { user, nth, one, amount } => self.pay(user, nth, one, amount),
            Act::Wait(_) => unreachable!("nobody answers"),
        }
    }

    fn require_in(&self, user: usize) -> Result<(), &'static str> {
        if self.turns[user] > self.now { Ok(()) } else { Err("TOKEN_NOT_ACTIVE") }
    }

    fn at_present(&self, hold: Hold) -> Hold {
        match hold {
            Hold::Held { until } if until <= self.now => Hold::Lost,
            hold => hold,
        }
    }

    fn is_held(&self, hold: Hold) -> bool {
        matches!(self.at_present(hold), Hold::Held { .. })
    }

    fn is_free(&self, seat: usize) -> bool {
        let holds = self.parties.iter().flat_map(|party| &party.seats).filter(|(held, _)| *held == seat);
        holds.into_iter().all(|(_, hold)| matches!(self.at_present(*hold), Hold::Lost | Hold::GivenBack))
    }

    fn unpaid(&self, user: usize) -> usize {
        let holds = self.parties.iter().filter(|party| party.user == user).flat_map(|party| &party.seats);
        holds.filter(|(_, hold)| self.is_held(*hold)).count()
    }

    fn hold(&mut self, user: usize, seats: Vec<usize>) -> Outcome {
        if self.unpaid(user) + seats.len() > ROW {
            return Err("TOO_MANY_HOLDS");
        }
        let until = self.now + HOLD;
        let held = seats.iter().map(|seat| (*seat, Hold::Held { until })).collect();
        self.parties.push(Party { user, seats: held, made: self.now, extended: false });
        Ok(Said::Held(seats, until))
    }

    fn best(&mut self, user: usize, count: usize, section: Option<&str>, given: &Outcome) -> Outcome {
        self.require_in(user)?;
        if section == Some("moon") {
            return Err("SECTION_NOT_FOUND");
        }
        let inside = |seat: &usize| section.is_none_or(|section| section_of(*seat) == section);
        let free: Vec<_> = (0..ROW * ROWS).filter(inside).filter(|seat| self.is_free(*seat)).collect();
        if free.len() < count {
            return Err("NOT_ENOUGH_SEATS");
        }
        let Ok(Said::Held(seats, _)) = given else {
            // Too many holds: then it does not matter which.
            return self.hold(user, free[..count].to_vec()).and(Err("there are seats"));
        };
        assert!(seats.len() == count && seats.iter().all(|seat| free.contains(seat)), "{seats:?} of {free:?}");
        let together = |seats: &[usize]| {
            let (first, last) = (seats[0], seats[count - 1]);
            last - first == count - 1 && first / ROW == last / ROW
        };
        assert!(together(seats) || !free.windows(count).any(together), "{seats:?} of {free:?}");
        self.hold(user, seats.clone())
    }

    fn cancel(&mut self, user: usize, nth: usize, one: Option<usize>) -> Outcome {
        let missing = if one.is_some() { "RESERVATION_NOT_FOUND" } else { "ORDER_NOT_FOUND" };
        let party = self.parties.get(nth).ok_or(missing)?;
        if party.user != user {
            return Err("NOT_YOURS");
        }
        let named = party.named(one);
        let held: Vec<_> = named.iter().filter(|(_, hold)| self.is_held(*hold)).map(|(seat, _)| *seat).collect();
        if held.is_empty() && named.iter().any(|(_, hold)| *hold == Hold::Paid) {
            return Err("ALREADY_PAID");
        }
        let given_back = self.parties[nth].seats.iter_mut().filter(|(seat, _)| held.contains(seat));
        given_back.for_each(|(_, hold)| *hold = Hold::GivenBack);
        Ok(Said::GivenBack)
    }

    fn extend(&mut self, user: usize, nth: usize) -> Outcome {
        self.require_in(user)?;
        let party = self.parties.get(nth).ok_or("RESERVATION_NOT_FOUND")?;
        if party.user != user {
            return Err("NOT_YOURS");
        }
        let held = party.seats.iter().find_map(|(_, hold)| match self.at_present(*hold) {
            Hold::Held { until } => Some(until),
            _ => None,
        });
        let Some(deadline) = held else {
            let paid = party.seats.iter().any(|(_, hold)| *hold == Hold::Paid);
            let given_back = party.seats.iter().all(|(_, hold)| *hold == Hold::GivenBack);
            return Err(match (paid, given_back) {
                (true, _) => "ALREADY_PAID",
                (false, true) => "HOLD_CANCELLED",
                (false, false) => "HOLD_EXPIRED",
            });
        };
        if party.extended {
            return Err("HOLD_ALREADY_EXTENDED");
        }
        let until = (deadline + self.extension).min(party.made + 2 * HOLD).min(self.turns[user]);
        if until <= deadline {
            return Err("HOLD_OUTLASTS_TURN");
        }
        let now = self.now;
        let party = &mut self.parties[nth];
        party.extended = true;
        for (_, hold) in &mut party.seats {
            if matches!(*hold, Hold::Held { until: before } if before > now) {
                *hold = Hold::Held { until };
            }
        }
        Ok(Said::Extended(until))
    }

    fn pay(&mut self, user: usize, nth: usize, one: Option<usize>, amount: i64) -> Outcome {
        self.require_in(user)?;
        let missing = if one.is_some() { "RESERVATION_NOT_FOUND" } else { "ORDER_NOT_FOUND" };
        let party = self.parties.get(nth).ok_or(missing)?;
        if party.user != user {
            return Err("NOT_YOURS");
        }
        let named = party.named(one);
        let due: Vec<_> = named.iter().filter(|(_, hold)| self.is_held(*hold)).map(|(seat, _)| *seat).collect();
        if due.is_empty() {
            let paid = named.iter().any(|(_, hold)| *hold == Hold::Paid);
            let given_back = named.iter().all(|(_, hold)| *hold == Hold::GivenBack);
            return Err(match (paid, given_back) {
                (true, _) => "ALREADY_PAID",
                (false, true) => "HOLD_CANCELLED",
                (false, false) => "HOLD_EXPIRED",
            });
        }
        let total: i64 = due.iter().copied().map(price_of).sum();
        if amount != total {
            return Err("WRONG_AMOUNT");
        }
        if self.wallets[user] < total {
            return Err("INSUFFICIENT_BALANCE");
        }
        self.wallets[user] -= total;
        let paid = self.parties[nth].seats.iter_mut().filter(|(seat, _)| due.contains(seat));
        paid.for_each(|(_, hold)| *hold = Hold::Paid);
        if self.unpaid(user) == 0 {
            self.turns[user] = self.turns[user].min(self.now + AFTER_PAYMENT);
        }
        Ok(Said::Paid(due.into_iter().map(price_of).collect()))
    }

    /// The same act on an order that is known before its batch, mostly by whose it is, and paid as far as it is due.
    fn aim(&self, act: &Act) -> Act {
        let order = |user: usize, nth: usize| match self.parties.get(nth % (self.parties.len() + 1)) {
            Some(party) if user == 0 => (user, nth % (self.parties.len() + 1), Some(party)),
            Some(party) => (party.user, nth % (self.parties.len() + 1), Some(party)),
            None => (user, usize::MAX, None),
        };
        match *act {
            Act::Cancel { user, nth, one } => {
                let (user, nth, _) = order(user, nth);
                Act::Cancel { user, nth, one }
            }
            Act::Extend { user, nth, one } => {
                let (user, nth, _) = order(user, nth);
                Act::Extend { user, nth, one }
            }
            Act::Pay { user, nth, one, amount } => {
                let (user, nth, party) = order(user, nth);
                let named = party.map_or(&[][..], |party| party.named(one));
                let due: i64 =
                    named.iter().filter(|(_, hold)| self.is_held(*hold)).map(|(seat, _)| price_of(*seat)).sum();
                Act::Pay { user, nth, one, amount: due + amount }
            }
            ref act => act.clone(),
        }
    }
}

// ---------------------------------------------------------------- the tables

/// Enough for two full orders.
const WALLET: i64 = 900;

struct Hallway {
    world: World,
    begun: Timestamp,
    orders: Vec<OrderId>,
}

impl Hallway {
    fn new() -> Self {
        let mut world = World::new();
        world.max_holds = ROW as u32;
        let sample = world.seats.values().next().expect("a seat").clone();
        let seat = |nth: usize| Seat {
            section: Some(section_of(nth).into()),
            row: Some((nth / ROW).to_string().into()),
            price: money(price_of(nth)),
            ..sample.clone()
        };
        world.seats = (0..ROW * ROWS).map(|nth| (World::key(world.concert, nth), seat(nth))).collect();
        for (nth, user) in world.users.iter().enumerate() {
            let token = queue::Token {
                id: TokenId::generate(),
                user: *user,
                ticket: nth as u64,
                status: queue::TokenStatus::Active,
                created_at: world.now,
                expires_at: world.now + span(Duration::from_secs(TURNS[nth] as u64)),
                claimed_at: Some(world.now),
            };
            world.tokens.insert(token.id, token);
            world.balances.insert(*user, money(WALLET));
        }
        Self { begun: world.now, world, orders: Vec::new() }
    }

    fn order(&self, nth: usize) -> OrderId {
        self.orders.get(nth).copied().unwrap_or_else(OrderId::generate)
    }

    fn reservation(&self, nth: usize, one: usize) -> ReservationId {
        let order = self.order(nth);
        let mut members: Vec<_> =
            self.world.reservations.values().filter(|reservation| reservation.order() == order).collect();
        members.sort_unstable_by_key(|reservation| reservation.seat);
        members.get(one % members.len().max(1)).map_or_else(ReservationId::generate, |reservation| reservation.id)
    }

    fn named(&self, nth: usize, one: Option<usize>) -> Named {
        match one {
            Some(one) => Named::Reservation(self.reservation(nth, one)),
            None => Named::Order(self.order(nth)),
        }
    }

    fn seconds(&self, at: Timestamp) -> i64 {
        (at - self.begun).num_seconds()
    }

    fn hold_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let concert = self.world.concert;
        let hold = |user, wanted: Wanted| {
            let ids = (0..wanted.count()).map(|_| ReservationId::generate()).collect();
            reservation::Command::Hold { caller: self.world.caller(user), concert, wanted, ids }
        };
        let commands: Vec<_> = acts
            .iter()
            .filter_map(|act| match *act {
                Act::Hold { user, ref seats } => {
                    let seats = seats.iter().map(|seat| World::key(concert, *seat).seat);
                    Some(hold(user, Wanted::Seats(seats.collect())))
                }
                Act::Best { user, count, section } => {
                    Some(hold(user, Wanted::BestAvailable { count, section: section.map(str::to_owned) }))
                }
                Act::Cancel { user, nth, one } => {
                    let what = self.named(nth, one);
                    Some(reservation::Command::Cancel { caller: self.world.caller(user), what })
                }
                Act::Extend { user, nth, one } => {
                    let reservation = self.reservation(nth, one);
                    Some(reservation::Command::Extend { caller: self.world.caller(user), reservation })
                }
                Act::Pay { .. } | Act::Wait(_) => None,
            })
            .collect();
        let answers = self.world.reservation_lane(&commands);
        let mut said = Vec::new();
        for answer in answers {
            said.push(match answer.map_err(|error| error.code()) {
                Ok(reservation::Answer::Held(made)) => {
                    self.orders.push(made[0].order());
                    assert!(made.iter().all(|other| other.order() == OrderId::from(made[0].id)));
                    let seats = made.iter().map(|made| made.seat.get() as usize - 1).collect();
                    Ok(Said::Held(seats, self.seconds(made[0].expires_at)))
                }
                Ok(reservation::Answer::Cancelled) => Ok(Said::GivenBack),
                Ok(reservation::Answer::Extended(until)) => Ok(Said::Extended(self.seconds(until))),
                Err(code) => Err(code),
            });
        }
        said
    }

    fn pay_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts
            .iter()
            .filter_map(|act| match *act {
                Act::Pay { user, nth, one, amount } => Some(Pay {
                    caller: self.world.caller(user),
                    what: self.named(nth, one),
                    amount: money(amount),
                    id: PaymentId::generate(),
                }),
                _ => None,
            })
            .collect();
        let answers = self.world.payment_lane(&commands).into_iter();
        let amount = |payment: &Payment| i64::try_from(payment.amount.as_decimal()).expect("whole");
        answers
            .map(|answer| match answer {
                Ok(payments) => Ok(Said::Paid(payments.iter().map(amount).collect())),
                Err(error) => Err(error.code()),
            })
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn orders_answer_as_one_act_after_the_other_would(
        acts in acts(), most in 1_usize..9, extension in prop_oneof![Just(120), Just(400)],
    ) {
        let mut spec = Spec { now: 0, extension, turns: TURNS, wallets: [WALLET; USERS], parties: Vec::new() };
        let mut hallway = Hallway::new();
        hallway.world.extension = extension;
        for batch in acts.chunk_by(|a, b| lane(a) == lane(b) && lane(a) != 2).flat_map(|run| run.chunks(most)) {
            let batch: Vec<_> = batch.iter().map(|act| spec.aim(act)).collect();
            let answers = match batch[0] {
                Act::Wait(seconds) => {
                    spec.now += seconds;
                    hallway.world.now += span(Duration::from_secs(seconds as u64));
                    continue;
                }
                Act::Pay { .. } => hallway.pay_batch(&batch),
                _ => hallway.hold_batch(&batch),
            };
            for (act, answer) in batch.iter().zip(&answers) {
                prop_assert_eq!(answer, &spec.act(act, answer), "{:?} in {:?}", act, batch);
            }
            hallway.world.check_seats();
            for (nth, user) in hallway.world.users.iter().enumerate() {
                prop_assert_eq!(hallway.world.balances[user], money(spec.wallets[nth]));
            }
        }
    }
}
