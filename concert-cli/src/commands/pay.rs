//! `pay`: an order from the user's wallet, at the desk.

use clap::Args;
use concert_core::{BoxOffice, Money, Order, OrderId, PaidOrder, PaymentId, ReservationId, SeatNumber};
use serde::Serialize;

use super::names::UserRef;
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, print, table};
use crate::texts::money;

/// Pay all that is held of a user's order from the user's wallet, at once or not at all
#[derive(Debug, Args)]
pub struct Opts {
    /// The user, by name or id
    user: UserRef,
    /// The order
    #[arg(long, value_name = "ORDER_ID")]
    order: OrderId,
    #[command(flatten)]
    by: By,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Paid {
    order_id: OrderId,
    total: Money,
    payments: Vec<PaidSeat>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaidSeat {
    payment_id: PaymentId,
    reservation_id: ReservationId,
    seat_number: Option<SeatNumber>,
    amount: Money,
}

impl Paid {
    fn new(order: &Order, paid: PaidOrder) -> Self {
        // A payment knows its reservation alone; a person at a desk thinks in seats.
        let seat_of = |id| order.reservations.iter().find(|reservation| reservation.id == id).map(|found| found.seat);
        let payments = paid.payments.into_iter().map(|payment| PaidSeat {
            payment_id: payment.id,
            reservation_id: payment.reservation,
            seat_number: seat_of(payment.reservation),
            amount: payment.amount,
        });
        Self { order_id: order.id, total: paid.total, payments: payments.collect() }
    }
}

impl Show for Paid {
    fn text(&self) -> String {
        let order = facts([("order id", self.order_id.to_string()), ("paid", money(self.total))]);
        let payments: Vec<_> = self
            .payments
            .iter()
            .map(|paid| {
                let seat = paid.seat_number.map_or_else(|| "-".to_owned(), |seat| seat.to_string());
                [seat, money(paid.amount), paid.payment_id.to_string()]
            })
            .collect();
        format!("{order}\n{}", table(["Seat", "Paid", "Payment id"], &payments))
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let user = opts.user.find(box_office).await?;
    let order = box_office.order(user, opts.order).await?;
    let caller = box_office.operator(opts.by.operator()?).acting_for(user);
    // If the order has changed since, the amount is wrong and the payment is refused.
    let paid = box_office.pay(caller, opts.order, order.total).await?;
    print(output, &Paid::new(&order, paid))
}
