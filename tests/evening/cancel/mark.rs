//! From the mark on nothing is sold, and what was sold before it is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use concert_core::{ConcertStatus, Error, Page, PaymentStatus, ReservationStatus};
use tokio::task::JoinSet;

use super::{ann, buy, call_off, many};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

#[tokio::test]
async fn a_concert_that_is_called_off_gives_everybody_the_money_back_and_stays_off_sale() {
    let house = House::open_with(many).await;
    let (concert, other) = (house.concert(400).await, house.concert(10).await);
    let users = house.active_users(3, 50_000).await;
    buy(&house.office, users[0], concert, 1..=150).await;
    buy(&house.office, users[1], concert, 151..=300).await;
    buy(&house.office, users[1], other, 1..=2).await;
    let refunded_before = house.office.payments_of(users[0], Page::default()).await.expect("reads").data[0].id;
    house.office.operator(ann()).refund(refunded_before, None).await.expect("refunds");
    house.advance(1);
    let held = house.office.hold_one(users[2], concert, seat(310)).await.expect("holds");
    let before = house.office.back_office().cancellation(concert).await.expect("reads");
    assert_eq!((before.status, before.payments, before.holds, before.done), (ConcertStatus::OnSale, 299, 1, false));
    assert_eq!(before.amount, (299 * PRICE).into());

    let done = call_off(&house.office, concert).await;
    assert_eq!((done.payments, done.refunded, done.holds, done.holds_released), (299, 299, 0, 1));
    assert_eq!((done.amount, done.amount_refunded), ((299 * PRICE).into(), (299 * PRICE).into()));
    assert!(done.done && done.stuck.is_empty() && done.status == ConcertStatus::Cancelled);
    assert_eq!((done.reason.as_deref(), done.cancelled_by.as_deref()), (Some("the singer is ill"), Some("ann")));

    assert_eq!(house.office.balance(users[0]).await.expect("reads"), money(50_000));
    assert_eq!(house.office.balance(users[1]).await.expect("reads"), money(50_000 - 2 * PRICE));
    assert!(house.office.seats(concert).await.expect("lists").iter().all(|seat| !seat.available));
    let found = house.office.payment(users[0], refunded_before).await.expect("reads");
    assert_eq!((found.status, found.concert_status), (PaymentStatus::Refunded, ConcertStatus::Cancelled));
    let ended = house.office.order(users[2], held.id).await.expect("reads").reservations;
    assert_eq!((ended[0].status, ended[0].concert_status), (ReservationStatus::Cancelled, ConcertStatus::Cancelled));
    let figures = house.office.back_office().figures().await.expect("reads");
    assert_eq!((figures.payments, figures.revenue), (2, (2 * PRICE).into()));
    assert_eq!((figures.refunds, figures.refunded), (300, (300 * PRICE).into()));
    let recorded = "select count(*) from payments where refunded_by = 'ann' and refund_reason = 'the singer is ill'";
    assert_eq!(house.count(recorded).await, 299);
    assert_eq!(house.count("select count(*) from operator_log where act = 'CONCERT_CANCEL'").await, 1);
    house.assert_sound().await;

    // No seat comes on sale again, and none is added.
    let (back_office, one) = (house.office.operator(ann()), vec![seat(310)]);
    let unblocked = back_office.unblock_seats(concert, one, None).await;
    assert!(matches!(unblocked, Err(Error::ConcertCancelled)), "{unblocked:?}");
    let swapped = back_office.swap_seats(concert, [seat(1), seat(2)], None).await;
    assert!(matches!(swapped, Err(Error::ConcertCancelled)), "{swapped:?}");
    house.assert_sound().await;

    // It stays so, and a second time changes nothing.
    let again = call_off(&house.office, concert).await;
    assert_eq!(again, done);
    assert_eq!(house.count("select count(*) from operator_log where act = 'CONCERT_CANCEL'").await, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn from_the_mark_on_nothing_is_held_extended_or_paid_in_any_office() {
    let house = House::open().await;
    let concert = house.concert(10).await;
    let users = house.active_users(2, 1_000).await;
    let other = house.another_office().await;
    // Both offices remember the hall, and each a hold of its own.
    let ours = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    let theirs = other.hold_one(users[1], concert, seat(2)).await.expect("holds");
    let reason = "the singer is ill".parse().expect("a reason");
    other.operator(ann()).cancel_concert(concert, reason).await.expect("calls it off");

    // Nothing is cleared yet: the mark alone refuses.
    for (office, user, held) in [(&house.office, users[0], &ours), (&other, users[1], &theirs)] {
        let paid = office.pay(user, held.id, money(PRICE)).await;
        assert!(matches!(paid, Err(Error::ConcertCancelled)), "{paid:?}");
        let paid = office.pay(user, held.order(), money(PRICE)).await;
        assert!(matches!(paid, Err(Error::ConcertCancelled)), "{paid:?}");
        let more = office.hold_one(user, concert, seat(5)).await;
        assert!(matches!(more, Err(Error::ConcertCancelled)), "{more:?}");
        let best = concert_core::Wanted::BestAvailable { count: 2, section: None };
        let more = office.hold(user, concert, best).await;
        assert!(matches!(more, Err(Error::ConcertCancelled)), "{more:?}");
        let longer = office.extend_hold(user, held.id).await;
        assert!(matches!(longer, Err(Error::ConcertCancelled)), "{longer:?}");
    }
    let stopped = house.office.back_office().finish_cancellation(concert, |_| {}).await.expect("clears it");
    assert_eq!((stopped.payments, stopped.holds_released, stopped.done), (0, 2, true));
    house.assert_sound().await;
}

/// Offices sell and hold as fast as they can while the mark is committed: whatever they have committed by then, and a
/// moment later, is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_committed_in_the_very_moment_of_the_mark_is_found() {
    let house = House::open_with(many).await;
    let concert = house.concert(4_000).await;
    let users = house.active_users(8, 1_000_000).await;
    let offices = [house.office.clone(), house.another_office().await];
    let called_off = Arc::new(AtomicBool::new(false));
    let mut buyers = JoinSet::new();
    for (nth, user) in users.iter().copied().enumerate() {
        let (office, called_off) = (offices[nth % 2].clone(), Arc::clone(&called_off));
        buyers.spawn(async move {
            let (mut paid, mut late) = (0_u32, 0_u32);
            for number in (nth as i64 * 500 + 1)..=(nth as i64 * 500 + 500) {
                let was_marked = called_off.load(Ordering::SeqCst);
                let held = match office.hold_one(user, concert, seat(number)).await {
                    Ok(held) => held,
                    Err(Error::ConcertCancelled) => break,
                    Err(error) => panic!("{error:?}"),
                };
                late += u32::from(was_marked);
                match office.pay(user, held.id, money(PRICE)).await {
                    Ok(_) => paid += 1,
                    Err(Error::ConcertCancelled) => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
            (paid, late)
        });
    }
    while house.count("select count(*) from payments").await < 300 {
        tokio::task::yield_now().await;
    }
    let reason = "the singer is ill".parse().expect("a reason");
    offices[1].operator(ann()).cancel_concert(concert, reason).await.expect("calls it off");
    called_off.store(true, Ordering::SeqCst);
    let done = offices[0].back_office().finish_cancellation(concert, |_| {}).await.expect("clears it");
    let sold = buyers.join_all().await;
    let paid: u32 = sold.iter().map(|(paid, _)| paid).sum();
    assert!(sold.iter().all(|(_, late)| *late == 0), "nothing is held after the mark: {sold:?}");
    assert!(paid >= 300);
    let after = offices[0].back_office().cancellation(concert).await.expect("reads");
    assert_eq!((after.payments, after.refunded), (u64::from(paid), u64::from(paid)), "{done:?}");
    assert!(done.done && after.done);
    for user in users {
        assert_eq!(house.office.balance(user).await.expect("reads"), money(1_000_000));
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn the_audit_shows_what_a_cleared_concert_must_not_have() {
    let house = House::open().await;
    let (concert, other) = (house.concert(3).await, house.concert(3).await);
    let user = house.active_users(1, 1_000).await[0];
    buy(&house.office, user, other, 1..=1).await;
    house.office.hold_one(user, other, seat(2)).await.expect("holds");
    call_off(&house.office, concert).await;
    house.assert_sound().await;
    // As if the other had been cleared.
    house
        .tamper(
            "update concerts set status = 'CANCELLED', cancel_reason = 'x', cancelled_by = 'x', \
         cancelled_at = '2027-03-01', cleared_at = '2027-03-01'",
        )
        .await;
    let found = house.office.back_office().audit().await.expect("audits");
    let count = |what: &str| found.iter().filter(|violation| violation.what.contains(what)).count();
    assert_eq!(count("has a seat that is on sale, held or sold"), 3, "{found:#?}");
    assert_eq!(count("has a hold or a sold seat"), 2, "{found:#?}");
    assert_eq!(count("has a successful payment"), 1, "{found:#?}");
    house.tamper("update concerts set cancelled_by = null").await;
    let found = house.office.back_office().audit().await.expect("audits");
    assert_eq!(found.iter().filter(|violation| violation.what == "a concert is half called off").count(), 2);
}
