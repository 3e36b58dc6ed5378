//! What a buyer does inside: looks, holds, recharges, pays.

use concert_core::{Money, OrderId, ReservationId, SeatNumber};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use crate::Failure;
use crate::agent::code;
use crate::buyer::{Buyer, Nature, Way};
use crate::crowd::Sale;
use crate::ending::{Ending, refused};
use crate::ledger::{Hold, Payment, Purchase};
use crate::meter::Step;
use crate::wire::{Answer, request};

/// What is held, as the server tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    pub order_id: OrderId,
    pub total: Decimal,
    seats: Vec<HeldSeat>,
    #[serde(skip)]
    pub holds: Vec<Hold>,
    /// How they were asked for.
    #[serde(skip)]
    pub way: Option<Way>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeldSeat {
    reservation_id: ReservationId,
    seat_number: i64,
    price: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paid {
    payment_id: concert_core::PaymentId,
    #[serde(default)]
    payments: Vec<PaidPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaidPart {
    payment_id: concert_core::PaymentId,
    reservation_id: ReservationId,
}

impl Buyer {
    pub(crate) async fn shop(&mut self, sale: &Sale) -> Result<(), Ending> {
        self.think_unless_over(sale).await?;
        // Whoever was too slow to pay tries again, as long as the turn lasts.
        loop {
            if self.nature == Nature::Robot {
                self.cheat_before_holding(sale).await?;
            }
            let held = self.hold_seats(sale).await?;
            Box::pin(self.see_order(sale, held.order_id)).await?;
            if self.nature == Nature::Abandons {
                return Err(Ending::Abandoned);
            }
            self.think().await;
            self.recharge_for(sale, &held).await?;
            self.think().await;
            if self.nature == Nature::Robot {
                self.cheat_before_paying(sale, &held).await?;
            }
            if self.pay(sale, &held).await? {
                if self.nature == Nature::Robot {
                    self.cheat_after_paying(sale, &held).await?;
                }
                return Box::pin(self.see_order(sale, held.order_id)).await;
            }
        }
    }

    /// Holds as many seats as are wanted, or fewer where there are no more: of the other concert where this one has none.
    async fn hold_seats(&mut self, sale: &Sale) -> Result<Held, Ending> {
        let (mut count, mut way) = (self.wants as usize, self.way);
        for _ in 0..sale.people.tries {
            let wanted = match way {
                Way::Named => {
                    let seats = self.choose_seats(sale, count).await?;
                    count = seats.len();
                    if let [seat] = seats[..] { json!({"seatNumber": seat}) } else { json!({"seatNumbers": seats}) }
                }
                Way::Best | Way::Together => {
                    Box::pin(self.see_hall(sale)).await?;
                    self.think_unless_over(sale).await?;
                    json!({"bestAvailable": {"count": count, "together": way == Way::Together}})
                }
            };
            let answer = self.hold(sale, &wanted).await?;
            if answer.status == 201 {
                return Ok(self.held(sale, &answer, way)?);
            }
            match code(&answer).as_str() {
                "SEAT_ALREADY_RESERVED" | "SEAT_HELD_TOO_OFTEN" => {}
                "SEATS_NOT_TOGETHER" => way = Way::Best,
                "NOT_ENOUGH_SEATS" if count > 1 => count -= 1,
                // The list is looked at until something is free: others may have walked away.
                "NOT_ENOUGH_SEATS" => way = Way::Named,
                _ => return Err(refused(Step::Reserve, &answer)),
            }
        }
        Err(Ending::GaveUp)
    }

    async fn hold(&mut self, sale: &Sale, wanted: &serde_json::Value) -> Result<Answer, Ending> {
        let mut body = json!({"concertId": self.concert_id(sale), "userId": self.user});
        if let (Some(body), Some(wanted)) = (body.as_object_mut(), wanted.as_object()) {
            body.extend(wanted.clone());
        }
        self.act(sale, Step::Reserve, "/api/v1/reservations", &body).await
    }

    fn held(&self, sale: &Sale, answer: &Answer, way: Way) -> Result<Held, Failure> {
        let mut held: Held = serde_json::from_slice(&answer.body)?;
        for seat in &held.seats {
            held.holds.push(Hold {
                user: self.user,
                concert: self.concert,
                reservation: seat.reservation_id,
                seat: SeatNumber::new(seat.seat_number)?,
                price: seat.price,
            });
        }
        held.way = Some(way);
        sale.ledger.held(&held.holds);
        sale.show_robots(&held);
        Ok(held)
    }

    /// Looks at the halls until something is free.
    async fn choose_seats(&mut self, sale: &Sale, count: usize) -> Result<Vec<i32>, Ending> {
        loop {
            self.look(sale).await?;
            self.think_unless_over(sale).await?;
            let chosen = self.seen.as_ref().map(|seen| seen.choose(&mut self.rng, count));
            match chosen.filter(|seats| !seats.is_empty()) {
                Some(seats) => return Ok(seats),
                None if self.browser.keeps_watching() => {}
                None => {
                    self.concert = 1 - self.concert;
                    self.seen = None;
                }
            }
        }
    }

    /// As the pages do: the states of the seats, compressed, and only if anything has changed.
    async fn look(&mut self, sale: &Sale) -> Result<(), Ending> {
        if sale.pages.is_some() {
            return Box::pin(self.look_at_page(sale)).await;
        }
        let mut headers = vec![("accept", "application/octet-stream"), ("accept-encoding", "gzip")];
        headers.extend(self.seen.as_ref().map(|seen| ("if-none-match", seen.etag.as_str())));
        let path = format!("/api/v1/reservations/{}/plan/state", self.concert_id(sale));
        let request = request("GET", &path, &headers, None);
        let answer = sale.agent(self.server).ask(&sale.meter, Step::Seats, &request).await?;
        match answer.status {
            200 => self.seen = Some(sale.halls[self.concert].view(&answer)?),
            304 => {}
            _ => return Err(refused(Step::Seats, &answer)),
        }
        Ok(())
    }

    pub(crate) fn concert_id(&self, sale: &Sale) -> concert_core::ConcertId {
        sale.program.concerts[self.concert].id
    }

    /// Puts in what is missing.
    async fn recharge_for(&mut self, sale: &Sale, held: &Held) -> Result<(), Ending> {
        let missing = held.total - self.balance.as_decimal();
        if missing <= Decimal::ZERO {
            return Ok(());
        }
        Box::pin(self.see_wallet(sale)).await?;
        let missing = Money::new(missing).map_err(Failure::from)?;
        let body = json!({"userId": self.user, "amount": missing});
        let answer = self.act(sale, Step::Recharge, "/api/v1/payments/recharge", &body).await?;
        if answer.status != 200 {
            return Err(refused(Step::Recharge, &answer));
        }
        self.balance = self.balance.checked_add(missing).ok_or_else(|| Failure::from("too much money"))?;
        sale.ledger.recharged(self.user, missing);
        Ok(())
    }

    /// Pays for all that is held, at once. Returns whether it was bought: holds that have lapsed are not.
    async fn pay(&mut self, sale: &Sale, held: &Held) -> Result<bool, Ending> {
        let body = held.payment(self.user);
        let answer = self.act(sale, Step::Pay, "/api/v1/payments/process", &body).await?;
        if code(&answer) == "HOLD_EXPIRED" {
            return Ok(false);
        }
        if answer.status != 200 {
            return Err(refused(Step::Pay, &answer));
        }
        let paid: Paid = serde_json::from_slice(&answer.body).map_err(Failure::from)?;
        let of = |hold: &Hold| match paid.payments.iter().find(|part| part.reservation_id == hold.reservation) {
            Some(part) => part.payment_id,
            None => paid.payment_id,
        };
        let total = Money::new(held.total).map_err(Failure::from)?;
        self.balance = self.balance.checked_sub(total).unwrap_or(Money::ZERO);
        let payments = held.holds.iter().map(|hold| Payment { id: of(hold), hold: *hold }).collect();
        sale.paid(Purchase {
            payments,
            order: held.order_id,
            first: paid.payment_id,
            key: self.key(Step::Pay),
            total,
            way: held.way,
        });
        Ok(true)
    }
}

impl Held {
    /// What paying for it takes.
    pub(crate) fn payment(&self, user: concert_core::UserId) -> serde_json::Value {
        match &self.holds[..] {
            [alone] => json!({"reservationId": alone.reservation, "amount": number(self.total), "userId": user}),
            _ => json!({"orderId": self.order_id, "amount": number(self.total), "userId": user}),
        }
    }
}

/// Prices here are whole.
pub fn number(amount: Decimal) -> serde_json::Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap_or_default()
}
