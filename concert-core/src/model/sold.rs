//! What is done with seats after they were sold: the lane over tables.

use super::lanes::{ModelLane, require};
use super::tables::UserRow;
use super::*;
use crate::after_sale::model::Command;

impl Tables {
    fn paid(&self, payment: &Payment) -> after_sale::Paid {
        let (user, reservation, amount) = (payment.user, payment.reservation, payment.amount);
        after_sale::Paid { user, reservation, seat: self.reservations[&reservation].seat_key(), amount }
    }

    fn ticket(&self, id: ReservationId) -> Option<after_sale::Ticket> {
        let row = self.reservations.get(&id)?;
        let was_paid = matches!(row.status, ReservationStatus::Confirmed | ReservationStatus::Refunded);
        let others = self.order_of(id).filter(|other| other.id != id && other.user == row.user).map(|other| other.id);
        was_paid.then(|| after_sale::Ticket {
            owner: row.user,
            seat: row.seat_key(),
            order: row.shared_order,
            others: others.collect(),
            moves: self.moves.get(&id).cloned().unwrap_or_default(),
        })
    }

    fn concert_state(&self, id: ConcertId) -> after_sale::ConcertState {
        let concert = &self.concerts[&id];
        let called_off = (concert.bookable.status == ConcertStatus::Cancelled)
            .then(|| ("a reason".parse().expect("a reason"), "application".to_owned(), self.called_off_at));
        after_sale::ConcertState {
            status: concert.bookable.status,
            sale: concert.sale,
            called_off,
            limits: concert.limits(id).collect(),
        }
    }

    /// The reservation that had the seat ends, and the seat is nobody's.
    fn end(
        &mut self,
        id: ReservationId,
        from: ReservationStatus,
        to: ReservationStatus,
        blocked: bool,
    ) -> Result<(), &'static str> {
        let row = self.reservations.get_mut(&id).ok_or("returning seats")?;
        require(row.status == from, "returning seats")?;
        row.status = to;
        let seat = self.seats.get_mut(&row.seat_key()).ok_or("returning seats")?;
        require(seat.holder == Some(id), "returning seats")?;
        (seat.holder, seat.held_until, seat.is_blocked) = (None, None, blocked);
        Ok(())
    }
}

const fn recipient(row: &UserRow) -> after_sale::Recipient {
    if row.is_enabled { after_sale::Recipient::Allowed } else { after_sale::Recipient::Disabled }
}

impl ModelLane for AfterSaleBatch {
    fn read(&self, tables: &Tables, commands: &[Command], attempt: &Attempt) -> after_sale::Rows {
        let mut rows = after_sale::Rows {
            accounts: tables.accounts(tables.users.keys().copied()),
            recipients: tables.users.iter().map(|(id, row)| (*id, recipient(row))).collect(),
            concerts: tables.concerts.keys().map(|id| (*id, tables.concert_state(*id))).collect(),
            ..after_sale::Rows::default()
        };
        let (mut keys, mut asked) = (Vec::new(), HashMap::new());
        for command in commands {
            match command {
                Command::Refund(refund) => {
                    if let Some((payment, _)) = tables.payments.get(&refund.payment) {
                        rows.payments.insert(payment.id, tables.paid(payment));
                    }
                }
                Command::Move(ticket) => {
                    let Some(found) = tables.ticket(ticket.ticket) else { continue };
                    for limit in &rows.concerts[&found.seat.concert].limits {
                        asked.insert((ticket.to, limit.of), tables.taken(ticket.to, limit.of, attempt.now));
                    }
                    rows.tickets.insert(ticket.ticket, found);
                }
                Command::CallOff(_) => {}
                Command::Clear(clear) => {
                    keys.extend(clear.seats.iter().map(|(seat, _)| SeatKey { concert: clear.concert, seat: *seat }));
                    for (payment, refunded) in tables.payments.values() {
                        let paid = tables.paid(payment);
                        if !refunded && keys.contains(&paid.seat) {
                            rows.payments.insert(payment.id, paid);
                        }
                    }
                }
            }
        }
        keys.extend(rows.payments.values().map(|paid| paid.seat));
        keys.extend(rows.tickets.values().map(|ticket| ticket.seat));
        rows.seats = tables.read_seats(keys);
        rows.taken = reservation::TakenSeats::counted(asked);
        rows
    }

    fn apply(&self, tables: &mut Tables, effects: &after_sale::Effects, attempt: &Attempt) -> Result<(), &'static str> {
        for called_off in &effects.called_off {
            let concert = tables.concerts.get_mut(&called_off.concert).ok_or("calling a concert off")?;
            require(concert.bookable.status != ConcertStatus::Cancelled, "calling a concert off")?;
            (concert.bookable.status, concert.version) = (ConcertStatus::Cancelled, concert.version + 1);
            tables.called_off_at = called_off.at;
            for one in tables.reservations.values_mut().filter(|one| one.concert == called_off.concert) {
                one.concert_status = ConcertStatus::Cancelled;
            }
        }
        for moved in &effects.moves {
            let row = tables.reservations.get_mut(&moved.change.ticket).ok_or("moving a ticket")?;
            require(row.status == ReservationStatus::Confirmed && row.user == moved.change.from, "moving a ticket")?;
            (row.user, row.shared_order) = (moved.change.to, None);
            let moves = tables.moves.entry(moved.change.ticket).or_default();
            require(moved.change.nth as usize == moves.len() + 1, "the key of moves")?;
            moves.push(moved.change.clone());
            for behind in &moved.left_behind {
                let row = tables.reservations.get_mut(behind).ok_or("naming an order")?;
                require(row.user == moved.change.from, "naming an order")?;
                row.shared_order = moved.order;
            }
        }
        for refund in &effects.refunds {
            let (from, to) = (ReservationStatus::Confirmed, ReservationStatus::Refunded);
            tables.end(refund.reservation, from, to, refund.off_sale.is_some())?;
            let (_, refunded) = tables.payments.get_mut(&refund.payment).ok_or("refunding a payment")?;
            require(!std::mem::replace(refunded, true), "refunding a payment")?;
        }
        for (id, status) in &effects.released {
            tables.end(*id, ReservationStatus::Held, *status, true)?;
        }
        for key in &effects.blocked {
            let seat = tables.seats.get_mut(key).filter(|seat| seat.holder.is_none()).ok_or("blocking seats")?;
            seat.is_blocked = true;
        }
        for (user, limit) in effects.added.iter() {
            require(tables.taken(user, limit.of, attempt.now) <= limit.most, "counting seats")?;
        }
        tables.enter_all(&effects.entries)
    }
}
