//! What a crowd that looks at the plan of a hall costs: readings of the database, and places for streams.

use concert_core::ConcertId;
use concert_server::Limits;

use super::plan::path;
use crate::http::Site;
use crate::http::events::Listener;
use crate::support::House;

#[tokio::test]
async fn streams_that_anyone_opens_leave_half_of_the_places_to_the_queue() {
    let limits = Limits { max_streams: 4, ..Limits::default() };
    let site = Site::serve(House::open().await, limits).await;
    let concert = site.house.hall(2, 2).await;
    let open = || site.get(&format!("{}/state", path(concert))).header("accept", "text/event-stream");
    let _two = (Listener::open(open()).await, Listener::open(open()).await);
    open().send().await.expect(503, "TOO_MANY_STREAMS");
    let (user, token) = site.active_user(0).await;
    Listener::open(site.get(&format!("/api/v1/tokens/{user}/events")).bearer(&token)).await;
}

#[tokio::test]
async fn a_crowd_costs_one_reading_and_a_plan_is_read_once_for_its_version() {
    let site = Site::open().await;
    let concert = site.house.hall(10, 10).await;
    let state = format!("{}/state", path(concert));
    site.get(&state).send().await;
    // From here on there is nothing to read.
    site.house.tamper("rename table seats to gone").await;
    for _ in 0..20 {
        site.get(&path(concert)).send().await.expect(200, "");
        assert_eq!(site.get(&state).send().await.status.as_u16(), 200);
    }
    site.house.advance(3600);
    site.get(&format!("{}?version=1", path(concert))).send().await.expect(200, "");
    site.get(&state).send().await.expect(500, "INTERNAL");
    site.house.tamper("rename table gone to seats").await;
    site.get(&path(concert)).send().await.expect(200, "");
}

#[tokio::test]
async fn a_visit_of_the_page_reads_the_seats_once_for_the_page_and_its_script() {
    let site = Site::open().await;
    let visited = |concert: ConcertId| site.get(&format!("/concerts/{concert}")).header("accept", "text/html").open();
    let (one, other) = (site.house.hall(10, 10).await, site.house.hall(10, 10).await);
    assert_eq!(visited(one).await.status().as_u16(), 200);
    site.get(&format!("{}/state", path(other))).send().await.expect(200, "");
    // From here on there is nothing to read: whichever came first has read for the other.
    site.house.tamper("rename table seats to gone").await;
    for concert in [one, other] {
        site.get(&format!("{}/state", path(concert))).send().await.expect(200, "");
        site.get(&format!("{}?version=1", path(concert))).send().await.expect(200, "");
        let page = visited(concert).await;
        assert_eq!(page.status().as_u16(), 200);
        assert!(page.text().await.expect("text").contains("100"), "the free seats");
    }
}
