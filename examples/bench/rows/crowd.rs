//! A crowd joins while another polls.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use concert_core::{BoxOffice, UserId};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::TURNS;
use crate::http::{Answer, Client, get, post, start};
use crate::load::{Run, Turn, Until, callers, closed_loop};
use crate::report::Row;
use crate::world::{self, Pair, World};
use crate::{Failure, Opts};

/// Connections of those who join, and callers of the seed's pattern.
const JOINING: usize = 1_024;
/// Connections of those who poll.
const POLLING: usize = 128;
/// No more than this join the seed's queue in a turn: what is prepared for it.
const MOST_THEIRS: usize = 60_000;
/// What part of their pause people have behind them when they begin to poll: multiples of it are spread evenly.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// Somebody in the queue.
struct Person {
    request: Vec<u8>,
    /// How long from the start to the first poll.
    first: Duration,
}

/// Somebody who has joined, and what they were told.
struct Joiner {
    user: UserId,
    answer: Answer,
}

pub async fn crowd(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let pair = world.pair("crowd").await?;
    let office = &pair.office;
    let (address, stop) = start(office).await?;
    let passes = tokio::spawn({
        let (office, stop) = (office.clone(), stop.clone());
        async move { office.run(stop.cancelled()).await }
    });
    let waiting = world::users(office, opts.crowd).await?;
    let people = people(office, &waiting).await?;
    let joiners = world::users(office, opts.crowd).await?;
    pair.baseline.fill_waiting(opts.crowd as u32).await?;

    let until = Until::After(Duration::from_secs_f64(opts.seconds / TURNS as f64));
    let mut theirs = theirs_joining(&pair, until.clone()).await?;
    let over = CancellationToken::new();
    let polling = tokio::spawn(polling(address, people, over.clone()));
    let joined = joining(address, &joiners).await;
    over.cancel();
    let polls = polling.await??;
    let (ours, joined) = joined?;
    theirs.add(theirs_joining(&pair, until).await?);

    office.refresh_queue().await?;
    let count = joined.len();
    check_positions(office, address, joined).await?;
    stop.cancel();
    passes.await?;
    pair.close().await?;
    let what = format!("join of {count} over HTTP while {} poll", opts.crowd);
    Ok(vec![Row::throughput(what, &ours, &theirs, 5.0).note(format!(
        "{:.0} polls/s, answered {:.1} ms (p99) after they were due; theirs: {JOINING} callers alone, without HTTP; \
         all {count} positions are exact",
        polls.per_second(),
        polls.quantile(0.99)
    ))])
}

/// Has them join, and spreads their first polls evenly over the pauses that they are told to make.
async fn people(office: &BoxOffice, users: &[UserId]) -> Result<Vec<Person>, Failure> {
    let tokens = world::join(office, users).await?;
    office.refresh_queue().await?;
    let mut people = Vec::with_capacity(tokens.len());
    for (nth, token) in tokens.into_iter().enumerate() {
        let pause = office.poll(&token.ticket).await?.poll_after_seconds;
        let request = get(&format!("/api/v1/tokens/{}", token.ticket.user), &token.jwt.ok_or("no keys")?);
        people.push(Person { request, first: Duration::from_secs(pause).mul_f64(nth as f64 * GOLDEN % 1.0) });
    }
    Ok(people)
}

async fn theirs_joining(pair: &Pair, until: Until) -> Result<Run, Failure> {
    let baseline = pair.baseline.clone();
    let users: Vec<_> = (0..MOST_THEIRS).map(|_| UserId::generate()).collect();
    baseline.add_users(&users).await?;
    let users = Arc::new(users);
    let join = move |(), Turn { nth, .. }: Turn| {
        let (baseline, user) = (baseline.clone(), users[nth]);
        async move { baseline.join(user).await }
    };
    closed_loop(callers(JOINING), MOST_THEIRS, until, join).await
}

/// Polls of everyone until it is over, each as long after their last as the answer to it said: however slow the answers
/// are, the next ones are due all the same.
async fn polling(address: SocketAddr, people: Vec<Person>, over: CancellationToken) -> Result<Run, Failure> {
    let people = Arc::new(people);
    let clients = Client::connect_some(address, POLLING).await?;
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        let due = (number..people.len()).step_by(POLLING);
        let due = due.map(|person| Reverse((begun + people[person].first, person))).collect();
        loops.spawn(polling_on(client, due, Arc::clone(&people), over.clone()));
    }
    let mut run = Run::default();
    while let Some(seen) = loops.join_next().await {
        run.record(seen??);
    }
    run.took(begun.elapsed());
    Ok(run)
}

/// One connection's share of the people. Answers how long after they were due its polls were answered.
async fn polling_on(
    mut client: Client,
    mut due: BinaryHeap<Reverse<(Instant, usize)>>,
    people: Arc<Vec<Person>>,
    over: CancellationToken,
) -> Result<Vec<Duration>, Failure> {
    let mut seen = Vec::new();
    while let Some(Reverse((at, person))) = due.pop() {
        if over.run_until_cancelled(sleep_until(at)).await.is_none() {
            break;
        }
        let answer = client.ask(&people[person].request).await?.expect(200)?;
        seen.push(at.elapsed());
        due.push(Reverse((Instant::now() + pause(&answer)?, person)));
    }
    Ok(seen)
}

fn pause(answer: &Answer) -> Result<Duration, Failure> {
    Ok(Duration::from_secs(answer.number("pollAfterSeconds")?))
}

async fn joining(address: SocketAddr, users: &[UserId]) -> Result<(Run, Vec<Joiner>), Failure> {
    let clients = Client::connect_some(address, JOINING).await?;
    let request = |user: &UserId| (*user, post("/api/v1/tokens", None, &json!({"userId": user})));
    let requests: Arc<Vec<_>> = Arc::new(users.iter().map(request).collect());
    let joined = Arc::new(Mutex::new(Vec::with_capacity(users.len())));
    let (all, until) = (users.len(), Until::Done);
    let join = {
        let joined = Arc::clone(&joined);
        move |mut client: Client, Turn { nth, .. }: Turn| {
            let (requests, joined) = (Arc::clone(&requests), Arc::clone(&joined));
            async move {
                let (user, request) = &requests[nth];
                let answer = client.ask(request).await?.expect(201)?;
                joined.lock().unwrap_or_else(PoisonError::into_inner).push(Joiner { user: *user, answer });
                Ok(client)
            }
        }
    };
    let run = closed_loop(clients, all, until, join).await?;
    let joined = std::mem::take(&mut *joined.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((run, joined))
}

/// Nobody was let in and nobody left, so what everyone is told now, and was told when joining, is the rank of their
/// ticket among all who wait: as the database orders them, not as the server's memory does.
async fn check_positions(office: &BoxOffice, address: SocketAddr, joined: Vec<Joiner>) -> Result<(), Failure> {
    let in_order: Vec<UserId> =
        sqlx::query_scalar("select user_id from tokens where status = 'WAITING' order by ticket")
            .fetch_all(office.pool())
            .await?;
    let ranks: Arc<HashMap<UserId, u64>> = Arc::new(in_order.into_iter().zip(1..).collect());
    let (joined, clients) = (Arc::new(joined), Client::connect_some(address, POLLING).await?);
    let (all, until) = (joined.len(), Until::Done);
    let check = move |mut client: Client, Turn { nth, .. }: Turn| {
        let (joined, ranks) = (Arc::clone(&joined), Arc::clone(&ranks));
        async move {
            let Joiner { user, answer } = &joined[nth];
            let (token, then) = (answer.text("token")?, answer.number("queuePosition")?);
            let answer = client.ask(&get(&format!("/api/v1/tokens/{user}"), &token)).await?.expect(200)?;
            let (rank, now) = (ranks.get(user).copied(), answer.number("queuePosition")?);
            if rank != Some(now) || rank != Some(then) {
                return Err(format!("{user} is at {rank:?}, was told {then} and then {now}").into());
            }
            Ok(client)
        }
    };
    closed_loop(clients, all, until, check).await.map(drop)
}
