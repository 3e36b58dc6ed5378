use super::*;

const BALANCE: Column = Column("balance");

#[test]
fn a_fact_that_was_read_answers_and_assumes_nothing() {
    let mut fact = Fact::read(5_u32);
    assert!(fact.at_least(5) && fact.at_most(5) && fact.equals(5));
    assert!(!fact.at_least(6) && !fact.at_most(4) && !fact.equals(4));
    assert_eq!(fact.value(), Ok(&5));
}

#[test]
fn an_unread_fact_records_each_question_and_keeps_its_value_to_itself() {
    let (assumptions, of) = (Assumptions::default(), Key::row(Uuid::from_u128(7)));
    let mut fact: Fact<u32> = assumptions.unread(BALANCE, of);
    assert!(fact.at_least(6) && fact.at_most(3));
    assert_eq!(fact.value(), Err(Unread));
    assert!(fact.equals(4));
    assert_eq!((fact.value(), fact.at_least(5)), (Ok(&4), false), "what was assumed holds from then on");
    let mut assumed = assumptions.take();
    let tests = assumed.take(BALANCE);
    let asked = [Test::AtLeast(Value::Number(6)), Test::AtMost(Value::Number(3)), Test::Equals(Value::Number(4))];
    assert_eq!(tests, asked.map(|test| (of, test)));
    assert!(assumed.is_empty());
}

#[test]
fn a_row_that_was_not_looked_up_is_assumed_to_be_missing() {
    let assumptions = Assumptions::default();
    let there = Uuid::from_u128(1);
    let rows: Lookup<Uuid, u8> = assumptions.unread_rows(BALANCE, HashMap::from([(there, 9)]));
    assert_eq!((rows.get(there), rows.get(Uuid::from_u128(2))), (Some(&9), None));
    assert_eq!(rows.all(), Err(Unread));
    let missing = Assumption { about: BALANCE, of: Key::row(Uuid::from_u128(2)), test: Test::Equals(Value::Nothing) };
    assert_eq!(assumptions.take().iter().collect::<Vec<_>>(), [missing]);
}
