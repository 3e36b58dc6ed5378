//! Sales: looking at them, making and changing them.

use super::{BackOffice, BoxOffice};
use crate::db;
use crate::error::Error;
use crate::id::SaleId;
use crate::queue::SaleChange;
use crate::sale::{self, NewSale, Sale};

/// Sales. They are made and changed in the [`BackOffice`].
impl BoxOffice {
    /// All sales, in the order in which they were made; the default one is the first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn sales(&self) -> Result<Vec<Sale>, Error> {
        let sales = db::read(|| sale::all(self.pool(), self.now())).await?;
        Ok(sales.into_iter().map(|sale| self.with_estimate(sale)).collect())
    }

    /// One sale.
    ///
    /// # Errors
    /// [`Error::SaleNotFound`].
    pub async fn sale(&self, id: SaleId) -> Result<Sale, Error> {
        let found = self.caught_up(|| async {
            db::read(|| sale::find(self.pool(), id, self.now())).await?.ok_or(Error::SaleNotFound)
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
}
