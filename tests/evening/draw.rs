//! The draw: who waits at the doors is put in an order at the opening that nobody chose and anyone can check.

use std::collections::HashSet;

use concert_core::chrono::TimeDelta;
use concert_core::{
    AdmissionChange, BoxOffice, Caller, Draw, EntryOrder, Error, Join, NewSale, Page, Places, PublicValue, QueueTicket,
    Role, SaleChange, SaleId, SalePhase, Standing, TokenStatus, UserId,
};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::task::JoinSet;

use crate::http::Site;
use crate::support::ways::{ASSUMED, LOCKED, ways};
use crate::support::{House, Shortcuts as _};

/// From the doors to the opening.
pub(super) const UNTIL_OPENING: u64 = 600;
/// How many are let in.
pub(super) const ROOM: u32 = 3;

/// A sale that is drawn: its doors are open, and it opens in ten minutes.
pub(super) async fn at_the_doors(house: &House) -> SaleId {
    let opens_at = house.office.now() + TimeDelta::seconds(UNTIL_OPENING as i64);
    let admission = AdmissionChange::new().with_max_active(ROOM);
    let settings = SaleChange::new().with_opens_at(Some(opens_at)).with_order(EntryOrder::Draw);
    let new = NewSale::new("Friday").with_settings(settings.with_admission(admission));
    house.office.back_office().add_sale(&new).await.expect("adds a sale").id
}

async fn join(office: &BoxOffice, sale: SaleId, user: UserId) -> (QueueTicket, Standing) {
    let joined = office.join_queue(Join::sale(sale, user)).await.expect("joins");
    (joined.token.ticket, joined.token.standing)
}

async fn join_all(house: &House, sale: SaleId, count: usize) -> Vec<QueueTicket> {
    let mut tickets = Vec::new();
    for user in house.users(count, 0).await {
        tickets.push(join(&house.office, sale, user).await.0);
    }
    tickets
}

pub(super) async fn draw_of(house: &House, sale: SaleId) -> Draw {
    house.office.sale(sale).await.expect("is there").draw.expect("it is drawn")
}

/// The waiting tickets in the order in which they must be.
fn in_order(places: &Places, tickets: &[QueueTicket], active: &HashSet<u64>) -> Vec<u64> {
    let mut waiting: Vec<_> = tickets.iter().map(|ticket| ticket.ticket).collect();
    waiting.retain(|ticket| !active.contains(ticket));
    waiting.sort_by_key(|ticket| places.place_of(*ticket));
    waiting
}

/// What an office tells each: who is ACTIVE, and the others by their positions.
async fn told(office: &BoxOffice, tickets: &[QueueTicket]) -> (HashSet<u64>, Vec<u64>) {
    let (mut active, mut waiting) = (HashSet::new(), Vec::new());
    for ticket in tickets {
        let standing = office.poll(ticket).await.expect("is in the queue");
        assert!(!standing.awaits_draw);
        match standing.status {
            TokenStatus::Active => drop(active.insert(ticket.ticket)),
            _ => waiting.push((standing.queue_position, ticket.ticket)),
        }
    }
    waiting.sort_unstable();
    assert!(waiting.iter().map(|(position, _)| *position).eq(1..=waiting.len() as u64), "{waiting:?}");
    (active, waiting.into_iter().map(|(_, ticket)| ticket).collect())
}

#[tokio::test]
async fn at_the_doors_nobody_has_a_position_and_at_the_opening_everybody_has_that_of_the_draw() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 40).await;
    house.office.rerank_queue().await.expect("reranks");
    for ticket in &tickets {
        let standing = house.office.poll(ticket).await.expect("waits");
        assert_eq!((standing.phase, standing.status), (SalePhase::Doors, TokenStatus::Waiting));
        assert!(standing.awaits_draw && standing.remaining_seconds >= UNTIL_OPENING, "{standing:?}");
    }
    let before = draw_of(&house, sale).await;
    assert_eq!((before.secret, before.chain, before.count), (None, None, None));

    house.advance(UNTIL_OPENING);
    house.office.rerank_queue().await.expect("reranks");
    let draw = draw_of(&house, sale).await;
    assert_eq!((draw.commitment, draw.count), (before.commitment, Some(40)));
    let places = draw.places().expect("it is made");
    let (active, waiting) = told(&house.office, &tickets).await;
    let first: HashSet<_> = tickets.iter().map(|ticket| ticket.ticket).collect();
    let first: HashSet<_> = first.into_iter().filter(|ticket| places.place_of(*ticket) <= u64::from(ROOM)).collect();
    assert_eq!(active, first);
    assert_eq!(waiting, in_order(&places, &tickets, &active));
    assert_ne!(
        waiting,
        {
            let mut sorted = waiting.clone();
            sorted.sort_unstable();
            sorted
        },
        "not that of arrival"
    );
    let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
    assert!(verified.agrees() && verified.passed_others == 0, "{verified:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn servers_agree_and_one_that_starts_later_agrees_too() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 30).await;
    let other = house.another_office().await;
    other.poll(&tickets[0]).await.expect("it has a view from before the opening");
    house.advance(UNTIL_OPENING);
    house.office.rerank_queue().await.expect("reranks");
    other.refresh_queue().await.expect("refreshes");
    let later = house.another_office().await;
    let here = told(&house.office, &tickets).await;
    assert_eq!(told(&other, &tickets).await, here);
    assert_eq!(told(&later, &tickets).await, here);
    // Whichever of them admits, the next by place are next.
    house.office.leave_queue_in(sale, user_of(&tickets, &here.0)).await.expect("leaves");
    let report = later.rerank_queue().await.expect("reranks");
    assert_eq!(report.admitted, 1);
    house.office.refresh_queue().await.expect("refreshes");
    let active = house.office.poll(tickets.iter().find(|ticket| ticket.ticket == here.1[0]).expect("is there")).await;
    assert_eq!(active.expect("is in").status, TokenStatus::Active);
}

fn user_of(tickets: &[QueueTicket], active: &HashSet<u64>) -> UserId {
    tickets.iter().find(|ticket| active.contains(&ticket.ticket)).expect("somebody is in").user
}

#[tokio::test]
async fn latecomers_come_behind_in_the_order_of_arrival_and_who_resumes_keeps_the_place() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 20).await;
    // One leaves and comes again: a new ticket, at the doors still.
    house.office.leave_queue_in(sale, tickets[0].user).await.expect("leaves");
    let again = join(&house.office, sale, tickets[0].user).await.0;
    assert_eq!(again.ticket, 21);
    house.advance(UNTIL_OPENING);
    // The first who comes after the opening finds it drawn, though no pass has run.
    let late = house.users(3, 0).await;
    let first = join(&house.office, sale, late[0]).await;
    assert_eq!((first.0.ticket, draw_of(&house, sale).await.count), (22, Some(21)));
    house.office.rerank_queue().await.expect("reranks");
    let (second, third) = (join(&house.office, sale, late[1]).await, join(&house.office, sale, late[2]).await);
    let everybody: Vec<_> = tickets[1..].iter().copied().chain([again, first.0, second.0, third.0]).collect();
    let (_, waiting) = told(&house.office, &everybody).await;
    assert_eq!(waiting[waiting.len() - 3..], [22, 23, 24]);
    assert_eq!((second.1.queue_position, third.1.queue_position), (19, 20));
    let last_drawn = everybody.iter().find(|ticket| ticket.ticket == waiting[waiting.len() - 4]).expect("is there");
    let resumed = house.office.join_queue(Join::sale(sale, Caller::verified(last_drawn.user))).await.expect("resumes");
    assert!(resumed.resumed);
    assert_eq!(resumed.token.ticket, *last_drawn);
    assert_eq!(resumed.token.standing.queue_position, 17);
    house.assert_sound().await;
}

#[tokio::test]
async fn everybody_is_let_in_by_place_and_whoever_leaves_is_passed() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 12).await;
    house.advance(UNTIL_OPENING);
    house.office.rerank_queue().await.expect("reranks");
    let places = draw_of(&house, sale).await.places().expect("it is made");
    let order = in_order(&places, &tickets, &HashSet::new());
    let of = |ticket: u64| tickets.iter().find(|other| other.ticket == ticket).expect("is there");
    // The fourth gives up; so the fifth follows the third.
    house.office.leave_queue_in(sale, of(order[3]).user).await.expect("leaves");
    let mut let_in = order[..3].to_vec();
    for nth in 0..9 {
        house.office.leave_queue_in(sale, of(let_in[nth]).user).await.expect("leaves");
        house.office.rerank_queue().await.expect("reranks");
        let next = order.iter().filter(|ticket| **ticket != order[3]).nth(nth + 3);
        if let Some(next) = next {
            assert_eq!(house.office.poll(of(*next)).await.expect("is in").status, TokenStatus::Active, "{nth}");
            let_in.push(*next);
        }
    }
    assert_eq!(let_in.len(), 11);
    let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
    assert!(verified.agrees() && verified.passed_others == 0, "{verified:?}");
}

#[tokio::test]
async fn who_was_not_seen_is_passed_over_and_keeps_the_place() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 20).await;
    house.advance(UNTIL_OPENING);
    // Only the last four poll.
    for ticket in &tickets[16..] {
        house.office.poll(ticket).await.expect("waits");
    }
    house.office.rerank_queue().await.expect("reranks");
    let places = draw_of(&house, sale).await.places().expect("it is made");
    let mut seen: Vec<_> = tickets[16..].to_vec();
    seen.sort_by_key(|ticket| places.place_of(ticket.ticket));
    for ticket in &seen[..3] {
        assert_eq!(house.office.poll(ticket).await.expect("is in").status, TokenStatus::Active);
    }
    let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
    assert!(verified.agrees(), "{verified:?}");
}

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

#[tokio::test]
async fn the_audit_and_the_verification_find_every_tampering() {
    // Each with whether the verification sees it: it is of draws that are made.
    let cases: [&'static str; 6] = [
        "update queue_gate set draw_secret = reverse(draw_secret) where draw_secret is not null",
        "update queue_gate set draw_commitment = reverse(draw_commitment) where draw_secret is not null",
        "update queue_gate set draw_chain = reverse(draw_chain) where draw_secret is not null",
        "update queue_gate set draw_count = draw_count - 1 where draw_secret is not null",
        "update tokens set id = reverse(id) where ticket = 3",
        "delete from tokens where ticket = 4",
    ];
    for case in cases {
        let house = House::open().await;
        let sale = at_the_doors(&house).await;
        join_all(&house, sale, 6).await;
        house.advance(UNTIL_OPENING);
        house.office.rerank_queue().await.expect("reranks");
        house.assert_sound().await;
        assert_eq!(house.tamper(case).await, 1, "{case}");
        let found = house.office.back_office().audit().await.expect("audits");
        let of_draw = found.iter().any(|violation| violation.what == "a draw is not that of its tokens");
        assert!(of_draw, "{case}: {found:?}");
        let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
        assert!(!verified.agrees(), "{case}: {verified:?}");
    }
    // Two who change their tickets change the order; and at the doors the chain tells it already.
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    join_all(&house, sale, 6).await;
    house.tamper("update tokens set ticket = 100 where ticket = 2").await;
    house.tamper("update tokens set ticket = 2 where ticket = 5").await;
    house.tamper("update tokens set ticket = 5 where ticket = 100").await;
    let found = house.office.back_office().audit().await.expect("audits");
    assert!(found.iter().any(|violation| violation.row.contains("chain")), "{found:?}");
}

#[tokio::test]
async fn over_rest_the_commitment_is_public_first_and_all_of_it_after_the_opening() {
    let site = Site::open().await;
    let name = "ann".parse().expect("a name");
    let key = site.house.office.back_office().make_key(&name, Role::Operator).await.expect("makes a key").secret;
    let key = key.expose_secret();
    let opens_at = site.house.office.now() + TimeDelta::seconds(UNTIL_OPENING as i64);
    let body = json!({"name": "Friday", "opensAt": opens_at, "order": "draw", "maxActive": 1});
    let made = site.post("/api/v1/admin/sales", &body).bearer(key).send().await.expect(201, "").body;
    let sale = made["saleId"].as_str().expect("an id").to_owned();
    let (path, admin) = (format!("/api/v1/sales/{sale}"), format!("/api/v1/admin/sales/{sale}"));
    let draw = json!({"commitment": made["draw"]["commitment"], "secret": null, "chain": null, "publicValue": null, "count": null});
    assert_eq!(site.get(&path).send().await.expect(200, "").body["draw"], draw);
    assert!(site.get("/api/v1/sales").send().await.expect(200, "").body[0].get("draw").is_none());

    let users = site.house.users(5, 0).await;
    let mut tokens = Vec::new();
    for user in &users {
        let joined = site.post("/api/v1/tokens", &json!({"userId": user, "saleId": sale})).send().await;
        let joined = joined.expect(201, "").body;
        assert_eq!((&joined["queuePosition"], &joined["phase"]), (&json!(null), &json!("DOORS")), "{joined}");
        tokens.push(joined["token"].as_str().expect("a token").to_owned());
    }
    let draw_path = format!("{admin}/draw");
    for (body, code) in [(json!({}), 400), (json!({"publicValue": ""}), 400), (json!({"publicValue": "4 8"}), 200)] {
        let answer = site.post(&draw_path, &body).bearer(key).send().await;
        assert_eq!(answer.status.as_u16(), code, "{body}: {}", answer.text);
    }
    site.house.advance(UNTIL_OPENING);
    site.house.office.rerank_queue().await.expect("reranks");
    let draw = site.get(&path).send().await.expect(200, "").body["draw"].clone();
    assert_eq!((draw["count"].as_u64(), draw["publicValue"].as_str()), (Some(5), Some("4 8")));
    assert!(draw["secret"].as_str().is_some_and(|secret| secret.len() == 64), "{draw}");
    let mut positions = Vec::new();
    for (user, token) in users.iter().zip(&tokens) {
        let standing = site.get(&format!("/api/v1/tokens/{user}")).bearer(token).send().await.expect(200, "").body;
        positions.push(standing["queuePosition"].as_u64().expect("a position"));
    }
    positions.sort_unstable();
    assert_eq!(positions, [0, 1, 2, 3, 4]);
    site.post(&draw_path, &json!({"publicValue": "7"})).bearer(key).send().await.expect(409, "DRAW_MADE");
    site.patch(&admin, &json!({"order": "arrival"})).bearer(key).send().await.expect(409, "DRAW_MADE");
}
