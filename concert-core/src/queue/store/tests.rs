use uuid::Uuid;

use super::*;
use crate::fact::{Assumptions, Column};
use crate::id::{SaleId, TokenId};
use crate::queue::Admission;

const SEQ: u64 = 7;

fn joining(users: &[u128]) -> Effects {
    let admission = Admission { paused: false, max_active: 1, per_minute: None };
    let gate = |change_seq| Gate {
        sale: SaleId::from_uuid(Uuid::nil()),
        times: SaleTimes::ALWAYS_OPEN,
        order: EntryOrder::Arrival,
        next_ticket: 1,
        change_seq,
        active: 0,
        waiting: 0,
        admitted: 0,
        departed: 0,
        no_shows: 0,
        most_active: 1,
        redeemed: 0,
        admission,
        draw: None,
    };
    let token = |user: &u128| Token {
        id: TokenId::from_uuid(Uuid::from_u128(user + 16)),
        user: UserId::from_uuid(Uuid::from_u128(*user)),
        sale: SaleId::DEFAULT,
        ticket: 1,
        status: TokenStatus::Waiting,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
        claimed_at: None,
    };
    Effects {
        gate_before: gate(SEQ),
        gate: gate(SEQ + 1),
        claimed: Vec::new(),
        ended: Vec::new(),
        admitted: Vec::new(),
        joined: users.iter().map(token).collect(),
        redeemed: Vec::new(),
        let_in: 0,
        last_minute: LastMinute::unlimited(Timestamp::UNIX_EPOCH),
        log: Vec::new(),
        sample: None,
        sale: None,
    }
}

fn guarded(questions: &[(Column, u128, Test)], effects: &Effects) -> (String, Assumed) {
    let assumptions = Assumptions::default();
    for (about, of, test) in questions {
        assumptions.record(*about, Key::row(Uuid::from_u128(*of)), *test);
    }
    let (mut script, mut assumed) = (Script::default(), assumptions.take());
    guard(&mut script, &mut assumed, std::slice::from_ref(effects));
    (script.into_text().replace("000000000000000000000000000000", ""), assumed)
}

const IS_THERE: Test = Test::Equals(Value::Flag(true));
const HAS_NONE: Test = Test::Equals(Value::Flag(false));
const NOTHING: Test = Test::Equals(Value::Nothing);

#[test]
fn those_who_join_are_counted_and_the_others_are_those_who_have_proved_who_they_are() {
    let questions = [(USER, 1, IS_THERE), (USER, 2, IS_THERE), (HAS_PASSWORD, 1, HAS_NONE), (IS_ENABLED, 2, IS_THERE)];
    let (script, assumed) = guarded(&questions, &joining(&[1, 2]));
    assert!(assumed.is_empty(), "{assumed:?}");
    let counted = "where id in (x'01',x'02') and disabled_at is null and (password = '!' or id in (x'02'))) = 2";
    assert!(script.contains(counted), "{script}");
    let (script, assumed) = guarded(&[(HAS_PASSWORD, 1, HAS_NONE)], &joining(&[1]));
    assert!(
        assumed.is_empty()
            && script.contains("id in (x'01') and disabled_at is null and (password = '!' or id in (null))) = 1"),
        "{script}"
    );
}

#[test]
fn what_joining_states_is_struck() {
    let questions =
        [(REMEMBERED_GATE, 0, Test::Equals(Value::Number(SEQ))), (LIVE_TOKEN, 1, NOTHING), (MADE, 17, NOTHING)];
    let (_, assumed) = guarded(&questions, &joining(&[1]));
    assert!(assumed.is_empty(), "{assumed:?}");
}

#[test]
fn a_question_that_nothing_states_is_left() {
    let questions = [
        (USER, 1, Test::Equals(Value::Flag(false))),
        (HAS_PASSWORD, 1, Test::Equals(Value::Flag(true))),
        (IS_ENABLED, 1, Test::Equals(Value::Flag(false))),
        (LIVE_TOKEN, 2, NOTHING),
        (LIVE_TOKEN, 1, Test::Equals(Value::Id(Uuid::nil()))),
        (MADE, 18, NOTHING),
        (REMEMBERED_GATE, 0, Test::Equals(Value::Number(SEQ + 1))),
    ];
    for question in questions {
        let (script, assumed) = guarded(&[question], &joining(&[1]));
        assert!(!assumed.is_empty(), "{question:?} of {script}");
    }
    let (_, assumed) = guarded(&[(REMEMBERED_GATE, 0, Test::Equals(Value::Number(SEQ)))], &joining(&[]));
    assert!(!assumed.is_empty(), "nothing moves the gate");
}
