//! A buyer, from the first request to the last.

use std::time::Duration;

use concert_core::{Money, SeatNumber, UserId};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Failure;
use crate::agent::code;
use crate::crowd::Sale;
use crate::ending::{Ending, refused};
use crate::hall::View;
use crate::ledger::{Hold, Payment};
use crate::meter::{Step, Visit};
use crate::opts::People;
use crate::wire::{Answer, request};

/// How often somebody whose turn ended too soon joins again.
const MOST_VISITS: u32 = 3;
/// How uneven thinking is: the sigma of a log-normal distribution. With 0.8 the slowest of a hundred takes five times
/// the average.
const SPREAD: f64 = 0.8;
/// Nobody thinks longer than so many times the average.
const LONGEST_THOUGHT: f64 = 10.0;

/// What becomes of somebody who has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Buys,
    /// Never comes back.
    NoShow,
    /// Holds what it wanted, and walks away.
    Abandons,
}

pub struct Buyer {
    pub user: UserId,
    pub arrives: Duration,
    pub nature: Nature,
    /// How many seats.
    pub wants: u32,
    think: Duration,
    rng: SmallRng,
    /// The access token that joining gave.
    token: String,
    /// What is in the wallet, as far as the buyer was told.
    balance: Money,
    /// What the buyer saw of the hall last.
    seen: Option<View>,
    /// How many acts have had a key.
    keys: u32,
}

impl Buyer {
    /// The `nth` of the crowd: the same for the same seed.
    pub fn new(user: UserId, nth: u32, people: &People, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed.wrapping_mul(u64::from(u32::MAX)).wrapping_add(u64::from(nth)));
        // Squared: most come at once, when the doors open.
        let arrives = people.arrive_within.mul_f64(rng.random::<f64>().powi(2));
        let whim = rng.random::<f64>();
        let nature = if whim < people.no_show.0 {
            Nature::NoShow
        } else if whim < people.no_show.0 + people.abandon.0 {
            Nature::Abandons
        } else {
            Nature::Buys
        };
        let wants = rng.random_range(1..=people.seats_per_buyer);
        let (token, seen) = (String::new(), None);
        Self { user, arrives, nature, wants, think: people.think, rng, token, balance: Money::ZERO, seen, keys: 0 }
    }

    pub async fn live(mut self, sale: &Sale) -> Ending {
        if sale.unless_over(sleep(self.arrives)).await.is_none() {
            return Ending::SoldOut;
        }
        for _ in 0..MOST_VISITS {
            let ending = match self.visit(sale).await {
                Ok(()) => Ending::Bought,
                Err(Ending::TurnEnded) => continue,
                Err(ending) => ending,
            };
            if matches!(ending, Ending::Bought | Ending::SoldOut | Ending::GaveUp)
                && let Err(failed) = self.leave(sale).await
            {
                return failed;
            }
            return ending;
        }
        Ending::TurnEnded
    }

    async fn visit(&mut self, sale: &Sale) -> Result<(), Ending> {
        let arrived = sale.begun.elapsed();
        let pause = self.join(sale).await?;
        if self.nature == Nature::NoShow {
            return Err(Ending::NoShow);
        }
        self.wait_for_turn(sale, pause).await?;
        sale.meter.admitted(Visit { arrived, admitted: sale.begun.elapsed() });
        self.think_unless_over(sale).await?;
        // Whoever was too slow to pay tries again, as long as the turn lasts.
        loop {
            let held = self.hold_seats(sale).await?;
            if self.nature == Nature::Abandons {
                return Err(Ending::Abandoned);
            }
            self.think().await;
            self.recharge_for(sale, &held).await?;
            self.think().await;
            if self.pay(sale, held).await? {
                return Ok(());
            }
        }
    }

    /// Joins the queue. Returns the pause until the first poll; none for whoever is in at once.
    async fn join(&mut self, sale: &Sale) -> Result<Option<Duration>, Ending> {
        self.token.clear();
        let answer = self.act(sale, Step::Join, "/api/v1/tokens", &json!({"userId": self.user})).await?;
        if answer.status != 201 {
            return Err(refused(Step::Join, &answer));
        }
        self.token = answer.text("token")?;
        Ok(pause(&answer)?)
    }

    async fn wait_for_turn(&mut self, sale: &Sale, mut next: Option<Duration>) -> Result<(), Ending> {
        while let Some(pause_until_next) = next {
            if sale.unless_over(sleep(pause_until_next)).await.is_none() {
                return Err(Ending::SoldOut);
            }
            let answer = self.ask(sale, Step::Poll, "GET", &format!("/api/v1/tokens/{}", self.user), &[], None).await?;
            if answer.status != 200 {
                return Err(refused(Step::Poll, &answer));
            }
            next = pause(&answer)?;
        }
        Ok(())
    }

    /// Holds as many seats as are wanted, or fewer where there are no more.
    async fn hold_seats(&mut self, sale: &Sale) -> Result<Vec<Hold>, Ending> {
        let mut held = Vec::new();
        while held.len() < self.wants as usize {
            match self.hold_one(sale, held.is_empty()).await {
                Ok(hold) => held.push(hold),
                Err(Ending::SoldOut | Ending::GaveUp) if !held.is_empty() => break,
                Err(ending) => return Err(ending),
            }
        }
        Ok(held)
    }

    async fn hold_one(&mut self, sale: &Sale, patient: bool) -> Result<Hold, Ending> {
        for _ in 0..sale.people.tries {
            let seat = self.choose_seat(sale, patient).await?;
            let body = json!({"concertId": sale.concert, "seatNumber": seat, "userId": self.user});
            let answer = self.act(sale, Step::Reserve, "/api/v1/reservations", &body).await?;
            if answer.status == 201 {
                let hold = Hold {
                    user: self.user,
                    reservation: id(&answer, "reservationId")?,
                    seat: SeatNumber::new(seat.into()).map_err(Failure::from)?,
                    price: money(&answer, "price")?,
                };
                sale.ledger.held(hold);
                return Ok(hold);
            }
            if code(&answer) != "SEAT_ALREADY_RESERVED" {
                return Err(refused(Step::Reserve, &answer));
            }
        }
        Err(Ending::GaveUp)
    }

    /// Looks at the hall until something is free: others may have walked away. The impatient look once.
    async fn choose_seat(&mut self, sale: &Sale, patient: bool) -> Result<i32, Ending> {
        loop {
            self.look(sale).await?;
            self.think_unless_over(sale).await?;
            match self.seen.as_ref().and_then(|seen| seen.choose(&mut self.rng)) {
                Some(seat) => return Ok(seat),
                None if patient => {}
                None => return Err(Ending::SoldOut),
            }
        }
    }

    /// As a browser does: compressed, and only if anything has changed.
    async fn look(&mut self, sale: &Sale) -> Result<(), Ending> {
        let mut headers = vec![("accept-encoding", "gzip")];
        headers.extend(self.seen.as_ref().map(|seen| ("if-none-match", seen.etag.as_str())));
        let request = request("GET", &format!("/api/v1/reservations/{}/seats", sale.concert), &headers, None);
        let answer = sale.agent.ask(&sale.meter, Step::Seats, &request).await?;
        match answer.status {
            200 => self.seen = Some(sale.hall.view(&answer)?),
            304 => {}
            _ => return Err(refused(Step::Seats, &answer)),
        }
        Ok(())
    }

    /// Puts in what is missing.
    async fn recharge_for(&mut self, sale: &Sale, held: &[Hold]) -> Result<(), Ending> {
        let total = held.iter().map(|hold| hold.price.as_decimal()).sum();
        let total = Money::new(total).map_err(Failure::from)?;
        let Some(missing) = total.checked_sub(self.balance).filter(|missing| *missing > Money::ZERO) else {
            return Ok(());
        };
        let body = json!({"userId": self.user, "amount": missing});
        let answer = self.act(sale, Step::Recharge, "/api/v1/payments/recharge", &body).await?;
        if answer.status != 200 {
            return Err(refused(Step::Recharge, &answer));
        }
        self.balance = money(&answer, "newBalance")?;
        sale.ledger.recharged(self.user, missing);
        Ok(())
    }

    /// Returns whether anything was bought: holds that have lapsed are not.
    async fn pay(&mut self, sale: &Sale, held: Vec<Hold>) -> Result<bool, Ending> {
        let mut bought = false;
        for hold in held {
            let body = json!({"reservationId": hold.reservation, "amount": hold.price, "userId": self.user});
            let answer = self.act(sale, Step::Pay, "/api/v1/payments/process", &body).await?;
            if answer.status == 200 {
                self.balance = self.balance.checked_sub(hold.price).unwrap_or(Money::ZERO);
                let payment = Payment { id: id(&answer, "paymentId")?, hold, key: self.key(Step::Pay) };
                sale.paid(payment);
                bought = true;
            } else if code(&answer) != "HOLD_EXPIRED" {
                return Err(refused(Step::Pay, &answer));
            }
        }
        Ok(bought)
    }

    async fn leave(&mut self, sale: &Sale) -> Result<(), Ending> {
        let path = format!("/api/v1/tokens/{}", self.user);
        let answer = self.ask(sale, Step::Leave, "DELETE", &path, &[], None).await?;
        if answer.status == 204 {
            return Ok(());
        }
        // The turn may have ended meanwhile, or an attempt without an answer may have ended it.
        match refused(Step::Leave, &answer) {
            Ending::TurnEnded => Ok(()),
            unexpected => Err(unexpected),
        }
    }

    /// Does something once, however often it must be asked for.
    async fn act(&mut self, sale: &Sale, step: Step, path: &str, body: &Value) -> Result<Answer, Ending> {
        self.keys += 1;
        let key = self.key(step);
        let answer = self.ask(sale, step, "POST", path, &[("idempotency-key", &key)], Some(&body.to_string())).await;
        if answer.is_err() {
            sale.ledger.left_open(self.user);
        }
        answer
    }

    /// The key of the last act.
    fn key(&self, step: Step) -> String {
        format!("{}-{}", step.name(), self.keys)
    }

    async fn ask(
        &self,
        sale: &Sale,
        step: Step,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, Ending> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = headers.to_vec();
        headers.extend((!self.token.is_empty()).then_some(("authorization", bearer.as_str())));
        Ok(sale.agent.ask(&sale.meter, step, &request(method, path, &headers, body)).await?)
    }

    async fn think(&mut self) {
        sleep(self.thought()).await;
    }

    async fn think_unless_over(&mut self, sale: &Sale) -> Result<(), Ending> {
        let thought = self.thought();
        sale.unless_over(sleep(thought)).await.ok_or(Ending::SoldOut)
    }

    /// Log-normal: most thoughts are short, a few long.
    fn thought(&mut self) -> Duration {
        let (radius, angle) = (1.0 - self.rng.random::<f64>(), self.rng.random::<f64>());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        self.think.mul_f64((SPREAD * normal - SPREAD * SPREAD / 2.0).exp().min(LONGEST_THOUGHT))
    }
}

/// When to ask again; `None` for whoever is in.
fn pause(answer: &Answer) -> Result<Option<Duration>, Failure> {
    let waiting = answer.text("status")? == "WAITING";
    let seconds = answer.number("pollAfterSeconds")?;
    Ok(waiting.then_some(Duration::from_secs(seconds)))
}

fn id<T>(answer: &Answer, field: &str) -> Result<T, Failure>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    Ok(answer.text(field)?.parse()?)
}

fn money(answer: &Answer, field: &str) -> Result<Money, Failure> {
    let value = answer.value(field)?;
    let end = value.find([',', '}']).unwrap_or(value.len());
    Ok(value[..end].trim().parse()?)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::opts::Opts;

    fn buyers(count: u32) -> Vec<Buyer> {
        let people = Opts::parse_from(["flash_sale"]).people;
        (0..count).map(|nth| Buyer::new(UserId::generate(), nth, &people, 1)).collect()
    }

    #[test]
    fn the_crowd_is_as_the_shares_say() {
        let crowd = buyers(20_000);
        let share = |nature| crowd.iter().filter(|buyer| buyer.nature == nature).count() as f64 / 20_000.0;
        for nature in [Nature::NoShow, Nature::Abandons] {
            assert!((0.045..0.055).contains(&share(nature)), "{nature:?}: {}", share(nature));
        }
        let early = crowd.iter().filter(|buyer| buyer.arrives < Duration::from_secs(5)).count();
        assert!((9_500..10_500).contains(&early), "{early} in the first quarter");
    }

    #[test]
    fn thoughts_last_the_average_on_average() {
        let mut buyer = buyers(1).remove(0);
        let sum: f64 = (0..20_000).map(|_| buyer.thought().as_secs_f64()).sum();
        assert!((0.96..1.04).contains(&(sum / 20_000.0)), "{}", sum / 20_000.0);
    }
}
