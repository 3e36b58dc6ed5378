//! What operators may change about a draw, and until when.

use super::{GateDraw, PublicValue};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::phase::{EntryOrder, SalePhase, SaleTimes};
use crate::queue::control::{SaleChange, SaleSettings};
use crate::queue::rows::Gate;

/// The draw after a change of the sale's settings. Refuses in this order: the draw is made and depends on them, people have
/// joined in the other order, a public value without a draw, or before the doors are open.
pub(crate) fn draw_after(
    gate: &Gate,
    becomes: &SaleSettings,
    change: &SaleChange,
    now: Timestamp,
) -> Result<Option<GateDraw>, Error> {
    let value = change.public_value.as_ref();
    let order_changes = gate.order != becomes.order;
    let instants = |times: &SaleTimes| (times.doors_at, times.opens_at);
    let opening_changes = instants(&gate.times) != instants(&becomes.times);
    let has_joined = gate.next_ticket > 1;
    let made = gate.draw.as_ref().filter(|draw| !draw.is_pending());
    if let Some(made) = made {
        let is_other = |value: &PublicValue| made.public_value.as_ref() != Some(value);
        if has_joined && (order_changes || opening_changes) || value.is_some_and(is_other) {
            return Err(Error::DrawMade);
        }
    }
    if order_changes && has_joined {
        return Err(Error::OrderSettled { order: gate.order.as_str() });
    }
    // A draw of nobody is made anew where the sale opens another time: its secret is known.
    let kept = gate.draw.as_ref().filter(|draw| draw.is_pending() || !opening_changes);
    let mut draw = match (becomes.order, kept) {
        (EntryOrder::Arrival, _) => None,
        (EntryOrder::Draw, Some(draw)) => Some(draw.clone()),
        (EntryOrder::Draw, None) => change.secret.clone().map(GateDraw::new),
    };
    let Some(value) = value else { return Ok(draw) };
    let Some(draw) = &mut draw else {
        return Err(Error::invalid("this sale is ordered by arrival: only a draw takes a public value"));
    };
    // A value that is known before the first join is drawn for nobody.
    if becomes.times.phase(now) == SalePhase::Before {
        becomes.times.require_doors_open(now)?;
    }
    draw.public_value = Some(value.clone());
    Ok(Some(draw.clone()))
}
