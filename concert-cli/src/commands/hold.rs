//! `hold`: seats for a user, at the desk.

use std::sync::Arc;

use clap::Args;
use concert_core::{BoxOffice, ConcertId, Money, Order, OrderId, ReservationId, SeatNumber, Timestamp, UserId, Wanted};
use serde::Serialize;

use super::names::{ConcertRef, UserRef};
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, table};
use crate::texts::money;

/// Hold seats for a user whose turn it is, or past the queue: all of them or none
#[derive(Debug, Args)]
pub struct Opts {
    /// The user, by name or id
    user: UserRef,
    /// The concert, by name or id
    #[arg(long)]
    concert: ConcertRef,
    #[command(flatten)]
    which: Which,
    /// Only seats of this section
    #[arg(long, value_name = "NAME", requires = "best", conflicts_with = "seats")]
    section: Option<String>,
    /// Beside each other in one row, or none of them
    #[arg(long, requires = "best", conflicts_with = "seats")]
    together: bool,
    /// Without the user's turn, for the desk or for guests: recorded, and counted apart; paying needs no turn either
    #[arg(long)]
    bypass_queue: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// These seats, by number
    #[arg(long, value_name = "NUMBER,..", value_delimiter = ',', value_parser = seat_number)]
    seats: Vec<SeatNumber>,
    /// This many of the best free seats: together in one row where possible
    #[arg(long, value_name = "COUNT")]
    best: Option<usize>,
}

fn seat_number(text: &str) -> Result<SeatNumber, String> {
    let number = text.trim().parse().map_err(|_| "a seat number is a whole number".to_owned())?;
    SeatNumber::new(number).map_err(|error| error.to_string())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    order_id: OrderId,
    user_id: UserId,
    concert_id: ConcertId,
    expires_at: Timestamp,
    total: Money,
    seats: Vec<HeldSeat>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldSeat {
    reservation_id: ReservationId,
    seat_number: SeatNumber,
    section: Option<Arc<str>>,
    row: Option<Arc<str>>,
    price: Money,
}

impl From<Order> for Held {
    fn from(Order { id, user, concert, reservations, total, expires_at, .. }: Order) -> Self {
        let seats = reservations.into_iter().map(|held| HeldSeat {
            reservation_id: held.id,
            seat_number: held.seat,
            section: held.section,
            row: held.row,
            price: held.price,
        });
        Self { order_id: id, user_id: user, concert_id: concert, expires_at, total, seats: seats.collect() }
    }
}

impl Show for Held {
    fn text(&self) -> String {
        let order = facts([
            ("order id", self.order_id.to_string()),
            ("expires at", moment(self.expires_at)),
            ("total", money(self.total)),
        ]);
        let name = |name: &Option<Arc<str>>| name.as_deref().unwrap_or("-").to_owned();
        let seats: Vec<_> = self
            .seats
            .iter()
            .map(|seat| {
                [
                    seat.seat_number.to_string(),
                    name(&seat.section),
                    name(&seat.row),
                    money(seat.price),
                    seat.reservation_id.to_string(),
                ]
            })
            .collect();
        format!("{order}\n{}", table(["Seat", "Section", "Row", "Price", "Reservation id"], &seats))
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let wanted = match opts.which.best {
        Some(count) if opts.together => Wanted::BestTogether { count, section: opts.section.clone() },
        Some(count) => Wanted::BestAvailable { count, section: opts.section.clone() },
        None => opts.which.seats.clone().into(),
    };
    let user = opts.user.find(box_office).await?;
    let concert = opts.concert.find(box_office).await?;
    let back_office = box_office.operator(opts.by.operator()?);
    // Either way in the operator's name: the log says who has held for whom.
    let caller = match opts.bypass_queue {
        true => back_office.bypassing_queue_for(user),
        false => back_office.acting_for(user),
    };
    print(output, &Held::from(box_office.hold(caller, concert, wanted).await?))
}
