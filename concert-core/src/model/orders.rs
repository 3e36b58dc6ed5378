//! The same for orders: several seats at once, the best available, deadlines that move.
//!
//! Everybody is in from the start, each for another time. Which seats are best is the hall's matter and has tests of its
//! own; here, whatever seats are given must be free, as many as were asked for, and together where the hall allows it.

mod spec;

use self::spec::Spec;
use super::*;
use crate::id::OrderId;

const ROW: usize = 4;
const ROWS: usize = 3;
/// Of each user, in seconds.
const TURNS: [i64; USERS] = [200, 350, 450, 700, 1_000, 5_000];

#[derive(Debug, Clone, PartialEq)]
enum Act {
    /// Past the queue: at the desk, without a turn.
    Hold {
        user: usize,
        seats: Vec<usize>,
        past_queue: bool,
    },
    Best {
        user: usize,
        count: usize,
        section: Option<&'static str>,
        together: bool,
    },
    /// An operator takes a seat off sale, if nobody has it, or puts it on sale again.
    Block {
        seat: usize,
        blocked: bool,
    },
    Cancel {
        user: usize,
        nth: usize,
        one: Option<usize>,
    },
    Extend {
        user: usize,
        nth: usize,
        one: usize,
    },
    Pay {
        user: usize,
        nth: usize,
        one: Option<usize>,
        amount: i64,
    },
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (user, nth, one) = (0..USERS, 0..100_usize, 0..ROW);
    let seats = prop::collection::hash_set(0..ROW * ROWS, 1..4);
    let section =
        prop_oneof![4 => Just(None), 2 => Just(Some("front")), 2 => Just(Some("back")), 1 => Just(Some("moon"))];
    let hold = prop_oneof![
        3 => (user.clone(), seats, prop::bool::weighted(0.3)).prop_map(|(user, seats, past_queue)| {
            let mut seats: Vec<_> = seats.into_iter().collect();
            seats.sort_unstable();
            Act::Hold { user, seats, past_queue }
        }),
        5 => (user.clone(), 1..5_usize, section, any::<bool>())
            .prop_map(|(user, count, section, together)| Act::Best { user, count, section, together }),
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
    let block = (0..ROW * ROWS, any::<bool>()).prop_map(|(seat, blocked)| Act::Block { seat, blocked });
    let burst = prop_oneof![
        2 => prop::collection::vec(block, 1..4),
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
        Act::Block { .. } => 3,
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
    Blocked(bool),
}

type Outcome = Result<Said, &'static str>;

fn section_of(seat: usize) -> &'static str {
    if seat < ROW { "front" } else { "back" }
}

fn price_of(seat: usize) -> i64 {
    if seat < ROW { 150 } else { 100 }
}

/// Enough for two full orders.
const WALLET: i64 = 900;

struct Hallway {
    world: World,
    begun: Timestamp,
    orders: Vec<OrderId>,
}

impl Hallway {
    fn new(extension: i64, limit: Option<u32>) -> Self {
        let seat = |nth: usize| SeatRow {
            section: Some(section_of(nth).into()),
            row: Some((nth / ROW).to_string().into()),
            ..SeatRow::free(money(price_of(nth)))
        };
        let mut world = World::with(ROW as u32, extension, (0..ROW * ROWS).map(seat).collect(), limit);
        for (nth, user) in world.users.iter().enumerate() {
            let token = queue::Token {
                sale: SaleId::DEFAULT,
                id: TokenId::generate(),
                user: *user,
                ticket: nth as u64,
                status: queue::TokenStatus::Active,
                created_at: world.now,
                expires_at: world.now + span(Duration::from_secs(TURNS[nth] as u64)),
                claimed_at: Some(world.now),
            };
            world.tables.tokens.insert(token.id, token);
            world.tables.users.get_mut(user).expect("a user").balance = WALLET.into();
        }
        Self { begun: world.now, world, orders: Vec::new() }
    }

    fn order(&self, nth: usize) -> OrderId {
        self.orders.get(nth).copied().unwrap_or_else(OrderId::generate)
    }

    fn reservation(&self, nth: usize, one: usize) -> ReservationId {
        let order = self.order(nth);
        let mut members: Vec<_> =
            self.world.tables.reservations.values().filter(|reservation| reservation.order() == order).collect();
        members.sort_unstable_by_key(|reservation| reservation.seat);
        members.get(one % members.len().max(1)).map_or_else(ReservationId::generate, |reservation| reservation.id)
    }

    fn named(&self, nth: usize, one: Option<usize>) -> OrderRef {
        match one {
            Some(one) => OrderRef::Reservation(self.reservation(nth, one)),
            None => OrderRef::Order(self.order(nth)),
        }
    }

    fn seconds(&self, at: Timestamp) -> i64 {
        (at - self.begun).num_seconds()
    }

    fn hold_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let concert = self.world.concert;
        let hold_by = |caller, wanted: Wanted| {
            let ids = (0..wanted.count()).map(|_| ReservationId::generate()).collect();
            reservation::Command::Hold { caller, concert, wanted, ids }
        };
        let hold = |user, wanted| hold_by(self.world.caller(user), wanted);
        let commands: Vec<_> = acts
            .iter()
            .filter_map(|act| match *act {
                Act::Hold { user, ref seats, past_queue } => {
                    let seats = seats.iter().map(|seat| seat_key(concert, *seat).seat);
                    let caller = self.world.caller(user);
                    let caller = if past_queue { caller.past_queue() } else { caller };
                    Some(hold_by(caller, Wanted::Seats(seats.collect())))
                }
                Act::Best { user, count, section, together } => {
                    let section = section.map(str::to_owned);
                    Some(hold(
                        user,
                        match together {
                            true => Wanted::BestTogether { count, section },
                            false => Wanted::BestAvailable { count, section },
                        },
                    ))
                }
                Act::Cancel { user, nth, one } => {
                    let what = self.named(nth, one);
                    Some(reservation::Command::Cancel { caller: self.world.caller(user), what })
                }
                Act::Extend { user, nth, one } => {
                    let reservation = self.reservation(nth, one);
                    Some(reservation::Command::Extend { caller: self.world.caller(user), reservation, id: None })
                }
                Act::Pay { .. } | Act::Wait(_) | Act::Block { .. } => None,
            })
            .collect();
        let answers = self.world.hold(&commands);
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

    /// As the statements that block and unblock seats would.
    fn block(&mut self, nth: usize, blocked: bool) -> Outcome {
        let now = self.world.now;
        let key = seat_key(self.world.concert, nth);
        let lapsed = self.world.tables.seats[&key].holder.filter(|_| self.world.tables.seats[&key].is_free(now));
        if blocked && let Some(lapsed) = lapsed {
            self.world.tables.let_go(lapsed, now).expect("has its seat");
            self.world.tables.reservations.get_mut(&lapsed).expect("a hold").status = ReservationStatus::Expired;
        }
        let seat = self.world.tables.seats.get_mut(&key).expect("a seat");
        seat.is_blocked = (seat.is_blocked || seat.is_free(now)) && blocked;
        Ok(Said::Blocked(seat.is_blocked))
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
        let answers = self.world.pay(&commands).into_iter();
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
        limit in prop_oneof![2 => Just(None), 1 => Just(Some(2)), 1 => Just(Some(3)), 1 => Just(Some(6))],
    ) {
        let mut spec = Spec { now: 0, extension, limit, turns: TURNS, wallets: [WALLET; USERS], ..Spec::default() };
        let mut hallway = Hallway::new(extension, limit);
        for batch in acts.chunk_by(|a, b| lane(a) == lane(b) && lane(a) != 2).flat_map(|run| run.chunks(most)) {
            let batch: Vec<_> = batch.iter().map(|act| spec.aim(act)).collect();
            let answers = match batch[0] {
                Act::Wait(seconds) => {
                    spec.now += seconds;
                    hallway.world.wait(seconds);
                    continue;
                }
                Act::Pay { .. } => hallway.pay_batch(&batch),
                Act::Block { .. } => batch.iter().map(|act| match *act {
                    Act::Block { seat, blocked } => hallway.block(seat, blocked),
                    _ => unreachable!("one kind"),
                }).collect(),
                _ => hallway.hold_batch(&batch),
            };
            for (act, answer) in batch.iter().zip(&answers) {
                prop_assert_eq!(answer, &spec.act(act, answer), "{:?} in {:?}", act, batch);
            }
            hallway.world.tables.check_seats();
            hallway.world.tables.check_turns(hallway.world.now);
            for (nth, user) in hallway.world.users.iter().enumerate() {
                prop_assert_eq!(hallway.world.tables.users[user].balance, spec.wallets[nth].into());
            }
        }
    }
}
