//! A command that cannot be carried out fails alone: its neighbours in the batch get their answers, within a named time.

use std::future::Future;
use std::time::{Duration, Instant};

use concert_core::{BoxOffice, Error, Reservation, UserId};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, MySqlConnection};
use tokio::task::JoinSet;

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

/// How long a batch is split to find the one command that it fails for; as in the library.
const LONGEST_SEARCH: Duration = Duration::from_secs(15);
/// How many are in the batch.
const CROWD: i64 = 16;
/// The one who fails.
const LUCKLESS: usize = 10;

/// Users who each hold a seat, in a hall that the process remembers.
async fn all_hold() -> (House, Vec<Reservation>) {
    let house = House::watched(|policy| policy).await;
    let concert = house.concert(100).await;
    let mut held = Vec::new();
    for (user, number) in house.active_users(CROWD as usize, 500).await.into_iter().zip(1..=CROWD) {
        held.push(house.office.hold_one(user, concert, seat(number)).await.expect("holds"));
    }
    (house, held)
}

/// All get their answer but the luckless one, in time; and the lane goes on.
async fn assert_alone<A, F>(house: &House, held: &[Reservation], is_expected: fn(&Error) -> bool, act: A)
where
    A: Fn(BoxOffice, Reservation) -> F,
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let begun = Instant::now();
    let mut acting = JoinSet::new();
    for (nth, held) in held.iter().enumerate() {
        let acts = act(house.office.clone(), held.clone());
        acting.spawn(async move { (nth, acts.await) });
    }
    for (nth, answer) in acting.join_all().await {
        match answer {
            Ok(()) => assert_ne!(nth, LUCKLESS),
            Err(error) => assert!(nth == LUCKLESS && is_expected(&error), "{nth} is told {error:?}"),
        }
    }
    assert!(begun.elapsed() < LONGEST_SEARCH, "{:?}", begun.elapsed());
    let user = house.user(0).await;
    house.office.recharge(user, money(1)).await.expect("recharges");
    house.assert_sound().await;
}

async fn recharge(office: BoxOffice, held: Reservation) -> Result<(), Error> {
    office.recharge(held.user, money(1)).await.map(drop)
}

async fn pay(office: BoxOffice, held: Reservation) -> Result<(), Error> {
    office.pay(held.user, held.id, held.price).await.map(drop)
}

/// Another seat.
async fn hold(office: BoxOffice, held: Reservation) -> Result<(), Error> {
    office.hold_one(held.user, held.concert, seat(i64::from(held.seat.get()) + 50)).await.map(drop)
}

fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::Unavailable(_))
}

fn is_internal(error: &Error) -> bool {
    matches!(error, Error::Internal(_))
}

/// A connection that keeps rows locked until it is dropped.
async fn locking(house: &House, rows: &str, of: UserId) -> MySqlConnection {
    let mut other = house.database.connect().await.expect("connects");
    other.execute("start transaction").await.expect("begins");
    let lock = sqlx::query(AssertSqlSafe(format!("select 1 from {rows} for update")));
    let locked = lock.bind(of).fetch_all(&mut other).await.expect("locks");
    assert_eq!(locked.len(), 1);
    other
}

#[tokio::test]
async fn a_wallet_that_somebody_keeps_locked_fails_its_own_recharge_alone() {
    let (house, held) = all_hold().await;
    let other = locking(&house, "users where id = ?", held[LUCKLESS].user).await;
    assert_alone(&house, &held, is_unavailable, recharge).await;
    drop(other);
    assert_eq!(house.office.balance(held[0].user).await.expect("reads"), money(501));
    assert_eq!(house.office.balance(held[LUCKLESS].user).await.expect("reads"), money(500));
}

#[tokio::test]
async fn a_wallet_that_somebody_keeps_locked_fails_its_own_payment_alone() {
    let (house, held) = all_hold().await;
    let other = locking(&house, "users where id = ?", held[LUCKLESS].user).await;
    assert_alone(&house, &held, is_unavailable, pay).await;
    drop(other);
    assert_eq!(house.count("select count(*) from payments").await, CROWD - 1);
    house.office.pay(held[LUCKLESS].user, held[LUCKLESS].id, money(PRICE)).await.expect("pays once it is free");
}

#[tokio::test]
async fn a_seat_that_somebody_keeps_locked_fails_its_own_hold_alone() {
    let (house, held) = all_hold().await;
    let rows = format!(
        "seats where seat_number = {} and concert_id = (select concert_id from reservations where user_id = ?)",
        held[LUCKLESS].seat.get() + 50
    );
    let other = locking(&house, &rows, held[LUCKLESS].user).await;
    assert_alone(&house, &held, is_unavailable, hold).await;
    drop(other);
    assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, 2 * CROWD - 1);
}

/// A payment of the luckless one's reservation that nobody made: no second look at the rows explains it.
#[tokio::test]
async fn a_duplicate_key_that_never_goes_away_fails_its_own_payment_alone() {
    let (house, held) = all_hold().await;
    let forged = sqlx::query(
        "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) \
         select left(unhex(sha2('forged', 256)), 16), user_id, id, price, 'SUCCESS', reserved_at from reservations where id = ?",
    );
    forged.bind(held[LUCKLESS].id).execute(house.office.pool()).await.expect("forges");
    let answers = async {
        let mut paying = JoinSet::new();
        for (nth, held) in held.iter().enumerate() {
            let paid = pay(house.office.clone(), held.clone());
            paying.spawn(async move { (nth, paid.await) });
        }
        paying.join_all().await
    };
    for (nth, answer) in answers.await {
        match answer {
            Ok(()) => assert_ne!(nth, LUCKLESS),
            Err(error) => assert!(nth == LUCKLESS && is_unavailable(&error), "{nth} is told {error:?}"),
        }
    }
    assert_eq!(house.count("select count(*) from reservations where status = 'CONFIRMED'").await, CROWD - 1);
    assert_eq!(house.count("select count(*) from wallet_entries where kind = 'PAYMENT'").await, CROWD - 1);
}

/// The server refuses every change of one user's row.
async fn refuse_changes_of(house: &House, user: UserId) {
    let id = user.as_uuid().simple().to_string();
    let trigger = format!(
        "create trigger refusing before update on users for each row \
         if new.id = unhex('{id}') then signal sqlstate '45000' set message_text = 'refused by the test'; end if"
    );
    sqlx::raw_sql(AssertSqlSafe(trigger)).execute(house.office.pool()).await.expect("makes a trigger");
}

#[tokio::test]
async fn a_row_that_the_server_refuses_fails_its_own_recharge_alone() {
    let (house, held) = all_hold().await;
    refuse_changes_of(&house, held[LUCKLESS].user).await;
    assert_alone(&house, &held, is_internal, recharge).await;
    assert_eq!(house.office.balance(held[LUCKLESS].user).await.expect("reads"), money(500));
}

#[tokio::test]
async fn a_row_that_the_server_refuses_fails_its_own_payment_alone() {
    let (house, held) = all_hold().await;
    refuse_changes_of(&house, held[LUCKLESS].user).await;
    assert_alone(&house, &held, is_internal, pay).await;
    assert_eq!(house.count("select count(*) from payments").await, CROWD - 1);
}
