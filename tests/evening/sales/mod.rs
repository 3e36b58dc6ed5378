//! Sales: a queue for each, doors, opening and close.

mod changes;
mod instants;
mod openings;
mod over_rest;
mod queues;

use chrono::TimeDelta;
use concert_core::{
    AdmissionChange, BoxOffice, Caller, ConcertId, Join, NewSale, QueueTicket, SaleChange, SaleId, Timestamp,
    TokenStatus,
};

use crate::support::{House, operator};

async fn sale(office: &BoxOffice, name: &str, settings: SaleChange) -> SaleId {
    office.operator(operator()).add_sale(&NewSale::new(name).with_settings(settings)).await.expect("adds a sale").id
}

/// A sale that lets in any number.
async fn open_sale(house: &House, name: &str) -> SaleId {
    let many = AdmissionChange::new().with_max_active(1_000);
    sale(&house.office, name, SaleChange::new().with_admission(many)).await
}

/// A concert of the sale.
async fn concert_of(house: &House, sale: SaleId, seats: u32) -> ConcertId {
    let concert = house.concert(seats).await;
    let put = "update concerts set sale_id = ?, version = version + 1 where id = ?";
    sqlx::query(put).bind(sale).bind(concert).execute(house.office.pool()).await.expect("puts it there");
    concert
}

async fn join(office: &BoxOffice, sale: SaleId, caller: impl Into<Caller>) -> (QueueTicket, TokenStatus, u64) {
    let joined = office.join_queue(Join::sale(sale, caller)).await.expect("joins");
    (joined.token.ticket, joined.token.standing.status, joined.token.standing.queue_position)
}

fn in_seconds(house: &House, seconds: i64) -> Option<Timestamp> {
    Some(house.office.now() + TimeDelta::seconds(seconds))
}
