//! Tickets at the door: codes, keys, check-ins.

use super::{BackOffice, BoxOffice};
use crate::after_sale::TicketStatus;
use crate::caller::IdempotencyKey;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::db;
use crate::error::Error;
use crate::id::{ConcertId, LogEntryId, ReservationId, TicketKeyId};
use crate::page::{Page, Paged};
use crate::reservation::OwnTicket;
use crate::ticket::{self, CheckIn, CheckInTicket, PresentedTicket, TicketKey, VerifiedTicket, VoidTickets};
use crate::void_reason::VoidReason;

impl BoxOffice {
    /// The public keys that codes of tickets are verified with, in the order in which they were made: those in force.
    /// For everyone, and for gates that go on without the network.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn ticket_keys(&self) -> Result<Vec<TicketKey>, Error> {
        let keys = db::read(|| ticket::all_keys(self.pool())).await?;
        Ok(keys.into_iter().filter(|key| key.retired_at.is_none()).collect())
    }

    /// Gives the tickets that count their codes. The first time ever it makes the key that they are signed with.
    pub(super) async fn sign_tickets(&self, tickets: &mut [OwnTicket]) -> Result<(), Error> {
        // The first signer makes a key. A list without tickets must not do that.
        if tickets.iter().all(|ticket| ticket.void.is_some()) {
            return Ok(());
        }
        let signer = ticket::signer(self.pool(), self.now()).await?;
        for ticket in tickets.iter_mut().filter(|ticket| ticket.void.is_none()) {
            let sold = &ticket.reservation;
            ticket.payload = Some(signer.sign(sold.id, sold.concert, sold.seat, ticket.version));
        }
        Ok(())
    }
}

/// The door.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertId, Error, PresentedTicket, UserId};
///
/// # async fn example(office: BoxOffice, user: UserId, concert: ConcertId) -> Result<(), Error> {
/// let [ticket] = &office.tickets_of(user, Default::default()).await?.data[..] else { return Ok(()) };
/// let code = ticket.payload.clone().unwrap_or_default(); // what the attendee shows
/// let door = office.operator("turnstile 3".parse()?);
/// let inside = door.check_in(concert, PresentedTicket::new(&code, "north".parse()?)).await?;
/// println!("seat {}", inside.seat);
/// let again = door.check_in(concert, PresentedTicket::new(&code, "south".parse()?)).await;
/// assert!(matches!(again, Err(Error::AlreadyCheckedIn { .. })));
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Lets somebody in who shows the code of a ticket, once. A refund of a ticket that was checked in stays possible, and
    /// so is a move: the check-in stays on record.
    ///
    /// # Errors
    /// [`Error::TicketUnreadable`], [`Error::TicketKeyNotFound`], [`Error::TicketForged`]; [`Error::ConcertNotFound`],
    /// [`Error::TicketForOtherConcert`], [`Error::TicketNotFound`], [`Error::IdempotencyKeyReused`],
    /// [`Error::TicketKeyRetired`], [`Error::TicketVoid`], [`Error::AlreadyCheckedIn`], [`Error::InvalidInput`] (the gate
    /// says that it was more than 24 hours ago, or is to come).
    pub async fn check_in(&self, concert: ConcertId, presented: PresentedTicket) -> Result<CheckIn, Error> {
        let PresentedTicket { code, gate, at, key } = presented;
        // Before a place in a batch is used: what carries no signature of this house never reaches the rows.
        let claims = self.office.inner.ticket_keys.open(self.office.pool(), &code).await?;
        let has_key = key.is_some();
        let by = match key {
            Some(key) => self.by.sign_as(LogEntryId::from_uuid(key.derive_for_operator(self.by.as_str(), "checkins"))),
            None => self.by.sign(),
        };
        self.office.inner.check_ins.submit(CheckInTicket { concert, claims, gate, at, by, has_key }).await
    }

    /// What the code of a ticket says, whether it counts now, and whether somebody is in with it. Changes nothing.
    ///
    /// # Errors
    /// [`Error::TicketUnreadable`], [`Error::TicketKeyNotFound`], [`Error::TicketForged`], [`Error::TicketNotFound`].
    pub async fn verify_ticket(&self, code: &str) -> Result<VerifiedTicket, Error> {
        let pool = self.office.pool();
        let claims = self.office.inner.ticket_keys.open(pool, code).await?;
        let keys = db::read(|| ticket::all_keys(pool)).await?;
        let key = keys.into_iter().find(|key| key.id == claims.key).ok_or(Error::TicketKeyNotFound)?;
        let sold = self.ticket(claims.ticket).await?;
        // A good signature over what was never sold so, as from a database that was restored to an earlier moment.
        if sold.concert != claims.concert || claims.version > sold.version {
            return Err(Error::TicketNotFound);
        }
        let void = match (sold.concert_status, sold.status) {
            (ConcertStatus::Cancelled, _) => Some(VoidReason::Cancelled),
            (_, TicketStatus::Void) => Some(VoidReason::Refunded),
            _ => (claims.version < sold.version).then_some(VoidReason::Moved),
        };
        let check_in = db::read(|| ticket::check_in_of(pool, claims.ticket)).await?;
        Ok(VerifiedTicket { claims, key_retired_at: key.retired_at, void, seat: sold.seat, check_in })
    }

    /// A page of who is in, newest first.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`], [`Error::InvalidInput`] (the page starts after something that is no check-in of this
    /// concert).
    pub async fn check_ins(&self, concert: ConcertId, page: Page<ReservationId>) -> Result<Paged<CheckIn>, Error> {
        let pool = self.office.pool();
        self.concert_is_there(concert).await?;
        let found = db::read(|| ticket::check_ins(pool, concert, &page)).await?;
        found.ok_or_else(|| Error::invalid("startingAfter is no check-in of this concert"))
    }

    async fn concert_is_there(&self, concert: ConcertId) -> Result<(), Error> {
        let pool = self.office.pool();
        let find = || async {
            let found = db::read(|| ticket::concert_status(pool, concert)).await?;
            found.map(drop).ok_or(Error::ConcertNotFound)
        };
        self.office.caught_up(find).await
    }

    /// The tickets of a concert that count no more, in the order in which they became so: those since `since`, or all.
    /// About `limit` of them, 1 to 1 000: those of one moment are all on one page.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::ConcertNotFound`].
    pub async fn void_tickets(
        &self,
        concert: ConcertId,
        since: Option<Timestamp>,
        limit: Option<u32>,
    ) -> Result<VoidTickets, Error> {
        if limit.is_some_and(|limit| !(1..=1_000).contains(&limit)) {
            return Err(Error::invalid("a page has 1 to 1000 void tickets"));
        }
        let (pool, now) = (self.office.pool(), self.office.now());
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let find = || async {
            let found = db::read(|| ticket::void_tickets(pool, concert, since, limit, now)).await?;
            found.ok_or(Error::ConcertNotFound)
        };
        self.office.caught_up(find).await
    }

    /// Makes a key of tickets, with which all codes are signed from now on. Codes that were signed with earlier ones
    /// count until those are retired.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where 100 keys are in force already.
    pub async fn make_ticket_key(&self, key: Option<&IdempotencyKey>) -> Result<TicketKey, Error> {
        let id = match key {
            Some(key) => TicketKeyId::from_uuid(key.derive_for_operator(self.by.as_str(), "ticket keys")),
            None => TicketKeyId::generate(),
        };
        ticket::make_key(self.office.pool(), id, &self.by.sign(), self.office.now()).await
    }

    /// Retires a key of tickets for good: no code that was signed with it counts from now on, on any server. The owners
    /// of the tickets find new codes where they found the old ones.
    ///
    /// # Errors
    /// [`Error::TicketKeyNotFound`].
    pub async fn retire_ticket_key(&self, key: TicketKeyId) -> Result<TicketKey, Error> {
        ticket::retire_key(self.office.pool(), key, &self.by.sign(), self.office.now()).await
    }

    /// All keys of tickets, retired ones too, in the order in which they were made.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn ticket_keys(&self) -> Result<Vec<TicketKey>, Error> {
        db::read(|| ticket::all_keys(self.office.pool())).await
    }
}
