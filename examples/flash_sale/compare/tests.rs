use std::time::{Duration, Instant};

use concert_core::{AccessCodeId, ConcertId, Money, OrderId, PaymentId, ReservationId, SaleId, SeatNumber};

use super::*;
use crate::found::PaidThere;
use crate::program::{Concert, Leaked};

/// One who bought a seat for 80 of each concert and put 200 in, and one who came in vain, as both sides have it at the end.
struct World {
    books: Books,
    program: Program,
    found: Found,
    afterwards: Afterwards,
}

impl World {
    fn new() -> Self {
        let concerts = [(); 2].map(|()| Concert { id: ConcertId::generate() });
        let (user, price, now) = (UserId::generate(), Decimal::from(80), Instant::now());
        let mut found = Found::default();
        let mut books = Books { recharges: vec![(user, Money::whole(200).expect("an amount"))], ..Books::default() };
        for (concert, on_sale) in concerts.iter().enumerate() {
            let (reservation, id) = (ReservationId::generate(), PaymentId::generate());
            let hold = Hold { user, concert, reservation, seat: SeatNumber::new(7).expect("in range"), price };
            let order = OrderId::from_uuid(reservation.as_uuid());
            let (payments, total) = (vec![Payment { id, hold }], Money::whole(80).expect("an amount"));
            let purchase = Purchase { payments, order, first: id, key: "pay-3".to_owned(), total, way: None };
            books.holds.push(hold);
            books.purchases.push((purchase, Duration::ZERO));
            let is_refunded = concert == CALLED_OFF;
            let status = if is_refunded { "REFUNDED" } else { "CONFIRMED" }.to_owned();
            found.reservations.insert(reservation, There { user, concert: on_sale.id, seat: 7, price, status });
            found.payments.insert(id, PaidThere { user, reservation, amount: price, is_refunded });
        }
        found.balances.extend([(user, Decimal::from(120)), (UserId::generate(), Decimal::ZERO)]);
        let leaked = Leaked { code: String::new(), id: AccessCodeId::generate(), uses: 3 };
        let program = Program {
            sale: SaleId::generate(),
            concerts,
            plans: [Vec::new(), Vec::new()],
            doors: now,
            opening: now,
            opens_at: chrono::DateTime::UNIX_EPOCH,
            presale: Vec::new(),
            front: Vec::new(),
            leaked,
        };
        Self { books, program, found, afterwards: Afterwards::default() }
    }

    fn faults(&self) -> Vec<&'static str> {
        let Self { books, program, found, afterwards } = self;
        let mut comparison = Comparison { books, program, afterwards, found, limit: 2, faults: Vec::new() };
        comparison.run();
        comparison.faults.into_iter().map(|fault| fault.what).collect()
    }

    /// What is found when something has been changed.
    fn changed(change: impl FnOnce(&mut Self)) -> Vec<&'static str> {
        let mut world = Self::new();
        change(&mut world);
        world.faults()
    }

    /// The reservation and the payment of the concert that was not called off.
    fn kept(&self) -> Payment {
        self.books.purchases[0].0.payments[0]
    }
}

#[test]
fn what_was_told_and_is_there_is_no_fault() {
    assert_eq!(World::new().faults(), [""; 0]);
}

#[test]
fn a_lost_payment_is_found() {
    let lost = World::changed(|world| {
        let Payment { id, hold } = world.kept();
        world.found.payments.remove(&id);
        world.found.reservations.get_mut(&hold.reservation).expect("is there").status = "EXPIRED".to_owned();
        world.found.balances.insert(hold.user, Decimal::from(200));
    });
    let expected = [
        "the seat of an acknowledged payment is not as it must be",
        "an acknowledged payment is not there as it must be",
        "a balance is not what was put in, paid and given back",
    ];
    assert_eq!(lost, expected);
}

#[test]
fn a_lost_hold_is_found() {
    let lost = World::changed(|world| {
        world.books.holds.push(Hold { reservation: ReservationId::generate(), ..world.books.holds[0] });
    });
    assert_eq!(lost, ["an acknowledged hold is not there"]);
}

#[test]
fn money_that_is_lost_or_doubled_is_found() {
    for balance in [0, 119, 200] {
        let wrong = World::changed(|world| {
            let user = world.kept().hold.user;
            world.found.balances.insert(user, Decimal::from(balance));
        });
        assert_eq!(wrong, ["a balance is not what was put in, paid and given back"], "{balance}");
    }
    let of_nobody = World::changed(|world| {
        world
            .found
            .balances
            .values_mut()
            .filter(|balance| balance.is_zero())
            .for_each(|balance| *balance += Decimal::ONE);
    });
    assert_eq!(of_nobody, ["a balance is not what was put in, paid and given back"]);
}

#[test]
fn a_refund_that_was_not_made_or_that_nobody_made_is_found() {
    let not_made = World::changed(|world| {
        let refunded = world.kept().id;
        world.afterwards.refunded.insert(refunded);
    });
    assert_eq!(not_made.len(), 3, "{not_made:?}");
    let made_by_nobody = World::changed(|world| {
        let id = world.kept().id;
        world.found.payments.get_mut(&id).expect("is there").is_refunded = true;
    });
    assert_eq!(made_by_nobody, ["an acknowledged payment is not there as it must be"]);
}

#[test]
fn two_owners_too_many_seats_and_a_seat_without_a_payment_are_found() {
    let doubled = World::changed(|world| {
        let (mut purchase, at) = world.books.purchases[0].clone();
        purchase.payments[0].hold.user = UserId::generate();
        world.books.purchases.push((purchase, at));
    });
    assert!(
        doubled.contains(&"a seat was sold twice") && doubled.contains(&"a reservation was paid twice"),
        "{doubled:?}"
    );
    let third = World::changed(|world| {
        let there = world.found.reservations.values().next().expect("one").clone();
        world
            .found
            .reservations
            .insert(ReservationId::generate(), There { seat: 9, status: "CONFIRMED".to_owned(), ..there });
    });
    assert_eq!(third, ["somebody has more seats than one may have", "somebody has a seat without having paid"]);
}

#[test]
fn a_code_that_counted_too_often_is_found() {
    assert_eq!(World::changed(|world| world.found.leaked = 1), ["the leaked code was redeemed"]);
    let beyond = World::changed(|world| {
        world.found.leaked = 4;
        world.books.leaked = 4;
    });
    assert_eq!(beyond, ["the leaked code was redeemed"]);
}

#[test]
fn an_act_without_an_answer_may_have_been_carried_out_or_not() {
    for balance in [40, 120, 200] {
        let open = World::changed(|world| {
            let user = world.kept().hold.user;
            world.books.open.insert(user);
            world.found.balances.insert(user, Decimal::from(balance));
        });
        assert_eq!(open, [""; 0], "{balance}");
    }
}
