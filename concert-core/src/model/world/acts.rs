//! Acts as the commands of a lane, and what its answers mean.

use super::*;

impl World {
    /// Acts of one lane, as one batch.
    pub(in crate::model) fn batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        match acts[0] {
            Act::Join(_) | Act::Leave(_) | Act::Claim(_) | Act::Set(_) | Act::Rerank { .. } => self.queue_batch(acts),
            Act::Reserve { .. } | Act::Cancel { .. } => self.reservation_batch(acts),
            Act::Pay { .. } => self.payment_batch(acts),
            Act::Refund { .. } | Act::Move { .. } | Act::CallOff | Act::Clear => self.after_sale_batch(acts),
            Act::CheckIn(_) => self.check_in_batch(acts),
            Act::Recharge { .. } => self.wallet_batch(acts),
            // What the lane of users does is not the model's.
            Act::Disable { .. } => acts.iter().map(|act| self.disable(*act)).collect(),
            Act::Wait(time) => {
                self.wait(time);
                vec![Ok("waited")]
            }
        }
    }

    fn disable(&mut self, act: Act) -> Outcome {
        let Act::Disable { user, disabled } = act else { unreachable!("one lane") };
        self.tables.users.get_mut(&self.users[user]).expect("a user").is_enabled = !disabled;
        Ok(if disabled { "disabled" } else { "enabled" })
    }

    fn queue_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts.iter().map(|act| self.queue_command(SaleId::DEFAULT, *act)).collect();
        self.queue_commands(&commands)
    }

    /// An act of the queue's lane, in a sale.
    pub(in crate::model) fn queue_command(&self, sale: SaleId, act: Act) -> queue::Command {
        match act {
            Act::Join(user) => {
                queue::Command::Join { sale, caller: self.caller(user), id: TokenId::generate(), code: None }
            }
            Act::Leave(user) => {
                queue::Command::Leave { sale, caller: self.caller(user), reason: queue::EndedReason::Left }
            }
            Act::Claim(user) => queue::Command::Claim { sale, caller: self.caller(user) },
            Act::Set(change) => {
                let by = Operator::application().sign();
                queue::Command::Set { sale, change: change.into(), if_version: None, by }
            }
            Act::Rerank { seen } => {
                let (seen, drawn) = (seen.map(|seen| self.seen_heads(sale, seen)), self.drawn_heads(sale));
                queue::Command::Rerank { sale, seen, drawn }
            }
            _ => unreachable!("an act of another lane"),
        }
    }

    pub(in crate::model) fn queue_commands(&mut self, commands: &[queue::Command]) -> Vec<Outcome> {
        outcomes(self.run(|process| &process.queue, commands), |answer| match answer {
            queue::Answer::Joined { token, .. } if token.status == queue::TokenStatus::Active => "active",
            queue::Answer::Joined { .. } => "waiting",
            queue::Answer::Left => "left",
            queue::Answer::Claimed(_) => "claimed",
            queue::Answer::Set { changed: true, .. } => "set",
            queue::Answer::Set { changed: false, .. } => "as it was",
            queue::Answer::Reranked { .. } => "reranked",
        })
    }

    /// The tickets of those users whose bit is set, as a process may remember them: some no longer wait.
    fn seen_heads(&self, sale: SaleId, seen: u8) -> queue::SeenHeads {
        let users = self.users.iter().enumerate().filter(|(nth, _)| seen >> nth & 1 == 1);
        let mut tickets: Vec<_> = users
            .flat_map(|(_, user)| self.tables.tokens.values().filter(move |token| token.user == *user))
            .filter(|token| token.sale == sale)
            .map(|token| token.ticket)
            .collect();
        let places = self.places(sale);
        tickets.sort_unstable_by_key(|ticket| places.as_ref().map_or(*ticket, |places| places.place_of(*ticket)));
        let head = |ticket| queue::SeenHead { ticket, pause_seconds: 2 };
        queue::SeenHeads { heads: tickets.into_iter().map(head).collect(), more: false }
    }

    /// What a process knows that has read the gate: all drawn tickets in their order, waiting or not.
    fn drawn_heads(&self, sale: SaleId) -> Option<queue::DrawnHeads> {
        let places = self.places(sale)?;
        let mut tickets: Vec<_> = (1..=places.count()).collect();
        tickets.sort_by_key(|ticket| places.place_of(*ticket));
        Some(queue::DrawnHeads { count: places.count(), tickets, all: true })
    }

    fn reservation_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let command = |act: &Act| match *act {
            Act::Reserve { user, seat } => {
                let SeatKey { concert, seat } = seat_key(self.concert, seat);
                let (wanted, ids) = (Wanted::Seats(vec![seat]), vec![ReservationId::generate()]);
                Some(reservation::Command::Hold { caller: self.caller(user), concert, wanted, ids })
            }
            Act::Cancel { user, nth } => {
                let what = OrderRef::Reservation(self.nth(nth));
                Some(reservation::Command::Cancel { caller: self.caller(user), what })
            }
            _ => None,
        };
        let commands: Vec<_> = acts.iter().filter_map(command).collect();
        outcomes(self.hold(&commands), |answer| match answer {
            reservation::Answer::Held(_) => "held",
            reservation::Answer::Cancelled => "given back",
            reservation::Answer::Extended(_) => "extended",
        })
    }

    fn payment_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let command = |act: &Act| match *act {
            Act::Pay { user, nth, amount } => Some(Pay {
                caller: self.caller(user),
                what: OrderRef::Reservation(self.nth(nth)),
                amount: money(amount),
                id: PaymentId::generate(),
            }),
            _ => None,
        };
        let commands: Vec<_> = acts.iter().filter_map(command).collect();
        outcomes(self.pay(&commands), |_| "paid")
    }

    fn after_sale_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        use after_sale::Answer;
        let commands: Vec<_> = acts.iter().filter_map(|act| self.after_sale_command(*act)).collect();
        outcomes(self.run(|process| &process.after_sale, &commands), |answer| match answer {
            Answer::Refunded(_) => "refunded",
            Answer::Moved(_) => "moved",
            Answer::CalledOff => "called off",
            Answer::Cleared(_) => "cleared",
        })
    }

    fn after_sale_command(&self, act: Act) -> Option<after_sale::Command> {
        let payment_of = |nth| {
            let mut payments = self.tables.payments.values().map(|(payment, _)| payment);
            let found = payments.find(|payment| payment.reservation == self.nth(nth));
            found.map_or_else(PaymentId::generate, |payment| payment.id)
        };
        let (by, reason) = (Operator::application().sign(), "a reason".parse().expect("a reason"));
        Some(match act {
            Act::Refund { nth, off_sale } => after_sale::Command::Refund(after_sale::RefundPayment {
                payment: payment_of(nth),
                by,
                reason: None,
                seat_goes: if off_sale { SeatAfterRefund::OffSale } else { SeatAfterRefund::ToSale },
                entry: WalletEntryId::generate(),
            }),
            Act::Move { nth, user } => {
                let (ticket, to) = (self.nth(nth), self.users[user]);
                after_sale::Command::Move(after_sale::MoveTicket { ticket, to, reason, by })
            }
            Act::CallOff => after_sale::Command::CallOff(after_sale::CallOff { concert: self.concert, reason, by }),
            Act::Clear => after_sale::Command::Clear(after_sale::ClearSeats {
                concert: self.concert,
                seats: self.tables.seats.keys().map(|key| (key.seat, WalletEntryId::generate())).collect(),
            }),
            _ => return None,
        })
    }

    fn wallet_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let command = |act: &Act| match *act {
            Act::Recharge { user, amount } => Some(Recharge {
                caller: self.caller(user),
                deposit: money(amount).into(),
                id: WalletEntryId::generate(),
            }),
            _ => None,
        };
        let commands: Vec<_> = acts.iter().filter_map(command).collect();
        outcomes(self.run(|process| &process.wallet, &commands), |_| "recharged")
    }
}

pub(in crate::model) fn outcomes<A>(answers: Vec<Result<A, Error>>, say: impl Fn(&A) -> &'static str) -> Vec<Outcome> {
    answers.into_iter().map(|answer| answer.as_ref().map(&say).map_err(Error::code)).collect()
}
