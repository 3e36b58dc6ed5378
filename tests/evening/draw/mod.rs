//! The draw: who waits at the doors is put in an order at the opening that nobody chose and anyone can check.

mod checked;
mod made;
mod of_a_million;
mod places;
mod with_codes;

use std::collections::HashSet;

use concert_core::chrono::TimeDelta;
use concert_core::{
    AdmissionChange, BoxOffice, Draw, EntryOrder, Join, NewSale, Places, QueueTicket, SaleChange, SaleId, Standing,
    TokenStatus, UserId,
};

use crate::support::{House, Shortcuts as _};

/// From the doors to the opening.
const UNTIL_OPENING: u64 = 600;
/// How many are let in.
const ROOM: u32 = 3;

/// A sale that is drawn: its doors are open, and it opens in ten minutes.
async fn at_the_doors(house: &House) -> SaleId {
    let opens_at = house.office.now() + TimeDelta::seconds(UNTIL_OPENING as i64);
    let admission = AdmissionChange::new().with_max_active(ROOM);
    let settings = SaleChange::new().with_opens_at(Some(opens_at)).with_order(EntryOrder::Draw);
    let new = NewSale::new("Friday").with_settings(settings.with_admission(admission));
    house.office.back_office().add_sale(&new).await.expect("adds a sale").id
}

async fn join(office: &BoxOffice, sale: SaleId, user: UserId) -> (QueueTicket, Standing) {
    let joined = office.join_queue(Join::sale(sale, user)).await.expect("joins");
    (joined.token.ticket, joined.token.standing)
}

async fn join_all(house: &House, sale: SaleId, count: usize) -> Vec<QueueTicket> {
    let mut tickets = Vec::new();
    for user in house.users(count, 0).await {
        tickets.push(join(&house.office, sale, user).await.0);
    }
    tickets
}

async fn draw_of(house: &House, sale: SaleId) -> Draw {
    house.office.sale(sale).await.expect("is there").draw.expect("it is drawn")
}

/// The waiting tickets in the order in which they must be.
fn in_order(places: &Places, tickets: &[QueueTicket], active: &HashSet<u64>) -> Vec<u64> {
    let mut waiting: Vec<_> = tickets.iter().map(|ticket| ticket.ticket).collect();
    waiting.retain(|ticket| !active.contains(ticket));
    waiting.sort_by_key(|ticket| places.place_of(*ticket));
    waiting
}

/// What an office tells each: who is ACTIVE, and the others by their positions.
async fn told(office: &BoxOffice, tickets: &[QueueTicket]) -> (HashSet<u64>, Vec<u64>) {
    let (mut active, mut waiting) = (HashSet::new(), Vec::new());
    for ticket in tickets {
        let standing = office.poll(ticket).await.expect("is in the queue");
        assert!(!standing.awaits_draw);
        match standing.status {
            TokenStatus::Active => drop(active.insert(ticket.ticket)),
            _ => waiting.push((standing.queue_position, ticket.ticket)),
        }
    }
    waiting.sort_unstable();
    assert!(waiting.iter().map(|(position, _)| *position).eq(1..=waiting.len() as u64), "{waiting:?}");
    (active, waiting.into_iter().map(|(_, ticket)| ticket).collect())
}
