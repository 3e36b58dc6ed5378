//! A purchase by forms alone, and what could double it or lose it.

use reqwest::StatusCode;

use super::{Browser, SALE, Stage};
use crate::support::Shortcuts as _;

/// Holds the two best seats; the browser then shows the order. Returns the order's path.
pub async fn hold_two(stage: &Stage, browser: &mut Browser<'_>) -> String {
    let concert = format!("/concerts/{}", stage.concert);
    browser.get(&concert).await.expect(200);
    let page = browser.send(&format!("{concert}/hold"), &[("count", "2"), ("section", "Floor")]).await.expect(200);
    assert!(page.path.starts_with("/orders/"), "{}: {}", page.path, page.text);
    page.path
}

#[tokio::test]
async fn forms_alone_lead_from_the_start_to_paid_seats_in_both_languages() {
    for (language, words) in [
        ("en", ["On sale", "Join the queue", "It is your turn", "Best available", "Your wallet has", "Paid.", "Paid"]),
        (
            "ko",
            ["예매", "대기열에 줄 서기", "차례가 되었습니다", "자동 배정", "부족합니다", "결제되었습니다", "결제 완료"],
        ),
    ] {
        let stage = Stage::open().await;
        let mut browser = stage.browser();
        browser.language = language;
        let concert = format!("/concerts/{}", stage.concert);
        browser
            .get("/")
            .await
            .expect(200)
            .shows(words[0])
            .shows("Spring Night")
            .shows(&format!("<html lang=\"{language}\">"));
        browser.get(SALE).await.expect(200).shows(words[1]);
        browser.get(&format!("/sign-up?next={SALE}")).await.expect(200);
        let page = browser.send("/sign-up", &[("username", "민지 a"), ("password", "correct horse")]).await.expect(200);
        assert_eq!(page.path, SALE);
        browser.send(&format!("{SALE}/join"), &[("code", "")]).await.expect(200).shows(words[2]);
        browser.get(&concert).await.expect(200).shows(words[3]).shows("Floor").shows("Balcony");
        let page = browser.send(&format!("{concert}/hold"), &[("count", "2"), ("section", "Floor")]).await;
        let order = page.expect(200).shows(words[4]).shows("240").path;
        browser.get(&format!("/wallet?next={order}")).await.expect(200);
        let page = browser.send("/wallet/recharge", &[("amount", "300.50")]).await.expect(200);
        assert_eq!(page.path, order, "the wallet leads back");
        browser.send(&format!("{order}/pay"), &[]).await.expect(200).shows(words[5]).shows(words[6]);
        browser.get("/tickets").await.expect(200).shows("Spring Night").shows("Floor");
        browser.get("/orders").await.expect(200).shows("240").shows(words[6]);
        browser.get("/wallet").await.expect(200).shows("60.5");
        stage.site.house.assert_sound().await;
    }
}

#[tokio::test]
async fn seats_are_chosen_from_lists_of_sections_rows_and_seats() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let concert = format!("/concerts/{}", stage.concert);
    browser.get(&concert).await.expect(200).shows("?section=Balcony#choose");
    browser.get(&format!("{concert}?section=Balcony")).await.expect(200).shows("section=Balcony&#38;row=2#choose");
    browser.get(&format!("{concert}?section=Balcony&row=2")).await.expect(200).shows("name=\"seat\" value=\"44\"");
    browser
        .send(&format!("{concert}/hold"), &[])
        .await
        .expect(400)
        .shows("Choose at least one seat")
        .shows("value=\"44\"");
    let page = browser.send(&format!("{concert}/hold"), &[("seat", "44"), ("seat", "35")]).await.expect(200);
    page.shows("Balcony · Row 2 · Seat 44").shows("Seat 35").shows("120");
}

#[tokio::test]
async fn two_clicks_and_two_tabs_hold_pay_and_recharge_once() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "1000").await;
    let concert = format!("/concerts/{}", stage.concert);
    browser.get(&concert).await.expect(200);
    let mut other = browser.tab();
    other.get(&concert).await.expect(200);
    let (hold, fields) = (format!("{concert}/hold"), [("count", "1"), ("section", "")]);
    let first = browser.send_once(&hold, &fields).await.expect(303);
    let second = browser.send_once(&hold, &fields).await.expect(303);
    let in_other_tab = other.send_once(&hold, &fields).await.expect(303);
    assert_eq!(first.headers["location"], second.headers["location"]);
    assert_eq!(first.headers["location"], in_other_tab.headers["location"]);
    other.send(&hold, &[("count", "3"), ("section", "")]).await.expect(422).shows("was sent already");
    assert_eq!(stage.site.house.count("select count(*) from reservations").await, 1);

    let order = first.headers["location"].to_str().expect("text").to_owned();
    browser.get(&order).await.expect(200);
    let mut other = browser.tab();
    browser.send(&format!("{order}/pay"), &[]).await.expect(200).shows("Paid.");
    other.send(&format!("{order}/pay"), &[]).await.expect(200).shows("Paid.");
    assert_eq!(stage.site.house.count("select count(*) from payments").await, 1);

    browser.get("/wallet").await.expect(200);
    let mut other = browser.tab();
    browser.send("/wallet/recharge", &[("amount", "10")]).await.expect(200);
    other.send("/wallet/recharge", &[("amount", "10")]).await.expect(200).shows("890");
    other.send("/wallet/recharge", &[("amount", "10")]).await.expect(200).shows("900");
    stage.site.house.assert_sound().await;
}

#[tokio::test]
async fn a_turn_that_ends_before_the_payment_says_so_and_leads_back_to_the_queue() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let order = hold_two(&stage, &mut browser).await;
    // Past the hold and the turn.
    stage.site.house.advance(1_300);
    stage.site.house.office.sweep_expired().await.expect("sweeps");
    stage.site.house.office.rerank_queue().await.expect("reranks");
    let page = browser.send(&format!("{order}/pay"), &[]).await;
    assert!(page.status.is_client_error(), "{}", page.status);
    page.shows("back on sale").shows(&format!("href=\"{SALE}\""));
    browser.get("/wallet").await.expect(200).shows("500");
    browser.get(SALE).await.expect(200).shows("You can join again");
    browser.send(&format!("{SALE}/join"), &[]).await.expect(200).shows("It is your turn");
    hold_two(&stage, &mut browser).await;
    stage.site.house.assert_sound().await;
}

#[tokio::test]
async fn who_waits_sees_the_place_on_a_page_that_loads_itself_again() {
    let stage = Stage::open().await;
    stage.site.house.office.set_max_active(1).await.expect("sets the cap");
    let mut first = stage.logged_in("anna").await;
    let mut second = stage.logged_in("ben").await;
    for browser in [&mut first, &mut second] {
        browser.get(SALE).await.expect(200);
        browser.send(&format!("{SALE}/join"), &[]).await.expect(200);
    }
    stage.site.house.office.refresh_queue().await.expect("refreshes");
    let page = second.get(SALE).await.expect(200);
    let page = page.shows("Your place in the queue").shows("<noscript><meta http-equiv=\"refresh\"");
    page.shows("id=\"queue-place\" role=\"status\">1<");
    second.get(&format!("/concerts/{}", stage.concert)).await.expect(200).shows("when it is your turn");
    first.get(SALE).await.expect(200);
    first.send(&format!("{SALE}/leave"), &[]).await.expect(200).shows("Join the queue");
    stage.site.house.office.rerank_queue().await.expect("reranks");
    stage.site.house.office.refresh_queue().await.expect("refreshes");
    second.get(SALE).await.expect(200).shows("It is your turn");
}

#[tokio::test]
async fn seats_are_extended_given_back_one_by_one_and_all() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let order = hold_two(&stage, &mut browser).await;
    browser.send(&format!("{order}/extend"), &[]).await.expect(200).shows("You were given more time");
    // The first form to that address is of one seat.
    browser.send(&format!("{order}/give-back"), &[]).await.expect(200).shows("Given back").shows("Pay 120");
    browser.send(&format!("{order}/give-back"), &[]).await.expect(200).shows("You gave these seats back");
    assert_eq!(stage.site.house.count("select count(*) from seats where is_reserved = 1").await, 0);
}

#[tokio::test]
async fn refusals_are_told_in_plain_words() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "10").await;
    let concert = format!("/concerts/{}", stage.concert);
    let order = hold_two(&stage, &mut browser).await;
    browser.get(&concert).await.expect(200).shows("<option selected>2</option>");
    browser.send(&format!("{concert}/hold"), &[("count", "4")]).await.expect(409).shows("4 unpaid seats at once");
    // The page of the order offers no payment that the wallet cannot bear.
    let page = browser.get(&order).await.expect(200).shows("230 too little");
    assert!(page.hidden(&format!("{order}/pay")).is_empty(), "{}", page.text);
    browser.get(SALE).await.expect(200);
    browser.send(&format!("{SALE}/leave"), &[]).await.expect(200);
    browser
        .send(&format!("{SALE}/join"), &[("code", "WRONG-CODE")])
        .await
        .expect(403)
        .shows("This code does not count");
    browser.get("/wallet").await.expect(200);
    browser.send("/wallet/recharge", &[("amount", "lots")]).await.expect(400).shows("Write an amount");
    let page = browser.get("/orders/0190a5b2-0000-7000-8000-000000000000").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "{}", page.text);
}
