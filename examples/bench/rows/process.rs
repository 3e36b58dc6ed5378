//! A server in a process of its own, on a queue that others have filled.

use std::sync::Arc;
use std::time::Instant;

use concert_core::{Operator, UserId};

use crate::http::{Client, get};
use crate::load::{Turn, Until, closed_loop};
use crate::report::{Row, Target};
use crate::server::Server;
use crate::world::World;
use crate::{Failure, Opts};

/// How many of those who wait poll it, all over the queue.
const POLLERS: u32 = 5_000;
/// How many polls it answers before its memory is read.
const POLLS: usize = 20_000;
const CONNECTIONS: usize = 64;
const MOST_MEGABYTES: f64 = 100.0;
const MOST_SECONDS: f64 = 3.0;

/// How soon a fresh process is ready, and how much memory it takes.
pub async fn memory(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let office = &world.queue(opts.waiting).await?.office;
    let every = (opts.waiting / POLLERS).max(1);
    // Not those who are let in next.
    let users: Vec<UserId> = sqlx::query_scalar(
        "select user_id from tokens where status = 'WAITING' and ticket % ? = 0 order by ticket desc limit ?",
    )
    .bind(every)
    .bind(POLLERS - POLLERS / 10)
    .fetch_all(office.pool())
    .await?;
    let mut requests = Vec::with_capacity(users.len());
    for user in users {
        let token = office.operator(Operator::application()).inspect_token(user).await?.jwt.ok_or("no keys")?;
        requests.push(get(&format!("/api/v1/tokens/{user}"), &token));
    }
    let requests = Arc::new(requests);

    let arguments = world.server_arguments(World::QUEUE).await?;
    let begun = Instant::now();
    let (server, ready) = Server::start(&arguments, "info").await?;
    Client::connect(server.address).await?.ask(&requests[0]).await?.expect(200)?;
    let polled = begun.elapsed();
    let clients = Client::connect_some(server.address, CONNECTIONS).await?;
    let (polls, until) = (Arc::clone(&requests), Until::Done);
    let run = closed_loop(clients, POLLS, until, move |mut client: Client, Turn { nth, .. }| {
        let polls = Arc::clone(&polls);
        async move {
            client.ask(&polls[nth % polls.len()]).await?.expect(200)?;
            Ok(client)
        }
    })
    .await?;
    let memory = server.memory()?;
    server.stop().await?;

    let megabytes = |kilobytes: u64| kilobytes as f64 * 1024.0 / 1e6;
    let (waiting, ready) = (opts.waiting, ready.as_secs_f64());
    Ok(vec![
        Row::figure(
            format!("a fresh process is ready, {waiting} waiting"),
            format!("{ready:.2} s"),
            ready,
            "s",
            Target::AtMost(MOST_SECONDS),
        )
        .note(format!(
            "from its start to /health/ready; its first poll was answered after {:.2} s",
            polled.as_secs_f64()
        )),
        Row::figure(
            format!("memory of a server, {waiting} waiting"),
            format!("{:.0} MB", megabytes(memory.resident)),
            megabytes(memory.resident),
            "MB",
            Target::AtMost(MOST_MEGABYTES),
        )
        .note(format!(
            "resident, after {} polls of {} people; {:.0} MB at its peak",
            run.count(),
            requests.len(),
            megabytes(memory.peak)
        )),
    ])
}
