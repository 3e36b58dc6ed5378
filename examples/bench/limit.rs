//! The limit: scripts by hand that change the rows that our acts change, with no rule at all. Nothing is locked first,
//! nothing is checked, and every value is known before the script runs.
//!
//! The audit of the database that they ran on proves that they changed all that an act changes.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use concert_core::{ConcertId, Money, UserId};
use rust_decimal::Decimal;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, MySqlConnection};
use uuid::Uuid;

use crate::Failure;
use crate::load::{Run, Turn, Until, closed_loop};

/// How many acts a script does. A batch of ours has twice as many at most, which saves it a few percent.
pub const ACTS: usize = 256;

/// As a writer of ours sets its connection up.
const SESSION: &str =
    "set session transaction isolation level read committed; set session time_zone = '+00:00', autocommit = 0";

/// Statements that travel together and commit.
pub struct Script {
    sql: Arc<str>,
    /// How many rows it changes.
    rows: u64,
}

/// A seat that a user holds.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    pub id: Uuid,
    pub user: UserId,
    pub seat: usize,
}

/// A payment or a recharge, and what the wallet is after it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub id: Uuid,
    pub user: UserId,
    pub nth: u32,
    pub balance: Decimal,
}

/// When a script is thought to run.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: DateTime<Utc>,
    /// The end of what begins now.
    pub until: DateTime<Utc>,
}

/// Holds on free seats of a concert.
pub fn reserve(concert: ConcertId, date: NaiveDate, price: Money, holds: &[Hold], at: Moment) -> Script {
    let (now, until, concert) = (time(at.now), time(at.until), hex(concert.as_uuid()));
    let mut sql = format!(
        "update seats force index (primary) set is_reserved = 1, reserved_until = {until}, reserved_by = case seat_number"
    );
    for hold in holds {
        let _ = write!(sql, " when {} then {}", hold.seat, hex(hold.user.as_uuid()));
    }
    sql += " end, reservation_id = case seat_number";
    for hold in holds {
        let _ = write!(sql, " when {} then {}", hold.seat, hex(hold.id));
    }
    let seats = list(holds, |hold| hold.seat.to_string());
    let rows = list(holds, |Hold { id, user, seat }| {
        let (id, user) = (hex(*id), hex(user.as_uuid()));
        format!("({id},null,{user},{concert},{seat},'HELD',{price},'{date}',{now},{until},null,{now})")
    });
    let _ = write!(
        sql,
        " end where concert_id = {concert} and seat_number in ({seats}); \
         insert into reservations (id, order_id, user_id, concert_id, seat_number, status, price, performance_date, \
         reserved_at, expires_at, extended_at, last_updated_at) values {rows}; commit"
    );
    Script::new(sql, 2 * holds.len())
}

/// Payments of holds, each by another user.
pub fn pay(concert: ConcertId, price: Money, paid: &[(Hold, Entry)], now: DateTime<Utc>) -> Script {
    let (now, concert) = (time(now), hex(concert.as_uuid()));
    let seats = list(paid, |(hold, _)| hold.seat.to_string());
    let holds = list(paid, |(hold, _)| hex(hold.id));
    let users = list(paid, |(hold, _)| hex(hold.user.as_uuid()));
    let payments = list(paid, |(hold, entry)| {
        format!("({},{},{},{price},'SUCCESS',{now})", hex(entry.id), hex(hold.user.as_uuid()), hex(hold.id))
    });
    let entries = list(paid, |(_, Entry { id, user, nth, balance })| {
        let (id, user) = (hex(*id), hex(user.as_uuid()));
        format!("({id},{user},{nth},'PAYMENT',-{price},{balance},{id},{now})")
    });
    let sql = format!(
        "update seats force index (primary) set reserved_until = null where concert_id = {concert} and seat_number in ({seats}); \
         update reservations force index (primary) set status = 'CONFIRMED', last_updated_at = {now} where id in ({holds}); \
         insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) values {payments}; \
         update users force index (primary) set entries = entries + 1, balance = balance - {price} where id in ({users}); \
         insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, payment_id, created_at) \
         values {entries}; commit"
    );
    Script::new(sql, 5 * paid.len())
}

/// Recharges, each of another wallet.
pub fn recharge(amount: Money, entries: &[Entry], now: DateTime<Utc>) -> Script {
    let now = time(now);
    let users = list(entries, |entry| hex(entry.user.as_uuid()));
    let rows = list(entries, |Entry { id, user, nth, balance }| {
        format!("({},{},{nth},'RECHARGE',{amount},{balance},null,{now})", hex(*id), hex(user.as_uuid()))
    });
    let sql = format!(
        "update users force index (primary) set entries = entries + 1, balance = balance + {amount} where id in ({users}); \
         insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, payment_id, created_at) \
         values {rows}; commit"
    );
    Script::new(sql, 2 * entries.len())
}

/// Joins of people who are to wait: tokens with the tickets from `first` on, in a queue that nobody else joins.
pub fn join(first: usize, users: &[UserId], at: Moment) -> Script {
    let (now, until, count) = (time(at.now), time(at.until), users.len());
    let seq = first / ACTS + 1;
    let numbered: Vec<_> = users.iter().zip(first..).collect();
    let rows = list(&numbered, |(user, ticket)| {
        let (id, user) = (hex(Uuid::now_v7()), hex(user.as_uuid()));
        format!("({id},{user},{ticket},'WAITING',{now},{until},{now},{seq})")
    });
    let sql = format!(
        "update queue_gate set next_ticket = {}, change_seq = {seq}, waiting = waiting + {count} where sale_id = x'00000000000070008000000000000001'; \
         insert into tokens (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq) \
         values {rows}; commit",
        first + count
    );
    Script::new(sql, 1 + count)
}

impl Script {
    fn new(sql: String, rows: usize) -> Self {
        Self { sql: sql.into(), rows: rows as u64 }
    }

    async fn run(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        // Built of literals here.
        let done = sqlx::raw_sql(AssertSqlSafe(Arc::clone(&self.sql))).execute(connection).await?;
        if done.rows_affected() == self.rows {
            return Ok(());
        }
        Err(format!("a script changed {} rows instead of {}", done.rows_affected(), self.rows).into())
    }
}

/// Runs scripts of [`ACTS`] acts, in order, by so many writers at once.
pub async fn run(
    database: &MySqlConnectOptions,
    writers: usize,
    scripts: Vec<Script>,
    until: Until,
) -> Result<Run, Failure> {
    let mut connections = Vec::with_capacity(writers);
    for _ in 0..writers {
        let mut connection = database.connect().await?;
        connection.execute(SESSION).await?;
        connections.push(connection);
    }
    let (count, scripts) = (scripts.len(), Arc::new(scripts));
    let act = move |mut connection: MySqlConnection, Turn { nth, .. }: Turn| {
        let scripts = Arc::clone(&scripts);
        async move {
            scripts[nth].run(&mut connection).await?;
            Ok(connection)
        }
    };
    Ok(closed_loop(connections, count, until, act).await?.of_acts(ACTS as u64))
}

fn list<T>(of: &[T], write: impl Fn(&T) -> String) -> String {
    of.iter().map(write).collect::<Vec<_>>().join(",")
}

fn hex(id: Uuid) -> String {
    format!("x'{}'", id.as_simple())
}

fn time(at: DateTime<Utc>) -> String {
    at.format("'%Y-%m-%d %H:%M:%S%.6f'").to_string()
}
