//! Compares what buyers and the operator were told with what is there.

use std::collections::{BTreeMap, HashMap, HashSet};

use concert_core::{BoxOffice, Caller, IdempotencyKey, UserId};
use rust_decimal::Decimal;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::Failure;
use crate::afterwards::Afterwards;
use crate::crowd::Sold;
use crate::found::{Found, There};
use crate::ledger::{Books, Hold, Ledger, Payment, Purchase};
use crate::program::Program;
use crate::stage::Stage;

/// How many payments are asked for at once.
const AT_ONCE: usize = 200;
/// The concert that is called off.
const CALLED_OFF: usize = 1;

/// Something that is lost or doubled, or more than the rules allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub what: &'static str,
    /// The offending entry of the ledger, or row.
    pub entry: String,
}

/// Asks for every payment again with its key: each must be answered as it was.
pub async fn ask_again(stage: &Stage, ledger: &Ledger) -> Result<Vec<Fault>, Failure> {
    let purchases: Vec<_> = ledger.books().purchases.iter().map(|(purchase, _)| purchase.clone()).collect();
    let mut faults = Vec::new();
    for some in purchases.chunks(AT_ONCE) {
        let asking: JoinSet<_> = some.iter().map(|one| pay_again(stage.office.clone(), one.clone())).collect();
        faults.extend(asking.join_all().await.into_iter().flatten());
    }
    Ok(faults)
}

/// A payment that is there is not made again. One that was lost cannot be made now, since its user has left.
async fn pay_again(office: BoxOffice, purchase: Purchase) -> Option<Fault> {
    let (user, what) = purchase.of()?;
    let again = match purchase.key.parse::<IdempotencyKey>() {
        Ok(key) => office.pay(Caller::verified(user).with_key(key), what, purchase.total).await.map_err(|e| e.code()),
        Err(_) => Err("a bad key"),
    };
    let again = again.map(|paid| paid.payments.first().map(|payment| payment.id));
    let entry = format!("{purchase:?}, but {again:?}");
    (again != Ok(Some(purchase.first)))
        .then_some(Fault { what: "an acknowledged payment is answered otherwise", entry })
}

/// Reads everything, and compares.
pub async fn compare(stage: &Stage, sold: &Sold, afterwards: &Afterwards) -> Result<Vec<Fault>, Failure> {
    let concerts = sold.program.concerts.map(|concert| concert.id);
    let found = Found::read(stage, concerts, sold.program.leaked.id.as_uuid()).await?;
    let limit = stage_limit(stage, &sold.program).await?;
    let mut comparison = Comparison {
        books: &sold.ledger.books(),
        program: &sold.program,
        afterwards,
        found: &found,
        limit,
        faults: Vec::new(),
    };
    comparison.run();
    Ok(comparison.faults)
}

async fn stage_limit(stage: &Stage, program: &Program) -> Result<usize, Failure> {
    let limit = stage.office.sale(program.sale).await?.max_seats_per_user;
    Ok(limit.map_or(usize::MAX, |limit| limit as usize))
}

struct Comparison<'a> {
    books: &'a Books,
    program: &'a Program,
    afterwards: &'a Afterwards,
    found: &'a Found,
    /// How many seats a person may have.
    limit: usize,
    faults: Vec<Fault>,
}

impl Comparison<'_> {
    fn run(&mut self) {
        self.holds();
        self.payments();
        self.owners();
        self.balances();
        self.what_nobody_was_told();
        if self.books.open.is_empty() && self.found.leaked != self.books.leaked
            || self.found.leaked > self.program.leaked.uses
        {
            let entry = format!("{} times, acknowledged {} times", self.found.leaked, self.books.leaked);
            self.fault("the leaked code was redeemed", entry);
        }
    }

    fn fault(&mut self, what: &'static str, entry: impl Into<String>) {
        self.faults.push(Fault { what, entry: entry.into() });
    }

    /// The reservation of a hold, if it is the one that was acknowledged.
    fn reservation(&self, hold: &Hold) -> Option<&There> {
        let there = self.found.reservations.get(&hold.reservation)?;
        let is_same = there.user == hold.user
            && there.seat == hold.seat.get()
            && there.concert == self.program.concerts[hold.concert].id
            && there.price == hold.price;
        is_same.then_some(there)
    }

    fn is_refunded(&self, payment: &Payment) -> bool {
        payment.hold.concert == CALLED_OFF || self.afterwards.refunded.contains(&payment.id)
    }

    fn holds(&mut self) {
        for hold in &self.books.holds {
            if self.reservation(hold).is_none() {
                self.fault("an acknowledged hold is not there", format!("{hold:?}"));
            }
        }
    }

    fn payments(&mut self) {
        let mut paid = HashSet::new();
        for payment in self.books.payments() {
            let (hold, is_refunded) = (payment.hold, self.is_refunded(payment));
            if !paid.insert(hold.reservation) {
                self.fault("a reservation was paid twice", format!("{payment:?}"));
            }
            let expected = if is_refunded { "REFUNDED" } else { "CONFIRMED" };
            let there = self.reservation(&hold).map(|there| there.status.clone());
            if there.as_deref() != Some(expected) {
                self.fault(
                    "the seat of an acknowledged payment is not as it must be",
                    format!("{payment:?}: {there:?}"),
                );
            }
            let there = self.found.payments.get(&payment.id);
            let is_there = there.is_some_and(|there| {
                (there.user, there.reservation, there.amount, there.is_refunded)
                    == (hold.user, hold.reservation, hold.price, is_refunded)
            });
            if !is_there {
                self.fault("an acknowledged payment is not there as it must be", format!("{payment:?}, but {there:?}"));
            }
        }
    }

    /// No seat has two owners, and nobody has more seats than one may have.
    fn owners(&mut self) {
        let (mut owners, mut seats) = (BTreeMap::<_, Vec<UserId>>::new(), HashMap::<UserId, usize>::new());
        for Payment { hold, .. } in self.books.payments() {
            owners.entry((hold.concert, hold.seat)).or_default().push(hold.user);
        }
        for there in self.found.reservations.values() {
            // Refunds came when all was over, so these seats counted all the time.
            if ["CONFIRMED", "REFUNDED"].contains(&&*there.status) {
                *seats.entry(there.user).or_default() += 1;
            }
        }
        for ((_, seat), owners) in owners.into_iter().filter(|(_, owners)| owners.len() > 1) {
            self.fault("a seat was sold twice", format!("seat {seat}: {owners:?}"));
        }
        let limit = self.limit;
        for (user, count) in seats.into_iter().filter(|(_, count)| *count > limit) {
            self.fault("somebody has more seats than one may have", format!("{user} has {count} of {limit}"));
        }
    }

    fn balances(&mut self) {
        let mut expected = HashMap::<UserId, Decimal>::new();
        for (user, amount) in &self.books.recharges {
            *expected.entry(*user).or_default() += amount.as_decimal();
        }
        for payment in self.books.payments().filter(|payment| !self.is_refunded(payment)) {
            *expected.entry(payment.hold.user).or_default() -= payment.hold.price;
        }
        for (user, balance) in &self.found.balances {
            let expected = expected.get(user).copied().unwrap_or_default();
            if *balance != expected && !self.books.open.contains(user) {
                let entry = format!("{user} has {balance}; acknowledged were {expected}");
                self.fault("a balance is not what was put in, paid and given back", entry);
            }
        }
    }

    /// Seats that were sold although nobody was told so.
    fn what_nobody_was_told(&mut self) {
        let told: HashSet<_> = self.books.payments().map(|payment| payment.hold.reservation).collect();
        for (id, there) in &self.found.reservations {
            let is_sold = ["CONFIRMED", "REFUNDED"].contains(&&*there.status);
            if is_sold && !told.contains(id) && !self.books.open.contains(&there.user) {
                self.fault("somebody has a seat without having paid", format!("{id}: {there:?}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
