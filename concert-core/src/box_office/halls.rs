//! Changing halls.

use std::fmt;

use super::BackOffice;
use crate::caller::IdempotencyKey;
use crate::error::Error;
use crate::hall::{ChangeHall, HallChange, NewSeats, SeatsChanged, SeatsSwapped, SwapSeats};
use crate::id::{ConcertId, SeatNumber};
use crate::money::Money;
use crate::operator::{Reason, Signature};

/// Changing a hall while its seats sell. Each act is for many seats (65 536 at most) in one transaction: those that
/// cannot be changed are named in the answer with the reason, all others are changed.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertId, Error, Money, NewSeats, SeatNumber, SeatRanges};
///
/// # async fn example(office: BoxOffice, concert: ConcertId) -> Result<(), Error> {
/// let ann = office.operator("ann@example.org".parse()?);
/// let camera: SeatRanges = "1-4".parse()?;
/// let blocked = ann.block_seats(concert, camera.numbers(), "camera".parse()?).await?;
/// for seat in &blocked.refused {
///     println!("seat {} stays on sale: {}", seat.seat, seat.code);
/// }
/// ann.unblock_seats(concert, camera.numbers(), None).await?;
/// ann.price_seats(concert, camera.numbers(), Money::whole(80)?).await?;
/// ann.add_seats(concert, NewSeats::new(Money::whole(60)?, [SeatNumber::new(501)?])).await?;
/// ann.swap_seats(concert, [SeatNumber::new(7)?, SeatNumber::new(9)?], Some("a broken seat".parse()?)).await?;
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Takes seats off sale that nobody has: they cannot be held until they are unblocked. Held and sold ones are
    /// refused, and so are those that are off sale for another reason.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (no seat, too many), [`Error::ConcertNotFound`].
    pub async fn block_seats(
        &self,
        concert: ConcertId,
        seats: impl IntoIterator<Item = SeatNumber>,
        reason: Reason,
    ) -> Result<SeatsChanged, Error> {
        self.hall(concert).block(seats, reason).await
    }

    /// Puts seats on sale again that were blocked, or refunded and kept off sale. Held and sold ones are refused.
    ///
    /// # Errors
    /// As [`BackOffice::block_seats`].
    pub async fn unblock_seats(
        &self,
        concert: ConcertId,
        seats: impl IntoIterator<Item = SeatNumber>,
        reason: Option<Reason>,
    ) -> Result<SeatsChanged, Error> {
        self.hall(concert).unblock(seats, reason).await
    }

    /// Sets what seats cost from now on, 0 or more. A hold costs what its seat did when it was held, and what is paid
    /// stays paid: such seats are named in the answer, and get the price for whoever has them next.
    ///
    /// # Errors
    /// As [`BackOffice::block_seats`], and [`Error::InvalidInput`] for more decimal places than the currency has.
    pub async fn price_seats(
        &self,
        concert: ConcertId,
        seats: impl IntoIterator<Item = SeatNumber>,
        price: Money,
    ) -> Result<SeatsChanged, Error> {
        self.hall(concert).price(seats, price).await
    }

    /// Adds seats to a hall, free and on sale. Those whose number another seat has, or whose place in the row, are
    /// refused.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (a name that is none, a number or a place that comes twice, no seat, too many),
    /// [`Error::ConcertNotFound`].
    pub async fn add_seats(&self, concert: ConcertId, seats: NewSeats) -> Result<SeatsChanged, Error> {
        self.hall(concert).add(seats).await
    }

    /// Lets two seats change places: whoever has one of them, held or sold, has the other from then on. If nobody has one
    /// of them, the other's holder moves there. Prices, deadlines, orders and owners stay as they are, so no limit and no
    /// sum changes.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] (one seat twice), [`Error::ConcertNotFound`], [`Error::SeatNotFound`],
    /// [`Error::SeatBlocked`], [`Error::SeatsNotReserved`] (nobody has either of them).
    pub async fn swap_seats(
        &self,
        concert: ConcertId,
        seats: [SeatNumber; 2],
        reason: Option<Reason>,
    ) -> Result<SeatsSwapped, Error> {
        self.hall(concert).swap(seats, reason).await
    }

    /// The hall of a concert, to change it, or to see what a change would do: [`HallDesk::dry_run`].
    #[must_use]
    pub fn hall(&self, concert: ConcertId) -> HallDesk {
        HallDesk { desk: self.clone(), concert, dry_run: false, key: None }
    }
}

/// Changes of one hall, from [`BackOffice::hall`]: those of [`BackOffice`], with the choice of a dry run.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertId, Error, SeatRanges};
///
/// # async fn example(office: BoxOffice, concert: ConcertId) -> Result<(), Error> {
/// let hall = office.operator("ann@example.org".parse()?).hall(concert);
/// let camera: SeatRanges = "1-4".parse()?;
/// let would = hall.clone().dry_run(true).block(camera.numbers(), "camera".parse()?).await?;
/// if would.refused.is_empty() {
///     hall.block(camera.numbers(), "camera".parse()?).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HallDesk {
    desk: BackOffice,
    concert: ConcertId,
    dry_run: bool,
    key: Option<IdempotencyKey>,
}

impl HallDesk {
    /// Whether to say only what would be changed. The same rules decide over the same locked rows; nothing is written,
    /// and no act is recorded.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// The same desk; its next change is carried out once, however often it comes with this key, and answers the same. The
    /// key is bound to all that was asked: with anything else it is refused ([`Error::IdempotencyKeyReused`]). A change
    /// that changed nothing, and a dry run, leave no record and are decided anew. The answer comes from the operators' log, in
    /// which a list of seats ends after 20 000 characters; how many were changed is always whole.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// As [`BackOffice::block_seats`].
    ///
    /// # Errors
    /// As there.
    pub async fn block(
        &self,
        seats: impl IntoIterator<Item = SeatNumber>,
        reason: Reason,
    ) -> Result<SeatsChanged, Error> {
        self.change(HallChange::Block { seats: seats.into_iter().collect(), reason }).await
    }

    /// As [`BackOffice::unblock_seats`].
    ///
    /// # Errors
    /// As there.
    pub async fn unblock(
        &self,
        seats: impl IntoIterator<Item = SeatNumber>,
        reason: Option<Reason>,
    ) -> Result<SeatsChanged, Error> {
        self.change(HallChange::Unblock { seats: seats.into_iter().collect(), reason }).await
    }

    /// As [`BackOffice::price_seats`].
    ///
    /// # Errors
    /// As there.
    pub async fn price(
        &self,
        seats: impl IntoIterator<Item = SeatNumber>,
        price: Money,
    ) -> Result<SeatsChanged, Error> {
        self.change(HallChange::Price { seats: seats.into_iter().collect(), price }).await
    }

    /// As [`BackOffice::add_seats`].
    ///
    /// # Errors
    /// As there.
    pub async fn add(&self, seats: NewSeats) -> Result<SeatsChanged, Error> {
        self.change(HallChange::Add(seats)).await
    }

    /// As [`BackOffice::swap_seats`].
    ///
    /// # Errors
    /// As there.
    pub async fn swap(&self, seats: [SeatNumber; 2], reason: Option<Reason>) -> Result<SeatsSwapped, Error> {
        if seats[0] == seats[1] {
            return Err(Error::invalid("name two different seats"));
        }
        let (concert, dry_run) = (self.concert, self.dry_run);
        // The order of the two makes no difference.
        let [low, high] = if seats[0] < seats[1] { seats } else { [seats[1], seats[0]] };
        let by = self.sign("swaps", &[&concert, &low, &high, &reason.as_ref().map_or("", Reason::as_str)]);
        self.desk.office.inner.swaps.submit(SwapSeats { dry_run, concert, seats, reason, by }).await
    }

    async fn change(&self, change: HallChange) -> Result<SeatsChanged, Error> {
        let (concert, dry_run, change) = (self.concert, self.dry_run, change.checked()?);
        if let Some(price) = change.price() {
            // The rules below know amounts, not the currency of the house.
            self.desk.office.policy().check_amount(price)?;
        }
        let by = self.sign("halls", &[&concert, &format_args!("{change:?}")]);
        self.desk.office.inner.halls.submit(ChangeHall { dry_run, concert, change, by }).await
    }

    fn sign(&self, route: &str, parts: &[&dyn fmt::Display]) -> Signature {
        self.desk.by.sign_once(route, self.key.as_ref().filter(|_| !self.dry_run), parts)
    }
}
