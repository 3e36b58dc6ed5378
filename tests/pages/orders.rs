//! What the pages say of orders that ended, and of concerts that are called off.

use concert_core::{ConcertId, OrderId};

use super::buying::hold_two;
use super::{Browser, Page, SALE, Stage};
use crate::support::Shortcuts as _;

fn id(order: &str) -> OrderId {
    order.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an order's path")
}

/// The order's page says so, and leads to other seats or does not.
async fn says(browser: &mut Browser<'_>, order: &str, words: &str, again: bool) -> Page {
    let page = browser.get(order).await.expect(200).shows(words);
    assert_eq!(page.text.contains("Choose again"), again, "{words}: {}", page.text);
    assert!(page.hidden(&format!("{order}/pay")).is_empty(), "{words}: nothing is left to pay");
    page
}

async fn call_off(stage: &Stage, concert: ConcertId) {
    let reason = "storm".parse().expect("a reason");
    stage.site.house.office.back_office().cancel_concert(concert, reason).await.expect("calls it off");
}

#[tokio::test]
async fn each_end_of_a_hold_is_told_in_its_own_words() {
    let stage = Stage::open().await;
    let (house, office) = (&stage.site.house, &stage.site.house.office);
    let mut browser = stage.in_turn("anna", "500").await;
    let user = office.user_named(&"anna".parse().expect("a name")).await.expect("is there").id;

    let given_back = hold_two(&stage, &mut browser).await;
    // Seat by seat.
    for _ in 0..2 {
        browser.send(&format!("{given_back}/give-back"), &[]).await.expect(200);
    }
    house.advance(1);
    let released = hold_two(&stage, &mut browser).await;
    house.advance(1);
    office.cancel(office.back_office().acting_for(user), id(&released)).await.expect("releases");
    let turn_given_up = hold_two(&stage, &mut browser).await;
    house.advance(1);
    browser.get(SALE).await.expect(200);
    browser.send(&format!("{SALE}/leave"), &[]).await.expect(200);
    house.advance(1);
    browser.send(&format!("{SALE}/join"), &[]).await.expect(200);
    let turn_ended = hold_two(&stage, &mut browser).await;
    house.advance(1);
    office.back_office().expire_token(user).await.expect("ends the turn");
    house.advance(1);
    browser.get(SALE).await.expect(200);
    browser.send(&format!("{SALE}/join"), &[]).await.expect(200);
    let called_off = hold_two(&stage, &mut browser).await;

    says(&mut browser, &given_back, "You gave these seats back", true).await;
    says(&mut browser, &released, "The box office released these seats", true).await;
    says(&mut browser, &turn_given_up, "You left the queue", true).await;
    says(&mut browser, &turn_ended, "The box office released these seats", true).await;
    call_off(&stage, stage.concert).await;
    // Marked, and not cleared yet; then cleared.
    says(&mut browser, &called_off, "This concert was called off", false).await;
    office.back_office().finish_cancellation(stage.concert, |_| {}).await.expect("clears it");
    says(&mut browser, &called_off, "This concert was called off", false).await.shows("Called off");
    says(&mut browser, &given_back, "You gave these seats back", false).await;
    let page = browser.get("/orders").await.expect(200);
    for (words, times) in [("Given back", 2), ("Released by the box office", 2), ("Called off", 1)] {
        assert_eq!(page.text.matches(words).count(), times, "{words}: {}", page.text);
    }
}

#[tokio::test]
async fn a_concert_that_is_called_off_is_neither_sold_out_nor_enjoyed() {
    let stage = Stage::open().await;
    let mut browser = stage.in_turn("anna", "500").await;
    let paid = hold_two(&stage, &mut browser).await;
    browser.send(&format!("{paid}/pay"), &[]).await.expect(200).shows("Enjoy the concert");
    call_off(&stage, stage.concert).await;
    let page =
        says(&mut browser, &paid, "This concert was called off. Whoever has paid gets the money back", false).await;
    assert!(!page.text.contains("Enjoy"), "{}", page.text);
    stage.site.house.office.back_office().finish_cancellation(stage.concert, |_| {}).await.expect("clears it");
    says(&mut browser, &paid, "the payment was refunded", false).await;
    let page =
        browser.get(&format!("/concerts/{}", stage.concert)).await.expect(200).shows("This concert was called off");
    assert!(!page.text.contains("Sold out") && !page.text.contains("seats free"), "{}", page.text);
}
