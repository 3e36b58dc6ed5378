//! A3: a key is bound to all that was asked. With anything else it is refused, and nothing is carried out.

use concert_core::{Error, Wanted};
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::{Answer, Site};
use crate::support::{House, PRICE, keyed, money, seat, section};

const HOLD: &str = "/api/v1/reservations";
const PAY: &str = "/api/v1/payments/process";

/// As it was seen: a reservation is paid, then its whole order with the same key and sum.
#[tokio::test]
async fn a3_paying_the_rest_of_an_order_with_the_key_of_its_first_payment_is_422() {
    let site = Site::open().await;
    let concert = site.house.concert(2).await;
    let (user, token) = site.active_user(500).await;
    let body = json!({"concertId": concert, "seatNumbers": [1, 2], "userId": user});
    let order = site.post(HOLD, &body).bearer(&token).send().await.expect(201, "").body;
    let reservation = &order["seats"][0]["reservationId"];
    let pay = |body: Value| site.post(PAY, &body).bearer(&token).key("k").send();
    let one = json!({"reservationId": reservation, "amount": PRICE, "userId": user});
    let first = pay(one.clone()).await.expect(200, "");
    let rest = json!({"orderId": order["orderId"], "amount": PRICE, "userId": user});
    pay(rest).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    for other in [
        json!({"reservationId": order["seats"][1]["reservationId"], "amount": PRICE, "userId": user}),
        json!({"reservationId": reservation, "amount": PRICE + 1, "userId": user}),
        json!({"orderId": order["orderId"], "amount": 2 * PRICE, "userId": user}),
    ] {
        pay(other).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    }
    assert_eq!(pay(one).await.expect(200, "").body, first.body);
    assert_eq!(site.house.count("select count(*) from payments").await, 1);
    site.house.assert_sound().await;
}

#[tokio::test]
async fn a3_an_order_paid_with_a_key_replays_as_a_whole() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let body = json!({"concertId": concert, "seatNumbers": [1, 2, 3], "userId": user});
    let order = site.post(HOLD, &body).bearer(&token).send().await.expect(201, "").body;
    // The first seat is paid alone: the order's payment is of the others.
    let one = json!({"reservationId": order["seats"][0]["reservationId"], "amount": PRICE, "userId": user});
    site.post(PAY, &one).bearer(&token).send().await.expect(200, "");
    let body = json!({"orderId": order["orderId"], "amount": 2 * PRICE, "userId": user});
    let pay = || site.post(PAY, &body).bearer(&token).key("k").send();
    let first = pay().await.expect(200, "");
    assert_eq!(first.body["payments"].as_array().map(Vec::len), Some(2));
    assert_eq!(pay().await.expect(200, "").body, first.body);
}

#[tokio::test]
async fn a3_every_field_of_a_hold_counts() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(20)).await;
    let date = house.office.now().date_naive();
    let sections = || vec![section("Front", 1, 4, PRICE), section("Back", 1, 4, PRICE)];
    let [concert, other] = [house.concert_in(date, sections()).await, house.concert_in(date, sections()).await];
    let users = house.active_users(6, 0).await;
    let best = |section: Option<&str>| Wanted::BestAvailable { count: 1, section: section.map(str::to_owned) };
    let one: Wanted = seat(1).into();
    // The best seat of all is the best of the front, and seat 1, but these are three requests.
    let asked = [best(None), best(Some("Front")), best(Some("Back")), one.clone(), vec![seat(1), seat(2)].into()];
    for (nth, first) in asked.iter().enumerate() {
        let user = users[nth];
        let caller = || keyed(user, "k");
        let held = house.office.hold(caller(), concert, first.clone()).await.expect("holds");
        for (other_nth, wanted) in asked.iter().enumerate() {
            let again = house.office.hold(caller(), concert, wanted.clone()).await;
            match again {
                Ok(again) => assert!(nth == other_nth && again == held, "{first:?} is not {wanted:?}"),
                Err(error) => {
                    assert!(nth != other_nth && matches!(error, Error::IdempotencyKeyReused), "{wanted:?}: {error}");
                }
            }
        }
        let elsewhere = house.office.hold(caller(), other, first.clone()).await;
        assert!(matches!(elsewhere, Err(Error::IdempotencyKeyReused)), "{elsewhere:?}");
        house.office.cancel(user, held.id).await.expect("gives back");
    }
    // One seat by its number is the same request as a list of it.
    let caller = || keyed(users[5], "k");
    let held = house.office.hold(caller(), concert, one).await.expect("holds");
    assert_eq!(house.office.hold(caller(), concert, vec![seat(1)]).await.expect("the same"), held);
    house.assert_sound().await;
}

#[tokio::test]
async fn a3_a_recharge_with_another_amount_is_422_also_in_one_batch() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let recharge = |amount: &str| {
        let body = format!(r#"{{"userId":"{user}","amount":{amount}}}"#);
        site.post_text("/api/v1/payments/recharge", &body).bearer(&token).key("k")
    };
    let first = recharge("5").send().await.expect(200, "");
    assert_eq!(recharge("5.00").send().await.expect(200, "").body, first.body, "the same amount, written otherwise");
    recharge("5.01").send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");

    let office = &site.house.office;
    let [one, two] = [money(1), money(2)].map(|amount| office.recharge(keyed(user, "both"), amount));
    let answers: (Result<_, _>, Result<_, _>) = tokio::join!(one, two);
    assert!(matches!(answers, (Ok(_), Err(Error::IdempotencyKeyReused))), "{answers:?}");
    assert_eq!(office.balance(user).await.expect("reads"), money(6));
    site.house.assert_sound().await;
}

/// In the same batch as neighbours, who are not hurt.
#[tokio::test]
async fn a3_a_key_that_is_used_twice_is_refused_alone() {
    let house = House::open().await;
    let concert = house.concert(8).await;
    let users = house.active_users(4, 500).await;
    let hold = |user: usize, number: i64, key: &str| {
        let (office, caller) = (house.office.clone(), keyed(users[user], key));
        tokio::spawn(async move { office.hold(caller, concert, seat(number)).await })
    };
    hold(0, 1, "k").await.expect("runs").expect("holds");
    let all = [hold(1, 2, "k"), hold(0, 3, "k"), hold(2, 4, "k"), hold(3, 5, "k")];
    let mut refused = 0;
    for one in all {
        match one.await.expect("runs") {
            Ok(_) => {}
            Err(Error::IdempotencyKeyReused) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(refused, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn a3_an_extension_is_bound_to_what_it_names() {
    let site = Site::open().await;
    let concert = site.house.concert(4).await;
    let (user, token) = site.active_user(0).await;
    let hold = |numbers: Value| {
        site.post(HOLD, &json!({"concertId": concert, "seatNumbers": numbers, "userId": user})).bearer(&token).send()
    };
    let (one, other) = (hold(json!([1, 2])).await.body, hold(json!([3, 4])).await.body);
    let extend = |id: &Value| {
        let path = format!("{HOLD}/{}/extend", id.as_str().expect("an id"));
        site.ask(Method::POST, &path).bearer(&token).key("k").send()
    };
    let first: Answer = extend(&one["orderId"]).await.expect(200, "");
    assert_eq!(extend(&one["orderId"]).await.expect(200, "").body, first.body);
    extend(&other["orderId"]).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    extend(&one["seats"][1]["reservationId"]).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    site.house.assert_sound().await;
}
