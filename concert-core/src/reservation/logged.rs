//! What the operators' log says of holds.

use serde_json::json;

use super::{Answer, Command, OrderRef, Reservation, total};
use crate::clock::Timestamp;
use crate::operator::{Act, ActSubject, LogEntry, Signature};

/// The entry of what an operator did for a user; `before` is the reservation that was extended, as it was.
pub(super) fn entry(
    command: &Command,
    answer: &Answer,
    before: Option<&Reservation>,
    signature: &Signature,
    now: Timestamp,
) -> LogEntry {
    let user = command.caller().user;
    match command {
        Command::Hold { concert, ids, .. } => {
            let held = if let Answer::Held(held) = answer { held.as_slice() } else { &[] };
            let seats: Vec<_> = held.iter().map(|one| one.seat).collect();
            let total = total(held.iter().map(|one| one.price));
            let expires_at = held.first().map(|one| one.expires_at);
            let subject = ids.first().map_or(ActSubject::User(user), |first| ActSubject::Order((*first).into()));
            let mut after = json!({
                "userId": user, "concertId": concert, "seatNumbers": seats, "total": total, "expiresAt": expires_at,
            });
            if command.caller().bypasses_queue {
                after["bypassQueue"] = true.into();
            }
            signature.entry(Act::Hold, subject, now).with_after(after)
        }
        Command::Extend { reservation, .. } => {
            let until = if let Answer::Extended(until) = answer { Some(until) } else { None };
            let order = before.map_or((*reservation).into(), Reservation::order);
            let before = json!({"userId": user, "expiresAt": before.map(|before| before.expires_at)});
            let after = json!({"userId": user, "expiresAt": until});
            signature.entry(Act::Extend, ActSubject::Order(order), now).with_before(before).with_after(after)
        }
        Command::Cancel { what, .. } => {
            signature.entry(Act::Cancel, ActSubject::from(*what), now).with_after(json!({"userId": user}))
        }
    }
}

impl From<OrderRef> for ActSubject {
    fn from(what: OrderRef) -> Self {
        match what {
            OrderRef::Order(id) => Self::Order(id),
            OrderRef::Reservation(id) => Self::Reservation(id),
        }
    }
}
