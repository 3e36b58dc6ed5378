//! `/api/v1/reservations/dates` and `/api/v1/reservations/{concertId}/seats`.

use concert_core::{ConcertId, NewConcert, Section};

use super::{Site, Transcript};
use crate::support::{PRICE, Shortcuts as _, money, seat};

#[tokio::test]
async fn dates_and_seats() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, _) = site.active_user(0).await;
    site.house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    let mut said = Transcript::default();

    said.note("concerts with a free seat", site.get("/api/v1/reservations/dates")).await;
    said.note("seats by number", site.get(&format!("/api/v1/reservations/{concert}/seats"))).await;
    said.note("not a UUID", site.get("/api/v1/reservations/spring/seats")).await;
    let nowhere = ConcertId::generate();
    said.note("no such concert", site.get(&format!("/api/v1/reservations/{nowhere}/seats"))).await;
    let hall = ConcertId::generate();
    let front = Section::in_rows(2, 1, money(120)).with_name("Front");
    let sections = vec![front, Section::plain(1, money(PRICE))];
    let date = site.house.office.now().date_naive();
    let new = NewConcert::new("Hall", date, sections).with_id(hall);
    site.house.office.back_office().add_concert(&new).await.expect("adds a concert");
    said.note("seats in sections and rows, and one in none", site.get(&format!("/api/v1/reservations/{hall}/seats")))
        .await;
    said.check("catalog");
}
