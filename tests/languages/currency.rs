//! The currency of the house: amounts that it does not have are refused wherever they come in.

use chrono::NaiveDate;
use concert_core::{Currency, Error, Money, NewConcert, NewSeats, OpeningUser, Policy, Section};
use serde_json::json;

use crate::http::Site;
use crate::support::{House, Shortcuts as _, seat};

fn in_won(policy: Policy) -> Policy {
    policy.with_currency("KRW".parse::<Currency>().expect("a currency"))
}

fn amount(text: &str) -> Money {
    text.parse().expect("an amount")
}

#[track_caller]
fn refused<T: std::fmt::Debug>(done: Result<T, Error>) {
    match done {
        Err(Error::InvalidInput(text)) => assert!(text.contains("KRW") && text.contains("whole number"), "{text}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn half_a_won_is_refused_as_a_recharge_a_price_and_a_first_balance() {
    let house = House::open_with(in_won).await;
    let (user, desk) = (house.user(0).await, house.office.back_office());
    let concert = house.concert(2).await;
    refused(house.office.recharge(user, amount("100.5")).await);
    refused(desk.recharge(user, amount("0.01"), "slip-1".parse().expect("a reference")).await);
    refused(desk.price_seats(concert, [seat(1)], amount("99.9")).await);
    refused(desk.add_seats(concert, NewSeats::new(amount("99.9"), [seat(3)])).await);
    let sections = vec![Section::plain(2, amount("100")), Section::plain(2, amount("99.5"))];
    let new = NewConcert::new("Autumn", NaiveDate::from_ymd_opt(2027, 9, 1).expect("a date"), sections);
    refused(desk.preview_concert(&new).await);
    refused(desk.add_concert(&new).await);
    refused(desk.add_concert_once(new, &"key".parse().expect("a key")).await);
    let rich = OpeningUser::new("minji".parse().expect("a name")).with_balance(amount("0.5"));
    refused(desk.add_users(&[rich]).await);

    assert_eq!(house.office.recharge(user, amount("1200.00")).await.expect("recharges").after, amount("1200"));
    desk.price_seats(concert, [seat(1)], amount("1200")).await.expect("prices");
    house.assert_sound().await;
}

#[tokio::test]
async fn without_a_currency_and_in_dollars_two_places_are_taken() {
    let house = House::open().await;
    let user = house.user(0).await;
    house.office.recharge(user, amount("100.55")).await.expect("recharges");
    let house = House::open_with(|policy| policy.with_currency("USD".parse::<Currency>().ok())).await;
    let user = house.user(0).await;
    house.office.recharge(user, amount("100.55")).await.expect("recharges");
}

#[tokio::test]
async fn over_http_half_a_won_is_a_400_that_names_the_currency() {
    let site = Site::open_with(in_won).await;
    let (user, token) = site.active_user(0).await;
    let recharge = |amount: f64| {
        let body = json!({"userId": user, "amount": amount});
        site.post("/api/v1/payments/recharge", &body).bearer(&token)
    };
    let answer = recharge(100.5).send().await.expect(400, "INVALID_REQUEST");
    assert!(answer.text.contains("an amount in KRW is a whole number"), "{}", answer.text);
    recharge(1200.0).send().await.expect(200, "");
}
