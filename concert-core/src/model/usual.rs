//! Which way batches go, one case at a time.

mod keys;

use super::*;
use crate::queue::model::Command as QueueCommand;
use crate::reservation::model::Command as HoldCommand;

/// Acts as one batch, with the way that it went.
pub(super) fn run(world: &mut World, acts: &[Act]) -> (Way, Vec<Outcome>) {
    let outcomes = world.batch(acts);
    world.tables.check();
    (world.way, outcomes)
}

/// The first three are in, and their process remembers the gate.
pub(super) fn opened() -> World {
    let mut world = World::new();
    assert_eq!(run(&mut world, &[Act::Join(0)]), (Way::Locked, vec![Ok("active")]), "nobody remembers the gate");
    assert_eq!(run(&mut world, &[Act::Join(1), Act::Join(2)]), (Way::Assumed, vec![Ok("active"); 2]));
    world
}

pub(super) const fn reserve(user: usize, seat: usize) -> Act {
    Act::Reserve { user, seat }
}

const fn pay(user: usize, nth: usize) -> Act {
    Act::Pay { user, nth, amount: PRICE }
}

pub(super) const fn recharge(user: usize, amount: i64) -> Act {
    Act::Recharge { user, amount }
}

pub(super) fn hold_of(world: &World, caller: Caller, seat: usize) -> [HoldCommand; 1] {
    let SeatKey { concert, seat } = seat_key(world.concert, seat);
    let ids = vec![ReservationId::generate()];
    [HoldCommand::Hold { caller, concert, wanted: Wanted::Seats(vec![seat]), ids }]
}

pub(super) fn payment_of(world: &World, caller: Caller, nth: usize) -> [Pay; 1] {
    let what = OrderRef::Reservation(world.made[nth]);
    [Pay { caller, what, amount: money(PRICE), id: PaymentId::generate() }]
}

#[test]
fn the_usual_batch_of_each_lane_is_assumed() {
    let mut world = opened();
    assert_eq!(run(&mut world, &[Act::Join(3), Act::Join(4)]), (Way::Assumed, vec![Ok("waiting"); 2]));
    assert_eq!(run(&mut world, &[reserve(0, 0), reserve(1, 1), reserve(0, 2)]), (Way::Assumed, vec![Ok("held"); 3]));
    assert_eq!(run(&mut world, &[recharge(0, 70), recharge(0, 130)]), (Way::Assumed, vec![Ok("recharged"); 2]));
    assert_eq!(run(&mut world, &[recharge(1, 100)]), (Way::Assumed, vec![Ok("recharged")]));
    assert_eq!(run(&mut world, &[pay(0, 0), pay(1, 1)]), (Way::Assumed, vec![Ok("paid"); 2]));
    assert_eq!(run(&mut world, &[pay(0, 2)]), (Way::Assumed, vec![Ok("paid")]));
}

#[test]
fn what_needs_rows_that_nobody_can_know_is_locked() {
    let mut world = opened();
    assert_eq!(run(&mut world, &[recharge(0, 1), recharge(1, 1)]), (Way::Locked, vec![Ok("recharged"); 2]));
    assert_eq!(run(&mut world, &[Act::Join(3), Act::Leave(3)]), (Way::Locked, vec![Ok("waiting"), Ok("left")]));
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Assumed, vec![Ok("held")]));
    let cancel = Act::Cancel { user: 0, nth: 0 };
    assert_eq!(run(&mut world, &[cancel, reserve(0, 0)]), (Way::Locked, vec![Ok("given back"), Ok("held")]));
    let limit = queue::AdmissionChange {
        per_minute: Some(crate::queue::PerMinute::AtMost(9)),
        ..queue::AdmissionChange::default()
    };
    assert_eq!(run(&mut world, &[Act::Set(limit)]), (Way::Locked, vec![Ok("set")]));
    assert_eq!(run(&mut world, &[Act::Join(3)]), (Way::Locked, vec![Ok("waiting")]), "others count, too");
}

#[test]
fn holds_of_one_user_in_one_batch_count_together() {
    let mut world = opened();
    assert_eq!(run(&mut world, &[reserve(0, 0), reserve(0, 1)]), (Way::Assumed, vec![Ok("held"); 2]));
    assert_eq!(run(&mut world, &[reserve(0, 2)]), (Way::Locked, vec![Err("TOO_MANY_HOLDS")]));
    assert_eq!(run(&mut world, &[reserve(1, 2)]), (Way::Assumed, vec![Ok("held")]));
    let answers = vec![Ok("held"), Err("TOO_MANY_HOLDS")];
    assert_eq!(run(&mut world, &[reserve(1, 3), reserve(1, 4)]), (Way::Locked, answers));
}

#[test]
fn holds_under_a_limit_are_assumed_until_it_is_reached() {
    let mut world = World::limited(Some(2));
    run(&mut world, &[Act::Join(0)]);
    run(&mut world, &[Act::Join(1)]);
    run(&mut world, &[recharge(0, 2 * PRICE)]);
    assert_eq!(run(&mut world, &[reserve(0, 0), reserve(1, 1)]), (Way::Assumed, vec![Ok("held"); 2]));
    assert_eq!(run(&mut world, &[pay(0, 0)]), (Way::Assumed, vec![Ok("paid")]));
    let answers = vec![Ok("held"), Err("SEAT_LIMIT")];
    assert_eq!(run(&mut world, &[reserve(0, 2), reserve(0, 3)]), (Way::Locked, answers), "what is sold counts, too");
    let cancel = Act::Cancel { user: 0, nth: 2 };
    let answers = vec![Ok("given back"), Ok("held"), Err("SEAT_LIMIT")];
    assert_eq!(run(&mut world, &[cancel, reserve(0, 3), reserve(0, 4)]), (Way::Locked, answers));
    assert_eq!(run(&mut world, &[Act::Refund { nth: 0, off_sale: false }]), (Way::Locked, vec![Ok("refunded")]));
    assert_eq!(run(&mut world, &[reserve(0, 4)]), (Way::Assumed, vec![Ok("held")]), "what is refunded counts no more");
}

#[test]
fn a_seat_goes_to_the_first_who_wants_it() {
    let mut world = opened();
    let answers = vec![Ok("held"), Err("SEAT_ALREADY_RESERVED")];
    assert_eq!(run(&mut world, &[reserve(0, 0), reserve(1, 0)]), (Way::Locked, answers), "twice in a batch");
    assert_eq!(run(&mut world, &[reserve(1, 0)]), (Way::Locked, vec![Err("SEAT_ALREADY_RESERVED")]));
    run(&mut world, &[Act::Wait(HOLD)]);
    assert_eq!(run(&mut world, &[reserve(1, 0)]), (Way::Locked, vec![Ok("held")]), "the hold has lapsed");
    assert_eq!(run(&mut world, &[pay(0, 0)]), (Way::Locked, vec![Err("HOLD_EXPIRED")]));
}

#[test]
fn a_seat_that_was_let_go_too_often_in_a_row_is_left_to_others() {
    let mut world = opened();
    let cancel = |nth| Act::Cancel { user: 0, nth };
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Assumed, vec![Ok("held")]));
    run(&mut world, &[cancel(0)]);
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Assumed, vec![Ok("held")]), "once is not too often");
    run(&mut world, &[Act::Wait(HOLD)]);
    let refused = vec![Err("SEAT_HELD_TOO_OFTEN")];
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Locked, refused.clone()), "nobody has released it yet");
    run(&mut world, &[Act::Wait(PAUSE - 1)]);
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Locked, refused.clone()), "not a second too early");
    let answers = (Way::Assumed, vec![Ok("held"); 2]);
    assert_eq!(run(&mut world, &[reserve(0, 1), reserve(1, 2)]), answers, "other seats");
    run(&mut world, &[Act::Wait(1)]);
    assert_eq!(run(&mut world, &[cancel(1), reserve(0, 0)]), (Way::Locked, vec![Ok("given back"), Ok("held")]));
    run(&mut world, &[cancel(4)]);
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Locked, refused), "it is the same row");
    assert_eq!(run(&mut world, &[reserve(1, 0)]), (Way::Locked, vec![Ok("held")]), "others come first");
    run(&mut world, &[Act::Cancel { user: 1, nth: 5 }]);
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Assumed, vec![Ok("held")]), "a new row begins");
}

#[test]
fn a_balance_is_spent_once() {
    let mut world = opened();
    run(&mut world, &[reserve(0, 0), reserve(0, 1), reserve(1, 2), reserve(1, 3)]);
    run(&mut world, &[recharge(0, 2 * PRICE)]);
    assert_eq!(run(&mut world, &[pay(0, 0), pay(0, 1)]), (Way::Assumed, vec![Ok("paid"); 2]), "enough for both");
    run(&mut world, &[recharge(1, 2 * PRICE - 1)]);
    let answers = vec![Ok("paid"), Err("INSUFFICIENT_BALANCE")];
    assert_eq!(run(&mut world, &[pay(1, 2), pay(1, 3)]), (Way::Locked, answers), "enough for one");
    assert_eq!(run(&mut world, &[pay(1, 2)]), (Way::Locked, vec![Err("ALREADY_PAID")]));
    run(&mut world, &[recharge(1, 1)]);
    let answers = vec![Ok("paid"), Err("ALREADY_PAID")];
    assert_eq!(run(&mut world, &[pay(1, 3), pay(1, 3)]), (Way::Locked, answers), "one seat, twice in a batch");
}

#[test]
fn a_wallet_is_filled_to_its_limit_and_no_further() {
    let mut world = opened();
    assert_eq!(run(&mut world, &[recharge(0, 40_000_000)]), (Way::Assumed, vec![Ok("recharged")]));
    let answers = vec![Ok("recharged"), Err("BALANCE_LIMIT")];
    assert_eq!(run(&mut world, &[recharge(0, 40_000_000), recharge(0, 20_000_000)]), (Way::Locked, answers));
    assert_eq!(run(&mut world, &[recharge(0, 19_999_999)]), (Way::Assumed, vec![Ok("recharged")]));
    assert_eq!(run(&mut world, &[recharge(0, 1)]), (Way::Locked, vec![Err("BALANCE_LIMIT")]));
    let (caller, amount) = (UserId::generate().into(), money(1));
    let stranger = Recharge { caller, deposit: amount.into(), id: WalletEntryId::generate() };
    assert!(matches!(world.run(|process| &process.wallet, &[stranger])[..], [Err(Error::UserNotFound)]));
    assert_eq!(world.way, Way::Locked);
}

#[test]
fn only_a_turn_that_is_picked_up_and_lasts_is_taken_for_granted() {
    let mut world = opened();
    run(&mut world, &[Act::Join(3)]);
    assert_eq!(run(&mut world, &[reserve(3, 0)]), (Way::Locked, vec![Err("TOKEN_NOT_ACTIVE")]), "waits");
    run(&mut world, &[Act::Leave(0)]);
    run(&mut world, &[Act::Rerank { seen: None }]);
    assert_eq!(run(&mut world, &[reserve(3, 0)]), (Way::Locked, vec![Err("TOKEN_NOT_ACTIVE")]), "is not claimed");
    run(&mut world, &[Act::Claim(3)]);
    assert_eq!(run(&mut world, &[reserve(3, 0)]), (Way::Assumed, vec![Ok("held")]));
    assert_eq!(run(&mut world, &[reserve(0, 1)]), (Way::Locked, vec![Err("TOKEN_NOT_ACTIVE")]), "has left");
    run(&mut world, &[Act::Wait(TURN)]);
    assert_eq!(run(&mut world, &[reserve(1, 1)]), (Way::Locked, vec![Err("TOKEN_NOT_ACTIVE")]), "its turn is over");
}

#[test]
fn a_token_that_is_shown_must_be_the_one_in_the_queue() {
    let mut world = opened();
    run(&mut world, &[recharge(0, PRICE)]);
    let (user, token) = (world.users[0], world.tables.live_token(world.users[0]).expect("is in").id);
    let [shown, other] = [token, TokenId::generate()].map(|token| Caller::with_queue_token(user, token));
    let hold = hold_of(&world, other.clone(), 0);
    assert!(matches!(world.hold(&hold)[..], [Err(Error::TokenNotActive { .. })]));
    assert_eq!(world.way, Way::Locked);
    let hold = hold_of(&world, shown.clone(), 0);
    assert!(matches!(world.hold(&hold)[..], [Ok(_)]));
    assert_eq!(world.way, Way::Assumed);
    let payment = payment_of(&world, other, 0);
    assert!(matches!(world.pay(&payment)[..], [Err(Error::TokenNotActive { .. })]));
    assert_eq!(world.way, Way::Locked);
    let payment = payment_of(&world, shown, 0);
    assert!(matches!(world.pay(&payment)[..], [Ok(_)]));
    assert_eq!(world.way, Way::Assumed);
}

#[test]
fn a_password_is_asked_for_unless_the_caller_has_proved_to_be_the_user() {
    let mut world = opened();
    let user = world.users[3];
    world.tables.users.get_mut(&user).expect("a user").has_password = true;
    assert_eq!(run(&mut world, &[Act::Join(3)]), (Way::Locked, vec![Err("LOGIN_REQUIRED")]));
    let stranger = QueueCommand::Join {
        sale: SaleId::DEFAULT,
        caller: UserId::generate().into(),
        id: TokenId::generate(),
        code: None,
    };
    assert!(matches!(world.run(|process| &process.queue, &[stranger])[..], [Err(Error::UserNotFound)]));
    assert_eq!(world.way, Way::Locked);
    let proved = QueueCommand::Join {
        sale: SaleId::DEFAULT,
        caller: Caller::verified(user),
        id: TokenId::generate(),
        code: None,
    };
    let bare =
        QueueCommand::Join { sale: SaleId::DEFAULT, caller: world.caller(4), id: TokenId::generate(), code: None };
    assert!(matches!(world.run(|process| &process.queue, &[proved, bare])[..], [Ok(_), Ok(_)]));
    assert_eq!(world.way, Way::Assumed);
}

#[test]
fn what_another_process_has_changed_is_seen() {
    let mut world = opened();
    world.serving = 1;
    run(&mut world, &[Act::Join(3)]);
    assert_eq!(run(&mut world, &[reserve(0, 0)]), (Way::Assumed, vec![Ok("held")]));
    world.serving = 0;
    assert_eq!(run(&mut world, &[Act::Join(4)]), (Way::Locked, vec![Ok("waiting")]), "the gate has moved");
    assert_eq!(run(&mut world, &[Act::Join(5)]), (Way::Assumed, vec![Ok("waiting")]));
    run(&mut world, &[recharge(0, PRICE)]);
    assert_eq!(run(&mut world, &[pay(0, 0)]), (Way::Locked, vec![Ok("paid")]), "another process has made the hold");
    let concert = world.tables.concerts.get_mut(&world.concert).expect("a concert");
    concert.version += 1;
    assert_eq!(run(&mut world, &[reserve(1, 1)]), (Way::Locked, vec![Ok("held")]), "the concert has changed");
}
