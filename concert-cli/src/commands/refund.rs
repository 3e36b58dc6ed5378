//! `refund`: money and seat come back.

use clap::Args;
use concert_core::{BoxOffice, PaymentId, Refund, RefundReason};
use serde::Serialize;

use super::confirm::Confirm;
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
        described(&self.refund, "not yet: this is a dry run".to_owned())
    }
}

fn described(refund: &Refund, refunded_at: String) -> String {
    facts([
        ("payment id", refund.payment.to_string()),
        ("amount", refund.amount.to_string()),
        ("user id", refund.user.to_string()),
        ("balance", refund.balance.to_string()),
        ("concert id", refund.concert.to_string()),
        ("seat number", refund.seat.to_string()),
        ("refunded at", refunded_at),
    ])
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let back_office = box_office.operator(opts.by.operator()?);
    if !opts.confirm.dry_run {
        opts.confirm
            .ask(&format!("This refunds payment {} and puts its seat on sale, for good.", opts.payment_id))
            .await?;
        return print(output, &back_office.refund(opts.payment_id, opts.reason.clone()).await?);
    }
    let refund = back_office.preview_refund(opts.payment_id).await?;
    print(output, &Preview { dry_run: true, refund })
}
