//! The doors: a crowd is checked in over HTTP.

use std::sync::Arc;
use std::time::Duration;

use concert_core::{BoxOffice, ConcertId, Page, Role, SecretString};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::http::{Client, post, start};
use crate::load::{Turn, Until, closed_loop};
use crate::report::{Row, Target};
use crate::world::{self, World};
use crate::{Failure, Opts, sold};

/// How many tickets there are for each second: more than are checked in.
const TICKETS_PER_SECOND: f64 = 20_000.0;
/// How many gates ask at once.
const GATES: usize = 256;
/// What the row is to reach, in check-ins a second.
const LEAST: f64 = 10_000.0;
/// How many seats each user has: as many as one page of tickets.
const SEATS_PER_USER: u32 = 100;

/// Tickets that are shown once each, at many gates, with an operator key of the role `gate`.
pub async fn doors(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let office = &world.office("doors").await?;
    let count = ((opts.seconds * TICKETS_PER_SECOND) as u32).next_multiple_of(SEATS_PER_USER);
    let (concert, payloads) = sold_out(office, count).await?;
    let key = gate_key(office).await?;
    let path = format!("/api/v1/admin/concerts/{concert}/checkins");
    let requests = payloads.into_iter().enumerate().map(|(nth, ticket)| {
        let gate = format!("gate {}", nth % GATES);
        post(&path, Some(key.expose_secret()), &json!({"ticket": ticket, "gate": gate}))
    });
    let requests: Arc<Vec<_>> = Arc::new(requests.collect());
    let (address, stop) = start(office).await?;
    let gates = Client::connect_some(address, GATES).await?;
    let time = Until::After(Duration::from_secs_f64(opts.seconds));
    let shown = Arc::clone(&requests);
    let run = closed_loop(gates, requests.len(), time, move |mut client, Turn { nth, .. }| {
        let shown = Arc::clone(&shown);
        async move {
            client.ask(&shown[nth]).await?.expect(201)?;
            Ok(client)
        }
    });
    let run = run.await?;
    stop.cancel();
    let recorded: i64 = sqlx::query_scalar("select count(*) from check_ins").fetch_one(office.pool()).await?;
    if recorded as u64 != run.count() {
        return Err(format!("{recorded} check-ins are recorded, and {} were answered", run.count()).into());
    }
    let row = Row::figure(
        format!("check-ins over HTTP at {GATES} gates"),
        run.text(),
        run.per_second(),
        "/s",
        Target::AtLeast(LEAST),
    );
    world::close(office.clone()).await?;
    Ok(vec![row.note("signature verified, ticket locked, check-in and its log entry committed; gates, server and database share the cores")])
}

/// A concert that is sold out, and the payloads of its tickets.
async fn sold_out(office: &BoxOffice, seats: u32) -> Result<(ConcertId, Vec<String>), Failure> {
    let concert = world::concert(office, seats).await?;
    let owners = world::users(office, (seats / SEATS_PER_USER) as usize).await?;
    sold::sell(office, seats, SEATS_PER_USER).await?;
    let mut payloads = Vec::with_capacity(seats as usize);
    for owner in owners {
        let page = office.tickets_of(owner, Page::new(Some(SEATS_PER_USER), None)?).await?;
        payloads.extend(page.data.into_iter().filter_map(|ticket| ticket.payload));
    }
    if payloads.len() == seats as usize { Ok((concert, payloads)) } else { Err("a ticket has no payload".into()) }
}

async fn gate_key(office: &BoxOffice) -> Result<SecretString, Failure> {
    let back_office = office.operator("bench".parse()?);
    Ok(back_office.make_key(&"gates".parse()?, Role::Gate).await?.secret)
}
