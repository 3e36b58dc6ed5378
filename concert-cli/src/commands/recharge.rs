//! `recharge`: money for a payment that came in.

use clap::Args;
use concert_core::{BoxOffice, Money, Recharged, Reference, UserId, Username};
use serde::Serialize;

use super::operator::By;
use super::user;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, print};
use crate::texts::money;

/// Put money into a user's wallet, for a payment that came in
///
/// A payment is credited to a user once: the same reference again is refused.
#[derive(Debug, Args)]
pub struct Opts {
    /// The user, by name or id
    #[arg(value_name = "USER")]
    name_or_id: Username,
    amount: Money,
    /// The payment that it stands for, as its sender or provider calls it
    #[arg(long, value_name = "TEXT")]
    reference: Reference,
    #[command(flatten)]
    by: By,
}

/// The fields of `POST /api/v1/admin/users/{userId}/recharge`, and whose wallet it was.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credited {
    user_id: UserId,
    amount: Money,
    reference: Reference,
    current_balance: Money,
    new_balance: Money,
}

impl Show for Credited {
    fn text(&self) -> String {
        facts([
            ("user id", self.user_id.to_string()),
            ("amount", money(self.amount)),
            ("reference", self.reference.to_string()),
            ("balance before", money(self.current_balance)),
            ("balance", money(self.new_balance)),
        ])
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let user_id = user::find(box_office, &opts.name_or_id).await?.id;
    let (amount, reference) = (opts.amount, opts.reference.clone());
    let back_office = box_office.operator(opts.by.operator()?);
    let Recharged { before, after } = back_office.recharge(user_id, amount, reference.clone()).await?;
    print(output, &Credited { user_id, amount, reference, current_balance: before, new_balance: after })
}
