//! What operators do with seats after they were sold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{BackOffice, BoxOffice, wrong_answer};
use crate::after_sale::{
    self, AfterSaleBatch, Answer, CallOff, Cancellation, ClearSeats, Cleared, Command, LEASE, MoveTicket, Refund,
    RefundPayment, RefundReason, SeatAfterRefund, TicketMove, TicketView,
};
use crate::batch;
use crate::caller::IdempotencyKey;
use crate::concert_status::ConcertStatus;
use crate::db;
use crate::error::Error;
use crate::id::{ConcertId, PaymentId, ReservationId, SeatNumber, UserId, WalletEntryId};
use crate::operator::{Reason, Signature};

/// How many seats are cleared in one transaction: few enough that buyers of other concerts hardly wait for it.
const SEATS_AT_ONCE: usize = 32;
/// After each transaction there is a pause of this many times as long, so that buyers have the database for most of the time.
const PAUSE_SHARE: u32 = 2;
/// The most rounds over the seats of a concert. The second finds what was in flight when the concert was called off.
const MOST_ROUNDS: usize = 8;
/// The most stuck payments that are named.
const MOST_STUCK: usize = 100;

/// Refunds, tickets, concerts that are called off.
///
/// ```no_run
/// use concert_core::{BoxOffice, ConcertId, Error, PaymentId, ReservationId, SeatAfterRefund, UserId};
///
/// # async fn example(office: BoxOffice, concert: ConcertId, payment: PaymentId, ticket: ReservationId, friend: UserId)
/// # -> Result<(), Error> {
/// let back_office = office.operator("ann@example.org".parse()?);
/// back_office.refund_to(payment, Some("a broken chair".parse()?), SeatAfterRefund::OffSale).await?;
/// back_office.move_ticket(ticket, friend, "the buyer is ill".parse()?).await?;
/// back_office.cancel_concert(concert, "the singer is ill".parse()?).await?; // from here on nothing is held or paid
/// let done = back_office.finish_cancellation(concert, |so_far| println!("{}", so_far.refunded)).await?;
/// assert_eq!(done.refunded, done.payments);
/// # Ok(())
/// # }
/// ```
impl BackOffice {
    /// Refunds a payment and puts its seat on sale: [`BackOffice::refund_to`] with [`SeatAfterRefund::ToSale`].
    ///
    /// # Errors
    /// As [`BackOffice::refund_to`].
    pub async fn refund(&self, payment: PaymentId, reason: Option<RefundReason>) -> Result<Refund, Error> {
        self.refund_to(payment, reason, SeatAfterRefund::ToSale).await
    }

    /// Refunds a payment: the money goes back to the wallet that paid, whoever has the ticket by now, and the seat is
    /// for sale again or blocked, in one transaction. Recorded with who did it and why. A concert that is over may be
    /// refunded. The seat of a concert that was called off stays off sale.
    ///
    /// # Errors
    /// [`Error::PaymentNotFound`], [`Error::AlreadyRefunded`], [`Error::BalanceLimit`].
    pub async fn refund_to(
        &self,
        payment: PaymentId,
        reason: Option<RefundReason>,
        seat: SeatAfterRefund,
    ) -> Result<Refund, Error> {
        self.refund_once(payment, reason, seat, None).await
    }

    /// The same; with a key it is refunded once, however often it is called, and answers the same.
    ///
    /// # Errors
    /// As [`BackOffice::refund_to`], and [`Error::IdempotencyKeyReused`]: the key came with another refund.
    pub async fn refund_once(
        &self,
        payment: PaymentId,
        reason: Option<RefundReason>,
        seat: SeatAfterRefund,
        key: Option<&IdempotencyKey>,
    ) -> Result<Refund, Error> {
        let said = reason.as_ref().map_or("", Reason::as_str);
        let by = self.by.sign_once("refunds", key, &[&payment, &said, &seat.as_str()]);
        match self.office.inner.refunds.submit(refund_command(payment, reason, seat, by)).await? {
            Answer::Refunded(refund) => Ok(refund),
            _ => Err(wrong_answer()),
        }
    }

    /// What [`BackOffice::refund_to`] would do now.
    ///
    /// # Errors
    /// As [`BackOffice::refund_to`].
    pub async fn preview_refund(&self, payment: PaymentId, seat: SeatAfterRefund) -> Result<Refund, Error> {
        let batch = AfterSaleBatch { changes: Arc::clone(&self.office.inner.seat_changes) };
        let refund = refund_command(payment, None, seat, self.by.sign());
        match batch::preview(&batch, refund, self.office.pool(), self.office.now()).await? {
            Answer::Refunded(refund) => Ok(refund),
            _ => Err(wrong_answer()),
        }
    }

    /// A sold seat, its owner and its payment, by the id of its reservation.
    ///
    /// # Errors
    /// [`Error::TicketNotFound`].
    pub async fn ticket(&self, ticket: ReservationId) -> Result<TicketView, Error> {
        let find = || async {
            db::read(|| after_sale::ticket(self.office.pool(), ticket)).await?.ok_or(Error::TicketNotFound)
        };
        self.office.caught_up(find).await
    }

    /// Gives a sold seat to another owner, in one transaction with its record. The seat counts for the limits of the new
    /// owner from then on, and the ticket is an order of its own. The payment stays with the user who paid: a refund goes
    /// there.
    ///
    /// # Errors
    /// [`Error::TicketNotFound`], [`Error::ConcertCancelled`], [`Error::TicketVoid`] (refunded), [`Error::UserNotFound`]
    /// (also one who was forgotten), [`Error::UserDisabled`], [`Error::InvalidInput`] (the user has it already),
    /// [`Error::SeatLimit`].
    pub async fn move_ticket(
        &self,
        ticket: ReservationId,
        to: UserId,
        reason: RefundReason,
    ) -> Result<TicketMove, Error> {
        self.move_ticket_once(ticket, to, reason, None).await
    }

    /// The same; with a key it is moved once, however often it is called, and answers the same.
    ///
    /// # Errors
    /// As [`BackOffice::move_ticket`], and [`Error::IdempotencyKeyReused`]: the key came with another move.
    pub async fn move_ticket_once(
        &self,
        ticket: ReservationId,
        to: UserId,
        reason: RefundReason,
        key: Option<&IdempotencyKey>,
    ) -> Result<TicketMove, Error> {
        let by = self.by.sign_once("moves", key, &[&ticket, &to, &reason.as_str()]);
        let command = Command::Move(MoveTicket { ticket, to, reason, by });
        match self.office.inner.refunds.submit(command).await? {
            Answer::Moved(moved) => Ok(moved),
            _ => Err(wrong_answer()),
        }
    }

    /// Calls a concert off, for good: in one transaction, from which on nothing of it is held or paid.
    /// [`BackOffice::finish_cancellation`] then ends its holds and refunds its payments, and so does [`BoxOffice::run`] in
    /// any process. A concert that was called off before stays so, with its first reason.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn cancel_concert(&self, concert: ConcertId, reason: RefundReason) -> Result<Cancellation, Error> {
        let command = Command::CallOff(CallOff { concert, reason, by: self.by.sign() });
        self.office.inner.refunds.submit(command).await?;
        self.cancellation(concert).await
    }

    /// How far it is with calling a concert off, from the rows alone. Of a concert that is not called off: what it would
    /// come to. Reads all reservations and payments of the concert.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`].
    pub async fn cancellation(&self, concert: ConcertId) -> Result<Cancellation, Error> {
        let (pool, now) = (self.office.pool(), self.office.now());
        let find =
            || async { db::read(|| after_sale::cancellation(pool, concert, now)).await?.ok_or(Error::ConcertNotFound) };
        self.office.caught_up(find).await
    }

    /// Ends all holds of a concert that was called off, refunds all its payments and takes all its seats off sale, some
    /// at a time, and returns once all is done. `progress` gets what this call has done so far. Any number of processes
    /// may do so at once, and any may go on where another was killed: each payment is refunded once. A payment whose
    /// wallet would pass its limit stays, and is named as stuck.
    ///
    /// Cancel safety: what was refunded stays refunded, and the next call goes on.
    ///
    /// # Errors
    /// [`Error::ConcertNotFound`], [`Error::InvalidInput`] (it is not called off).
    pub async fn finish_cancellation(
        &self,
        concert: ConcertId,
        mut progress: impl FnMut(ClearedSoFar) + Send,
    ) -> Result<Cancellation, Error> {
        let (mut stuck, mut so_far) = (Vec::new(), ClearedSoFar::default());
        let mut progress = |cleared: &Cleared| {
            so_far.refunded += cleared.refunded;
            so_far.holds_released += cleared.released;
            progress(so_far);
        };
        if self.cancellation(concert).await?.status != ConcertStatus::Cancelled {
            return Err(Error::invalid("this concert is not called off"));
        }
        for _ in 0..MOST_ROUNDS {
            let round = self.office.clear_round(concert, None, &mut progress).await?;
            stuck = round.stuck;
            // What is stuck is found again in each round. A round that found nothing else has nothing left to do.
            if round.seats == stuck.len() {
                break;
            }
        }
        self.office.record_cleared(concert).await?;
        stuck.truncate(MOST_STUCK);
        Ok(Cancellation { stuck, ..self.cancellation(concert).await? })
    }
}

fn refund_command(
    payment: PaymentId,
    reason: Option<RefundReason>,
    seat_goes: SeatAfterRefund,
    by: Signature,
) -> Command {
    Command::Refund(RefundPayment { payment, by, reason, seat_goes, entry: WalletEntryId::generate() })
}

/// What one call of [`BackOffice::finish_cancellation`] has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClearedSoFar {
    /// Payments that it has refunded.
    pub refunded: u64,
    /// Holds that it has ended.
    pub holds_released: u64,
}

/// One round over the seats of a concert that is called off.
#[derive(Debug, Default)]
struct Round {
    /// Seats that were not cleared before.
    seats: usize,
    stuck: Vec<PaymentId>,
    /// Its time was over before it came to the last seat.
    was_cut: bool,
}

impl BoxOffice {
    /// Goes on with concerts that are called off, for about so long, where no other process does.
    pub(super) async fn clear_cancelled(&self, period: Duration) -> Result<(), Error> {
        let begun = Instant::now();
        for concert in db::read(|| after_sale::unfinished(self.pool(), self.now())).await? {
            for _ in 0..MOST_ROUNDS {
                let round = self.clear_round(concert, Some(begun + period), &mut |_| {}).await?;
                if round.was_cut {
                    // Its time is over, not its work: without the lease any process may go on at once.
                    after_sale::renew(self.pool(), concert, None).await.map_err(db::to_error)?;
                    break;
                }
                if round.seats == round.stuck.len() {
                    self.record_cleared(concert).await?;
                    tracing::info!(%concert, stuck = round.stuck.len(), "the seats of a concert that was called off are cleared");
                    break;
                }
            }
        }
        Ok(())
    }

    /// Clears the seats that are not cleared yet, in their order, until `until`, with a pause after each transaction
    /// ([`PAUSE_SHARE`]).
    async fn clear_round(
        &self,
        concert: ConcertId,
        until: Option<Instant>,
        progress: &mut (dyn FnMut(&Cleared) + Send),
    ) -> Result<Round, Error> {
        let (mut round, mut last) = (Round::default(), None);
        let mut renewed: Option<Instant> = None;
        loop {
            // Well before the lease ends, so that a slow batch does not look like a process that was killed.
            if renewed.is_none_or(|at| at.elapsed() > LEASE / 5) {
                after_sale::renew(self.pool(), concert, Some(self.now())).await.map_err(db::to_error)?;
                renewed = Some(Instant::now());
            }
            let find = || after_sale::next_seats(self.pool(), concert, last, SEATS_AT_ONCE);
            let seats: Vec<SeatNumber> = db::read(find).await?;
            last = seats.last().copied();
            round.was_cut = last.is_some() && until.is_some_and(|until| Instant::now() >= until);
            if last.is_none() || round.was_cut {
                return Ok(round);
            }
            let begun = Instant::now();
            round.seats += seats.len();
            // New ids at each attempt are safe: a seat that was cleared has no payment left to refund.
            let seats = seats.into_iter().map(|seat| (seat, WalletEntryId::generate())).collect();
            let answer = self.inner.refunds.submit(Command::Clear(ClearSeats { concert, seats })).await?;
            let Answer::Cleared(cleared) = answer else { return Err(wrong_answer()) };
            progress(&cleared);
            round.stuck.extend(cleared.stuck);
            // Buyers of other concerts have the database for at least half of the time.
            tokio::time::sleep(begun.elapsed() * PAUSE_SHARE).await;
        }
    }

    async fn record_cleared(&self, concert: ConcertId) -> Result<(), Error> {
        after_sale::finish(self.pool(), concert, self.now()).await.map_err(db::to_error)
    }
}
