//! `/tickets/{ticketId}`: a ticket with its QR code, to show and to print.

use askama::Template;
use concert_core::{OwnTicket, ReservationId, VoidReason};

use super::order::seat_name;
use super::visit::{Frame, Visit, show};
use super::when::{self, Shown};
use crate::http::{Answer, ticket_qr};

#[derive(Template)]
#[template(path = "ticket.html")]
struct TicketPage {
    frame: Frame,
    id: ReservationId,
    concert: String,
    date: String,
    seat: String,
    holder: String,
    version: u32,
    /// The image of the QR code; empty where the ticket is void.
    qr: String,
    /// The payload as text, for a door whose scanner is broken.
    payload: String,
    void: String,
    checked_in: Option<(Shown, String)>,
}

pub(super) async fn page(mut visit: Visit) -> Answer {
    let found = visit.office().ticket_of(visit.caller()?, visit.id::<ReservationId>()?).await?;
    let frame = &mut visit.frame;
    frame.title = frame.t.ticket_title();
    let void = found.void.map(|reason| why(frame, reason)).unwrap_or_default();
    let payload = found.payload.clone().unwrap_or_default();
    let qr = if payload.is_empty() { String::new() } else { ticket_qr(&payload)? };
    let OwnTicket { reservation, concert_name, date, starts_at, version, checked_in, .. } = found;
    let page = TicketPage {
        id: reservation.id,
        concert: concert_name.to_string(),
        date: when::date_and_time(frame.locale.language, date, starts_at),
        seat: seat_name(frame, &reservation),
        holder: reservation.user.to_string(),
        version,
        qr,
        payload,
        void,
        checked_in: checked_in.map(|(at, gate)| (Shown::of(frame, at, frame.locale.zone), gate)),
        frame: visit.frame,
    };
    show(&page)
}

fn why(frame: &Frame, reason: VoidReason) -> String {
    match reason {
        VoidReason::Cancelled => frame.t.ticket_void_cancelled(),
        _ => frame.t.ticket_void_refunded(),
    }
}
