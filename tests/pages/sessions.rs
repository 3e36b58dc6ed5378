//! Sessions of browsers: their cookies, what ends them, and forms that come from elsewhere.

use concert_core::{UserId, Username};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Browser, SALE, Stage, encoded};
use crate::support::Shortcuts as _;

async fn user(stage: &Stage, name: &str) -> UserId {
    stage.site.house.office.user_named(&name.parse::<Username>().expect("a name")).await.expect("is there").id
}

/// The data block of the page.
fn block(browser: &Browser<'_>) -> Value {
    let text = browser.page.text.split("id=\"session\">").nth(1).expect("a data block");
    serde_json::from_str(text.split("</script>").next().expect("an end")).expect("JSON")
}

async fn is_logged_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/wallet").await.path == "/wallet"
}

#[tokio::test]
async fn the_cookie_is_for_this_site_alone_and_no_script_reads_it() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    browser.get("/sign-up").await.expect(200);
    let page = browser.send_once("/sign-up", &[("username", "anna"), ("password", "correct horse")]).await.expect(303);
    let cookie = page.headers["set-cookie"].to_str().expect("text");
    for part in ["concert_session=", "Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this machine is reached without TLS: {cookie}");
    browser.get("/log-in").await.expect(200);
    browser.cookies.remove("concert_session");
    browser.get("/log-in").await.expect(200);
    let fields = [
        ("csrf", browser.page.hidden("/log-in")[0].1.clone()),
        ("username", "anna".into()),
        ("password", "correct horse".into()),
    ];
    let body = encoded(fields.iter().map(|(name, value)| (*name, value.as_str())));
    let request = browser.request(Method::POST, "/log-in").header("host", "tickets.example.org");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    let page = browser.once("/log-in", request).await.expect(303);
    assert!(page.headers["set-cookie"].to_str().expect("text").contains("; Secure"));
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_saying_which_part_is_wrong() {
    let stage = Stage::open().await;
    stage.logged_in("anna").await;
    let mut browser = stage.browser();
    browser.get("/log-in").await.expect(200);
    for (name, password) in [("anna", "wrong horse"), ("nobody", "correct horse")] {
        let page = browser.send("/log-in", &[("username", name), ("password", password)]).await;
        page.expect(403).shows("The user name or the password is wrong").shows(&format!("value=\"{name}\""));
    }
    browser.send("/log-in", &[("username", "anna"), ("password", "correct horse")]).await.expect(200);
    assert!(is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn whoever_must_log_in_is_led_there_and_back() {
    let stage = Stage::open().await;
    stage.logged_in("anna").await;
    let mut browser = stage.browser();
    let page = browser.get("/orders").await.expect(200);
    assert_eq!(page.path, "/log-in?next=%2Forders");
    let page = browser.send("/log-in", &[("username", "anna"), ("password", "correct horse")]).await.expect(200);
    assert_eq!(page.path, "/orders");
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused_and_do_nothing() {
    let stage = Stage::open().await;
    let mut browser = stage.logged_in("anna").await;
    browser.get("/wallet").await.expect(200);
    let hidden = browser.page.hidden("/wallet/recharge");
    let csrf = hidden[0].1.clone();
    let mut bens = stage.logged_in("ben").await;
    bens.get("/wallet").await.expect(200);
    let bens_csrf = bens.page.hidden("/wallet/recharge")[0].1.clone();
    let cases: [(&str, Option<(&str, &str)>); 6] = [
        ("", None),
        ("0000", None),
        (&bens_csrf, None),
        (&csrf, Some(("origin", "https://evil.example"))),
        (&csrf, Some(("origin", "null"))),
        (&csrf, Some(("sec-fetch-site", "cross-site"))),
    ];
    for (token, header) in cases {
        let mut request = browser.request(Method::POST, "/wallet/recharge");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let body = encoded([("csrf", token), ("key", "k"), ("amount", "10")]);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let page = browser.once("/wallet/recharge", request).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{token:?} {header:?}");
        page.shows("FORM_EXPIRED");
    }
    let body = json!({"csrf": csrf, "amount": "10"}).to_string();
    let request =
        browser.request(Method::POST, "/wallet/recharge").header("content-type", "application/json").body(body);
    browser.once("/wallet/recharge", request).await.expect(415);
    let user = user(&stage, "anna").await;
    assert_eq!(stage.site.house.office.balance(user).await.expect("a balance").to_string(), "0");
}

#[tokio::test]
async fn log_out_a_new_password_and_an_operator_end_the_session_of_a_browser() {
    let stage = Stage::open().await;
    let office = &stage.site.house.office;
    let mut anna = stage.logged_in("anna").await;
    let (mut other, stolen) = (stage.browser(), anna.cookies.clone());
    anna.send("/log-out", &[]).await.expect(200).shows("Log in");
    other.cookies = stolen;
    assert!(!is_logged_in(&mut other).await, "the session is over, not only the cookie");

    let mut ben = stage.logged_in("ben").await;
    let id = user(&stage, "ben").await;
    let (old, new) = ("correct horse".parse().expect("a password"), "another horse".parse().expect("a password"));
    office.change_password(id, &old, &new).await.expect("changes it");
    assert!(!is_logged_in(&mut ben).await);

    let mut cora = stage.logged_in("cora").await;
    office.back_office().disable_user(user(&stage, "cora").await).await.expect("disables");
    assert!(!is_logged_in(&mut cora).await);
    cora.get("/log-in").await.expect(200);
    cora.send("/log-in", &[("username", "cora"), ("password", "correct horse")]).await.expect(403);
}

#[tokio::test]
async fn a_page_carries_a_session_of_five_minutes_that_is_renewed_here_alone() {
    let stage = Stage::open().await;
    let mut browser = stage.logged_in("anna").await;
    let request = browser.request(Method::POST, "/session/renew");
    browser.once("/session/renew", request).await.expect(403);
    browser.get(SALE).await.expect(200);
    let hidden = browser.page.hidden("/log-out")[0].1.clone();
    let request = browser.request(Method::POST, "/session/renew").header("x-csrf-token", hidden.as_str());
    let renewed = browser.once("/session/renew", request).await.expect(200);
    let block: Value = serde_json::from_str(&renewed.text).expect("JSON");
    let token = block["token"].as_str().expect("a token").to_owned();
    let balance = format!("/api/v1/payments/balance/{}", block["userId"].as_str().expect("an id"));
    stage.site.get(&balance).bearer(&token).send().await.expect(200, "");
    // The interface for programs takes no cookie.
    let cookie = format!("concert_session={}", browser.cookies["concert_session"]);
    stage.site.get(&balance).header("cookie", &cookie).send().await.expect(401, "UNAUTHENTICATED");

    stage.site.house.advance(301);
    stage.site.get(&balance).bearer(&token).send().await.expect(401, "UNAUTHENTICATED");
    assert!(is_logged_in(&mut browser).await, "the browser's own session goes on");
    let request = browser.request(Method::POST, "/session/renew").header("x-csrf-token", hidden.as_str());
    let renewed = browser.once("/session/renew", request).await.expect(200);
    let block: Value = serde_json::from_str(&renewed.text).expect("JSON");
    let token = block["token"].as_str().expect("a token").to_owned();
    stage.site.get(&balance).bearer(&token).send().await.expect(200, "");
    browser.get("/").await.expect(200);
    browser.send("/log-out", &[]).await.expect(200);
    stage.site.get(&balance).bearer(&token).send().await.expect(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_data_block_of_a_page_names_the_user_and_cannot_end_its_element() {
    let stage = Stage::open().await;
    let mut browser = stage.logged_in("anna").await;
    browser.get("/").await.expect(200);
    if browser.page.text.contains("id=\"session\"") {
        let block = block(&browser);
        assert_eq!(block["userId"], user(&stage, "anna").await.to_string());
        assert_eq!(block["language"], "en");
        assert!(block["texts"].is_object() && block["csrf"].is_string() && block["expiresAt"].is_string(), "{block}");
    }
}
