//! `refund`: money and seat come back.

use clap::Args;
use concert_core::{BoxOffice, PaymentId, Refund, RefundReason};

use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print};

/// Give a payment back to the wallet that it came from, and the seat back for sale, in one transaction
///
/// It cannot be undone, and a payment is refunded once. A running server shows the seat free within its
/// --seats-max-age.
#[derive(Debug, Args)]
pub struct Opts {
    payment_id: PaymentId,
    /// The reason, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<RefundReason>,
    #[command(flatten)]
    by: By,
}

impl Show for Refund {
    fn text(&self) -> String {
        facts([
            ("payment id", self.payment.to_string()),
            ("amount", self.amount.to_string()),
            ("user id", self.user.to_string()),
            ("balance", self.balance.to_string()),
            ("concert id", self.concert.to_string()),
            ("seat number", self.seat.to_string()),
            ("refunded at", moment(self.refunded_at)),
        ])
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    print(output, &box_office.operator(opts.by.operator()?).refund(opts.payment_id, opts.reason.clone()).await?)
}
