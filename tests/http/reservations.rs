//! `/api/v1/reservations`.

use concert_core::{ConcertId, ReservationId};
use serde_json::json;

use super::{Site, Transcript, reservation};
use crate::support::{PRICE, Shortcuts as _, money, seat};

const PATH: &str = "/api/v1/reservations";

#[tokio::test]
async fn reserving() {
    let site = Site::open_with(|policy| policy.with_max_holds_per_user(1)).await;
    site.house.office.set_max_active(2).await.expect("sets the cap");
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(0).await;
    let (other, other_token) = site.active_user(0).await;
    let (waiting, waiting_token) = site.active_user(0).await;
    let mut said = Transcript::default();

    said.note("held", site.post(PATH, &reservation(concert, 1, user)).bearer(&token)).await;
    said.note("taken", site.post(PATH, &reservation(concert, 1, other)).bearer(&other_token)).await;
    said.note("too many holds", site.post(PATH, &reservation(concert, 2, user)).bearer(&token)).await;
    said.note("without a token", site.post(PATH, &reservation(concert, 2, other))).await;
    said.note("not ACTIVE", site.post(PATH, &reservation(concert, 2, waiting)).bearer(&waiting_token)).await;
    said.note("for another user", site.post(PATH, &reservation(concert, 2, user)).bearer(&other_token)).await;
    said.note("no such seat", site.post(PATH, &reservation(concert, 4, other)).bearer(&other_token)).await;
    let nowhere = ConcertId::generate();
    said.note("no such concert", site.post(PATH, &reservation(nowhere, 1, other)).bearer(&other_token)).await;
    said.note("seat 0", site.post(PATH, &reservation(concert, 0, other)).bearer(&other_token)).await;
    said.check("reservations_reserve");
}

#[tokio::test]
async fn listing_looking_and_giving_back() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let (other, other_token) = site.active_user(0).await;
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    site.house.advance(1);
    let paid = site.house.office.hold_one(user, concert, seat(2)).await.expect("holds").id;
    site.house.office.pay(user, paid, money(PRICE)).await.expect("pays");
    let (list, one) = (format!("{PATH}?userId={user}"), format!("{PATH}/{held}"));
    let mut said = Transcript::default();

    said.note("one's own, newest first", site.get(&list).bearer(&token)).await;
    said.note("list without a token", site.get(&list)).await;
    said.note("another user's list", site.get(&list).bearer(&other_token)).await;
    said.note("list of nobody", site.get(PATH).bearer(&token)).await;
    said.note("one", site.get(&one).bearer(&token)).await;
    said.note("one without a token", site.get(&one)).await;
    said.note("another user's", site.get(&one).bearer(&other_token)).await;
    let none = ReservationId::generate();
    said.note("no such reservation", site.get(&format!("{PATH}/{none}")).bearer(&token)).await;
    said.note("not a UUID", site.get(&format!("{PATH}/mine")).bearer(&token)).await;

    said.note("give back without a token", site.delete(&one)).await;
    said.note("give another user's back", site.delete(&one).bearer(&other_token)).await;
    said.note("give back what is not there", site.delete(&format!("{PATH}/{none}")).bearer(&token)).await;
    said.note("give back what is paid", site.delete(&format!("{PATH}/{paid}")).bearer(&token)).await;
    said.note("given back", site.delete(&one).bearer(&token)).await;
    said.note("given back already", site.delete(&one).bearer(&token)).await;
    said.note("what became of it", site.get(&one).bearer(&token)).await;
    site.post(PATH, &reservation(concert, 1, other)).bearer(&other_token).send().await.expect(201, "");
    site.house.advance(300);
    let lapsed = site.get(&format!("{PATH}?userId={other}")).bearer(&other_token).send().await.expect(200, "");
    assert_eq!(lapsed.body[0]["status"], "EXPIRED", "no sweep is needed");
    said.check("reservations_own");
}

#[tokio::test]
async fn a_repeated_reservation_with_its_key_holds_one_seat() {
    let site = Site::open().await;
    let concert = site.house.concert(2).await;
    let (user, token) = site.active_user(0).await;
    let ask = |seat| site.post(PATH, &reservation(concert, seat, user)).bearer(&token).key("k");
    let first = ask(1).send().await.expect(201, "");
    assert_eq!(first.body, ask(1).send().await.expect(201, "").body);
    ask(2).send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    let bare = json!({"concertId": concert, "seatNumber": 1, "userId": user});
    site.post(PATH, &bare).bearer(&token).send().await.expect(409, "SEAT_ALREADY_RESERVED");
}
