//! Sales: looking at them, making and changing them.

use super::{BackOffice, BoxOffice};
use crate::db;
use crate::error::Error;
use crate::id::SaleId;
use crate::queue::{self, DrawVerification, DrawnToken, PublicValue, SaleChange};
use crate::sale::{self, NewSale, Sale};

/// Sales. They are made and changed in the [`BackOffice`].
impl BoxOffice {
    /// All sales, in the order in which they were made; the default one is the first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn sales(&self) -> Result<Vec<Sale>, Error> {
        let sales = db::read(|| sale::all(self.pool(), self.policy().time_zone(), self.now())).await?;
        Ok(sales.into_iter().map(|sale| self.with_estimate(sale)).collect())
    }

    /// One sale.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`].
    pub async fn sale(&self, id: SaleId) -> Result<Sale, Error> {
        let found = self.caught_up(|| async {
            db::read(|| sale::find(self.pool(), id, self.policy().time_zone(), self.now()))
                .await?
                .ok_or(Error::SaleNotFound)
        });
        found.await.map(|sale| self.with_estimate(sale))
    }

    /// The sale of a name, whatever the case of its letters.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`].
    pub async fn sale_named(&self, name: &str) -> Result<SaleId, Error> {
        db::read(|| sale::named(self.pool(), name)).await?.ok_or(Error::SaleNotFound)
    }

    fn with_estimate(&self, sale: Sale) -> Sale {
        let policy = self.policy();
        let view = self.inner.views.find(sale.id);
        let measured = view.and_then(|view| view.estimate(sale.waiting + 1));
        // Without a measure, the longest: everybody before uses the whole turn.
        let rooms = u64::from(sale.admission.max_active.max(1));
        let longest = (sale.waiting + 1).div_ceil(rooms).saturating_mul(policy.active_ttl.as_secs());
        let at_once = sale.waiting == 0 && sale.active < sale.admission.max_active && !sale.admission.paused;
        let wait = if at_once { 0 } else { measured.unwrap_or(longest) };
        let until_opening = sale.opens_at.map_or(0, |opens_at| crate::clock::seconds_until(opens_at, sale.now));
        Sale { estimate: wait.saturating_add(until_opening), ..sale }
    }
}

/// Sales, as operators run them.
impl BackOffice {
    /// Makes a sale and its queue. Returns it as it is then.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::SaleExists`], [`Error::IdempotencyKeyReused`].
    pub async fn add_sale(&self, new: &NewSale) -> Result<Sale, Error> {
        let new = &new.clone().with_id(new.id_by(&self.by));
        match sale::add(self.office.pool(), new, &self.by.sign(), self.office.now()).await {
            // Its own sale from an earlier request with the same key, or another one of the name.
            Err(Error::SaleExists) => {
                let made = self.office.sale(new.id).await.map_err(|_| Error::SaleExists)?;
                let is_same = new.checked().is_ok_and(|asked| asked.row.name == made.name);
                if is_same { Ok(made) } else { Err(Error::IdempotencyKeyReused) }
            }
            added => {
                added?;
                self.office.sale(new.id).await
            }
        }
    }

    /// Changes a sale, for all processes: at once here, within a second elsewhere. `if_version`: only if it has this version
    /// still. Returns it as it is then; what is so already changes nothing, the version neither.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (nothing to change, instants that do not follow each other, doors of the default sale),
    /// [`Error::SaleNotFound`], [`Error::VersionChanged`], [`Error::SaleExists`].
    pub async fn set_sale(
        &self,
        sale: SaleId,
        change: SaleChange,
        if_version: impl Into<Option<u32>> + Send,
    ) -> Result<Sale, Error> {
        self.change_sale(sale, change.checked()?, if_version.into()).await?;
        self.office.refresh_queue().await?;
        // An opening that was moved to now or before: nothing else would come of it until the next pass.
        if sale != SaleId::DEFAULT {
            self.office.open_sale(sale).await?;
        }
        self.office.sale(sale).await
    }

    /// Names what was drawn in public since the doors of a sale have opened. Its draw mixes it in, so that nobody who knows
    /// the secret can choose the order. Until the opening it can be corrected; the log keeps each value. Returns the sale as
    /// it is then.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (the sale is ordered by arrival), [`Error::SaleNotFound`], [`Error::SaleNotOpen`] (the doors
    /// are not open yet), [`Error::DrawMade`].
    pub async fn name_public_value(&self, sale: SaleId, value: PublicValue) -> Result<Sale, Error> {
        self.change_sale(sale, SaleChange::of_public_value(value), None).await?;
        self.office.sale(sale).await
    }

    /// Computes the draw of a sale again from the tokens, on one snapshot, and says whether all agrees. `each` gets every
    /// token that was drawn, with its place, in the order of tickets.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`]; [`Error::InvalidInput`] (the sale has no draw, or it is still to come).
    pub async fn verify_draw(
        &self,
        sale: SaleId,
        each: impl FnMut(DrawnToken) + Send,
    ) -> Result<DrawVerification, Error> {
        let shown = self.office.sale(sale).await?;
        let mut connection = db::unhurried_connection(self.office.pool()).await?;
        // The queue goes on while this reads, and the secret, the settings and the tokens must be of one moment.
        db::start_snapshot(&mut connection).await.map_err(db::to_error)?;
        let verified = queue::verify_draw(&mut connection, sale, each).await.map_err(db::to_error)?;
        db::close(connection).await;
        verified.ok_or_else(|| match shown.draw {
            Some(_) => Error::invalid("the draw of this sale is still to come: it is made at the opening"),
            None => Error::invalid("this sale has no draw: it is ordered by arrival"),
        })
    }
}
