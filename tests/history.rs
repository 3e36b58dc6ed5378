//! Looking back: pages are exact whatever is added meanwhile, and a wallet's entries tell how its balance came about.

use concert_core::{
    Caller, Error, IdempotencyKey, Page, PaymentId, PaymentStatus, UserId, WalletEntryId, WalletEntryKind,
    WalletEntryView,
};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

fn page<I>(limit: u32, starting_after: Option<I>) -> Page<I> {
    Page::new(Some(limit), starting_after).expect("a page")
}

/// All entries of a user, newest first, read in pages of `limit`.
async fn all_entries(house: &House, user: UserId, limit: u32) -> Vec<WalletEntryView> {
    let mut read = Vec::<WalletEntryView>::new();
    loop {
        let last = read.last().map(|entry| entry.id);
        let mut paged = house.office.wallet_entries(user, page(limit, last)).await.expect("reads");
        assert!(paged.data.len() == limit as usize || !paged.has_more, "a page that more follow is full");
        read.append(&mut paged.data);
        if !paged.has_more {
            return read;
        }
    }
}

/// Each balance is the one before it and the entry's amount.
fn assert_adds_up(newest_first: &[WalletEntryView]) {
    let mut balance = rust_decimal::Decimal::ZERO;
    for entry in newest_first.iter().rev() {
        balance += entry.amount.as_decimal();
        assert_eq!(entry.balance_after.as_decimal(), balance, "{newest_first:#?}");
    }
}

#[tokio::test]
async fn pages_of_payments_neither_skip_nor_repeat_whatever_is_added_meanwhile() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100)).await;
    let concert = house.concert(20).await;
    let users = house.active_users(2, 5_000).await;
    let buy = async |user, number| {
        let held = house.office.hold_one(user, concert, seat(number)).await.expect("holds");
        house.office.pay(user, held.id, money(PRICE)).await.expect("pays").payments[0].id
    };
    let mut paid = Vec::new();
    for number in 1..=7 {
        paid.push(buy(users[0], number).await);
        // Some share a moment.
        house.advance(number as u64 % 2);
    }
    let other = buy(users[1], 8).await;

    let mut seen = Vec::<PaymentId>::new();
    for number in 9.. {
        let last = seen.last().copied();
        let paged = house.office.payments_of(users[0], page(3, last)).await.expect("reads");
        assert_eq!(paged.data.len(), if paged.has_more { 3 } else { 1 });
        seen.extend(paged.data.iter().map(|payment| payment.id));
        if !paged.has_more {
            break;
        }
        buy(users[0], number).await;
    }
    let mut expected = paid.clone();
    expected.sort_unstable();
    let mut found = seen.clone();
    found.sort_unstable();
    assert_eq!(found, expected, "each of them once");

    let all = house.office.payments_of(users[0], Page::default()).await.expect("reads");
    assert_eq!((all.data.len(), all.has_more), (9, false));
    assert!(all.data.is_sorted_by(|newer, older| newer.paid_at >= older.paid_at));
    let exact = house.office.payments_of(users[0], page(9, None)).await.expect("reads");
    assert!(!exact.has_more, "a full page that nothing follows is the last");
    let newest = &all.data[0];
    assert_eq!((newest.concert, newest.concert_name.as_str(), newest.amount), (concert, "Spring", money(PRICE)));
    assert_eq!((newest.status, newest.refunded_at), (PaymentStatus::Success, None));
    assert_eq!(&house.office.payment(users[0], newest.id).await.expect("reads"), newest);

    for nobodys in [other, PaymentId::generate()] {
        let refused = house.office.payments_of(users[0], page(3, Some(nobodys))).await;
        assert!(matches!(refused, Err(Error::InvalidInput(_))), "{refused:?}");
    }
    assert!(matches!(house.office.payment(users[0], other).await, Err(Error::NotYours)));
    let none = house.office.payment(users[0], PaymentId::generate()).await;
    assert!(matches!(none, Err(Error::PaymentNotFound)));
    assert!(matches!(house.office.payments_of(UserId::generate(), Page::default()).await, Err(Error::UserNotFound)));
}

/// All in one moment, most in one batch, and under keys, whose ids are in no order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn entries_of_one_moment_are_told_in_the_order_in_which_the_balance_changed() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let user = house.active_users(1, 1_000).await[0];
    let offices = [house.office.clone(), house.another_office().await];
    let mut recharging = tokio::task::JoinSet::new();
    for nth in 0..60_usize {
        let office = offices[nth % 2].clone();
        let key: IdempotencyKey = format!("k{nth}").parse().expect("a key");
        recharging.spawn(async move { office.recharge(Caller::from(user).with_key(key), money(nth as u32 + 1)).await });
    }
    for number in 1..=3 {
        let held = house.office.hold_one(user, concert, seat(number)).await.expect("holds");
        house.office.pay(user, held.id, money(PRICE)).await.expect("pays");
    }
    for recharged in recharging.join_all().await {
        recharged.expect("recharges");
    }

    let entries = all_entries(&house, user, 7).await;
    assert_eq!(entries.len(), 64);
    assert_adds_up(&entries);
    assert_eq!(entries[0].balance_after, house.office.balance(user).await.expect("reads"));
    let payments = entries.iter().filter(|entry| entry.kind == WalletEntryKind::Payment);
    assert!(payments.clone().all(|entry| entry.payment.is_some()));
    assert_eq!(payments.count(), 3);
    house.assert_sound().await;
}

#[tokio::test]
async fn entries_of_a_clock_that_was_set_back_keep_their_order() {
    let house = House::open().await;
    let user = house.user(10).await;
    let noon = concert_core::Clock::now(&*house.clock);
    for (nth, seconds) in [(1, 60), (2, -60), (3, 0), (4, -3_600)] {
        house.clock.set(noon + chrono::TimeDelta::seconds(seconds));
        house.office.recharge(user, money(nth)).await.expect("recharges");
    }
    let entries = all_entries(&house, user, 2).await;
    assert_eq!(entries.len(), 5);
    assert_adds_up(&entries);
}

#[tokio::test]
async fn a_page_starts_after_an_entry_of_the_same_wallet() {
    let house = House::open().await;
    let users = house.users(2, 10).await;
    let others = all_entries(&house, users[1], 1).await[0].id;
    for nobodys in [others, WalletEntryId::generate()] {
        let refused = house.office.wallet_entries(users[0], page(3, Some(nobodys))).await;
        assert!(matches!(refused, Err(Error::InvalidInput(_))), "{refused:?}");
    }
}
