//! A whole purchase through the library, on a private MariaDB in a folder that goes away.
//!
//! `cargo run -p concert-examples --example buy_one_seat`

use std::error::Error;
use std::sync::Arc;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{
    BoxOffice, Clock as _, Money, NewConcert, Operator, Policy, SeatNumber, Section, SystemClock, Username,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = PrivateDatabase::open(folder.path(), &Settings::default()).await?;
    let options = database.database("concert").await?;
    let office = BoxOffice::connect_with(options, Policy::default(), Arc::new(SystemClock)).await?;
    office.migrate().await?;

    let concert =
        NewConcert::new("Spring", SystemClock.now().date_naive(), vec![Section::plain(10, Money::whole(80)?)]);
    office.operator(Operator::application()).add_concert(&concert).await?;
    let user = office.sign_up("anna".parse::<Username>()?).await?.id;

    let joined = office.issue_token(user).await?;
    println!("in the queue: {}", joined.token.standing.status.as_str());
    let free = office.seats(concert.id).await?.iter().filter(|seat| seat.available).count();
    println!("free seats: {free}");
    let seat = SeatNumber::new(7)?;
    let order = office.hold(user, concert.id, seat).await?;
    println!("seat {seat} is held until {} for {}", order.expires_at, order.total);
    let recharged = office.recharge(user, Money::whole(100)?).await?;
    println!("balance: {} -> {}", recharged.before, recharged.after);
    office.pay(user, order.id, order.total).await?;
    println!("seat {seat} is sold; balance: {}", office.balance(user).await?);

    let refused = office.hold(user, concert.id, seat).await.err().map(|error| error.code());
    println!("once more: {}", refused.unwrap_or("sold twice"));
    database.stop().await?;
    Ok(())
}
