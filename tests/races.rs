//! Many at once, and what each race must end in. The audit holds after every one of them.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use concert_core::{BoxOffice, Caller, Error, TokenStatus, UserId};
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::task::JoinSet;

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

/// Runs all at once and gathers their answers.
async fn all<T: Send + 'static>(futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    futures.into_iter().collect::<JoinSet<T>>().join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_on_one_seat_make_one_winner_and_199_refusals() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(200, 0).await;
    let answers = all(users.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 2].clone();
        async move { office.hold_one(user, concert, seat(1)).await }
    }))
    .await;

    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Error::SeatAlreadyReserved { .. }))).count();
    assert_eq!((won, refused), (1, 199));
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_payments_of_one_reservation_charge_once() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let offices = [house.office.clone(), house.another_office().await];
    let user = house.active_users(1, 1_000).await[0];
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let answers = all((0..50).map(|nth| {
        let office = offices[nth % 2].clone();
        async move { office.pay(user, held.id, money(PRICE)).await }
    }))
    .await;

    let paid = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Error::AlreadyPaid))).count();
    assert_eq!((paid, refused), (1, 49));
    assert_eq!(house.office.balance(user).await.expect("reads"), money(1_000 - PRICE));
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_joins_by_one_user_make_one_token() {
    let house = House::open().await;
    let offices = [house.office.clone(), house.another_office().await];
    let user = house.user(0).await;
    let answers = all((0..100).map(|nth| {
        let office = offices[nth % 2].clone();
        async move { office.issue_token(Caller::verified(user)).await }
    }))
    .await;

    let joined: Vec<_> = answers.into_iter().map(|answer| answer.expect("joins or resumes")).collect();
    assert_eq!(joined.iter().filter(|joined| !joined.resumed).count(), 1);
    assert!(joined.iter().all(|other| other.token.ticket == joined[0].token.ticket));
    assert_eq!(house.count("select count(*) from tokens").await, 1);
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn joins_through_three_processes_keep_the_cap_and_the_order() {
    let house = House::open().await;
    let offices = [house.office.clone(), house.another_office().await, house.another_office().await];
    let users = house.users(300, 0).await;
    let answers = all(users.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 3].clone();
        async move { office.issue_token(user).await.expect("joins").token }
    }))
    .await;

    let mut places: Vec<_> = answers.iter().map(|token| (token.ticket.ticket, &token.standing)).collect();
    places.sort_by_key(|(ticket, _)| *ticket);
    for (nth, (ticket, standing)) in places.into_iter().enumerate() {
        assert_eq!(ticket, nth as u64 + 1, "tickets are dense");
        let expected = if nth < 10 { (TokenStatus::Active, 0) } else { (TokenStatus::Waiting, nth as u64 - 9) };
        assert_eq!((standing.status, standing.queue_position), expected);
    }
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reranks_and_joins_through_three_processes_never_pass_the_cap() {
    let house = House::open().await;
    let offices = [house.office.clone(), house.another_office().await, house.another_office().await];
    let users = house.users(120, 0).await;
    let watcher = house.office.clone();
    let watched = tokio::spawn(async move {
        let mut highest = 0;
        for _ in 0..200 {
            let statement = "select count(*) from tokens where status = 'ACTIVE'";
            let active: i64 = sqlx::query_scalar(statement).fetch_one(watcher.pool()).await.expect("counts");
            highest = highest.max(active);
        }
        highest
    });
    all(users.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 3].clone();
        async move {
            office.issue_token(user).await.expect("joins");
            if nth % 4 == 0 {
                office.leave_queue(user).await.expect("leaves");
            }
            if nth % 5 == 0 {
                office.rerank_queue().await.expect("reranks");
            }
        }
    }))
    .await;

    assert!(watched.await.expect("watches") <= 10);
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_wallet_recharged_through_two_processes_loses_nothing() {
    let house = House::open().await;
    let offices = [house.office.clone(), house.another_office().await];
    let user = house.user(0).await;
    let answers = all((0..300).map(|nth| {
        let office = offices[nth % 2].clone();
        async move { office.recharge(user, money(1)).await.expect("recharges").after }
    }))
    .await;

    let mut balances: Vec<_> = answers;
    balances.sort_unstable();
    let expected: Vec<_> = (1..=300).map(money).collect();
    assert_eq!(balances, expected, "every recharge saw the one before");
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_that_lapses_as_it_is_paid_ends_one_way_or_the_other() {
    for late in [false, true] {
        let house = House::open_with(|policy| policy.with_max_holds_per_user(30)).await;
        let concert = house.concert(20).await;
        let users = house.active_users(2, 10_000).await;
        let (buyer, rival) = (users[0], users[1]);
        let mut held = Vec::new();
        for number in 1..=20 {
            held.push(house.office.hold_one(buyer, concert, seat(number)).await.expect("holds"));
        }
        // One microsecond decides: paying wins before the deadline, taking over wins at it.
        let edge = held[0].expires_at;
        house.clock.set(if late { edge } else { edge - chrono::TimeDelta::microseconds(1) });
        let other = house.another_office().await;
        let race = held.into_iter().map(|held| {
            let (office, other) = (house.office.clone(), other.clone());
            async move {
                let sweep = other.clone();
                let (paid, taken, swept) = tokio::join!(
                    office.pay(buyer, held.id, money(PRICE)),
                    other.hold_one(rival, concert, held.seat),
                    sweep.sweep_expired()
                );
                swept.expect("sweeps");
                (paid, taken)
            }
        });
        for (paid, taken) in all(race).await {
            if late {
                assert!(matches!(paid, Err(Error::HoldExpired)), "{paid:?}");
                taken.expect("takes over");
            } else {
                paid.expect("pays");
                assert!(matches!(taken, Err(Error::SeatAlreadyReserved { .. })), "{taken:?}");
            }
        }
        house.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_runs_ahead_costs_an_edge_and_never_a_guarantee() {
    let house = House::open().await;
    let concert = house.concert(40).await;
    let users = house.active_users(40, 1_000).await;
    let mut held = HashMap::new();
    for (nth, user) in users.iter().enumerate() {
        held.insert(*user, house.office.hold_one(*user, concert, seat(nth as i64 + 1)).await.expect("holds"));
    }
    let other = house.another_office().await;
    let (advancing, clock) = (house.clock.clone(), held[&users[0]].expires_at);
    advancing.set(clock - chrono::TimeDelta::milliseconds(3));
    let ticking = tokio::spawn(async move {
        for _ in 0..60 {
            advancing.advance(Duration::from_micros(100));
            tokio::task::yield_now().await;
        }
    });
    let race = users.iter().enumerate().map(|(nth, user)| {
        let (office, other, held, user) = (house.office.clone(), other.clone(), held[user].clone(), *user);
        let rival: UserId = users[(nth + 1) % users.len()];
        async move { tokio::join!(office.pay(user, held.id, money(PRICE)), other.hold_one(rival, concert, held.seat)) }
    });
    let outcomes = all(race).await;
    ticking.await.expect("ticks");
    for (paid, taken) in &outcomes {
        assert!(!(paid.is_ok() && taken.is_ok()), "sold twice");
    }
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_go_away_leave_nothing_half_done() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(1_000)).await;
    let concert = house.concert(300).await;
    let user = house.active_users(1, 100_000).await[0];
    async fn buy(office: BoxOffice, user: UserId, concert: concert_core::ConcertId, number: i64) -> Result<(), Error> {
        let held = office.hold_one(user, concert, seat(number)).await?;
        office.recharge(user, money(1)).await?;
        office.pay(user, held.id, money(PRICE)).await?;
        Ok(())
    }
    let mut done = 0;
    for number in 1..=300_u64 {
        // Dropped after more and more time: before the lane, in the lock, in the write, in the commit, after it.
        let patience = Duration::from_micros(number * 20);
        let purchase = buy(house.office.clone(), user, concert, number as i64);
        done += i64::from(tokio::time::timeout(patience, purchase).await.is_ok());
    }
    // Whatever is still in the lanes ends before this does: same user, same writers.
    house.office.recharge(user, money(1)).await.expect("recharges");
    let _ = house.office.cancel(user, concert_core::ReservationId::generate()).await;
    let _ = house.office.pay(user, concert_core::ReservationId::generate(), money(PRICE)).await;

    let sold = house.count("select count(*) from payments").await;
    assert!(sold >= done, "what was acknowledged is there: {sold} of {done}");
    // An open transaction would hold its rows: each of these would wait for it, and fail after three seconds.
    for statement in [
        "select count(*) from tokens for update",
        "select count(*) from seats for update",
        "select count(*) from reservations for update",
        "select count(*) from users for update",
    ] {
        house.count(statement).await;
    }
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_connections_cost_retries_and_no_acknowledged_act() {
    let house = House::open().await;
    let user = house.user(0).await;
    let killer = house.another_office().await;
    let killing = tokio::spawn(async move {
        for _ in 0..40 {
            let others =
                "select id from information_schema.processlist where db = database() and id <> connection_id()";
            let ids: Vec<i64> = sqlx::query_scalar(others).fetch_all(killer.pool()).await.unwrap_or_default();
            for id in ids {
                let _ = sqlx::query("kill ?").bind(id).execute(killer.pool()).await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut acknowledged = 0;
    let mut in_doubt = 0;
    while !killing.is_finished() {
        match house.office.recharge(user, money(1)).await {
            Ok(_) => acknowledged += 1,
            Err(error) if error.is_retryable() => in_doubt += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    // The pool's own connections were killed as well.
    let entries = sqlx::query_scalar("select count(*) from wallet_entries");
    let entries: i64 = entries.fetch_one(house.another_office().await.pool()).await.expect("counts");
    assert!((acknowledged..=acknowledged + in_doubt).contains(&entries), "{entries}: {acknowledged} + {in_doubt}");
    house.assert_sound().await;
}

/// Waits until a transaction of this house's database waits for a lock.
pub async fn until_somebody_waits(house: &House) {
    // InnoDB shows what it showed last unless nobody has asked for 100 ms.
    const PAUSE: Duration = Duration::from_millis(150);
    let waiting = "select count(*) from information_schema.innodb_trx t \
         join information_schema.processlist p on p.id = t.trx_mysql_thread_id \
         where t.trx_state = 'LOCK WAIT' and p.db = database()";
    for _ in 0..100 {
        tokio::time::sleep(PAUSE).await;
        if house.count(waiting).await > 0 {
            return;
        }
    }
    panic!("nobody waits");
}

#[tokio::test]
async fn holds_that_another_process_makes_while_a_batch_waits_for_the_turn_count() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(1).with_writers_per_lane(1)).await;
    let concert = house.concert(3).await;
    // In the order that turns are locked in.
    let users = house.active_users(2, 0).await;
    house.office.hold_one(users[1], concert, seat(3)).await.expect("holds");
    let lapse = "update reservations set expires_at = '2027-03-01 11:00:00'";
    house.tamper(lapse).await;

    let mut other = house.database.connect().await.expect("connects");
    other.execute("start transaction").await.expect("begins");
    let turn =
        sqlx::query("select id from tokens force index (tokens_user_live) where live = 1 and user_id = ? for update");
    turn.bind(users[1]).fetch_all(&mut other).await.expect("locks");
    let hold = "update reservations set expires_at = '2027-03-01 12:05:00'";
    let meanwhile = async {
        until_somebody_waits(&house).await;
        other.execute(hold).await.expect("holds");
        other.execute("commit").await.expect("commits");
    };
    // One thread and one writer: both are in one batch.
    let first = house.office.hold_one(users[0], concert, seat(1));
    let second = house.office.hold_one(users[1], concert, seat(2));
    let (first, second, ()) = tokio::join!(first, second, meanwhile);
    first.expect("holds");
    assert!(matches!(second, Err(Error::TooManyHolds { limit: 1, .. })), "{second:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_full_lane_refuses_at_once_and_does_nothing() {
    let house = House::open_with(|policy| policy.with_lane_capacity(2).with_writers_per_lane(1)).await;
    let user = house.user(0).await;
    // One thread: all are sent before the writer takes its first batch.
    let answers = all((0..10).map(|_| {
        let office = house.office.clone();
        async move { office.recharge(user, money(1)).await }
    }))
    .await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Error::Overloaded { lane: "wallet" }))).count();
    assert_eq!(done + refused, 10);
    assert!(refused >= 1);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(done as u32));
}
