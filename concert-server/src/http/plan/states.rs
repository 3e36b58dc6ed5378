//! The states of a hall's seats, in two bits each.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use concert_core::{BoxOffice, ConcertId, Error, SeatStates, SeatStatus};
use flate2::Compression;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::PlanPage;
use crate::http::board::{CachedPage, Content};
use crate::http::problem::Problem;
use crate::http::representation::Representation;

/// How many seats one byte has.
const IN_ONE_BYTE: usize = 4;
/// How often the plan and the states are read until both have one version.
const MOST_READINGS: usize = 3;

/// Reads the states of a concert's seats, and the plan if `known` is of another version; `None`: no such concert.
pub(in crate::http) async fn read_states(
    office: &BoxOffice,
    concert: ConcertId,
    before: Option<CachedPage>,
) -> Result<Option<Content>, Problem> {
    let (before, json_before, mut plan) =
        before.map_or((None, None, None), |before| (before.body, before.json, before.plan));
    for _ in 0..MOST_READINGS {
        let states = match office.seat_states(concert).await {
            Ok(states) => states,
            Err(Error::ConcertNotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        metrics::counter!("concert_states_readings_total").increment(1);
        if plan.as_ref().is_none_or(|plan| plan.version != states.version) {
            plan = PlanPage::read(office, concert).await?;
        }
        let Some(plan) = &plan else { return Ok(None) };
        // Plan and states are two readings: a seat that is added in between is in one of them only.
        if let Some(bits) = packed(&states, plan) {
            let json = serde_json::to_vec(&StatesBody::of(plan, &bits)).map_err(Problem::internal)?;
            let json = Representation::new("application/json", &json, Compression::fast(), json_before);
            let body = Representation::new("application/octet-stream", &bits, Compression::fast(), before);
            return Ok(Some(Content { body, json: Some(json), plan: Some(Arc::clone(plan)) }));
        }
    }
    // The hall changes faster than it is read: the client tries again a moment later.
    Err(Error::Overloaded { lane: "plan" }.into())
}

/// The states in the order of the plan; `None`: the plan has other seats.
fn packed(states: &SeatStates, plan: &PlanPage) -> Option<Vec<u8>> {
    if (states.version, states.seats.len()) != (plan.version, plan.order.len()) {
        return None;
    }
    let mut bits = vec![0; states.seats.len().div_ceil(IN_ONE_BYTE)];
    for ((_, status), nth) in states.seats.iter().zip(&plan.order) {
        let nth = *nth as usize;
        bits[nth / IN_ONE_BYTE] |= code(*status) << (nth % IN_ONE_BYTE * 2);
    }
    Some(bits)
}

/// Whether the seat can be had that is `nth` in the order of the plan.
pub(super) fn is_free(bits: &[u8], nth: usize) -> bool {
    bits.get(nth / IN_ONE_BYTE).is_some_and(|byte| byte >> (nth % IN_ONE_BYTE * 2) & 3 == code(SeatStatus::Free))
}

const fn code(status: SeatStatus) -> u8 {
    match status {
        SeatStatus::Free => 0,
        SeatStatus::Held => 1,
        SeatStatus::Sold => 2,
        // Whatever else there may come to be, nobody can hold it.
        _ => 3,
    }
}

/// The states of all seats.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanState)]
pub(super) struct StatesBody {
    /// The version of the plan that has these seats.
    #[schema(minimum = 1)]
    pub(super) version: u32,
    /// How many seats there are.
    pub(super) seats: usize,
    /// The bytes, in base64 (RFC 4648, section 4).
    #[schema(example = "AAEC")]
    pub(super) state: String,
}

impl StatesBody {
    pub(super) fn of(plan: &PlanPage, bits: &[u8]) -> Self {
        Self { version: plan.version, seats: plan.order.len(), state: BASE64.encode(bits) }
    }
}

/// What has changed between two events: the seats in the order of the plan, from 0 on, by their new state.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanDelta)]
pub(in crate::http) struct Delta {
    pub(super) version: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) free: Vec<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) held: Vec<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sold: Vec<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) blocked: Vec<usize>,
}

impl Delta {
    /// What turns `before` into `after`, which has as many seats.
    pub(super) fn between(version: u32, before: &[u8], after: &[u8]) -> Self {
        let mut delta = Self { version, ..Self::default() };
        // Bytes that are equal are passed over, four seats at a time: little changes between two readings.
        for (byte, (old, new)) in before.iter().zip(after).enumerate().filter(|(_, (old, new))| old != new) {
            for seat in 0..IN_ONE_BYTE {
                let state = |bits: u8| bits >> (seat * 2) & 3;
                let changed = match state(*new) {
                    same if same == state(*old) => continue,
                    0 => &mut delta.free,
                    1 => &mut delta.held,
                    2 => &mut delta.sold,
                    _ => &mut delta.blocked,
                };
                changed.push(byte * IN_ONE_BYTE + seat);
            }
        }
        delta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_names_the_seats_by_their_new_state() {
        let (before, after) = ([0b11_10_01_00, 0], [0b11_00_01_10, 0b01_00_00_00]);
        let delta = Delta::between(7, &before, &after);
        assert_eq!(delta, Delta { version: 7, free: vec![2], sold: vec![0], held: vec![7], ..Delta::default() });
        assert_eq!(serde_json::to_string(&delta).expect("JSON"), r#"{"version":7,"free":[2],"held":[7],"sold":[0]}"#);
    }
}
