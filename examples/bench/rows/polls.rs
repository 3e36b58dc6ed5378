//! Polls over HTTP: the real server on loopback, in this process, beside what it is compared with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use concert_core::{BoxOffice, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use uuid::Uuid;
use warp::Filter as _;
use warp::http::StatusCode;

use super::TURNS;
use crate::http::{Client, get, start, start_bare};
use crate::load::{Run, Turn, Until, closed_loop};
use crate::processor::LoadThreads;
use crate::report::{Row, Target};
use crate::world::{self, World, wait_in_line};
use crate::{Failure, Opts};

const CONNECTIONS: usize = 64;
/// How many of those who wait poll: the last in the line.
const POLLERS: u32 = 1_000;
/// How many wait in the short queue that the long one is compared with.
const SHORT_QUEUE: u32 = 10_000;

/// What is polled, and what each is asked.
struct Polled {
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
}

/// Polls of a long queue, against bare routes and against a short queue; and what they ask of the database.
pub async fn poll(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let long = &world.queue(opts.waiting).await?.office;
    let short = world.office("short_queue").await?;
    wait_in_line(&short, SHORT_QUEUE).await?;
    let ((address, stop), (short_address, stop_short)) = (start(long).await?, start(&short).await?);
    let long_queue = Polled { address, requests: requests(long).await? };
    let short_queue = Polled { address: short_address, requests: requests(&short).await? };
    let body = Client::connect(address).await?.ask(&long_queue.requests[0]).await?.expect(200)?.body;
    let body = String::from_utf8(body)?;
    let beside = |address| Polled { address, requests: Arc::clone(&long_queue.requests) };
    let bare = beside(bare(body.clone()).await?);
    let checking = beside(bare_checking(long, body.clone()).await?);
    let decoding = beside(bare_decoding(world.jwt_secret()?, body).await?);

    let time = Duration::from_secs_f64(opts.seconds / TURNS as f64);
    let (mut ours, mut theirs, mut few) = (Run::default(), Run::default(), Run::default());
    let (mut ours_apart, mut checking_apart, mut decoding_apart) = (Run::default(), Run::default(), Run::default());
    let (meter, clients) = (world.meter()?, LoadThreads::start()?);
    let mut asked = 0;
    for _ in 0..TURNS {
        let before = questions(long).await?;
        ours.add(long_queue.poll(time).await?);
        asked += questions(long).await?.saturating_sub(before);
        theirs.add(bare.poll(time).await?);
        few.add(short_queue.poll(time).await?);
        ours_apart.add(meter.measure(clients.run(long_queue.poll(time))).await?);
        checking_apart.add(meter.measure(clients.run(checking.poll(time))).await?);
        decoding_apart.add(meter.measure(clients.run(decoding.poll(time))).await?);
    }
    stop.cancel();
    stop_short.cancel();
    world::close(short).await?;
    let waiting = opts.waiting;
    let ratio = few.per_second() / ours.per_second();
    let per_thousand = asked as f64 / ours.count() as f64 * 1e3;
    let what = format!("poll, {waiting} waiting, over bare warp with JWT");
    Ok(vec![
        Row::server_time(&what, &ours_apart, &decoding_apart, 1.3).note(format!(
            "of the server alone, its clients have threads of their own; the bare route checks the same JWT with \
             jsonwebtoken::decode, as an application would, and answers the same JSON; {:.0} and {:.0} polls/s",
            ours_apart.per_second(),
            decoding_apart.per_second()
        )),
        Row::server_time(&format!("{what} checked by us"), &ours_apart, &checking_apart, 0.0)
            .information()
            .note("the same, but the bare route checks the JWT as our server does, which is faster"),
        Row::throughput(format!("poll with JWT, {waiting} waiting, over bare warp"), &ours, &theirs, 0.0)
            .information()
            .note("the bare route checks no JWT; server and clients share threads"),
        Row::ratio(
            format!("poll, {SHORT_QUEUE} waiting over {waiting} waiting"),
            few.text(),
            ours.text(),
            ratio,
            Target::AtMost(1.2),
        ),
        Row::figure(
            "database queries per 1000 polls",
            format!("{asked} in all"),
            per_thousand,
            "",
            Target::AtMost(1.0),
        ),
    ])
}

impl Polled {
    /// Polls for some time, on as many connections as there are.
    fn poll(&self, time: Duration) -> impl Future<Output = Result<Run, Failure>> + Send + 'static {
        let (address, requests) = (self.address, Arc::clone(&self.requests));
        async move {
            let clients = Client::connect_some(address, CONNECTIONS).await?;
            closed_loop(clients, usize::MAX, Until::After(time), move |mut client, Turn { nth, .. }| {
                let requests = Arc::clone(&requests);
                async move {
                    client.ask(&requests[nth % requests.len()]).await?.expect(200)?;
                    Ok(client)
                }
            })
            .await
        }
    }
}

/// What this stack can do at most.
async fn bare(body: String) -> Result<SocketAddr, Failure> {
    let route = warp::path!("api" / "v1" / "tokens" / String)
        .and(warp::get())
        .map(move |_| warp::reply::with_header(body.clone(), "content-type", "application/json"));
    start_bare(route).await
}

/// The same, for those alone who show a good JWT: whatever else a poll costs is ours.
async fn bare_checking(office: &BoxOffice, body: String) -> Result<SocketAddr, Failure> {
    let office = office.clone();
    let route = warp::path!("api" / "v1" / "tokens" / String)
        .and(warp::get())
        .and(warp::header::<String>("authorization"))
        .then(move |_, bearer: String| {
            let (office, body) = (office.clone(), body.clone());
            async move {
                let token = bearer.strip_prefix("Bearer ").unwrap_or_default();
                let good = office.authenticate(token).await.is_ok();
                let status = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
                let reply = warp::reply::with_header(body, "content-type", "application/json");
                warp::reply::with_status(reply, status)
            }
        });
    start_bare(route).await
}

/// The claims of a queue token.
#[derive(Debug, Clone, Deserialize)]
#[expect(dead_code, reason = "they are read to be checked")]
struct Claims {
    sub: Uuid,
    jti: Uuid,
    ticket: u64,
    exp: i64,
}

/// The same with the check of an application that knows nothing of ours.
async fn bare_decoding(secret: SecretString, body: String) -> Result<SocketAddr, Failure> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["concert-queue"]);
    validation.set_issuer(&["concert"]);
    let checks = Arc::new((DecodingKey::from_secret(secret.expose_secret().as_bytes()), validation));
    let route = warp::path!("api" / "v1" / "tokens" / String)
        .and(warp::get())
        .and(warp::header::<String>("authorization"))
        .map(move |_, bearer: String| {
            let (key, validation) = &*checks;
            let token = bearer.strip_prefix("Bearer ").unwrap_or_default();
            let good = decode::<Claims>(token, key, validation).is_ok();
            let status = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            let reply = warp::reply::with_header(body.clone(), "content-type", "application/json");
            warp::reply::with_status(reply, status)
        });
    start_bare(route).await
}

/// A poll of each of the last in the line.
async fn requests(office: &BoxOffice) -> Result<Arc<Vec<Vec<u8>>>, Failure> {
    let last: Vec<UserId> =
        sqlx::query_scalar("select user_id from tokens where status = 'WAITING' order by ticket desc limit ?")
            .bind(POLLERS)
            .fetch_all(office.pool())
            .await?;
    let mut requests = Vec::with_capacity(last.len());
    for user in last {
        let token = office.token_status(user).await?.jwt.ok_or("no keys")?;
        requests.push(get(&format!("/api/v1/tokens/{user}"), &token));
    }
    Ok(Arc::new(requests))
}

/// How many statements the server has been asked.
async fn questions(office: &BoxOffice) -> Result<u64, Failure> {
    let (_, count): (String, String) =
        sqlx::query_as("show global status like 'Questions'").fetch_one(office.pool()).await?;
    Ok(count.parse()?)
}
