//! What the operator does when all is sold: closes the sale, gives some money back, and calls the other concert off.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use concert_core::PaymentId;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Failure;
use crate::crowd::Sold;
use crate::opts::Opts;
use crate::stage::Stage;

/// How often it is asked how far the cancellation is, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LONGEST_CANCELLATION: Duration = Duration::from_secs(600);

/// What came of it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Afterwards {
    /// Refunded one by one, by payment.
    #[serde(skip)]
    pub refunded: HashSet<PaymentId>,
    pub refunds: usize,
    pub called_off: CalledOff,
    /// What should not be, in words.
    #[serde(skip)]
    pub troubles: Vec<String>,
}

/// A concert that was called off.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CalledOff {
    pub payments: u64,
    pub amount: Decimal,
    pub holds_released: u64,
    /// Until every payment was refunded and every seat off sale.
    pub seconds: f64,
}

pub async fn finish(opts: &Opts, stage: &Stage, sold: &Sold) -> Result<Afterwards, Failure> {
    let mut afterwards = Afterwards::default();
    close(stage, sold).await?;
    refund_some(opts, stage, sold, &mut afterwards).await?;
    call_off(stage, sold, &mut afterwards).await?;
    Ok(afterwards)
}

/// Nothing more is held from now on.
async fn close(stage: &Stage, sold: &Sold) -> Result<(), Failure> {
    let path = format!("/api/v1/admin/sales/{}", sold.program.sale);
    let seen = stage.desk.get(&path).await?;
    let now = stage.office.now().to_rfc3339_opts(SecondsFormat::Micros, true);
    stage.desk.patch(&path, &json!({"closesAt": now}), seen.etag.as_deref()).await?.expect(200)?;
    Ok(())
}

/// Seats go back to sale and off sale by turns.
async fn refund_some(opts: &Opts, stage: &Stage, sold: &Sold, afterwards: &mut Afterwards) -> Result<(), Failure> {
    let payments: Vec<_> =
        sold.ledger.books().payments().filter(|payment| payment.hold.concert == 0).copied().collect();
    let share = opts.people.refunds.0;
    if share <= 0.0 {
        return Ok(());
    }
    for (nth, payment) in payments.iter().step_by((1.0 / share) as usize).enumerate() {
        let (path, seat) = (format!("/api/v1/admin/payments/{}/refund", payment.id), ["TO_SALE", "OFF_SALE"][nth % 2]);
        let body = json!({"reason": "the buyer is ill", "seat": seat});
        let reply = stage.desk.post(&path, &body, 200).await?;
        if amount(&reply.body["amount"]) != payment.hold.price {
            afterwards.troubles.push(format!("a refund of {} was answered {}", payment.hold.price, reply.body));
        }
        afterwards.refunded.insert(payment.id);
        if nth == 0 {
            let again = stage.desk.post(&path, &body, 409).await?;
            if again.text("code")? != "ALREADY_REFUNDED" {
                afterwards.troubles.push(format!("a second refund was answered {}", again.body));
            }
        }
    }
    afterwards.refunds = afterwards.refunded.len();
    Ok(())
}

/// A dry run first, whose sum must be the buyers' own.
async fn call_off(stage: &Stage, sold: &Sold, afterwards: &mut Afterwards) -> Result<(), Failure> {
    let path = format!("/api/v1/admin/concerts/{}/cancel", sold.program.concerts[1].id);
    let reason = "the singer is ill";
    let would = stage.desk.post(&path, &json!({"reason": reason, "dryRun": true}), 200).await?.body;
    let (told, everything_answered) = {
        let books = sold.ledger.books();
        let prices = books.payments().filter(|payment| payment.hold.concert == 1).map(|payment| payment.hold.price);
        (prices.sum::<Decimal>(), books.open.is_empty())
    };
    if everything_answered && amount(&would["amount"]) != told {
        afterwards.troubles.push(format!("calling it off would give {} back; buyers paid {told}", would["amount"]));
    }
    let begun = Instant::now();
    let mut now = stage.desk.post(&path, &json!({"reason": reason}), 202).await?.body;
    while now["done"] != true {
        if begun.elapsed() > LONGEST_CANCELLATION {
            return Err(format!("calling a concert off takes too long: {now}").into());
        }
        sleep(LOOK_EVERY).await;
        now = stage.desk.get(&path).await?.body;
    }
    let [payments, refunded, holds_released] =
        ["payments", "refunded", "holdsReleased"].map(|field| now[field].as_u64().unwrap_or_default());
    if payments != refunded || amount(&now["amountRefunded"]) != amount(&would["amount"]) {
        afterwards.troubles.push(format!("calling a concert off came to {now}, and not to {would}"));
    }
    let seconds = begun.elapsed().as_secs_f64();
    afterwards.called_off = CalledOff { payments, amount: amount(&now["amountRefunded"]), holds_released, seconds };
    Ok(())
}

fn amount(number: &Value) -> Decimal {
    number.to_string().parse().unwrap_or(Decimal::MIN)
}
