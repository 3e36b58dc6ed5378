//! `/api/v1/reservations/dates` and `/api/v1/reservations/{concertId}/seats`.

use concert_core::ConcertId;

use super::{Site, Transcript};
use crate::support::seat;

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
    said.check("catalog");
}
