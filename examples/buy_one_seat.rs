//! A whole purchase through the library, on a private MariaDB in a folder that goes away.
//!
//! `cargo run -p concert-examples --example buy_one_seat`

use std::error::Error;
use std::sync::Arc;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{
    BoxOffice, Clock as _, ConcertId, JwtKeys, Money, NewConcert, Policy, SeatNumber, Section, SystemClock,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = PrivateDatabase::open(folder.path(), &Settings::default()).await?;
    let policy = Policy::new(JwtKeys::new(&database.jwt_secret()?)?);
    let options = database.database("concert").await?;
    let office = BoxOffice::connect_with(options, policy, Arc::new(SystemClock)).await?;
    office.migrate().await?;

    let concert = NewConcert {
        id: ConcertId::generate(),
        name: "Spring".to_owned(),
        date: SystemClock.now().date_naive(),
        sections: vec![Section::plain(10, Money::whole(80)?)],
    };
    office.add_concert(&concert, |_| {}).await?;
    let user = office.register_user("anna".parse()?, None, None).await?.id;

    let joined = office.issue_token(user).await?;
    println!("in the queue: {}", joined.token.standing.status.as_str());
    let free = office.seats(concert.id).await?.iter().filter(|seat| seat.available).count();
    println!("free seats: {free}");
    let held = office.reserve(user, concert.id, SeatNumber::new(7)?).await?;
    println!("seat {} is held until {} for {}", held.seat, held.expires_at, held.price);
    let recharged = office.recharge(user, Money::whole(100)?).await?;
    println!("balance: {} -> {}", recharged.before, recharged.after);
    office.pay(user, held.id, held.price).await?;
    println!("seat {} is sold; balance: {}", held.seat, office.balance(user).await?);

    let refused = office.reserve(user, concert.id, held.seat).await.err().map(|error| error.code());
    println!("once more: {}", refused.unwrap_or("sold twice"));
    database.stop().await?;
    Ok(())
}
