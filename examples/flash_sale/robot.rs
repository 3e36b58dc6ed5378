//! What robots do against the rules, beside buying. Each trick must be refused; one that is not is a trouble.

use concert_core::Money;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Failure;
use crate::agent::code;
use crate::buyer::Buyer;
use crate::crowd::Sale;
use crate::ending::Ending;
use crate::meter::Step;
use crate::shopping::Held;
use crate::wire::{Answer, request};

/// One of so many robots makes too many calls.
const ONE_RUSHES_OF: u32 = 7;
/// Far more joins than a user may make in a minute: a slow machine gives time back meanwhile.
const RUSH: usize = 200;
/// No sale has made it: codes are random.
const FORGED_CODE: &str = "K7QM-2X9D-0HVT-RB1E";
/// The turn may be over at any moment, which every act inside may be told.
const TURN_IS_OVER: [&str; 3] = ["TOKEN_NOT_ACTIVE", "TOKEN_ENDED", "TOKEN_EXPIRED"];
/// Before the opening by so much, nobody without a code is let in.
const SURELY_WAITS: std::time::Duration = std::time::Duration::from_millis(500);

impl Buyer {
    /// Tries codes that are not its own. Returns the answer if one of them counted: the leaked one does, a few times.
    pub(crate) async fn join_by_leaked_code(&mut self, sale: &Sale) -> Result<Option<Answer>, Ending> {
        let join = |code: &str| json!({"userId": self.user, "saleId": sale.program.sale, "code": code});
        let (forged, leaked) = (join(FORGED_CODE), join(&sale.program.leaked.code));
        self.trick(sale, "forged a code", "POST", "/api/v1/tokens", &forged, &["CODE_REFUSED"]).await?;
        let answer = self.act(sale, Step::Trick, "/api/v1/tokens", &leaked).await?;
        match code(&answer).as_str() {
            _ if answer.status == 201 => {
                sale.ledger.redeemed_leaked();
                Ok(Some(answer))
            }
            "CODE_REFUSED" | "SALE_NOT_OPEN" | "SALE_CLOSED" => Ok(None),
            code => Err(Ending::Unexpected(format!("a robot with a leaked code was answered {code}"))),
        }
    }

    /// What can be tried without a turn.
    pub(crate) async fn cheat_while_waiting(&mut self, sale: &Sale) -> Result<(), Ending> {
        let (user, holding) = (self.user, "/api/v1/reservations");
        if std::time::Instant::now() + SURELY_WAITS < sale.program.opening {
            let body = json!({"concertId": self.concert_id(sale), "userId": user, "bestAvailable": {"count": 1}});
            self.trick(sale, "held seats without a turn", "POST", holding, &body, &["TOKEN_NOT_ACTIVE"]).await?;
        }
        let join = json!({"userId": user, "saleId": sale.program.sale});
        let token = std::mem::take(&mut self.token);
        self.trick(sale, "joined twice", "POST", "/api/v1/tokens", &join, &["ALREADY_IN_QUEUE"]).await?;
        self.token = forged(&token);
        let own = format!("/api/v1/tokens/{user}");
        self.trick(sale, "forged a token", "GET", &own, &Value::Null, &["UNAUTHENTICATED"]).await?;
        self.token = token;
        let other = format!("/api/v1/tokens/{}", sale.somebody_else(self.nth));
        self.trick(sale, "asked as somebody else", "GET", &other, &Value::Null, &["NOT_YOURS"]).await?;
        self.trick(sale, "left as somebody else", "DELETE", &other, &Value::Null, &["NOT_YOURS"]).await?;
        let (desk, settings) = (format!("/api/v1/admin/sales/{}", sale.program.sale), json!({"maxActive": 1_000_000}));
        self.trick(sale, "sat down at the desk", "PATCH", &desk, &settings, &["UNAUTHENTICATED"]).await?;
        self.trick(sale, "sent nonsense", "POST", holding, &json!([1, 2]), &["INVALID_REQUEST"]).await?;
        if sale.brakes_users && self.nth.is_multiple_of(ONE_RUSHES_OF) {
            self.rush(sale, &join).await?;
        }
        Ok(())
    }

    /// Asks for its own place again and again, which is allowed, until it is too often.
    async fn rush(&mut self, sale: &Sale, join: &Value) -> Result<(), Ending> {
        for _ in 0..RUSH {
            let answer = self.ask(sale, Step::Trick, "POST", "/api/v1/tokens", &[], Some(&join.to_string())).await?;
            match code(&answer).as_str() {
                "TOO_MANY_REQUESTS" => {
                    sale.meter.foiled("made too many calls");
                    return Ok(());
                }
                _ if answer.status == 200 => {}
                // The turn came and went meanwhile: the robot is in the queue anew.
                _ if answer.status == 201 => self.token = answer.text("token")?,
                code if TURN_IS_OVER.contains(&code) => return Ok(()),
                code => return Err(Ending::Unexpected(format!("a robot that resumed was answered {code}"))),
            }
        }
        Err(Ending::Unexpected(format!("a robot joined {RUSH} times in a row")))
    }

    /// What can be tried with a turn and nothing held.
    pub(crate) async fn cheat_before_holding(&mut self, sale: &Sale) -> Result<(), Ending> {
        let limit = sale.people.seats_per_buyer;
        self.hold_too_many(sale, "held more than the limit", limit + 1).await?;
        let Some(others) = sale.hold_of_another(self.user) else { return Ok(()) };
        let path = format!("/api/v1/reservations/{}", others.reservation);
        let expected = ["NOT_YOURS", "RESERVATION_NOT_FOUND"];
        let pay = json!({"reservationId": others.reservation, "amount": number(others.price), "userId": self.user});
        self.trick(sale, "paid for another's seat", "POST", "/api/v1/payments/process", &pay, &expected).await?;
        self.trick(sale, "gave another's seat back", "DELETE", &path, &Value::Null, &expected).await?;
        let extend = format!("{path}/extend");
        self.trick(sale, "extended another's hold", "POST", &extend, &json!({}), &expected).await
    }

    /// What can be tried with seats that are held.
    pub(crate) async fn cheat_before_paying(&mut self, sale: &Sale, held: &Held) -> Result<(), Ending> {
        let mut less = held.payment(self.user);
        less["amount"] = json!(1);
        let path = "/api/v1/payments/process";
        self.trick(sale, "paid too little", "POST", path, &less, &["WRONG_AMOUNT", "HOLD_EXPIRED"]).await?;
        let path = "/api/v1/payments/recharge";
        let recharge = |amount: i32| json!({"userId": self.user, "amount": amount});
        let (one, two, negative) = (recharge(1), recharge(2), recharge(-5));
        self.trick(sale, "recharged less than nothing", "POST", path, &negative, &["INVALID_REQUEST"]).await?;
        let answer = self.act(sale, Step::Trick, path, &one).await?;
        if answer.status != 200 {
            return Err(crate::ending::refused(Step::Recharge, &answer));
        }
        let coin = Money::whole(1).map_err(Failure::from)?;
        self.balance = self.balance.checked_add(coin).ok_or_else(|| Failure::from("too much money"))?;
        sale.ledger.recharged(self.user, coin);
        // The same again counts once: the ledger knows of one.
        let headers = [("idempotency-key", &*self.key(Step::Trick))];
        self.ask(sale, Step::Trick, "POST", path, &headers, Some(&one.to_string())).await?;
        let answer = self.ask(sale, Step::Trick, "POST", path, &headers, Some(&two.to_string())).await?;
        self.judge(sale, "used a key for two things", &answer, &["IDEMPOTENCY_KEY_REUSED"])
    }

    /// What can be tried with seats that are paid.
    pub(crate) async fn cheat_after_paying(&mut self, sale: &Sale, held: &Held) -> Result<(), Ending> {
        let (path, pay) = ("/api/v1/payments/process", held.payment(self.user));
        self.trick(sale, "paid twice", "POST", path, &pay, &["ALREADY_PAID", "HOLD_EXPIRED"]).await?;
        if let Some(hold) = held.holds.first() {
            let path = format!("/api/v1/reservations/{}", hold.reservation);
            self.trick(sale, "gave back what was paid", "DELETE", &path, &Value::Null, &["ALREADY_PAID"]).await?;
        }
        let left = sale.people.seats_per_buyer - held.holds.len() as u32;
        self.hold_too_many(sale, "held more after paying", left + 1).await
    }

    async fn hold_too_many(&self, sale: &Sale, name: &'static str, count: u32) -> Result<(), Ending> {
        let body = json!({"concertId": self.concert_id(sale), "userId": self.user, "bestAvailable": {"count": count}});
        let expected = ["SEAT_LIMIT", "NOT_ENOUGH_SEATS", "TOO_MANY_HOLDS"];
        self.trick(sale, name, "POST", "/api/v1/reservations", &body, &expected).await
    }

    /// Does what is forbidden, at another server than the one that it buys from.
    async fn trick(
        &self,
        sale: &Sale,
        name: &'static str,
        method: &str,
        path: &str,
        body: &Value,
        expected: &[&str],
    ) -> Result<(), Ending> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str())];
        let headers = if self.token.is_empty() { &[][..] } else { &headers };
        let text = (!body.is_null()).then(|| body.to_string());
        let request = request(method, path, headers, text.as_deref());
        let mut answer = sale.agent(self.server + 1).ask(&sale.meter, Step::Trick, &request).await?;
        // Another trick was too many calls.
        while code(&answer) == "TOO_MANY_REQUESTS" {
            sleep(std::time::Duration::from_secs(1)).await;
            answer = sale.agent(self.server + 1).ask(&sale.meter, Step::Trick, &request).await?;
        }
        self.judge(sale, name, &answer, expected)
    }

    fn judge(&self, sale: &Sale, name: &'static str, answer: &Answer, expected: &[&str]) -> Result<(), Ending> {
        let code = code(answer);
        if answer.status >= 400 && (expected.contains(&&*code) || TURN_IS_OVER.contains(&&*code)) {
            sale.meter.foiled(name);
            return Ok(());
        }
        Err(Ending::Unexpected(format!("a robot {name} and was answered {} {code}", answer.status)))
    }
}

fn number(amount: rust_decimal::Decimal) -> Value {
    crate::shopping::number(amount)
}

/// The same token with another signature.
fn forged(token: &str) -> String {
    let (head, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{head}.{other}{}", signature.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_token_differs_in_its_signature_alone() {
        assert_eq!(forged("head.claims.Abc"), "head.claims.Bbc");
        assert_eq!(forged("head.claims.xbc"), "head.claims.Abc");
    }
}
