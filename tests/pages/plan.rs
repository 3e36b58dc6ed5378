//! The plan of the hall and the states of its seats: small, cached, and never at odds with the list of seats.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use concert_core::{
    ConcertChange, ConcertId, ConcertStatus, HallPart, NewSeats, RefundReason, Role, SeatAfterRefund, SeatRanges,
    Section, generate_hall, generate_stadium,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::http::events::Listener;
use crate::http::{Answer, Site};
use crate::support::{PRICE, Shortcuts as _, money, seat, section};

/// The most that the plan of 50 000 seats may weigh, compressed.
const LARGEST_PLAN: usize = 120 * 1024;

const STATES: [&str; 4] = ["free", "held", "sold", "blocked"];

pub(super) fn path(concert: ConcertId) -> String {
    format!("/api/v1/reservations/{concert}/plan")
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().expect("text")
}

/// A seat as a reader of the document finds it.
#[derive(Debug, PartialEq)]
struct Drawn {
    number: i64,
    place: i64,
    point: (i64, i64),
    price: Value,
    marks: Value,
}

/// Reads a plan's document as its description says.
fn drawn(plan: &Value) -> Vec<Drawn> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let rows = list(&plan["sections"]).iter().flat_map(|section| list(&section["rows"])).collect::<Vec<_>>();
    let mut seats = Vec::new();
    for run in rows.iter().flat_map(|row| list(&row["runs"])) {
        let or = |name: &str, default: i64| run[name].as_i64().unwrap_or(default);
        let (mut x, mut y) = (or("x", 0), or("y", 0));
        for nth in 0..or("count", 0) {
            if nth > 0 {
                let step = |at: i64, name, default| match &run["steps"] {
                    Value::Null => or(name, default),
                    steps => steps[((nth - 1) * 2 + at) as usize].as_i64().expect("a step"),
                };
                (x, y) = (x + step(0, "dx", 10), y + step(1, "dy", 0));
            }
            seats.push(Drawn {
                number: or("number", 0) + nth * or("step", 1),
                place: or("place", or("number", 0)) + nth,
                point: (x, y),
                price: plan["prices"][or("price", 0) as usize].clone(),
                marks: run["marks"].as_u64().map_or(json!([]), |of| plan["marks"][of as usize].clone()),
            });
        }
    }
    seats
}

/// The plan's seats are those of the library, and it is small.
async fn check_document(site: &Site, concert: ConcertId) {
    let document = site.get(&path(concert)).send().await.expect(200, "").body;
    let plan = site.house.office.hall_plan(concert).await.expect("there is one");
    let seats = plan.seats().map(|seat| Drawn {
        number: i64::from(seat.number.get()),
        place: i64::from(seat.place),
        point: (i64::from(seat.x), i64::from(seat.y)),
        price: json!(seat.price),
        marks: json!(&*seat.marks),
    });
    let seats: Vec<_> = seats.collect();
    assert_eq!(drawn(&document), seats);
    assert_eq!((document["seats"].as_u64(), document["version"].as_u64()), (Some(seats.len() as u64), Some(1)));
    let points: std::collections::HashSet<_> = seats.iter().map(|seat| seat.point).collect();
    assert!(points.len() * 100 > seats.len() * 98, "hardly two seats stand at one point: {}", points.len());
    let (x, y) = (|seat: &Drawn| seat.point.0, |seat: &Drawn| seat.point.1);
    let bounds = |of: &dyn Fn(&Drawn) -> i64| (seats.iter().map(of).min(), seats.iter().map(of).max());
    let bound = |name: &str| document["bounds"][name].as_i64();
    assert_eq!([(bound("left"), bound("right")), (bound("top"), bound("bottom"))], [bounds(&x), bounds(&y)]);
}

#[tokio::test]
async fn the_plan_of_50_000_seats_is_small_and_their_state_two_bits_each() {
    let site = Site::open().await;
    let parts = || {
        let part = |name: &str, seats, price| HallPart::new(name, seats, money(price));
        [part("VIP", 5_000, 200), part("R", 15_000, 150), part("S", 30_000, 100)]
    };
    let plain = (0..10).map(|nth| section(&format!("Block {nth}"), 50, 100, 90 + nth)).collect();
    let halls = [plain, generate_hall(&parts(), 60).expect("a hall"), generate_stadium(&parts()).expect("a stadium")];
    for sections in halls {
        let date = NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
        let concert = site.house.concert_in(date, sections).await;
        check_document(&site, concert).await;
        let small = site.get(&path(concert)).header("accept-encoding", "gzip").open().await;
        assert_eq!(small.headers()["content-encoding"], "gzip");
        let bytes = small.bytes().await.expect("a body").len();
        assert!(bytes <= LARGEST_PLAN, "{bytes} bytes");
        println!("50 000 seats: {bytes} bytes");
        let state = site.get(&format!("{}/state", path(concert))).open().await;
        assert_eq!(state.headers()["content-type"], "application/octet-stream");
        assert_eq!(state.bytes().await.expect("a body").len(), 12_500);
    }
}

#[tokio::test]
async fn runs_say_of_each_seat_its_number_place_price_marks_and_point() {
    let site = Site::open().await;
    let file = json!({"name": "Odd", "date": "2027-04-01", "sections": [
        {"name": "Stalls", "price": 90.5, "marks": {"ACCESSIBLE": [3, 5]}, "rows": [
            {"name": "A", "seats": [1, 3, 5, 2, 4, 6]},
            {"name": "B", "seats": [10, 9, 8, 7], "places": [1, 2, 4, 5]},
        ]},
        {"name": "Box", "price": 90.5, "rows": [{"name": "A", "seats": 1}]},
        {"price": 0, "seats": 33},
    ]});
    let desk = site.house.office.back_office();
    let key = desk.make_key(&"k".parse().expect("a name"), Role::Operator).await.expect("makes one");
    let key = key.secret.expose_secret().to_owned();
    let made = site.post("/api/v1/admin/concerts", &file).bearer(&key).send().await.expect(201, "").body;
    let concert = made["concertId"].as_str().expect("an id").parse().expect("an id");
    check_document(&site, concert).await;
    let plan = site.get(&path(concert)).send().await.expect(200, "").body;
    let row = &plan["sections"][0]["rows"][0];
    assert_eq!(row["runs"][0], json!({"number": 1, "count": 1, "x": row["runs"][0]["x"], "y": row["runs"][0]["y"]}));
    assert_eq!((&plan["prices"], &plan["marks"]), (&json!([90.5, 0]), &json!([["ACCESSIBLE"]])));
    assert_eq!((&plan["sections"][2]["name"], &plan["sections"][2]["rows"][0]["name"]), (&Value::Null, &Value::Null));
}

/// The seats by number, as the plan and its states say.
async fn states(site: &Site, concert: ConcertId) -> BTreeMap<i64, &'static str> {
    let state = site.get(&format!("{}/state", path(concert))).header("accept", "application/octet-stream").open().await;
    let version = state.headers()["x-plan-version"].to_str().expect("text").to_owned();
    let bytes = state.bytes().await.expect("a body");
    let plan = site.get(&format!("{}?version={version}", path(concert))).send().await.expect(200, "").body;
    let bits = |nth: usize| bytes[nth / 4] >> (nth % 4 * 2) & 3;
    let seats = drawn(&plan);
    assert_eq!(bytes.len(), seats.len().div_ceil(4));
    seats.iter().enumerate().map(|(nth, seat)| (seat.number, STATES[bits(nth) as usize])).collect()
}

/// The states, which agree with the list of seats.
async fn agreed(site: &Site, concert: ConcertId) -> BTreeMap<i64, &'static str> {
    let states = states(site, concert).await;
    let list = site.get(&format!("/api/v1/reservations/{concert}/seats")).send().await.expect(200, "").body;
    for seat in list.as_array().expect("seats") {
        let free = states[&seat["seatNumber"].as_i64().expect("a number")] == "free";
        assert_eq!(seat["available"], free, "{seat}");
    }
    assert_eq!(states.len(), list.as_array().map_or(0, Vec::len));
    states
}

#[tokio::test]
async fn states_agree_with_the_list_of_seats_through_all_that_befalls_a_seat() {
    let site = Site::open().await;
    let (house, office) = (&site.house, &site.house.office);
    let concert = house.hall(4, 10).await;
    let users = house.active_users(3, 1_000).await;
    assert!(agreed(&site, concert).await.values().all(|state| *state == "free"));
    let held = office.hold_one(users[0], concert, seat(7)).await.expect("holds");
    office.hold_one(users[1], concert, seat(13)).await.expect("holds");
    let states = agreed(&site, concert).await;
    assert_eq!([states[&7], states[&13], states[&8]], ["held", "held", "free"]);
    let paid = office.pay(users[0], held.id, money(PRICE)).await.expect("pays").payments[0].id;
    let numbers = |text: &str| text.parse::<SeatRanges>().expect("seats").numbers().collect::<Vec<_>>();
    let reason = "camera".parse().expect("a reason");
    office.back_office().block_seats(concert, numbers("20-22"), reason).await.expect("blocks");
    let states = agreed(&site, concert).await;
    assert_eq!(
        [states[&7], states[&13], states[&20], states[&22], states[&23]],
        ["sold", "held", "blocked", "blocked", "free"]
    );
    house.advance(300);
    assert_eq!(agreed(&site, concert).await[&13], "free", "the hold has lapsed, swept or not");
    let reason: RefundReason = "ill".parse().expect("a reason");
    office.back_office().refund_to(paid, Some(reason), SeatAfterRefund::ToSale).await.expect("refunds");
    assert_eq!(agreed(&site, concert).await[&7], "free");
    let close = ConcertChange::new().with_status(ConcertStatus::Closed);
    office.back_office().change_concert(concert, &close, None).await.expect("closes");
    assert!(agreed(&site, concert).await.values().all(|state| *state == "blocked"), "nothing is sold any more");
}

#[tokio::test]
async fn a_version_never_changes_and_another_one_comes_with_new_prices_and_seats_alone() {
    let site = Site::open().await;
    let (house, office) = (&site.house, &site.house.office);
    let concert = house.hall(4, 10).await;
    let first = site.get(&path(concert)).send().await.expect(200, "");
    assert_eq!(header(&first, "cache-control"), "public, max-age=5, must-revalidate");
    assert_eq!((header(&first, "x-plan-version"), &first.body["version"]), ("1", &json!(1)));
    let named = site.get(&format!("{}?version=1", path(concert))).send().await.expect(200, "");
    assert_eq!(header(&named, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!((header(&named, "etag"), &named.text), (header(&first, "etag"), &first.text));
    let same = site.get(&path(concert)).header("if-none-match", header(&first, "etag")).send().await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));

    let numbers = |text: &str| text.parse::<SeatRanges>().expect("seats").numbers().collect::<Vec<_>>();
    let desk = office.back_office();
    desk.block_seats(concert, numbers("1"), "camera".parse().expect("a reason")).await.expect("blocks");
    let blocked = site.get(&path(concert)).send().await.expect(200, "");
    assert_eq!(blocked.text, first.text, "what is off sale leaves the plan as it is");

    desk.price_seats(concert, numbers("1-10"), money(500)).await.expect("prices");
    let priced = site.get(&path(concert)).send().await.expect(200, "");
    assert_eq!(priced.body["version"], 3);
    assert_eq!(drawn(&priced.body)[9].price, json!(500));
    let state = site.get(&format!("{}/state", path(concert))).send().await;
    assert_eq!(header(&state, "x-plan-version"), "3");

    let row = NewSeats::new(money(60), numbers("101-104")).in_section("Hall").in_row("5");
    desk.add_seats(concert, row).await.expect("adds");
    let added = site.get(&path(concert)).send().await.expect(200, "");
    assert_eq!((added.body["version"].as_u64(), added.body["seats"].as_u64()), (Some(4), Some(44)));
    assert_ne!(header(&added, "etag"), header(&first, "etag"));
    for gone in [1, 3, 99] {
        let gone = site.get(&format!("{}?version={gone}", path(concert))).send().await;
        assert_eq!(gone.expect(404, "PLAN_VERSION_NOT_FOUND").body["version"], 4);
    }
    for bad in ["version=x", "version=-1", "other=1"] {
        site.get(&format!("{}?{bad}", path(concert))).send().await.expect(400, "INVALID_REQUEST");
    }
    for nowhere in ["", "?version=1", "/state"] {
        let nowhere = format!("{}{nowhere}", path(ConcertId::generate()));
        site.get(&nowhere).send().await.expect(404, "CONCERT_NOT_FOUND");
    }
    site.get("/api/v1/reservations/x/plan/state").send().await.expect(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn the_states_come_as_bytes_or_json_and_not_at_all_to_who_has_them() {
    let site = Site::open().await;
    let concert = site.house.hall(3, 3).await;
    let state = format!("{}/state", path(concert));
    for accept in ["*/*", "application/octet-stream", "text/html,*/*;q=0.8", "text/event-stream;q=0"] {
        let plain = site.get(&state).header("accept", accept).send().await;
        let tag = header(&plain, "etag").to_owned();
        assert_eq!((header(&plain, "content-length"), header(&plain, "vary")), ("3", "accept, accept-encoding"));
        let same = site.get(&state).header("accept", accept).header("if-none-match", &tag).send().await;
        assert_eq!((same.status.as_u16(), header(&same, "x-plan-version")), (304, "1"));
    }
    let json = site.get(&state).header("accept", "application/json").send().await.expect(200, "");
    assert_eq!(json.body, json!({"version": 1, "seats": 9, "state": "AAAA"}));
    let tag = header(&json, "etag").to_owned();
    let ask = || site.get(&state).header("accept", "application/json").header("if-none-match", &tag);
    assert_eq!(ask().send().await.status.as_u16(), 304);
    let user = site.house.active_users(1, 0).await[0];
    site.house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    assert_eq!(ask().send().await.expect(200, "").body["state"], "BAAA", "at once");
}

#[tokio::test]
async fn changes_are_pushed_and_who_comes_back_is_told_only_what_is_new() {
    let site = Site::open().await;
    let (house, office) = (&site.house, &site.house.office);
    let concert = house.hall(4, 10).await;
    let user = house.active_users(1, 1_000).await[0];
    let state = format!("{}/state", path(concert));
    let open = || site.get(&state).header("accept", "text/event-stream");
    let (mut one, mut other) = (Listener::open(open()).await, Listener::open(open()).await);
    for stream in [&mut one, &mut other] {
        let (name, data) = stream.next().await.expect("an event");
        assert_eq!((name.as_str(), &data["seats"], &data["version"]), ("state", &json!(40), &json!(1)));
    }
    let held = office.hold_one(user, concert, seat(7)).await.expect("holds");
    for stream in [&mut one, &mut other] {
        assert_eq!(stream.next().await.expect("an event"), ("delta".to_owned(), json!({"version": 1, "held": [6]})));
    }
    office.pay(user, held.id, money(PRICE)).await.expect("pays");
    // Held or sold, nobody else can have it: that shows as soon as what another server sells.
    house.clock.advance(Duration::from_millis(500));
    assert_eq!(one.next().await.expect("an event").1, json!({"version": 1, "sold": [6]}));

    let tag = header(&site.get(&state).send().await, "etag").to_owned();
    let mut back = Listener::open(open().header("if-none-match", &tag)).await;
    let numbers = "40".parse::<SeatRanges>().expect("seats").numbers().collect::<Vec<_>>();
    office
        .back_office()
        .block_seats(concert, numbers.clone(), "camera".parse().expect("a reason"))
        .await
        .expect("blocks");
    assert_eq!(
        back.next().await.expect("an event").1,
        json!({"version": 1, "blocked": [39]}),
        "without the whole first"
    );
    office.back_office().price_seats(concert, numbers, money(7)).await.expect("prices");
    let (name, data) = back.next().await.expect("an event");
    assert_eq!((name.as_str(), &data["version"]), ("state", &json!(3)), "another plan, all anew");
}

#[tokio::test]
async fn a_concert_of_one_seat_has_a_plan_too() {
    let site = Site::open().await;
    let date = NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
    let concert = site.house.concert_in(date, vec![Section::plain(1, money(5))]).await;
    check_document(&site, concert).await;
    assert_eq!(agreed(&site, concert).await, BTreeMap::from([(1, "free")]));
}
