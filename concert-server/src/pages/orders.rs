//! `/orders` and `/tickets`: what somebody has.

use askama::Template;
use concert_core::{ConcertStatus, OrderId, Page, ReservationId};

use super::order::{self, seat_name};
use super::visit::{Frame, Visit, show};
use super::when;
use crate::http::{Answer, Problem};

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    frame: Frame,
    orders: Vec<OrderLine>,
    older: Option<OrderId>,
}

struct OrderLine {
    id: OrderId,
    concert: String,
    seats: usize,
    sum: String,
    status: String,
    badge: &'static str,
}

#[derive(Template)]
#[template(path = "tickets.html")]
struct TicketsPage {
    frame: Frame,
    tickets: Vec<TicketLine>,
    older: Option<ReservationId>,
}

struct TicketLine {
    id: ReservationId,
    concert: String,
    date: String,
    seat: String,
    is_cancelled: bool,
}

/// The last of the page before, if the query names one.
fn after<I: std::str::FromStr>(visit: &Visit) -> Result<Page<I>, Problem> {
    // A link that lost its end on the way shows the newest, which is better than a refusal.
    Ok(Page::new(None, visit.asked("after").parse().ok())?)
}

pub(super) async fn orders(mut visit: Visit) -> Answer {
    let found = visit.office().orders_of(visit.caller()?, after(&visit)?).await?;
    let endings = order::endings(&visit, &found.data).await?;
    let mut orders = Vec::new();
    for order in &found.data {
        let of_concert = order.reservations.first().map_or(ConcertStatus::OnSale, |first| first.concert_status);
        let ending = order::ending(order, &endings);
        let (status, badge) = order::status(&visit.frame, order.status(), of_concert, ending);
        let sum = order.reservations.iter().map(|reservation| reservation.price);
        // What no wallet could pay was never held, so the sum has its place.
        let sum = sum.reduce(|sum, price| sum.checked_add(price).unwrap_or(sum));
        orders.push(OrderLine {
            id: order.id,
            concert: order::concert(&visit, order.concert).await?.0,
            seats: order.reservations.len(),
            sum: sum.map(|sum| visit.frame.money(sum)).unwrap_or_default(),
            status,
            badge,
        });
    }
    let older = found.data.last().filter(|_| found.has_more).map(|order| order.id);
    visit.frame.title = visit.frame.t.orders_title();
    show(&OrdersPage { orders, older, frame: visit.frame })
}

pub(super) async fn tickets(mut visit: Visit) -> Answer {
    let found = visit.office().tickets_of(visit.caller()?, after(&visit)?).await?;
    let frame = &mut visit.frame;
    let tickets = found.data.iter().map(|ticket| TicketLine {
        id: ticket.reservation.id,
        concert: ticket.concert_name.to_string(),
        date: when::date_and_time(frame.locale.language, ticket.date, ticket.starts_at),
        seat: seat_name(frame, &ticket.reservation),
        is_cancelled: ticket.reservation.concert_status == ConcertStatus::Cancelled,
    });
    let tickets = tickets.collect();
    let older = found.data.last().filter(|_| found.has_more).map(|ticket| ticket.reservation.id);
    frame.title = frame.t.tickets_title();
    show(&TicketsPage { tickets, older, frame: visit.frame })
}
