//! Nobody is locked out by somebody else's flood, and nobody can flood for long.

use std::time::Duration;

use concert_core::{Password, SignUp, UserId};
use concert_server::{App, BrakeClock, BrakeOptions, Brakes, CorsOrigin, Limit, Limits};
use serde_json::json;
use tokio::task::JoinSet;

use crate::http::{Answer, Ask, Site, reservation};
use crate::support::House;

/// A server behind a proxy on this machine, which says who the client is; its brakes go by a clock of their own.
async fn behind_a_proxy(change: impl FnOnce(BrakeOptions) -> BrakeOptions) -> (Site, BrakeClock) {
    let (house, clock) = (House::open().await, BrakeClock::manual());
    let trust_proxy = vec!["127.0.0.0/8".parse().expect("a network")];
    let options = change(BrakeOptions { trust_proxy, ..BrakeOptions::default() });
    let app = App::new(house.office.clone())
        .with_brakes(Brakes::new(options, &clock))
        .with_cors(vec!["https://tickets.example".parse::<CorsOrigin>().expect("an origin")]);
    (Site::serve_app(house, app, Limits::default()).await, clock)
}

trait From {
    /// The request as the proxy passes it on for a client at this address.
    fn from(self, address: &str) -> Self;
}

impl From for Ask<'_> {
    fn from(self, address: &str) -> Self {
        self.header("x-forwarded-for", address)
    }
}

const HERE: &str = "203.0.113.9";
const ELSEWHERE: &str = "198.51.100.7";

async fn log_in(site: &Site, name: &str, password: &str, address: &str) -> Answer {
    site.post("/api/v1/users/login", &json!({"username": name, "password": password})).from(address).send().await
}

async fn look(site: &Site, address: &str) -> Answer {
    site.get("/api/v1/reservations/dates").from(address).send().await
}

async fn join(site: &Site, user: UserId, address: &str) -> Answer {
    site.post("/api/v1/tokens", &json!({"userId": user})).from(address).send().await
}

#[tokio::test]
async fn a9_a_call_too_many_is_refused_with_when_to_come_again() {
    let (site, clock) =
        behind_a_proxy(|options| BrakeOptions { calls_per_address: Limit::new(3, 60), ..options }).await;
    for _ in 0..3 {
        look(&site, HERE).await.expect(200, "");
    }
    let refused = site.get("/api/v1/reservations/dates").from(HERE).header("origin", "https://tickets.example");
    let refused = refused.send().await.expect(429, "TOO_MANY_REQUESTS");
    assert_eq!(refused.headers["retry-after"], "20");
    assert_eq!(refused.headers["ratelimit-policy"], "\"calls-per-address\";q=3;w=60");
    assert_eq!(refused.headers["ratelimit"], "\"calls-per-address\";r=0;t=20");
    assert_eq!(refused.headers["access-control-allow-origin"], "https://tickets.example", "pages can read why");
    let exposed = refused.headers["access-control-expose-headers"].to_str().expect("text").to_owned();
    assert!(["retry-after", "ratelimit", "ratelimit-policy"].iter().all(|name| exposed.contains(name)), "{exposed}");

    look(&site, ELSEWHERE).await.expect(200, "");
    site.get("/nowhere").from(HERE).send().await.expect(429, "TOO_MANY_REQUESTS");
    for path in ["/health/live", "/health/ready", "/metrics"] {
        site.get(path).from(HERE).send().await.expect(200, "");
    }
    let metrics = site.get("/metrics").send().await.text;
    assert!(metrics.contains(r#"concert_brakes_total{brake="calls-per-address"}"#), "{metrics}");
    clock.advance(Duration::from_secs(20));
    look(&site, HERE).await.expect(200, "");
    look(&site, HERE).await.expect(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn a9_a_name_cannot_be_locked_out_by_strangers() {
    let (site, clock) =
        behind_a_proxy(|options| BrakeOptions { attempts_per_name: Limit::new(5, 600), ..options }).await;
    site.logged_in("minji").await;
    for _ in 0..5 {
        log_in(&site, "minji", "a guess that is wrong", HERE).await.expect(401, "BAD_CREDENTIALS");
    }
    log_in(&site, "minji", "a guess that is wrong", HERE).await.expect(429, "TOO_MANY_REQUESTS");
    log_in(&site, "MINJI", "a guess that is wrong", HERE).await.expect(429, "TOO_MANY_REQUESTS");
    log_in(&site, "other", "a guess that is wrong", HERE).await.expect(401, "BAD_CREDENTIALS");
    log_in(&site, "minji", "correct horse", ELSEWHERE).await.expect(200, "");
    let sign_up = json!({"username": "minji", "password": "another horse"});
    site.post("/api/v1/users", &sign_up).from(HERE).send().await.expect(429, "TOO_MANY_REQUESTS");
    clock.advance(Duration::from_secs(120));
    log_in(&site, "minji", "correct horse", HERE).await.expect(200, "");
}

#[tokio::test]
async fn a9_log_ins_and_sign_ups_are_braked_by_address_before_their_body_is_read() {
    let (site, clock) = behind_a_proxy(|options| BrakeOptions {
        log_ins_per_address: Limit::new(2, 1),
        sign_ups_per_address: Limit::new(1, 1),
        ..options
    })
    .await;
    for name in ["a", "b"] {
        log_in(&site, name, "wrong", HERE).await.expect(401, "BAD_CREDENTIALS");
    }
    let refused = site.post_text("/api/v1/users/login", "{").from(HERE).send().await;
    let refused = refused.expect(429, "TOO_MANY_REQUESTS");
    assert_eq!(refused.headers["ratelimit-policy"], "\"log-ins-per-address\";q=2;w=1");
    log_in(&site, "c", "wrong", ELSEWHERE).await.expect(401, "BAD_CREDENTIALS");
    let sign_up = |name: &str| json!({"username": name, "password": "correct horse"});
    site.post("/api/v1/users", &sign_up("a")).from(HERE).send().await.expect(201, "");
    site.post("/api/v1/users", &sign_up("b")).from(HERE).send().await.expect(429, "TOO_MANY_REQUESTS");
    clock.advance(Duration::from_secs(1));
    site.post("/api/v1/users", &sign_up("b")).from(HERE).send().await.expect(201, "");
}

#[tokio::test]
async fn a9_joins_are_braked_by_address_and_by_user_and_strangers_use_up_nothing_of_a_users() {
    let (site, _) = behind_a_proxy(|options| BrakeOptions {
        joins_per_address: Limit::new(5, 60),
        joins_per_user: Limit::new(2, 60),
        ..options
    })
    .await;
    let user = site.house.user(0).await;
    let token = join(&site, user, HERE).await.expect(201, "").body["token"].as_str().expect("a token").to_owned();
    join(&site, user, HERE).await.expect(409, "ALREADY_IN_QUEUE");
    join(&site, user, HERE).await.expect(429, "TOO_MANY_REQUESTS");
    let resume = || site.post("/api/v1/queue", &json!({"userId": user})).bearer(&token);
    resume().from(HERE).send().await.expect(200, "");
    resume().from(HERE).send().await.expect(200, "");
    let refused = resume().from(ELSEWHERE).send().await.expect(429, "TOO_MANY_REQUESTS");
    assert!(refused.text.contains("by this user"), "{}", refused.text);
    let other = site.house.user(0).await;
    let refused = join(&site, other, HERE).await.expect(429, "TOO_MANY_REQUESTS");
    assert!(refused.text.contains("from this address"), "{}", refused.text);
    join(&site, other, ELSEWHERE).await.expect(201, "");
}

#[tokio::test]
async fn a9_who_gives_holds_back_again_and_again_holds_no_more_for_a_while() {
    let (site, clock) =
        behind_a_proxy(|options| BrakeOptions { give_backs_per_user: Limit::new(2, 60), ..options }).await;
    let concert = site.house.concert(9).await;
    let (user, token) = site.active_user(0).await;
    let hold = |seat| site.post("/api/v1/reservations", &reservation(concert, seat, user)).bearer(&token).from(HERE);
    let give_back = async |held: Answer| {
        let id = held.body["reservationId"].as_str().expect("an id").to_owned();
        site.delete(&format!("/api/v1/reservations/{id}")).bearer(&token).from(HERE).send().await.expect(204, "")
    };
    let (first, second) = (hold(1).send().await.expect(201, ""), hold(2).send().await.expect(201, ""));
    let third = hold(3).send().await.expect(201, "");
    give_back(first).await;
    give_back(second).await;
    let refused = hold(4).send().await.expect(429, "TOO_MANY_REQUESTS");
    assert_eq!(refused.headers["retry-after"], "30");
    give_back(third).await;
    clock.advance(Duration::from_secs(30));
    hold(4).send().await.expect(201, "");
}

#[tokio::test]
async fn a9_who_joins_and_leaves_again_and_again_holds_no_more_for_a_while() {
    let (site, clock) =
        behind_a_proxy(|options| BrakeOptions { give_backs_per_user: Limit::new(2, 60), ..options }).await;
    let (concert, user) = (site.house.concert(9).await, site.house.user(0).await);
    let hold = |token: String| {
        site.post("/api/v1/reservations", &reservation(concert, 1, user)).bearer(&token).from(HERE).send()
    };
    for _ in 0..2 {
        let token = site.join(user).await;
        hold(token.clone()).await.expect(201, "");
        site.delete(&format!("/api/v1/tokens/{user}")).bearer(&token).from(HERE).send().await.expect(204, "");
    }
    let token = site.join(user).await;
    hold(token.clone()).await.expect(429, "TOO_MANY_REQUESTS");
    // To leave is never refused.
    site.delete(&format!("/api/v1/tokens/{user}")).bearer(&token).from(HERE).send().await.expect(204, "");
    clock.advance(Duration::from_secs(60));
    hold(site.join(user).await).await.expect(201, "");
}

#[tokio::test]
async fn a9_all_calls_of_a_user_count_together_wherever_they_come_from() {
    let (site, _) = behind_a_proxy(|options| BrakeOptions { calls_per_user: Limit::new(3, 60), ..options }).await;
    let (user, token) = site.active_user(0).await;
    let poll = |address: String| site.get(&format!("/api/v1/tokens/{user}")).bearer(&token).from(&address);
    for last in 1..=3 {
        poll(format!("203.0.113.{last}")).send().await.expect(200, "");
    }
    poll("203.0.113.4".to_owned()).send().await.expect(429, "TOO_MANY_REQUESTS");
    let balance = format!("/api/v1/payments/balance/{user}");
    site.get(&balance).bearer(&token).from(HERE).send().await.expect(429, "TOO_MANY_REQUESTS");
    let (other, token) = site.active_user(0).await;
    let poll = site.get(&format!("/api/v1/tokens/{other}")).bearer(&token).from("203.0.113.4");
    poll.send().await.expect(200, "");
}

#[tokio::test]
async fn a9_a_trusted_proxy_names_the_client_and_nobody_else_does() {
    let (site, _) = behind_a_proxy(|options| BrakeOptions { calls_per_address: Limit::new(1, 60), ..options }).await;
    look(&site, "203.0.113.9").await.expect(200, "");
    let refused = ["6.6.6.6, 203.0.113.9", "6.6.6.6,203.0.113.9, 127.0.0.9", "::ffff:203.0.113.9", "203.0.113.9:4711"];
    for list in refused {
        look(&site, list).await.expect(429, "TOO_MANY_REQUESTS");
    }
    look(&site, "2001:db8:1:2::1").await.expect(200, "");
    let forwarded = |value| site.get("/api/v1/reservations/dates").header("forwarded", value);
    let same_network = "for=6.6.6.6, for=\"[2001:db8:1:2:3:4:5:6]:4711\";proto=https";
    forwarded(same_network).send().await.expect(429, "TOO_MANY_REQUESTS");
    forwarded("for=\"[2001:db8:1:3::1]\"").send().await.expect(200, "");
    // Whoever writes nonsense, or both headers, shares the proxy's bucket, and is not taken for this machine.
    forwarded("for=unknown").send().await.expect(200, "");
    look(&site, "nonsense").await.expect(429, "TOO_MANY_REQUESTS");
    forwarded("for=192.0.2.1").from("192.0.2.2").send().await.expect(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn a9_this_machine_is_exempt_unless_it_is_said_otherwise() {
    for brake_loopback in [false, true] {
        let (house, clock) = (House::open().await, BrakeClock::manual());
        let options = BrakeOptions { brake_loopback, calls_per_address: Limit::new(2, 60), ..BrakeOptions::default() };
        let app = App::new(house.office.clone()).with_brakes(Brakes::new(options, &clock));
        let site = Site::serve_app(house, app, Limits::default()).await;
        // No proxy is trusted, so what the header says counts for nothing.
        for _ in 0..2 {
            look(&site, HERE).await.expect(200, "");
        }
        let third = look(&site, ELSEWHERE).await.status.as_u16();
        assert_eq!(third, if brake_loopback { 429 } else { 200 });
    }
}

#[tokio::test]
async fn a9_the_defaults_let_a_crowd_behind_one_address_join() {
    let (site, _) = behind_a_proxy(|options| options).await;
    for user in site.house.users(300, 0).await {
        join(&site, user, HERE).await.expect(201, "");
    }
}

#[tokio::test]
async fn a9_a_flood_of_sign_ups_does_not_stop_log_ins() {
    let house = House::open().await;
    let password = || "correct horse".parse::<Password>().expect("a password");
    let sign_up = |name: String| SignUp::new(name.parse().expect("a name")).with_password(password());
    house.office.sign_up(sign_up("minji".to_owned())).await.expect("signs up");
    house.office.log_in("minji", &password()).await.expect("logs in");
    let mut flood = JoinSet::new();
    for number in 0..100 {
        let (office, sign_up) = (house.office.clone(), sign_up(format!("flood-{number}")));
        flood.spawn(async move { office.sign_up(sign_up).await });
    }
    tokio::task::yield_now().await;
    house.office.log_in("minji", &password()).await.expect("has slots of its own");
    let mut done = 0;
    while flood.try_join_next().is_some() {
        done += 1;
    }
    assert!(done < 50, "the log-in waited for {done} of 100 sign-ups");
    flood.abort_all();
}
