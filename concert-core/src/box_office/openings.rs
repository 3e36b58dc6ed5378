//! Sales that open at their instants.

use std::time::Duration;

use futures_util::future::join_all;
use hashbrown::HashMap;

use super::BoxOffice;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::SaleId;
use crate::queue::Opening;
use crate::schedule::Stop;

impl BoxOffice {
    /// Lets people in to each sale at the moment at which it opens, until `stop`. Every process does so: whichever has the
    /// gate first lets them in, and all know of it at once. The instants are known from the refreshes.
    pub(super) async fn open_sales(&self, mut stop: Stop) {
        let mut known = self.inner.views.openings();
        let mut opened: HashMap<SaleId, Timestamp> = HashMap::new();
        loop {
            let openings = known.borrow_and_update().clone();
            let now = self.now();
            // Only what may still come again is remembered, so the map does not grow with the sales.
            opened.retain(|sale, _| openings.iter().any(|opening| opening.sale == *sale));
            let due = openings.iter().filter(|opening| opening.at <= now);
            // A known instant stays in the list until the next refresh. It is opened once; one that was moved is opened
            // again.
            let due: Vec<_> = due.filter(|Opening { sale, at }| opened.insert(*sale, *at) != Some(*at)).collect();
            join_all(due.into_iter().map(|opening| self.open_noted(opening.sale))).await;
            let now = self.now();
            let next = openings.iter().map(|opening| opening.at).filter(|at| *at > now).min();
            tokio::select! {
                biased;
                () = stop.stopped() => return,
                // Cannot fail: the box office has the sender.
                _ = known.changed() => {}
                () = sleep_until(next, now) => {}
            }
        }
    }

    async fn open_noted(&self, sale: SaleId) {
        if let Err(error) = self.open_sale(sale).await {
            tracing::warn!(%sale, code = error.code(), %error, "people could not be let in at the opening: the next pass does it");
            metrics::counter!("concert_pass_failures_total", "pass" => "opening").increment(1);
        }
    }

    /// Lets people in to a sale now, if it is open.
    pub(super) async fn open_sale(&self, sale: SaleId) -> Result<(), Error> {
        let report = self.rerank_sale(sale).await?;
        self.view_of(sale).await?.refresh(self.pool(), self.now()).await?;
        metrics::counter!("concert_tokens_admitted_total").increment(report.admitted);
        tracing::debug!(%sale, ?report, "a sale was opened");
        Ok(())
    }
}

/// Until that moment, by the box office's clock, or a little before; for ever without one.
async fn sleep_until(at: Option<Timestamp>, now: Timestamp) {
    match at {
        Some(at) => tokio::time::sleep((at - now).to_std().unwrap_or(Duration::ZERO)).await,
        None => std::future::pending().await,
    }
}
