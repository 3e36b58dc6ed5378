//! `/api/v1/reservations/dates` and `/api/v1/reservations/{concertId}/seats`.

use concert_core::{ConcertId, NewConcert, Section};

use super::{Site, Transcript};
use crate::support::{PRICE, money, seat};

#[tokio::test]
async fn dates_and_seats() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, _) = site.active_user(0).await;
    site.house.office.reserve(user, concert, seat(2)).await.expect("holds");
    let mut said = Transcript::default();

    said.note("concerts with a free seat", site.get("/api/v1/reservations/dates")).await;
    said.note("seats by number", site.get(&format!("/api/v1/reservations/{concert}/seats"))).await;
    said.note("not a UUID", site.get("/api/v1/reservations/spring/seats")).await;
    let nowhere = ConcertId::generate();
    said.note("no such concert", site.get(&format!("/api/v1/reservations/{nowhere}/seats"))).await;
    let hall = ConcertId::generate();
    let front = Section { name: Some("Front".to_owned()), rows: 2, seats_per_row: 1, price: money(120) };
    let sections = vec![front, Section::plain(1, money(PRICE))];
    let date = site.house.office.now().date_naive();
    let new = NewConcert { id: hall, name: "Hall".to_owned(), date, sections };
    site.house.office.add_concert(&new, |_| {}).await.expect("adds a concert");
    said.note("seats in sections and rows, and one in none", site.get(&format!("/api/v1/reservations/{hall}/seats")))
        .await;
    said.check("catalog");
}
