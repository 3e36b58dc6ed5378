//! The members that belong to some codes alone: what a program needs of a refusal beside its code.

use chrono::SecondsFormat;
use concert_core::{Error, HeldSeat, ReservationId, SeatNumber, Timestamp};
use serde_json::{Map, Value, json};

/// The members of a refusal; most have none.
pub(super) fn members_of(error: &Error) -> Map<String, Value> {
    let members = match error {
        Error::SaleNotOpen { doors_at, opens_at, now } => {
            json!({"doorsAt": doors_at, "opensAt": opens_at, "now": now})
        }
        Error::SeatLimit { of, limit, left } => json!({"of": of, "limit": limit, "left": left}),
        Error::SeatAlreadyReserved { seats, yours } if yours.is_empty() => json!({"seatNumbers": seats}),
        Error::SeatAlreadyReserved { seats, yours } => {
            let hold = |(seat, id): &(SeatNumber, ReservationId)| json!({"seatNumber": seat, "reservationId": id});
            json!({"seatNumbers": seats, "yours": yours.iter().map(hold).collect::<Vec<_>>()})
        }
        Error::TooManyHolds { limit, held: None, .. } => json!({"limit": limit}),
        Error::TooManyHolds { limit, held, yours } => {
            let hold = |hold: &HeldSeat| {
                let HeldSeat { reservation, concert, seat, expires_at, .. } = hold;
                json!({"reservationId": reservation, "concertId": concert, "seatNumber": seat, "expiresAt": expires_at})
            };
            json!({"limit": limit, "held": held, "yours": yours.iter().map(hold).collect::<Vec<_>>()})
        }
        Error::SeatBlocked { seats } => json!({"seatNumbers": seats}),
        Error::VersionChanged { version } => json!({"version": version}),
        Error::TicketVoid { reason } => json!({"reason": reason}),
        Error::TicketForOtherConcert { concert } => json!({"concertId": concert}),
        Error::TicketKeyRetired { retired_at } => json!({"retiredAt": moment(retired_at)}),
        Error::AlreadyCheckedIn { checked_in_at, gate } => json!({"checkedInAt": moment(checked_in_at), "gate": gate}),
        _ => return Map::new(),
    };
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A moment as bodies write it.
fn moment(at: &Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
