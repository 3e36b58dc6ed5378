//! The buyers' own ledger: what they were told, compared at the end with what the box office has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use concert_core::{
    BoxOffice, Caller, ConcertId, IdempotencyKey, Money, Operator, PaymentId, Reservation, ReservationId,
    ReservationStatus, SeatNumber, UserId,
};
use rust_decimal::Decimal;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::Failure;
use crate::stage::Stage;

/// How many users are looked up at once.
const AT_ONCE: usize = 200;

/// A hold that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    pub user: UserId,
    pub reservation: ReservationId,
    pub seat: SeatNumber,
    pub price: Money,
}

/// A payment that was acknowledged.
#[derive(Debug, Clone)]
pub struct Payment {
    pub id: PaymentId,
    pub hold: Hold,
    /// Under which it was asked for.
    pub key: String,
}

/// Something that is lost or doubled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub what: &'static str,
    /// The offending entry of the ledger, or row.
    pub entry: String,
}

#[derive(Default)]
pub struct Ledger(Mutex<Books>);

/// What buyers were told.
#[derive(Default)]
struct Books {
    holds: Vec<Hold>,
    recharges: Vec<(UserId, Money)>,
    /// Each with when, since the sale began.
    payments: Vec<(Payment, Duration)>,
    /// Whose last act never got an answer: whether it was carried out is not known.
    open: HashSet<UserId>,
}

/// What the box office has of one user.
#[derive(Debug)]
struct Found {
    user: UserId,
    balance: Money,
    reservations: Vec<There>,
    /// What the same keys are answered now, by reservation.
    payments: HashMap<ReservationId, Result<PaymentId, &'static str>>,
}

/// A reservation, as far as it is compared.
#[derive(Debug)]
struct There {
    id: ReservationId,
    concert: ConcertId,
    seat: SeatNumber,
    price: Money,
    status: ReservationStatus,
}

impl From<Reservation> for There {
    fn from(there: Reservation) -> Self {
        Self { id: there.id, concert: there.concert, seat: there.seat, price: there.price, status: there.status }
    }
}

impl Ledger {
    pub fn held(&self, hold: Hold) {
        self.books().holds.push(hold);
    }

    pub fn recharged(&self, user: UserId, amount: Money) {
        self.books().recharges.push((user, amount));
    }

    /// Returns how many payments there are now.
    pub fn paid(&self, payment: Payment, at: Duration) -> usize {
        let mut books = self.books();
        books.payments.push((payment, at));
        books.payments.len()
    }

    pub fn left_open(&self, user: UserId) {
        self.books().open.insert(user);
    }

    pub fn payments(&self) -> usize {
        self.books().payments.len()
    }

    /// When the payments were acknowledged, in order.
    pub fn paid_at(&self) -> Vec<Duration> {
        let mut times: Vec<_> = self.books().payments.iter().map(|(_, at)| *at).collect();
        times.sort_unstable();
        times
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads everyone's money and seats through the library, asks for every payment again with its key, and compares.
    pub async fn compare_with(&self, stage: &Stage) -> Result<Vec<Fault>, Failure> {
        let mut paid = HashMap::<UserId, Vec<Payment>>::new();
        for (payment, _) in &self.books().payments {
            paid.entry(payment.hold.user).or_default().push(payment.clone());
        }
        let mut found = Vec::with_capacity(stage.users.len());
        for some in stage.users.chunks(AT_ONCE) {
            let looks: JoinSet<_> = some
                .iter()
                .map(|user| look_up(stage.office.clone(), *user, paid.remove(user).unwrap_or_default()))
                .collect();
            for look in looks.join_all().await {
                found.push(look?);
            }
        }
        let figures = stage.office.operator(Operator::application()).figures().await?;
        let concert = figures.concerts.iter().find(|figures| figures.concert_id == stage.concert);
        let sold = concert.ok_or("the concert is gone")?.sold;
        Ok(compare(&self.books(), stage.concert, &found, sold))
    }
}

/// A payment that is there is not made again: its key answers the same. One that was lost cannot be made now, since its
/// user has left.
async fn look_up(office: BoxOffice, user: UserId, paid: Vec<Payment>) -> Result<Found, Failure> {
    let (balance, reservations) = (office.balance(user).await?, office.reservations_of(user).await?);
    let mut payments = HashMap::new();
    for Payment { hold, key, .. } in paid {
        let caller = Caller::verified(user).with_key(key.parse::<IdempotencyKey>()?);
        let answer = office.pay(caller, hold.reservation, hold.price).await;
        payments.insert(hold.reservation, answer.map(|paid| paid.payments[0].id).map_err(|error| error.code()));
    }
    Ok(Found { user, balance, reservations: reservations.into_iter().map(There::from).collect(), payments })
}

/// What is lost or doubled, given what the box office has of everyone and how many seats it has sold.
fn compare(books: &Books, concert: ConcertId, found: &[Found], sold: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |what, entry| faults.push(Fault { what, entry });
    let by_user: HashMap<_, _> = found.iter().map(|found| (found.user, found)).collect();
    let reservation = |hold: &Hold| {
        let there = by_user.get(&hold.user)?.reservations.iter().find(|there| there.id == hold.reservation)?;
        (there.seat == hold.seat && there.concert == concert && there.price == hold.price).then_some(there)
    };
    for hold in &books.holds {
        if reservation(hold).is_none() {
            fault("an acknowledged hold is not there", format!("{hold:?}"));
        }
    }
    let (mut owners, mut paid) = (BTreeMap::<SeatNumber, Vec<UserId>>::new(), HashSet::new());
    let mut balances = HashMap::<UserId, Decimal>::new();
    for (payment, _) in &books.payments {
        let hold = &payment.hold;
        if !paid.insert(hold.reservation) {
            fault("a reservation was paid twice", format!("{payment:?}"));
        }
        owners.entry(hold.seat).or_default().push(hold.user);
        *balances.entry(hold.user).or_default() -= hold.price.as_decimal();
        if reservation(hold).is_none_or(|there| there.status != ReservationStatus::Confirmed) {
            fault("the seat of an acknowledged payment is not its user's", format!("{payment:?}"));
        }
        let again = by_user.get(&hold.user).and_then(|found| found.payments.get(&hold.reservation));
        if again != Some(&Ok(payment.id)) {
            fault("an acknowledged payment is not there", format!("{payment:?}, but {again:?}"));
        }
    }
    for (seat, owners) in owners.iter().filter(|(_, owners)| owners.len() > 1) {
        fault("a seat was sold twice", format!("seat {seat}: {owners:?}"));
    }
    for (user, amount) in &books.recharges {
        *balances.entry(*user).or_default() += amount.as_decimal();
    }
    for found in found.iter().filter(|found| !books.open.contains(&found.user)) {
        let expected = balances.get(&found.user).copied().unwrap_or_default();
        if found.balance.as_decimal() != expected {
            let entry = format!("{} has {}; acknowledged were {expected}", found.user, found.balance);
            fault("a balance is not what was put in and paid", entry);
        }
        let confirmed = found.reservations.iter().filter(|there| there.status == ReservationStatus::Confirmed);
        for there in confirmed.filter(|there| !paid.contains(&there.id)) {
            fault("somebody has a seat without having paid", format!("{there:?}"));
        }
    }
    let acknowledged = books.payments.len() as u64;
    if sold < acknowledged || books.open.is_empty() && sold != acknowledged {
        fault("the seats sold are not the payments acknowledged", format!("{sold} seats, {acknowledged} payments"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One who bought a seat for 80 and has 20 left, and one who came in vain, as both sides have it.
    fn sale() -> (Books, ConcertId, Vec<Found>) {
        let (concert, user) = (ConcertId::generate(), UserId::generate());
        let price = Money::whole(80).expect("an amount");
        let hold =
            Hold { user, reservation: ReservationId::generate(), seat: SeatNumber::new(7).expect("in range"), price };
        let payment = Payment { id: PaymentId::generate(), hold, key: "pay-3".to_owned() };
        let reservation =
            There { id: hold.reservation, concert, seat: hold.seat, price, status: ReservationStatus::Confirmed };
        let buyer = Found {
            user,
            balance: Money::whole(20).expect("an amount"),
            reservations: vec![reservation],
            payments: HashMap::from([(hold.reservation, Ok(payment.id))]),
        };
        let other = Found {
            user: UserId::generate(),
            balance: Money::ZERO,
            reservations: Vec::new(),
            payments: HashMap::new(),
        };
        let books = Books {
            holds: vec![hold],
            recharges: vec![(user, Money::whole(100).expect("an amount"))],
            payments: vec![(payment, Duration::ZERO)],
            open: HashSet::new(),
        };
        (books, concert, vec![buyer, other])
    }

    /// What is found when the two sides have been changed.
    fn faults(change: impl FnOnce(&mut Books, &mut [Found])) -> Vec<&'static str> {
        let (mut books, concert, mut found) = sale();
        change(&mut books, &mut found);
        compare(&books, concert, &found, 1).into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn what_was_told_and_is_there_is_no_fault() {
        assert_eq!(faults(|_, _| {}), [""; 0]);
    }

    #[test]
    fn a_lost_payment_is_found() {
        let lost = faults(|_, found| {
            found[0].reservations[0].status = ReservationStatus::Expired;
            found[0].balance = Money::whole(100).expect("an amount");
            found[0].payments.values_mut().for_each(|again| *again = Err("TOKEN_NOT_ACTIVE"));
        });
        let expected = [
            "the seat of an acknowledged payment is not its user's",
            "an acknowledged payment is not there",
            "a balance is not what was put in and paid",
        ];
        assert_eq!(lost, expected);
        let other = faults(|_, found| {
            found[0].payments.values_mut().for_each(|again| *again = Ok(PaymentId::generate()));
        });
        assert_eq!(other, ["an acknowledged payment is not there"]);
    }

    #[test]
    fn a_lost_hold_is_found() {
        let lost = faults(|books, _| {
            let hold = Hold { reservation: ReservationId::generate(), ..books.holds[0] };
            books.holds.push(hold);
        });
        assert_eq!(lost, ["an acknowledged hold is not there"]);
    }

    #[test]
    fn a_recharge_that_is_lost_or_doubled_is_found() {
        let expected = ["a balance is not what was put in and paid"];
        for balance in [0, 120] {
            let change = |_: &mut Books, found: &mut [Found]| {
                found[0].balance = Money::whole(balance).expect("an amount");
            };
            assert_eq!(faults(change), expected, "{balance}");
        }
        assert_eq!(faults(|_, found| found[1].balance = Money::whole(1).expect("an amount")), expected);
    }

    #[test]
    fn a_seat_with_two_owners_and_one_without_a_payment_are_found() {
        let doubled = faults(|books, found| {
            let (mut payment, at) = books.payments[0].clone();
            payment.hold.user = found[1].user;
            books.payments.push((payment, at));
        });
        assert!(doubled.contains(&"a seat was sold twice"), "{doubled:?}");
        assert!(doubled.contains(&"a reservation was paid twice"), "{doubled:?}");
        let unpaid = faults(|books, found| {
            books.payments.clear();
            books.recharges.clear();
            found[0].balance = Money::ZERO;
        });
        let expected = ["somebody has a seat without having paid", "the seats sold are not the payments acknowledged"];
        assert_eq!(unpaid, expected);
    }

    #[test]
    fn an_act_without_an_answer_may_have_been_carried_out_or_not() {
        for balance in [20, 100] {
            let open = faults(|books, found| {
                books.open.insert(found[0].user);
                found[0].balance = Money::whole(balance).expect("an amount");
            });
            assert_eq!(open, [""; 0], "{balance}");
        }
    }
}
