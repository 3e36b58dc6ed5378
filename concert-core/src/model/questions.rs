//! Questions without a guard: a batch whose rules ask one is locked.

use super::usual::{hold_of, opened, payment_of, recharge, reserve, run};
use super::ways::guard_of;
use super::*;
use crate::fact::{Assumed, Assumption, Assumptions, Key, Test, Value};
use crate::queue::model::Command as QueueCommand;
use crate::sql::Script;

/// What is left without a guard when rules ask all that they ask, and a new one asks more.
fn left<B: ModelLane>(lane: &B, commands: &[B::Command], attempt: &Attempt, more: Option<Assumption>) -> Assumed {
    let assumptions = Assumptions::default();
    let rows = lane.assume(commands, &assumptions, attempt).expect("a usual batch");
    let Decision { answers, effects } = lane.decide(rows, commands, attempt);
    assert!(answers.iter().all(Result::is_ok));
    if let Some(Assumption { about, of, test }) = more {
        assumptions.record(about, of, test);
    }
    let mut assumed = assumptions.take();
    lane.guard(&mut Script::default(), &mut assumed, &effects, attempt);
    assumed
}

/// All that the rules take for granted of a batch.
fn asked<B: ModelLane>(lane: &B, commands: &[B::Command], attempt: &Attempt) -> Vec<Assumption> {
    let assumptions = Assumptions::default();
    let rows = lane.assume(commands, &assumptions, attempt).expect("a usual batch");
    let _ = lane.decide(rows, commands, attempt);
    assumptions.take().iter().collect()
}

/// Questions near to one that was asked, which no guard and no change states.
fn near(asked: &Assumption) -> Vec<Assumption> {
    const MORE: Decimal = Decimal::ONE;
    let tests = match asked.test {
        Test::Equals(value) => {
            let other = if value == Value::Nothing { Value::Id(Uuid::nil()) } else { Value::Nothing };
            vec![Test::Equals(other), Test::AtLeast(value), Test::AtMost(value)]
        }
        Test::AtLeast(Value::Amount(least)) => {
            let least_more = Test::AtLeast(Value::Amount(least + MORE));
            vec![Test::Equals(Value::Amount(least)), Test::AtMost(Value::Amount(least)), least_more]
        }
        Test::AtMost(Value::Amount(most)) => {
            let most_less = Test::AtMost(Value::Amount(most - MORE));
            vec![Test::Equals(Value::Amount(most)), Test::AtLeast(Value::Amount(most)), most_less]
        }
        Test::AtLeast(value) => vec![Test::Equals(value), Test::AtMost(value)],
        Test::AtMost(value) => vec![Test::Equals(value), Test::AtLeast(value)],
    };
    let mut near: Vec<_> = tests.into_iter().map(|test| Assumption { test, ..*asked }).collect();
    // There is one gate, and a guard names the rows that were asked about; changes are about those that they change.
    if asked.about.0 != "queue_gate.change_seq" && guard_of(asked).is_none() {
        near.push(Assumption { of: Key::row(Uuid::now_v7()), ..*asked });
    }
    near
}

fn check<B: ModelLane>(lane: &B, commands: &[B::Command], attempt: &Attempt, questions: usize) {
    let asked = asked(lane, commands, attempt);
    assert_eq!(asked.len(), questions, "{asked:?}");
    assert!(left(lane, commands, attempt, None).is_empty());
    for near in asked.iter().flat_map(near) {
        assert!(!left(lane, commands, attempt, Some(near)).is_empty(), "{near:?} is stated by nothing");
    }
}

#[test]
fn whatever_else_is_asked_sends_the_batch_to_be_locked() {
    let mut world = opened();
    let key = || Some("a key".parse().expect("a key"));
    let attempt = world.attempt();
    let join = QueueCommand::Join {
        sale: SaleId::DEFAULT,
        caller: world.caller(3).with_key(key()),
        id: TokenId::generate(),
        code: None,
    };
    check(&world.processes[0].queue, &[join], &attempt, 6);
    let token = world.tables.live_token(world.users[0]).expect("is in").id;
    let shown = Caller::with_queue_token(world.users[0], token).with_key(key());
    check(&world.processes[0].reservation, &hold_of(&world, shown.clone(), 0), &attempt, 15);
    let mut limited = World::limited(Some(2));
    run(&mut limited, &[Act::Join(0)]);
    check(&limited.processes[0].reservation, &hold_of(&limited, limited.caller(0), 0), &attempt, 14);
    let (caller, id) = (world.caller(0).with_key(key()), WalletEntryId::generate());
    check(&world.processes[0].wallet, &[Recharge { caller, deposit: money(PRICE).into(), id }], &attempt, 2);
    run(&mut world, &[recharge(0, PRICE)]);
    run(&mut world, &[reserve(0, 0)]);
    check(&world.processes[0].payment, &payment_of(&world, shown, 0), &attempt, 9);
}

/// A new rule of paying: the wallet must keep as much as was paid. No guard states its question.
#[test]
fn a_rule_that_nobody_wrote_a_guard_for_sends_the_batch_to_be_locked() {
    let mut world = opened();
    run(&mut world, &[reserve(0, 0)]);
    let (payment, attempt) = (payment_of(&world, world.caller(0), 0), world.attempt());
    let lane = &world.processes[0].payment;
    for asks_more in [false, true] {
        let assumptions = Assumptions::default();
        let rows = lane.assume(&payment, &assumptions, &attempt).expect("the hold is known");
        if asks_more {
            assert!(rows.accounts[&world.users[0]].can_spend(money(2 * PRICE)), "what is not known is taken to be so");
        }
        let Decision { answers, effects } = lane.decide(rows, &payment, &attempt);
        assert!(answers.iter().all(Result::is_ok));
        let mut assumed = assumptions.take();
        lane.guard(&mut Script::default(), &mut assumed, &effects, &attempt);
        assert_eq!(assumed.is_empty(), !asks_more, "{assumed:?}");
    }
}

/// The answer to the second looks for payments of other seats under the same call, which nobody has read.
#[test]
fn a_payment_that_comes_twice_in_one_batch_is_locked() {
    let mut world = opened();
    run(&mut world, &[reserve(0, 0)]);
    let (caller, what) =
        (world.caller(0).with_key(Some("a key".parse().expect("a key"))), OrderRef::Reservation(world.made[0]));
    let id = PaymentId::generate();
    let pay = || Pay { caller: caller.clone(), what, amount: money(PRICE), id };
    let lane = &world.processes[0].payment;
    assert!(left(lane, &[pay()], &world.attempt(), None).is_empty());
    assert!(!left(lane, &[pay(), pay()], &world.attempt(), None).is_empty());
}
