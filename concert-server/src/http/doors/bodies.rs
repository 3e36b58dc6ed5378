//! The bodies of the doors, and what is asked of their lists.

use concert_core::{
    CheckIn, ConcertId, Error, Gate, OperatorKeyId, PresentedTicket, PublicKey, ReservationId, SeatNumber, TicketKey,
    TicketKeyId, VoidTicket,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::body::{Instant, Moment, if_there, parsed_if_there};
use crate::http::words;

/// What is sent to check in: a ticket that is shown at a gate, or those that a gate let in without the network.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the document: bodies are read as `CheckInSent`, whose refusals say what is wrong")]
pub(super) enum CheckInRequest {
    #[schema(title = "One ticket")]
    One(ShownTicket),
    #[schema(title = "A delivery")]
    Delivery(Delivery),
}

/// A ticket that is shown at a gate.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ShownTicket {
    /// Its payload, as it was scanned.
    pub(super) ticket: String,
    /// The gate, by the name that it goes by: 1 to 64 characters.
    pub(super) gate: String,
    /// When the gate let it in, where it was without the network: at most 24 hours ago.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = Instant, required = false)]
    pub(super) checked_in_at: Option<Instant>,
}

/// Those that a gate let in without the network.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document")]
pub(super) struct Delivery {
    pub(super) checkins: Vec<ShownTicket>,
}

impl ShownTicket {
    pub(super) fn presented(self) -> Result<PresentedTicket, Error> {
        let gate: Gate = self.gate.parse()?;
        Ok(PresentedTicket::new(self.ticket, gate).checked_in_at(self.checked_in_at.map(|at| at.0)))
    }
}

/// Either of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CheckInSent {
    #[serde(default, deserialize_with = "if_there")]
    pub(super) ticket: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    pub(super) gate: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    pub(super) checked_in_at: Option<Instant>,
    #[serde(default, deserialize_with = "if_there")]
    pub(super) checkins: Option<Vec<ShownTicket>>,
}

/// A ticket that was checked in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckInBody {
    #[schema(value_type = uuid::Uuid)]
    pub(super) ticket_id: ReservationId,
    #[schema(value_type = uuid::Uuid)]
    pub(super) concert_id: ConcertId,
    /// The seat as it is now.
    #[schema(value_type = i32)]
    pub(super) seat_number: SeatNumber,
    pub(super) section: Option<String>,
    pub(super) row: Option<String>,
    /// The version that was shown.
    pub(super) version: u32,
    #[schema(example = "north 2")]
    pub(super) gate: String,
    /// When the gate let it in.
    pub(super) checked_in_at: Moment,
    /// When that was recorded: later, where the gate was without the network.
    pub(super) recorded_at: Moment,
    /// The operator's name.
    pub(super) checked_in_by: String,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) key_id: Option<OperatorKeyId>,
}

impl From<CheckIn> for CheckInBody {
    fn from(made: CheckIn) -> Self {
        Self {
            ticket_id: made.ticket,
            concert_id: made.concert,
            seat_number: made.seat,
            section: made.section,
            row: made.row,
            version: made.version,
            gate: made.gate.as_str().to_owned(),
            checked_in_at: Moment(made.checked_in_at),
            recorded_at: Moment(made.recorded_at),
            checked_in_by: made.by,
            key_id: made.key,
        }
    }
}

/// What became of a delivery, in its order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryBody {
    /// How many are in with it.
    pub(super) checked_in: usize,
    /// How many are in conflict: each says why.
    pub(super) refused: usize,
    pub(super) results: Vec<DeliveredBody>,
}

/// What became of one of them: a check-in, or a refusal with the members of its problem.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum DeliveredBody {
    CheckedIn(CheckInBody),
    Refused(ConflictBody),
}

/// Why somebody whom a gate let in is not in by the records.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConflictBody {
    #[schema(value_type = words::ProblemCode)]
    pub(super) code: &'static str,
    pub(super) detail: String,
    /// What belongs to the code: `checkedInAt` and `gate` of ALREADY_CHECKED_IN, `reason` of TICKET_VOID.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) members: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CheckInsQuery {
    /// The most check-ins of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(super) limit: Option<u32>,
    /// The ticket of the last check-in of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    pub(super) starting_after: Option<ReservationId>,
}

/// A page of check-ins.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckInsBody {
    pub(super) data: Vec<CheckInBody>,
    /// Whether older ones follow; `startingAfter` the ticket of the last of these shows them.
    pub(super) has_more: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VoidTicketsQuery {
    /// `nextSince` of the last answer; all where it is left out.
    #[param(value_type = Option<Instant>)]
    pub(super) since: Option<Instant>,
    /// About how many: those of one moment are all on one page.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    pub(super) limit: Option<u32>,
}

/// Tickets that count no more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VoidTicketsBody {
    #[schema(value_type = uuid::Uuid)]
    pub(super) concert_id: ConcertId,
    /// CANCELLED: no ticket of this concert counts, whether or not it is listed.
    #[schema(value_type = words::ConcertStatus)]
    pub(super) concert_status: &'static str,
    /// In the order in which they became void. A ticket may be there several times.
    pub(super) data: Vec<VoidTicketBody>,
    /// Whether more follow at once, since `nextSince`.
    pub(super) has_more: bool,
    /// What to ask for the next time. Some may come again; none is left out.
    pub(super) next_since: Moment,
}

/// A ticket that counts no more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VoidTicketBody {
    #[schema(value_type = uuid::Uuid)]
    pub(super) ticket_id: ReservationId,
    /// The newest version that is void: it and all before it.
    pub(super) version: u32,
    #[schema(value_type = words::VoidReason)]
    pub(super) reason: &'static str,
    pub(super) voided_at: Moment,
}

impl From<VoidTicket> for VoidTicketBody {
    fn from(found: VoidTicket) -> Self {
        let VoidTicket { ticket, version, reason, voided_at, .. } = found;
        Self { ticket_id: ticket, version, reason: reason.as_str(), voided_at: Moment(voided_at) }
    }
}

/// The keys that tickets are signed with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TicketKeysBody {
    /// In the order in which they were made; the last one in force signs.
    pub(super) keys: Vec<TicketKeyBody>,
}

/// A key that tickets are signed with. Nobody can read its private half.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TicketKeyBody {
    #[schema(value_type = uuid::Uuid)]
    pub(super) key_id: TicketKeyId,
    #[schema(example = "Ed25519")]
    pub(super) algorithm: &'static str,
    /// 32 bytes, in base64url without padding.
    #[schema(value_type = String, example = "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw")]
    pub(super) public_key: PublicKey,
    pub(super) created_at: Moment,
    /// By which operator; `first use`: for the first ticket that was shown.
    pub(super) created_by: String,
    /// Since when no ticket that is signed with it counts; null: it is in force.
    pub(super) retired_at: Option<Moment>,
    pub(super) retired_by: Option<String>,
}

impl From<TicketKey> for TicketKeyBody {
    fn from(key: TicketKey) -> Self {
        Self {
            key_id: key.id,
            algorithm: "Ed25519",
            public_key: key.public_key,
            created_at: Moment(key.created_at),
            created_by: key.created_by,
            retired_at: key.retired_at.map(Moment),
            retired_by: key.retired_by,
        }
    }
}
