//! `ticket verify`: what is shown at the door.

use concert_core::{BoxOffice, Operator, VerifiedTicket};
use serde::Serialize;

use super::who_is_in;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, word};
use crate::texts::told;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    /// Whether it would be let in now.
    valid: bool,
    #[serde(flatten)]
    ticket: VerifiedTicket,
}

impl Show for Verified {
    fn text(&self) -> String {
        let VerifiedTicket { claims, key_retired_at, void, seat, check_in, .. } = &self.ticket;
        // A swap gives a seat without a new code.
        let seat = if *seat == claims.seat { seat.to_string() } else { told(&format!("{seat}, was {}", claims.seat)) };
        let void = void.map_or_else(|| word("no"), |reason| reason.as_str().to_owned());
        facts([
            ("let in", word(if self.valid { "yes" } else { "no" })),
            ("signature", word("good")),
            ("key id", claims.key.to_string()),
            ("key retired", key_retired_at.map_or_else(|| word("no"), moment)),
            ("ticket id", claims.ticket.to_string()),
            ("concert id", claims.concert.to_string()),
            ("seat number", seat),
            ("version", claims.version.to_string()),
            ("void", void),
            ("checked in", who_is_in(check_in.as_ref())),
        ])
    }
}

pub async fn run(payload: &str, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let ticket = box_office.operator(Operator::application()).verify_ticket(payload).await?;
    let refusal = ticket.refusal();
    // Shown even where it is refused: the exit code alone does not say why.
    print(output, &Verified { valid: refusal.is_none(), ticket })?;
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}
