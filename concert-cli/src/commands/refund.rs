//! `refund`: money and seat come back.

use clap::Args;
use concert_core::{BoxOffice, PaymentId, Refund, RefundReason, SeatAfterRefund};
use serde::Serialize;

use super::confirm::Confirm;
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, word};
use crate::texts::money;

/// Give a payment back to the wallet that paid, and the seat back for sale or off sale, in one transaction
///
/// It cannot be undone, and a payment is refunded once. The money goes to the user who paid, whoever has the ticket by
/// now. A running server shows the seat free within its --seats-max-age. The seat of a concert that was called off stays
/// off sale.
#[derive(Debug, Args)]
pub struct Opts {
    payment_id: PaymentId,
    /// The reason, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<RefundReason>,
    /// Put the seat on sale again; this is what happens if nothing is said
    #[arg(long, conflicts_with = "off_sale")]
    to_sale: bool,
    /// Keep the seat off sale: it is blocked, with the reason
    #[arg(long)]
    off_sale: bool,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    by: By,
}

impl Show for Refund {
    fn text(&self) -> String {
        described(self, moment(self.refunded_at))
    }
}

/// What a refund would do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    dry_run: bool,
    #[serde(flatten)]
    refund: Refund,
}

impl Show for Preview {
    fn text(&self) -> String {
        described(&self.refund, word("not yet: this is a dry run"))
    }
}

fn described(refund: &Refund, refunded_at: String) -> String {
    facts([
        ("payment id", refund.payment.to_string()),
        ("amount", money(refund.amount)),
        ("user id", refund.user.to_string()),
        ("balance", money(refund.balance)),
        ("concert id", refund.concert.to_string()),
        ("seat number", refund.seat.to_string()),
        ("seat", word(where_it_goes(refund.seat_goes))),
        ("refunded at", refunded_at),
    ])
}

const fn where_it_goes(seat: SeatAfterRefund) -> &'static str {
    match seat {
        SeatAfterRefund::OffSale => "off sale",
        _ => "on sale again",
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let back_office = box_office.operator(opts.by.operator()?);
    let seat = if opts.off_sale { SeatAfterRefund::OffSale } else { SeatAfterRefund::ToSale };
    if !opts.confirm.dry_run {
        let becomes = if opts.off_sale { "keeps its seat off sale" } else { "puts its seat on sale" };
        opts.confirm.ask(&format!("This refunds payment {} and {becomes}, for good.", opts.payment_id)).await?;
        return print(output, &back_office.refund_to(opts.payment_id, opts.reason.clone(), seat).await?);
    }
    // By the rules of the refund itself.
    let refund = back_office.preview_refund(opts.payment_id, seat).await?;
    print(output, &Preview { dry_run: true, refund })
}
