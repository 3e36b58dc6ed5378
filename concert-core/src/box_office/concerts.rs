//! The back office of concerts: adding, looking at, changing and closing them.

use super::BackOffice;
use crate::caller::{Fingerprint, IdempotencyKey};
use crate::catalog::{self, Bookable, ConcertChange, ConcertChanged, ConcertDetails, ConcertSections, NewConcert};
use crate::concert_status::ConcertStatus;
use crate::db;
use crate::error::Error;
use crate::id::ConcertId;
use crate::page::{Page, Paged};

/// Concerts.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertChange, Error, HallPart, Money, NewConcert, Operator, generate_hall};
/// use concert_core::chrono::{NaiveDate, NaiveTime};
///
/// # async fn example(office: BoxOffice, date: NaiveDate, eight: NaiveTime) -> Result<(), Error> {
/// let back_office = office.operator(Operator::application());
/// let parts = [HallPart::new("VIP", 200, Money::whole(150)?), HallPart::new("R", 400, Money::whole(120)?)];
/// let new = NewConcert::new("Spring", date, generate_hall(&parts, 30)?).with_start(eight).with_time_zone("Asia/Seoul".parse().ok());
/// back_office.add_concert(&new).await?;
/// let version = back_office.concert(new.id).await?.concert.version;
/// back_office.change_concert(new.id, &ConcertChange::new().with_name("Spring live"), Some(version)).await?;
/// back_office.change_concert(new.id, &ConcertChange::close(), None).await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Puts a concert on sale once, however often it is called with this key, and returns its id, which derives from
    /// the operator and the key.
    ///
    /// # Errors
    /// As [`BackOffice::add_concert`], and [`Error::IdempotencyKeyReused`]: the key came with another concert.
    pub async fn add_concert_once(&self, new: NewConcert, key: &IdempotencyKey) -> Result<ConcertId, Error> {
        self.check_prices(&new)?;
        // The id comes from operator and key, so the primary key finds a repeated request.
        let new = new.with_id(ConcertId::from_uuid(key.derive_for_operator(self.by.as_str(), "concerts")));
        self.check_not_over(&new).await?;
        let request = Fingerprint::of(&[&format_args!("{new:?}")]);
        let (pool, now) = (self.office.pool(), self.office.now());
        match catalog::add_concert(pool, &new, &self.by.sign().for_request(request), now, |_| {}).await {
            Err(Error::ConcertExists) => {
                // The fingerprint is in the log, in the entry of the act: the concert itself may have been changed
                // since.
                let is_same = db::read(|| catalog::was_added_by(pool, new.id, request)).await?;
                if is_same { Ok(new.id) } else { Err(Error::IdempotencyKeyReused) }
            }
            added => added.map(|()| {
                self.note_change(new.id);
                new.id
            }),
        }
    }

    /// Whether [`BackOffice::add_concert`] would add it now.
    ///
    /// # Errors
    /// As [`BackOffice::add_concert`].
    pub async fn preview_concert(&self, new: &NewConcert) -> Result<(), Error> {
        self.check_prices(new)?;
        self.check_not_over(new).await?;
        catalog::check_new(self.office.pool(), new).await
    }

    /// A page of the concerts, the last date first.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (`starting_after` is no concert).
    pub async fn concerts(&self, page: Page<ConcertId>) -> Result<Paged<ConcertDetails>, Error> {
        let house = self.office.policy().time_zone();
        let found = db::read(|| catalog::concerts(self.office.pool(), &page, house)).await?;
        found.ok_or_else(|| Error::invalid("startingAfter is no concert"))
    }

    /// A concert, and how many seats of each section are free, held, sold and blocked. Reads all its seats.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn concert(&self, id: ConcertId) -> Result<ConcertSections, Error> {
        let (house, now) = (self.office.policy().time_zone(), self.office.now());
        let found = db::read(|| catalog::concert_sections(self.office.pool(), id, house, now)).await?;
        found.ok_or(Error::ConcertNotFound)
    }

    /// Changes a concert. With `version` only if it still has that one. A change that changes nothing is not logged.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`], [`Error::VersionChanged`], [`Error::ConcertCancelled`], [`Error::InvalidInput`].
    pub async fn change_concert(
        &self,
        id: ConcertId,
        change: &ConcertChange,
        version: Option<u32>,
    ) -> Result<ConcertChanged, Error> {
        let (house, now) = (self.office.policy().time_zone(), self.office.now());
        let changed =
            catalog::change_concert(self.office.pool(), id, change, version, house, &self.by.sign(), now).await?;
        // After COMMIT: whoever reads because of it must find the change.
        self.note_change(id);
        Ok(changed)
    }

    /// What [`BackOffice::change_concert`] would do now.
    ///
    /// # Errors
    /// As [`BackOffice::change_concert`].
    pub async fn preview_concert_change(
        &self,
        id: ConcertId,
        change: &ConcertChange,
        version: Option<u32>,
    ) -> Result<ConcertChanged, Error> {
        let (house, now) = (self.office.policy().time_zone(), self.office.now());
        catalog::preview_change(self.office.pool(), id, change, version, house, now).await
    }

    pub(super) fn check_prices(&self, new: &NewConcert) -> Result<(), Error> {
        let mut prices = new.sections.iter().map(|section| section.price);
        Ok(prices.try_for_each(|price| self.office.policy().check_amount(price))?)
    }

    /// Refuses a concert whose day is over at its venue: most likely its year is a typing mistake. One that an earlier call
    /// has added is not asked.
    pub(super) async fn check_not_over(&self, new: &NewConcert) -> Result<(), Error> {
        let (office, now) = (&self.office, self.office.now());
        let zone = new.time_zone.unwrap_or(office.policy().time_zone());
        let is_over = Bookable::new(ConcertStatus::OnSale, new.date, zone).is_over(now);
        if !is_over || db::read(|| catalog::concert_exists(office.pool(), new.id)).await? {
            return Ok(());
        }
        Err(Error::invalid(format!("the concert would be over before it is added: its date is {}", new.date)))
    }

    /// Caches of this process see that a concert has changed.
    pub(super) fn note_change(&self, concert: ConcertId) {
        self.office.inner.seat_changes.note_concert(concert);
    }
}
