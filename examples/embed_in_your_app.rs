//! The library inside an application that has a database, users and a log-in of its own.
//!
//! The application's tables and the box office's live in one database, each reached by its own connections; if names were
//! the same, `Policy::with_schema` would keep the box office's in a database beside it. The application vouches for its users
//! and sees the refusals as typed errors. So it needs none of the library's features (the private database stands for its own).
//!
//! `cargo run -p concert-examples --example embed_in_your_app`

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::sqlx::mysql::MySqlPoolOptions;
use concert_core::sqlx::{self, MySqlPool};
use concert_core::{
    BoxOffice, Caller, Clock as _, IdempotencyKey, Money, NewConcert, Operator, Policy, SeatNumber, Section,
    SystemClock, UserId, Username,
};
use tokio::sync::oneshot;

/// A member of the application's own club.
struct Member {
    email: &'static str,
    user: UserId,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Stands for the database that the application has anyway.
    let folder = tempfile::tempdir()?;
    let database = PrivateDatabase::open(folder.path(), &Settings::default()).await?;
    let pool = MySqlPoolOptions::new().max_connections(8).connect_with(database.database("club").await?).await?;
    sqlx::query("create table members (email varchar(255) primary key, user_id binary(16) not null)")
        .execute(&pool)
        .await?;

    let policy = Policy::default().with_hold_ttl(Duration::from_secs(120));
    let office = BoxOffice::new(pool.clone(), policy, Arc::new(SystemClock))?;
    // Keeps a table of its own, `_concert_migrations`, beside the application's.
    office.migrate().await?;

    // Any number of the application's processes may run the passes.
    let (stop, stopped) = oneshot::channel::<()>();
    let passes = tokio::spawn({
        let office = office.clone();
        async move { office.run(async { drop(stopped.await) }).await }
    });
    let member = enrol(&pool, &office, "anna@example.org").await?;
    let concert =
        NewConcert::new("Members' night", SystemClock.now().date_naive(), vec![Section::plain(2, Money::whole(30)?)]);
    office.operator(Operator::application()).add_concert(&concert).await?;

    // The application has logged the member in, so it vouches; the key makes a double click one act.
    let key: IdempotencyKey = "order-4711".parse()?;
    let caller = || Caller::verified(member.user).with_key(key.clone());
    office.issue_token(caller()).await?;
    office.recharge(caller(), Money::whole(30)?).await?;
    let seat = SeatNumber::new(1)?;
    let order = office.hold(caller(), concert.id, seat).await?;
    let again = office.hold(caller(), concert.id, seat).await?;
    assert_eq!(order, again, "the same order");
    let paid = office.pay(caller(), order.id, order.total).await?;
    println!("{} has seat {seat}, payment {}", member.email, paid.payments[0].id);

    if let Err(error) = office.hold(member.user, concert.id, seat).await {
        println!("once more is refused: {error} ({}, {:?})", error.code(), error.kind());
    }
    drop(stop);
    passes.await?;
    println!("audit: {} violations", office.operator(Operator::application()).audit().await?.len());
    office.shutdown().await;
    database.stop().await?;
    Ok(())
}

/// The box office makes a user without a password; the application remembers who that is.
async fn enrol(pool: &MySqlPool, office: &BoxOffice, email: &'static str) -> Result<Member, Box<dyn Error>> {
    let user = office.sign_up(email.parse::<Username>()?).await?.id;
    sqlx::query("insert into members (email, user_id) values (?, ?)").bind(email).bind(user).execute(pool).await?;
    Ok(Member { email, user })
}
