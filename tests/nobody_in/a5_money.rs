//! A5: money comes from somewhere. Who may recharge, and what each recharge stands for.

use concert_core::{Error, Operator, Page, RechargeBy, Reference, Role, UserId, WalletEntryKind};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::http::Site;
use crate::support::{House, Shortcuts as _, keyed, money};

fn ann() -> Operator {
    "ann".parse().expect("a name")
}

fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

async fn key(site: &Site, role: Role) -> String {
    let made = site.house.office.back_office().make_key(&"desk 1".parse().expect("a name"), role).await;
    made.expect("makes a key").secret.expose_secret().to_owned()
}

#[tokio::test]
async fn a5_where_operators_recharge_a_buyer_makes_no_money() {
    let site = Site::open_with(|policy| policy.with_recharge(RechargeBy::Operators)).await;
    let (user, session) = site.logged_in("minji").await;
    let queue_token = site.join(user).await;
    let body = json!({"userId": user, "amount": 99_999_999.99});
    for token in [&session, &queue_token] {
        let recharge = || site.post("/api/v1/payments/recharge", &body).bearer(token);
        recharge().send().await.expect(403, "RECHARGE_NOT_ALLOWED");
        recharge().key("k").send().await.expect(403, "RECHARGE_NOT_ALLOWED");
        let for_what = json!({"userId": user, "amount": 1, "reference": "INV-7"});
        site.post("/api/v1/payments/recharge", &for_what)
            .bearer(token)
            .send()
            .await
            .expect(403, "RECHARGE_NOT_ALLOWED");
    }
    site.post("/api/v1/payments/recharge", &body).send().await.expect(401, "UNAUTHENTICATED");
    assert_eq!(site.house.office.balance(user).await.expect("reads"), money(0));

    let path = format!("/api/v1/admin/users/{user}/recharge");
    let paid = json!({"amount": 120.5, "reference": "INV-7"});
    for token in [&session, &queue_token] {
        site.post(&path, &paid).bearer(token).send().await.expect(401, "UNAUTHENTICATED");
    }
    let operator = key(&site, Role::Operator).await;
    let recharged = site.post(&path, &paid).bearer(&operator).send().await.expect(200, "");
    assert_eq!(recharged.body, json!({"newBalance": 120.5, "currentBalance": 0}));
    site.house.assert_sound().await;
}

#[tokio::test]
async fn a5_an_operators_recharge_takes_a_key_an_amount_and_a_reference() {
    let site = Site::open().await;
    let user = site.house.user(10).await;
    let path = format!("/api/v1/admin/users/{user}/recharge");
    let paid = json!({"amount": 100, "reference": "bank 2027-03-01 #4711"});
    site.post(&path, &paid).send().await.expect(401, "UNAUTHENTICATED");
    for role in [Role::Viewer, Role::Gate] {
        site.post(&path, &paid).bearer(&key(&site, role).await).send().await.expect(403, "ROLE_NOT_ALLOWED");
    }
    let operator = key(&site, Role::Operator).await;
    for bad in [
        json!({"amount": 100}),
        json!({"reference": "x"}),
        json!({"amount": 0, "reference": "x"}),
        json!({"amount": 1.005, "reference": "x"}),
        json!({"amount": 100, "reference": ""}),
        json!({"amount": 100, "reference": "two\nlines"}),
        json!({"amount": 100, "reference": 7}),
        json!({"amount": 100, "reference": "x", "userId": user}),
    ] {
        site.post(&path, &bad).bearer(&operator).send().await.expect(400, "INVALID_REQUEST");
    }
    let nobody = format!("/api/v1/admin/users/{}/recharge", UserId::generate());
    site.post(&nobody, &paid).bearer(&operator).send().await.expect(404, "USER_NOT_FOUND");
    site.post("/api/v1/admin/users/7/recharge", &paid).bearer(&operator).send().await.expect(400, "INVALID_REQUEST");

    site.post(&path, &paid).bearer(&operator).send().await.expect(200, "");
    let again = site.post(&path, &paid).bearer(&operator).send().await.expect(409, "REFERENCE_USED");
    assert!(again.text.contains("100, at 2027-03-01T12:00:00Z"), "it says what was credited: {}", again.text);
    let more = json!({"amount": 200, "reference": "bank 2027-03-01 #4711"});
    site.post(&path, &more).bearer(&operator).send().await.expect(409, "REFERENCE_USED");
    assert_eq!(site.house.office.balance(user).await.expect("reads"), money(110));

    let (other, session) = site.logged_in("minji").await;
    let to_other = format!("/api/v1/admin/users/{other}/recharge");
    site.post(&to_other, &paid).bearer(&operator).send().await.expect(200, "");
    let entries = site.get(&format!("/api/v1/payments/entries/{other}")).bearer(&session).send().await.body;
    assert_eq!(
        (&entries["data"][0]["kind"], &entries["data"][0]["reference"]),
        (&json!("RECHARGE"), &json!("bank 2027-03-01 #4711"))
    );
    let log = site.get("/api/v1/admin/log?limit=2").bearer(&operator).send().await.body;
    let entry = &log["data"][1];
    assert_eq!(
        (&entry["by"], &entry["act"], &entry["subjectId"], &entry["requestId"]),
        (&json!("desk 1"), &json!("RECHARGE"), &json!(user), &json!("test"))
    );
    assert_eq!((&entry["before"]["balance"], &entry["after"]["balance"]), (&json!(10), &json!(110)));
    assert!(entry["keyId"].is_string());
    site.ask(Method::GET, &path).bearer(&operator).send().await.expect(405, "METHOD_NOT_ALLOWED");
    site.house.assert_sound().await;
}

/// Refunds still go to whoever paid: that money is theirs.
#[tokio::test]
async fn a5_no_operator_recharges_a_user_who_is_disabled_or_forgotten() {
    let site = Site::open().await;
    let (user, operator) = (site.house.user(0).await, key(&site, Role::Operator).await);
    let path = format!("/api/v1/admin/users/{user}/recharge");
    let recharge = |reference: &str| {
        let paid = json!({"amount": 100, "reference": reference});
        site.post(&path, &paid).bearer(&operator).key(reference).send()
    };
    let first = recharge("INV-7").await.expect(200, "").body;
    let desk = site.house.office.back_office();
    desk.disable_user(user).await.expect("disables");
    recharge("INV-8").await.expect(403, "USER_DISABLED");
    assert_eq!(recharge("INV-7").await.expect(200, "").body, first, "a repeat moves no money");
    desk.enable_user(user).await.expect("enables");
    recharge("INV-8").await.expect(200, "");
    desk.forget_user(user).await.expect("forgets");
    recharge("INV-9").await.expect(404, "USER_NOT_FOUND");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn a5_a_repeated_recharge_of_an_operator_credits_once_and_is_logged_once() {
    let site = Site::open().await;
    let user = site.house.user(0).await;
    let operator = key(&site, Role::Operator).await;
    let path = format!("/api/v1/admin/users/{user}/recharge");
    let paid = json!({"amount": 100, "reference": "INV-7"});
    let recharge = |body: serde_json::Value, key| site.post(&path, &body).bearer(&operator).key(key).send();
    let first = recharge(paid.clone(), "k").await.expect(200, "").body;
    assert_eq!(recharge(paid.clone(), "k").await.expect(200, "").body, first, "the same request, the same answer");
    recharge(json!({"amount": 100, "reference": "INV-8"}), "k").await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    recharge(json!({"amount": 101, "reference": "INV-7"}), "k").await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    recharge(paid.clone(), "another").await.expect(409, "REFERENCE_USED");
    // A key that the user makes up is another key.
    site.house.office.recharge(keyed(user, "k"), money(5)).await.expect("recharges");
    assert_eq!(site.house.office.balance(user).await.expect("reads"), money(105));
    let log = site.house.office.back_office().log(Page::default()).await.expect("reads").data;
    assert_eq!(log.iter().filter(|entry| entry.act == "RECHARGE").count(), 1);
    site.house.assert_sound().await;
}

#[tokio::test]
async fn a5_one_payment_that_many_enter_at_once_is_credited_once() {
    let house = House::open().await;
    let user = house.user(0).await;
    let (here, there) = (house.office.operator(ann()), house.another_office().await.operator(ann()));
    let mut entering = tokio::task::JoinSet::new();
    for nth in 0..40 {
        let desk = if nth % 2 == 0 { here.clone() } else { there.clone() };
        entering.spawn(async move { desk.recharge(user, money(100), reference("INV-7")).await });
    }
    let answers = entering.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::ReferenceUsed { .. }))), "{answers:?}");
    assert_eq!(house.office.balance(user).await.expect("reads"), money(100));
    house.assert_sound().await;
}

#[tokio::test]
async fn a5_the_library_says_what_a_recharge_stands_for_and_the_audit_holds_it_to_that() {
    let house = House::open_with(|policy| policy.with_recharge(RechargeBy::Operators)).await;
    let user = house.user(0).await;
    assert!(matches!(house.office.recharge(user, money(1)).await, Err(Error::RechargeNotAllowed)));
    let desk = house.office.operator(ann());
    let unnamed = house.office.recharge(desk.acting_for(user), money(1)).await;
    assert!(matches!(unnamed, Err(Error::InvalidInput(_))), "{unnamed:?}");
    desk.recharge(user, money(100), reference("INV-7")).await.expect("recharges");
    let entries = house.office.wallet_entries(user, Page::default()).await.expect("reads").data;
    let entry = (entries[0].kind, entries[0].reference.as_ref().map(Reference::as_str));
    assert_eq!(entry, (WalletEntryKind::Recharge, Some("INV-7")));
    let told = desk.explain(user).await.expect("explains").events;
    assert!(told.iter().any(|event| event.detail.contains("reference INV-7")), "{told:?}");
    house.assert_sound().await;
    house.tamper("delete from recharge_references").await;
    let found = desk.audit().await.expect("audits");
    assert_eq!(found.iter().map(|violation| violation.invariant).collect::<Vec<_>>(), [3], "{found:?}");
}
