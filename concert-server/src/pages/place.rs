//! The place in a sale's queue, as the pages of a browser know it.
//!
//! The queue token is kept in a cookie of the sale's page, so that a page which loads itself again is answered from memory,
//! as a poll is.

use concert_core::{Credential, Error, SaleId, Standing, TokenStatus, UserId};
use warp::http::HeaderValue;

use super::session;
use super::visit::Visit;
use crate::http::Problem;

/// The queue token; sent to the page of its sale alone.
const PLACE: &str = "concert_place";

/// Where somebody stands.
pub(super) enum Place {
    /// Not in the queue.
    Out,
    /// Was in it, and the turn or the wait is over.
    Ended,
    /// Waits or is let in, by this queue token.
    In { token: String, standing: Standing },
}

impl Place {
    pub(super) fn is_turn(&self) -> bool {
        matches!(self, Self::In { standing, .. } if standing.status == TokenStatus::Active)
    }
}

/// The place of the user of the session in a sale.
pub(super) async fn find(visit: &Visit, user: UserId, sale: SaleId) -> Result<Place, Problem> {
    let kept = session::cookie(visit.call.headers(), PLACE).unwrap_or_default();
    if let Ok(Credential::Queue(ticket)) = visit.office().authenticate(kept).await
        // After a log-out somebody else may use this browser, with the cookie still there.
        && (ticket.user, ticket.sale) == (user, sale)
        && let Ok(standing) = visit.office().poll(&ticket).await
    {
        return Ok(Place::In { token: kept.to_owned(), standing });
    }
    // Without a token that counts the database says it, also who has joined on another device.
    match visit.office().token_status_in(sale, user).await {
        Ok(found) => Ok(Place::In { token: found.jwt.unwrap_or_default(), standing: found.standing }),
        Err(Error::TokenNotFound) => Ok(Place::Out),
        Err(Error::TokenExpired) => Ok(Place::Ended),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody was in the sale's queue in this browser and still is, though nobody is logged in now.
pub(super) async fn is_left_behind(visit: &Visit, sale: SaleId) -> Result<bool, Problem> {
    let kept = session::cookie(visit.call.headers(), PLACE).unwrap_or_default();
    match visit.office().authenticate(kept).await {
        // Read and not polled, which would begin the turn of somebody who is not there.
        Ok(Credential::Queue(ticket)) if ticket.sale == sale => {
            match visit.office().token_status_in(sale, ticket.user).await {
                Ok(_) => Ok(true),
                Err(Error::TokenNotFound | Error::TokenExpired) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
        // All sessions of the user were ended; the place stays.
        Err(Error::TokenEnded) => Ok(true),
        _ => Ok(false),
    }
}

/// Keeps the queue token for the page of its sale; an empty one takes it away.
pub(super) fn cookie(visit: &Visit, sale: SaleId, token: &str) -> HeaderValue {
    let life = token.is_empty().then_some(0);
    session::write(visit.call.headers(), PLACE, token, &format!("/sales/{sale}"), life)
}

/// Whether the browser has another token than this one.
pub(super) fn is_new(visit: &Visit, token: &str) -> bool {
    session::cookie(visit.call.headers(), PLACE) != Some(token)
}
