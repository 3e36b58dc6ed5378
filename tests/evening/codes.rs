//! Access codes: entry before the opening, or a place in front; as often as they say and never once more.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use chrono::TimeDelta;
use concert_core::{
    AccessCode, AdmissionChange, BoxOffice, Caller, CodeKind, CodeRef, CodesToRevoke, Error, Join, Joined, NewCodes,
    NewSale, Page, SaleChange, SaleId, TokenStatus, UserId,
};

use concert_server::{App, BrakeClock, BrakeOptions, Brakes};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::http::Site;
use crate::support::{House, Shortcuts as _, keyed};

/// Runs all at once and gathers their answers.
async fn all<T: Send + 'static>(futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    futures.into_iter().collect::<JoinSet<T>>().join_all().await
}

/// A sale whose doors open in 100 s and which opens in 200 s, for two at once.
async fn evening() -> (House, SaleId) {
    let house = House::open().await;
    let now = house.office.now();
    let sale = sale(
        &house,
        "Spring",
        SaleChange::new()
            .with_doors_at(Some(now + TimeDelta::seconds(100)))
            .with_opens_at(Some(now + TimeDelta::seconds(200))),
    )
    .await;
    (house, sale)
}

async fn sale(house: &House, name: &str, settings: SaleChange) -> SaleId {
    let settings = settings.with_admission(AdmissionChange::new().with_max_active(2));
    house.office.back_office().add_sale(&NewSale::new(name).with_settings(settings)).await.expect("adds a sale").id
}

async fn codes(house: &House, sale: SaleId, kind: CodeKind, count: u32, uses: u32) -> Vec<AccessCode> {
    let new = NewCodes::new(kind, count).expect("a number").with_uses(uses).expect("a number");
    let made = house.office.back_office().make_codes(sale, new).await.expect("makes codes");
    made.codes.into_iter().map(|(_, code)| code).collect()
}

async fn code(house: &House, sale: SaleId, kind: CodeKind) -> AccessCode {
    codes(house, sale, kind, 1, 1).await.remove(0)
}

async fn join(
    office: &BoxOffice,
    sale: SaleId,
    user: impl Into<Caller>,
    code: Option<&AccessCode>,
) -> Result<Joined, Error> {
    office.join_queue(Join::sale(sale, user).with_code(code.cloned())).await
}

/// Where a user stands: 0 is in.
async fn position(house: &House, sale: SaleId, user: UserId) -> u64 {
    house.office.refresh_queue().await.expect("refreshes");
    house.office.token_status_in(sale, user).await.expect("stands").standing.queue_position
}

async fn positions(house: &House, sale: SaleId, users: &[UserId]) -> Vec<u64> {
    let mut positions = Vec::new();
    for user in users {
        positions.push(position(house, sale, *user).await);
    }
    positions
}

/// How often the codes of a sale can still be redeemed, all together.
async fn uses_left(house: &House, sale: SaleId) -> u32 {
    let page = house.office.back_office().codes(sale, Page::default()).await.expect("lists");
    page.data.iter().map(|code| code.uses_left).sum()
}

#[tokio::test]
async fn a_presale_code_lets_its_holder_in_before_the_doors_and_counts_once() {
    let (house, sale) = evening().await;
    let users = house.users(4, 0).await;
    let presale = codes(&house, sale, CodeKind::Presale, 3, 1).await;
    let early = join(&house.office, sale, users[0], None).await;
    assert!(matches!(early, Err(Error::SaleNotOpen { .. })), "{early:?}");
    for (nth, status) in [TokenStatus::Active, TokenStatus::Active, TokenStatus::Waiting].into_iter().enumerate() {
        let joined = join(&house.office, sale, users[nth], Some(&presale[nth])).await.expect("joins before the doors");
        assert_eq!(joined.token.standing.status, status, "two at once");
    }
    let again = join(&house.office, sale, users[3], Some(&presale[0])).await;
    assert!(matches!(again, Err(Error::CodeRefused)), "{again:?}");
    assert_eq!(positions(&house, sale, &users[..3]).await, [0, 0, 1]);
    house.office.leave_queue_in(sale, users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    assert_eq!(position(&house, sale, users[2]).await, 0, "the third is let in before the opening");
    house.assert_sound().await;
}

#[tokio::test]
async fn before_the_opening_nobody_but_the_presale_is_let_in_and_after_it_the_presale_comes_first() {
    let (house, sale) = evening().await;
    let users = house.users(5, 0).await;
    let presale = codes(&house, sale, CodeKind::Presale, 3, 1).await;
    let front = code(&house, sale, CodeKind::Front).await;
    let shut = join(&house.office, sale, users[0], Some(&front)).await;
    assert!(matches!(shut, Err(Error::SaleNotOpen { .. })), "a place in front is taken at the doors");
    house.advance(100);
    join(&house.office, sale, users[0], None).await.expect("waits at the doors");
    join(&house.office, sale, users[1], Some(&front)).await.expect("waits in front");
    house.office.rerank_queue().await.expect("reranks");
    assert_eq!(positions(&house, sale, &users[..2]).await, [2, 1], "there is room, but it is not open");
    for nth in 0..3 {
        join(&house.office, sale, users[2 + nth], Some(&presale[nth])).await.expect("joins");
    }
    assert_eq!(positions(&house, sale, &users).await, [3, 2, 0, 0, 1]);
    house.office.leave_queue_in(sale, users[2]).await.expect("leaves");
    house.advance(100);
    house.office.rerank_queue().await.expect("reranks");
    assert_eq!(positions(&house, sale, &[users[0], users[1], users[4]]).await, [2, 1, 0]);
    house.office.leave_queue_in(sale, users[3]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    assert_eq!(positions(&house, sale, &users[..2]).await, [1, 0], "then the place in front");
    house.assert_sound().await;
}

#[tokio::test]
async fn places_in_front_follow_each_other_in_the_order_of_redemption_on_all_servers() {
    let house = House::open().await;
    let sale = sale(&house, "Spring", SaleChange::new()).await;
    house.office.back_office().set_sale(sale, SaleChange::new().with_paused(true), None).await.expect("pauses");
    let front = codes(&house, sale, CodeKind::Front, 3, 1).await;
    let users = house.users(6, 0).await;
    let another = house.another_office().await;
    another.refresh_queue().await.expect("refreshes");
    for user in &users[..3] {
        join(&house.office, sale, *user, None).await.expect("waits");
    }
    let joined = join(&house.office, sale, users[3], Some(&front[0])).await.expect("waits in front");
    assert_eq!((joined.token.standing.status, joined.token.standing.queue_position), (TokenStatus::Waiting, 1));
    join(&house.office, sale, users[4], Some(&front[1])).await.expect("waits in front");
    join(&house.office, sale, users[5], None).await.expect("waits");
    let expected = [3, 4, 5, 1, 2, 6];
    assert_eq!(positions(&house, sale, &users).await, expected);
    // Whoever waits already keeps the ticket and gets the place.
    let upgraded = join(&another, sale, Caller::verified(users[5]), Some(&front[2])).await.expect("redeems it");
    assert!(upgraded.resumed);
    for office in [&house.office, &another] {
        office.refresh_queue().await.expect("refreshes");
        let mut found = Vec::new();
        for user in &users {
            found.push(office.token_status_in(sale, *user).await.expect("stands").standing.queue_position);
        }
        assert_eq!(found, [4, 5, 6, 1, 2, 3]);
    }
    let fresh = house.another_office().await;
    assert_eq!(fresh.token_status_in(sale, users[5]).await.expect("stands").standing.queue_position, 3);
    another.back_office().set_sale(sale, SaleChange::new().with_paused(false), None).await.expect("resumes");
    another.rerank_queue().await.expect("reranks");
    assert_eq!(positions(&house, sale, &users).await, [2, 3, 4, 0, 0, 1]);
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_1000_racers_on_a_code_of_100_uses_exactly_100_redeem_it() {
    let house = House::open().await;
    let sale = sale(&house, "Spring", SaleChange::new()).await;
    let code = codes(&house, sale, CodeKind::Front, 1, 100).await.remove(0);
    let users = house.users(1_000, 0).await;
    let offices = [house.office.clone(), house.another_office().await];
    let answers = all(users.iter().enumerate().map(|(nth, user)| {
        let (office, code, user) = (offices[nth % 2].clone(), code.clone(), *user);
        async move { join(&office, sale, user, Some(&code)).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 100);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::CodeRefused))));
    assert_eq!(uses_left(&house, sale).await, 0);
    let tickets: HashSet<_> = answers.iter().flatten().map(|joined| joined.token.ticket.ticket).collect();
    assert_eq!(tickets, (1..=100).collect(), "refused codes use no ticket");
    house.assert_sound().await;
    for tampering in ["update access_codes set uses_left = 1", "update code_redemptions set ticket = ticket + 1"] {
        assert!(house.tamper(tampering).await > 0);
    }
    let found = house.office.back_office().audit().await.expect("audits");
    for what in ["a code was not redeemed as often as its uses say", "a redemption is of no code and token of its sale"]
    {
        assert!(found.iter().any(|one| one.what == what), "{found:#?}");
    }
}

#[tokio::test]
async fn a_refused_code_costs_nothing() {
    let (house, sale) = evening().await;
    let other = self::sale(&house, "Autumn", SaleChange::new()).await;
    let [used, revoked, good] = codes(&house, sale, CodeKind::Presale, 3, 1).await.try_into().expect("three");
    let elsewhere = code(&house, other, CodeKind::Presale).await;
    let unknown: AccessCode = "0000-0000-0000-0000".parse().expect("a code");
    let users = house.users(2, 0).await;
    house.advance(100);
    join(&house.office, sale, users[0], Some(&used)).await.expect("redeems it");
    let which = CodesToRevoke::These(vec![CodeRef::Code(revoked.clone())]);
    assert_eq!(house.office.back_office().revoke_codes(sale, which).await.expect("revokes"), 1);
    join(&house.office, sale, users[1], None).await.expect("waits");
    let left = (uses_left(&house, sale).await, uses_left(&house, other).await);
    for wrong in [&used, &revoked, &elsewhere, &unknown] {
        let refused = join(&house.office, sale, Caller::verified(users[1]), Some(wrong)).await;
        assert!(matches!(refused, Err(Error::CodeRefused)), "{refused:?}");
        assert_eq!(position(&house, sale, users[1]).await, 1, "the place is kept");
    }
    assert_eq!((uses_left(&house, sale).await, uses_left(&house, other).await), left);
    let bare = join(&house.office, sale, users[1], Some(&good)).await;
    assert!(matches!(bare, Err(Error::AlreadyInQueue)), "who proves nothing uses no code of a place that there is");
    house.advance(100_000);
    let change = SaleChange::new().with_closes_at(Some(house.office.now()));
    house.office.back_office().set_sale(sale, change, None).await.expect("closes");
    let closed = join(&house.office, sale, house.user(0).await, Some(&good)).await;
    assert!(matches!(closed, Err(Error::SaleClosed)), "{closed:?}");
    assert_eq!(uses_left(&house, sale).await, left.0);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_join_uses_a_code_once_and_with_another_code_it_is_another_request() {
    let (house, sale) = evening().await;
    let [one, other] = codes(&house, sale, CodeKind::Presale, 2, 5).await.try_into().expect("two");
    let user = house.user(0).await;
    let ask = |code| join(&house.office, sale, keyed(user, "a key"), code);
    let first = ask(Some(&one)).await.expect("joins");
    for _ in 0..3 {
        assert_eq!(ask(Some(&one)).await.expect("the same").token.ticket.ticket, first.token.ticket.ticket);
    }
    assert_eq!(uses_left(&house, sale).await, 9);
    let another = ask(Some(&other)).await;
    assert!(matches!(another, Err(Error::IdempotencyKeyReused)), "{another:?}");
    join(&house.office, sale, Caller::verified(user), Some(&other)).await.expect("takes up the place");
    assert_eq!(uses_left(&house, sale).await, 9, "who is in needs no code");
    house.assert_sound().await;
}

#[tokio::test]
async fn operators_make_list_and_revoke_codes_over_rest_and_only_hashes_are_stored() {
    let (house, sale) = evening().await;
    let key = house.office.back_office().make_key(&"ann".parse().expect("a name"), concert_core::Role::Operator).await;
    let key = secrecy::ExposeSecret::expose_secret(&key.expect("makes a key").secret).to_owned();
    let site = Site::serve(house, concert_server::Limits::default()).await;
    let path = format!("/api/v1/admin/sales/{sale}/codes");
    let ask = async |path: &str, body: Value| site.post(path, &body).bearer(&key).send().await;
    let made = ask(&path, json!({"count": 3, "uses": 2, "kind": "PRESALE"})).await.expect(201, "").body;
    let code = made["codes"][0].as_str().expect("a code").to_owned();
    assert_eq!((made["codes"].as_array().map(Vec::len), code.len()), (Some(3), 19));
    let listed = site.get(&path).bearer(&key).send().await.expect(200, "");
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(3));
    assert!(!listed.text.contains(&code), "the code itself is never shown again");
    let stored = "select count(*) from access_codes where code_hash = unhex(sha2(?, 256))";
    let hashed = sqlx::query_scalar::<_, i64>(stored).bind(code.replace('-', ""));
    assert_eq!(hashed.fetch_one(site.house.office.pool()).await.expect("counts"), 1);
    let user = site.house.user(0).await;
    let join = async |user: UserId, code: &str| {
        site.post("/api/v1/tokens", &json!({"userId": user, "saleId": sale, "code": code})).send().await
    };
    let typed = code.to_lowercase().replace('-', " ");
    assert_eq!(join(user, &typed).await.expect(201, "").body["status"], "ACTIVE");
    join(site.house.user(0).await, "K7QM").await.expect(403, "CODE_REFUSED");
    join(site.house.user(0).await, &"K".repeat(65)).await.expect(400, "INVALID_REQUEST");
    let revoke = format!("{path}/revoke");
    assert_eq!(ask(&revoke, json!({"codes": [code, made["codeIds"][1]]})).await.expect(200, "").body["revoked"], 2);
    join(site.house.user(0).await, &code).await.expect(403, "CODE_REFUSED");
    ask(&revoke, json!({"codes": [code, "0000-0000-0000-0000"]})).await.expect(404, "CODE_NOT_FOUND");
    assert_eq!(ask(&revoke, json!({"all": true})).await.expect(200, "").body["revoked"], 1);
    ask(&revoke, json!({})).await.expect(400, "INVALID_REQUEST");
    ask(&path, json!({"count": 0, "kind": "FRONT"})).await.expect(400, "INVALID_REQUEST");
    ask(&path, json!({"kind": "VIP"})).await.expect(400, "INVALID_REQUEST");
    let log = site.house.office.back_office().log(Page::default()).await.expect("reads the log").data;
    let acts: Vec<_> = log.iter().map(|entry| entry.act.as_str()).filter(|act| act.starts_with("CODES")).collect();
    assert_eq!(acts, ["CODES_REVOKE", "CODES_REVOKE", "CODES_MAKE"]);
    assert!(!format!("{log:?}").contains(&code), "the log does not know the codes");
    // The longest list.
    let many = ask(&path, json!({"count": 1_000, "uses": 1, "kind": "FRONT"})).await.expect(201, "").body;
    assert_eq!(ask(&revoke, json!({"codes": many["codes"]})).await.expect(200, "").body["revoked"], 1_000);
}

#[tokio::test]
async fn codes_are_made_once_for_an_idempotency_key_and_a_repeat_says_what_to_do() {
    let (house, sale) = evening().await;
    let back_office = house.office.back_office();
    let new = |key: &str| {
        let new = NewCodes::new(CodeKind::Front, 3).expect("a number");
        new.with_key(key.parse::<concert_core::IdempotencyKey>().expect("a key"))
    };
    let race = (0..8).map(|_| {
        let (back_office, new) = (back_office.clone(), new("one"));
        async move { back_office.make_codes(sale, new).await }
    });
    let answers = all(race).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), "CODES_ALREADY_MADE");
        assert!(refused.to_string().contains("revoke them"), "{refused}");
    }
    assert_eq!(house.count("select count(*) from access_codes").await, 3);
    assert_eq!(house.count("select count(*) from operator_log where act = 'CODES_MAKE'").await, 1);
    back_office.make_codes(sale, new("two")).await.expect("another key makes others");
    assert_eq!(house.count("select count(*) from access_codes").await, 6);
}

#[tokio::test]
async fn what_is_no_code_is_answered_as_an_unknown_code_is() {
    let (house, sale) = evening().await;
    let (site, unknown) = (Site::serve(house, concert_server::Limits::default()).await, "0000-0000-0000-0000");
    let (inside, token) = site.logged_in("ann").await;
    let join = async |user: UserId, sale: SaleId, code: &str| {
        let body = json!({"userId": user, "saleId": sale, "code": code});
        site.post("/api/v1/tokens", &body).bearer(&token).send().await
    };
    site.house.advance(200);
    site.house.office.join_queue(Join::sale(sale, Caller::verified(inside))).await.expect("is in");
    for code in [unknown, "K7QM", "hello", ""] {
        join(inside, sale, code).await.expect(200, "");
        join(inside, SaleId::DEFAULT, code).await.expect(403, "CODE_REFUSED");
        join(inside, SaleId::generate(), code).await.expect(404, "SALE_NOT_FOUND");
        join(UserId::generate(), sale, code).await.expect(403, "NOT_YOURS");
    }
}

#[tokio::test]
async fn whoever_tries_many_codes_is_braked_and_nobody_else_is() {
    let (house, sale) = evening().await;
    let code = codes(&house, sale, CodeKind::Presale, 1, 10).await.remove(0);
    let clock = BrakeClock::manual();
    let options = BrakeOptions { brake_loopback: true, ..BrakeOptions::default() };
    let app = App::new(house.office.clone()).with_brakes(Brakes::new(options, &clock));
    let site = Site::serve_app(house, app, concert_server::Limits::default()).await;
    let users = site.house.users(2, 0).await;
    let join = async |user: UserId, code: &str| {
        site.post("/api/v1/tokens", &json!({"userId": user, "saleId": sale, "code": code})).send().await
    };
    for _ in 0..20 {
        join(users[0], "0000-0000-0000-0000").await.expect(403, "CODE_REFUSED");
    }
    let braked = join(users[0], &code.to_string()).await.expect(429, "TOO_MANY_REQUESTS");
    assert!(braked.headers.contains_key("retry-after"));
    join(users[1], &code.to_string()).await.expect(201, "");
    clock.advance(Duration::from_secs(60));
    join(users[0], &code.to_string()).await.expect(201, "");
}
