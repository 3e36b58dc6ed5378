//! The story of a reservation: held, and then paid, lapsed, given back or refunded.

use sqlx::MySqlPool;

use super::store::{self, CheckInRow, PaymentRow, ReservationRow};
use super::{Event, EventKind, Explanation, moment, passing};
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::ReservationId;
use crate::reservation::ReservationStatus;

/// The story of a reservation; `None`: there is no such reservation.
pub(crate) async fn explain(
    pool: &MySqlPool,
    id: ReservationId,
    now: Timestamp,
) -> Result<Option<Explanation>, sqlx::Error> {
    let Some(row) = store::reservation(pool, id).await? else { return Ok(None) };
    let passing = passing::of(pool, std::slice::from_ref(&row)).await?.remove(&id).unwrap_or_default();
    let mut events = events(&row, "", now);
    events.extend(passing.events());
    events.sort_by_key(|event| event.at);
    let held = &row.reservation;
    let subject = format!(
        "reservation {id}: seat {} of {} on {}, {}, for user {}",
        held.seat, row.concert_name, held.performance_date, held.price, held.user
    );
    Ok(Some(Explanation {
        subject,
        now: held.status_at(now).as_str().to_owned(),
        events,
        older_left_out: false,
        next: vec![next(&row, now)],
    }))
}

/// What happened to the reservation. `about` says whose or what it was, where the subject does not.
pub(super) fn events(row: &ReservationRow, about: &str, now: Timestamp) -> Vec<Event> {
    let held = &row.reservation;
    let told = |detail: String| if about.is_empty() { detail } else { format!("{detail}; {about}") };
    let by = format!("to be paid by {}", moment(held.expires_at));
    let mut events = match held.extended_at {
        None => vec![Event::new(held.reserved_at, EventKind::Held, told(format!("{} {by}", held.price)))],
        Some(at) => vec![
            Event::new(held.reserved_at, EventKind::Held, told(format!("{} to be paid", held.price))),
            Event::new(at, EventKind::Extended, told(by)),
        ],
    };
    if let Some(PaymentRow { id, amount, paid_at, refund }) = &row.payment {
        events.push(Event::new(*paid_at, EventKind::Paid, told(format!("{amount}, payment {id}"))));
        if let Some(CheckInRow { at, gate, by }) = &row.check_in {
            events.push(Event::new(*at, EventKind::CheckedIn, told(format!("gate {gate}, by {by}"))));
        }
        if let Some(refund) = refund {
            let reason = refund.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            let detail = format!("{amount} back to the wallet, by {}{reason}", refund.by);
            events.push(Event::new(refund.at, EventKind::Refunded, told(detail)));
        }
    }
    match held.status_at(now) {
        ReservationStatus::Expired => {
            events.push(Event::new(held.expires_at, EventKind::Lapsed, told("it was not paid in time".to_owned())));
        }
        // The row does not say who gave it back. Both ways are told.
        ReservationStatus::Cancelled => {
            events.push(Event::new(
                row.last_updated_at,
                EventKind::GivenBack,
                told(match held.concert_status {
                    ConcertStatus::Cancelled => "by the user, or because the concert was called off".to_owned(),
                    _ => "by the user, or with the place in the queue".to_owned(),
                }),
            ));
        }
        ReservationStatus::Held | ReservationStatus::Confirmed | ReservationStatus::Refunded => {}
    }
    events
}

/// What will happen to the reservation.
pub(super) fn next(row: &ReservationRow, now: Timestamp) -> String {
    let held = &row.reservation;
    match held.status_at(now) {
        ReservationStatus::Held => {
            format!("seat {} becomes free at {} unless it is paid before", held.seat, moment(held.expires_at))
        }
        ReservationStatus::Confirmed => match &row.payment {
            Some(payment) => {
                format!("nothing: it is paid; only a refund of payment {} would free the seat", payment.id)
            }
            None => "nothing: it is paid".to_owned(),
        },
        ReservationStatus::Expired | ReservationStatus::Cancelled | ReservationStatus::Refunded => {
            "nothing: it ended, and the seat went back on sale".to_owned()
        }
    }
}
