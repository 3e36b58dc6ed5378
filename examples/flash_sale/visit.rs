//! A visit: joining, waiting for the turn, leaving; and how a buyer asks for things.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Failure;
use crate::agent::code;
use crate::buyer::{Buyer, Nature};
use crate::crowd::Sale;
use crate::ending::{Ending, refused};
use crate::meter::{Step, Visit};
use crate::wire::{Answer, request};

impl Buyer {
    pub(crate) async fn visit(&mut self, sale: &Sale) -> Result<(), Ending> {
        Box::pin(self.see_sale(sale)).await?;
        let pause = self.join(sale).await?;
        let arrived = sale.begun.elapsed();
        // Joining leads back to the page, which is that of the queue now.
        Box::pin(self.see_sale(sale)).await?;
        if self.nature == Nature::NoShow {
            return Err(Ending::NoShow);
        }
        if self.nature == Nature::Robot && pause.is_some() {
            Box::pin(self.cheat_while_waiting(sale)).await?;
        }
        self.wait_for_turn(sale, pause).await?;
        sale.meter.admitted(Visit { arrived, admitted: sale.begun.elapsed() });
        if pause.is_some() {
            // The page loads itself again when the turn has come.
            Box::pin(self.see_sale(sale)).await?;
        }
        // A crowd waits; what few do should not make the others larger.
        Box::pin(self.shop(sale)).await
    }

    /// Joins the queue, by a code if there is one. Returns the pause until the first poll; none for whoever is in at once.
    async fn join(&mut self, sale: &Sale) -> Result<Option<Duration>, Ending> {
        self.token.clear();
        if self.nature == Nature::Robot
            && let Some(answer) = self.join_by_leaked_code(sale).await?
        {
            return self.joined(&answer);
        }
        loop {
            let mut body = json!({"userId": self.user, "saleId": sale.program.sale});
            let own = sale.code_of(self.nth).filter(|_| self.nature != Nature::Robot && !self.code_is_used);
            if let Some(code) = own {
                body["code"] = json!(code);
            }
            let answer = self.act(sale, Step::Join, "/api/v1/tokens", &body).await?;
            match code(&answer).as_str() {
                _ if answer.status == 201 => {
                    self.code_is_used |= own.is_some();
                    return self.joined(&answer);
                }
                "SALE_NOT_OPEN" => {
                    let until = sale.program.doors.saturating_duration_since(Instant::now());
                    sleep(until + Duration::from_millis(10)).await;
                    // The page counts down to the doors, and then loads itself again.
                    Box::pin(self.see_sale(sale)).await?;
                }
                // A robot that has joined too often.
                "TOO_MANY_REQUESTS" if self.nature == Nature::Robot => sleep(Duration::from_secs(1)).await,
                "SALE_CLOSED" => return Err(Ending::NotLetIn),
                _ => return Err(refused(Step::Join, &answer)),
            }
        }
    }

    pub(crate) fn joined(&mut self, answer: &Answer) -> Result<Option<Duration>, Ending> {
        self.token = answer.text("token")?;
        Ok(pause(answer)?)
    }

    async fn wait_for_turn(&mut self, sale: &Sale, mut next: Option<Duration>) -> Result<(), Ending> {
        while let Some(pause_until_next) = next {
            if sale.unless_over(sleep(pause_until_next)).await.is_none() {
                return Err(Ending::NotLetIn);
            }
            let answer = self.ask(sale, Step::Poll, "GET", &self.token_path(), &[], None).await?;
            if answer.status != 200 {
                return Err(refused(Step::Poll, &answer));
            }
            next = pause(&answer)?;
        }
        Ok(())
    }

    pub(crate) async fn leave(&mut self, sale: &Sale) -> Result<(), Ending> {
        let answer = self.ask(sale, Step::Leave, "DELETE", &self.token_path(), &[], None).await?;
        if answer.status == 204 {
            return Ok(());
        }
        // The turn may have ended meanwhile, or an attempt without an answer may have ended it.
        match refused(Step::Leave, &answer) {
            Ending::TurnEnded => Ok(()),
            unexpected => Err(unexpected),
        }
    }

    fn token_path(&self) -> String {
        format!("/api/v1/tokens/{}", self.user)
    }

    /// Does something once, however often it must be asked for.
    pub(crate) async fn act(&mut self, sale: &Sale, step: Step, path: &str, body: &Value) -> Result<Answer, Ending> {
        self.keys += 1;
        let key = self.key(step);
        let answer = self.ask(sale, step, "POST", path, &[("idempotency-key", &key)], Some(&body.to_string())).await;
        if answer.is_err() {
            sale.ledger.left_open(self.user);
        }
        answer
    }

    /// The key of the last act.
    pub(crate) fn key(&self, step: Step) -> String {
        format!("{}-{}", step.name(), self.keys)
    }

    pub(crate) async fn ask(
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
        Ok(sale.agent(self.server).ask(&sale.meter, step, &request(method, path, &headers, body)).await?)
    }
}

/// When to ask again; `None` for whoever is in.
fn pause(answer: &Answer) -> Result<Option<Duration>, Failure> {
    let waiting = answer.text("status")? == "WAITING";
    let seconds = answer.number("pollAfterSeconds")?;
    Ok(waiting.then_some(Duration::from_secs(seconds)))
}
