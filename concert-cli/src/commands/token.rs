//! `token`: a user's place in the queue.

use clap::{Args, Subcommand};
use concert_core::{BoxOffice, Error, Join, Operator, QueueToken, SaleId, SalePhase, Timestamp, TokenStatus, UserId};
use serde::Serialize;

use super::confirm::Confirm;
use super::names::UserRef;
use super::operator::By;
use super::sale::OfSale;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, word};
use crate::texts::seconds;

/// Issue, show or end a user's queue token
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Put a user into the queue, or resume the user's place in it
    Issue {
        /// The user, by name or id
        user: UserRef,
        #[command(flatten)]
        of: OfSale,
        #[command(flatten)]
        by: By,
    },
    /// Show a user's standing in the queue
    Show {
        /// The user, by name or id
        user: UserRef,
        #[command(flatten)]
        of: OfSale,
    },
    /// End a user's turn or wait; what is held unpaid is given back
    ///
    /// The place is lost: the user can only join again, at the back. At a terminal it asks.
    Expire {
        /// The user, by name or id
        user: UserRef,
        #[command(flatten)]
        of: OfSale,
        #[command(flatten)]
        confirm: Confirm,
        #[command(flatten)]
        by: By,
    },
}

impl Opts {
    pub const fn signs_tokens(&self) -> bool {
        matches!(self.action, Action::Issue { .. } | Action::Show { .. })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlaceView {
    user_id: UserId,
    status: TokenStatus,
    /// Not there while a draw still has to give it.
    queue_position: Option<u64>,
    remaining_time: u64,
    expires_at: Option<Timestamp>,
    token: String,
    /// Left out where it is the default sale, which is always open.
    #[serde(flatten)]
    sale: Option<SaleView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SaleView {
    sale_id: SaleId,
    phase: SalePhase,
    opens_at: Option<Timestamp>,
    now: Timestamp,
}

impl From<QueueToken> for PlaceView {
    fn from(QueueToken { ticket, jwt, standing, .. }: QueueToken) -> Self {
        Self {
            user_id: ticket.user,
            status: standing.status,
            queue_position: (!standing.awaits_draw).then_some(standing.queue_position),
            remaining_time: standing.remaining_seconds,
            expires_at: standing.expires_at,
            sale: (ticket.sale != SaleId::DEFAULT).then_some(SaleView {
                sale_id: ticket.sale,
                phase: standing.phase,
                opens_at: standing.opens_at,
                now: standing.now,
            }),
            token: jwt.unwrap_or_default(),
        }
    }
}

impl Show for PlaceView {
    fn text(&self) -> String {
        let position = self.queue_position.map_or_else(|| word("after the draw"), |position| position.to_string());
        let mut shown = vec![("user id", self.user_id.to_string())];
        if let Some(sale) = &self.sale {
            shown.push(("sale id", sale.sale_id.to_string()));
            shown.push(("phase", sale.phase.as_str().to_owned()));
        }
        shown.extend([
            ("status", self.status.as_str().to_owned()),
            ("queue position", position),
            ("remaining time", seconds(self.remaining_time)),
            ("expires at", self.expires_at.map_or_else(|| "-".to_owned(), moment)),
            ("token", self.token.clone()),
        ]);
        facts(shown)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    user_id: UserId,
    status: TokenStatus,
}

impl Show for Ended {
    fn text(&self) -> String {
        facts([("user id", self.user_id.to_string()), ("status", self.status.as_str().to_owned())])
    }
}

/// What `expire` would end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WouldEnd {
    dry_run: bool,
    user_id: UserId,
    status: TokenStatus,
}

impl Show for WouldEnd {
    fn text(&self) -> String {
        facts([("user id", self.user_id.to_string()), ("status", self.status.as_str().to_owned())])
    }
}

/// A place that has ended already is not there to end.
fn not_in_the_queue(error: Error) -> Error {
    match error {
        Error::TokenExpired => Error::TokenNotFound,
        error => error,
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let reader = box_office.operator(Operator::application());
    match &opts.action {
        Action::Issue { user, of, by } => {
            // An operator with access to the database need not prove to be the user.
            let caller = box_office.operator(by.operator()?).acting_for(user.find(box_office).await?);
            print(
                output,
                &PlaceView::from(box_office.join_queue(Join::sale(of.find(box_office).await?, caller)).await?.token),
            )
        }
        Action::Show { user, of } => {
            let sale = of.find(box_office).await?;
            // Looking at it claims no turn, which only its holder does.
            print(output, &PlaceView::from(reader.inspect_token_in(sale, user.find(box_office).await?).await?))
        }
        Action::Expire { user, of, confirm, by } => {
            let (user_id, sale) = (user.find(box_office).await?, of.find(box_office).await?);
            if confirm.dry_run {
                let standing = reader.inspect_token_in(sale, user_id).await.map_err(not_in_the_queue)?.standing;
                return print(output, &WouldEnd { dry_run: true, user_id, status: standing.status });
            }
            confirm.ask_at_terminal(&format!("This ends the place of user {user_id} in the queue.")).await?;
            box_office.operator(by.operator()?).expire_token_in(sale, user_id).await?;
            print(output, &Ended { user_id, status: TokenStatus::Expired })
        }
    }
}
