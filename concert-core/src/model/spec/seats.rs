//! The seats of the spec: holds, payments, refunds, tickets that get another owner, and a concert that is called off.

use super::*;

impl Spec {
    pub(super) fn reserve(&mut self, user: usize, seat: usize) -> Outcome {
        if !self.is_in(&self.active, user) || self.unclaimed.contains(&user) {
            return Err("TOKEN_NOT_ACTIVE");
        }
        if self.disabled.contains(&user) {
            return Err("USER_DISABLED");
        }
        if self.called_off {
            return Err("CONCERT_CANCELLED");
        }
        if self.phase() == SalePhase::Closed {
            return Err("SALE_CLOSED");
        }
        if self.off_sale.contains(&seat) {
            return Err("SEAT_BLOCKED");
        }
        if self.is_taken(seat) {
            return Err("SEAT_ALREADY_RESERVED");
        }
        let of_seat = self.holds.iter().filter(|(_, held, _)| *held == seat).map(|(owner, _, hold)| (*owner, *hold));
        if leaves_to_others(user, of_seat, self.now) {
            return Err("SEAT_HELD_TOO_OFTEN");
        }
        if self.limit.is_some_and(|limit| self.has(user) >= limit as usize) {
            return Err("SEAT_LIMIT");
        }
        if self.unpaid(user) + self.unpaid_elsewhere[user] >= MAX_HOLDS as usize {
            return Err("TOO_MANY_HOLDS");
        }
        let until = (self.now + HOLD).min(self.begun[&user] + LONGEST_TURN);
        self.holds.push((user, seat, Hold::Held { until }));
        self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, end)| *end = until.max(*end));
        Ok("held")
    }

    pub(super) fn cancel(&mut self, user: usize, nth: usize) -> Outcome {
        match self.hold(nth) {
            None => Err("RESERVATION_NOT_FOUND"),
            Some((owner, _)) if owner != user => Err("NOT_YOURS"),
            Some((_, Hold::Paid)) => Err("ALREADY_PAID"),
            Some((_, Hold::Held { .. })) => {
                self.holds[nth].2 = Hold::GivenBack { at: self.now };
                Ok("given back")
            }
            Some((_, Hold::Lost | Hold::GivenBack { .. } | Hold::Refunded)) => Ok("given back"),
        }
    }

    pub(super) fn pay(&mut self, user: usize, nth: usize, amount: i64) -> Outcome {
        if !self.is_in(&self.active, user) || self.unclaimed.contains(&user) {
            let paid = matches!(self.hold(nth), Some((owner, Hold::Paid)) if owner == user);
            return Err(if paid { "ALREADY_PAID" } else { "TOKEN_NOT_ACTIVE" });
        }
        match self.hold(nth) {
            None => return Err("RESERVATION_NOT_FOUND"),
            Some((owner, _)) if owner != user => return Err("NOT_YOURS"),
            Some(_) if self.called_off => return Err("CONCERT_CANCELLED"),
            Some((_, Hold::Paid)) => return Err("ALREADY_PAID"),
            Some((_, Hold::GivenBack { .. })) => return Err("HOLD_CANCELLED"),
            Some((_, Hold::Refunded)) => return Err("ALREADY_REFUNDED"),
            Some((_, Hold::Lost)) => return Err("HOLD_EXPIRED"),
            Some((_, Hold::Held { .. })) => {}
        }
        if amount != PRICE {
            return Err("WRONG_AMOUNT");
        }
        if self.wallets[user] < PRICE {
            return Err("INSUFFICIENT_BALANCE");
        }
        self.wallets[user] -= PRICE;
        self.holds[nth].2 = Hold::Paid;
        self.payers.insert(nth, user);
        if self.unpaid(user) == 0 {
            let end = self.now + AFTER_PAYMENT;
            self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, until)| *until = end.min(*until));
        }
        Ok("paid")
    }

    pub(super) fn refund(&mut self, nth: usize, off_sale: bool) -> Outcome {
        match self.hold(nth) {
            Some((_, Hold::Paid)) => {
                self.wallets[self.payers[&nth]] += PRICE;
                self.holds[nth].2 = Hold::Refunded;
                if off_sale || self.called_off {
                    self.off_sale.insert(self.holds[nth].1);
                }
                Ok("refunded")
            }
            Some((_, Hold::Refunded)) => Err("ALREADY_REFUNDED"),
            _ => Err("PAYMENT_NOT_FOUND"),
        }
    }

    pub(super) fn move_ticket(&mut self, nth: usize, user: usize) -> Outcome {
        match self.hold(nth) {
            Some((_, Hold::Paid | Hold::Refunded)) if self.called_off => Err("CONCERT_CANCELLED"),
            Some((_, Hold::Refunded)) => Err("TICKET_VOID"),
            Some((_, Hold::Paid)) if self.disabled.contains(&user) => Err("USER_DISABLED"),
            Some((owner, Hold::Paid)) if owner == user => Err("INVALID_REQUEST"),
            Some((_, Hold::Paid)) if self.limit.is_some_and(|limit| self.has(user) >= limit as usize) => {
                Err("SEAT_LIMIT")
            }
            Some((_, Hold::Paid)) => {
                self.holds[nth].0 = user;
                self.doors.moved(nth);
                Ok("moved")
            }
            _ => Err("TICKET_NOT_FOUND"),
        }
    }

    /// Holds end, payments go back to those who paid, and all seats are off sale.
    pub(super) fn clear(&mut self) -> Outcome {
        if !self.called_off {
            return Err("INVALID_REQUEST");
        }
        for nth in 0..self.holds.len() {
            match self.hold(nth) {
                Some((_, Hold::Held { .. })) => self.holds[nth].2 = Hold::GivenBack { at: self.now },
                Some((_, Hold::Paid)) => {
                    self.refund(nth, true)?;
                }
                _ => {}
            }
        }
        self.off_sale.extend(0..SEATS);
        Ok("cleared")
    }
}
