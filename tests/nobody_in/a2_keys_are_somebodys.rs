//! A2: a sign-up's key is bound to the name. Whoever else makes up the same key is not hurt.

use concert_core::{Error, Password, SignUp};
use serde_json::json;

use crate::http::Site;
use crate::support::House;

const PATH: &str = "/api/v1/users";

#[tokio::test]
async fn a2_the_same_name_and_password_replay_another_password_is_422_another_name_is_another_request() {
    let site = Site::open().await;
    let sign_up = |name: &str, password: &str| site.post(PATH, &json!({"username": name, "password": password}));
    let first = sign_up("anna", "correct horse").key("k").send().await.expect(201, "");
    assert_eq!(sign_up("anna", "correct horse").key("k").send().await.expect(201, "").body, first.body);
    sign_up("anna", "battery staple").key("k").send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    sign_up("anna", "correct horse").key("other").send().await.expect(409, "USERNAME_TAKEN");
    sign_up("anna", "correct horse").send().await.expect(409, "USERNAME_TAKEN");
    let other = sign_up("ben", "correct horse").key("k").send().await.expect(201, "");
    assert_ne!(other.body["userId"], first.body["userId"]);
    let log_in = |password: &str| site.post("/api/v1/users/login", &json!({"username": "anna", "password": password}));
    log_in("correct horse").send().await.expect(200, "");
    log_in("battery staple").send().await.expect(401, "BAD_CREDENTIALS");
}

/// In one batch: hashing takes no time without passwords, so all are sent before the writer takes its first.
#[tokio::test]
async fn a2_sign_ups_with_one_key_and_different_names_hurt_nobody_in_their_batch() {
    let house = House::open().await;
    let names: Vec<_> = (0..40).map(|nth| format!("fan-{nth}")).collect();
    let mut signing_up = tokio::task::JoinSet::new();
    for (nth, name) in names.iter().enumerate() {
        let who = SignUp::new(name.parse().expect("a name"));
        // Every second one has made up the same key.
        let who = who.with_key((nth % 2 == 0).then(|| "1".parse().expect("a key")));
        let office = house.office.clone();
        signing_up.spawn(async move { office.sign_up(who).await });
    }
    let users: Vec<_> = signing_up.join_all().await.into_iter().map(|user| user.expect("signs up").username).collect();
    assert_eq!(users.len(), names.len());
    house.assert_sound().await;
}

#[tokio::test]
async fn a2_of_one_name_and_one_key_at_once_one_password_is_stored_and_the_other_refused() {
    let house = House::open_with(|policy| policy.with_password_hashes_at_once(4)).await;
    let sign_up = |nth: usize| {
        let office = house.office.clone();
        let password: Password = ["correct horse", "battery staple"][nth % 2].parse().expect("a password");
        let who = SignUp::new("anna".parse().expect("a name")).with_password(password);
        let who = who.with_key("k".parse().ok());
        tokio::spawn(async move { (nth % 2, office.sign_up(who).await) })
    };
    let (mut made, mut refused) = ([0; 2], [0; 2]);
    let calls: Vec<_> = (0..8).map(sign_up).collect();
    for call in calls {
        match call.await.expect("runs") {
            (password, Ok(user)) => {
                assert_eq!(user.username, "anna");
                made[password] += 1;
            }
            (password, Err(Error::IdempotencyKeyReused)) => refused[password] += 1,
            (_, other) => panic!("{other:?}"),
        }
    }
    let stored = if made[0] > 0 { 0 } else { 1 };
    assert_eq!((made[stored], refused[1 - stored]), (4, 4), "{made:?} {refused:?}");
    let password = |nth: usize| ["correct horse", "battery staple"][nth].parse().expect("a password");
    house.office.log_in("anna", &password(stored)).await.expect("was stored");
    assert!(matches!(house.office.log_in("anna", &password(1 - stored)).await, Err(Error::BadCredentials)));
}

/// Keys of other acts are one user's: two users may make up the same.
#[tokio::test]
async fn a2_two_users_with_one_key_are_two_requests() {
    let site = Site::open().await;
    let [(one, a), (other, b)] = [site.active_user(0).await, site.active_user(0).await];
    for (user, token, amount) in [(one, a, 5), (other, b, 7)] {
        let body = json!({"userId": user, "amount": amount});
        let answer = site.post("/api/v1/payments/recharge", &body).key("1").bearer(&token).send().await;
        assert_eq!(answer.expect(200, "").body["newBalance"], amount);
    }
}
