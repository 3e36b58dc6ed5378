//! Forms: pages that were left and come back, several tabs, sessions that have ended, and refusals that lose nothing.

use concert_server::page_routes;
use reqwest::Method;

use super::buying::hold_two;
use super::{Browser, Page, SALE, Stage, encoded};
use crate::support::Shortcuts as _;

const ANNA: [(&str, &str); 2] = [("username", "anna"), ("password", "correct horse")];

/// Opens the page and sends its form, as the tab has it, with the cookies that the browser has by then.
async fn send_from(tab: &Page, browser: &mut Browser<'_>, action: &str, fields: &[(&str, &str)]) -> Page {
    browser.page = tab.clone();
    browser.send(action, fields).await
}

#[tokio::test]
async fn the_address_of_a_form_leads_to_the_page_that_it_stands_in() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let order = hold_two(&stage, &mut browser).await;
    let concert = format!("/concerts/{}", stage.concert);
    let cases = [
        ("/log-out".to_owned(), "/"),
        (format!("{SALE}/join"), SALE),
        (format!("{SALE}/leave"), SALE),
        (format!("{concert}/hold"), &concert),
        (format!("{order}/pay"), &order),
        (format!("{order}/extend"), &order),
        (format!("{order}/give-back"), &order),
        ("/wallet/recharge".to_owned(), "/wallet"),
    ];
    for (address, page) in &cases {
        let answer = browser.once(address, browser.request(Method::GET, address)).await.expect(303);
        assert_eq!(answer.headers["location"], *page, "{address}");
    }
    // Those with a page of their own, and what scripts alone send.
    let others = ["/log-in", "/sign-up", "/session/renew"];
    let forms = page_routes().into_iter().filter(|route| route.method == "POST" && !others.contains(&route.template));
    assert_eq!(forms.count(), cases.len());
}

#[tokio::test]
async fn two_first_tabs_that_are_opened_side_by_side_can_both_be_used() {
    let stage = Stage::open().await;
    stage.logged_in("anna").await;
    let mut browser = stage.browser();
    // Both are asked for before either has answered.
    let request = || browser.request(Method::GET, "/log-in");
    let (first, second) = (request(), request());
    let first = browser.once("/log-in", first).await.expect(200);
    browser.once("/log-in", second).await.expect(200);
    let page = send_from(&first, &mut browser, "/log-in", &ANNA).await.expect(200);
    assert_eq!(page.path, "/");
}

#[tokio::test]
async fn who_logs_in_in_another_tab_can_go_on_in_the_first() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let order = hold_two(&stage, &mut browser).await;
    let held = browser.page.clone();
    browser.send("/log-out", &[]).await.expect(200);
    let log_in = browser.get("/log-in?next=/orders").await.expect(200);
    browser.send("/log-in", &ANNA).await.expect(200);
    let page = send_from(&log_in, &mut browser, "/log-in", &ANNA).await.expect(200);
    assert_eq!(page.path, "/orders", "a log-in that was done in another tab meanwhile");
    send_from(&held, &mut browser, &format!("{order}/pay"), &[]).await.expect(200).shows("Enjoy the concert");

    // Not for somebody else, who would pay what another one saw.
    browser.get("/wallet").await.expect(200);
    let wallet = browser.page.clone();
    browser.send("/log-out", &[]).await.expect(200);
    browser.get("/sign-up").await.expect(200);
    browser.send("/sign-up", &[("username", "ben"), ("password", "correct horse")]).await.expect(200);
    let page = send_from(&wallet, &mut browser, "/wallet/recharge", &[("amount", "10")]).await;
    page.expect(403).shows("FORM_EXPIRED").shows("href=\"/wallet\"");
}

#[tokio::test]
async fn a_form_of_a_session_that_has_ended_leads_to_the_log_in_and_back_and_says_so() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let order = hold_two(&stage, &mut browser).await;
    let held = browser.page.clone();
    for takes_cookie_away in [false, true] {
        if takes_cookie_away {
            // As browsers do once its time is over.
            browser.cookies.remove("concert_session");
        } else {
            let user = stage.site.house.office.user_named(&"anna".parse().expect("a name")).await.expect("is there").id;
            stage.site.house.office.back_office().end_sessions(user).await.expect("ends them");
        }
        let page = send_from(&held, &mut browser, &format!("{order}/pay"), &[]).await.expect(200);
        assert!(page.path.starts_with("/log-in?next="), "{}", page.path);
        page.shows("You were logged out, so nothing was done");
        let page = browser.send("/log-in", &ANNA).await.expect(200);
        assert_eq!(page.path, order);
    }
    assert_eq!(stage.site.house.count("select count(*) from payments").await, 0);
    let mut stranger = stage.browser();
    let request = stranger.request(Method::POST, "/wallet/recharge").header("sec-fetch-site", "cross-site");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(encoded([("amount", "1")]));
    stranger.once("/wallet/recharge", request).await.expect(403).shows("FORM_EXPIRED");
}

#[tokio::test]
async fn the_switch_of_the_language_keeps_where_a_log_in_leads_and_who_it_is_of() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    for path in ["/log-in", "/sign-up"] {
        browser
            .get(&format!("{path}?next=/orders"))
            .await
            .expect(200)
            .shows(&format!("{path}?next=%2Forders&#38;lang=ko"));
        let page = browser.send(path, &[("username", "anna b"), ("password", "wrong")]).await;
        page.shows(&format!("{path}?next=%2Forders&#38;username=anna+b&#38;lang=ko"));
        let page = browser.get(&format!("{path}?next=%2Forders&username=anna+b&lang=ko")).await.expect(200);
        page.shows("<html lang=\"ko\">").shows("value=\"anna b\"").shows("name=\"next\" value=\"/orders\"");
        browser.get("/?lang=en").await.expect(200);
    }
}

#[tokio::test]
async fn a_hold_that_is_refused_loses_nothing_that_was_chosen() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let concert = format!("/concerts/{}", stage.concert);
    browser.get(&format!("{concert}?section=Balcony&row=2")).await.expect(200);
    let rival = stage.site.house.active_users(1, 0).await[0];
    stage.site.house.office.hold_one(rival, stage.concert, crate::support::seat(36)).await.expect("holds");
    let hold = format!("{concert}/hold");
    let page = browser.send(&hold, &[("seat", "36"), ("seat", "44"), ("seat", "40")]).await.expect(409);
    assert_eq!(page.text.matches(" checked").count(), 2, "those that are free still: {}", page.text);
    page.shows("value=\"44\" checked").shows("value=\"40\" checked");
    let first = browser.get(&concert).await.expect(200);
    browser.send(&hold, &[("count", "1"), ("section", "")]).await.expect(200);
    let best = [("count", "3"), ("section", "Balcony"), ("together", "yes")];
    let page = send_from(&first, &mut browser, &hold, &best).await.expect(422);
    page.shows("<option selected>3</option>").shows("value=\"Balcony\" selected").shows("value=\"yes\" checked");
}
