//! The rules of what is done with seats after they were sold, over rows that are locked.

use serde_json::json;

use super::cancelling::CALLED_OFF;
use super::rows::{CalledOff, Effects, Moved, Paid, Refunded, Rows};
use super::{
    Answer, CallOff, ClearSeats, Cleared, Command, MoveTicket, Refund, RefundPayment, SeatAfterRefund, TicketMove,
    refund,
};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::fact::Unread;
use crate::id::{ConcertId, OrderId, PaymentId, ReservationId, UserId, WalletEntryId};
use crate::money::Money;
use crate::operator::{Act, ActSubject, Reason};
use crate::payment::PaymentStatus;
use crate::reservation::{ReservationStatus, SeatKey};
use crate::void_reason::VoidReason;
use crate::wallet::WalletEntryKind;

/// Why a seat is blocked whose payment was refunded without a reason.
const REFUNDED: &str = "refunded";

pub(crate) fn decide(rows: Rows, commands: &[Command], attempt: &Attempt) -> (Vec<Result<Answer, Error>>, Effects) {
    let mut desk = Desk { rows, effects: Effects::default(), now: attempt.now };
    let answers = commands.iter().map(|command| desk.carry_out(command)).collect();
    (answers, desk.effects)
}

/// What is sold, in the course of a batch.
struct Desk {
    rows: Rows,
    effects: Effects,
    now: Timestamp,
}

/// How a payment goes back.
struct Terms {
    by: String,
    reason: Option<Reason>,
    off_sale: Option<String>,
    entry: WalletEntryId,
    at: Timestamp,
}

impl Desk {
    fn carry_out(&mut self, command: &Command) -> Result<Answer, Error> {
        match command {
            Command::Refund(refund) => self.refund(refund).map(Answer::Refunded),
            Command::Move(ticket) => self.move_ticket(ticket).map(Answer::Moved),
            Command::CallOff(call_off) => self.call_off(call_off).map(|()| Answer::CalledOff),
            Command::Clear(clear) => self.clear(clear).map(Answer::Cleared),
        }
    }

    fn is_called_off(&self, concert: ConcertId) -> bool {
        self.rows.concerts.get(&concert).is_some_and(|concert| concert.status == ConcertStatus::Cancelled)
    }

    /// Refuses in this order: no such payment, key reused, already refunded, balance too large. A payment for a past
    /// concert may be refunded. The seat of a concert that was called off never goes on sale.
    fn refund(&mut self, command: &RefundPayment) -> Result<Refund, Error> {
        let paid = *self.rows.payments.get(&command.payment).ok_or(Error::PaymentNotFound)?;
        if let Some(done) = self.rows.done.find(&command.by)? {
            return refund::logged(command.payment, paid, done);
        }
        let key = paid.seat;
        let off_sale = if self.is_called_off(key.concert) {
            Some(CALLED_OFF.to_owned())
        } else {
            let why = || command.reason.as_ref().map_or(REFUNDED, Reason::as_str).to_owned();
            (command.seat_goes == SeatAfterRefund::OffSale).then(why)
        };
        let seat_goes = if off_sale.is_some() { SeatAfterRefund::OffSale } else { SeatAfterRefund::ToSale };
        let (by, reason) = (command.by.name().to_owned(), command.reason.clone());
        let terms = Terms { by, reason, off_sale, entry: command.entry, at: self.now };
        let balance = self.pay_back(command.payment, paid, terms)?;
        let entry = command.by.entry(Act::Refund, ActSubject::Payment(command.payment), self.now);
        let was = json!({"status": PaymentStatus::Success.as_str()});
        let becomes = json!({
            "status": PaymentStatus::Refunded.as_str(), "amount": paid.amount, "balance": balance, "userId": paid.user,
            "reason": command.reason, "seat": seat_goes,
        });
        let entry = entry.with_before(was).with_after(becomes);
        self.rows.done.note(&entry);
        self.effects.log.push(entry);
        Ok(refund::refund(command.payment, paid, (seat_goes, balance), self.now))
    }

    /// The money goes to the wallet that paid, and the seat is nobody's. Returns the balance with it.
    fn pay_back(&mut self, payment: PaymentId, paid: Paid, terms: Terms) -> Result<Money, Error> {
        let Paid { user, reservation, seat: key, amount } = paid;
        let seat = self.rows.seats.get_mut(&key).ok_or(Error::AlreadyRefunded)?;
        // A reservation that was refunded has no seat any more.
        if seat.holder()? != Some(reservation) {
            return Err(Error::AlreadyRefunded);
        }
        let account = self.rows.accounts.get_mut(&user).ok_or(Error::UserNotFound)?;
        if !account.can_receive(amount) {
            return Err(Error::BalanceLimit { balance: account.balance()? });
        }

        let kind = (WalletEntryKind::Refund, Some(payment));
        self.effects.entries.push(account.receive(user, kind, terms.entry, amount, terms.at));
        let (owner, balance) = (seat.taker(), account.balance()?);
        seat.pass_to(None, None);
        self.give_up(owner, key.concert);
        let Terms { by, reason, off_sale, at, .. } = terms;
        self.effects.refunds.push(Refunded { payment, reservation, seat: key, by, reason, off_sale, at });
        Ok(balance)
    }

    /// The user has one seat less of the concert, and of its sale: a later command of the batch may give another. Not
    /// whoever paid: a ticket that was moved counts for the user who has it.
    fn give_up(&mut self, user: Option<UserId>, concert: ConcertId) {
        if let (Some(user), Some(state)) = (user, self.rows.concerts.get(&concert)) {
            self.rows.taken.remove_one(user, concert, state.sale);
        }
    }

    /// Refuses where there is no such concert. One that was called off before stays as it is, with its first reason.
    fn call_off(&mut self, command: &CallOff) -> Result<(), Error> {
        let concert = self.rows.concerts.get_mut(&command.concert).ok_or(Error::ConcertNotFound)?;
        if concert.status == ConcertStatus::Cancelled {
            return Ok(());
        }
        let before = json!({"status": concert.status});
        let (reason, by) = (command.reason.clone(), command.by.name().to_owned());
        let called_off = Some((reason.clone(), by.clone(), self.now));
        (concert.status, concert.called_off) = (ConcertStatus::Cancelled, called_off);
        self.effects.called_off.push(CalledOff { concert: command.concert, reason, by, at: self.now });
        let after = json!({"status": ConcertStatus::Cancelled, "reason": command.reason});
        let entry = command.by.entry(Act::ConcertCancel, ActSubject::Concert(command.concert), self.now);
        self.effects.log.push(entry.with_before(before).with_after(after));
        Ok(())
    }

    /// Ends holds, refunds payments and blocks the seats. Refuses where the concert is not called off. A payment that
    /// its wallet cannot take back stays, and is named.
    fn clear(&mut self, command: &ClearSeats) -> Result<Cleared, Error> {
        let concert = self.rows.concerts.get(&command.concert).ok_or(Error::ConcertNotFound)?;
        let Some((reason, by, cancelled_at)) = concert.called_off.clone() else {
            return Err(Error::invalid("this concert is not called off"));
        };
        // Servers whose clocks differ by a little must not refund before the concert was called off.
        let at = self.now.max(cancelled_at);
        let mut cleared = Cleared::default();
        for (seat, entry) in &command.seats {
            let key = SeatKey { concert: command.concert, seat: *seat };
            let Some(row) = self.rows.seats.get_mut(&key) else { continue };
            match (row.holder()?, row.held_until()?) {
                (None, _) => {
                    self.effects.blocked.insert(key);
                }
                (Some(hold), Some(until)) => {
                    let lapsed = until <= self.now;
                    let status = if lapsed { ReservationStatus::Expired } else { ReservationStatus::Cancelled };
                    // A lapsed hold counts for no limit, so nobody gives it up.
                    let owner = row.taker().filter(|_| !lapsed);
                    row.pass_to(None, None);
                    self.give_up(owner, key.concert);
                    self.effects.released.push((hold, status));
                    cleared.released += u64::from(!lapsed);
                }
                (Some(sold), None) => {
                    // A seat that is sold without a payment is for the audit to show.
                    let Some((payment, paid)) = self.payment_of(sold) else { continue };
                    let off_sale = Some(CALLED_OFF.to_owned());
                    let terms = Terms { by: by.clone(), reason: Some(reason.clone()), off_sale, entry: *entry, at };
                    match self.pay_back(payment, paid, terms) {
                        Ok(_) => {
                            cleared.refunded += 1;
                            cleared.amount += paid.amount.as_decimal();
                        }
                        Err(Error::BalanceLimit { .. } | Error::UserNotFound) => cleared.stuck.push(payment),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(cleared)
    }

    fn payment_of(&self, reservation: ReservationId) -> Option<(PaymentId, Paid)> {
        let found = self.rows.payments.iter().find(|(_, paid)| paid.reservation == reservation);
        found.map(|(payment, paid)| (*payment, *paid))
    }

    /// Refuses in this order: no such ticket, key reused, concert called off, void, no such user (or one who was forgotten), disabled
    /// user, the user has it already, more seats than one user may have.
    fn move_ticket(&mut self, command: &MoveTicket) -> Result<TicketMove, Error> {
        let ticket = self.rows.tickets.get_mut(&command.ticket).ok_or(Error::TicketNotFound)?;
        let entry = command.by.entry(Act::TicketMove, ActSubject::Ticket(command.ticket), self.now);
        if self.rows.done.find(&command.by)?.is_some() {
            return ticket.moves.iter().find(|made| made.entry == entry.id).cloned().ok_or(Unread.into());
        }
        let (key, from, to) = (ticket.seat, ticket.owner, command.to);
        if self.rows.concerts.get(&key.concert).is_some_and(|concert| concert.status == ConcertStatus::Cancelled) {
            return Err(Error::ConcertCancelled);
        }
        let seat = self.rows.seats.get_mut(&key).ok_or(Error::TicketVoid { reason: VoidReason::Refunded })?;
        if seat.holder()? != Some(command.ticket) || seat.held_until()?.is_some() {
            return Err(Error::TicketVoid { reason: VoidReason::Refunded });
        }
        self.rows.recipients.get(&to).ok_or(Error::UserNotFound)?.require_allowed()?;
        if from == to {
            return Err(Error::invalid("this user has the ticket already"));
        }
        let concert = self.rows.concerts.get(&key.concert).ok_or(Error::ConcertNotFound)?;
        concert.limits.iter().try_for_each(|limit| self.rows.taken.require(to, *limit, 1))?;
        for limit in &concert.limits {
            self.rows.taken.add(to, limit.of, 1);
            self.effects.added.add(to, *limit, 1);
        }
        self.rows.taken.remove_one(from, key.concert, concert.sale);
        seat.take_for(to);

        let change = TicketMove {
            ticket: command.ticket,
            nth: ticket.moves.last().map_or(0, |last| last.nth) + 1,
            from,
            to,
            moved_at: self.now,
            moved_by: command.by.name().to_owned(),
            reason: command.reason.as_str().to_owned(),
            entry: entry.id,
        };
        // An order has the id of one of its reservations, and one user.
        let names_order = ticket.order == Some(OrderId::from(command.ticket));
        let left_behind = if names_order { std::mem::take(&mut ticket.others) } else { Vec::new() };
        let order = left_behind.iter().min().map(|first| OrderId::from(*first));
        (ticket.owner, ticket.order, ticket.others) = (to, None, Vec::new());
        ticket.moves.push(change.clone());
        for (id, other) in &mut self.rows.tickets {
            other.others.retain(|one| *one != command.ticket);
            if left_behind.contains(id) {
                other.order = order;
            }
        }
        self.effects.moves.push(Moved { change: change.clone(), seat: key, left_behind, order });
        let after = json!({"userId": to, "reason": command.reason});
        let entry = entry.with_before(json!({"userId": from})).with_after(after);
        self.rows.done.note(&entry);
        self.effects.log.push(entry);
        Ok(change)
    }
}
