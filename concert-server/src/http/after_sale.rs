//! `/api/v1/admin`: refunds, tickets that get another owner, concerts that are called off.

pub(super) mod cancellation;
pub(super) mod refunds;
pub(super) mod tickets;

use super::routing::{Endpoint, get, post};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/admin/payments/{paymentId}/refund", refunds::refund),
        get("/api/v1/admin/tickets/{ticketId}", tickets::ticket),
        post("/api/v1/admin/tickets/{ticketId}/move", tickets::move_ticket),
        post("/api/v1/admin/concerts/{concertId}/cancel", cancellation::cancel),
        get("/api/v1/admin/concerts/{concertId}/cancel", cancellation::cancellation),
    ]
}
