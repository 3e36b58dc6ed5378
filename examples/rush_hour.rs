//! N buyers over one concert with too few seats, through the library, ending with the audit.
//!
//! `cargo run --release -p concert-examples --example rush_hour -- --buyers 5000 --seats 2000`

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{
    AdmissionChange, BoxOffice, Clock as _, ConcertId, Money, NewConcert, OpeningUser, Operator, Policy, SeatNumber,
    Section, SystemClock, UserId,
};
use tokio::task::JoinSet;

/// How many seats a buyer tries before giving up.
const TRIES: u32 = 20;
const PRICE: u32 = 80;

#[derive(Parser)]
struct Opts {
    /// How many buyers arrive at once.
    #[arg(long, default_value_t = 1_000)]
    buyers: u32,
    /// How many seats there are.
    #[arg(long, default_value_t = 400)]
    seats: u32,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let opts = Opts::parse();
    let folder = tempfile::tempdir()?;
    let database = PrivateDatabase::open(folder.path(), &Settings::default()).await?;
    let policy = Policy::default();
    let options = database.database("concert").await?;
    let office = BoxOffice::connect_with(options, policy, Arc::new(SystemClock)).await?;
    office.migrate().await?;
    // Everyone may come in: this is about the seats. The queue is what the server's demo shows.
    let everyone = AdmissionChange::new().with_max_active(opts.buyers);
    office.operator(Operator::application()).set_admission(everyone).await?;
    let concert = put_on_sale(&office, opts.seats).await?;
    let buyers = buyers(&office, opts.buyers).await?;

    let begun = Instant::now();
    let rush: JoinSet<_> = buyers
        .into_iter()
        .enumerate()
        .map(|(nth, buyer)| buy(office.clone(), buyer, concert, nth as u32, opts.seats))
        .collect();
    let mut outcomes = BTreeMap::<&str, u32>::new();
    for outcome in rush.join_all().await {
        *outcomes.entry(outcome.map_or_else(|error| error.code(), |()| "SOLD")).or_default() += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();

    for (outcome, count) in &outcomes {
        println!("{outcome:<24} {count}");
    }
    let sold = outcomes.get("SOLD").copied().unwrap_or_default();
    println!("{sold} seats sold in {seconds:.2} s, {:.0} a second", f64::from(sold) / seconds);
    let violations = office.operator(Operator::application()).audit().await?;
    println!("audit: {} violations", violations.len());
    database.stop().await?;
    let sound = violations.is_empty() && sold == opts.seats.min(opts.buyers);
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn put_on_sale(office: &BoxOffice, seats: u32) -> Result<ConcertId, Box<dyn Error>> {
    let concert =
        NewConcert::new("Rush", SystemClock.now().date_naive(), vec![Section::plain(seats, Money::whole(PRICE)?)]);
    office.operator(Operator::application()).add_concert(&concert).await?;
    Ok(concert.id)
}

async fn buyers(office: &BoxOffice, count: u32) -> Result<Vec<UserId>, Box<dyn Error>> {
    let mut users = Vec::new();
    for nth in 0..count {
        let username = format!("buyer-{nth}").parse()?;
        users.push(OpeningUser::new(username).with_balance(Money::whole(PRICE)?));
    }
    office.operator(Operator::application()).add_users(&users).await?;
    Ok(users.into_iter().map(|user| user.id).collect())
}

/// Joins, looks for a free seat from a place of one's own on, holds it and pays.
async fn buy(
    office: BoxOffice,
    buyer: UserId,
    concert: ConcertId,
    nth: u32,
    seats: u32,
) -> Result<(), concert_core::Error> {
    office.issue_token(buyer).await?;
    let mut wanted = nth % seats;
    for _ in 0..TRIES {
        match office.hold(buyer, concert, SeatNumber::new(i64::from(wanted) + 1)?).await {
            Ok(order) => return office.pay(buyer, order.id, order.total).await.map(drop),
            Err(concert_core::Error::SeatAlreadyReserved { .. }) => {
                let free: Vec<_> = office.seats(concert).await?.into_iter().filter(|seat| seat.available).collect();
                let Some(seat) = free.get(nth as usize % free.len().max(1)) else {
                    return Err(concert_core::Error::SeatAlreadyReserved {
                        seats: vec![SeatNumber::new(i64::from(wanted) + 1)?],
                        yours: Vec::new(),
                    });
                };
                wanted = seat.number.get() as u32 - 1;
            }
            Err(error) => return Err(error),
        }
    }
    Err(concert_core::Error::SeatAlreadyReserved {
        seats: vec![SeatNumber::new(i64::from(wanted) + 1)?],
        yours: Vec::new(),
    })
}
