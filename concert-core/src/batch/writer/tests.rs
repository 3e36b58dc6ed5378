use hashbrown::HashMap;
use sqlx::MySqlConnection;
use sqlx::mysql::MySqlPoolOptions;
use uuid::Uuid;

use super::*;
use crate::clock::SystemClock;
use crate::fact::{Assumed, Assumptions, Column, Fact, Key, Test, Value};
use crate::office_clock::OfficeClock;
use crate::sql::SqlTemplate;

#[tokio::test]
async fn those_who_ask_again_at_once_are_waited_for_and_nobody_else() {
    let (sender, jobs) = mpsc::channel(16);
    for (caller, pauses) in [0, 1, 2, 9].into_iter().enumerate() {
        let sender = sender.clone();
        tokio::spawn(async move {
            for _ in 0..pauses {
                tokio::task::yield_now().await;
            }
            sender.send(caller).await.expect("is received");
        });
    }
    await_stragglers(&jobs).await;
    assert_eq!(jobs.len(), 3);
}

const IN_STOCK: Column = Column("stock.count");
const LESS_THAN: SqlTemplate = SqlTemplate::new("select 1 from stock where id = {id} and count < {least}", None);
const MORE_THAN: SqlTemplate = SqlTemplate::new("select 1 from stock where id = {id} and count > {most}", None);

/// A kiosk sells what is in stock. A new rule comes: nothing is sold of which there are more than ten.
#[derive(Clone, Copy)]
struct Kiosk {
    new_rule: NewRule,
    states_most: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum NewRule {
    None,
    /// It asks the fact.
    Asks,
    /// It wants to know the value.
    Reads,
    Panics,
}

/// How many of what.
type Buy = (Uuid, u32);

impl Batch for Kiosk {
    const NAME: &'static str = "kiosk";
    type Command = Buy;
    type Answer = ();
    type Rows = HashMap<Uuid, Fact<u32>>;
    type Effects = Vec<Buy>;

    fn key((id, _): &Buy) -> Uuid {
        *id
    }

    async fn lock(&self, _: &mut MySqlConnection, _: &[Buy], _: &Attempt) -> Result<Self::Rows, Failure> {
        Err(Failure::Panicked)
    }

    fn decide(&self, rows: Self::Rows, commands: &[Buy], _: &Attempt) -> Decision<Self> {
        let refusal = || Error::invalid("not for sale");
        let sell = |(id, count): &Buy| {
            let fits = match self.new_rule {
                NewRule::None => true,
                NewRule::Asks => rows[id].at_most(10),
                NewRule::Reads => *rows[id].value()? <= 10,
                NewRule::Panics => panic!("a fault of a rule"),
            };
            if fits && rows[id].at_least(*count) { Ok(()) } else { Err(refusal()) }
        };
        Decision { answers: commands.iter().map(sell).collect(), effects: commands.to_vec() }
    }

    fn write(&self, _: &mut Script, _: &Vec<Buy>, _: &Attempt) {}

    fn assume(&self, commands: &[Buy], assumptions: &Assumptions, _: &Attempt) -> Option<Self::Rows> {
        Some(commands.iter().map(|(id, _)| (*id, assumptions.unread(IN_STOCK, Key::row(*id)))).collect())
    }

    fn guard(&self, script: &mut Script, assumed: &mut Assumed, _: &Vec<Buy>, _: &Attempt) {
        for (of, test) in assumed.take(IN_STOCK) {
            match test {
                Test::AtLeast(Value::Number(least)) => script
                    .abort_if("counting stock", &LESS_THAN, |params| params.bind("id", of.id()).bind("least", least)),
                Test::AtMost(Value::Number(most)) if self.states_most => {
                    script
                        .abort_if("counting stock", &MORE_THAN, |params| params.bind("id", of.id()).bind("most", most));
                }
                other => assumed.put_back(IN_STOCK, vec![(of, other)]),
            }
        }
    }
}

/// The script of a batch that is assumed; `None`: it is locked.
fn assumed_script(kiosk: Kiosk) -> Option<String> {
    let pool = MySqlPoolOptions::new().connect_lazy("mysql://localhost/kiosk").expect("no connection is made yet");
    let writer = Writer::new(Arc::new(kiosk), pool, Arc::new(OfficeClock::new(Arc::new(SystemClock))), Arc::default());
    let attempt = Attempt { now: writer.clock.now(), may_have_committed: false };
    let (decision, script) = writer.prepare_assumed(&[(Uuid::from_u128(0xab), 2)], &attempt)?;
    assert!(matches!(decision.answers[..], [Ok(())]));
    Some(script.into_text())
}

/// Whether two are sold when `in_stock` are there, over rows that are read.
fn sells(kiosk: Kiosk, in_stock: u32) -> bool {
    let (id, attempt) = (Uuid::from_u128(0xab), Attempt { now: SystemClock.now(), may_have_committed: false });
    let decision = kiosk.decide(HashMap::from([(id, Fact::read(in_stock))]), &[(id, 2)], &attempt);
    matches!(decision.answers[..], [Ok(())])
}

#[tokio::test]
async fn a_rule_is_obeyed_on_both_ways_and_one_without_a_guard_costs_a_locked_batch() {
    let old = Kiosk { new_rule: NewRule::None, states_most: false };
    let least = "select 1 from stock where id = x'000000000000000000000000000000ab' and count < 2";
    assert_eq!(assumed_script(old).as_deref(), Some(least));
    assert_eq!([1, 2, 10, 11].map(|count| sells(old, count)), [false, true, true, true]);

    // One line in `decide`, and nothing else.
    let new = Kiosk { new_rule: NewRule::Asks, ..old };
    assert_eq!([1, 2, 10, 11].map(|count| sells(new, count)), [false, true, true, false]);
    assert_eq!(assumed_script(new), None, "nobody has written a guard, so it is locked and decided there");

    // With its guard it is assumed again.
    let guarded = assumed_script(Kiosk { states_most: true, ..new }).expect("all is stated");
    assert_eq!(guarded, format!("{};{least}", least.replace("< 2", "> 10")));
}

#[tokio::test]
async fn a_rule_that_needs_what_was_not_read_or_panics_has_the_batch_locked() {
    for new_rule in [NewRule::Reads, NewRule::Panics] {
        assert_eq!(assumed_script(Kiosk { new_rule, states_most: true }), None);
    }
    let reads = Kiosk { new_rule: NewRule::Reads, states_most: false };
    assert_eq!([1, 2, 10, 11].map(|count| sells(reads, count)), [false, true, true, false]);
}
