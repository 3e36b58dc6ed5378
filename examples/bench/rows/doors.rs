//! The doors: a crowd is checked in over HTTP.

use std::sync::Arc;
use std::time::Duration;

use concert_core::{BoxOffice, ConcertId, Money, Page, Role, SecretString, UserId};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::http::{Client, post, start};
use crate::load::{Turn, Until, closed_loop};
use crate::report::{Row, Target};
use crate::world::{self, World};
use crate::{Failure, Opts};

/// How many tickets there are for each second: more than are checked in.
const TICKETS_PER_SECOND: f64 = 20_000.0;
/// How many gates ask at once.
const GATES: usize = 256;
/// What the row is to reach, in check-ins a second.
const LEAST: f64 = 10_000.0;
const PAGE: u32 = 100;
/// What the owner of all tickets has beside what every user has, in whole units.
const FUNDS: u32 = 80_000_000;

/// Tickets that are shown once each, at many gates, with an operator key of the role `gate`.
pub async fn doors(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let office = &world.office("doors").await?;
    let count = (opts.seconds * TICKETS_PER_SECOND) as u32;
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

/// A concert of which one user has every seat, and the payloads of the tickets. The rows are made as sales make them.
async fn sold_out(office: &BoxOffice, seats: u32) -> Result<(ConcertId, Vec<String>), Failure> {
    let (concert, user) = (world::concert(office, seats).await?, world::users(office, 1).await?[0]);
    office.recharge(user, Money::whole(FUNDS)?).await?;
    let steps = [
        "insert into reservations (id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, \
         expires_at, last_updated_at) select unhex(md5(concat('ticket ', seat_number))), ?, concert_id, seat_number, \
         'CONFIRMED', price, current_date, utc_timestamp(6), utc_timestamp(6), utc_timestamp(6) from seats \
         where concert_id = ?",
        "update reservations r straight_join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
         set s.is_reserved = 1, s.reserved_by = ?, s.reservation_id = r.id where s.concert_id = ?",
        "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) \
         select id, ?, id, price, 'SUCCESS', utc_timestamp(6) from reservations where concert_id = ?",
        "insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, payment_id, created_at) \
         select unhex(md5(concat('entry ', r.seat_number))), u.id, u.entries + row_number() over (order by r.seat_number), \
         'PAYMENT', -r.price, u.balance - sum(r.price) over (order by r.seat_number), r.id, utc_timestamp(6) \
         from users u join reservations r on r.user_id = u.id where u.id = ? and r.concert_id = ?",
        "update users u join (select user_id, count(*) as seats, sum(price) as total from reservations \
         where user_id = ? and concert_id = ? group by user_id) sold on sold.user_id = u.id \
         set u.balance = u.balance - sold.total, u.entries = u.entries + sold.seats",
    ];
    for step in steps {
        sqlx::query(step).bind(user).bind(concert).execute(office.pool()).await?;
    }
    Ok((concert, payloads(office, user, seats as usize).await?))
}

async fn payloads(office: &BoxOffice, user: UserId, count: usize) -> Result<Vec<String>, Failure> {
    let (mut payloads, mut last) = (Vec::with_capacity(count), None);
    loop {
        let page = office.tickets_of(user, Page::new(Some(PAGE), last)?).await?;
        last = page.data.last().map(|ticket| ticket.reservation.id);
        payloads.extend(page.data.into_iter().filter_map(|ticket| ticket.payload));
        if !page.has_more {
            return if payloads.len() == count { Ok(payloads) } else { Err("a ticket has no payload".into()) };
        }
    }
}

async fn gate_key(office: &BoxOffice) -> Result<SecretString, Failure> {
    let back_office = office.operator("bench".parse()?);
    Ok(back_office.make_key(&"gates".parse()?, Role::Gate).await?.secret)
}
