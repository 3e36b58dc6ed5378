//! A4: whoever knows an id gets no queue token for it, unless that was said; and what a join tells.

use concert_core::{Caller, Error, Policy, UserId};
use serde_json::json;

use crate::http::Site;
use crate::support::{House, keyed, policy};

const PATH: &str = "/api/v1/tokens";

#[tokio::test]
async fn a4_with_bare_joins_off_an_id_alone_is_answered_401_whosever_it_is() {
    let site = Site::open_with(|policy| policy.with_bare_joins(false)).await;
    let (user, token) = site.active_user(0).await;
    let outside = site.house.user(0).await;
    let (member, _) = site.logged_in("anna").await;
    for path in [PATH, "/api/v1/queue"] {
        for id in [user, outside, member, UserId::generate()] {
            let ask = || site.post(path, &json!({"userId": id}));
            let first = ask().send().await.expect(401, "LOGIN_REQUIRED");
            let keyed = ask().key("k").send().await.expect(401, "LOGIN_REQUIRED");
            assert_eq!(first.body, keyed.body, "nobody learns which it is");
        }
    }
    assert_eq!(site.house.count("select count(*) from tokens").await, 1);
    let resume = || site.post(PATH, &json!({"userId": user})).bearer(&token);
    assert_eq!(resume().send().await.expect(200, "").body["token"], token);
    site.delete(&format!("{PATH}/{user}")).bearer(&token).send().await.expect(204, "");
    resume().send().await.expect(401, "LOGIN_REQUIRED");
    site.join(user).await;
}

#[tokio::test]
async fn a4_an_application_vouches_for_its_users_with_bare_joins_off() {
    let house = House::open_with(|policy| policy.with_bare_joins(false)).await;
    let user = house.user(0).await;
    assert!(matches!(house.office.issue_token(user).await, Err(Error::LoginRequired)));
    assert!(matches!(house.office.issue_token(keyed(user, "k")).await, Err(Error::LoginRequired)));
    house.office.issue_token(Caller::verified(user)).await.expect("joins");
}

/// The library's default, since the application that embeds it knows who asks.
#[test]
fn a4_the_library_lets_users_join_by_id_unless_told_otherwise() {
    assert_eq!(format!("{:?}", policy()), format!("{:?}", policy().with_bare_joins(true)));
    assert_ne!(format!("{:?}", Policy::default()), format!("{:?}", Policy::default().with_bare_joins(false)));
}

/// As the README says it: what a join tells where bare joins are on, and how to look without joining.
#[tokio::test]
async fn a4_looking_does_not_join() {
    let site = Site::open().await;
    let (anna, session) = site.logged_in("anna").await;
    let path = format!("{PATH}/{anna}");
    site.get(&path).bearer(&session).send().await.expect(404, "TOKEN_NOT_FOUND");
    site.get(&path).send().await.expect(401, "UNAUTHENTICATED");
    assert_eq!(site.house.count("select count(*) from tokens").await, 0);
    let token = site.join(anna).await;
    site.get(&path).bearer(&session).send().await.expect(200, "");
    site.house.office.leave_queue(anna).await.expect("leaves");
    for proof in [&session, &token] {
        site.get(&path).bearer(proof).send().await.expect(410, "TOKEN_EXPIRED");
    }

    let bare = site.house.user(0).await;
    let ask = |id: UserId| site.post(PATH, &json!({"userId": id})).send();
    ask(UserId::generate()).await.expect(404, "USER_NOT_FOUND");
    ask(anna).await.expect(401, "LOGIN_REQUIRED");
    ask(bare).await.expect(201, "");
    ask(bare).await.expect(409, "ALREADY_IN_QUEUE");
}
