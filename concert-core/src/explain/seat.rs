//! The story of a seat: everyone who ever held it.

use sqlx::MySqlPool;

use super::store::{self, ReservationRow, SeatRow};
use super::{Event, EventKind, Explanation, MOST_TOLD, moment, passing, reservation};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ConcertId, SeatNumber};
use crate::operator::{ActSubject, LogEntry, entries_about};
use crate::seat_ranges::SeatRanges;
use crate::time_zone::TimeZone;

/// The story of a seat; `None`: the concert has no such seat. `house`: the zone of a concert that names none.
pub(crate) async fn explain(
    pool: &MySqlPool,
    concert: ConcertId,
    number: SeatNumber,
    house: TimeZone,
    now: Timestamp,
) -> Result<Option<Explanation>, sqlx::Error> {
    let Some(seat) = store::seat(pool, concert, number, house).await? else { return Ok(None) };
    let mut rows = store::reservations_of_seat(pool, concert, number).await?;
    let older_left_out = rows.len() > MOST_TOLD as usize;
    rows.truncate(MOST_TOLD as usize);
    // A hold past its deadline is still in the row until the sweep. The seat is free all the same.
    let has_it = seat.reservation.filter(|_| seat.until.is_none_or(|until| now < until));
    let holding = has_it.and_then(|id| rows.iter().find(|row| row.reservation.id == id));
    let acts = entries_about(pool, ActSubject::Concert(concert), MOST_TOLD).await?;
    let mut passing = passing::of(pool, &rows).await?;
    // Both are newest first; moments that are the same keep their order.
    let mut events: Vec<_> = acts.iter().rev().filter_map(|act| changed_by(act, number)).collect();
    events.extend(rows.iter().rev().flat_map(|row| {
        let about = format!("user {}, reservation {}", row.reservation.user, row.reservation.id);
        let passing = passing.remove(&row.reservation.id).unwrap_or_default();
        let moves = passing.events().into_iter().filter(|event| event.what == EventKind::Moved);
        let moves = moves
            .map(|event| Event { detail: format!("{}; reservation {}", event.detail, row.reservation.id), ..event });
        reservation::events(row, &about, now).into_iter().chain(moves)
    }));
    events.sort_by_key(|event| event.at);
    let SeatRow { concert_name, date, price, .. } = &seat;
    Ok(Some(Explanation {
        subject: format!("seat {number} of {concert_name} on {date}, {price}; concert {concert}"),
        now: standing(&seat, holding),
        events,
        older_left_out,
        next: vec![next(&seat, holding, now)],
    }))
}

/// What an act of an operator on the hall did to the seat, if it names it.
fn changed_by(act: &LogEntry, number: SeatNumber) -> Option<Event> {
    let after = act.after.as_ref()?;
    // A list that was too long ends with two dots.
    let seats = after.get("seats")?.as_str()?.trim_end_matches(" ..");
    let said = |name: &str| after.get(name).and_then(|value| value.as_str()).map(|text| format!("{text}; "));
    let (what, detail) = match act.act.as_str() {
        "SEAT_BLOCK" => (EventKind::Blocked, said("reason")),
        "SEAT_UNBLOCK" => (EventKind::Unblocked, said("reason")),
        "SEAT_PRICE" => (EventKind::Priced, after.get("price").map(|price| format!("{price}; "))),
        "SEAT_ADD" => (EventKind::Added, None),
        "SEAT_SWAP" => {
            let gone = |(id, from, to)| format!("reservation {id} from seat {from} to seat {to}; ");
            let gone: String = passing::moved_seats(act).map(gone).collect();
            (EventKind::Swapped, Some(gone + &said("reason").unwrap_or_default()))
        }
        _ => return None,
    };
    let is_named = seats.parse::<SeatRanges>().is_ok_and(|seats| seats.contains(number));
    is_named.then(|| Event::new(act.at, what, format!("{}by {}", detail.unwrap_or_default(), act.by)))
}

/// Who has the seat now.
fn standing(seat: &SeatRow, holding: Option<&ReservationRow>) -> String {
    let Some(ReservationRow { reservation, payment, .. }) = holding else {
        return seat.blocked.as_ref().map_or_else(|| "free".to_owned(), |reason| format!("not on sale: {reason}"));
    };
    match payment {
        Some(payment) => format!("sold to user {} since {}", reservation.user, moment(payment.paid_at)),
        None => format!("held by user {} since {}", reservation.user, moment(reservation.reserved_at)),
    }
}

fn next(seat: &SeatRow, holding: Option<&ReservationRow>, now: Timestamp) -> String {
    match holding {
        Some(row) => reservation::next(row, now),
        None => match seat.bookable.check(now) {
            Ok(()) if seat.blocked.is_some() => "nothing, until an operator puts it on sale: `seat unblock`".to_owned(),
            Ok(()) => "any ACTIVE user can reserve it".to_owned(),
            Err(Error::ConcertOver) => "nothing: the concert is over".to_owned(),
            Err(refusal) => format!("nothing: {refusal}"),
        },
    }
}
