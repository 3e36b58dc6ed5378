//! The other side of every ratio: the pattern of the document that the product was asked for, as its users write it. One
//! transaction per call, on its own tables with the indexes that its queries need, through sqlx with prepared statements,
//! on a pool as large as it likes.

use chrono::{DateTime, Utc};
use concert_core::{ConcertId, SeatNumber, UserId};
use serde::Serialize;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, MySql, MySqlPool, Row as _};
use uuid::Uuid;

use crate::Failure;
use crate::world::PRICE;

/// Measured: more connections than this make it slower on two cores.
const CONNECTIONS: u32 = 64;

const SCHEMA: &str = "
create table users (id binary(16) primary key, username varchar(255) not null, password varchar(255) not null,
  balance decimal(10, 2) not null, created_at datetime(6) not null);
create table seats (id bigint auto_increment primary key, concert_id binary(16) not null, seat_number int not null,
  is_reserved boolean not null, reserved_by binary(16), reserved_until datetime(6), unique (concert_id, seat_number));
create table reservations (id binary(16) primary key, user_id binary(16) not null, concert_id binary(16) not null,
  seat_number int not null, reservation_status varchar(50) not null, reserved_at datetime(6) not null,
  performance_date date not null, key (user_id));
create table payments (id bigint auto_increment primary key, user_id binary(16) not null, reservation_id binary(16) not null,
  amount decimal(10, 2) not null, payment_status varchar(50) not null, paid_at datetime(6) not null, key (reservation_id));
create table tokens (id binary(16) primary key, user_id binary(16) not null, queue_position int not null,
  status varchar(50) not null, created_at datetime(6) not null, expires_at datetime(6) not null,
  last_updated_at datetime(6) not null, key (user_id), key (status, created_at));
";

/// The seed's own statement for the queue's order, every ten seconds.
const RERANK: &str = "update tokens t1 join ( \
     select id, row_number() over (order by created_at) as new_position from tokens where status = 'WAITING' \
     ) t2 on t1.id = t2.id set t1.queue_position = t2.new_position where t1.status = 'WAITING'";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeatBody {
    seat_number: i32,
    available: bool,
    price: u32,
}

#[derive(Clone)]
pub struct Baseline {
    pool: MySqlPool,
}

impl Baseline {
    pub async fn open(options: MySqlConnectOptions) -> Result<Self, Failure> {
        let pool = MySqlPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(CONNECTIONS)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("set session transaction isolation level read committed").await.map(drop)
                })
            })
            .connect_with(options)
            .await?;
        pool.execute(SCHEMA).await?;
        Ok(Self { pool })
    }

    pub async fn add_users(&self, users: &[UserId]) -> Result<(), Failure> {
        for chunk in users.chunks(1_000) {
            let mut insert =
                sqlx::QueryBuilder::new("insert into users (id, username, password, balance, created_at) ");
            insert.push_values(chunk, |mut row, user| {
                row.push_bind(*user).push_bind(user.to_string()).push("'!', 10000000, now(6)");
            });
            insert.build().execute(&self.pool).await?;
        }
        Ok(())
    }

    /// An ACTIVE token for each.
    pub async fn activate(&self, users: &[UserId]) -> Result<(), Failure> {
        for chunk in users.chunks(1_000) {
            let mut insert = sqlx::QueryBuilder::new(
                "insert into tokens (id, user_id, queue_position, status, created_at, expires_at, last_updated_at) ",
            );
            insert.push_values(chunk, |mut row, user| {
                row.push_bind(Uuid::now_v7()).push_bind(*user);
                row.push("0, 'ACTIVE', now(6), now(6) + interval 1 day, now(6)");
            });
            insert.build().execute(&self.pool).await?;
        }
        Ok(())
    }

    pub async fn add_seats(&self, concert: ConcertId, seats: u32) -> Result<(), Failure> {
        let numbers: Vec<u32> = (1..=seats).collect();
        for chunk in numbers.chunks(5_000) {
            let mut insert = sqlx::QueryBuilder::new("insert into seats (concert_id, seat_number, is_reserved) ");
            insert.push_values(chunk, |mut row, number| {
                row.push_bind(concert).push_bind(*number).push("0");
            });
            insert.build().execute(&self.pool).await?;
        }
        Ok(())
    }

    /// People who wait.
    pub async fn fill_waiting(&self, waiting: u32) -> Result<(), Failure> {
        let statement = "insert into tokens (id, user_id, queue_position, status, created_at, expires_at, last_updated_at) \
             with recursive n as (select 1 as i union all select i + 1 from n where i < ?) \
             select unhex(concat(lpad(hex(1700000000000 + i), 12, '0'), '7000', substr(md5(i), 1, 16))), unhex(md5(-i)), 0, 'WAITING', now(6) + interval i microsecond, now(6) + interval 1 day, now(6) from n";
        let mut connection = self.pool.acquire().await?;
        connection.execute("set session max_recursive_iterations = 100000000").await?;
        sqlx::query(statement).bind(waiting).execute(&mut *connection).await?;
        Ok(())
    }

    pub async fn reserve(&self, user: UserId, concert: ConcertId, seat: SeatNumber) -> Result<Option<Uuid>, Failure> {
        let mut connection = self.begin_active(user).await?;
        let seat_row = sqlx::query(
            "select is_reserved, reserved_until from seats where concert_id = ? and seat_number = ? for update",
        )
        .bind(concert)
        .bind(seat)
        .fetch_one(&mut *connection)
        .await?;
        let now = now();
        let until: Option<DateTime<Utc>> = seat_row.try_get("reserved_until")?;
        if seat_row.try_get("is_reserved")? && until.is_none_or(|until| until > now) {
            connection.execute("rollback").await?;
            return Ok(None);
        }
        sqlx::query(
            "update seats set is_reserved = true, reserved_by = ?, reserved_until = ? where concert_id = ? and seat_number = ?",
        )
        .bind(user)
        .bind(now + chrono::TimeDelta::minutes(5))
        .bind(concert)
        .bind(seat)
        .execute(&mut *connection)
        .await?;
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into reservations (id, user_id, concert_id, seat_number, reservation_status, reserved_at, performance_date) \
             values (?, ?, ?, ?, 'HELD', ?, current_date)",
        )
        .bind(id)
        .bind(user)
        .bind(concert)
        .bind(seat)
        .bind(now)
        .execute(&mut *connection)
        .await?;
        connection.execute("commit").await?;
        Ok(Some(id))
    }

    pub async fn recharge(&self, user: UserId) -> Result<(), Failure> {
        let mut connection = self.begin_active(user).await?;
        let balance: rust_decimal::Decimal = sqlx::query_scalar("select balance from users where id = ? for update")
            .bind(user)
            .fetch_one(&mut *connection)
            .await?;
        sqlx::query("update users set balance = ? where id = ?")
            .bind(balance + rust_decimal::Decimal::ONE)
            .bind(user)
            .execute(&mut *connection)
            .await?;
        connection.execute("commit").await?;
        Ok(())
    }

    /// Holds to pay, on the seats from `from + 1` on.
    pub async fn holds(
        &self,
        users: &[UserId],
        concert: ConcertId,
        from: usize,
        count: usize,
    ) -> Result<Vec<(UserId, Uuid)>, Failure> {
        let holds: Vec<_> = (0..count).map(|nth| (users[nth % users.len()], Uuid::now_v7())).collect();
        let numbered: Vec<_> = holds.iter().zip(from as u32 + 1..).collect();
        for chunk in numbered.chunks(1_000) {
            let mut insert = sqlx::QueryBuilder::new(
                "insert into reservations (id, user_id, concert_id, seat_number, reservation_status, reserved_at, performance_date) ",
            );
            insert.push_values(chunk, |mut row, ((user, id), seat)| {
                row.push_bind(*id).push_bind(*user).push_bind(concert).push_bind(*seat);
                row.push("'HELD', now(6), current_date");
            });
            insert.build().execute(&self.pool).await?;
        }
        Ok(holds)
    }

    pub async fn pay(&self, user: UserId, reservation: Uuid) -> Result<(), Failure> {
        let mut connection = self.begin_active(user).await?;
        let held = sqlx::query(
            "select concert_id, seat_number, reservation_status from reservations where id = ? and user_id = ? for update",
        )
        .bind(reservation)
        .bind(user)
        .fetch_one(&mut *connection)
        .await?;
        let (concert, seat): (Uuid, i32) = (held.try_get("concert_id")?, held.try_get("seat_number")?);
        let balance: rust_decimal::Decimal = sqlx::query_scalar("select balance from users where id = ? for update")
            .bind(user)
            .fetch_one(&mut *connection)
            .await?;
        let price = rust_decimal::Decimal::from(PRICE);
        sqlx::query("update users set balance = ? where id = ?")
            .bind(balance - price)
            .bind(user)
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "insert into payments (user_id, reservation_id, amount, payment_status, paid_at) values (?, ?, ?, 'SUCCESS', ?)",
        )
        .bind(user)
        .bind(reservation)
        .bind(price)
        .bind(now())
        .execute(&mut *connection)
        .await?;
        sqlx::query("update reservations set reservation_status = 'CONFIRMED' where id = ?")
            .bind(reservation)
            .execute(&mut *connection)
            .await?;
        sqlx::query("update seats set reserved_until = null where concert_id = ? and seat_number = ?")
            .bind(concert)
            .bind(seat)
            .execute(&mut *connection)
            .await?;
        connection.execute("commit").await?;
        Ok(())
    }

    pub async fn join(&self, user: UserId) -> Result<(), Failure> {
        let mut connection = self.begin().await?;
        sqlx::query("select id from users where id = ?").bind(user).fetch_one(&mut *connection).await?;
        let there = sqlx::query("select status from tokens where user_id = ? and status <> 'EXPIRED'")
            .bind(user)
            .fetch_optional(&mut *connection)
            .await?;
        if there.is_none() {
            let active: i64 = sqlx::query_scalar("select count(*) from tokens where status = 'ACTIVE'")
                .fetch_one(&mut *connection)
                .await?;
            let now = now();
            sqlx::query(
                "insert into tokens (id, user_id, queue_position, status, created_at, expires_at, last_updated_at) \
                 values (?, ?, 0, ?, ?, ?, ?)",
            )
            .bind(Uuid::now_v7())
            .bind(user)
            .bind(if active < 11 { "ACTIVE" } else { "WAITING" })
            .bind(now)
            .bind(now + chrono::TimeDelta::minutes(10))
            .bind(now)
            .execute(&mut *connection)
            .await?;
        }
        connection.execute("commit").await?;
        Ok(())
    }

    /// The seats of a concert, as JSON.
    pub async fn seats(&self, concert: ConcertId) -> Result<Vec<u8>, Failure> {
        let rows = sqlx::query("select seat_number, is_reserved, reserved_until from seats where concert_id = ?")
            .bind(concert)
            .fetch_all(&self.pool)
            .await?;
        let now = now();
        let mut seats = Vec::with_capacity(rows.len());
        for row in rows {
            let until: Option<DateTime<Utc>> = row.try_get("reserved_until")?;
            let reserved = row.try_get("is_reserved")? && until.is_none_or(|until| until > now);
            seats.push(SeatBody { seat_number: row.try_get("seat_number")?, available: !reserved, price: PRICE });
        }
        Ok(serde_json::to_vec(&seats)?)
    }

    pub async fn rerank(&self) -> Result<u64, Failure> {
        Ok(sqlx::query(RERANK).execute(&self.pool).await?.rows_affected())
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> Result<PoolConnection<MySql>, Failure> {
        let mut connection = self.pool.acquire().await?;
        connection.execute("start transaction").await?;
        Ok(connection)
    }

    async fn begin_active(&self, user: UserId) -> Result<PoolConnection<MySql>, Failure> {
        let mut connection = self.begin().await?;
        let status: String =
            sqlx::query_scalar("select status from tokens where user_id = ? order by created_at desc limit 1")
                .bind(user)
                .fetch_one(&mut *connection)
                .await?;
        if status == "ACTIVE" { Ok(connection) } else { Err("the token is not ACTIVE".into()) }
    }
}

#[expect(clippy::disallowed_methods, reason = "the seed's pattern asks the system")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
