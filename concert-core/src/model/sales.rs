//! Two sales: each is the spec of the whole model, and what they share is the users, their money and how much one may hold.
//!
//! Batches have commands of both, as those of a busy server do.

use super::spec::Spec;
use super::world::outcomes;
use super::*;
use crate::queue::SaleChange;

/// Enough for all that can be paid.
const WALLET: i64 = 100_000;

#[derive(Debug, Clone, Copy)]
enum SaleAct {
    /// Of the queue's lane, in the first or the second sale.
    Queue(usize, Act),
    Reserve {
        at: usize,
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
    },
    /// From now on: the doors, the opening and the close of the second sale.
    Times([Option<i64>; 3]),
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<SaleAct>> {
    let (at, user, nth) = (0..2_usize, 0..3_usize, 0..20_usize);
    let queue = prop_oneof![
        6 => user.clone().prop_map(Act::Join),
        2 => user.clone().prop_map(Act::Leave),
        3 => user.clone().prop_map(Act::Claim),
    ];
    let queue = (at.clone(), queue).prop_map(|(at, act)| SaleAct::Queue(at, act));
    let pass = (at.clone(), Just(Act::Rerank { seen: None })).prop_map(|(at, act)| SaleAct::Queue(at, act));
    let hold = prop_oneof![
        4 => (at, user.clone(), 0..SEATS).prop_map(|(at, user, seat)| SaleAct::Reserve { at, user, seat }),
        1 => (user.clone(), nth.clone()).prop_map(|(user, nth)| SaleAct::Cancel { user, nth }),
    ];
    let pay = (user, nth).prop_map(|(user, nth)| SaleAct::Pay { user, nth });
    let instant = || prop_oneof![2 => Just(None), 1 => Just(Some(0)), 2 => (1_i64..200).prop_map(Some)];
    let times = [instant(), instant(), instant()].prop_map(|instants| {
        // One after the other, as they must be.
        let mut given: Vec<_> = instants.iter().flatten().copied().collect();
        given.sort_unstable();
        let mut given = given.into_iter();
        let [doors, opens, closes] = instants.map(|instant| instant.and_then(|_| given.next()));
        let closes = closes.map(|at| if [doors, opens].contains(&Some(at)) { at + 1 } else { at });
        SaleAct::Times([doors, opens, closes])
    });
    let wait = prop_oneof![Just(1), Just(30), Just(60), Just(300), Just(600)].prop_map(SaleAct::Wait);
    let burst = prop_oneof![
        5 => prop::collection::vec(queue, 1..6),
        2 => prop::collection::vec(pass, 1..3),
        5 => prop::collection::vec(hold, 1..6),
        3 => prop::collection::vec(pay, 1..4),
        2 => times.prop_map(|times| vec![times]),
        2 => wait.prop_map(|wait| vec![wait]),
    ];
    let opening = (0..2).flat_map(|at| (0..2).map(move |user| SaleAct::Queue(at, Act::Join(user))));
    let opening: Vec<_> = opening.collect();
    prop::collection::vec(burst, 1..30).prop_map(move |bursts| [opening.clone(), bursts.concat()].concat())
}

const fn lane(act: SaleAct) -> u8 {
    match act {
        SaleAct::Queue(_, Act::Rerank { .. }) => 1,
        SaleAct::Queue(..) => 0,
        SaleAct::Reserve { .. } | SaleAct::Cancel { .. } => 2,
        SaleAct::Pay { .. } => 3,
        SaleAct::Times(_) => 4,
        SaleAct::Wait(_) => 5,
    }
}

/// Both sides.
struct Evening {
    specs: [Spec; 2],
    world: World,
    sales: [(SaleId, ConcertId); 2],
    /// Which sale's hold each is, and its how many-th, in the order in which they were made.
    made: Vec<(usize, usize)>,
}

impl Evening {
    fn new() -> Self {
        let mut world = World::new();
        let second = world.add_sale(vec![SeatRow::free(money(PRICE)); SEATS]);
        let first = (SaleId::DEFAULT, world.concert);
        let mut evening = Self { specs: Default::default(), world, sales: [first, second], made: Vec::new() };
        for user in 0..USERS {
            evening.world.batch(&[Act::Recharge { user, amount: WALLET }]);
            evening.specs.iter_mut().for_each(|spec| spec.wallets[user] = WALLET);
        }
        evening
    }

    /// What a sale would answer, given what is so in the other.
    fn in_sale(&mut self, at: usize, act: Act) -> Outcome {
        self.specs[at].unpaid_elsewhere = std::array::from_fn(|user| self.specs[1 - at].unpaid(user));
        self.specs[at].act(act)
    }

    /// `known`: how many holds there were before the batch.
    fn expected(&mut self, act: SaleAct, known: usize) -> Outcome {
        let named = |made: &[(usize, usize)], nth: usize| made.get(nth).copied().filter(|_| nth < known);
        match act {
            SaleAct::Queue(at, act) => self.in_sale(at, act),
            SaleAct::Reserve { at, user, seat } => {
                let held = self.in_sale(at, Act::Reserve { user, seat });
                if held.is_ok() {
                    self.made.push((at, self.specs[at].holds.len() - 1));
                }
                held
            }
            SaleAct::Cancel { user, nth } => match named(&self.made, nth) {
                Some((at, nth)) => self.in_sale(at, Act::Cancel { user, nth }),
                None => Err("RESERVATION_NOT_FOUND"),
            },
            SaleAct::Pay { user, nth } => match named(&self.made, nth) {
                Some((at, nth)) => self.in_sale(at, Act::Pay { user, nth, amount: PRICE }),
                // Without a turn in any sale, that is what is said.
                None if self.specs.iter().any(|spec| spec.acting().contains(&user)) => Err("RESERVATION_NOT_FOUND"),
                None => Err("TOKEN_NOT_ACTIVE"),
            },
            SaleAct::Times(instants) => {
                let spec = &mut self.specs[1];
                let instants = instants.map(|instant| instant.map(|after| spec.now + after));
                let before = std::mem::replace(&mut spec.instants, instants);
                Ok(if before == instants { "as it was" } else { "set" })
            }
            SaleAct::Wait(time) => {
                for spec in &mut self.specs {
                    let _ = spec.act(Act::Wait(time));
                }
                Ok("waited")
            }
        }
    }

    fn batch(&mut self, acts: &[SaleAct]) -> Vec<Outcome> {
        match acts[0] {
            SaleAct::Queue(..) | SaleAct::Times(_) => {
                let commands: Vec<_> = acts.iter().map(|act| self.queue_command(*act)).collect();
                self.world.queue_commands(&commands)
            }
            SaleAct::Reserve { .. } | SaleAct::Cancel { .. } => self.holds(acts),
            SaleAct::Pay { .. } => {
                let commands: Vec<_> = acts.iter().map(|act| self.payment(*act)).collect();
                outcomes(self.world.pay(&commands), |_| "paid")
            }
            SaleAct::Wait(time) => self.world.batch(&[Act::Wait(time)]),
        }
    }

    fn queue_command(&self, act: SaleAct) -> queue::Command {
        match act {
            SaleAct::Queue(at, act) => self.world.queue_command(self.sales[at].0, act),
            SaleAct::Times([doors, opens, closes]) => {
                let at = |after: Option<i64>| after.map(|after| self.world.now + chrono::TimeDelta::seconds(after));
                let change = SaleChange::new().with_doors_at(at(doors)).with_opens_at(at(opens));
                let (change, by) = (change.with_closes_at(at(closes)), Operator::application().sign());
                queue::Command::Set { sale: self.sales[1].0, change, if_version: None, by }
            }
            _ => unreachable!("an act of another lane"),
        }
    }

    fn holds(&mut self, acts: &[SaleAct]) -> Vec<Outcome> {
        let command = |act: &SaleAct| match *act {
            SaleAct::Reserve { at, user, seat } => {
                let SeatKey { concert, seat } = seat_key(self.sales[at].1, seat);
                let (wanted, ids) = (Wanted::Seats(vec![seat]), vec![ReservationId::generate()]);
                reservation::Command::Hold { caller: self.world.caller(user), concert, wanted, ids }
            }
            SaleAct::Cancel { user, nth } => {
                let what = OrderRef::Reservation(self.world.nth(nth));
                reservation::Command::Cancel { caller: self.world.caller(user), what }
            }
            _ => unreachable!("an act of another lane"),
        };
        let commands: Vec<_> = acts.iter().map(command).collect();
        outcomes(self.world.hold(&commands), |answer| match answer {
            reservation::Answer::Held(_) => "held",
            reservation::Answer::Cancelled => "given back",
            reservation::Answer::Extended(_) => "extended",
        })
    }

    fn payment(&self, act: SaleAct) -> Pay {
        let SaleAct::Pay { user, nth } = act else { unreachable!("one lane") };
        let what = OrderRef::Reservation(self.world.nth(nth));
        Pay { caller: self.world.caller(user), what, amount: money(PRICE), id: PaymentId::generate() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_done_in_one_sale_leaves_the_other_as_it_is(
        acts in acts(),
        most in 1_usize..9,
        servers in prop::collection::vec(prop_oneof![4 => Just(0_usize), 1 => Just(1)], 1..20),
    ) {
        let mut servers = servers.into_iter().cycle();
        let mut evening = Evening::new();
        for run in acts.chunk_by(|a, b| lane(*a) == lane(*b) && lane(*a) < 4) {
            for batch in run.chunks(most) {
                let known = evening.made.len();
                let expected: Vec<_> = batch.iter().map(|act| evening.expected(*act, known)).collect();
                evening.world.serving = servers.next().expect("endless");
                prop_assert_eq!(evening.batch(batch), expected, "{:?}", batch);
                evening.world.tables.check();
                evening.world.tables.check_turns(evening.world.now);
            }
        }
    }
}
