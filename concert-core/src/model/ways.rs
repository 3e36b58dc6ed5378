//! The two ways that a batch can go, and what is assumed on one of them.

use super::*;
use crate::fact::{Assumption, Assumptions, Key, Test, Value};
use crate::sql::{Script, literal};

/// Which way a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Assumed,
    Locked,
}

type Answers<B> = Vec<Result<<B as Batch>::Answer, Error>>;

/// Runs a batch over locked rows and, if the lane assumes it and what was assumed is so, over assumed ones: both give the
/// same answers and the same tables.
pub(super) fn both_ways<B: ModelLane>(
    lane: &B,
    tables: &mut Tables,
    commands: &[B::Command],
    attempt: &Attempt,
) -> (Answers<B>, Way)
where
    B::Answer: Debug,
{
    let Decision { answers, effects } = lane.decide(lane.read(tables, commands, attempt), commands, attempt);
    let mut after = tables.clone();
    lane.apply(&mut after, &effects, attempt).expect("what is locked is as it was read");
    let mut script = Script::default();
    lane.write(&mut script, &effects, attempt);
    let (answers, effects, way) = match assumed(lane, tables, commands, attempt) {
        Some((decision, changed)) => {
            assert_eq!(format!("{:?}", decision.answers), format!("{answers:?}"), "both ways answer the same");
            assert_eq!(changed, after, "both ways change the same");
            (decision.answers, decision.effects, Way::Assumed)
        }
        None => (answers, effects, Way::Locked),
    };
    *tables = after;
    lane.committed(effects);
    (answers, way)
}

/// The decision over assumed rows, and the tables that it leads to. `None`: the batch is to be locked.
fn assumed<B: ModelLane>(
    lane: &B,
    tables: &Tables,
    commands: &[B::Command],
    attempt: &Attempt,
) -> Option<(Decision<B>, Tables)> {
    let assumptions = Assumptions::default();
    let rows = lane.assume(commands, &assumptions, attempt)?;
    let mut decision = lane.decide(rows, commands, attempt);
    if decision.answers.iter().any(Result::is_err) {
        return None;
    }
    let (mut script, mut unstated) = (Script::default(), assumptions.take());
    let all: Vec<_> = unstated.iter().collect();
    lane.guard(&mut script, &mut unstated, &decision.effects, attempt);
    assert!(unstated.is_empty(), "no guard states {unstated:?}");
    lane.write(&mut script, &decision.effects, attempt);
    let text = script.into_text();

    let unsaid = all.iter().find(|one| !is_stated(one, &text));
    assert!(unsaid.is_none(), "{unsaid:?} is not stated by {text}");
    let (guarded, implied): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| guard_of(one).is_some());
    if !guarded.iter().all(|one| is_so(one, tables, attempt.now)) {
        return None;
    }
    let mut after = tables.clone();
    let changed = lane.apply(&mut after, &decision.effects, attempt);
    let are_so = implied.iter().all(|one| is_so(one, tables, attempt.now));
    assert_eq!(changed.is_ok(), are_so, "the changes {changed:?} state {implied:?}");
    are_so.then(|| {
        B::complete_answers(&mut decision.answers, &decision.effects, tables);
        (decision, after)
    })
}

/// Text of the guard that states an assumption; `None`: the changes state it. A new column gets its line here and its
/// meaning in `value`.
pub(super) fn guard_of(assumption: &Assumption) -> Option<&'static str> {
    Some(match assumption.about.0 {
        "users.id" => "select count(*) from users",
        "users.password" => "(password = '!' or id in (",
        "users.disabled_at" => "disabled_at is null",
        "turn: tokens.id" => "concat(user_id, id) in (",
        "tokens.status" => "status = 'ACTIVE'",
        "tokens.claimed_at" | "turn: tokens.claimed_at" => "claimed_at >= ",
        "tokens.expires_at" => "expires_at >= ",
        "reservations held unpaid" => "(reservations_user_deadline) where user_id = u.id and ",
        "concerts.version" => "version = ",
        "concerts.date" => "date = ",
        "concerts called off" => "and status <> 'CANCELLED'",
        "concerts.time_zone" => "time_zone <=> ",
        "concerts.status" => "status = ",
        "concerts.max_seats_per_user" => "max_seats_per_user <=> ",
        _ => return None,
    })
}

/// Text of the change that states an assumption which has no guard.
fn change_of(assumption: &Assumption) -> &'static str {
    match (assumption.about.0, assumption.test) {
        ("queue_gate.change_seq", _) => " and change_seq = ",
        ("tokens.live" | "tokens.id", _) => "insert into tokens (",
        ("seats.reservation_id", Test::Equals(Value::Nothing)) => "s.is_reserved = 0 and ",
        ("seats.let_go_times", _) => "s.let_go_times <= ",
        // A reservation is HELD only as long as it has its seat.
        ("seats.reservation_id", _) => "status = 'HELD' and id in (",
        ("seats.reserved_until", _) => "s.reserved_until >= ",
        ("reservations.id", _) => "insert into reservations (",
        ("reservations held or sold", _) => " having exp(if(count(*) > ",
        ("payments.id", _) => "insert into payments (",
        ("wallet_entries.id", _) => "insert into wallet_entries (",
        ("users.balance", _) => " between 0 and 99999999.99 and id ",
        (other, _) => panic!("the model does not know what {other} is"),
    }
}

/// Whether one statement of the script has the text, and names the row and the value.
fn is_stated(assumption: &Assumption, script: &str) -> bool {
    let text = guard_of(assumption).unwrap_or_else(|| change_of(assumption));
    let (Test::Equals(value) | Test::AtLeast(value) | Test::AtMost(value)) = assumption.test;
    let (row, value) = match (assumption.about.0, value) {
        ("queue_gate.change_seq", Value::Number(number)) => {
            (assumption.of.id().as_simple().to_string(), format!("{text}{number} and"))
        }
        ("seats.reservation_id", Value::Id(holder)) => (holder.as_simple().to_string(), String::new()),
        (
            "seats.reserved_until"
            | "seats.let_go_times"
            | "tokens.expires_at"
            | "turn: tokens.claimed_at"
            | "concerts.version"
            | "concerts.date"
            | "concerts.time_zone"
            | "concerts.status"
            | "concerts.max_seats_per_user",
            value,
        ) => (assumption.of.id().as_simple().to_string(), format!("{text}{}", literal(value))),
        _ => (assumption.of.id().as_simple().to_string(), String::new()),
    };
    script.split(';').any(|statement| [text, &row, &value].iter().all(|part| statement.contains(part)))
}

fn is_so(assumption: &Assumption, tables: &Tables, now: Timestamp) -> bool {
    let value = value(assumption, tables, now);
    match assumption.test {
        Test::Equals(other) => value == other,
        Test::AtLeast(least) => compare(value, least).is_some_and(Ordering::is_ge),
        Test::AtMost(most) => compare(value, most).is_some_and(Ordering::is_le),
    }
}

/// As the server compares: nothing is neither more nor less.
fn compare(one: Value, other: Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Nothing, _) | (_, Value::Nothing) => None,
        (Value::Number(one), Value::Number(other)) => Some(one.cmp(&other)),
        (Value::Amount(one), Value::Amount(other)) => Some(one.cmp(&other)),
        (Value::Moment(one), Value::Moment(other)) => Some(one.cmp(&other)),
        _ => panic!("{one:?} and {other:?} have no order"),
    }
}

/// What the tables say of a column of a row.
fn value(assumption: &Assumption, tables: &Tables, now: Timestamp) -> Value {
    let id = assumption.of.id();
    let user = UserId::from_uuid(id);
    let there = |is_there: bool| if is_there { Value::Id(id) } else { Value::Nothing };
    let turn = |of: fn(&queue::Token) -> Value| tables.live_in(user, assumption.of.sale()).map_or(Value::Nothing, of);
    let row = || tables.seats.iter().find(|(key, _)| Key::from(**key) == assumption.of).map(|(_, row)| row);
    let seat = |of: fn(&SeatRow) -> Value| row().map_or(Value::Nothing, of);
    let concert = |of: fn(&reservation::Concert) -> Value| {
        tables.concerts.get(&ConcertId::from_uuid(id)).map_or(Value::Nothing, of)
    };
    match assumption.about.0 {
        "queue_gate.change_seq" => Value::Number(tables.gates[&SaleId::from_uuid(id)].change_seq),
        "users.id" => Value::Flag(tables.users.contains_key(&user)),
        "users.password" => tables.users.get(&user).map_or(Value::Nothing, |row| Value::Flag(row.has_password)),
        "users.disabled_at" => tables.users.get(&user).map_or(Value::Nothing, |row| Value::Flag(row.is_enabled)),
        "users.balance" => tables.users.get(&user).map_or(Value::Nothing, |row| Value::Amount(row.balance)),
        "tokens.live" | "turn: tokens.id" => turn(|token| Value::Id(token.id.as_uuid())),
        "tokens.status" => turn(|token| token.status.into()),
        "tokens.claimed_at" => turn(|token| Value::Flag(token.claimed_at.is_some())),
        "turn: tokens.claimed_at" => turn(|token| token.claimed_at.into()),
        "tokens.expires_at" => turn(|token| Value::Moment(token.expires_at)),
        "tokens.id" => there(tables.tokens.contains_key(&TokenId::from_uuid(id))),
        "concerts.version" => concert(|row| row.values()[0]),
        "concerts called off" => concert(|row| Value::Flag(row.bookable.status == ConcertStatus::Cancelled)),
        "concerts.date" => concert(|row| row.values()[1]),
        "concerts.time_zone" => concert(|row| row.values()[2]),
        "concerts.status" => concert(|row| row.values()[3]),
        "concerts.max_seats_per_user" => concert(|row| row.values()[4]),
        // A seat that is not on sale is reserved, by nobody.
        "seats.reservation_id" if row().is_some_and(|row| row.is_blocked) => Value::Flag(true),
        "seats.reservation_id" => seat(|row| row.holder.into()),
        "seats.let_go_times" => seat(|row| Value::Number(row.let_go.map_or(0, |(_, times, _)| times.into()))),
        "seats.reserved_until" => seat(|row| row.held_until.into()),
        "reservations held unpaid" => Value::Number(tables.unpaid(user, now).into()),
        "reservations held or sold" => {
            let of = assumption.of.concert();
            let of = of.map_or(reservation::LimitOf::Sale(assumption.of.sale()), reservation::LimitOf::Concert);
            Value::Number(tables.taken(user, of, now).into())
        }
        "reservations.id" => there(tables.reservations.contains_key(&ReservationId::from_uuid(id))),
        "payments.id" => there(tables.payments.contains_key(&PaymentId::from_uuid(id))),
        "wallet_entries.id" => there(tables.entries.contains_key(&WalletEntryId::from_uuid(id))),
        other => panic!("the model does not know what {other} is"),
    }
}
