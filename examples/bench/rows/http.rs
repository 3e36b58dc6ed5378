//! What a crowd meets over HTTP: the real server on loopback, in this process, beside what it is compared with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concert_core::{BoxOffice, UserId};
use concert_server::{App, Limits, serve};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use warp::Filter as _;

use crate::http::{Client, closed_loop, get, post};
use crate::load::Run;
use crate::report::{Row, Target};
use crate::world::{PRICE, World, seat};
use crate::{Failure, Opts};

const CONNECTIONS: usize = 64;
/// How many of those who wait poll.
const POLLERS: u32 = 1_000;
const CONTENDERS: usize = 1_000;
/// A buyer of the flows: so many at once, each on seats of its own.
const BUYERS: usize = 64;
/// Turns of both sides, so that a drift of the machine meets both.
const TURNS: usize = 2;

async fn start(office: &BoxOffice) -> Result<(SocketAddr, CancellationToken), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, stop) = (listener.local_addr()?, CancellationToken::new());
    tokio::spawn(serve(listener, App::new(office.clone()), Limits::default(), stop.clone()));
    Ok((address, stop))
}

/// A bare warp route that answers `body`: what this stack can do at most.
async fn start_bare(body: String) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let route = warp::path!("api" / "v1" / "tokens" / String)
        .and(warp::get())
        .map(move |_| warp::reply::with_header(body.clone(), "content-type", "application/json"));
    tokio::spawn(warp::serve(route).incoming(listener).run());
    Ok(address)
}

/// Polls of a queue that the rows before have filled, against the bare route; and what they ask of the database.
pub async fn poll(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let (address, stop) = start(&world.office).await?;
    let waiting: Vec<UserId> =
        sqlx::query_scalar("select user_id from tokens where status = 'WAITING' order by ticket desc limit ?")
            .bind(POLLERS)
            .fetch_all(world.office.pool())
            .await?;
    let mut requests = Vec::with_capacity(waiting.len());
    for user in waiting {
        let token = world.office.token_status(user).await?.jwt;
        requests.push(get(&format!("/api/v1/tokens/{user}"), &token));
    }
    let requests = Arc::new(requests);
    let sample = Client::connect(address).await?.ask(&requests[0]).await?;
    let bare = start_bare(String::from_utf8(sample.body)?).await?;

    let time = Duration::from_secs_f64(opts.seconds / TURNS as f64);
    let (mut ours, mut theirs) = (Run::default(), Run::default());
    let mut asked = 0;
    for _ in 0..TURNS {
        let before = questions(world).await?;
        ours.add(polling(address, &requests, time).await?);
        asked += questions(world).await?.saturating_sub(before);
        theirs.add(polling(bare, &requests, time).await?);
    }
    stop.cancel();
    let text = |run: &Run| format!("{:.0}/s p99 {:.1} ms", run.per_second(), run.quantile(0.99));
    let polls = ours.per_second() * opts.seconds;
    let count = world.office.queue_figures().await?.waiting;
    Ok(vec![
        Row {
            what: format!("poll with JWT, {count} waiting, over bare warp"),
            ours: text(&ours),
            theirs: text(&theirs),
            value: ours.per_second() / theirs.per_second(),
            unit: "x",
            target: Target::AtLeast(0.7),
        },
        Row {
            what: "database queries per 1000 polls".to_owned(),
            ours: format!("{asked} in all"),
            theirs: String::new(),
            value: asked as f64 / polls * 1e3,
            unit: "",
            target: Target::AtMost(1.0),
        },
    ])
}

async fn polling(address: SocketAddr, requests: &Arc<Vec<Vec<u8>>>, time: Duration) -> Result<Run, Failure> {
    let requests = Arc::clone(requests);
    closed_loop(address, CONNECTIONS, time, move |mut client, number, turn| {
        let (requests, nth) = (Arc::clone(&requests), number * 31 + turn);
        async move {
            let answer = client.ask(&requests[nth % requests.len()]).await?;
            if answer.status == 200 { Ok(client) } else { Err(format!("a poll answered {}", answer.status).into()) }
        }
    })
    .await
}

/// How many statements the server has been asked.
async fn questions(world: &World) -> Result<u64, Failure> {
    let (_, count): (String, String) =
        sqlx::query_as("show global status like 'Questions'").fetch_one(world.office.pool()).await?;
    Ok(count.parse()?)
}

/// A thousand people on one seat at once.
pub async fn contenders(world: &World) -> Result<Vec<Row>, Failure> {
    let (address, stop) = start(&world.office).await?;
    let concert = world.concert(1).await?;
    let mut ready = Vec::with_capacity(CONTENDERS);
    for user in world.active_users(CONTENDERS).await?.iter() {
        let token = world.office.token_status(*user).await?.jwt;
        let body = json!({"concertId": concert, "seatNumber": 1, "userId": user});
        ready.push((Client::connect(address).await?, post("/api/v1/reservations", &token, &body)));
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
    Ok(vec![Row {
        what: format!("{CONTENDERS} on one seat, 1 x 201 and 409 for the rest"),
        ours: format!("p99 {:.0} ms", run.quantile(0.99)),
        theirs: String::new(),
        value: run.quantile(0.99) / 1e3,
        unit: "s",
        target: Target::AtMost(1.0),
    }])
}

/// Reserving and paying over HTTP, against the seed's pattern called directly.
pub async fn flows(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    /// More than a buyer gets through.
    const SEATS: usize = 2_000;
    let (address, stop) = start(&world.office).await?;
    let users = world.active_users(BUYERS).await?;
    let hall = world.concert((2 * BUYERS * SEATS) as u32).await?;
    let mut tokens = Vec::with_capacity(BUYERS);
    for user in users.iter() {
        tokens.push(world.office.token_status(*user).await?.jwt);
    }
    let tokens = Arc::new(tokens);
    let time = Duration::from_secs_f64(opts.seconds / TURNS as f64);
    let (mut ours, mut theirs) = (Run::default(), Run::default());
    for turn in 0..TURNS {
        let from = move |buyer: usize, nth: usize| (turn * BUYERS + buyer) * SEATS + nth % SEATS;
        let (buyers, jwts) = (Arc::clone(&users), Arc::clone(&tokens));
        ours.add(
            closed_loop(address, BUYERS, time, move |mut client, buyer, nth| {
                let (user, token) = (buyers[buyer], jwts[buyer].clone());
                async move {
                    let seat = seat(from(buyer, nth))?;
                    let body = json!({"concertId": hall, "seatNumber": seat, "userId": user});
                    let held = client.ask(&post("/api/v1/reservations", &token, &body)).await?;
                    let body = json!({"reservationId": held.text("reservationId")?, "amount": PRICE, "userId": user});
                    let paid = client.ask(&post("/api/v1/payments/process", &token, &body)).await?;
                    if paid.status == 200 {
                        Ok(client)
                    } else {
                        Err(format!("a payment answered {}", paid.status).into())
                    }
                }
            })
            .await?,
        );
        let (baseline, buyers) = (world.baseline.clone(), Arc::clone(&users));
        theirs.add(
            crate::load::closed_loop(BUYERS, BUYERS * SEATS, time, move |nth| {
                let (baseline, user) = (baseline.clone(), buyers[nth % BUYERS]);
                async move {
                    let held = baseline.reserve(user, hall, seat(turn * BUYERS * SEATS + nth)?).await?;
                    baseline.pay(user, held.ok_or("the seat was taken")?).await
                }
            })
            .await?,
        );
    }
    stop.cancel();
    let text = |run: &Run| format!("{:.0}/s p99 {:.1} ms", run.per_second(), run.quantile(0.99));
    Ok(vec![Row {
        what: format!("reserve + pay over HTTP, {BUYERS} buyers"),
        ours: text(&ours),
        theirs: text(&theirs),
        value: ours.per_second() / theirs.per_second(),
        unit: "x",
        target: Target::AtLeast(3.0),
    }])
}
