//! What people meet over HTTP: the real server on loopback, in this process, beside what it is compared with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::TURNS;
use crate::http::{Client, post, start};
use crate::load::{Run, Turn, Until, callers, closed_loop};
use crate::report::{Row, Target};
use crate::world::{self, PRICE, World, seat};
use crate::{Failure, Opts};

const CONTENDERS: usize = 1_000;
/// How many buy at once in the flows, each on seats of its own.
const BUYERS: usize = 64;
/// How many people take turns at it: nobody buys more than a handful of seats.
const PEOPLE: usize = 4_096;

/// A thousand people on one seat at once.
pub async fn contenders(world: &World) -> Result<Vec<Row>, Failure> {
    let sale = world.sale().await?;
    let office = &sale.pair.office;
    let (address, stop) = start(office).await?;
    let concert = world::concert(office, 1).await?;
    let mut ready = Vec::with_capacity(CONTENDERS);
    for user in &sale.buyers[..CONTENDERS] {
        let token = office.token_status(*user).await?.jwt.ok_or("no keys")?;
        let body = json!({"concertId": concert, "seatNumber": 1, "userId": user});
        ready.push((Client::connect(address).await?, post("/api/v1/reservations", Some(&token), &body)));
    }
    let mut racing = JoinSet::new();
    for (mut client, request) in ready {
        racing.spawn(async move {
            let asked = Instant::now();
            let answer = client.ask(&request).await?;
            Ok::<_, Failure>((answer.status, asked.elapsed()))
        });
    }
    let mut statuses = BTreeMap::<u16, usize>::new();
    let mut run = Run::default();
    while let Some(answered) = racing.join_next().await {
        let (status, took) = answered??;
        *statuses.entry(status).or_default() += 1;
        run.record([took]);
    }
    stop.cancel();
    let expected = BTreeMap::from([(201, 1), (409, CONTENDERS - 1)]);
    if statuses != expected {
        return Err(format!("{CONTENDERS} on one seat were answered {statuses:?}").into());
    }
    let slowest = run.quantile(0.99);
    Ok(vec![Row::figure(
        format!("{CONTENDERS} on one seat, 1 x 201 and 409 for the rest"),
        format!("p99 {slowest:.0} ms"),
        slowest / 1e3,
        "s",
        Target::AtMost(1.0),
    )])
}

/// Reserving and paying over HTTP, against the seed's pattern called directly.
pub async fn flows(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    /// More than a buyer gets through.
    const SEATS: usize = 2_000;
    let sale = world.sale().await?;
    let (address, stop) = start(&sale.pair.office).await?;
    let hall = sale.pair.concert((TURNS * BUYERS * SEATS) as u32).await?;
    let mut tokens = Vec::with_capacity(PEOPLE);
    for user in &sale.buyers[..PEOPLE] {
        tokens.push(sale.pair.office.token_status(*user).await?.jwt.ok_or("no keys")?);
    }
    let tokens = Arc::new(tokens);
    let until = Until::After(Duration::from_secs_f64(opts.seconds / TURNS as f64));
    let (mut ours, mut theirs) = (Run::default(), Run::default());
    for turn in 0..TURNS {
        let (buyers, jwts) = (Arc::clone(&sale.buyers), Arc::clone(&tokens));
        let buy = move |mut client: Client, Turn { caller, own, .. }: Turn| {
            let person = (own * BUYERS + caller) % PEOPLE;
            let (user, token) = (buyers[person], jwts[person].clone());
            async move {
                let seat = seat((turn * BUYERS + caller) * SEATS + own % SEATS)?;
                let body = json!({"concertId": hall, "seatNumber": seat, "userId": user});
                let held = client.ask(&post("/api/v1/reservations", Some(&token), &body)).await?;
                let body = json!({"reservationId": held.text("reservationId")?, "amount": PRICE, "userId": user});
                client.ask(&post("/api/v1/payments/process", Some(&token), &body)).await?.expect(200)?;
                Ok(client)
            }
        };
        let clients = Client::connect_some(address, BUYERS).await?;
        ours.add(closed_loop(clients, usize::MAX, until.clone(), buy).await?);

        let (baseline, buyers) = (sale.pair.baseline.clone(), Arc::clone(&sale.buyers));
        let buy = move |(), Turn { nth, .. }: Turn| {
            let (baseline, user) = (baseline.clone(), buyers[nth % PEOPLE]);
            async move {
                let held = baseline.reserve(user, hall, seat(turn * BUYERS * SEATS + nth)?).await?;
                baseline.pay(user, held.ok_or("the seat was taken")?).await
            }
        };
        theirs.add(closed_loop(callers(BUYERS), BUYERS * SEATS, until.clone(), buy).await?);
    }
    stop.cancel();
    Ok(vec![Row::throughput(format!("reserve + pay over HTTP, {BUYERS} buyers"), &ours, &theirs, 3.0)])
}
