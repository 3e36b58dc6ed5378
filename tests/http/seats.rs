//! The seats of a large hall: read once for all, compressed, and not sent twice.

use std::io::Read as _;

use concert_core::ConcertId;
use reqwest::Method;

use super::{Answer, Site};
use crate::support::{Shortcuts as _, seat};

fn path(concert: ConcertId) -> String {
    format!("/api/v1/reservations/{concert}/seats")
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().expect("text")
}

#[tokio::test]
async fn whoever_has_the_seats_is_told_so_and_others_get_them_compressed() {
    let site = Site::open().await;
    let concert = site.house.concert(2_000).await;
    let plain = site.get(&path(concert)).send().await.expect(200, "");
    assert_eq!(plain.body.as_array().map(Vec::len), Some(2_000));
    assert_eq!(header(&plain, "cache-control"), "public, max-age=0, must-revalidate");
    assert_eq!(
        [header(&plain, "x-max-staleness-ms"), header(&plain, "age"), header(&plain, "vary")],
        ["500", "0", "accept-encoding"]
    );

    let small = site.get(&path(concert)).header("accept-encoding", "gzip, br").open().await;
    assert_eq!(small.headers()["content-encoding"], "gzip");
    let gzip_tag = small.headers()["etag"].to_str().expect("text").to_owned();
    assert_ne!(gzip_tag, header(&plain, "etag"), "another representation");
    let small = small.bytes().await.expect("a body");
    assert!(small.len() * 10 < plain.text.len(), "{} of {}", small.len(), plain.text.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&small[..]).read_to_string(&mut text).expect("gzip");
    assert_eq!(text, plain.text);

    for tag in [header(&plain, "etag"), &gzip_tag, "*", &format!("\"other\", W/{gzip_tag}")] {
        let same = site.get(&path(concert)).header("if-none-match", tag).send().await;
        assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""), "{tag}");
        assert_eq!(header(&same, "etag"), header(&plain, "etag"));
    }
    let head = site.ask(Method::HEAD, &path(concert)).send().await.expect(200, "");
    assert_eq!(header(&head, "content-length"), plain.text.len().to_string());
}

#[tokio::test]
async fn ones_own_purchase_shows_at_once_and_anothers_servers_within_the_bound() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let users = site.house.active_users(2, 0).await;
    let other = site.house.another_office().await;
    let free = async || {
        let seats = site.get(&path(concert)).send().await.expect(200, "").body;
        seats.as_array().expect("seats").iter().filter(|seat| seat["available"] == true).count()
    };
    assert_eq!(free().await, 3);
    let held = site.house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    assert_eq!(free().await, 2, "by this server");
    site.house.office.cancel(users[0], held.id).await.expect("gives back");
    assert_eq!(free().await, 3);

    other.hold_one(users[1], concert, seat(2)).await.expect("holds");
    assert_eq!(free().await, 3, "by another one, at the same moment");
    site.house.clock.advance(std::time::Duration::from_millis(500));
    assert_eq!(free().await, 2, "half a second later");
    site.house.advance(300);
    assert_eq!(free().await, 3, "the hold has lapsed");
}

#[tokio::test]
async fn a_crowd_costs_one_reading_and_so_does_a_concert_that_is_not_there() {
    let site = Site::open().await;
    let (concert, nowhere) = (site.house.concert(500).await, ConcertId::generate());
    site.get(&path(concert)).send().await.expect(200, "");
    site.get(&path(nowhere)).send().await.expect(404, "CONCERT_NOT_FOUND");
    // From here on there is nothing to read.
    site.house.tamper("rename table seats to elsewhere").await;
    let look = async || {
        for _ in 0..10 {
            site.get(&path(concert)).send().await.expect(200, "");
            site.get(&path(nowhere)).send().await.expect(404, "CONCERT_NOT_FOUND");
        }
    };
    tokio::join!(look(), look(), look(), look());
    site.house.advance(1);
    site.get(&path(concert)).send().await.expect(500, "INTERNAL");
    site.house.tamper("rename table elsewhere to seats").await;
    site.get(&path(concert)).send().await.expect(200, "");
}

#[tokio::test]
async fn the_dates_are_read_once_for_all_who_look() {
    const DATES: &str = "/api/v1/reservations/dates";
    let site = Site::open().await;
    site.house.concert(1).await;
    let dates = site.get(DATES).send().await.expect(200, "");
    assert_eq!([header(&dates, "age"), header(&dates, "vary")], ["0", "accept-encoding"]);
    let bound: u32 = header(&dates, "x-max-staleness-ms").parse().expect("a number");
    assert!(bound >= 500, "{bound}");
    let same = site.get(DATES).header("if-none-match", header(&dates, "etag")).send().await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    // From here on there is nothing to read.
    site.house.tamper("rename table concerts to elsewhere").await;
    let look = async || assert_eq!(site.get(DATES).send().await.expect(200, "").text, dates.text);
    tokio::join!(look(), look(), look());
    site.house.advance(3_600 * 24 * 40);
    site.get(DATES).send().await.expect(500, "INTERNAL");
    site.house.tamper("rename table elsewhere to concerts").await;
    assert_eq!(site.get(DATES).send().await.expect(200, "").body, serde_json::json!([]), "they are over");
}
