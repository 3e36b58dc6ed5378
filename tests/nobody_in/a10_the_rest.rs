//! A10: operators apart, answers that tell browsers what they need, and secrets that stay secret.

use concert_server::{App, Limits, Listeners, routes};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::http::{Site, reservation};
use crate::support::{House, Shortcuts as _};

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("binds")
}

/// A path of the route.
fn path(template: &str) -> String {
    let file = template.replace("{file}", "index.html");
    let (before, parameter) = file.split_once('{').unwrap_or((&file, "}"));
    let after = parameter.split_once('}').map_or("", |(_, after)| after);
    if file.contains('{') { format!("{before}00000000-0000-0000-0000-000000000000{after}") } else { file }
}

#[tokio::test]
async fn a10_operators_have_a_listener_of_their_own() {
    let house = House::open().await;
    let app = App::new(house.office.clone());
    let listeners = Listeners { public: listener().await, admin: Some(listener().await) };
    let admin = listeners.admin.as_ref().and_then(|listener| listener.local_addr().ok()).expect("an address");
    let site = Site::serve_on(listeners, house, app, Limits::default());
    let client = reqwest::Client::new();
    let mut moved = Vec::new();
    for route in routes() {
        let method: Method = route.method.parse().expect("a method");
        let path = path(route.template);
        let public = site.ask(method.clone(), &path).send().await;
        let hidden = public.code() == "ROUTE_NOT_FOUND" || public.code() == "METHOD_NOT_ALLOWED";
        assert_eq!(hidden, route.for_operators, "{route:?}: {} {}", public.status, public.text);
        let answer = client.request(method, format!("http://{admin}{path}")).send().await.expect("is answered");
        assert!(![StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status()), "{route:?}");
        let body: Value = serde_json::from_str(&answer.text().await.expect("a body")).unwrap_or_default();
        assert_ne!(body["code"], "ROUTE_NOT_FOUND", "the operators' listener answers all: {route:?}");
        moved.extend(route.for_operators.then_some(route.template));
    }
    for template in ["/metrics", "/health/ready", "/docs/", "/api-docs/openapi.json"] {
        assert!(moved.contains(&template), "{template} moves");
    }
    assert!(routes().iter().all(|route| !route.template.starts_with("/api/v1/admin") || route.for_operators));
    site.get("/health/live").send().await.expect(200, "");
}

#[tokio::test]
async fn a10_a_challenge_names_what_was_wrong_with_the_token() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let balance = format!("/api/v1/payments/balance/{user}");
    let challenge =
        |answer: &crate::http::Answer| answer.headers["www-authenticate"].to_str().expect("text").to_owned();
    let without = site.get(&balance).send().await.expect(401, "UNAUTHENTICATED");
    assert_eq!(challenge(&without), "Bearer", "no token, no error (RFC 6750, 3.1)");
    let bad = site.get(&balance).bearer("x.y.z").send().await.expect(401, "UNAUTHENTICATED");
    assert!(challenge(&bad).starts_with(r#"Bearer error="invalid_token", error_description=""#), "{}", challenge(&bad));
    site.house.office.leave_queue(user).await.expect("leaves");
    let ended = site.get(&balance).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    assert!(challenge(&ended).contains(r#"error="invalid_token""#), "{}", challenge(&ended));
    let wrong = json!({"username": "nobody", "password": "wrong horse"});
    let log_in = site.post("/api/v1/users/login", &wrong).send().await.expect(401, "BAD_CREDENTIALS");
    assert_eq!(challenge(&log_in), "Bearer");
}

#[tokio::test]
async fn a10_what_was_made_is_at_its_location() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let user = site.house.user(0).await;
    let location = |answer: &crate::http::Answer| answer.headers["location"].to_str().expect("text").to_owned();
    let joined = site.post("/api/v1/tokens", &json!({"userId": user})).send().await.expect(201, "");
    let token = joined.body["token"].as_str().expect("a token").to_owned();
    let standing = site.get(&location(&joined)).bearer(&token).send().await.expect(200, "");
    assert_eq!(standing.body["token"], token.as_str());
    let again = site.post("/api/v1/tokens", &json!({"userId": user})).bearer(&token).send().await.expect(200, "");
    assert!(!again.headers.contains_key("location"), "nothing was made");
    let held = site.post("/api/v1/reservations", &reservation(concert, 2, user)).bearer(&token).send().await;
    let held = held.expect(201, "");
    let found = site.get(&location(&held)).bearer(&token).send().await.expect(200, "");
    assert_eq!(found.body["reservationId"], held.body["reservationId"]);
    let pair = json!({"concertId": concert, "seatNumbers": [1, 3], "userId": user});
    let held = site.post("/api/v1/reservations", &pair).bearer(&token).send().await.expect(201, "");
    let found = site.get(&location(&held)).bearer(&token).send().await.expect(200, "");
    assert_eq!(found.body["orderId"], held.body["orderId"]);
}

#[tokio::test]
async fn a10_a_new_users_wallet_is_at_the_location_of_the_sign_up() {
    let site = Site::open().await;
    let anna = json!({"username": "anna", "password": "correct horse"});
    let signed_up = site.post("/api/v1/users", &anna).send().await.expect(201, "");
    let location = signed_up.headers["location"].to_str().expect("text").to_owned();
    let session = site.post("/api/v1/users/login", &anna).send().await.expect(200, "").body;
    let session = session["accessToken"].as_str().expect("a session");
    site.get(&location).bearer(session).send().await.expect(200, "");
}

#[tokio::test]
async fn a10_scrapes_and_readiness_have_connections_of_their_own() {
    let house = House::open().await;
    let pool = house.office.pool();
    let mut taken = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        taken.push(pool.acquire().await.expect("connects"));
    }
    let begun = std::time::Instant::now();
    let back_office = house.office.back_office();
    let (figures, held) = tokio::join!(back_office.queue_figures(), back_office.held_seats());
    assert_eq!((figures.expect("reads").waiting, held.expect("reads")), (0, 0));
    house.office.ping().await.expect("answers");
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "nobody waited for the readers");
    drop(taken);
}

#[tokio::test]
async fn a10_the_api_page_is_compressed_remembered_and_closed_to_scripts_from_elsewhere() {
    let site = Site::open().await;
    for file in ["/docs/", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/swagger-initializer.js"] {
        let plain = site.get(file).send().await.expect(200, "");
        let packed = site.get(file).header("accept-encoding", "gzip").open().await;
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{file}");
        let tag = packed.headers()["etag"].to_str().expect("text").to_owned();
        let packed = packed.bytes().await.expect("a body");
        assert!(packed.len() < plain.text.len(), "{file}");
        let mut unpacked = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).expect("gzip");
        assert_eq!(unpacked, plain.text, "{file}");
        let kept = site.get(file).header("accept-encoding", "gzip").header("if-none-match", &tag).send().await;
        assert_eq!((kept.status.as_u16(), kept.text.as_str()), (304, ""), "{file}");
    }
    let page = site.get("/docs/").send().await.expect(200, "");
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    for part in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.headers[name], value);
    }
    assert!(!page.text.contains("<script>"), "no script stands in the page: {}", page.text);
    let document = site.get("/api-docs/openapi.json").send().await.expect(200, "");
    let tag = document.headers["etag"].to_str().expect("text");
    let kept = site.get("/api-docs/openapi.json").header("if-none-match", tag).send().await;
    assert_eq!(kept.status, 304);
    site.get("/docs/no-such-file").send().await.expect(404, "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn a10_browsers_may_send_what_the_routes_take_and_read_what_they_answer() {
    let house = House::open().await;
    let origin = "https://tickets.example";
    let app = App::new(house.office.clone()).with_cors(vec![origin.parse().expect("an origin")]);
    let site = Site::serve_on(listener().await, house, app, Limits::default());
    let client = reqwest::Client::new();
    for route in routes() {
        let preflight = client
            .request(Method::OPTIONS, format!("{}{}", site.url, path(route.template)))
            .header("origin", origin)
            .header("access-control-request-method", route.method)
            .header("access-control-request-headers", "authorization,content-type,idempotency-key,if-match")
            .send()
            .await
            .expect("is answered");
        assert!(preflight.status().is_success(), "{route:?}");
        let said = |name: &str| preflight.headers()[name].to_str().expect("text").to_ascii_lowercase();
        assert_eq!(said("access-control-allow-origin"), origin);
        let methods = said("access-control-allow-methods");
        assert!(methods.to_uppercase().split(',').any(|method| method.trim() == route.method), "{methods}");
        for header in ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "x-request-id"]
        {
            assert!(said("access-control-allow-headers").contains(header), "{header}");
        }
    }
    let refused = site.get("/api/v1/payments/balance/x").header("origin", origin).send().await;
    let refused = refused.expect(401, "UNAUTHENTICATED");
    assert_eq!(refused.headers["access-control-allow-origin"], origin);
    let exposed = refused.headers["access-control-expose-headers"].to_str().expect("text");
    for header in [
        "etag",
        "location",
        "retry-after",
        "www-authenticate",
        "x-request-id",
        "x-max-staleness-ms",
        "ratelimit",
        "ratelimit-policy",
    ] {
        assert!(exposed.split(',').any(|name| name.trim() == header), "{header}: {exposed}");
    }
    let elsewhere = site.get("/health/live").header("origin", "https://elsewhere.example").send().await;
    assert!(!elsewhere.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a10_a_token_names_its_key() {
    let site = Site::open().await;
    let (_, token) = site.active_user(0).await;
    let (_, session) = site.logged_in("anna").await;
    let key = |token: &str| jsonwebtoken::decode_header(token).expect("a header").kid.expect("names its key");
    assert_eq!(key(&token), key(&session));
    assert_eq!(key(&token).len(), 11);
}
