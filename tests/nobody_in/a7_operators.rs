//! A7: whoever acts as an operator leaves a record, in the transaction of the act.

use concert_core::{Error, LogEntry, LogEntryId, Operator, OperatorKeyId, Page, Paged, Role};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

fn operator(name: &str) -> Operator {
    name.parse().expect("a name")
}

async fn log(house: &House) -> Vec<LogEntry> {
    house.office.back_office().log(Page::default()).await.expect("reads").data
}

/// Who did what to which kind of thing.
fn acts(log: &[LogEntry]) -> Vec<[&str; 3]> {
    log.iter().map(|entry| [entry.by.as_str(), entry.act.as_str(), entry.subject.as_str()]).collect()
}

#[tokio::test]
async fn a7_every_act_is_one_row_with_who_what_before_and_after() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let user = house.active_users(1, 100).await[0];
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let payment = house.office.pay(user, held.id, money(PRICE)).await.expect("pays").payments[0].id;
    let before = log(&house).await.len();

    let ann = house.office.operator(operator("ann").with_request_id("r-7"));
    ann.pause_queue().await.expect("pauses");
    ann.pause_queue().await.expect("is paused already");
    house.advance(1);
    house.office.operator(operator("bob")).expire_token(user).await.expect("ends it");
    house.office.operator(operator("bob")).expire_token(user).await.expect_err("has ended");
    let reason = "a pillar in front of it".parse().expect("a reason");
    let refund = house.office.operator(operator("carol")).refund(payment, Some(reason)).await.expect("refunds");
    house.office.operator(operator("carol")).refund(payment, None).await.expect_err("is refunded");

    let log = log(&house).await;
    assert_eq!(
        acts(&log[..log.len() - before]),
        [["carol", "REFUND", "payment"], ["bob", "TOKEN_EXPIRE", "user"], ["ann", "QUEUE_PAUSE", "queue"]]
    );
    let [refunded, expired, paused] = &log[..3] else { panic!("three acts") };
    assert_eq!((refunded.subject_id, refunded.at), (Some(payment.as_uuid()), refund.refunded_at));
    assert_eq!(refunded.before, Some(json!({"status": "SUCCESS"})));
    let after = json!({
        "status": "REFUNDED", "amount": 100, "balance": refund.balance, "userId": user,
        "reason": "a pillar in front of it", "seat": "TO_SALE"
    });
    assert_eq!(refunded.after, Some(after));
    assert_eq!(expired.subject_id, Some(user.as_uuid()));
    let status = |state: &Option<Value>| state.as_ref().expect("is recorded")["status"].clone();
    assert_eq!((status(&expired.before), status(&expired.after)), (json!("ACTIVE"), json!("EXPIRED")));
    assert_eq!((&paused.before, &paused.after), (&Some(json!({"paused": false})), &Some(json!({"paused": true}))));
    assert_eq!((paused.request_id.as_deref(), paused.key), (Some("r-7"), None));
    house.assert_sound().await;
}

#[tokio::test]
async fn a7_the_log_comes_in_pages_newest_first() {
    let house = House::open().await;
    let ann = house.office.operator(operator("ann"));
    for nth in 0..5 {
        house.office.set_max_active(20 + nth).await.expect("sets");
    }
    let page = |limit, after| {
        let ann = ann.clone();
        async move { ann.log(Page::new(Some(limit), after).expect("a page")).await.expect("reads") }
    };
    let whole = page(100, None).await;
    let mut seen: Vec<LogEntry> = Vec::new();
    loop {
        let Paged { data, has_more, .. } = page(2, seen.last().map(|entry| entry.id)).await;
        assert!(data.len() == 2 || !has_more);
        seen.extend(data);
        if !has_more {
            break;
        }
    }
    assert_eq!(seen, whole.data);
    let caps: Vec<_> = seen.iter().map(|entry| entry.after.as_ref().expect("is set")["maxActive"].clone()).collect();
    assert_eq!(caps, [24, 23, 22, 21, 20]);
    let nowhere = ann.log(Page::new(None, Some(LogEntryId::generate())).expect("a page")).await;
    assert!(matches!(nowhere, Err(Error::InvalidInput(_))), "{nowhere:?}");
}

#[tokio::test]
async fn a7_a_key_is_stored_as_a_hash_and_its_acts_are_logged_under_its_name() {
    let house = House::open().await;
    let ann = house.office.operator(operator("ann"));
    let made = ann.make_key(&operator("door 3"), Role::Gate).await.expect("makes a key");
    let secret = made.secret.expose_secret();
    assert!(secret.starts_with("concert_") && secret.len() == 72, "{secret}");
    let stored =
        sqlx::query_scalar::<_, i64>("select count(*) from operator_keys where key_hash = unhex(sha2(?, 256))");
    assert_eq!(stored.bind(secret).fetch_one(house.office.pool()).await.expect("counts"), 1);

    let holder = house.office.authenticate_operator(secret, Role::Gate).await.expect("is valid");
    assert_eq!((holder.as_str(), holder.key()), ("door 3", Some(made.key.id)));
    let refused = house.office.authenticate_operator(secret, Role::Operator).await;
    assert!(matches!(refused, Err(Error::RoleNotAllowed { .. })), "{refused:?}");
    let mut altered = secret.to_owned();
    let last = if altered.pop() == Some('0') { '1' } else { '0' };
    altered.push(last);
    for other in [altered.as_str(), "concert_", "", "eyJhbGciOiJIUzI1NiJ9.e30.x"] {
        let refused = house.office.authenticate_operator(other, Role::Viewer).await;
        assert!(matches!(refused, Err(Error::Unauthenticated(_))), "{other}: {refused:?}");
    }
    house.office.operator(holder).pause_queue().await.expect("pauses");
    let log = log(&house).await;
    assert_eq!(acts(&log), [["door 3", "QUEUE_PAUSE", "queue"], ["ann", "KEY_MAKE", "key"]]);
    assert_eq!((log[0].key, log[1].subject_id), (Some(made.key.id), Some(made.key.id.as_uuid())));
    assert!(!format!("{log:?}").contains(secret) && !format!("{made:?}").contains(secret));
}

#[tokio::test]
async fn a7_a_revoked_key_is_refused_at_once_here_and_within_two_seconds_everywhere() {
    let house = House::open().await;
    let other = house.another_office().await;
    let ann = house.office.operator(operator("ann"));
    let made = ann.make_key(&operator("bob"), Role::Viewer).await.expect("makes a key");
    let secret = made.secret.expose_secret();
    other.authenticate_operator(secret, Role::Viewer).await.expect("is known");
    let later = ann.make_key(&operator("carol"), Role::Viewer).await.expect("makes a key");
    other.authenticate_operator(later.secret.expose_secret(), Role::Viewer).await.expect("a new key is known at once");

    let revoked = ann.revoke_key(made.key.id).await.expect("revokes");
    assert_eq!(revoked.revoked_by.as_deref(), Some("ann"));
    assert_eq!(ann.revoke_key(made.key.id).await.expect("is so already"), revoked);
    assert!(matches!(house.office.authenticate_operator(secret, Role::Viewer).await, Err(Error::Unauthenticated(_))));
    house.advance(1);
    assert!(matches!(other.authenticate_operator(secret, Role::Viewer).await, Err(Error::Unauthenticated(_))));
    other.authenticate_operator(later.secret.expose_secret(), Role::Viewer).await.expect("is in force");
    let unknown = ann.revoke_key(OperatorKeyId::generate()).await;
    assert!(matches!(unknown, Err(Error::OperatorKeyNotFound)), "{unknown:?}");
    let listed = ann.keys().await.expect("lists");
    assert_eq!(listed, [revoked, later.key]);
    let log = log(&house).await;
    assert_eq!(acts(&log)[0], ["ann", "KEY_REVOKE", "key"]);
    assert_eq!(log.len(), 3, "what was so already is no act");
}

#[tokio::test]
async fn a7_a_call_with_a_known_key_asks_the_database_once_a_second_at_most() {
    let house = House::open().await;
    let made = house.office.back_office().make_key(&operator("bob"), Role::Viewer).await.expect("makes a key");
    let known = || house.office.authenticate_operator(made.secret.expose_secret(), Role::Viewer);
    known().await.expect("is valid");
    house.tamper("rename table operator_keys to elsewhere").await;
    for _ in 0..100 {
        known().await.expect("is answered from memory");
    }
    house.advance(1);
    known().await.expect_err("what is older than a second proves nothing");
}

#[tokio::test]
async fn a7_what_is_done_for_a_user_is_logged_and_what_the_user_does_is_not() {
    let house = House::open().await;
    let concert = house.concert(4).await;
    let buyer = house.active_users(1, 100).await[0];
    let before = log(&house).await.len();
    let own = house.office.hold_one(buyer, concert, seat(1)).await.expect("holds");
    house.office.extend_hold(buyer, own.id).await.expect("extends");
    house.office.pay(buyer, own.id, money(PRICE)).await.expect("pays");
    house.office.recharge(buyer, money(1)).await.expect("recharges");
    house.office.leave_queue(buyer).await.expect("leaves");
    assert_eq!(log(&house).await.len(), before, "acts of users are in the tables alone");

    let ann = house.office.operator(operator("ann"));
    let name: concert_core::Username = "minji".parse().expect("a name");
    let user = ann.add_user(name).await.expect("makes a user").id;
    ann.recharge(user, money(500), "INV-7".parse().expect("a reference")).await.expect("recharges");
    house.office.issue_token(ann.acting_for(user)).await.expect("joins");
    house.office.issue_token(ann.acting_for(user)).await.expect("is in already");
    let order = house.office.hold(ann.acting_for(user), concert, vec![seat(2), seat(3)]).await.expect("holds");
    house.office.hold(ann.acting_for(user), concert, seat(1)).await.expect_err("is sold");
    let extended = house.office.extend_hold(ann.acting_for(user), order.id).await.expect("extends");
    house.office.pay(ann.acting_for(user), order.id, order.total).await.expect("pays");
    let other = house.office.hold_one(ann.acting_for(user), concert, seat(4)).await.expect("holds");
    house.office.cancel(ann.acting_for(user), other.id).await.expect("gives back");
    house.office.leave_queue(ann.acting_for(user)).await.expect("leaves");

    let log = log(&house).await;
    let acts = acts(&log[..log.len() - before]);
    assert!(acts.iter().all(|[by, ..]| *by == "ann"));
    let acts: Vec<_> = acts.iter().map(|[_, act, subject]| format!("{act} {subject}")).collect();
    assert_eq!(
        acts,
        [
            "TOKEN_EXPIRE user",
            "CANCEL reservation",
            "HOLD order",
            "PAY order",
            "EXTEND order",
            "HOLD order",
            "TOKEN_ISSUE user",
            "RECHARGE user",
            "USER_CREATE user"
        ]
    );
    let [paid, moved, held] = &log[3..6] else { panic!("three") };
    assert!([paid, moved, held].iter().all(|entry| entry.subject_id == Some(order.id.as_uuid())));
    let after = |entry: &LogEntry, field: &str| entry.after.as_ref().expect("is recorded")[field].clone();
    assert_eq!((after(held, "seatNumbers"), after(held, "total")), (json!([2, 3]), json!(200)));
    assert_eq!(moved.before, Some(json!({"userId": user, "expiresAt": order.expires_at})));
    assert_eq!(after(moved, "expiresAt"), json!(extended));
    assert_eq!((after(paid, "amount"), after(paid, "userId")), (json!(200), json!(user)));
    house.assert_sound().await;
}

#[tokio::test]
async fn a7_an_act_that_comes_again_with_its_key_is_one_entry() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let ann = house.office.operator(operator("ann"));
    let with_key =
        |key: &str| ann.acting_for(user).with_key(key.parse::<concert_core::IdempotencyKey>().expect("a key"));
    let before = log(&house).await.len();
    for _ in 0..3 {
        let held = house.office.hold_one(with_key("h"), concert, seat(1)).await.expect("holds");
        house.office.pay(with_key("p"), held.id, money(PRICE)).await.expect("pays");
    }
    let log = log(&house).await;
    assert_eq!(acts(&log[..log.len() - before]), [["ann", "PAY", "reservation"], ["ann", "HOLD", "order"]]);
}
