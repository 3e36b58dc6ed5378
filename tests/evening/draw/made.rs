//! What a draw is made of: the joins at the doors, a public value; and what cannot be changed about it.

use concert_core::chrono::TimeDelta;
use concert_core::{EntryOrder, Error, Join, NewSale, Page, PublicValue, SaleChange, SaleId, TokenStatus};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{ROOM, UNTIL_OPENING, at_the_doors, draw_of, join, join_all, told};
use crate::support::ways::{ASSUMED, LOCKED, ways};
use crate::support::{House, Shortcuts as _};

#[tokio::test]
async fn joins_at_the_doors_chain_on_both_ways() {
    let house = House::watched(|policy| policy).await;
    let sale = at_the_doors(&house).await;
    let other = house.another_office().await;
    let users = house.users(40, 0).await;
    ways("queue");
    join(&house.office, sale, users[0]).await;
    assert_eq!(ways("queue"), [LOCKED], "nobody remembers the gate");
    join(&house.office, sale, users[1]).await;
    assert_eq!(ways("queue"), [ASSUMED]);
    join(&other, sale, users[2]).await;
    ways("queue");
    // What was assumed is wrong now; after that it tries again, seldom at first.
    let mut joined = 3;
    while ways("queue") != [ASSUMED] {
        join(&house.office, sale, users[joined]).await;
        joined += 1;
    }
    house.advance(UNTIL_OPENING);
    // The draw itself is made by a join on the assumed way.
    join(&house.office, sale, users[joined]).await;
    assert_eq!(ways("queue"), [ASSUMED]);
    assert_eq!(draw_of(&house, sale).await.count, Some(joined as u64));
    assert!(house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies").agrees());
    house.assert_sound().await;
}

#[tokio::test]
async fn of_many_who_come_at_the_opening_one_makes_the_draw() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.users(400, 0).await;
    let mut joining = JoinSet::new();
    for (nth, user) in users.into_iter().enumerate() {
        let office = offices[nth % 2].clone();
        joining.spawn(async move { office.join_queue(Join::sale(sale, user)).await.expect("joins").token.ticket });
        if nth == 200 {
            house.advance(UNTIL_OPENING);
        }
        if nth % 8 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let tickets = joining.join_all().await;
    let (one, other) = tokio::join!(offices[0].rerank_queue(), offices[1].rerank_queue());
    let admitted = one.expect("reranks").admitted + other.expect("reranks").admitted;
    let draw = draw_of(&house, sale).await;
    let count = draw.count.expect("it is made");
    let let_in_at_once = u64::from(ROOM) - admitted;
    assert!(count <= 400 && let_in_at_once <= u64::from(ROOM), "{count} drawn, {admitted} let in");
    for office in &offices {
        office.refresh_queue().await.expect("refreshes");
    }
    assert_eq!(told(&offices[0], &tickets).await, told(&offices[1], &tickets).await);
    assert!(house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies").agrees());
    house.assert_sound().await;
}

fn value(text: &str) -> PublicValue {
    text.parse().expect("a value")
}

#[tokio::test]
async fn a_value_that_is_drawn_in_public_is_mixed_in_until_the_opening() {
    let house = House::open().await;
    let back_office = house.office.back_office();
    let sale = at_the_doors(&house).await;
    let doors = SaleChange::new().with_doors_at(Some(house.office.now() + TimeDelta::seconds(60)));
    back_office.set_sale(sale, doors, None).await.expect("shuts the doors");
    let early = back_office.name_public_value(sale, value("4 8 15")).await;
    assert!(matches!(early, Err(Error::SaleNotOpen { .. })), "{early:?}");
    house.advance(60);
    back_office.name_public_value(sale, value("4 8 15")).await.expect("names it");
    let named = back_office.name_public_value(sale, value("4 8 15 16 23 42")).await.expect("corrects it");
    assert_eq!(named.draw.expect("a draw").public_value, Some(value("4 8 15 16 23 42")));
    join_all(&house, sale, 5).await;
    house.advance(UNTIL_OPENING);
    let late = back_office.name_public_value(sale, value("7")).await;
    assert!(matches!(late, Err(Error::DrawMade)), "{late:?}");
    house.office.rerank_queue().await.expect("reranks");
    let draw = draw_of(&house, sale).await;
    let mut without = draw.clone();
    without.public_value = None;
    assert_ne!(draw.key(), without.key());
    assert!(back_office.verify_draw(sale, |_| {}).await.expect("verifies").agrees());
    let arrival = back_office.name_public_value(SaleId::DEFAULT, value("7")).await;
    assert!(matches!(arrival, Err(Error::InvalidInput(_))), "{arrival:?}");
    let log = back_office.log(Page::default()).await.expect("reads").data;
    let values: Vec<_> = log.iter().filter(|entry| entry.act == "SALE_DRAW").map(|entry| &entry.after).collect();
    assert_eq!(values.len(), 2);
    assert_eq!(values[0].as_ref().expect("after")["publicValue"], "4 8 15 16 23 42");
}

#[tokio::test]
async fn what_a_draw_depends_on_stays_once_people_have_joined_and_once_it_is_made() {
    let house = House::open().await;
    let back_office = house.office.back_office();
    let without_opening = NewSale::new("Never").with_settings(SaleChange::new().with_order(EntryOrder::Draw));
    let open = back_office.add_sale(&without_opening).await.expect("it is open at once").id;
    house.office.rerank_queue().await.expect("reranks");
    let of_nobody = draw_of(&house, open).await;
    assert_eq!(of_nobody.count, Some(0));
    let later = SaleChange::new().with_opens_at(Some(house.office.now() + TimeDelta::seconds(60)));
    back_office.set_sale(open, later, None).await.expect("nobody has joined");
    let anew = draw_of(&house, open).await;
    assert!(anew.count.is_none() && anew.commitment != of_nobody.commitment, "{anew:?}");

    let sale = at_the_doors(&house).await;
    let order = |order| SaleChange::new().with_order(order);
    let first = draw_of(&house, sale).await;
    back_office.set_sale(sale, order(EntryOrder::Arrival), None).await.expect("nobody has joined");
    assert!(house.office.sale(sale).await.expect("is there").draw.is_none());
    back_office.set_sale(sale, order(EntryOrder::Draw), None).await.expect("nobody has joined");
    assert_ne!(draw_of(&house, sale).await.commitment, first.commitment, "a new draw has a new secret");
    let second = draw_of(&house, sale).await;
    back_office.set_sale(sale, order(EntryOrder::Draw).with_name("Saturday"), None).await.expect("renames");
    assert_eq!(draw_of(&house, sale).await, second, "the same order is no new draw");
    join_all(&house, sale, 2).await;
    let refused = back_office.set_sale(sale, order(EntryOrder::Arrival), None).await;
    assert!(matches!(refused, Err(Error::OrderSettled { order: "draw" })), "{refused:?}");
    let sooner = house.office.now() + TimeDelta::seconds(60);
    back_office.set_sale(sale, SaleChange::new().with_opens_at(Some(sooner)), None).await.expect("opens sooner");

    house.advance(60);
    house.office.rerank_queue().await.expect("reranks");
    let later = Some(house.office.now() + TimeDelta::seconds(60));
    for change in [
        order(EntryOrder::Arrival),
        SaleChange::new().with_opens_at(later),
        SaleChange::new().with_opens_at(None).with_order(EntryOrder::Arrival),
        SaleChange::new().with_doors_at(Some(sooner)),
    ] {
        let refused = back_office.set_sale(sale, change, None).await;
        assert!(matches!(refused, Err(Error::DrawMade)), "{refused:?}");
    }
    back_office.set_sale(sale, SaleChange::new().with_closes_at(later), None).await.expect("the end may be set");

    let plain = back_office.add_sale(&NewSale::new("Sunday")).await.expect("adds").id;
    join(&house.office, plain, house.user(0).await).await;
    let drawn = order(EntryOrder::Draw).with_opens_at(later);
    let refused = back_office.set_sale(plain, drawn, None).await;
    assert!(matches!(refused, Err(Error::OrderSettled { order: "arrival" })), "{refused:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn the_log_of_operators_has_each_commitment_with_its_time() {
    let house = House::open().await;
    let back_office = house.office.back_office();
    let sale = at_the_doors(&house).await;
    let first = draw_of(&house, sale).await.commitment;
    back_office.name_public_value(sale, value("4 8 15")).await.expect("names it");
    house.advance(UNTIL_OPENING);
    // Its secret is public from here on; nobody was part of it, so the sale may open another time, with another secret.
    house.office.rerank_queue().await.expect("reranks");
    let later = SaleChange::new().with_opens_at(Some(house.office.now() + TimeDelta::seconds(60)));
    back_office.set_sale(sale, later, None).await.expect("nobody has joined");
    let second = draw_of(&house, sale).await;
    assert_ne!(second.commitment, first);
    back_office.set_sale(sale, SaleChange::new().with_order(EntryOrder::Arrival), None).await.expect("no draw");

    let log = back_office.log(Page::default()).await.expect("reads").data;
    let of = |at: usize, name: &str| {
        let state = |state: &Option<Value>| state.as_ref().and_then(|state| state.get(name)).cloned();
        [state(&log[at].before), state(&log[at].after)]
    };
    let [before, after] = [first, second.commitment].map(|commitment| Some(json!(commitment)));
    let none = Some(Value::Null);
    assert_eq!(of(0, "commitment"), [after.clone(), none.clone()]);
    assert_eq!(of(1, "commitment"), [before.clone(), after]);
    assert_eq!(
        of(1, "publicValue"),
        [Some(json!("4 8 15")), none],
        "what was drawn for the first draw is not the second's"
    );
    assert_eq!((log[3].act.as_str(), of(3, "commitment")), ("SALE_ADD", [None, before]));
    assert!(log[1].at > log[3].at);
}

#[tokio::test]
async fn a_draw_of_nobody_is_made_and_published_too() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let early = house.office.back_office().verify_draw(sale, |_| {}).await;
    assert!(matches!(early, Err(Error::InvalidInput(_))), "{early:?}");
    house.advance(UNTIL_OPENING);
    house.office.rerank_queue().await.expect("reranks");
    let draw = draw_of(&house, sale).await;
    assert!(draw.secret.is_some() && draw.count == Some(0));
    let (_, standing) = join(&house.office, sale, house.user(0).await).await;
    assert_eq!(standing.status, TokenStatus::Active, "there is room, and nobody waits");
}
