//! What is shown at a gate, and what is recorded of it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::payload::TicketClaims;
use crate::caller::IdempotencyKey;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ConcertId, LogEntryId, OperatorKeyId, ReservationId, SeatNumber};
use crate::name::free_text;
use crate::operator::Signature;
use crate::void_reason::VoidReason;

/// The longest name of a gate, in characters.
const LONGEST_GATE: usize = 64;

/// A gate of a venue, by the name that it goes by: 1 to 64 characters, without control characters and without white space
/// at its ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Gate(String);

impl Gate {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One that the database has.
    pub(super) const fn stored(name: String) -> Self {
        Self(name)
    }
}

impl FromStr for Gate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let rule = format_args!(
            "the name of a gate is 1 to {LONGEST_GATE} characters, without control characters and without white space at \
             its ends"
        );
        Ok(Self(free_text(text, LONGEST_GATE, rule)?))
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A ticket that somebody shows at a gate.
#[derive(Debug, Clone)]
pub struct PresentedTicket {
    pub(crate) code: String,
    pub(crate) gate: Gate,
    pub(crate) at: Option<Timestamp>,
    pub(crate) key: Option<IdempotencyKey>,
}

impl PresentedTicket {
    /// The code as it was scanned, and the gate.
    #[must_use]
    pub fn new(code: impl Into<String>, gate: Gate) -> Self {
        Self { code: code.into(), gate, at: None, key: None }
    }

    /// When the gate let it in, where that was before now: the gate was without the network. At most 24 hours ago; a clock
    /// that is up to five minutes ahead counts as now.
    #[must_use]
    pub fn checked_in_at(self, at: impl Into<Option<Timestamp>>) -> Self {
        Self { at: at.into(), ..self }
    }

    /// A repeated check-in with this key gets the first answer again. The key is one operator's, and bound to all that was
    /// asked.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        Self { key: key.into(), ..self }
    }
}

/// Who is in: a ticket that was checked in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckIn {
    /// The ticket, which has the id of its reservation.
    #[serde(rename = "ticketId")]
    pub ticket: ReservationId,
    /// The concert.
    #[serde(rename = "concertId")]
    pub concert: ConcertId,
    /// The seat, as it is now.
    #[serde(rename = "seatNumber")]
    pub seat: SeatNumber,
    /// Its section, if the hall has sections.
    pub section: Option<String>,
    /// Its row, if the hall has rows.
    pub row: Option<String>,
    /// The version that was shown.
    pub version: u32,
    /// The gate.
    pub gate: Gate,
    /// When the gate let it in.
    pub checked_in_at: Timestamp,
    /// When that was recorded: later, where the gate was without the network.
    pub recorded_at: Timestamp,
    /// The operator's name.
    #[serde(rename = "checkedInBy")]
    pub by: String,
    /// The operator key that was shown, if there was one.
    #[serde(rename = "keyId")]
    pub key: Option<OperatorKeyId>,
    #[serde(skip)]
    pub(crate) entry: LogEntryId,
}

/// What the code of a ticket says, and whether it would be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VerifiedTicket {
    /// What the code says. Its signature is good.
    #[serde(flatten)]
    pub claims: TicketClaims,
    /// When its key was retired; `None`: it is in force.
    pub key_retired_at: Option<Timestamp>,
    /// Why it is void; `None`: it counts.
    #[serde(rename = "voidReason")]
    pub void: Option<VoidReason>,
    /// The seat as it is now: other than in the code where seats changed places.
    #[serde(rename = "seatNumberNow")]
    pub seat: SeatNumber,
    /// Who is in with it; `None`: nobody.
    pub check_in: Option<CheckIn>,
}

impl VerifiedTicket {
    /// What a gate would be told now; `None`: it would be let in.
    #[must_use]
    pub fn refusal(&self) -> Option<Error> {
        if let Some(retired_at) = self.key_retired_at {
            return Some(Error::TicketKeyRetired { retired_at });
        }
        if let Some(reason) = self.void {
            return Some(Error::TicketVoid { reason });
        }
        let CheckIn { checked_in_at, gate, .. } = self.check_in.as_ref()?;
        Some(Error::AlreadyCheckedIn { checked_in_at: *checked_in_at, gate: gate.as_str().to_owned() })
    }
}

/// The lane's one command.
#[derive(Debug)]
pub(crate) struct CheckInTicket {
    /// Whose door it is.
    pub(crate) concert: ConcertId,
    /// The signature is good.
    pub(crate) claims: TicketClaims,
    pub(crate) gate: Gate,
    pub(crate) at: Option<Timestamp>,
    pub(crate) by: Signature,
    /// Whether the signature's entry derives from an idempotency key.
    pub(crate) has_key: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_has_a_name_that_can_be_read() {
        assert_eq!("북문 2".parse::<Gate>().expect("a name").as_str(), "북문 2");
        for text in ["", " A", "A ", "A\n", &"x".repeat(LONGEST_GATE + 1)] {
            assert!(text.parse::<Gate>().is_err(), "{text:?}");
        }
    }
}
