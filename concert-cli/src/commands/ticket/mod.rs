//! `ticket`: sold seats, their owners, and what is shown at the door.

mod key;
mod verify;

use clap::{Args, Subcommand};
use concert_core::{BoxOffice, CheckIn, Operator, Reason, ReservationId, TicketView, Username};

use super::confirm::Confirm;
use super::operator::By;
use super::user;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, word};
use crate::texts::{money, told};

/// Show a sold seat, give it to another owner, or verify what is shown at the door
///
/// A ticket has the id of its reservation.
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a ticket: its seat, its owner, its payment, and how it got from owner to owner
    Show {
        #[arg(value_name = "TICKET_ID")]
        ticket: ReservationId,
    },
    /// Give a ticket to another owner, for whose limits it counts from then on
    ///
    /// The payment stays with the user who paid: a refund goes there.
    Move {
        #[arg(value_name = "TICKET_ID")]
        ticket: ReservationId,
        /// The new owner, by name or id
        #[arg(long, value_name = "USER")]
        to: Username,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
        #[command(flatten)]
        confirm: Confirm,
        #[command(flatten)]
        by: By,
    },
    /// Say what the payload of a QR code says, whether it would be let in now, and who is in with it
    ///
    /// Changes nothing. Exits with 1 if it would not be let in.
    Verify {
        /// `v1.<key id>.<ticket>.<signature>`, as a scanner reads it
        payload: String,
    },
    /// The keys that tickets are signed with
    Key(key::Opts),
}

/// Who is in with a ticket.
fn who_is_in(check_in: Option<&CheckIn>) -> String {
    check_in.map_or_else(
        || word("no"),
        |made| told(&format!("{}, gate {}, by {}", moment(made.checked_in_at), made.gate, made.by)),
    )
}

impl Show for TicketView {
    fn text(&self) -> String {
        let mut lines = vec![
            ("ticket id", self.id.to_string()),
            ("status", self.status.as_str().to_owned()),
            ("version", self.version.to_string()),
            ("owner", self.username.clone()),
            ("user id", self.user.to_string()),
            ("concert", self.concert_name.clone()),
            ("concert id", self.concert.to_string()),
            ("concert status", self.concert_status.to_string()),
        ];
        lines.extend(self.section.clone().map(|section| ("section", section)));
        lines.extend(self.row.clone().map(|row| ("row", row)));
        lines.push(("seat number", self.seat.to_string()));
        lines.push(("payment id", self.payment.to_string()));
        lines.push(("amount", money(self.amount)));
        lines.push(("paid by", self.paid_by.to_string()));
        lines.push(("paid at", moment(self.paid_at)));
        lines.extend(self.refunded_at.map(|at| ("refunded at", moment(at))));
        lines.push(("checked in", who_is_in(self.check_in.as_ref())));
        for moved in &self.moves {
            let (from, to, at) = (moved.from, moved.to, moment(moved.moved_at));
            let moved = format!("{at}, from user {from} to user {to}, by {}: {}", moved.moved_by, moved.reason);
            lines.push(("moved", told(&moved)));
        }
        facts(lines)
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    match &opts.action {
        Action::Show { ticket } => print(output, &box_office.operator(Operator::application()).ticket(*ticket).await?),
        Action::Move { ticket, to, reason, confirm, by } => {
            let back_office = box_office.operator(by.operator()?);
            let (found, owner) = (back_office.ticket(*ticket).await?, user::find(box_office, to).await?);
            if confirm.dry_run {
                return print(output, &found);
            }
            let (seat, concert) = (found.seat, &found.concert_name);
            // With names, not ids: who is asked has to see a mistake.
            let question =
                format!("This gives seat {seat} of {concert} from {} to {}.", found.username, owner.username);
            confirm.ask_at_terminal(&question).await?;
            back_office.move_ticket(*ticket, owner.id, reason.clone()).await?;
            print(output, &back_office.ticket(*ticket).await?)
        }
        Action::Verify { payload } => verify::run(payload, box_office, output).await,
        Action::Key(opts) => key::run(opts, box_office, output).await,
    }
}
