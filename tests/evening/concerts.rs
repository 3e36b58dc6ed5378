//! Concerts are made, changed and closed, in the zone of their venue.

use chrono::{NaiveDate, NaiveTime};
use concert_core::{
    ConcertChange, ConcertId, ConcertStatus, Error, IdempotencyKey, Marking, NewConcert, Page, Role, SeatRow, Section,
    TimeZone, Wanted,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::http::Site;
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}

fn zone(name: &str) -> TimeZone {
    name.parse().expect("a zone")
}

/// A concert of ten seats, today in UTC: it is noon on 2027-03-01.
fn today(time_zone: Option<&str>) -> NewConcert {
    let section = Section::in_rows(2, 5, money(PRICE)).with_name("Hall");
    NewConcert::new("Spring", day(2027, 3, 1), vec![section]).with_time_zone(time_zone.map(zone))
}

async fn key(site: &Site, role: Role) -> String {
    let name = format!("{role} 1").parse().expect("a name");
    let made = site.house.office.back_office().make_key(&name, role).await.expect("makes a key");
    made.secret.expose_secret().to_owned()
}

#[tokio::test]
async fn a_concert_is_not_added_for_a_day_that_is_over_and_is_not_moved_to_one() {
    let house = House::open().await;
    let back_office = house.office.back_office();
    let on = |date| NewConcert::new("Spring", date, vec![Section::plain(2, money(PRICE))]);
    let is_past = |refused: &Error| matches!(refused, Error::InvalidInput(why) if why.contains("would be over"));
    let typo = on(day(2026, 3, 2));
    for refused in [back_office.preview_concert(&typo).await, back_office.add_concert(&typo).await] {
        assert!(is_past(&refused.expect_err("is past")));
    }
    // Yesterday ends in Honolulu ten hours later than in UTC, and in Auckland earlier.
    let yesterday = on(day(2027, 2, 28));
    assert!(
        back_office.preview_concert(&yesterday.clone().with_time_zone(Some(zone("Pacific/Auckland")))).await.is_err()
    );
    house.clock.set(house.office.now() - chrono::TimeDelta::hours(6));
    back_office.preview_concert(&yesterday.with_time_zone(Some(zone("Pacific/Honolulu")))).await.expect("is not over");

    // A repeated request has its first answer on the day after, too.
    let key: IdempotencyKey = "spring".parse().expect("a key");
    let today = on(day(2027, 3, 1));
    let id = back_office.add_concert_once(today.clone(), &key).await.expect("adds it");
    let moved = |date| ConcertChange::new().with_date(date);
    let refused = back_office.change_concert(id, &moved(day(2026, 3, 2)), None).await;
    assert!(is_past(&refused.expect_err("is past")));
    back_office.change_concert(id, &moved(day(2027, 3, 2)), None).await.expect("is to come");
    house.advance(3 * 24 * 3_600);
    assert_eq!(back_office.add_concert_once(today, &key).await.expect("the same"), id);
    back_office.change_concert(id, &ConcertChange::new().with_name("Gone"), None).await.expect("it is over already");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_concert_whose_day_is_over_at_its_venue_is_held_by_no_way_and_is_in_no_list() {
    let house = House::open_with(|policy| policy.with_time_zone(zone("Asia/Seoul"))).await;
    let back_office = house.office.back_office();
    let (seoul, new_york) = (today(None), today(Some("America/New_York")));
    for new in [&seoul, &new_york] {
        back_office.add_concert(new).await.expect("adds it");
    }
    let best = || Wanted::BestAvailable { count: 1, section: None };
    // 14:59:59 UTC: the last second of the day in Seoul. The first hold locks, the next ones assume.
    house.advance(3 * 3600 - 1);
    let users = house.active_users(2, 1_000).await;
    let desk = || back_office.acting_for(users[1]);
    for number in [1, 2] {
        house.office.hold_one(users[0], seoul.id, seat(number)).await.expect("holds");
    }
    let listed = async || -> Vec<ConcertId> {
        house.office.concert_dates().await.expect("lists").iter().map(|date| date.concert).collect()
    };
    assert_eq!(listed().await.len(), 2);

    house.advance(1);
    let over = |refused: Result<_, Error>| assert_eq!(refused.map(drop).expect_err("is over").code(), "CONCERT_OVER");
    over(house.office.hold(users[0], seoul.id, seat(3)).await);
    over(house.office.hold(users[0], seoul.id, vec![seat(4), seat(5)]).await);
    over(house.office.hold(users[0], seoul.id, best()).await);
    over(house.office.hold(desk(), seoul.id, seat(3)).await);
    over(house.office.hold(desk(), seoul.id, best()).await);
    assert_eq!(listed().await, [new_york.id]);
    assert!(house.office.seats(seoul.id).await.expect("lists").iter().all(|seat| !seat.available));
    house.office.hold_one(users[0], new_york.id, seat(1)).await.expect("the day goes on there");
    // 05:00 UTC: over in New York, too.
    house.advance(14 * 3600);
    let user = house.active_users(1, 0).await[0];
    over(house.office.hold(user, new_york.id, seat(2)).await);
    house.assert_sound().await;
}

#[tokio::test]
async fn what_a_process_remembers_of_a_concert_is_of_one_version_also_where_the_row_is_changed_by_hand() {
    let house = House::open().await;
    let user = house.active_users(1, 1_000).await[0];
    let (other, new) = (house.another_office().await, today(None));
    house.office.back_office().add_concert(&new).await.expect("adds it");
    let held = async |number| house.office.hold_one(user, new.id, seat(number)).await;
    held(1).await.expect("holds, and remembers the hall");

    // Another process moves it to tomorrow, and then closes it.
    let moved = ConcertChange::new().with_date(day(2027, 3, 2));
    other.back_office().change_concert(new.id, &moved, None).await.expect("moves it");
    assert_eq!(held(2).await.expect("holds").performance_date, day(2027, 3, 2));
    other.back_office().change_concert(new.id, &ConcertChange::close(), None).await.expect("closes it");
    assert_eq!(held(3).await.expect_err("is closed").code(), "CONCERT_CLOSED");

    // By hand, without another version.
    house.tamper("update concerts set status = 'ON_SALE'").await;
    held(3).await.expect("is on sale");
    house.tamper("update concerts set time_zone = 'Pacific/Kiritimati', date = '2027-03-01'").await;
    assert_eq!(held(4).await.expect_err("it is the 2nd there").code(), "CONCERT_OVER");
    house.tamper("update concerts set status = 'CANCELLED', time_zone = null").await;
    assert_eq!(held(4).await.expect_err("is called off").code(), "CONCERT_CANCELLED");
    house.tamper("update concerts set status = 'ON_SALE', max_seats_per_user = 3").await;
    assert_eq!(held(4).await.expect_err("has three").code(), "SEAT_LIMIT");
}

#[tokio::test]
async fn a_closed_concert_is_shown_as_such_its_holds_are_paid_and_it_can_be_put_on_sale_again() {
    let house = House::open().await;
    let user = house.active_users(1, 1_000).await[0];
    let (back_office, new) = (house.office.back_office(), today(None));
    back_office.add_concert(&new).await.expect("adds it");
    let held = house.office.hold_one(user, new.id, seat(1)).await.expect("holds");
    let changed = back_office.change_concert(new.id, &ConcertChange::close(), Some(1)).await.expect("closes it");
    assert_eq!((changed.before.version, changed.after.version), (1, 2));

    let dates = house.office.concert_dates().await.expect("lists");
    assert_eq!((dates.len(), dates[0].status), (1, ConcertStatus::Closed));
    assert!(house.office.seats(new.id).await.expect("lists").iter().all(|seat| !seat.available));
    assert_eq!(house.office.hold(user, new.id, seat(2)).await.expect_err("is closed").code(), "CONCERT_CLOSED");
    house.office.pay(user, held.id, held.price).await.expect("pays what is held");

    let reopen = ConcertChange::new().with_status(ConcertStatus::OnSale);
    back_office.change_concert(new.id, &reopen, None).await.expect("puts it on sale");
    house.office.hold_one(user, new.id, seat(2)).await.expect("holds");
    let log = back_office.log(Page::default()).await.expect("reads").data;
    let acts: Vec<_> = log.iter().map(|entry| entry.act.as_str()).filter(|act| act.starts_with("CONCERT")).collect();
    assert_eq!(acts, ["CONCERT_EDIT", "CONCERT_CLOSE", "CONCERT_ADD"]);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_change_is_of_the_version_that_was_seen_and_one_that_changes_nothing_leaves_no_trace() {
    let house = House::open().await;
    let (back_office, new) = (house.office.back_office(), today(None));
    back_office.add_concert(&new).await.expect("adds it");
    let rename = |name: &str| ConcertChange::new().with_name(name);
    back_office.change_concert(new.id, &rename("Summer"), Some(1)).await.expect("changes it");
    let refused = back_office.change_concert(new.id, &rename("Winter"), Some(1)).await.expect_err("has changed");
    assert!(matches!(refused, Error::VersionChanged { version: 2 }), "{refused}");
    let same = back_office.change_concert(new.id, &rename("Summer"), None).await.expect("is so");
    assert_eq!(same.after.version, 2);
    let preview = back_office.preview_concert_change(new.id, &rename("Winter"), None).await.expect("would do");
    assert_eq!(preview.differences(), [("name", json!("Summer"), json!("Winter"))]);
    assert_eq!(back_office.concert(new.id).await.expect("is there").concert.name, "Summer");
    assert_eq!(house.count("select count(*) from operator_log where act like 'CONCERT%'").await, 2);
    let cancel = ConcertChange::new().with_status(ConcertStatus::Cancelled);
    assert_eq!(back_office.change_concert(new.id, &cancel, None).await.expect_err("not so").code(), "INVALID_REQUEST");
    // Of many changes from one version, one is made.
    let racing: Vec<_> = (0..8)
        .map(|nth| {
            let (back_office, id, change) = (back_office.clone(), new.id, rename(&format!("Name {nth}")));
            tokio::spawn(async move { back_office.change_concert(id, &change, Some(2)).await })
        })
        .collect();
    let mut made = 0;
    for one in racing {
        made += u32::from(one.await.expect("ends").is_ok());
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_hall_keeps_its_printed_numbers_places_marks_and_points() {
    let house = House::open().await;
    let numbers = [1, 3, 5, 2, 4, 6].map(seat).to_vec();
    let points = (0..6).map(|nth| (nth * 10, -5)).collect();
    let row = SeatRow::numbered("A", numbers).with_places([1, 2, 3, 5, 6, 7]).with_points(points);
    let accessible = Marking::of("accessible".parse().expect("a mark"), [seat(6)]);
    let stalls = Section::of_rows(vec![row, SeatRow::of("B", 2)], money(0)).with_name("Stalls");
    let stalls = stalls.with_marks(vec![accessible]);
    let new = NewConcert::new("Spring", day(2027, 4, 1), vec![stalls]);
    house.office.back_office().add_concert(&new).await.expect("adds it");
    let seats = house.office.seats(new.id).await.expect("lists");
    let shown: Vec<_> = seats.iter().map(|seat| (seat.number.get(), seat.row.as_deref(), seat.place)).collect();
    let (a, b) = (Some("A"), Some("B"));
    let expected = [
        (1, a, Some(1)),
        (2, a, Some(5)),
        (3, a, Some(2)),
        (4, a, Some(6)),
        (5, a, Some(3)),
        (6, a, Some(7)),
        (7, b, None),
        (8, b, None),
    ];
    assert_eq!(shown, expected);
    let marked = house.count("select count(*) from seats where marks = 'ACCESSIBLE' and seat_number = 6").await;
    assert_eq!((marked, house.count("select count(*) from seats where marks is not null").await), (1, 1));
    assert_eq!(house.count("select x from seats where seat_number = 2").await, 30);
    assert_eq!(house.count("select y from seats where seat_number = 2").await, -5);
    assert_eq!(house.count("select count(*) from seats where x is null").await, 2);
    assert_eq!(house.count("select count(*) from seat_runs").await, 2, "the whole row is one run of numbers");
    let user = house.active_users(1, 100).await[0];
    let together = house.office.hold(user, new.id, Wanted::BestAvailable { count: 3, section: None }).await;
    let numbers: Vec<_> = together.expect("holds").reservations.iter().map(|one| one.seat.get()).collect();
    assert!(numbers == [1, 3, 5] || numbers == [2, 4, 6], "{numbers:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn operators_make_change_and_close_a_concert_over_rest() {
    let site = Site::open().await;
    let key = key(&site, Role::Operator).await;
    let body = json!({
        "name": "봄", "date": "2027-05-01", "startsAt": "20:00", "timeZone": "Asia/Seoul", "maxSeatsPerUser": 2,
        "sections": [
            {"name": "VIP", "price": 150_000, "rows": [{"name": "A", "seats": [1, 3, 2, 4], "places": [1, 2, 4, 5]}],
             "marks": ["restricted view"]},
            {"name": "R", "price": 99.5, "rows": 2, "seats": 10, "marks": {"ACCESSIBLE": [5]}},
            {"price": 0, "seats": 3},
        ],
    });
    let made = site.post("/api/v1/admin/concerts", &body).bearer(&key).key("k").send().await.expect(201, "");
    assert_eq!(made.headers["etag"], "\"1\"");
    let id = made.body["concertId"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/admin/concerts/{id}");
    assert_eq!(made.headers["location"], path.as_str());
    assert_eq!((&made.body["seats"], &made.body["startsAt"]), (&json!(27), &json!("20:00")));
    assert_eq!(made.body["startsAtUtc"], "2027-05-01T11:00:00.000000Z");
    let again = site.post("/api/v1/admin/concerts", &body).bearer(&key).key("k").send().await.expect(201, "");
    assert_eq!(again.body["concertId"], made.body["concertId"], "one concert for one key");
    let mut other = body.clone();
    other["name"] = json!("Autumn");
    site.post("/api/v1/admin/concerts", &other)
        .bearer(&key)
        .key("k")
        .send()
        .await
        .expect(422, "IDEMPOTENCY_KEY_REUSED");

    let dates = site.get("/api/v1/reservations/dates").send().await;
    let date = dates.body.as_array().expect("dates").iter().find(|date| date["concertId"] == *id).expect("is listed");
    assert_eq!((&date["status"], &date["timeZone"]), (&json!("ON_SALE"), &json!("Asia/Seoul")));
    let patch = |body: Value| site.patch(&path, &body).bearer(&key);
    let closed = patch(json!({"status": "CLOSED"})).header("if-match", "\"1\"").send().await.expect(200, "");
    assert_eq!((closed.headers["etag"].to_str().expect("text"), &closed.body["status"]), ("\"2\"", &json!("CLOSED")));
    let late = patch(json!({"name": "late"})).header("if-match", "\"1\"").send().await.expect(412, "VERSION_CHANGED");
    assert_eq!(late.body["version"], 2);
    let dates = site.get("/api/v1/reservations/dates").send().await;
    let date = dates.body.as_array().expect("dates").iter().find(|date| date["concertId"] == *id).expect("is listed");
    assert_eq!(date["status"], "CLOSED", "this server shows its own changes at once");

    let moved =
        patch(json!({"startsAt": "2027-05-01T21:30:00+09:00", "maxSeatsPerUser": null})).send().await.expect(200, "");
    assert_eq!((&moved.body["startsAt"], &moved.body["maxSeatsPerUser"]), (&json!("21:30"), &json!(null)));
    let dry =
        site.patch(&format!("{path}?dryRun=true"), &json!({"name": "Dry"})).bearer(&key).send().await.expect(200, "");
    assert_eq!((&dry.body["before"]["name"], &dry.body["after"]["name"]), (&json!("봄"), &json!("Dry")));
    let list = site.get("/api/v1/admin/concerts?limit=1").bearer(&key).send().await;
    assert_eq!((&list.body["data"][0]["version"], &list.body["hasMore"]), (&json!(3), &json!(false)));
    site.house.assert_sound().await;
}

#[tokio::test]
async fn a_concert_that_cannot_be_is_refused_over_rest_with_a_sentence_that_helps() {
    let site = Site::open().await;
    let key = key(&site, Role::Operator).await;
    let sections = json!([{"price": 1, "seats": 1}]);
    let cases = [
        (json!({"name": "A", "date": "2027-05-01"}), 400, "missing field `sections`"),
        (json!({"name": "A", "date": "2027-02-30", "sections": sections}), 400, "out of range"),
        (json!({"name": "", "date": "2027-05-01", "sections": sections}), 400, "name of a concert"),
        (json!({"name": "A", "date": "2027-05-01", "timeZone": "KST", "sections": sections}), 400, "IANA"),
        (json!({"name": "A", "date": "2027-05-01", "startsAt": "8pm", "sections": sections}), 400, "such as 20:00"),
        (
            json!({"name": "A", "date": "2027-05-01", "startsAt": "2027-05-01T23:00:00Z", "timeZone": "Asia/Seoul",
                   "sections": sections}),
            400,
            "not on 2027-05-01",
        ),
        (json!({"name": "A", "date": "2027-05-01", "sections": []}), 400, "a concert has 1 to"),
        (json!({"name": "A", "date": "2027-05-01", "sections": [{"price": 1}]}), 400, "a section has rows"),
        (json!({"name": "A", "date": "2027-05-01", "sections": [{"price": -1, "seats": 1}]}), 400, "amount"),
        (
            json!({"name": "A", "date": "2027-05-01", "sections": [{"price": 1, "rows": [{"name": "A", "seats": [1, 1]}]}]}),
            400,
            "two seats have the number 1",
        ),
        (
            json!({"saleId": ConcertId::generate(), "name": "A", "date": "2027-05-01", "sections": sections}),
            404,
            "no such sale",
        ),
    ];
    for (body, status, part) in cases {
        let refused = site.post("/api/v1/admin/concerts", &body).bearer(&key).send().await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.body);
        assert!(refused.body["detail"].as_str().expect("a detail").contains(part), "{body}: {}", refused.body);
    }
    assert_eq!(site.house.count("select count(*) from concerts").await, 0);
}

#[tokio::test]
async fn a_stadium_of_65_000_seats_comes_in_over_the_library_with_one_key_once() {
    let house = House::open().await;
    let parts = [("Inner", 15_000), ("Outer", 50_000)];
    let parts: Vec<_> = parts.map(|(name, seats)| concert_core::HallPart::new(name, seats, money(PRICE))).to_vec();
    let sections = concert_core::generate_stadium(&parts).expect("a stadium");
    let eight = NaiveTime::from_hms_opt(20, 0, 0).expect("a time");
    let new = NewConcert::new("Stadium", day(2027, 6, 1), sections).with_start(eight);
    let key: IdempotencyKey = "stadium".parse().expect("a key");
    let back_office = house.office.back_office();
    let id = back_office.add_concert_once(new.clone(), &key).await.expect("adds it");
    assert_eq!(back_office.add_concert_once(new, &key).await.expect("is there"), id);
    let found = back_office.concert(id).await.expect("is there");
    assert_eq!((found.concert.seats, found.sections.iter().map(|section| section.free).sum::<u64>()), (65_000, 65_000));
    house.assert_sound().await;
}
