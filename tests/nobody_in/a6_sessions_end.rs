//! A6: sessions end, everywhere, by whoever may end them; a user is disabled, forgotten or renamed, and the ledger stays.

use concert_core::{Caller, Error, JwtKeys, Password, Policy, SignUp, UserId, Username};
use serde_json::json;

use crate::http::{Site, reservation};
use crate::support::{House, PRICE, Shortcuts as _, money, operator, seat};

const HORSE: &str = "correct horse";

fn password(text: &str) -> Password {
    text.parse().expect("a password")
}

fn name(text: &str) -> Username {
    text.parse().expect("a name")
}

async fn signed_up(house: &House, who: &str) -> UserId {
    house.office.sign_up(SignUp::new(name(who)).with_password(password(HORSE))).await.expect("registers").id
}

async fn session(house: &House, who: &str, secret: &str) -> String {
    house.office.log_in(who, &password(secret)).await.expect("logs in").access_token.expect("is signed")
}

/// What an access token is worth with every act of its user: the same code everywhere, or none.
async fn code(site: &Site, user: UserId, token: &str) -> String {
    let concert = site.house.concert(1).await;
    let pay = json!({"reservationId": concert, "amount": 1, "userId": user});
    let recharge = json!({"userId": user, "amount": 1});
    let asks = [
        site.get(&format!("/api/v1/payments/balance/{user}")),
        site.get(&format!("/api/v1/payments?userId={user}")),
        site.get(&format!("/api/v1/payments/entries/{user}")),
        site.get(&format!("/api/v1/reservations?userId={user}")),
        site.get(&format!("/api/v1/tokens/{user}")),
        site.get(&format!("/api/v1/tokens/{user}/events")),
        site.post("/api/v1/tokens", &json!({"userId": user})),
        site.post("/api/v1/reservations", &reservation(concert, 1, user)),
        site.post("/api/v1/payments/recharge", &recharge),
        site.post("/api/v1/payments/process", &pay),
        site.delete(&format!("/api/v1/tokens/{user}")),
        site.post("/api/v1/users/logout", &json!({})),
        site.post("/api/v1/users/password", &json!({"currentPassword": HORSE, "newPassword": "another horse"})),
    ];
    let mut codes = Vec::new();
    for ask in asks {
        let answer = ask.bearer(token).send().await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        codes.push(answer.code().to_owned());
    }
    codes.dedup();
    assert_eq!(codes.len(), 1, "one answer for all: {codes:?}");
    codes.remove(0)
}

#[tokio::test]
async fn a6_a_session_that_is_logged_out_is_no_session_and_the_others_go_on() {
    let site = Site::open().await;
    let user = signed_up(&site.house, "ann").await;
    let (phone, desk) = (session(&site.house, "ann", HORSE).await, session(&site.house, "ann", HORSE).await);
    assert_ne!(phone, desk, "each has a number of its own");
    let other = site.house.another_office().await;
    other.authenticate(&phone).await.expect("holds");

    site.post("/api/v1/users/logout", &json!({})).bearer(&phone).send().await.expect(204, "");
    assert_eq!(code(&site, user, &phone).await, "UNAUTHENTICATED");
    site.get(&format!("/api/v1/payments/balance/{user}")).bearer(&desk).send().await.expect(200, "");
    // Another server reads what is new once two seconds are over.
    site.house.advance(2);
    assert!(matches!(other.authenticate(&phone).await, Err(Error::Unauthenticated(_))));
    other.authenticate(&desk).await.expect("holds");
    // And one that starts later.
    let third = site.house.another_office().await;
    assert!(matches!(third.authenticate(&phone).await, Err(Error::Unauthenticated(_))));

    let (_, queue) = site.active_user(0).await;
    site.post("/api/v1/users/logout", &json!({})).bearer(&queue).send().await.expect(401, "UNAUTHENTICATED");
    site.post("/api/v1/users/logout", &json!({})).send().await.expect(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a6_a_changed_password_ends_every_session_and_every_queue_token_and_keeps_the_place() {
    let site = Site::open().await;
    let user = signed_up(&site.house, "ann").await;
    let (mine, stolen) = (session(&site.house, "ann", HORSE).await, session(&site.house, "ann", HORSE).await);
    let queue = site.join(user).await;
    let change = |from: &str, to: &str| json!({"currentPassword": from, "newPassword": to});
    let ask = |body| site.post("/api/v1/users/password", &body).bearer(&mine);
    ask(change("wrong horse", "another horse")).send().await.expect(401, "BAD_CREDENTIALS");
    ask(change(HORSE, "short")).send().await.expect(400, "INVALID_REQUEST");
    ask(json!({"newPassword": "another horse"})).send().await.expect(400, "INVALID_REQUEST");
    site.post("/api/v1/users/password", &change(HORSE, "another horse"))
        .bearer(&queue)
        .send()
        .await
        .expect(401, "UNAUTHENTICATED");
    site.get(&format!("/api/v1/tokens/{user}")).bearer(&stolen).send().await.expect(200, "");

    ask(change(HORSE, "another horse")).send().await.expect(204, "");
    for ended in [&mine, &stolen] {
        assert_eq!(code(&site, user, ended).await, "UNAUTHENTICATED");
    }
    assert_eq!(code(&site, user, &queue).await, "TOKEN_ENDED");
    let log_in = |secret: &str| site.post("/api/v1/users/login", &json!({"username": "ann", "password": secret}));
    log_in(HORSE).send().await.expect(401, "BAD_CREDENTIALS");
    let again = log_in("another horse").send().await.expect(200, "");
    let again = again.body["accessToken"].as_str().expect("is signed").to_owned();
    let resumed = site.post("/api/v1/tokens", &json!({"userId": user})).bearer(&again).send().await.expect(200, "");
    assert_eq!(resumed.body["status"], "ACTIVE", "the place is kept");
    let queue = resumed.body["token"].as_str().expect("is signed").to_owned();
    site.get(&format!("/api/v1/tokens/{user}")).bearer(&queue).send().await.expect(200, "");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn a6_what_is_revoked_stays_so_as_long_as_any_token_lives_and_not_longer() {
    let house = House::open_with(|policy| policy.with_session_ttl(std::time::Duration::from_secs(40 * 3600))).await;
    let user = signed_up(&house, "ann").await;
    let old = session(&house, "ann", HORSE).await;
    // By a process that gives shorter sessions, as the command line does.
    let keys = JwtKeys::new(&crate::support::SECRET.into()).expect("long enough");
    let desk = concert_core::BoxOffice::connect_with(house.database.clone(), Policy::new(keys), house.clock.clone());
    desk.await.expect("connects").operator(operator()).end_sessions(user).await.expect("ends them");
    house.advance(39 * 3600);
    house.office.sweep_expired().await.expect("sweeps");
    assert_eq!(house.count("select count(*) from revocations").await, 1);
    assert!(house.office.authenticate(&old).await.is_err());
    house.advance(3600);
    house.office.sweep_expired().await.expect("sweeps");
    assert_eq!(house.count("select count(*) from revocations").await, 0);
    assert!(house.office.authenticate(&old).await.is_err(), "its own time is over");
    let new = session(&house, "ann", HORSE).await;
    house.office.authenticate(&new).await.expect("is of the newest generation");
}

#[tokio::test]
async fn a6_a_session_is_refused_while_nobody_can_tell_whether_it_ended() {
    let house = House::open().await;
    let user = signed_up(&house, "ann").await;
    let session = session(&house, "ann", HORSE).await;
    let queue = house.office.issue_token(Caller::verified(user)).await.expect("joins").token.jwt.expect("is signed");
    house.office.authenticate(&session).await.expect("holds");
    house.tamper("rename table revocations to away").await;
    house.office.authenticate(&session).await.expect("the list is fresh");
    house.advance(2);
    assert!(house.office.authenticate(&session).await.is_err());
    house.office.authenticate(&queue).await.expect("a place in the queue goes by the old list");
    house.tamper("rename table away to revocations").await;
    house.office.authenticate(&session).await.expect("holds again");
}

#[tokio::test]
async fn a6_a_disabled_user_is_out_until_enabled_again() {
    let site = Site::open().await;
    let house = &site.house;
    let (user, concert) = (signed_up(house, "ann").await, house.concert(2).await);
    let (session_token, queue) = (session(house, "ann", HORSE).await, site.join(user).await);
    house.office.recharge(user, money(PRICE)).await.expect("recharges");
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.office.pay(user, held.id, money(PRICE)).await.expect("pays");
    house.office.hold_one(user, concert, seat(2)).await.expect("holds");

    let back_office = house.office.operator(operator());
    assert!(back_office.disable_user(user).await.expect("disables"));
    assert!(!back_office.disable_user(user).await.expect("is disabled"));
    assert_eq!(code(&site, user, &session_token).await, "UNAUTHENTICATED");
    assert_eq!(code(&site, user, &queue).await, "TOKEN_ENDED");
    let log_in = site.post("/api/v1/users/login", &json!({"username": "ann", "password": HORSE}));
    log_in.send().await.expect(401, "BAD_CREDENTIALS");
    assert!(matches!(house.office.issue_token(Caller::verified(user)).await, Err(Error::UserDisabled)));
    let free = house.office.seats(concert).await.expect("lists").iter().map(|seat| seat.available).collect::<Vec<_>>();
    assert_eq!(free, [false, true], "what is paid stays, what is held is given back");

    let bare = house.user(0).await;
    back_office.disable_user(bare).await.expect("disables");
    site.post("/api/v1/tokens", &json!({"userId": bare})).send().await.expect(403, "USER_DISABLED");
    assert!(back_office.enable_user(bare).await.expect("enables"));
    site.post("/api/v1/tokens", &json!({"userId": bare})).send().await.expect(201, "");
    assert!(back_office.enable_user(user).await.expect("enables"));
    assert_eq!(code(&site, user, &session_token).await, "UNAUTHENTICATED", "what ended stays ended");
    house.office.authenticate(&session(house, "ann", HORSE).await).await.expect("holds");
    house.assert_sound().await;
}

#[tokio::test]
async fn a6_a_forgotten_person_has_no_name_and_the_ledger_stays() {
    let site = Site::open().await;
    let house = &site.house;
    let (user, concert) = (signed_up(house, "Ann Lee").await, house.concert(1).await);
    let (session_token, queue) = (session(house, "ann lee", HORSE).await, site.join(user).await);
    house.office.recharge(user, money(2 * PRICE)).await.expect("recharges");
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.office.pay(user, held.id, money(PRICE)).await.expect("pays");
    let back_office = house.office.operator(operator());
    back_office.rename_user(user, name("Ann Smith")).await.expect("renames");
    assert!(matches!(house.office.log_in("ann lee", &password(HORSE)).await, Err(Error::BadCredentials)));
    session(house, "ann smith", HORSE).await;
    house.office.authenticate(&session_token).await.expect("another name ends nothing");

    let gone = back_office.forget_user(user).await.expect("forgets");
    assert_eq!((gone.has_password, gone.disabled_at.is_some(), gone.forgotten_at.is_some()), (false, true, true));
    assert_eq!(code(&site, user, &session_token).await, "UNAUTHENTICATED");
    assert_eq!(code(&site, user, &queue).await, "TOKEN_ENDED");
    for name in ["ann lee", "ann smith", gone.username.as_str()] {
        assert!(matches!(house.office.log_in(name, &password(HORSE)).await, Err(Error::BadCredentials)), "{name}");
    }
    assert!(matches!(house.office.issue_token(user).await, Err(Error::UserDisabled)));
    assert!(matches!(back_office.enable_user(user).await, Err(Error::UserNotFound)));
    let left = "select (select count(*) from users where concat(username, username_key) like '%ann%') \
                + (select count(*) from operator_log where concat(coalesce(was, ''), coalesce(becomes, '')) like '%Ann%')";
    assert_eq!(house.count(left).await, 0, "the name is nowhere");
    assert_eq!(house.count("select count(*) from operator_log where act in ('USER_RENAME', 'USER_FORGET')").await, 2);
    // The name is free, and whoever takes it is somebody else.
    let new = signed_up(house, "ann smith").await;
    assert_eq!(house.office.balance(new).await.expect("reads"), money(0));
    assert_eq!(house.office.balance(user).await.expect("reads"), money(PRICE));
    house.assert_sound().await;
}
