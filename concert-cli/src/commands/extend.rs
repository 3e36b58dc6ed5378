//! `extend`: more time to pay, at the desk.

use clap::Args;
use concert_core::{BoxOffice, OrderId, Timestamp};
use serde::Serialize;

use super::names::UserRef;
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print};

/// Move the deadline of a user's order, which is possible once; the user's turn lasts as long
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
struct Extended {
    order_id: OrderId,
    expires_at: Timestamp,
}

impl Show for Extended {
    fn text(&self) -> String {
        facts([("order id", self.order_id.to_string()), ("expires at", moment(self.expires_at))])
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let caller = box_office.operator(opts.by.operator()?).acting_for(opts.user.find(box_office).await?);
    let expires_at = box_office.extend_hold(caller, opts.order).await?;
    print(output, &Extended { order_id: opts.order, expires_at })
}
