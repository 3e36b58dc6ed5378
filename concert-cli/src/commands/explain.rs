//! `explain`: what happened, when and why, and what will happen next.

use clap::{Args, Subcommand};
use concert_core::{BoxOffice, Explanation, Operator, ReservationId, SeatNumber, TokenId, Username};

use super::names::ConcertRef;
use super::user;
use crate::failure::Failure;
use crate::table::{Output, Show, moment, paragraph, print, table, word};
use crate::texts::{told, told_parts};

/// Say what happened to a token, a seat, a reservation or a user, when and why, and what will happen next
///
/// It only reads, and tells what the database records. Give it the server's durations (--active-ttl, --claim-window).
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// A visit to the queue
    Token { token_id: TokenId },
    /// A seat, and everyone who ever held it
    Seat {
        /// The concert, by name or id
        concert: ConcertRef,
        #[arg(value_parser = seat_number)]
        seat_number: SeatNumber,
    },
    /// A hold and its state
    Reservation { reservation_id: ReservationId },
    /// A user: account, queue, seats and money
    User { name_or_id: Username },
}

fn seat_number(text: &str) -> Result<SeatNumber, String> {
    let number = text.parse().map_err(|_| "must be a number from 1".to_owned())?;
    SeatNumber::new(number).map_err(|error| error.to_string())
}

impl Show for Explanation {
    fn text(&self) -> String {
        let events: Vec<_> = self
            .events
            .iter()
            .map(|event| [moment(event.at), told(&event.what.to_string()), told_parts(&event.detail)])
            .collect();
        let events = match events.is_empty() {
            true => word("Nothing happened to it yet."),
            false => table(["When", "What", "Why"], &events),
        };
        let older =
            if self.older_left_out { format!("\n{}", word("Older events are left out.")) } else { String::new() };
        let next: String =
            self.next.iter().map(|next| format!("\n{}", paragraph(&format!("Next: {}", told_parts(next))))).collect();
        let (subject, now) =
            (paragraph(&told_parts(&self.subject)), paragraph(&format!("Now: {}", told_parts(&self.now))));
        format!("{subject}\n{now}\n{events}{older}{next}")
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let subject: concert_core::Subject = match &opts.subject {
        Subject::Token { token_id } => (*token_id).into(),
        Subject::Seat { concert, seat_number } => (concert.find(box_office).await?, *seat_number).into(),
        Subject::Reservation { reservation_id } => (*reservation_id).into(),
        Subject::User { name_or_id } => user::find(box_office, name_or_id).await?.id.into(),
    };
    print(output, &box_office.operator(Operator::application()).explain(subject).await?)
}
