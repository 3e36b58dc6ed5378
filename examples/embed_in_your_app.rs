//! The library inside an application that has a database, users and a log-in of its own.
//!
//! The application's tables and the box office's live in one database, each reached by its own connections; if names were
//! the same, `Policy::schema` would keep the box office's in a database beside it. The application vouches for its users,
//! runs the passes from its own scheduler, and sees the refusals as typed errors.
//!
//! `cargo run -p concert-examples --example embed_in_your_app`

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{
    BoxOffice, Caller, Clock as _, ConcertId, IdempotencyKey, JwtKeys, Money, NewConcert, Pass, Policy, SeatNumber,
    Section, SystemClock, UserId,
};
use sqlx::MySqlPool;
use sqlx::mysql::MySqlPoolOptions;

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

    let mut policy = Policy::new(JwtKeys::new(&database.jwt_secret()?)?);
    policy.hold_ttl = Duration::from_secs(120);
    let office = BoxOffice::new(pool.clone(), policy, Arc::new(SystemClock))?;
    // Keeps a table of its own, `_concert_migrations`, beside the application's.
    office.migrate().await?;

    let passes = tokio::spawn(run_passes(office.clone()));
    let member = enrol(&pool, &office, "anna@example.org").await?;
    let concert = NewConcert {
        id: ConcertId::generate(),
        name: "Members' night".to_owned(),
        date: SystemClock.now().date_naive(),
        sections: vec![Section::plain(2, Money::whole(30)?)],
    };
    office.add_concert(&concert, |_| {}).await?;

    // The application has logged the member in, so it vouches; the key makes a double click one act.
    let key: IdempotencyKey = "order-4711".parse()?;
    let caller = || Caller::verified(member.user).with_key(key.clone());
    office.issue_token(caller()).await?;
    office.recharge(caller(), Money::whole(30)?).await?;
    let held = office.reserve(caller(), concert.id, SeatNumber::new(1)?).await?;
    let again = office.reserve(caller(), concert.id, SeatNumber::new(1)?).await?;
    assert_eq!(held, again, "the same order");
    let payment = office.pay(caller(), held.id, held.price).await?;
    println!("{} has seat {}, payment {}", member.email, held.seat, payment.id);

    if let Err(error) = office.reserve(member.user, concert.id, held.seat).await {
        println!("once more is refused: {error} ({})", error.code());
    }
    passes.abort();
    println!("audit: {} violations", office.audit().await?.len());
    database.stop().await?;
    Ok(())
}

/// The box office makes a user without a password; the application remembers who that is.
async fn enrol(pool: &MySqlPool, office: &BoxOffice, email: &'static str) -> Result<Member, Box<dyn Error>> {
    let user = office.register_user(email.parse()?, None, None).await?.id;
    sqlx::query("insert into members (email, user_id) values (?, ?)").bind(email).bind(user).execute(pool).await?;
    Ok(Member { email, user })
}

/// Any number of the application's processes may do this: each pass takes its turn.
async fn run_passes(office: BoxOffice) -> Result<(), concert_core::Error> {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        office.refresh_queue().await?;
        if office.take_turn(Pass::Rerank, Duration::from_secs(10)).await? {
            office.rerank_queue().await?;
        }
        if office.take_turn(Pass::Sweep, Duration::from_secs(60)).await? {
            office.sweep_expired().await?;
        }
    }
}
