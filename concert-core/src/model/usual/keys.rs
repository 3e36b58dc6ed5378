//! Which way calls with idempotency keys go, and how they are answered.

use super::*;
use crate::caller::IdempotencyKey;
use crate::reservation::model::Answer;

#[test]
fn a_repeated_call_is_locked_and_answers_as_the_first() {
    fn twice<B: ModelLane>(world: &mut World, lane: fn(&world::Process) -> &B, commands: &[B::Command]) -> [String; 2]
    where
        B::Answer: Debug,
    {
        let first = format!("{:?}", world.run(lane, commands));
        assert_eq!(world.way, Way::Assumed);
        let second = format!("{:?}", world.run(lane, commands));
        assert_eq!(world.way, Way::Locked);
        world.tables.check();
        [first, second]
    }
    let mut world = opened();
    let key: IdempotencyKey = "a key".parse().expect("a key");
    let caller = |world: &World, user| world.caller(user).with_key(key.clone());

    let join =
        [QueueCommand::Join { sale: SaleId::DEFAULT, caller: caller(&world, 3), id: TokenId::generate(), code: None }];
    let [first, second] = twice(&mut world, |process| &process.queue, &join);
    assert_eq!(first.replace("position: Some(1)", "position: None"), second, "a place is known when it is made");
    let recharge =
        [Recharge { caller: caller(&world, 0), deposit: money(PRICE).into(), id: WalletEntryId::generate() }];
    let [first, second] = twice(&mut world, |process| &process.wallet, &recharge);
    assert_eq!(first, second);
    let hold = hold_of(&world, caller(&world, 0), 0);
    let [first, second] = twice(&mut world, |process| &process.reservation, &hold);
    assert_eq!(first, second);
    world.made.extend(world.tables.reservations.keys());
    let payment = payment_of(&world, caller(&world, 0), 0);
    let [first, second] = twice(&mut world, |process| &process.payment, &payment);
    assert_eq!(first, second);
    let again = world.hold(&hold);
    assert!(matches!(&again[..], [Ok(Answer::Held(made))] if made[0].is_held()), "as it was answered: {again:?}");
}

#[test]
fn a_call_that_comes_twice_in_one_batch_is_carried_out_once() {
    fn same<B: ModelLane>(world: &mut World, lane: fn(&world::Process) -> &B, commands: [B::Command; 2])
    where
        B::Answer: Debug,
    {
        let answers = world.run(lane, &commands);
        assert_eq!(world.way, Way::Assumed, "{answers:?}");
        let [first, second] = [0, 1].map(|nth| format!("{:?}", answers[nth]).replace("Some(1) })", "None })"));
        assert_eq!(first, second);
        world.tables.check();
    }
    let mut world = opened();
    let key: IdempotencyKey = "a key".parse().expect("a key");
    let [caller, waiting] = [0, 3].map(|user| world.caller(user).with_key(key.clone()));

    let id = TokenId::generate();
    let join = || QueueCommand::Join { sale: SaleId::DEFAULT, caller: waiting.clone(), id, code: None };
    same(&mut world, |process| &process.queue, [join(), join()]);
    let id = WalletEntryId::generate();
    let recharge = || Recharge { caller: caller.clone(), deposit: money(PRICE).into(), id };
    same(&mut world, |process| &process.wallet, [recharge(), recharge()]);
    let SeatKey { concert, seat } = seat_key(world.concert, 0);
    let ids = vec![ReservationId::generate()];
    let wanted = Wanted::Seats(vec![seat]);
    let hold = || HoldCommand::Hold { caller: caller.clone(), concert, wanted: wanted.clone(), ids: ids.clone() };
    same(&mut world, |process| &process.reservation, [hold(), hold()]);
    assert_eq!(world.tables.users[&world.users[0]].balance, PRICE.into());
    assert_eq!(world.tables.reservations.len(), 1);
}

#[test]
fn a_key_proves_nothing() {
    let mut world = opened();
    let (user, key) = (world.users[0], || Some("a key".parse::<IdempotencyKey>().expect("a key")));
    let token = world.tables.live_token(user).expect("is in").id;
    run(&mut world, &[recharge(0, PRICE)]);
    let shown = Caller::with_queue_token(user, token).with_key(key()).asking(&[&"a seat"]);
    let hold = hold_of(&world, shown.clone(), 0);
    assert!(matches!(world.hold(&hold)[..], [Ok(_)]));
    let payment = payment_of(&world, shown, 0);
    assert!(matches!(world.pay(&payment)[..], [Ok(_)]));
    assert!(matches!(world.hold(&hold)[..], [Ok(_)]), "while the token is in the queue");
    run(&mut world, &[Act::Leave(0)]);
    assert!(matches!(world.hold(&hold)[..], [Err(Error::TokenNotActive { .. })]));
    assert!(world.pay(&payment)[0].is_err());
    // A user with a password proves it for a repeated join, too.
    world.tables.users.get_mut(&user).expect("a user").has_password = true;
    let id = TokenId::generate();
    let join =
        |caller: Caller| [QueueCommand::Join { sale: SaleId::DEFAULT, caller: caller.with_key(key()), id, code: None }];
    let joined = world.run(|process| &process.queue, &join(Caller::verified(user)));
    assert!(matches!(joined[..], [Ok(_)]), "{joined:?}");
    for caller in [Caller::from(user), Caller::with_queue_token(user, token)] {
        let refused = world.run(|process| &process.queue, &join(caller));
        assert!(matches!(refused[..], [Err(Error::LoginRequired)]), "{refused:?}");
    }
    for caller in [Caller::verified(user), Caller::with_queue_token(user, id)] {
        let again = world.run(|process| &process.queue, &join(caller));
        assert!(matches!(again[..], [Ok(_)]), "{again:?}");
    }
}

#[test]
fn a_key_with_another_request_is_refused() {
    let mut world = opened();
    let key: IdempotencyKey = "a key".parse().expect("a key");
    let asking = |world: &World, what: &str| world.caller(0).with_key(key.clone()).asking(&[&what]);
    let [this, other] = ["this", "other"].map(|what| asking(&world, what));
    let id = WalletEntryId::generate();
    let recharge = |caller: &Caller| [Recharge { caller: caller.clone(), deposit: money(PRICE).into(), id }];
    assert!(matches!(world.run(|process| &process.wallet, &recharge(&this))[..], [Ok(_)]));
    assert!(matches!(world.run(|process| &process.wallet, &recharge(&other))[..], [Err(Error::IdempotencyKeyReused)]));
    let [HoldCommand::Hold { concert, wanted, ids, .. }] = hold_of(&world, this.clone(), 0) else { panic!("a hold") };
    let hold = |caller: &Caller| {
        [HoldCommand::Hold { caller: caller.clone(), concert, wanted: wanted.clone(), ids: ids.clone() }]
    };
    assert!(matches!(world.hold(&hold(&this))[..], [Ok(_)]));
    assert!(matches!(world.hold(&hold(&other))[..], [Err(Error::IdempotencyKeyReused)]));
    let [mut pay] = payment_of(&world, this, 0);
    assert!(matches!(world.pay(std::slice::from_ref(&pay))[..], [Ok(_)]));
    pay.caller = other;
    assert!(matches!(world.pay(&[pay])[..], [Err(Error::IdempotencyKeyReused)]));
}

#[test]
fn an_extension_with_a_key_is_made_once() {
    let mut world = opened();
    let hold = hold_of(&world, world.caller(0), 0);
    world.hold(&hold);
    let (named, act) = (world.made[0], Uuid::now_v7());
    let caller = world.caller(0).with_key("a key".parse::<IdempotencyKey>().ok());
    let extend = |reservation, id| [HoldCommand::Extend { caller: caller.clone(), reservation, id: Some(id) }];
    let first = world.hold(&extend(named, act));
    assert!(matches!(first[..], [Ok(Answer::Extended(_))]), "{first:?}");
    assert_eq!(format!("{:?}", world.hold(&extend(named, act))), format!("{first:?}"));
    let other = world.hold(&extend(ReservationId::generate(), act));
    assert!(matches!(other[..], [Err(Error::IdempotencyKeyReused)]), "{other:?}");
    let other = world.hold(&extend(named, Uuid::now_v7()));
    assert!(matches!(other[..], [Err(Error::HoldAlreadyExtended)]), "{other:?}");
}
